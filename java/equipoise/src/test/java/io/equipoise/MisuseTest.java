package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * What the documentation forbids: several threads in one workspace at once, and views written while they are read. Results may be anything and
 * calls may throw, but nothing panics inside and the process lives; the next request of a single thread is right again.
 */
class MisuseTest {
  private static final int ROUNDS = Soak.times(60);
  private static final int THREADS = 3;
  private static final int CALLS = 400;

  private final Map<String, Integer> outcomes = new TreeMap<>();

  private synchronized void count(String outcome) {
    outcomes.merge(outcome, 1, Integer::sum);
  }

  /** One call of any kind; {@code views} are of whatever request had them. */
  private static void call(Workspace ws, Policy[] policies, IntBuffer rows, FloatBuffer amounts, Random random) {
    switch (random.nextInt(10)) {
      case 0:
        ws.begin(policies[random.nextInt(policies.length)], 1 + random.nextInt(random.nextInt(100) == 0 ? 5000 : 100));
        break;
      case 1:
        ws.score(null, null, new float[20_000], null);
        break;
      case 2:
        ws.explain(random.nextInt(50));
        break;
      case 3:
        ws.record(true, true);
        break;
      case 4:
        ws.blend();
        break;
      case 5:
        rows.put(random.nextInt(rows.capacity()), random.nextInt());
        break;
      case 6:
        rows.put(random.nextInt(rows.capacity()), policies[0].row(Policies.shared(random.nextInt(Policies.SHARED))));
        break;
      case 7:
        amounts.put(random.nextInt(amounts.capacity()), random.nextInt(8) == 0 ? Float.NaN : random.nextFloat());
        break;
      default:
        ws.score();
    }
  }

  private void misuse(Workspace ws, Policy[] policies, IntBuffer rows, FloatBuffer amounts, int seed) {
    Random random = new Random(seed);
    for (int i = 0; i < CALLS; i++) {
      try {
        call(ws, policies, rows, amounts, random);
        count("done");
      } catch (EquipoiseException e) {
        count(e.code());
      } catch (IndexOutOfBoundsException | NullPointerException e) {
        // Java's own, from a buffer that another thread has just changed for a smaller or larger one.
        count(e.getClass().getSimpleName());
      }
    }
  }

  @Test
  void theProcessLivesAndTheNextRequestIsRight() throws Exception {
    Policy[] policies = {Policies.load("permuted-0"), Policies.load("example"), Policies.load("permuted-3")};
    AtomicReference<Throwable> wrong = new AtomicReference<>();
    try (Scorer scorer = Scorer.of(policies[0])) {
      for (int round = 0; round < ROUNDS; round++) {
        Workspace ws = scorer.newWorkspace(100);
        ws.begin(policies[0], 100);
        IntBuffer rows = ws.campaign();
        FloatBuffer amounts = ws.measure(0);
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
          int seed = round * THREADS + t;
          Thread thread = new Thread(() -> misuse(ws, policies, rows, amounts, seed));
          thread.setUncaughtExceptionHandler((of, e) -> wrong.set(e));
          thread.start();
          threads.add(thread);
        }
        for (Thread thread : threads) {
          thread.join();
        }
        if (wrong.get() != null) {
          throw new AssertionError(wrong.get());
        }
        ws.begin(policies[2], 2).campaign(1, policies[2].row("c-004")).measure(1, 0, 1f).score();
        assertEquals(1f - Policies.price(4, 3), ws.promotionScore(1));
        ws.close();
      }
    }
    System.out.println("executed " + outcomes.values().stream().mapToInt(Integer::intValue).sum() + " calls: " + outcomes);
    assertTrue(outcomes.keySet().stream().noneMatch(code -> code.startsWith("internal.")), outcomes.toString());
    assertTrue(outcomes.containsKey("done") && outcomes.containsKey("usage.concurrent"), outcomes.toString());
  }
}
