package io.equipoise.bench;

/** The serving rule over primitive arrays, candidate by candidate. */
final class PlainArrays {
  private final Instance it;
  final float[] scores;
  final Best best;

  PlainArrays(Instance instance) {
    it = instance;
    scores = new float[instance.n];
    best = new Best(instance.places);
  }

  int score(Instance.Turn turn) {
    int n = it.n;
    int m = it.measures;
    float[] values = it.values;
    float[] prices = it.prices;
    float[] amounts = turn.measures;
    best.clear();
    for (int i = 0; i < n; i++) {
      int c = turn.promoted[i];
      float s = 0f;
      if (c >= 0
          && (it.markets[c] >> Instance.MARKET & 1) != 0
          && (it.surfaces[c] >> Instance.SURFACE & 1) != 0
          && it.start[c] <= Instance.TIME
          && Instance.TIME < it.end[c]) {
        int row = c * m;
        s = values[0] - prices[row];
        for (int j = 1; j < m - 1; j++) {
          s += (values[j] - prices[row + j]) * amounts[(j - 1) * n + i];
        }
        s += (values[m - 1] - prices[row + m - 1]) * Math.max(0f, Instance.REFERENCE - turn.organic[i]);
        s += 0f;
        if (s > 0f) {
          best.offer(i, s, turn.organic[i]);
        }
      }
      scores[i] = s;
    }
    return best.size;
  }
}
