package io.equipoise.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeSet;

/** The serving rule as services tend to have it: campaigns by id in a map, candidates as objects, a priority queue. */
final class ObjectStyle {
  /** A campaign. */
  private static final class Campaign {
    private Set<Integer> markets;
    private Set<Integer> surfaces;
    private long start;
    private long end;
    private float[] prices;

    boolean isEligible(int market, int surface, long time) {
      return (markets == null || markets.contains(market))
          && (surfaces == null || surfaces.contains(surface))
          && start <= time
          && time < end;
    }
  }

  /** A candidate of a request. */
  static final class Candidate {
    private final int index;
    private final String campaign;
    private final float organic;
    private final float[] measures;

    Candidate(int index, String campaign, float organic, float[] measures) {
      this.index = index;
      this.campaign = campaign;
      this.organic = organic;
      this.measures = measures;
    }
  }

  /** What became of it. */
  static final class Scored {
    final Candidate candidate;
    final float score;

    Scored(Candidate candidate, float score) {
      this.candidate = candidate;
      this.score = score;
    }

    float score() {
      return score;
    }

    float organic() {
      return candidate.organic;
    }

    int index() {
      return candidate.index;
    }
  }

  private final Instance it;
  private final Map<String, Campaign> campaigns = new HashMap<>();

  ObjectStyle(Instance instance) {
    it = instance;
    for (int c = 0; c < instance.campaigns; c++) {
      Campaign campaign = new Campaign();
      campaign.markets = set(instance.markets[c]);
      campaign.surfaces = set(instance.surfaces[c]);
      campaign.start = instance.start[c];
      campaign.end = instance.end[c];
      campaign.prices = java.util.Arrays.copyOfRange(instance.prices, c * instance.measures, (c + 1) * instance.measures);
      campaigns.put(Instance.id(c), campaign);
    }
  }

  private static Set<Integer> set(int bits) {
    if (bits == -1) {
      return null;
    }
    Set<Integer> out = new TreeSet<>();
    for (int i = 0; i < 32; i++) {
      if ((bits >> i & 1) != 0) {
        out.add(i);
      }
    }
    return Set.copyOf(out);
  }

  /** A request's candidates, made beforehand: making them is not timed. */
  List<Candidate> candidates(Instance.Turn turn) {
    List<Candidate> out = new ArrayList<>();
    for (int i = 0; i < it.n; i++) {
      float[] measures = new float[it.measures - 1];
      for (int j = 0; j < measures.length; j++) {
        measures[j] = turn.measures[j * it.n + i];
      }
      out.add(new Candidate(i, turn.promoted[i] < 0 ? null : Instance.id(turn.promoted[i]), turn.organic[i], measures));
    }
    return out;
  }

  /** Scores of all candidates, and the best in order. */
  List<Scored> score(List<Candidate> candidates, List<Scored> all) {
    PriorityQueue<Scored> queue =
        new PriorityQueue<>(
            (a, b) -> {
              int byScore = Float.compare(b.score(), a.score());
              int byOrganic = byScore != 0 ? byScore : Float.compare(b.organic(), a.organic());
              return byOrganic != 0 ? byOrganic : Integer.compare(a.index(), b.index());
            });
    for (Candidate candidate : candidates) {
      Scored scored = new Scored(candidate, score(candidate));
      all.add(scored);
      if (scored.score > 0f) {
        queue.add(scored);
      }
    }
    List<Scored> picks = new ArrayList<>();
    while (picks.size() < it.places && !queue.isEmpty()) {
      picks.add(queue.poll());
    }
    return picks;
  }

  private float score(Candidate candidate) {
    Campaign campaign = candidate.campaign == null ? null : campaigns.get(candidate.campaign);
    if (campaign == null || !campaign.isEligible(Instance.MARKET, Instance.SURFACE, Instance.TIME)) {
      return 0f;
    }
    int last = it.measures - 1;
    float s = it.values[0] - campaign.prices[0];
    for (int j = 1; j < last; j++) {
      s += (it.values[j] - campaign.prices[j]) * candidate.measures[j - 1];
    }
    s += (it.values[last] - campaign.prices[last]) * Math.max(0f, Instance.REFERENCE - candidate.organic);
    return s + 0f;
  }
}
