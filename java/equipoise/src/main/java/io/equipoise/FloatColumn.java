package io.equipoise;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * A column of a request that starts every request as if it were filled with one value. Entries are filled only as far as they were not
 * written, so a column that is written in order costs nothing more.
 */
final class FloatColumn {
  private static final int CHUNK = 1024;

  private final FloatBuffer values;
  private final FloatBuffer view;
  private final float[] absent = new float[CHUNK];
  /** Entries below this one hold what this request has for them. */
  private int settled;
  /** Entries below this one hold the absent value, if none was written since. */
  private int blank;
  /** Whether the caller has the memory in hand, and is alone responsible for it. */
  private boolean viewed;

  FloatColumn(ByteBuffer memory, long offset, int capacity, float absentValue) {
    values = slice(memory, offset, capacity);
    view = slice(memory, offset, capacity);
    reset(absentValue);
  }

  private static FloatBuffer slice(ByteBuffer memory, long offset, int capacity) {
    return memory.slice((int) offset, capacity * Float.BYTES).order(memory.order()).asFloatBuffer();
  }

  /** Starts anew, with another value for entries that are not written. */
  void reset(float value) {
    Arrays.fill(absent, value);
    settled = 0;
    blank = 0;
    viewed = false;
  }

  void begin() {
    if (!viewed) {
      if (settled > 0) {
        blank = 0;
      }
      settled = 0;
    }
  }

  void put(int i, float value) {
    if (i >= settled) {
      fill(i);
      settled = i + 1;
    }
    values.put(i, value);
  }

  void put(int start, float[] source, int from, int count) {
    if (start > settled) {
      fill(start);
    }
    values.put(start, source, from, count);
    settled = Math.max(settled, start + count);
  }

  float get(int i) {
    return values.get(i);
  }

  /** The memory itself; from now on the column keeps its values from request to request. */
  FloatBuffer view() {
    if (!viewed) {
      fill(values.capacity());
      settled = values.capacity();
      viewed = true;
    }
    return view;
  }

  /** Whether the caller has a view. */
  boolean viewed() {
    return viewed;
  }

  /** Whether anything was written in this request, as far as can be known. */
  boolean touched() {
    return settled > 0;
  }

  /** Gives the first {@code n} entries that were not written the absent value. */
  void finish(int n) {
    if (settled == 0) {
      fillFrom(blank, n);
      blank = Math.max(blank, n);
    } else {
      fill(n);
      settled = Math.max(settled, n);
    }
  }

  private void fill(int end) {
    fillFrom(settled, end);
  }

  private void fillFrom(int start, int end) {
    for (int i = start; i < end; i += CHUNK) {
      values.put(i, absent, 0, Math.min(CHUNK, end - i));
    }
  }
}
