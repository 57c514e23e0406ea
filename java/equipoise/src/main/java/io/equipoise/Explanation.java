package io.equipoise;

import java.util.List;

/**
 * Why one candidate got its promotion score. Adding the amounts of the terms from first to last, in {@code double}, gives exactly the
 * score.
 *
 * @param terms the terms, in order; immutable
 * @param total the score as a {@code double}: {@code (double) workspace.promotionScore(i)}
 * @param reason why the candidate was picked or not, as {@link Workspace#reason}
 * @param cause what decided against the candidate; null for a pick
 */
public record Explanation(List<Term> terms, double total, String reason, Cause cause) {
  /**
   * Copies the list of terms.
   *
   * @param terms the terms, in order
   * @param total the score
   * @param reason why the candidate was picked or not
   * @param cause what decided against the candidate; null for a pick
   */
  public Explanation {
    terms = List.copyOf(terms);
  }
}
