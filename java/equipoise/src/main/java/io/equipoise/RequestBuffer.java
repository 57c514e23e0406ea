package io.equipoise;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What stands behind a {@link Workspace}: one request's columns and results in direct memory, and the native workspace that scores them.
 *
 * <p>The memory belongs to the JVM and the native side holds on to it, so a late write by any thread lands in memory that is there.
 */
final class RequestBuffer {
  private static final String[] REASONS = Native.reasons();
  private static final float UNWRITTEN = Float.intBitsToFloat(Native.unwritten());
  private static final String DISPLACEMENT = "displacement";
  private static final int ALIGNMENT = 64;
  /** Candidates per step of capacity: whole cache lines in every column. */
  private static final int STEP = 64;

  private final Handle handle;
  /** The handle's number and the policy's, at hand. */
  private final long raw;

  private long policyRaw;

  private int capacity;
  private int measureCapacity;
  private FloatColumn organic;
  private IntColumn campaign;
  private IntColumn item;
  private FloatColumn[] measures;
  /** Those of the policy's measures that start every request unwritten: the caller has no view of them. */
  private FloatColumn[] unviewed = {};
  private FloatBuffer scores;
  private FloatBuffer scoresView;
  private IntBuffer picks;
  private IntBuffer positions;
  private ByteBuffer reasons;
  /** The measures of a small request that came as one array. */
  private FloatBuffer packed;
  private int packedCandidates;

  private Policy policy;
  private int measureCount;
  private int n;
  private int flags;
  private int market;
  private int surface;
  private long time;
  private int slots;
  private long key;
  private float reference;

  /** Whether organic scores, campaigns or items have entries that {@link #settleColumns} may have to fill. */
  private boolean loose;
  /** Whether a column of measures that starts every request unwritten was written. */
  private boolean measured;
  /** Where none was: entries below this one hold what they start with in all of those. */
  private int blank;
  /** Whether the reasons of the last score are in their column. */
  private boolean reasoned;
  /** The measures of the last score, where they were left in an array of the caller's. */
  private float[] array;
  private boolean arrayByCandidate;

  private boolean begun;
  private boolean scored;
  private int picked;
  /** Who began the request, and whose request was cut short by that. */
  private Thread owner;
  private Thread overtaken;
  /** Whether a native call is under way. Only a courtesy: what counts is the native workspace's own lock. */
  private boolean busy;

  RequestBuffer(long scorer, Policy policy, int capacity) {
    handle = new Handle(this, Native.workspaceNew(scorer), Native::workspaceRelease);
    raw = handle.raw;
    allocate(capacity, policy.measures().size());
    bind(policy);
  }

  int capacity() {
    return capacity;
  }

