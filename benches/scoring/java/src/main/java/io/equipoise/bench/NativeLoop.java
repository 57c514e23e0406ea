package io.equipoise.bench;

/** The native kernel on the same requests, timed in this process: many requests a call, so that the call itself does not count. */
final class NativeLoop {
  static {
    System.load(System.getProperty("equipoise.bench.library"));
  }

  private NativeLoop() {}

  static native long create(int campaigns, int n, int turns, int shared);

  static native int run(long handle, int count);
}
