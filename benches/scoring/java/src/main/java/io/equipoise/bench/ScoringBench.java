package io.equipoise.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One benchmark per variant. {@link Main} runs them in turns; {@code -Dequipoise.bench.folder} is what the files program wrote. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ScoringBench {
  /** Requests of a sample: so many that reading the clock does not count, so few that a sample is seldom interrupted. */
  private static final int REQUESTS = 16;

  /** Candidates of a request. */
  @Param({"500"})
  public int n;

  /** Nanoseconds between swaps of the policy by another thread; 0 for none. */
  @Param({"0"})
  public long swap;

  /** Made once for each n: this runs without forks, and every variant anew. */
  private static Contenders made;
  private static int madeFor;

  private Contenders contenders;
  private Thread swapper;
  private volatile boolean stop;

  /** Makes the variants, checks them, and starts to swap. */
  @Setup(Level.Trial)
  public void start() throws IOException {
    if (madeFor != n) {
      if (made != null) {
        made.close();
      }
      made = new Contenders(Path.of(System.getProperty("equipoise.bench.folder")), n);
      madeFor = n;
    }
    contenders = made;
    if (swap > 0) {
      stop = false;
      swapper =
          new Thread(
              () -> {
                while (!stop) {
                  contenders.swap();
                  LockSupport.parkNanos(swap);
                }
              });
      swapper.start();
    }
  }

  /** Stops to swap. */
  @TearDown(Level.Trial)
  public void end() throws InterruptedException {
    if (swapper != null) {
      stop = true;
      swapper.join();
      swapper = null;
    }
  }

  /** The native kernel, called from native code. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int rust() {
    return contenders.nativeRun(REQUESTS);
  }

  /** The workspace's memory, in place. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int buffer() {
    int picks = 0;
    for (int request = 0; request < REQUESTS; request++) {
      picks += contenders.buffer();
    }
    return picks;
  }

  /** The workspace, filled from arrays and read back. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int filled() {
    int picks = 0;
    for (int request = 0; request < REQUESTS; request++) {
      picks += contenders.filled();
    }
    return picks;
  }

  /** The same, each request by itself. */
  @Benchmark
  public int single() {
    return contenders.filled();
  }

  /** Arrays of the heap. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int heap() {
    int picks = 0;
    for (int request = 0; request < REQUESTS; request++) {
      picks += contenders.heap();
    }
    return picks;
  }

  /** Plain Java over primitive arrays. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int plain() {
    int picks = 0;
    for (int request = 0; request < REQUESTS; request++) {
      picks += contenders.plain();
    }
    return picks;
  }

  /** Java with the Vector API. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int vector() {
    int picks = 0;
    for (int request = 0; request < REQUESTS; request++) {
      picks += contenders.lanes();
    }
    return picks;
  }

  /** Java with objects, a map and a priority queue. */
  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public int objects() {
    int picks = 0;
    for (int request = 0; request < REQUESTS; request++) {
      picks += contenders.objects();
    }
    return picks;
  }
}
