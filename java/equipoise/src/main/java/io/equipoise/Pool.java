package io.equipoise;

import java.util.concurrent.atomic.AtomicReferenceArray;

/** Buffers that nobody uses: a fixed number of places, searched from one that differs by thread. Neither locks nor allocates. */
final class Pool {
  private final AtomicReferenceArray<RequestBuffer> places;

  Pool(int size) {
    places = new AtomicReferenceArray<>(size);
  }

  /** A buffer, or null if there is none. */
  RequestBuffer take() {
    int first = first();
    for (int step = 0; step < places.length(); step++) {
      int at = (first + step) % places.length();
      if (places.get(at) != null) {
        RequestBuffer buffer = places.getAndSet(at, null);
        if (buffer != null) {
          return buffer;
        }
      }
    }
    return null;
  }

  /** Keeps a buffer; false if all places are taken. */
  boolean put(RequestBuffer buffer) {
    int first = first();
    for (int step = 0; step < places.length(); step++) {
      int at = (first + step) % places.length();
      if (places.get(at) == null && places.compareAndSet(at, null, buffer)) {
        return true;
      }
    }
    return false;
  }

  private int first() {
    return (int) (Thread.currentThread().getId() % places.length());
  }
}
