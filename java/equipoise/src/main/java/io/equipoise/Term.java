package io.equipoise;

/**
 * One line of an {@link Explanation}.
 *
 * @param name what the line is about: a measure, a goal, or {@code tie_break} or {@code rounding}
 * @param kind the kind of line
 * @param amount what it adds to the score, in organic-score units
 */
public record Term(String name, String kind, double amount) {}
