package io.equipoise;

import java.nio.ByteBuffer;

/**
 * Every native method, and nothing else. Policies and workspaces are named by handles that are looked up: a handle that is stale, of the
 * other kind, or made up gives {@code usage.closed}. Errors and panics arrive as {@link EquipoiseException}s.
 */
final class Native {
  private Native() {}

  /** Flags of {@link #score}: which of the optional inputs are there. */
  static final int TIME = 1;

  static final int SLOTS = 2;
  static final int REFERENCE = 4;
  static final int ORGANIC = 8;
  static final int ITEM = 16;

  /** The measures are in the packed column, not in columns of their own. */
  static final int PACKED = 1 << 16;

  /** The measures in the packed column or an array lie candidate by candidate, not measure by measure. */
  static final int BY_CANDIDATE = 1 << 18;

  /** What {@link #policyIndex} looks a name up in. */
  static final int MARKET = 0;

  static final int SURFACE = 1;
  static final int MEASURE = 2;

  /** The library's version. Bound when the library is loaded, as is {@link #bind}; all else waits for it. */
  static native String version();

  /** Binds every other method; called once, when the versions are known to be equal. */
  static native void bind();

  /** The stable names of reasons, in the order of the numbers in the column of reasons. */
  static native String[] reasons();

  /** The bits of the displacement that means "fill from organic and reference". */
  static native int unwritten();

  static native long policyLoad(byte[] path);

  static native long policyFromBytes(byte[] bytes);

  static native long policyEmpty();

  static native void policyRelease(long policy);

  static native String policyId(long policy);

  static native int policySize(long policy);

  static native String[] policyMeasures(long policy);

  /** Rows of the ids whose UTF-8 ends at {@code ends[0..count]} of {@code text}; gives how many are unknown. */
  static native int policyRows(long policy, byte[] text, int[] ends, int[] out, int count);

  /** Index of a market, surface or measure, -1 if the policy does not know it. */
  static native int policyIndex(long policy, int what, byte[] name);

  static native long workspaceNew();

  static native void workspaceRelease(long workspace);

  /**
   * Byte offsets of organic, campaign, item, scores, picks, positions, reasons and the measures; then the stride of measures, the byte
   * offset of packed measures, for how many candidates there is room there, and the total.
   */
  static native long[] workspaceLayout(int capacity, int measures);

  /** Makes {@code memory} the workspace's, laid out by {@link #workspaceLayout}; the workspace keeps it alive. */
  static native void workspaceAttach(long workspace, ByteBuffer memory, int capacity, int measures);

  /** Scores the first {@code n} candidates of the attached memory and writes the results there; gives the number of picks. */
  static native int score(
      long workspace, long policy, int n, int flags, long time, long key, int market, int surface, int slots, float reference);

  /**
   * As {@link #score}, with the measures in an array of the heap, which is held in place: no other native call on this thread, and no
   * collection, until it is done. The array's length is checked there.
   */
  static native int scoreArray(
      long workspace, long policy, int n, int flags, long time, long key, int market, int surface, int slots, float reference,
      float[] measures);

  /** Says that the measures of the last score, which were in an array, are in their columns now. */
  static native void settled(long workspace);

  /** The lines of candidate {@code i} of the last score: names, kinds, and amounts followed by the total. */
  static native Object[] explain(long workspace, int i);

  /** Panics, for tests. */
  static native void panic(String message);

  /** Panics while it holds the workspace, for tests. */
  static native void panicInWorkspace(long workspace, String message);
}
