package io.equipoise;

import java.time.Duration;
import java.util.Locale;

/**
 * When listeners' responses stop a campaign, what that means, and how it comes back. Immutable. By default a tripped breaker stops its
 * campaign until it is reset by hand. Numbers are checked where a scorer takes the rule.
 */
public final class Breaker {
  private final String measure;
  private final double threshold;
  private final long leastEvents;
  private final long window;
  private final String action;
  private final String reset;

  private Breaker(String measure, double threshold, long leastEvents, long window, String action, String reset) {
    this.measure = measure;
    this.threshold = threshold;
    this.leastEvents = leastEvents;
    this.window = window;
    this.action = action;
    this.reset = reset;
  }

  /**
   * A breaker that trips where responses per event are above a threshold.
   *
   * @param measure what is counted as a response, for people: {@code skip}
   * @param threshold from 0 to below 1
   * @param leastEvents events before it may trip, at least 1
   * @param window events that count: beyond this many, older ones weigh less, exponentially; at least {@code leastEvents}
   * @return the rule
   */
  public static Breaker of(String measure, double threshold, long leastEvents, long window) {
    Text.utf8(measure, "measure", -1);
    return new Breaker(measure, threshold, leastEvents, window, "{\"kind\":\"stop\"}", "{\"kind\":\"manual\"}");
  }

  /**
   * The same, but a campaign whose breaker has tripped takes part in a share of the requests, drawn by their keys.
   *
   * @param share above 0 and below 1, kept to the nearest of 254 steps
   * @return the rule
   */
  public Breaker damp(double share) {
    return with("{\"kind\":\"damp\",\"share\":" + number(share) + "}", reset);
  }

  /**
   * The same, but reset by itself after a time.
   *
   * @param time from the moment it tripped, in whole seconds
   * @return the rule
   */
  public Breaker resetAfter(Duration time) {
    return with(action, "{\"kind\":\"after\",\"seconds\":" + time.toSeconds() + "}");
  }

  /**
   * The same, but after a time the campaign is tried in a share of the requests: as many events at or below the threshold reset the
   * breaker, any others trip it again.
   *
   * @param time from the moment it tripped, in whole seconds
   * @param share above 0 and below 1, kept to the nearest of 254 steps
   * @param events that decide, at least 1
   * @return the rule
   */
  public Breaker probe(Duration time, double share, long events) {
    String seconds = "{\"kind\":\"probe\",\"seconds\":" + time.toSeconds();
    return with(action, seconds + ",\"share\":" + number(share) + ",\"events\":" + events + "}");
  }

  private Breaker with(String newAction, String newReset) {
    return new Breaker(measure, threshold, leastEvents, window, newAction, newReset);
  }

  /**
   * The rule as text.
   *
   * @return one JSON object
   */
  public String toJson() {
    String counts = ",\"least_events\":" + leastEvents + ",\"window\":" + window;
    String rule = ",\"threshold\":" + number(threshold) + counts + ",\"action\":" + action + ",\"reset\":" + reset;
    return "{\"measure\":" + quoted(measure) + rule + "}";
  }

  /**
   * The rule as text.
   *
   * @return as {@link #toJson}
   */
  @Override
  public String toString() {
    return toJson();
  }

  /** A number as JSON has it; NaN and infinities, which it has not, become one that is out of every range. */
  private static String number(double value) {
    return Double.isFinite(value) ? Double.toString(value) : "-1.0";
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c < ' ' || c == '"' || c == '\\') {
        quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
