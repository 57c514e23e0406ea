package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Threads score while another installs policies whose rows are permuted: every answer is from exactly one policy. */
class HammerTest {
  private static final long MILLISECONDS = Long.getLong("equipoise.hammer", 5_000);
  private static final int CANDIDATES = 64;

  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicReference<Throwable> wrong = new AtomicReference<>();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong foreign = new AtomicLong();
  private final AtomicLong installs = new AtomicLong();

  /** Which of the permuted policies has this id. */
  private static int number(String[] ids, String id) {
    for (int k = 0; k < ids.length; k++) {
      if (ids[k].equals(id)) {
        return k;
      }
    }
    throw new AssertionError("no policy has the id " + id);
  }

  private void serve(Scorer scorer, Policy[] loaded, String[] ids, int seed) {
    Random random = new Random(seed);
    Workspace own = scorer.newWorkspace(CANDIDATES);
    int[] campaign = new int[CANDIDATES];
    String[] shared = new String[Policies.SHARED];
    for (int i = 0; i < shared.length; i++) {
      shared[i] = Policies.shared(i);
    }
    int[] rows = new int[shared.length];
    while (!stop.get()) {
      boolean lend = random.nextInt(4) == 0;
      Workspace ws = lend ? scorer.borrow() : own;
      Policy p = scorer.policy();
      int k = number(ids, p.id());
      p.rows(shared, rows);
      ws.begin(p, CANDIDATES).time(0).slots(3);
      for (int i = 0; i < CANDIDATES; i++) {
        campaign[i] = random.nextInt(Policies.SHARED);
        ws.campaign(i, rows[campaign[i]]).measure(i, 0, 1f);
      }
      if (random.nextInt(8) == 0) {
        // A row of the policy that is current now, as after a swap between resolving and scoring, or of any.
        Policy now = random.nextBoolean() ? scorer.policy() : loaded[random.nextInt(loaded.length)];
        int i = random.nextInt(CANDIDATES);
        ws.campaign(i, now.row(shared[campaign[i]]));
        if (!now.id().equals(p.id())) {
          try {
            ws.score();
            throw new AssertionError("a foreign row was scored");
          } catch (InvalidInputException e) {
            assertEquals("invalid_input.foreign_row", e.code());
            assertEquals(i, e.index());
            foreign.incrementAndGet();
            if (lend) {
              ws.close();
            }
            continue;
          }
        }
      }
      ws.score();
      assertEquals(p.id(), ws.policyId());
      for (int i = 0; i < CANDIDATES; i++) {
        assertEquals(1f - Policies.price(campaign[i], k), ws.promotionScore(i));
      }
      assertEquals(3, ws.picks());
      if (random.nextInt(64) == 0) {
        assertEquals((double) ws.promotionScore(5), ws.explain(5).total());
      }
      if (lend) {
        ws.close();
      }
      requests.incrementAndGet();
    }
  }

  private void swap(Scorer scorer, byte[][] files) {
    Random random = new Random(1);
    while (!stop.get()) {
      scorer.install(Policy.fromBytes(files[random.nextInt(files.length)]));
      if (installs.incrementAndGet() % 50 == 0) {
        System.gc();
      }
      Thread.yield();
    }
  }

  private Thread start(Runnable job) {
    Thread thread =
        new Thread(
            () -> {
              try {
                job.run();
              } catch (Throwable e) {
                wrong.compareAndSet(null, e);
                stop.set(true);
              }
            });
    thread.start();
    return thread;
  }

  @Test
  void everyAnswerIsFromOnePolicy() throws Exception {
    byte[][] files = new byte[Policies.PERMUTED][];
    Policy[] loaded = new Policy[files.length];
    String[] ids = new String[files.length];
    for (int k = 0; k < files.length; k++) {
      files[k] = java.nio.file.Files.readAllBytes(Policies.path("permuted-" + k));
      loaded[k] = Policy.fromBytes(files[k]);
      ids[k] = loaded[k].id();
    }
    try (Scorer scorer = Scorer.of(Policy.fromBytes(files[0]))) {
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int seed = t;
        threads.add(start(() -> serve(scorer, loaded, ids, seed)));
      }
      threads.add(start(() -> swap(scorer, files)));
      long end = System.currentTimeMillis() + MILLISECONDS;
      while (!stop.get() && System.currentTimeMillis() < end) {
        Thread.sleep(10);
      }
      stop.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
    }
    if (wrong.get() != null) {
      throw new AssertionError(wrong.get());
    }
    System.out.printf("executed %d requests, %d foreign rows, %d installs%n", requests.get(), foreign.get(), installs.get());
    assertTrue(requests.get() > 1000 && installs.get() > 20 && foreign.get() > 20, "too little happened");
  }
}
