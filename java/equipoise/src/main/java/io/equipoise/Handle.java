package io.equipoise;

import java.lang.ref.Cleaner;
import java.util.function.LongConsumer;

/** Names something native that is released once: when asked, or else some time after its owner is unreachable. */
final class Handle {
  private static final Cleaner CLEANER = Cleaner.create();

  /** The number to pass to natives. Whoever passes it keeps the owner reachable until the native call is over. */
  final long raw;

  private final Cleaner.Cleanable cleanable;

  Handle(Object owner, long raw, LongConsumer release) {
    this.raw = raw;
    this.cleanable = CLEANER.register(owner, new Release(raw, release));
  }

  void release() {
    cleanable.clean();
  }

  /** Knows the number only, never the owner. */
  private static final class Release implements Runnable {
    private final long raw;
    private final LongConsumer release;

    Release(long raw, LongConsumer release) {
      this.raw = raw;
      this.release = release;
    }

    @Override
    public void run() {
      release.accept(raw);
    }
  }
}
