package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Threads score while others install policies whose rows are permuted, close policies and scorers that are in use, and collect garbage: every
 * answer is from exactly one policy, and whoever comes too late is told so.
 */
class HammerTest {
  private static final long MILLISECONDS = Soak.milliseconds(5);
  private static final int THREADS = 4;
  /** More than are copied where measures come in an array: the array itself is read. */
  private static final int MOST = 1024;

  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicReference<Throwable> wrong = new AtomicReference<>();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong foreign = new AtomicLong();
  private final AtomicLong late = new AtomicLong();
  private final AtomicLong installs = new AtomicLong();
  private final AtomicLong closes = new AtomicLong();
  private final AtomicLong collections = new AtomicLong();

  private final byte[][] files = new byte[Policies.PERMUTED][];
  private final Policy[] loaded = new Policy[Policies.PERMUTED];
  private final String[] shared = new String[Policies.SHARED];

  /** Closed and made anew all the time. */
  private volatile Scorer passing;

  @BeforeEach
  void load() throws IOException {
    for (int k = 0; k < files.length; k++) {
      files[k] = Files.readAllBytes(Policies.path("permuted-" + k));
      loaded[k] = Policy.fromBytes(files[k]);
    }
    Arrays.setAll(shared, Policies::shared);
  }

  /** Which of the permuted policies this is. */
  private int number(Policy policy) {
    for (int k = 0; k < loaded.length; k++) {
      if (loaded[k].id().equals(policy.id())) {
        return k;
      }
    }
    throw new AssertionError("no policy has the id " + policy.id());
  }

  private Policy fresh(Random random) {
    return Policy.fromBytes(files[random.nextInt(files.length)]);
  }

  private void serve(Scorer lasting, int seed) {
    Random random = new Random(seed);
    Workspace own = lasting.newWorkspace(MOST);
    while (!stop.get()) {
      Scorer scorer = random.nextInt(4) == 0 ? passing : lasting;
      try {
        if (scorer == lasting && random.nextInt(4) != 0) {
          request(lasting, own, random);
        } else {
          try (Workspace lent = scorer.borrow()) {
            request(scorer, lent, random);
          }
        }
      } catch (UsageException e) {
        assertEquals(UsageException.CLOSED, e.code());
        late.incrementAndGet();
      }
    }
  }

  private void request(Scorer scorer, Workspace ws, Random random) {
    Policy p = scorer.policy();
    int k = number(p);
    int n = random.nextInt(8) == 0 ? MOST : 3 + random.nextInt(62);
    int[] rows = new int[shared.length];
    p.rows(shared, rows);
    int[] campaign = random.ints(n, 0, shared.length).toArray();
    int[] given = Arrays.stream(campaign).map(c -> rows[c]).toArray();
    boolean inArrays = random.nextInt(3) == 0;
    ws.begin(p, n).time(0).slots(3);
    for (int i = 0; i < n && !inArrays; i++) {
      ws.campaign(i, given[i]).measure(i, 0, 1f);
    }
    if (random.nextInt(8) == 0) {
      // A row of the policy that is current now, as after a swap between resolving and scoring, or of any.
      Policy now = random.nextBoolean() ? scorer.policy() : loaded[random.nextInt(loaded.length)];
      int i = random.nextInt(n);
      given[i] = now.row(shared[campaign[i]]);
      ws.campaign(i, given[i]);
      if (!now.id().equals(p.id())) {
        refused(ws, inArrays, given, i);
        return;
      }
    }
    score(ws, inArrays, given);
    assertEquals(p.id(), ws.policyId());
    for (int i = 0; i < n; i++) {
      assertEquals(1f - Policies.price(campaign[i], k), ws.promotionScore(i));
    }
    assertEquals(3, ws.picks());
    requests.incrementAndGet();
    if (random.nextInt(64) == 0) {
      int i = random.nextInt(n);
      assertEquals((double) ws.promotionScore(i), ws.explain(i).total());
      assertEquals(n, ws.blend().length);
      assertEquals(p.id(), ws.record(true, true).policyId());
    }
  }

  private static void score(Workspace ws, boolean inArrays, int[] rows) {
    if (inArrays) {
      float[] ones = new float[rows.length];
      Arrays.fill(ones, 1f);
      ws.score(null, rows, ones, null);
    } else {
      ws.score();
    }
  }

  private void refused(Workspace ws, boolean inArrays, int[] rows, int at) {
    try {
      score(ws, inArrays, rows);
    } catch (InvalidInputException e) {
      assertEquals("invalid_input.foreign_row", e.code());
      assertEquals(at, e.index());
      foreign.incrementAndGet();
      return;
    }
    throw new AssertionError("a foreign row was scored");
  }

  /** Installs; at times the policy before is closed, though there may be requests that use it. */
  private void swap(Scorer scorer) {
    Random random = new Random(1);
    while (!stop.get()) {
      Policy before = scorer.policy();
      scorer.install(fresh(random));
      if (random.nextInt(4) == 0 && scorer.policy() != before) {
        before.close();
      }
      if (installs.incrementAndGet() % 50 == 0) {
        System.gc();
        collections.incrementAndGet();
      }
      Thread.yield();
    }
  }

  /** Closes scorers that others are scoring with. */
  private void close() {
    Random random = new Random(2);
    while (!stop.get()) {
      Scorer before = passing;
      passing = Scorer.of(fresh(random));
      before.close();
      closes.incrementAndGet();
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
    passing = Scorer.of(loaded[0]);
    try (Scorer lasting = Scorer.of(Policy.fromBytes(files[0]))) {
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        int seed = t;
        threads.add(start(() -> serve(lasting, seed)));
      }
      threads.add(start(() -> swap(lasting)));
      threads.add(start(this::close));
      long end = System.nanoTime() + MILLISECONDS * 1_000_000;
      while (!stop.get() && System.nanoTime() < end) {
        Thread.sleep(10);
      }
      stop.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
    }
    passing.close();
    if (wrong.get() != null) {
      throw new AssertionError(wrong.get());
    }
    System.out.printf(
        "executed %d requests, %d foreign rows, %d too late, over %d installs, %d closed scorers, %d collections in %d s%n",
        requests.get(), foreign.get(), late.get(), installs.get(), closes.get(), collections.get(), MILLISECONDS / 1000);
    assertTrue(requests.get() > 1000 && installs.get() > 100 && closes.get() > 100, "too little happened");
    assertTrue(foreign.get() > 20 && late.get() > 20 && collections.get() > 1, "too little happened");
  }
}
