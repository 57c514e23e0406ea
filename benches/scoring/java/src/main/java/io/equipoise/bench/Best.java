package io.equipoise.bench;

/** The best few of many by score, organic score and index, kept in order by insertion: as a careful Java programmer would. */
final class Best {
  final int[] index;
  private final float[] score;
  private final float[] organic;
  int size;

  Best(int places) {
    index = new int[places];
    score = new float[places];
    organic = new float[places];
  }

  void clear() {
    size = 0;
  }

  void offer(int i, float s, float o) {
    if (size == index.length && !before(s, o, size - 1)) {
      return;
    }
    int at = size < index.length ? size++ : size - 1;
    while (at > 0 && before(s, o, at - 1)) {
      index[at] = index[at - 1];
      score[at] = score[at - 1];
      organic[at] = organic[at - 1];
      at--;
    }
    index[at] = i;
    score[at] = s;
    organic[at] = o;
  }

  /** Candidates come in the order of their indices, so an equal one is never before. */
  private boolean before(float s, float o, int at) {
    return s > score[at] || s == score[at] && o > organic[at];
  }
}
