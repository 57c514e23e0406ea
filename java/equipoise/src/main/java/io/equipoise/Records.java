package io.equipoise;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntFunction;

/** Makes a {@link DecisionRecord} of the arrays that {@link Native#record} gives. */
final class Records {
  private Records() {}

  static DecisionRecord of(Object[] r) {
    String[] head = (String[]) r[0];
    long[] longs = (long[]) r[1];
    float[] references = (float[]) r[2];
    double[] doubles = (double[]) r[3];
    String[] names = (String[]) r[15];
    String[] kinds = (String[]) r[16];
    double[] amounts = (double[]) r[17];
    return new DecisionRecord(
        head[0],
        longs[0],
        longs[1] == 0 ? null : (Long) longs[2],
        head[1],
        head[2],
        longs[3] < 0 ? null : (Integer) (int) longs[3],
        orNull(references[0]),
        orNull(references[1]),
        longs[4] != 0,
        doubles[0],
        doubles[1],
        ints(r[4]),
        ints(r[5]),
        ints(r[6]),
        floats(r[7]),
        doubles(r[8]),
        texts(r[9]),
        texts(r[10]),
        texts(r[11]),
        texts(r[12]),
        texts(r[13]),
        ints(r[14]),
        list(names.length, t -> new Term(names[t], kinds[t], amounts[t])),
        r[18] == null ? null : candidates((Object[]) r[18]));
  }

  private static DecisionRecord.Candidates candidates(Object[] c) {
    return new DecisionRecord.Candidates(
        texts(c[0]),
        texts(c[1]),
        floats(c[2]),
        floats(c[3]),
        floats(c[4]),
        longs(c[8]),
        longs(c[9]),
        longs(c[10]),
        floats(c[5]),
        longs(c[11]),
        floats(c[6]),
        floats(c[7]),
        c[12] == null ? null : (Integer) (int) ((long[]) c[12])[0]);
  }

  private static Float orNull(float x) {
    return Float.isNaN(x) ? null : (Float) x;
  }

  /** Immutable, and unlike {@link List#of} it may hold nulls. */
  private static <T> List<T> list(int n, IntFunction<T> at) {
    List<T> list = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      list.add(at.apply(i));
    }
    return Collections.unmodifiableList(list);
  }

  private static List<String> texts(Object array) {
    return Collections.unmodifiableList(Arrays.asList((String[]) array));
  }

  private static List<Integer> ints(Object array) {
    int[] a = (int[]) array;
    return list(a.length, i -> a[i]);
  }

  private static List<Double> doubles(Object array) {
    double[] a = (double[]) array;
    return list(a.length, i -> a[i]);
  }

  /** NaN stands for null. */
  private static List<Float> floats(Object array) {
    float[] a = (float[]) array;
    return a == null ? null : list(a.length, i -> orNull(a[i]));
  }

  /** -1 stands for null. */
  private static List<Long> longs(Object array) {
    long[] a = (long[]) array;
    return a == null ? null : list(a.length, i -> a[i] < 0 ? null : (Long) a[i]);
  }
}