  /** Lays out fresh memory; nothing changes unless all of it is there. */
  private void allocate(int wanted, int wantedMeasures) {
    int rounded = Math.max(STEP, (wanted + STEP - 1) / STEP * STEP);
    long[] layout = Native.workspaceLayout(rounded, wantedMeasures);
    long total = layout[11];
    if (total > Integer.MAX_VALUE - ALIGNMENT) {
      throw EquipoiseException.fault(
          InvalidInputException.TOO_LARGE, "n", -1, wanted + " candidates of " + wantedMeasures + " measures do not fit 2 GiB");
    }
    ByteBuffer memory;
    try {
      memory = ByteBuffer.allocateDirect((int) total + ALIGNMENT).alignedSlice(ALIGNMENT).order(ByteOrder.nativeOrder());
    } catch (OutOfMemoryError e) {
      EquipoiseException fault =
          EquipoiseException.fault(EquipoiseException.MEMORY, "n", -1, "no direct memory of " + total + " bytes for " + wanted + " candidates");
      fault.initCause(e);
      throw fault;
    }
    FloatColumn newOrganic = new FloatColumn(memory, layout[0], rounded, Float.NaN);
    IntColumn newCampaign = new IntColumn(memory, layout[1], rounded);
    IntColumn newItem = new IntColumn(memory, layout[2], rounded);
    FloatBuffer newScores = memory.slice((int) layout[3], rounded * Float.BYTES).order(memory.order()).asFloatBuffer();
    IntBuffer newPicks = memory.slice((int) layout[4], rounded * Integer.BYTES).order(memory.order()).asIntBuffer();
    IntBuffer newPositions = memory.slice((int) layout[5], rounded * Integer.BYTES).order(memory.order()).asIntBuffer();
    ByteBuffer newReasons = memory.slice((int) layout[6], rounded);
    FloatColumn[] newMeasures = new FloatColumn[wantedMeasures];
    for (int j = 0; j < wantedMeasures; j++) {
      newMeasures[j] = new FloatColumn(memory, layout[7] + j * layout[8] * Float.BYTES, rounded, 0f);
    }
    int newPackedCandidates = (int) layout[10];
    FloatBuffer newPacked =
        memory.slice((int) layout[9], newPackedCandidates * wantedMeasures * Float.BYTES).order(memory.order()).asFloatBuffer();
    Native.workspaceAttach(raw, memory, rounded, wantedMeasures);
    organic = newOrganic;
    campaign = newCampaign;
    item = newItem;
    scores = newScores;
    scoresView = newScores.asReadOnlyBuffer();
    picks = newPicks;
    positions = newPositions;
    reasons = newReasons;
    measures = newMeasures;
    packed = newPacked;
    packedCandidates = newPackedCandidates;
    capacity = rounded;
    measureCapacity = wantedMeasures;
    policy = null;
  }

  /** Gives the columns of measures the meaning that they have in {@code next}. */
  private void bind(Policy next) {
    boolean same = policy != null && policy.measures().equals(next.measures());
    policy = next;
    policyRaw = next.raw();
    measureCount = next.measures().size();
    if (!same) {
      for (int j = 0; j < measureCount; j++) {
        measures[j].reset(next.measures().get(j).equals(DISPLACEMENT) ? UNWRITTEN : 0f);
      }
      listUnviewed();
    }
  }

  private synchronized void listUnviewed() {
    blank = 0;
    unviewed = Arrays.stream(measures, 0, measureCount).filter(column -> !column.viewed()).toArray(FloatColumn[]::new);
  }

  /**
   * Makes room for a request and binds it to its policy. One thread after the other, though only one may use a workspace: if two did at once, the
   * native side could be left with the memory of the one and this with that of the other, and later requests would be scored from neither.
   */
  private synchronized void fit(Policy next, int count) {
    if (count > capacity || next.measures().size() > measureCapacity) {
      int grown = count > capacity ? (int) Math.min(Workspace.LIMIT, Math.max(count, capacity * 3L / 2)) : capacity;
      allocate(grown, Math.max(next.measures().size(), measureCapacity));
    }
    if (next != policy) {
      bind(next);
    }
  }

