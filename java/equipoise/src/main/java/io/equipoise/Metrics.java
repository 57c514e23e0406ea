package io.equipoise;

import java.util.ArrayList;
import java.util.List;

/**
 * The numbers of a scorer at one moment. What they are called is said once, by {@link #series()}: OpenTelemetry names, UCUM units. No
 * number has a label per campaign.
 */
public final class Metrics {
  /** What a number means over time. */
  public enum Kind {
    /** Only grows. */
    COUNTER,
    /** Goes up and down. */
    GAUGE,
    /** How many observations were at most the label {@code le}; the last bucket, {@code +Inf}, counts all. */
    BUCKET,
    /** The sum of the observations of the buckets of the same name. */
    SUM
  }

  /** One number's name. */
  public static final class Series {
    private final String name;
    private final Kind kind;
    private final String unit;
    private final String labelKey;
    private final String labelValue;
    private final String help;

    private Series(String[] told, int at) {
      name = told[at];
      kind = Kind.valueOf(told[at + 1].toUpperCase(java.util.Locale.ROOT));
      unit = told[at + 2];
      labelKey = told[at + 3];
      labelValue = told[at + 4];
      help = told[at + 5];
    }

    /**
     * The name.
     *
     * @return such as {@code equipoise.score.requests}
     */
    public String name() {
      return name;
    }

    /**
     * What the number means over time.
     *
     * @return its kind
     */
    public Kind kind() {
      return kind;
    }

    /**
     * The unit.
     *
     * @return by UCUM: {@code 1}, {@code s}, {@code By}, {@code {request}}
     */
    public String unit() {
      return unit;
    }

    /**
     * The key of the label that tells numbers of one name apart.
     *
     * @return a key, empty where the name has one number
     */
    public String labelKey() {
      return labelKey;
    }

    /**
     * The value of that label.
     *
     * @return a value, empty where the name has one number
     */
    public String labelValue() {
      return labelValue;
    }

    /**
     * One line for people.
     *
     * @return a sentence
     */
    public String help() {
      return help;
    }

    /**
     * Name and label.
     *
     * @return such as {@code equipoise.score.errors{code=invalid_input.row}}
     */
    @Override
    public String toString() {
      return labelKey.isEmpty() ? name : name + "{" + labelKey + "=" + labelValue + "}";
    }
  }

  private static final int WIDTH = 6;
  private static final List<Series> SERIES = list();

  private final double[] values;

  private Metrics(double[] values) {
    this.values = values;
  }

  private static List<Series> list() {
    NativeLibrary.require();
    String[] told = Native.metricSeries();
    List<Series> list = new ArrayList<>();
    for (int at = 0; at < told.length; at += WIDTH) {
      list.add(new Series(told, at));
    }
    return List.copyOf(list);
  }

  static Metrics of(long scorer) {
    double[] values = new double[SERIES.size()];
    Native.scorerMetrics(scorer, values);
    return new Metrics(values);
  }

  /**
   * Every number's name, in the order of {@link #value(int)}; the same list throughout a process.
   *
   * @return names, immutable
   */
  public static List<Series> series() {
    return SERIES;
  }

  /**
   * The value of number {@code i} of {@link #series()}.
   *
   * @param i from 0
   * @return its value; counts are exact up to 2^53
   */
  public double value(int i) {
    return values[i];
  }

  /**
   * The value of a name and label.
   *
   * @param name such as {@code equipoise.score.errors}
   * @param label the label's value, empty where the name has one number
   * @return the value, NaN where there is no such number
   */
  public double value(String name, String label) {
    for (int i = 0; i < values.length; i++) {
      Series series = SERIES.get(i);
      if (series.name().equals(name) && series.labelValue().equals(label)) {
        return values[i];
      }
    }
    return Double.NaN;
  }
}
