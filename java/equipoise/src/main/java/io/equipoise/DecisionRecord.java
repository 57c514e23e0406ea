package io.equipoise;

import java.lang.ref.Reference;
import java.util.List;

/**
 * The record of a decision, as plain values that a writer of Avro, Arrow or Parquet takes: what was decided, on whose behalf and why, and
 * how probable it was. Names and meanings are those of the columns that the Rust and Python faces write and read. A record with candidates
 * {@linkplain #replay decides again}, bit for bit, in any of the three languages; as {@linkplain #toJson JSON} it travels between them.
 * Lists of one entry per pick are in the order of picking. Lists that this library made are immutable.
 *
 * @param policyId the id of the policy that decided
 * @param key the request's key
 * @param time microseconds since 1970 UTC; null where the request had none, which those of a {@link Workspace} never are
 * @param market the market; null where the policy knows none
 * @param surface the surface; null where the policy knows none
 * @param slots promoted places; null where the request did not say
 * @param reference the reference that was given; null where none was
 * @param usedReference the reference that was given or computed; null where nothing needed one
 * @param explore whether exploration was allowed to act
 * @param propensity the probability of the slate; 1 where nothing was drawn
 * @param givenUp what list terms and exploration cost, in organic-score units
 * @param pick the candidate of each pick
 * @param place the place of each pick, from 1
 * @param organicRank the organic rank of each pick, from 1
 * @param score the promotion score of each pick
 * @param pickPropensity the probability of each pick, given those before
 * @param campaign the campaign of each pick
 * @param artist on whose behalf: the campaign's artist, null where it has none
 * @param label its label, null where it has none
 * @param licensor its licensor, null where it has none
 * @param mainParameters the three largest terms of each pick's score
 * @param termPick for every term of every pick, on request, which of the picks it belongs to, from 0
 * @param term those terms
 * @param candidates every candidate, on request; else null
 */
public record DecisionRecord(
    String policyId,
    long key,
    Long time,
    String market,
    String surface,
    Integer slots,
    Float reference,
    Float usedReference,
    boolean explore,
    double propensity,
    double givenUp,
    List<Integer> pick,
    List<Integer> place,
    List<Integer> organicRank,
    List<Float> score,
    List<Double> pickPropensity,
    List<String> campaign,
    List<String> artist,
    List<String> label,
    List<String> licensor,
    List<String> mainParameters,
    List<Integer> termPick,
    List<Term> term,
    Candidates candidates) {

  /**
   * The candidates of a decision: what was given of them, and what became of them. A list is null where the request had no such column.
   *
   * @param campaign campaigns; null for organic candidates, empty for one that the policy does not know
   * @param reason stable names of reasons
   * @param score promotion scores
   * @param measures amounts, candidate by candidate in the policy's order of measures; null for a displacement that was not written
   * @param organic organic scores
   * @param item items; null for a row of its own
   * @param artist artists in place of the campaigns'
   * @param frequency how often the listener had had each campaign
   * @param uncertainty uncertainties
   * @param category categories; null for none
   * @param target the target shares of categories
   * @param similarity similarities as they were given
   * @param embeddingWidth numbers in each embedding; null where similarities were given by pairs or not at all
   */
  public record Candidates(
      List<String> campaign,
      List<String> reason,
      List<Float> score,
      List<Float> measures,
      List<Float> organic,
      List<Long> item,
      List<Long> artist,
      List<Long> frequency,
      List<Float> uncertainty,
      List<Long> category,
      List<Float> target,
      List<Float> similarity,
      Integer embeddingWidth) {}

  /**
   * Decides again, by the same policy and what was recorded of the request. What switches and breakers kept out stays out.
   *
   * @param policy the policy that decided
   * @return the record of that: equal to this one, bit for bit, with every term where this one has any
   * @throws InvalidInputException {@code invalid_input.foreign_file} for another policy, {@code invalid_input.missing} without candidates,
   *     and what scoring such a request says
   */
  public DecisionRecord replay(Policy policy) {
    if (policy == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "policy", -1, "is null, wanted a policy");
    }
    try {
      return Records.of(Native.recordReplay(policy.raw(), utf8(toJson())));
    } finally {
      Reference.reachabilityFence(policy);
    }
  }

  /**
   * The record as one line of JSON, with the names of the columns that Rust and Python write; both read it, too.
   *
   * @return one JSON object, which {@link #fromJson} makes an equal record of
   */
  public String toJson() {
    return RecordJson.of(this);
  }

  /**
   * Reads what this or another language has written.
   *
   * @param json one JSON object
   * @return the record
   * @throws InvalidInputException {@code invalid_input.syntax} for what is no such JSON
   */
  public static DecisionRecord fromJson(String json) {
    NativeLibrary.require();
    return Records.of(Native.recordOfJson(utf8(json)));
  }

  private static byte[] utf8(String json) {
    return Text.utf8(json, "record", -1);
  }
}
