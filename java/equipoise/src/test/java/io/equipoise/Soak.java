package io.equipoise;

/** How often a counted test runs, and how long a hammer: briefly in every run, more where {@code scripts/soak} says so. */
final class Soak {
  private Soak() {}

  /** {@code quick} times {@code EQUIPOISE_SOAK}, which is 1 where it is not set. */
  static int times(int quick) {
    return Math.multiplyExact(quick, (int) number("EQUIPOISE_SOAK", 1));
  }

  /** Milliseconds of a hammer: {@code EQUIPOISE_SOAK_SECONDS}, or {@code quick} seconds where it is not set. */
  static long milliseconds(int quick) {
    return Math.multiplyExact(number("EQUIPOISE_SOAK_SECONDS", quick), 1000L);
  }

  private static long number(String name, long unset) {
    String text = System.getenv(name);
    return text == null || text.isEmpty() ? unset : Long.parseLong(text);
  }
}
