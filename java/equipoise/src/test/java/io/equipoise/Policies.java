package io.equipoise;

import java.nio.file.Path;

/** The policies that the build writes for the tests; {@code bindings/java/examples/test_policies.rs} says what is in them. */
final class Policies {
  static final int PERMUTED = 8;
  static final int SHARED = 50;

  private Policies() {}

  static Path path(String name) {
    return Path.of(System.getProperty("equipoise.policies"), name + ".safetensors");
  }

  static Policy load(String name) {
    return Policy.load(path(name));
  }

  /** The id of shared campaign {@code i} of the permuted policies. */
  static String shared(int i) {
    return String.format("c-%03d", i);
  }

  /** Its price in permuted policy {@code k}. */
  static float price(int i, int k) {
    return (i + 64 * k) / 4096f;
  }
}
