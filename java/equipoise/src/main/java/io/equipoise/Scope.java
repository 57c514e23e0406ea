package io.equipoise;

/** What a kill switch stops. */
public enum Scope {
  // In the order of the native library's numbers.
  /** One campaign. */
  CAMPAIGN,
  /** All campaigns of one artist. */
  ARTIST,
  /** All campaigns of one label. */
  LABEL,
  /** All campaigns of one licensor. */
  LICENSOR,
  /** All promotion in one market. */
  MARKET,
  /** All promotion on one surface. */
  SURFACE,
  /** All promotion; its id is empty. */
  ALL
}
