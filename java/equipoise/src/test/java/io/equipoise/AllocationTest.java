package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.junit.jupiter.api.Test;

/** A request allocates nothing in Java: not its begin, its setters, its score, nor its results. */
class AllocationTest {
  private static final int REQUESTS = 10_000;
  private static final int N = 200;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private long bytes(Runnable job) {
    long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    job.run();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
  }

  private static float request(Workspace ws, Policy p, int[] rows, float[] organic, int[] row, long key) {
    ws.begin(p, N).market(0).surface(0).slots(2).key(key).reference(0.41f);
    for (int i = 0; i < N; i++) {
      ws.organic(i, 0.5f).campaign(i, rows[i % rows.length]).measure(i, 0, 0.12f).item(i, i);
    }
    ws.organic(organic).campaign(row).measure(1, organic);
    ws.score();
    float sum = ws.promotionScore(3) + ws.reason(4).length();
    for (int k = 0; k < ws.picks(); k++) {
      sum += ws.pick(k) + ws.position(k);
    }
    ws.promotionScores(organic);
    return sum + ws.time();
  }

  @Test
  void aRequestAllocatesNothing() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      scorer.warmUp();
      Policy p = scorer.policy();
      int[] rows = {p.row("campaign-17"), p.row("only-sweden"), Policy.UNKNOWN, Policy.ORGANIC};
      int[] row = new int[N];
      java.util.Arrays.fill(row, rows[0]);
      float[] organic = new float[N];
      Workspace ws = scorer.newWorkspace(N);
      Runnable requests =
          () -> {
            for (int r = 0; r < REQUESTS; r++) {
              java.util.Arrays.fill(organic, 0.25f);
              request(ws, p, rows, organic, row, r);
            }
          };
      requests.run();
      assertEquals(0, least(requests), "bytes for " + REQUESTS + " requests");
    }
  }

  @Test
  void viewsAllocateNothing() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      int row = p.row("campaign-17");
      Workspace ws = scorer.newWorkspace(N);
      Runnable requests =
          () -> {
            for (int r = 0; r < REQUESTS; r++) {
              ws.begin(scorer.policy(), N).key(r).time(0);
              FloatBuffer organic = ws.organic();
              IntBuffer campaign = ws.campaign();
              FloatBuffer stream = ws.measure(0);
              for (int i = 0; i < N; i++) {
                organic.put(i, 0.5f);
                campaign.put(i, row);
                stream.put(i, 0.1f);
              }
              ws.score();
            }
          };
      requests.run();
      assertEquals(0, least(requests), "bytes for " + REQUESTS + " requests");
    }
  }

  @Test
  void arraysAllocateNothing() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      for (int n : new int[] {100, 500}) {
        Workspace ws = scorer.newWorkspace(n);
        int[] row = new int[n];
        java.util.Arrays.fill(row, p.row("campaign-17"));
        float[] organic = new float[n];
        float[] measures = new float[n * p.measures().size()];
        float[] scores = new float[n];
        Runnable requests =
            () -> {
              for (int r = 0; r < REQUESTS; r++) {
                ws.begin(p, n).key(r).time(0);
                ws.score(organic, row, measures, scores);
                ws.begin(p, n).key(r).time(0);
                ws.scoreByCandidate(organic, row, measures, scores);
              }
            };
        requests.run();
        assertEquals(0, least(requests), "bytes for " + REQUESTS + " requests of " + n);
      }
    }
  }

  @Test
  void borrowingAllocatesTheWorkspaceAlone() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Runnable requests =
          () -> {
            for (int r = 0; r < REQUESTS; r++) {
              try (Workspace ws = scorer.borrow()) {
                ws.begin(scorer.policy(), N).key(r).time(0).score();
              }
            }
          };
      requests.run();
      assertTrue(least(requests) <= 32L * REQUESTS, "bytes for " + REQUESTS + " requests: " + least(requests));
    }
  }

  /** The least of some runs: compilation in between may charge a thread for its own work. */
  private long least(Runnable job) {
    long least = Long.MAX_VALUE;
    for (int run = 0; run < 5; run++) {
      least = Math.min(least, bytes(job));
    }
    return least;
  }
}
