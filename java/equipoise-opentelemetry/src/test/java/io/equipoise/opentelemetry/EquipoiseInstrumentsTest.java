package io.equipoise.opentelemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.equipoise.Metrics;
import io.equipoise.Scorer;
import io.equipoise.Workspace;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.DoublePointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Instruments say what the scorer says. */
class EquipoiseInstrumentsTest {
  private final InMemoryMetricReader reader = InMemoryMetricReader.create();
  private final SdkMeterProvider provider = SdkMeterProvider.builder().registerMetricReader(reader).build();

  private Map<String, Double> collect() {
    Map<String, Double> found = new HashMap<>();
    for (MetricData metric : reader.collectAllMetrics()) {
      boolean gauge = metric.getType() == MetricDataType.DOUBLE_GAUGE;
      for (DoublePointData point : (gauge ? metric.getDoubleGaugeData() : metric.getDoubleSumData()).getPoints()) {
        StringBuilder label = new StringBuilder();
        point.getAttributes().forEach((AttributeKey<?> key, Object value) -> label.append(key.getKey()).append('=').append(value));
        found.put(metric.getName() + label, point.getValue());
      }
    }
    return found;
  }

  @Test
  void everyNumberIsCollectedUntilClosed() {
    try (Scorer scorer = Scorer.empty();
        Workspace ws = scorer.borrow()) {
      scorer.timeEvery(1);
      EquipoiseInstruments instruments = EquipoiseInstruments.register(scorer, provider.get("test"));
      for (int request = 0; request < 5; request++) {
        ws.begin(scorer.policy(), 3).score();
      }
      Metrics told = scorer.metrics();
      Map<String, Double> found = collect();
      int compared = 0;
      for (int i = 0; i < Metrics.series().size(); i++) {
        Metrics.Series series = Metrics.series().get(i);
        String suffix = series.kind() == Metrics.Kind.BUCKET ? ".within" : series.kind() == Metrics.Kind.SUM ? ".sum" : "";
        String label = series.labelKey().isEmpty() ? "" : series.labelKey() + "=" + series.labelValue();
        if (series.kind() != Metrics.Kind.GAUGE) {
          assertEquals(told.value(i), found.get(series.name() + suffix + label), series.toString());
          compared++;
        }
      }
      assertEquals(true, compared > 20);
      assertEquals(5.0, found.get("equipoise.score.requests"));
      instruments.close();
      assertEquals(Map.of(), collect());
    }
  }

  @Test
  void aClosedScorerIsNotObserved() {
    Scorer scorer = Scorer.empty();
    try (EquipoiseInstruments instruments = EquipoiseInstruments.register(scorer, provider.get("test"))) {
      scorer.close();
      assertEquals(Map.of(), collect());
    }
  }
}
