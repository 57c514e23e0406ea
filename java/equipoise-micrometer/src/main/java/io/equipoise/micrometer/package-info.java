/** Micrometer's meters for a {@link io.equipoise.Scorer}. */
package io.equipoise.micrometer;
