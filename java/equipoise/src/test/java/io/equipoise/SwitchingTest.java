package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Switches and breakers on other threads, and what is told of those they keep out. */
class SwitchingTest {
  private static String reason(Scorer scorer) {
    try (Workspace ws = scorer.borrow()) {
      Policy live = scorer.policy();
      ws.begin(live, 1).time(0).slots(1).campaign(0, live.row(Policies.shared(1))).measure(0, 0, 1f).score();
      return ws.reason(0);
    }
  }

  /** A switch is flipped while threads score: within a second, and in truth at once, nobody's request is promoted any more. */
  @Test
  void aSwitchActsOnEveryThreadWithinASecond() throws Exception {
    try (Scorer scorer = Scorer.of(Policies.load("permuted-0"))) {
      for (Scope scope : List.of(Scope.CAMPAIGN, Scope.ALL)) {
        String id = scope == Scope.ALL ? "" : Policies.shared(1);
        AtomicLong flipped = new AtomicLong(Long.MAX_VALUE);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger after = new AtomicInteger();
        AtomicInteger before = new AtomicInteger();
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          Thread thread =
              new Thread(
                  () -> {
                    while (!stop.get()) {
                      boolean off = flipped.get() <= System.nanoTime();
                      String found = reason(scorer);
                      if (off) {
                        assertEquals("switched_off", found);
                        after.incrementAndGet();
                      } else if (found.equals("picked")) {
                        before.incrementAndGet();
                      }
                    }
                  });
          thread.setUncaughtExceptionHandler((of, e) -> wrong.set(e));
          thread.start();
          threads.add(thread);
        }
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (before.get() < 100 && System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        long start = System.nanoTime();
        scorer.switchOff(scope, id);
        flipped.set(System.nanoTime());
        assertTrue(flipped.get() - start < Duration.ofSeconds(1).toNanos(), "the call itself took longer");
        while (after.get() < 100 && wrong.get() == null && System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        stop.set(true);
        for (Thread thread : threads) {
          thread.join();
        }
        assertNull(wrong.get());
        assertTrue(before.get() >= 100 && after.get() >= 100, before + " before, " + after + " after");
        scorer.switchOn(scope, id);
      }
    }
  }

  @Test
  void whyNotIsToldOfSwitchesAndBreakers() {
    Policy p = Policies.load("permuted-0");
    int[] rows = {p.row(Policies.shared(1)), p.row(Policies.shared(2))};
    try (Scorer scorer = Scorer.of(p)) {
      scorer.switchOff(Scope.CAMPAIGN, Policies.shared(1));
      scorer.setBreaker(Breaker.of("skip", 0.5, 1, 10));
      scorer.recordResponse(Policies.shared(2), 2, 2);
      try (Workspace ws = scorer.borrow()) {
        ws.begin(p, 2).time(0).slots(1).campaign(rows).measure(0, new float[] {1f, 1f}).score();
        assertEquals(0, ws.picks());
        assertEquals(List.of("switched_off", "breaker"), List.of(ws.explain(0).cause().name(), ws.explain(1).cause().name()));
        assertTrue(ws.explain(0).cause().text().contains(Policies.shared(1)), ws.explain(0).cause().text());
        assertTrue(ws.explain(1).cause().text().contains(Policies.shared(2)), ws.explain(1).cause().text());
        DecisionRecord record = ws.record(true, true);
        assertEquals(List.of("switched_off", "breaker"), record.candidates().reason());
        assertEquals(record, record.replay(p));
      }
    }
  }
}
