package io.equipoise;

import java.lang.ref.WeakReference;
import java.time.Duration;

/** A daemon thread that looks at a policy file now and then. It holds its scorer weakly: one that is forgotten ends it. */
final class Watch {
  private final Thread thread;
  private volatile boolean stopped;

  Watch(Scorer scorer, byte[] path, int flags, Duration interval) {
    WeakReference<Scorer> held = new WeakReference<>(scorer);
    Handle file = new Handle(this, Native.watchNew(path, flags), Native::watchRelease);
    long millis = Math.max(1, interval.toMillis());
    thread = new Thread(() -> run(held, file, millis), "equipoise-watch");
    thread.setDaemon(true);
    thread.start();
  }

  private void run(WeakReference<Scorer> held, Handle file, long millis) {
    try {
      while (!stopped) {
        Scorer scorer = held.get();
        if (scorer == null || !scorer.poll(file.raw)) {
          break;
        }
        scorer = null;
        Thread.sleep(millis);
      }
    } catch (InterruptedException stop) {
      // The only one who interrupts this thread is `stop`.
    } finally {
      file.release();
    }
  }

  void stop() {
    stopped = true;
    thread.interrupt();
  }
}
