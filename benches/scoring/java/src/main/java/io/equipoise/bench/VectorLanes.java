package io.equipoise.bench;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The serving rule with the Vector API. A first loop looks campaigns up, checks them and lines up the two prices that campaigns have in this
 * instance; a second one does the arithmetic in lanes, measure by measure; a third finds the best among positive scores.
 */
final class VectorLanes {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

  private final Instance it;
  /** Per campaign: prices of the first two measures, and whether it can be served to these requests at all. */
  private final float[] first;
  private final float[] second;
  private final int[] markets;
  private final float[] own;
  private final float[] other;
  private final float[] eligible;
  final float[] scores;
  final Best best;

  VectorLanes(Instance instance) {
    it = instance;
    first = new float[instance.campaigns];
    second = new float[instance.campaigns];
    markets = new int[instance.campaigns];
    for (int c = 0; c < instance.campaigns; c++) {
      first[c] = instance.prices[c * instance.measures];
      second[c] = instance.prices[c * instance.measures + 1];
      for (int j = 2; j < instance.measures; j++) {
        if (instance.prices[c * instance.measures + j] != 0f) {
          throw new IllegalStateException("campaigns have prices of more than two measures");
        }
      }
      // Sets of markets and surfaces of eight each in one word.
      markets[c] = instance.markets[c] & 0xff | (instance.surfaces[c] & 0xff) << 8;
    }
    own = new float[instance.n];
    other = new float[instance.n];
    eligible = new float[instance.n];
    scores = new float[instance.n];
    best = new Best(instance.places);
  }

  int score(Instance.Turn turn) {
    int n = it.n;
    int wanted = 1 << Instance.MARKET | 1 << Instance.SURFACE + 8;
    int[] promoted = turn.promoted;
    for (int i = 0; i < n; i++) {
      int c = promoted[i];
      boolean yes = c >= 0 && (markets[c] & wanted) == wanted && it.start[c] <= Instance.TIME && Instance.TIME < it.end[c];
      own[i] = yes ? first[c] : 0f;
      other[i] = yes ? second[c] : 0f;
      eligible[i] = yes ? 1f : 0f;
    }
    int last = it.measures - 1;
    float[] values = it.values;
    int i = 0;
    for (; i + LANES.length() <= n; i += LANES.length()) {
      FloatVector s = FloatVector.broadcast(LANES, values[0]).sub(FloatVector.fromArray(LANES, own, i));
      FloatVector price = FloatVector.fromArray(LANES, other, i);
      s = s.add(FloatVector.broadcast(LANES, values[1]).sub(price).mul(FloatVector.fromArray(LANES, turn.measures, i)));
      for (int j = 2; j < last; j++) {
        s = s.add(FloatVector.fromArray(LANES, turn.measures, (j - 1) * n + i).mul(values[j]));
      }
      FloatVector gap = FloatVector.broadcast(LANES, Instance.REFERENCE).sub(FloatVector.fromArray(LANES, turn.organic, i)).max(0f);
      s = s.add(gap.mul(values[last])).add(0f);
      FloatVector is = FloatVector.fromArray(LANES, eligible, i);
      FloatVector.zero(LANES).blend(s, is.compare(VectorOperators.GT, 0f)).intoArray(scores, i);
    }
    for (; i < n; i++) {
      float s = values[0] - own[i];
      s += (values[1] - other[i]) * turn.measures[i];
      for (int j = 2; j < last; j++) {
        s += values[j] * turn.measures[(j - 1) * n + i];
      }
      s += values[last] * Math.max(0f, Instance.REFERENCE - turn.organic[i]);
      scores[i] = eligible[i] > 0f ? s + 0f : 0f;
    }
    best.clear();
    for (i = 0; i < n; i++) {
      if (scores[i] > 0f) {
        best.offer(i, scores[i], turn.organic[i]);
      }
    }
    return best.size;
  }
}
