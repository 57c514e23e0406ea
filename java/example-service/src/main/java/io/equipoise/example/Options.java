package io.equipoise.example;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What the service is started with.
 *
 * @param policy the policy file; it may be replaced while the service runs
 * @param port the port to listen on; 0 takes any that is free
 * @param threads how many threads answer requests
 * @param virtual a virtual thread for every request instead, where the JDK has them (21 and later)
 * @param watch how often the policy file is looked at
 * @param grace how long requests under way may take when the service stops
 */
public record Options(Path policy, int port, int threads, boolean virtual, Duration watch, Duration grace) {
  private static final String USAGE =
      "usage: --policy FILE [--port 8080] [--threads N] [--virtual-threads] [--watch-milliseconds 1000] [--grace-milliseconds 5000]";

  /** The service of one policy file, on any free port, with a thread per processor. */
  static Options of(Path policy) {
    return new Options(policy, 0, Runtime.getRuntime().availableProcessors(), false, Duration.ofSeconds(1), Duration.ofSeconds(5));
  }

  /** Reads a command line; throws with the usage where it is wrong. */
  static Options parse(String... arguments) {
    Path policy = null;
    int port = 8080;
    int threads = Runtime.getRuntime().availableProcessors();
    boolean virtual = false;
    long watch = 1_000;
    long grace = 5_000;
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i];
      if (name.equals("--virtual-threads")) {
        virtual = true;
        continue;
      }
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(name + " has no value; " + USAGE);
      }
      String value = arguments[++i];
      switch (name) {
        case "--policy" -> policy = Path.of(value);
        case "--port" -> port = Integer.parseInt(value);
        case "--threads" -> threads = Integer.parseInt(value);
        case "--watch-milliseconds" -> watch = Long.parseLong(value);
        case "--grace-milliseconds" -> grace = Long.parseLong(value);
        default -> throw new IllegalArgumentException("unknown option " + name + "; " + USAGE);
      }
    }
    if (policy == null) {
      throw new IllegalArgumentException(USAGE);
    }
    return new Options(policy, port, threads, virtual, Duration.ofMillis(watch), Duration.ofMillis(grace));
  }
}
