package io.equipoise.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.equipoise.InvalidInputException;
import io.equipoise.Metrics;
import io.equipoise.Scorer;
import io.equipoise.Workspace;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.junit.jupiter.api.Test;

/** Meters say what the scorer says. */
class EquipoiseMetricsTest {
  private static void use(Scorer scorer) {
    scorer.timeEvery(1);
    try (Workspace ws = scorer.borrow()) {
      for (int request = 0; request < 7; request++) {
        ws.begin(scorer.policy(), 3).score();
      }
      assertThrows(InvalidInputException.class, () -> ws.begin(scorer.policy(), 1).organic(0, Float.NaN).score());
    }
  }

  @Test
  void everyNumberIsAMeter() {
    try (Scorer scorer = Scorer.empty()) {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      use(scorer);
      new EquipoiseMetrics(scorer, Tags.of("scorer", "main")).bindTo(registry);
      Metrics told = scorer.metrics();
      int meters = 0;
      for (int i = 0; i < Metrics.series().size(); i++) {
        Metrics.Series series = Metrics.series().get(i);
        Tags tags = Tags.of("scorer", "main");
        tags = series.labelKey().isEmpty() ? tags : tags.and(series.labelKey(), series.labelValue());
        double value =
            switch (series.kind()) {
              case GAUGE -> registry.get(series.name()).tags(tags).gauge().value();
              case COUNTER -> registry.get(series.name()).tags(tags).functionCounter().count();
              case BUCKET -> registry.get(series.name() + ".within").tags(tags).functionCounter().count();
              case SUM -> registry.get(series.name() + ".sum").tags(tags).functionCounter().count();
            };
        if (series.kind() != Metrics.Kind.GAUGE) {
          assertEquals(told.value(i), value, series.toString());
        }
        meters++;
      }
      assertEquals(meters, registry.getMeters().size());
      assertEquals(8, registry.get("equipoise.score.requests").functionCounter().count());
      assertEquals(
          1, registry.get("equipoise.score.errors").tags("code", "invalid_input.not_finite").functionCounter().count());
    }
  }

  @Test
  void prometheusTakesThemAll() {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Scorer scorer = Scorer.empty();
    use(scorer);
    new EquipoiseMetrics(scorer).bindTo(registry);
    String text = registry.scrape();
    assertTrue(text.contains("equipoise_score_requests_total 8.0"), text);
    assertTrue(text.contains("equipoise_policy_age_seconds "), text);
    assertTrue(text.contains("equipoise_score_duration_within_total{le=\"+Inf\"} 8.0"), text);
    scorer.close();
    assertEquals(text.lines().filter(l -> l.startsWith("equipoise_score_requests")).toList(),
        registry.scrape().lines().filter(l -> l.startsWith("equipoise_score_requests")).toList());
  }

  @Test
  void metersFollow() throws Exception {
    try (Scorer scorer = Scorer.empty()) {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      new EquipoiseMetrics(scorer).bindTo(registry);
      assertEquals(0, registry.get("equipoise.score.requests").functionCounter().count());
      use(scorer);
      Thread.sleep(150);
      assertEquals(8, registry.get("equipoise.score.requests").functionCounter().count());
    }
  }
}
