package io.equipoise.example;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Who answers requests. */
final class Threads {
  private Threads() {}

  /** A fixed number of platform threads, or a virtual thread for each request. */
  static ExecutorService start(Options options) {
    if (!options.virtual()) {
      return Executors.newFixedThreadPool(options.threads());
    }
    try {
      // By reflection, because this compiles for JDK 17.
      return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException("--virtual-threads needs JDK 21 or later, this is " + Runtime.version(), e);
    }
  }
}
