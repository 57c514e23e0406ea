package io.equipoise.micrometer;

import io.equipoise.Metrics;
import io.equipoise.Scorer;
import io.equipoise.UsageException;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * A scorer's numbers as meters: {@code new EquipoiseMetrics(scorer).bindTo(registry)}.
 *
 * <p>Counters and gauges have the names of {@link Metrics#series()}. A histogram is two counters, since Micrometer cannot take one that was
 * counted elsewhere: {@code NAME.within} with the label {@code le}, cumulative as Prometheus has it, and {@code NAME.sum}; the bucket of
 * {@code le="+Inf"} counts all.
 *
 * <p>To Prometheus they are {@code equipoise_score_requests_total}, {@code equipoise_policy_age_seconds},
 * {@code equipoise_score_duration_within_total{le="..."}} and so on.
 *
 * <p>A registry reads meter by meter. The scorer is asked once in a while, by one native call, and what it answered serves all meters that
 * are read within a hundredth of a second. Once the scorer is closed meters stay as they were last read. Any thread may read.
 */
public final class EquipoiseMetrics implements MeterBinder {
  private static final long FRESH_NANOS = 10_000_000L;

  private final Scorer scorer;
  private final Iterable<Tag> tags;
  private Metrics latest;
  private long readAt;

  /**
   * Of one scorer.
   *
   * @param scorer whose numbers
   */
  public EquipoiseMetrics(Scorer scorer) {
    this(scorer, List.of());
  }

  /**
   * Of one scorer of several.
   *
   * @param scorer whose numbers
   * @param tags what tells its meters from another's
   */
  public EquipoiseMetrics(Scorer scorer, Iterable<Tag> tags) {
    this.scorer = scorer;
    this.tags = tags;
    this.latest = scorer.metrics();
    this.readAt = System.nanoTime();
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    List<Metrics.Series> all = Metrics.series();
    for (int i = 0; i < all.size(); i++) {
      int at = i;
      Metrics.Series series = all.get(i);
      Tags own = Tags.of(tags);
      if (!series.labelKey().isEmpty()) {
        own = own.and(series.labelKey(), series.labelValue());
      }
      DoubleSupplier value = () -> metrics().value(at);
      switch (series.kind()) {
        case GAUGE ->
            Gauge.builder(series.name(), value::getAsDouble)
                .tags(own)
                .baseUnit(unit(series))
                .description(series.help())
                .strongReference(true)
                .register(registry);
        case COUNTER -> counter(registry, series.name(), series, own, value);
        case BUCKET -> counter(registry, series.name() + ".within", series, own, value);
        case SUM -> counter(registry, series.name() + ".sum", series, own, value);
      }
    }
  }

  private void counter(MeterRegistry registry, String name, Metrics.Series series, Tags own, DoubleSupplier value) {
    // The bound object is this one, held by the supplier too: meters live as long as the registry.
    FunctionCounter.builder(name, value, DoubleSupplier::getAsDouble)
        .tags(own)
        .baseUnit(unit(series))
        .description(series.help())
        .register(registry);
  }

  /** Micrometer's word for a UCUM unit; counts of things have none. */
  private static String unit(Metrics.Series series) {
    if (series.kind() == Metrics.Kind.BUCKET) {
      return null;
    }
    return switch (series.unit()) {
      case "s" -> "seconds";
      case "By" -> "bytes";
      default -> null;
    };
  }

  private synchronized Metrics metrics() {
    if (System.nanoTime() - readAt > FRESH_NANOS) {
      try {
        latest = scorer.metrics();
      } catch (UsageException closed) {
        // Nothing counts any more: what was read last stays.
      }
      readAt = System.nanoTime();
    }
    return latest;
  }
}