  void begin(Policy next, int count) {
    if (next == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "policy", -1, "is null, wanted a policy");
    }
    checkCount(count);
    if (busy) {
      throw concurrent();
    }
    if (next != policy || count > capacity) {
      fit(next, count);
    }
    Thread me = Thread.currentThread();
    overtaken = begun && !scored && owner != me ? owner : null;
    owner = me;
    begun = false;
    scored = false;
    n = count;
    organic.begin();
    campaign.begin(count);
    item.begin(count);
    if (measured) {
      for (FloatColumn column : unviewed) {
        column.begin();
      }
      measured = false;
      blank = 0;
    }
    array = null;
    flags = (organic.touched() ? Native.ORGANIC : 0) | (item.touched() ? Native.ITEM : 0);
    loose = !campaign.touched();
    market = -1;
    surface = -1;
    key = 0;
    begun = true;
  }

  static void checkCount(int count) {
    if (count < 0) {
      throw EquipoiseException.fault(InvalidInputException.RANGE, "n", -1, "is " + count + ", wanted at least 0");
    }
    if (count > Workspace.LIMIT) {
      throw EquipoiseException.fault(InvalidInputException.TOO_LARGE, "n", -1, "is " + count + ", the limit is " + Workspace.LIMIT);
    }
  }

  void market(int index) {
    checkBegun();
    market = index;
  }

  void market(String name) {
    checkBegun();
    market = name == null ? -1 : policy.market(name);
  }

  void surface(int index) {
    checkBegun();
    surface = index;
  }

  void surface(String name) {
    checkBegun();
    surface = name == null ? -1 : policy.surface(name);
  }

  void time(long micros) {
    checkBegun();
    time = micros;
    flags |= Native.TIME;
  }

  void slots(int count) {
    checkBegun();
    slots = count;
    flags |= Native.SLOTS;
  }

  void key(long value) {
    checkBegun();
    key = value;
  }

  void reference(float value) {
    checkBegun();
    reference = value;
    flags |= Native.REFERENCE;
  }

  void organic(int i, float value) {
    checkIndex(i);
    organic.put(i, value);
    wroteOrganic();
  }

  void organic(int start, float[] values, int from, int count) {
    checkRange(start, values == null ? -1 : values.length, from, count, "organic");
    organic.put(start, values, from, count);
    wroteOrganic();
  }

  FloatBuffer organic() {
    checkBegun();
    FloatBuffer view = organic.view();
    wroteOrganic();
    return view;
  }

  private void wroteOrganic() {
    if (organic.touched()) {
      flags |= Native.ORGANIC;
      loose = true;
    }
  }

  void campaign(int i, int row) {
    checkIndex(i);
    campaign.put(i, row);
    loose = true;
  }

  void campaign(int start, int[] rows, int from, int count) {
    checkRange(start, rows == null ? -1 : rows.length, from, count, "campaign");
    campaign.put(start, rows, from, count);
    loose = true;
  }

  IntBuffer campaign() {
    checkBegun();
    return campaign.view();
  }

  void item(int i, int value) {
    checkIndex(i);
    item.put(i, value);
    wroteItem();
  }

  void item(int start, int[] items, int from, int count) {
    checkRange(start, items == null ? -1 : items.length, from, count, "item");
    item.put(start, items, from, count);
    wroteItem();
  }

  IntBuffer item() {
    checkBegun();
    IntBuffer view = item.view();
    wroteItem();
    return view;
  }

  private void wroteItem() {
    if (item.touched()) {
      flags |= Native.ITEM;
      loose = true;
    }
  }

  void measure(int i, int j, float value) {
    checkIndex(i);
    if (j >= 0 && j < measureCount) {
      measured = true;
      measures[j].put(i, value);
    } else {
      checkMeasure(j);
    }
  }

  void measure(int j, int start, float[] values, int from, int count) {
    checkRange(start, values == null ? -1 : values.length, from, count, "measure");
    if (j >= 0 && j < measureCount) {
      measured = true;
      measures[j].put(start, values, from, count);
    } else {
      checkMeasure(j);
    }
  }

  FloatBuffer measure(int j) {
    checkBegun();
    if (j < 0 || j >= measureCount) {
      throw EquipoiseException.fault(InvalidInputException.ROW, "j", j, "is not a measure of this policy, which has " + measureCount);
    }
    FloatColumn column = measures[j];
    if (!column.viewed()) {
      column.view();
      listUnviewed();
    }
    return column.view();
  }

  /** -1 is a measure that the policy does not use: its values go nowhere. */
  private void checkMeasure(int j) {
    if (j != -1) {
      throw EquipoiseException.fault(InvalidInputException.ROW, "j", j, "is not a measure of this policy, which has " + measureCount);
    }
  }

  void score() {
    int given = prepare();
    if (measured || n > blank) {
      for (FloatColumn column : unviewed) {
        column.finish(n);
      }
      blank = measured ? 0 : n;
    }
    score(given, null);
  }

  /** Scores with measures in one array: copied where there are few, since holding an array in place costs more than that. */
  void score(float[] amounts, boolean byCandidate) {
    checkBegun();
    long needed = (long) n * measureCount;
    if (amounts == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "measures", -1, "is null, wanted an array");
    }
    if (amounts.length < needed) {
      throw EquipoiseException.fault(
          InvalidInputException.SHAPE,
          "measures",
          -1,
          "has length " + amounts.length + ", wanted " + needed + " for " + n + " candidates of " + measureCount + " measures");
    }
    int given = prepare() | (byCandidate ? Native.BY_CANDIDATE : 0);
    if (n <= packedCandidates) {
      packed.put(0, amounts, 0, (int) needed);
      score(given | Native.PACKED, null);
    } else {
      score(given, amounts);
      array = amounts;
      arrayByCandidate = byCandidate;
    }
  }

  /** Reads the clock if need be, and fills what was not written. Gives the flags of a score. */
  private int prepare() {
    checkBegun();
    if (busy || Thread.currentThread() == overtaken) {
      throw concurrent();
    }
    if ((flags & Native.TIME) == 0) {
      time = System.currentTimeMillis() * 1000;
    }
    if (loose) {
      settleColumns();
    }
    return flags | Native.TIME;
  }

  /** Fills what was not written of columns that were begun to be, and of campaigns. */
  private void settleColumns() {
    if ((flags & Native.ORGANIC) != 0) {
      organic.finish(n);
    }
    campaign.finish(n);
    if ((flags & Native.ITEM) != 0) {
      item.finish(n);
    }
    loose = false;
  }

  private void score(int given, float[] amounts) {
    scored = false;
    reasoned = false;
    array = null;
    busy = true;
    try {
      picked =
          amounts == null
              ? Native.score(raw, policyRaw, n, given, time, key, market, surface, slots, reference)
              : Native.scoreArray(raw, policyRaw, n, given, time, key, market, surface, slots, reference, amounts);
    } finally {
      busy = false;
      Reference.reachabilityFence(policy);
      Reference.reachabilityFence(this);
    }
    scored = true;
  }

  /** Copies measures that were scored in an array to their columns, for whoever looks at the request again. */
  private void settle() {
    if (array == null) {
      return;
    }
    measured = true;
    for (int j = 0; j < measureCount; j++) {
      if (arrayByCandidate) {
        for (int i = 0; i < n; i++) {
          measures[j].put(i, array[i * measureCount + j]);
        }
      } else {
        measures[j].put(0, array, j * n, n);
      }
    }
    Native.settled(raw);
    array = null;
  }

  float promotionScore(int i) {
    checkResult(i);
    return scores.get(i);
  }

  String reason(int i) {
    checkResult(i);
    if (!reasoned) {
      try {
        Native.tellReasons(raw);
      } finally {
        Reference.reachabilityFence(this);
      }
      reasoned = true;
    }
    return REASONS[reasons.get(i)];
  }

  void promotionScores(float[] out) {
    checkScored();
    if (out == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "out", -1, "is null, wanted an array");
    }
    if (out.length < n) {
      throw EquipoiseException.fault(InvalidInputException.SHAPE, "out", -1, "has length " + out.length + ", wanted at least " + n);
    }
    scores.get(0, out, 0, n);
  }

  FloatBuffer promotionScores() {
    checkBegun();
    return scoresView;
  }

  int picks() {
    checkScored();
    return picked;
  }

  int pick(int k) {
    checkPick(k);
    return picks.get(k);
  }

  int position(int k) {
    checkPick(k);
    return positions.get(k);
  }

  Explanation explain(int i) {
    checkResult(i);
    Object[] lines;
    try {
      settle();
      lines = Native.explain(raw, i);
    } finally {
      Reference.reachabilityFence(policy);
      Reference.reachabilityFence(this);
    }
    String[] names = (String[]) lines[0];
    String[] kinds = (String[]) lines[1];
    double[] amounts = (double[]) lines[2];
    List<Term> terms = new ArrayList<>(names.length);
    for (int t = 0; t < names.length; t++) {
      terms.add(new Term(names[t], kinds[t], amounts[t]));
    }
    Cause cause = null;
    if (lines[3] != null) {
      String[] texts = (String[]) lines[3];
      double[] numbers = (double[]) lines[4];
      cause = new Cause(texts[0], (int) numbers[0], (int) numbers[1], numbers[2], numbers[3], texts[1]);
    }
    return new Explanation(terms, amounts[names.length], reason(i), cause);
  }

  /** Brings what only some requests have; {@code replaces} is the flag of what it stands in place of. */
  void option(int what, int replaces, int[] ints, float[] floats, int width) {
    checkBegun();
    scored = false;
    try {
      Native.option(raw, what, ints, floats, width);
    } finally {
      Reference.reachabilityFence(this);
    }
    flags = flags & ~replaces | what;
  }

  /** What is asked for by a flag alone. */
  void flag(int flag, boolean set) {
    checkBegun();
    flags = set ? flags | flag : flags & ~flag;
  }

  int[] blend() {
    checkScored();
    try {
      settle();
      return Native.blend(raw);
    } finally {
      Reference.reachabilityFence(policy);
      Reference.reachabilityFence(this);
    }
  }

  double[] outcome() {
    checkScored();
    try {
      return Native.outcome(raw);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  DecisionRecord record(boolean terms, boolean candidates) {
    checkScored();
    try {
      settle();
      return Records.of(Native.record(raw, (terms ? Native.TERMS : 0) | (candidates ? Native.CANDIDATES : 0)));
    } finally {
      Reference.reachabilityFence(policy);
      Reference.reachabilityFence(this);
    }
  }

  Policy policy() {
    checkBegun();
    return policy;
  }

  int size() {
    checkBegun();
    return n;
  }

  long time() {
    checkBegun();
    if (!scored && (flags & Native.TIME) == 0) {
      throw EquipoiseException.fault(UsageException.NOT_BEGUN, "time", -1, "is read when the request is scored; it was not given");
    }
    return time;
  }

  /** Whether the buffer can be lent to somebody else. */
  boolean idle() {
    return !busy;
  }

  /** Forgets the request; what is asked of it later is {@code usage.not_begun}. */
  void clear() {
    begun = false;
    scored = false;
    array = null;
    owner = null;
    overtaken = null;
  }

  void release() {
    handle.release();
  }

  long raw() {
    return raw;
  }

  private void checkBegun() {
    if (!begun) {
      throw EquipoiseException.fault(UsageException.NOT_BEGUN, "workspace", -1, "has no request; call begin first");
    }
  }

  private void checkIndex(int i) {
    checkBegun();
    if (i < 0 || i >= n) {
      throw EquipoiseException.fault(InvalidInputException.ROW, "i", i, "is out of range, the request has " + n + " candidates");
    }
  }

  private void checkRange(int start, int length, int from, int count, String argument) {
    checkBegun();
    if (length < 0) {
      throw EquipoiseException.fault(InvalidInputException.NULL, argument, -1, "is null, wanted an array");
    }
    if (from < 0 || count < 0 || count > length - from) {
      throw EquipoiseException.fault(
          InvalidInputException.SHAPE, argument, -1, "has length " + length + ", wanted " + count + " values from " + from);
    }
    if (start < 0 || count > n - start) {
      throw EquipoiseException.fault(
          InvalidInputException.SHAPE, argument, -1, count + " values from candidate " + start + " pass the request's " + n);
    }
  }

  private void checkScored() {
    checkBegun();
    if (!scored) {
      throw EquipoiseException.fault(UsageException.NOT_BEGUN, "workspace", -1, "has no results; call score first");
    }
  }

  private void checkResult(int i) {
    checkScored();
    if (i < 0 || i >= n) {
      throw EquipoiseException.fault(InvalidInputException.ROW, "i", i, "is out of range, the request has " + n + " candidates");
    }
  }

  private void checkPick(int k) {
    checkScored();
    if (k < 0 || k >= picked) {
      throw EquipoiseException.fault(InvalidInputException.ROW, "k", k, "is out of range, there are " + picked + " picks");
    }
  }

  private static EquipoiseException concurrent() {
    return EquipoiseException.fault(UsageException.CONCURRENT, "workspace", -1, "is used by two threads at once");
  }
}
