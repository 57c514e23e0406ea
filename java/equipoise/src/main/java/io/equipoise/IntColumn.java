package io.equipoise;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/** A column of rows or items in which every entry that a request does not write is -1: none. */
final class IntColumn {
  private static final int[] NONE = new int[1024];

  static {
    Arrays.fill(NONE, -1);
  }

  private final IntBuffer values;
  private final IntBuffer view;
  /** Entries below this one hold what this request has for them. */
  private int settled;
  private boolean viewed;

  IntColumn(ByteBuffer memory, long offset, int capacity) {
    values = slice(memory, offset, capacity);
    view = slice(memory, offset, capacity);
  }

  private static IntBuffer slice(ByteBuffer memory, long offset, int capacity) {
    return memory.slice((int) offset, capacity * Integer.BYTES).order(memory.order()).asIntBuffer();
  }

  /** Starts a request of {@code n} candidates. A viewed column is cleared at once: nobody says when it is written. */
  void begin(int n) {
    settled = 0;
    if (viewed) {
      fill(n);
      settled = values.capacity();
    }
  }

  void put(int i, int value) {
    if (i >= settled) {
      fill(i);
      settled = i + 1;
    }
    values.put(i, value);
  }

  void put(int start, int[] source, int from, int count) {
    if (start > settled) {
      fill(start);
    }
    values.put(start, source, from, count);
    settled = Math.max(settled, start + count);
  }

  int get(int i) {
    return values.get(i);
  }

  /** The memory itself. */
  IntBuffer view() {
    if (!viewed) {
      fill(values.capacity());
      settled = values.capacity();
      viewed = true;
    }
    return view;
  }

  /** Whether anything was written in this request, as far as can be known. */
  boolean touched() {
    return settled > 0;
  }

  /** Gives the first {@code n} entries that were not written -1. */
  void finish(int n) {
    fill(n);
    settled = Math.max(settled, n);
  }

  private void fill(int end) {
    for (int i = settled; i < end; i += NONE.length) {
      values.put(i, NONE, 0, Math.min(NONE.length, end - i));
    }
  }
}
