package io.equipoise.example;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * The body of {@code POST /score}: one opportunity, its candidates in columns of equal length.
 *
 * @param market where the listener is, if known
 * @param surface where the slate is shown, if known
 * @param time microseconds since 1970 UTC; now, if absent
 * @param slots promoted places; the policy's own, if absent
 * @param key should differ from request to request
 * @param reference the organic score that a promotion displaces; computed, if absent and needed
 * @param organic organic scores
 * @param campaign ids of campaigns, null for what is not promoted
 * @param measures the policy's measures by name; absent ones are 0, others are ignored
 * @param explain whether the answer explains the picks
 */
public record ScoreRequest(
    String market,
    String surface,
    Long time,
    Integer slots,
    long key,
    Float reference,
    float[] organic,
    @JsonProperty(required = true) String[] campaign,
    Map<String, float[]> measures,
    boolean explain) {}
