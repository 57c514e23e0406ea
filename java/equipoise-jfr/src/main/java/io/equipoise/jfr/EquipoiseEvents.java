package io.equipoise.jfr;

import io.equipoise.Metrics;
import io.equipoise.Scorer;
import io.equipoise.UsageException;
import java.util.List;
import jdk.jfr.FlightRecorder;

/**
 * A scorer's numbers as periodic events {@code io.equipoise.Number}: {@code EquipoiseEvents.register("main", scorer)}.
 *
 * <p>While a recording has the event enabled, once in its period (10 s unless a recording says otherwise) the scorer is asked by one native
 * call, and every number of {@link Metrics#series()} that is not zero is an event with its name, label, unit and value. Without a recording
 * nothing is asked. Nothing is emitted once the scorer is closed.
 */
public final class EquipoiseEvents implements AutoCloseable {
  private final String name;
  private final Scorer scorer;
  private final Runnable hook = this::emit;

  private EquipoiseEvents(String name, Scorer scorer) {
    this.name = name;
    this.scorer = scorer;
  }

  /**
   * Emits a scorer's numbers from now on.
   *
   * @param name what tells its events from another's
   * @param scorer whose numbers
   * @return closed to emit no more
   */
  public static EquipoiseEvents register(String name, Scorer scorer) {
    EquipoiseEvents events = new EquipoiseEvents(name, scorer);
    FlightRecorder.addPeriodicEvent(NumberEvent.class, events.hook);
    return events;
  }

  private void emit() {
    Metrics now;
    try {
      now = scorer.metrics();
    } catch (UsageException closed) {
      return;
    }
    List<Metrics.Series> all = Metrics.series();
    for (int i = 0; i < all.size(); i++) {
      if (now.value(i) != 0 && !Double.isNaN(now.value(i))) {
        Metrics.Series series = all.get(i);
        NumberEvent event = new NumberEvent();
        event.scorer = name;
        event.number = series.name();
        event.label = series.labelKey().isEmpty() ? "" : series.labelKey() + "=" + series.labelValue();
        event.unit = series.unit();
        event.value = now.value(i);
        event.commit();
      }
    }
  }

  /** Emits no more. */
  @Override
  public void close() {
    FlightRecorder.removePeriodicEvent(hook);
  }
}
