package io.equipoise.opentelemetry;

import io.equipoise.Metrics;
import io.equipoise.Scorer;
import io.equipoise.UsageException;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.BatchCallback;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableDoubleMeasurement;
import io.opentelemetry.api.metrics.ObservableMeasurement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A scorer's numbers as asynchronous instruments: {@code EquipoiseInstruments.register(scorer, meter)}.
 *
 * <p>Counters and gauges have the names and units of {@link Metrics#series()}. A histogram is two counters, since there is no asynchronous
 * one: {@code NAME.within} with the attribute {@code le}, cumulative, and {@code NAME.sum}; the bucket of {@code le="+Inf"} counts all.
 *
 * <p>One collection is one native call. Nothing is observed once the scorer is closed.
 */
public final class EquipoiseInstruments implements AutoCloseable {
  private final Scorer scorer;
  private final List<ObservableDoubleMeasurement> measurements = new ArrayList<>();
  private final List<Attributes> attributes = new ArrayList<>();
  private final BatchCallback callback;

  private EquipoiseInstruments(Scorer scorer, Meter meter, Attributes common) {
    this.scorer = scorer;
    Map<String, ObservableDoubleMeasurement> byName = new LinkedHashMap<>();
    for (Metrics.Series series : Metrics.series()) {
      String name = name(series);
      measurements.add(byName.computeIfAbsent(name, n -> build(meter, n, series)));
      AttributesBuilder own = common.toBuilder();
      if (!series.labelKey().isEmpty()) {
        own.put(series.labelKey(), series.labelValue());
      }
      attributes.add(own.build());
    }
    ObservableDoubleMeasurement[] all = byName.values().toArray(new ObservableDoubleMeasurement[0]);
    ObservableMeasurement[] others = java.util.Arrays.copyOfRange(all, 1, all.length, ObservableMeasurement[].class);
    callback = meter.batchCallback(this::observe, all[0], others);
  }

  private static String name(Metrics.Series series) {
    return switch (series.kind()) {
      case BUCKET -> series.name() + ".within";
      case SUM -> series.name() + ".sum";
      default -> series.name();
    };
  }

  private static ObservableDoubleMeasurement build(Meter meter, String name, Metrics.Series series) {
    if (series.kind() == Metrics.Kind.GAUGE) {
      return meter.gaugeBuilder(name).setUnit(series.unit()).setDescription(series.help()).buildObserver();
    }
    String unit = series.kind() == Metrics.Kind.BUCKET ? "{request}" : series.unit();
    return meter.counterBuilder(name).ofDoubles().setUnit(unit).setDescription(series.help()).buildObserver();
  }

  /**
   * Observes a scorer whenever the meter is collected.
   *
   * @param scorer whose numbers
   * @param meter of the service
   * @return closed to observe it no more
   */
  public static EquipoiseInstruments register(Scorer scorer, Meter meter) {
    return register(scorer, meter, Attributes.empty());
  }

  /**
   * Observes one scorer of several whenever the meter is collected.
   *
   * @param scorer whose numbers
   * @param meter of the service
   * @param attributes what tells its numbers from another's
   * @return closed to observe it no more
   */
  public static EquipoiseInstruments register(Scorer scorer, Meter meter, Attributes attributes) {
    return new EquipoiseInstruments(scorer, meter, attributes);
  }

  private void observe() {
    Metrics now;
    try {
      now = scorer.metrics();
    } catch (UsageException closed) {
      return;
    }
    for (int i = 0; i < measurements.size(); i++) {
      double value = now.value(i);
      if (!Double.isNaN(value)) {
        measurements.get(i).record(value, attributes.get(i));
      }
    }
  }

  /** Observes the scorer no more. */
  @Override
  public void close() {
    callback.close();
  }
}
