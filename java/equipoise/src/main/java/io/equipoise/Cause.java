package io.equipoise;

/**
 * What decided against a candidate that was not picked.
 *
 * @param name the reason, as {@link Workspace#reason}, or {@code guardrail} where the price that charged most is a guardrail's
 * @param lostTo the index of the pick that it lost to; -1 where it lost to none
 * @param term the index among {@link Explanation#terms} of the price that charged most; -1 where none did
 * @param found what was found: a score, a count, an organic score, an organic rank, a time; NaN where there is no number
 * @param limit what it was held against: the pick's score, a cap, a floor, a limit, a time; NaN where there is no number
 * @param text the same for people, in English; ids are escaped
 */
public record Cause(String name, int lostTo, int term, double found, double limit, String text) {}
