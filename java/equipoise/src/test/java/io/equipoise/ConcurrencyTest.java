package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** A workspace used by two threads at once says so to one of them; handing it over is fine. */
class ConcurrencyTest {
  private static void onAnotherThread(Runnable job) throws Exception {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                job.run();
              } catch (Throwable e) {
                thrown.set(e);
              }
            });
    thread.start();
    thread.join();
    if (thrown.get() != null) {
      throw new AssertionError(thrown.get());
    }
  }

  @Test
  void beginningOverAnotherThreadsRequestIsNoticed() throws Exception {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(4);
      ws.begin(p, 4);
      onAnotherThread(() -> ws.begin(p, 2));
      assertEquals("usage.concurrent", assertThrows(UsageException.class, ws::score).code());
      ws.begin(p, 4).score();
      assertEquals(0, ws.picks());
    }
  }

  @Test
  void aWorkspaceMayMoveBetweenThreads() throws Exception {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(4);
      ws.begin(p, 4);
      onAnotherThread(ws::score);
      assertEquals(0, ws.picks());
      onAnotherThread(() -> ws.begin(p, 3).score());
      ws.begin(p, 2).score();
    }
  }

  @Test
  void twoThreadsInsideAtOnceGetAnError() throws Exception {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(Workspace.LIMIT);
      ws.begin(p, Workspace.LIMIT);
      ws.score();
      AtomicBoolean stop = new AtomicBoolean();
      AtomicInteger refused = new AtomicInteger();
      AtomicReference<Throwable> wrong = new AtomicReference<>();
      Runnable loop =
          () -> {
            while (!stop.get()) {
              try {
                ws.score();
              } catch (UsageException e) {
                if (e.code().equals("usage.concurrent")) {
                  refused.incrementAndGet();
                } else {
                  wrong.set(e);
                }
              } catch (Throwable e) {
                wrong.set(e);
              }
            }
          };
      Thread a = new Thread(loop);
      Thread b = new Thread(loop);
      a.start();
      b.start();
      for (int i = 0; i < 200 && refused.get() < 10; i++) {
        Thread.sleep(10);
      }
      stop.set(true);
      a.join();
      b.join();
      assertEquals(null, wrong.get());
      assertTrue(refused.get() > 0, "two threads scored in one workspace for 2 s, and neither was told");
      ws.begin(p, 3).score();
      assertEquals(0f, ws.promotionScore(2));
    }
  }
}
