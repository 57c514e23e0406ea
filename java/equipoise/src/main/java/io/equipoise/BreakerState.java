package io.equipoise;

/** How a campaign's breaker stands. */
public enum BreakerState {
  // In the order of the native library's numbers.
  /** Responses are counted; the campaign takes part. */
  CLOSED,
  /** Tripped: the action applies, responses are not counted. */
  TRIPPED,
  /** Tried in a share of the requests; responses are counted. */
  PROBING
}
