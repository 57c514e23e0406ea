/** Events of the Java Flight Recorder for a {@link io.equipoise.Scorer}. */
package io.equipoise.jfr;
