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

  /** What {@link #option} brings; as flags, which of that counts. */
  static final int FREQUENCY = 32;

  static final int UNCERTAINTY = 64;
  static final int MIX = 128;
  static final int EMBEDDINGS = 256;
  static final int SIMILARITY = 512;

  /** The slate's exploration may not act. */
  static final int CERTAIN = 1024;

  /** Candidates with numbers that cannot be used are dropped. */
  static final int DROP_INVALID = 2048;

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

  /** The bytes of a policy file. */
  static native byte[] policyBytes(long policy);

  static native void policySave(long policy, byte[] path);

  /** Another policy; so is {@link #policyWithLineage}'s, where null and an epoch below 0 are none. */
  static native long policyWithValidUntil(long policy, long micros);

  static native long policyWithLineage(long policy, byte[] programme, long epoch, byte[] parent);

  /** Everything that travels along with a policy, as text: key, value, key, value. */
  static native String[] policyMetadata(long policy);

  /** Flags of installs. */
  static final int FORCE = 1;

  static final int SUCCESSOR = 2;

  /** A scorer of a policy, with switches as UTF-8 JSON. */
  static native long scorerNew(long policy, byte[] switches);

  static native void scorerRelease(long scorer);

  /** Gives 1 where another policy is live now. */
  static native int scorerInstall(long scorer, long policy, int flags);

  /** Gives a policy where another one is live now, else 0; so does {@link #scorerRollback}. */
  static native long scorerInstallFile(long scorer, byte[] path, int flags);

  static native long scorerRollback(long scorer, byte[] id);

  /** Ids of the policies kept, the latest first. */
  static native String[] scorerKept(long scorer);

  /** Code and message of the last refusal; empty where there is none. */
  static native String[] scorerRefusal(long scorer);

  /** Sets a switch; scopes are numbered as {@link Scope}. Gives 1 where that changed anything. */
  static native int scorerSwitch(long scorer, int scope, byte[] id, int on);

  static native String scorerSwitches(long scorer);

  static native void scorerSetSwitches(long scorer, byte[] switches);

  /** Switches that the live policy does not know: scope, id, scope, id. */
  static native String[] scorerUnmatched(long scorer);

  /** Sets a rule, given as UTF-8 JSON or null for none, of a campaign or (null) of all others. */
  static native void scorerSetBreaker(long scorer, byte[] campaign, byte[] rule);

  static native String scorerBreakers(long scorer);

  static native void scorerSetBreakers(long scorer, byte[] breakers);

  /** Counts responses; gives the breaker's state, numbered as {@link BreakerState}, or -1. The clock counts where {@code timed} is 0. */
  static native int scorerRecord(long scorer, byte[] campaign, long events, long responses, int timed, long now);

  /** Gives 1 where the campaign's breaker had been tripped. */
  static native int scorerResetBreaker(long scorer, byte[] campaign);

  static native void scorerTimeEvery(long scorer, int every);

  /** Writes every number, in the order of {@link #metricSeries}; gives how many there are. */
  static native int scorerMetrics(long scorer, double[] out);

  /** Name, kind, unit, label's key, label's value and help of every number. */
  static native String[] metricSeries();

  static native long watchNew(byte[] path, int flags);

  static native void watchRelease(long watch);

  /** Looks at the file once; gives a policy where another one is live now, else 0. */
  static native long watchPoll(long watch, long scorer);

  static native long workspaceNew(long scorer);

  static native void workspaceRelease(long workspace);

  /**
   * Byte offsets of organic, campaign, item, scores, picks, positions, reasons and the measures; then the stride of measures, the byte
   * offset of packed measures, for how many candidates there is room there, and the total.
   */
  static native long[] workspaceLayout(int capacity, int measures);

  /** Makes {@code memory} the workspace's, laid out by {@link #workspaceLayout}; the workspace keeps it alive. */
  static native void workspaceAttach(long workspace, ByteBuffer memory, int capacity, int measures);

  /** Scores the first {@code n} candidates of the attached memory and writes the results there, but for reasons; gives the number of picks. */
  static native int score(
      long workspace, long policy, int n, int flags, long time, long key, int market, int surface, int slots, float reference);

  /**
   * As {@link #score}, with the measures in an array of the heap, which is held in place: no other native call on this thread, and no
   * collection, until it is done. The array's length is checked there.
   */
  static native int scoreArray(
      long workspace, long policy, int n, int flags, long time, long key, int market, int surface, int slots, float reference,
      float[] measures);

  /** Writes the reasons of the last score to their column. */
  static native void tellReasons(long workspace);

  /** Says that the measures of the last score, which were in an array, are in their columns now. */
  static native void settled(long workspace);

  /** Copies what only some requests bring; what it is not made of is null. Results of before are gone. */
  static native void option(long workspace, int what, int[] ints, float[] floats, int width);

  /** The final order of the last score's candidates. */
  static native int[] blend(long workspace);

  /** What the last score gave up, then the probability of each pick; none where nothing was drawn. */
  static native double[] outcome(long workspace);

  /** Flags of {@link #record}. */
  static final int TERMS = 1;

  static final int CANDIDATES = 2;

  /** The arrays of a record of the last score; {@link Records} knows their order. */
  static native Object[] record(long workspace, int what);

  /** The same arrays of a record that is given as UTF-8 JSON. */
  static native Object[] recordOfJson(byte[] json);

  /** The same arrays of what a policy decides again of such a record. */
  static native Object[] recordReplay(long policy, byte[] json);

  /**
   * The lines of candidate {@code i} of the last score: names, kinds, and amounts followed by the total; then, for one that was not picked,
   * the name and text of the cause, and the pick it lost to, the term, what was found and what it was held against.
   */
  static native Object[] explain(long workspace, int i);

  /** Panics, for tests. */
  static native void panic(String message);

  /** Panics while it holds the workspace, for tests. */
  static native void panicInWorkspace(long workspace, String message);
}
