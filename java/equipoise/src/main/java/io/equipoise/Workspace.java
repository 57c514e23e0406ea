package io.equipoise;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * One request at a time: its candidates, its score, its results. Reused from request to request; scoring allocates nothing.
 *
 * <p>A request starts with {@link #begin}, which forgets the one before: then every campaign is unknown (-1), no candidate has an item,
 * measures are 0 ({@code displacement}: filled from organic scores and the reference) and nothing else is given. Then come the setters,
 * {@link #score()}, and the results, which stay until the next {@code begin}. {@code score} may be called again after changes.
 *
 * <p>A workspace is for one thread at a time. It may move between threads; two that use it at once get {@code usage.concurrent}, or in
 * part each other's values, and never a crash. After {@link #close()} every call but {@code close} throws {@code usage.closed}.
 *
 * <p>Columns can be written by element, from arrays, or in place through views. A view is the column's own memory, with room for
 * {@link #capacity()} candidates; asking for it again costs nothing. Once a view of a float column has been taken, that column keeps
 * its values from request to request; a column of rows or items is still cleared by {@code begin}. A view is the column's
 * until {@code begin} has to grow the workspace or the policy has other {@linkplain Policy#measures() measures}; ask for it again then.
 */
public final class Workspace implements AutoCloseable {
  /** The most candidates that a request may have. */
  public static final int LIMIT = 1_000_000;

  /**
   * A displacement that is not given, in an array of measures: it is filled from organic scores and the reference. In columns of the
   * workspace an entry that is not written means the same.
   */
  public static final float UNWRITTEN = Float.intBitsToFloat(0x7fc0e910);

  private final Scorer scorer;
  private final boolean borrowed;
  /** Null once closed. */
  private RequestBuffer buffer;

  Workspace(Scorer scorer, RequestBuffer buffer, boolean borrowed) {
    this.scorer = scorer;
    this.buffer = buffer;
    this.borrowed = borrowed;
  }

  private RequestBuffer open() {
    RequestBuffer b = buffer;
    if (b == null) {
      throw EquipoiseException.fault(UsageException.CLOSED, "workspace", -1, "is closed");
    }
    return b;
  }

  private RequestBuffer serving() {
    RequestBuffer b = open();
    scorer.requireOpen();
    return b;
  }

  /**
   * Starts a request of {@code n} candidates, scored by {@code policy} until the next {@code begin}, whatever is installed meanwhile.
   *
   * @param policy whose rows, measures, markets and surfaces the request uses
   * @param n the number of candidates, from 0 to {@link #LIMIT}; past the capacity the workspace grows
   * @return this
   * @throws InvalidInputException if {@code policy} is null or {@code n} is out of range
   * @throws UsageException if the workspace or its scorer is closed, or another thread is scoring
   */
  public Workspace begin(Policy policy, int n) {
    serving().begin(policy, n);
    return this;
  }

  /**
   * Gives the request's market.
   *
   * @param index from {@link Policy#market}; -1 is a market that the policy does not know, or none
   * @return this
   */
  public Workspace market(int index) {
    open().market(index);
    return this;
  }

  /**
   * Gives the request's market by name; {@link #market(int)} spares the look-up.
   *
   * @param name the market; null is none
   * @return this
   */
  public Workspace market(String name) {
    open().market(name);
    return this;
  }

  /**
   * Gives the request's surface.
   *
   * @param index from {@link Policy#surface}; -1 is a surface that the policy does not know, or none
   * @return this
   */
  public Workspace surface(int index) {
    open().surface(index);
    return this;
  }

  /**
   * Gives the request's surface by name; {@link #surface(int)} spares the look-up.
   *
   * @param name the surface; null is none
   * @return this
   */
  public Workspace surface(String name) {
    open().surface(name);
    return this;
  }

  /**
   * Gives the request's time, by which flights are judged. Without it the clock is read once, when the request is scored.
   *
   * @param epochMicros microseconds since 1970 UTC
   * @return this
   */
  public Workspace time(long epochMicros) {
    open().time(epochMicros);
    return this;
  }

  /**
   * Gives the number of promoted places. Without it the policy's own counts.
   *
   * @param count from 0 to 255
   * @return this
   */
  public Workspace slots(int count) {
    open().slots(count);
    return this;
  }

  /**
   * Gives the key that breaks ties between equal scores; it should differ from request to request.
   *
   * @param key any number; 0 unless given
   * @return this
   */
  public Workspace key(long key) {
    open().key(key);
    return this;
  }

  /**
   * Gives the organic score that a promotion displaces. Without it, it is computed from the organic scores where the policy needs it.
   *
   * @param organicScore in organic-score units
   * @return this
   */
  public Workspace reference(float organicScore) {
    open().reference(organicScore);
    return this;
  }

  /**
   * Sets the organic score of candidate {@code i}. If any is set, all must be.
   *
   * @param i the candidate, from 0
   * @param score its organic score, finite
   * @return this
   */
  public Workspace organic(int i, float score) {
    open().organic(i, score);
    return this;
  }

  /**
   * Sets the organic scores of the first candidates.
   *
   * @param scores one score a candidate, from candidate 0
   * @return this
   */
  public Workspace organic(float[] scores) {
    open().organic(0, scores, 0, scores == null ? 0 : scores.length);
    return this;
  }

  /**
   * Sets the organic scores of a run of candidates.
   *
   * @param start the first candidate
   * @param scores where the scores are
   * @param from the index of the first one
   * @param count how many
   * @return this
   */
  public Workspace organic(int start, float[] scores, int from, int count) {
    open().organic(start, scores, from, count);
    return this;
  }

  /**
   * The column of organic scores, in place.
   *
   * @return direct memory in native order, entry {@code i} for candidate {@code i}
   */
  public FloatBuffer organic() {
    return open().organic();
  }

  /**
   * Sets the campaign of candidate {@code i}.
   *
   * @param i the candidate, from 0
   * @param row from {@link Policy#row} of this request's policy, {@link Policy#UNKNOWN} or {@link Policy#ORGANIC}
   * @return this
   */
  public Workspace campaign(int i, int row) {
    open().campaign(i, row);
    return this;
  }

  /**
   * Sets the campaigns of the first candidates.
   *
   * @param rows one row a candidate, from candidate 0
   * @return this
   */
  public Workspace campaign(int[] rows) {
    open().campaign(0, rows, 0, rows == null ? 0 : rows.length);
    return this;
  }

  /**
   * Sets the campaigns of a run of candidates.
   *
   * @param start the first candidate
   * @param rows where the rows are
   * @param from the index of the first one
   * @param count how many
   * @return this
   */
  public Workspace campaign(int start, int[] rows, int from, int count) {
    open().campaign(start, rows, from, count);
    return this;
  }

  /**
   * The column of campaign rows, in place; {@code begin} clears it to -1.
   *
   * @return direct memory in native order, entry {@code i} for candidate {@code i}
   */
  public IntBuffer campaign() {
    return open().campaign();
  }

  /**
   * Sets the item of candidate {@code i}: candidates of equal item are one recording, and at most one of them is picked.
   *
   * @param i the candidate, from 0
   * @param item any number that stands for the item in this request; -1 is an item of its own
   * @return this
   */
  public Workspace item(int i, int item) {
    open().item(i, item);
    return this;
  }

  /**
   * Sets the items of the first candidates.
   *
   * @param items one item a candidate, from candidate 0
   * @return this
   */
  public Workspace item(int[] items) {
    open().item(0, items, 0, items == null ? 0 : items.length);
    return this;
  }

  /**
   * Sets the items of a run of candidates.
   *
   * @param start the first candidate
   * @param items where the items are
   * @param from the index of the first one
   * @param count how many
   * @return this
   */
  public Workspace item(int start, int[] items, int from, int count) {
    open().item(start, items, from, count);
    return this;
  }

  /**
   * The column of items, in place; {@code begin} clears it to -1.
   *
   * @return direct memory in native order, entry {@code i} for candidate {@code i}
   */
  public IntBuffer item() {
    return open().item();
  }

  /**
   * Sets measure {@code j} of candidate {@code i}.
   *
   * @param i the candidate, from 0
   * @param j from {@link Policy#measure}; -1 is a measure that the policy does not use, and is ignored
   * @param amount from 0 to 1e12
   * @return this
   */
  public Workspace measure(int i, int j, float amount) {
    open().measure(i, j, amount);
    return this;
  }

  /**
   * Sets measure {@code j} of the first candidates.
   *
   * @param j from {@link Policy#measure}; -1 is a measure that the policy does not use, and is ignored
   * @param amounts one amount a candidate, from candidate 0
   * @return this
   */
  public Workspace measure(int j, float[] amounts) {
    open().measure(j, 0, amounts, 0, amounts == null ? 0 : amounts.length);
    return this;
  }

  /**
   * Sets measure {@code j} of a run of candidates.
   *
   * @param j from {@link Policy#measure}; -1 is a measure that the policy does not use, and is ignored
   * @param start the first candidate
   * @param amounts where the amounts are
   * @param from the index of the first one
   * @param count how many
   * @return this
   */
  public Workspace measure(int j, int start, float[] amounts, int from, int count) {
    open().measure(j, start, amounts, from, count);
    return this;
  }

  /**
   * The column of measure {@code j}, in place.
   *
   * @param j from {@link Policy#measure}
   * @return direct memory in native order, entry {@code i} for candidate {@code i}
   */
  public FloatBuffer measure(int j) {
    return open().measure(j);
  }

  /**
   * Gives how often the listener has had each candidate's campaign, which the policy's frequency caps are held against. Without it they
   * are not checked. Like the other arrays that only some requests bring it is copied, counts until the next {@code begin}, and ends
   * earlier results.
   *
   * @param counts one a candidate, at least 0
   * @return this
   */
  public Workspace frequency(int[] counts) {
    open().option(Native.FREQUENCY, Native.FREQUENCY, checkNotNull(counts, "counts"), null, 0);
    return this;
  }

  /**
   * Gives how uncertain each candidate's measures are, for the bonus of the slate's exploration.
   *
   * @param amounts one a candidate, in {@code [0, 1e12]}
   * @return this
   */
  public Workspace uncertainty(float[] amounts) {
    open().option(Native.UNCERTAINTY, Native.UNCERTAINTY, null, checkNotNull(amounts, "amounts"), 0);
    return this;
  }

  /**
   * Gives categories and the shares that they should have of the picks, for the slate's {@code calibration}.
   *
   * @param category one a candidate, an index into {@code target}; -1 is no category
   * @param target one share a category, at least 0 and not all 0
   * @return this
   */
  public Workspace mix(int[] category, float[] target) {
    open().option(Native.MIX, Native.MIX, checkNotNull(category, "category"), checkNotNull(target, "target"), 0);
    return this;
  }

  /**
   * Gives embeddings whose cosine says how alike candidates are, for the slate's {@code diversity}.
   *
   * @param values {@code width} numbers a candidate, candidate by candidate
   * @param width how many, at least 1
   * @return this
   */
  public Workspace embeddings(float[] values, int width) {
    int both = Native.EMBEDDINGS | Native.SIMILARITY;
    open().option(Native.EMBEDDINGS, both, null, checkNotNull(values, "values"), width);
    return this;
  }

  /**
   * Gives how alike candidates are, pair by pair, for the slate's {@code diversity}.
   *
   * @param values {@code n * n} numbers in {@code [-1, 1]}; that of a picked {@code i} and a candidate {@code j} at {@code i * n + j}
   * @return this
   */
  public Workspace similarity(float[] values) {
    int both = Native.EMBEDDINGS | Native.SIMILARITY;
    open().option(Native.SIMILARITY, both, null, checkNotNull(values, "values"), 0);
    return this;
  }

  /**
   * Says whether the slate's exploration may act on this request; it may unless told otherwise.
   *
   * @param allowed whether anything may be drawn at random
   * @return this
   */
  public Workspace explore(boolean allowed) {
    open().flag(Native.CERTAIN, !allowed);
    return this;
  }

  /**
   * Says what becomes of a candidate with a measure, organic score or uncertainty that cannot be used: NaN, infinite or out of range. Unless told
   * otherwise the request is refused; dropped, such a candidate is not promoted, for the reason {@code invalid}, and stands last in the organic
   * order if its organic score is the one. The other candidates fare as if it were organic.
   *
   * @param drop whether to drop it
   * @return this
   */
  public Workspace dropInvalid(boolean drop) {
    open().flag(Native.DROP_INVALID, drop);
    return this;
  }

  private static <T> T checkNotNull(T array, String argument) {
    if (array == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, argument, -1, "is null, wanted an array");
    }
    return array;
  }

  /**
   * Scores the request, in one native call. On an error nothing changes but that there are no results.
   *
   * @throws InvalidInputException if a number is not finite or out of range ({@code index} is the candidate), or a row belongs to
   *     another policy ({@code invalid_input.foreign_row})
   * @throws UsageException if the workspace or its scorer is closed, nothing was begun, or another thread uses the workspace
   */
  public void score() {
    serving().score();
  }

  /**
   * Scores candidates that are in arrays, in one native call, and copies their scores out: for callers who have arrays already. As
   * {@link #organic(float[])}, {@link #campaign(int[])}, {@link #score()} and {@link #promotionScores(float[])} with all measures in one
   * array, which is read where it lies if it is large; filling the workspace's own memory in place is faster. Nothing is allocated.
   *
   * <p>{@link #explain} reads the array of measures again: it must be as it was until then.
   *
   * @param organic one score a candidate; null if none are given, or they were set before
   * @param campaign one row a candidate; null if they were set before
   * @param measures all of {@link Policy#measures()} in their order, one after the other: measure {@code j} of candidate {@code i} at
   *     {@code j * n + i}. A displacement may be {@link #UNWRITTEN}
   * @param scores takes the promotion scores; null if they are read otherwise
   * @throws InvalidInputException as {@link #score()}, or if an array is shorter than the request
   * @throws UsageException as {@link #score()}
   */
  public void score(float[] organic, int[] campaign, float[] measures, float[] scores) {
    score(organic, campaign, measures, scores, false);
  }

  /**
   * As {@link #score(float[], int[], float[], float[])} with the measures candidate by candidate.
   *
   * @param organic one score a candidate; null if none are given, or they were set before
   * @param campaign one row a candidate; null if they were set before
   * @param measures the measures of each candidate together: measure {@code j} of candidate {@code i} at {@code i * m + j}, where
   *     {@code m} is the number of the policy's measures
   * @param scores takes the promotion scores; null if they are read otherwise
   * @throws InvalidInputException as {@link #score()}, or if an array is shorter than the request
   * @throws UsageException as {@link #score()}
   */
  public void scoreByCandidate(float[] organic, int[] campaign, float[] measures, float[] scores) {
    score(organic, campaign, measures, scores, true);
  }

  private void score(float[] organic, int[] campaign, float[] measures, float[] scores, boolean byCandidate) {
    RequestBuffer b = serving();
    int n = b.size();
    if (scores != null && scores.length < n) {
      throw EquipoiseException.fault(InvalidInputException.SHAPE, "scores", -1, "has length " + scores.length + ", wanted at least " + n);
    }
    if (organic != null) {
      b.organic(0, organic, 0, n);
    }
    if (campaign != null) {
      b.campaign(0, campaign, 0, n);
    }
    b.score(measures, byCandidate);
    if (scores != null) {
      b.promotionScores(scores);
    }
  }

  /**
   * The promotion score of candidate {@code i}, in organic-score units; +0 where it was not eligible. Never NaN or infinite.
   *
   * @param i the candidate, from 0
   * @return its score
   */
  public float promotionScore(int i) {
    return open().promotionScore(i);
  }

  /**
   * Copies the promotion scores of all candidates.
   *
   * @param out takes them; at least as long as the request
   */
  public void promotionScores(float[] out) {
    open().promotionScores(out);
  }

  /**
   * The promotion scores in place, valid after {@link #score()} for the request's candidates and until the next. As with other views, it
   * is the workspace's memory until {@code begin} has to grow it.
   *
   * @return direct memory in native order, read-only, entry {@code i} for candidate {@code i}
   */
  public FloatBuffer promotionScores() {
    return open().promotionScores();
  }

  /**
   * How many candidates were picked.
   *
   * @return a number from 0
   */
  public int picks() {
    return open().picks();
  }

  /**
   * The {@code k}-th pick, best first.
   *
   * @param k from 0 to {@link #picks()} - 1
   * @return the index of a candidate
   */
  public int pick(int k) {
    return open().pick(k);
  }

  /**
   * The place of the {@code k}-th pick on the slate.
   *
   * @param k from 0 to {@link #picks()} - 1
   * @return a place, counted from 1
   */
  public int position(int k) {
    return open().position(k);
  }

  /**
   * Why candidate {@code i} was picked or not: {@code picked}; scored and not picked: {@code price}, {@code outscored}, {@code item},
   * {@code artist}, {@code label}, {@code no_place}, {@code rise}; not scored: {@code organic}, {@code unknown}, {@code market}, {@code surface},
   * {@code flight}, {@code expired}, {@code relevance}, {@code frequency}, {@code switched_off}, {@code breaker}, {@code invalid}. Later versions
   * may add reasons.
   *
   * @param i the candidate, from 0
   * @return a stable name
   */
  public String reason(int i) {
    return open().reason(i);
  }

  /**
   * The lines whose sum is the score of candidate {@code i}. Costs some microseconds and allocates.
   *
   * @param i the candidate, from 0
   * @return objectives, prices by goal, and the rounding that makes the sum exact
   */
  public Explanation explain(int i) {
    return open().explain(i);
  }

  /**
   * The final order of organic and promoted candidates: each pick at its place, all others in organic order around them, one row per item.
   *
   * @return indices of candidates, the first place first
   */
  public int[] blend() {
    return open().blend();
  }

  /**
   * How probable each pick was, given those before it; empty where the slate's exploration did not act.
   *
   * @return one probability a pick
   */
  public double[] propensities() {
    double[] outcome = open().outcome();
    return Arrays.copyOfRange(outcome, 1, outcome.length);
  }

  /**
   * How probable the slate was: the product of {@link #propensities()}; 1 where nothing was drawn.
   *
   * @return a probability
   */
  public double propensity() {
    double product = 1;
    for (double p : propensities()) {
      product *= p;
    }
    return product;
  }

  /**
   * What the slate's list terms and exploration cost: the sum of the scores that would have been picked without them, less that of the picks.
   *
   * @return in organic-score units; negative where they led to more by chance
   */
  public double givenUp() {
    return open().outcome()[0];
  }

  /**
   * The record of the decision. Costs some microseconds a pick and allocates.
   *
   * @param terms whether it holds every term of every pick's score
   * @param candidates whether it holds every candidate, which deciding it again needs
   * @return plain values
   */
  public DecisionRecord record(boolean terms, boolean candidates) {
    return open().record(terms, candidates);
  }

  /**
   * The id of the policy that this request belongs to.
   *
   * @return as {@link Policy#id}
   */
  public String policyId() {
    return open().policy().id();
  }

  /**
   * The time by which the request was scored: the one given, or the clock's.
   *
   * @return microseconds since 1970 UTC
   * @throws UsageException if it was not given and the request is not scored yet
   */
  public long time() {
    return open().time();
  }

  /**
   * How many candidates the request has.
   *
   * @return the {@code n} of {@code begin}
   */
  public int size() {
    return open().size();
  }

  /**
   * How many candidates fit before the workspace has to grow.
   *
   * @return a number of candidates
   */
  public int capacity() {
    return open().capacity();
  }

  /** Gives a borrowed workspace back, and frees any other. Closing twice does nothing. */
  @Override
  public void close() {
    RequestBuffer b = buffer;
    buffer = null;
    if (b != null) {
      scorer.close(b, borrowed);
    }
  }

  RequestBuffer buffer() {
    return buffer;
  }
}
