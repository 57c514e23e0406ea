package io.equipoise.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;

/**
 * Runs the benchmarks by JMH and prints one JSON line per comparison: {@code FOLDER CAMPAIGNS ROUNDS}, where FOLDER is what the files program
 * wrote and CAMPAIGNS the name of their number.
 *
 * <p>JMH runs without forks, one variant after the other for a fraction of a second, round after round: whatever else this machine does hits
 * all alike, and only ratios are meant. A sample is sixteen requests; figures are medians over rounds of each round's median sample.
 */
public final class Main {
  private static final TimeValue WARM_UP = TimeValue.milliseconds(100);
  private static final TimeValue ITERATION = TimeValue.milliseconds(100);
  private static final int ITERATIONS = 2;
  private static final String[] VARIANTS = {"rust", "buffer", "filled", "heap", "plain", "vector", "objects"};
  private static final Map<String, String> NAMES =
      Map.of("rust", "rust", "buffer", "java-buffer", "filled", "java-filled", "heap", "java-heap", "plain", "java-plain", "vector",
          "java-vector", "objects", "java-objects");
  private static final String[][] PAIRS = {
    {"buffer", "rust"}, {"buffer", "plain"}, {"buffer", "vector"}, {"buffer", "objects"},
    {"filled", "rust"}, {"filled", "plain"},
    {"heap", "rust"}, {"heap", "plain"},
  };

  private Main() {}

  private static OptionsBuilder options(String variant, int n, long swap) {
    OptionsBuilder options = new OptionsBuilder();
    options.include("ScoringBench\\." + variant + "$").param("n", String.valueOf(n)).param("swap", String.valueOf(swap));
    options.forks(0).warmupIterations(1).warmupTime(WARM_UP).measurementIterations(ITERATIONS).measurementTime(ITERATION);
    options.verbosity(VerboseMode.SILENT).shouldFailOnError(true);
    return options;
  }

  /** The median sample. */
  private static double typical(String variant, int n) throws RunnerException {
    return new Runner(options(variant, n, 0).build()).runSingle().getPrimaryResult().getStatistics().getPercentile(50);
  }

  /** p50, p99 and p99.9 of single requests. */
  private static double[] percentiles(String variant, int n, long swap) throws RunnerException {
    OptionsBuilder options = options(variant, n, swap);
    options.measurementTime(TimeValue.milliseconds(600)).measurementIterations(1);
    Statistics all = new Runner(options.build()).runSingle().getPrimaryResult().getStatistics();
    return new double[] {all.getPercentile(50), all.getPercentile(99), all.getPercentile(99.9)};
  }

  private static double median(List<Double> values) {
    Collections.sort(values);
    return values.get(values.size() / 2);
  }

  private static void print(String condition, String subject, String peer, List<Double> ours, List<Double> theirs) {
    double our = median(ours);
    double their = median(theirs);
    double spread = (ours.get(ours.size() * 3 / 4) - ours.get(ours.size() / 4)) / our;
    System.out.printf(
        Locale.ROOT,
        "{\"bench\": \"scoring\", \"case\": \"%s\", \"subject\": \"%s\", \"peer\": \"%s\", \"ours\": %.1f, \"theirs\": %.1f, \"ratio\": %.3f,"
            + " \"unit\": \"ns\", \"repeats\": %d, \"spread\": %.3f}%n",
        condition, subject, peer, our, their, their / our, ours.size(), spread);
  }

  /** The variants' times per request, side by side. */
  private static void compare(String condition, int n, int rounds) throws RunnerException {
    Map<String, List<Double>> times = new LinkedHashMap<>();
    for (int round = -1; round < rounds; round++) {
      for (String variant : VARIANTS) {
        double found = typical(variant, n);
        // The first round is for the compilers.
        if (round >= 0) {
          times.computeIfAbsent(variant, v -> new ArrayList<>()).add(found);
        }
      }
    }
    for (String[] pair : PAIRS) {
      print(condition, NAMES.get(pair[0]), NAMES.get(pair[1]), times.get(pair[0]), times.get(pair[1]));
    }
  }

  /** Single requests while another thread swaps policies every millisecond, beside the same without. */
  private static void swap(String condition, int n, int rounds) throws RunnerException {
    String[] names = {"p50", "p99", "p99.9"};
    List<List<Double>> with = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    List<List<Double>> without = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int round = 0; round < rounds; round++) {
      double[] swapped = percentiles("single", n, 1_000_000);
      double[] calm = percentiles("single", n, 0);
      for (int q = 0; q < names.length; q++) {
        with.get(q).add(swapped[q]);
        without.get(q).add(calm[q]);
      }
    }
    for (int q = 0; q < names.length; q++) {
      print(condition + " swap=1ms " + names[q], "java-filled", "java-filled without swap", with.get(q), without.get(q));
    }
  }

  /**
   * Runs all of it.
   *
   * @param arguments folder, name of the number of campaigns, rounds
   * @throws IOException if the files are not there
   * @throws RunnerException if a benchmark fails
   */
  public static void main(String[] arguments) throws IOException, RunnerException {
    Path folder = Path.of(arguments[0]);
    int rounds = Integer.parseInt(arguments[2]);
    System.setProperty("equipoise.bench.folder", folder.toString());
    String path = Files.readString(folder.resolve("path"));
    for (int n : new int[] {50, 500, 2_000}) {
      String condition = "n=" + n + " campaigns=" + arguments[1] + " path=" + path + " reference=given";
      compare(condition, n, rounds);
      swap(condition, n, rounds);
    }
  }
}
