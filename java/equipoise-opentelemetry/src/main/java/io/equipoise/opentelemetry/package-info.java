/** OpenTelemetry's instruments for a {@link io.equipoise.Scorer}. */
package io.equipoise.opentelemetry;
