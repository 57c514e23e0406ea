package io.equipoise.example;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.equipoise.Explanation;

/**
 * The answer to a {@link ScoreRequest}.
 *
 * @param policyId the policy that decided
 * @param scores promotion scores, +0 for candidates that were not eligible
 * @param picks who is promoted, best first
 */
public record ScoreAnswer(@JsonProperty("policy_id") String policyId, float[] scores, Pick[] picks) {
  /**
   * One pick.
   *
   * @param candidate its place in the request's columns
   * @param place its place on the slate, from 1
   * @param why its explanation, if asked for
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Pick(int candidate, int place, Explanation why) {}
}
