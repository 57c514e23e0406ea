package io.equipoise.example;

import io.equipoise.Policy;
import io.equipoise.Scorer;
import io.equipoise.Workspace;
import java.util.Map;

/** From a posted request to its answer: the part that a service of your own would have. */
final class Promotion {
  private final Scorer scorer;

  Promotion(Scorer scorer) {
    this.scorer = scorer;
  }

  /** Scores one request, by whatever policy is current as it begins. Any thread, platform or virtual. */
  ScoreAnswer score(ScoreRequest request) {
    try (Workspace ws = scorer.borrow()) {
      Policy policy = scorer.policy();
      int n = request.campaign().length;
      ws.begin(policy, n).market(request.market()).surface(request.surface()).key(request.key()).campaign(rows(policy, request.campaign()));
      if (request.time() != null) {
        ws.time(request.time());
      }
      if (request.slots() != null) {
        ws.slots(request.slots());
      }
      if (request.reference() != null) {
        ws.reference(request.reference());
      }
      if (request.organic() != null) {
        ws.organic(whole("organic", request.organic(), n));
      }
      if (request.measures() != null) {
        for (Map.Entry<String, float[]> measure : request.measures().entrySet()) {
          ws.measure(policy.measure(measure.getKey()), whole(measure.getKey(), measure.getValue(), n));
        }
      }
      ws.score();
      return answer(ws, n, request.explain());
    }
  }

  /** A service that keeps rows beside its candidates, resolved once per policy, is spared this look-up. */
  private static int[] rows(Policy policy, String[] campaigns) {
    String[] ids = campaigns.clone();
    for (int i = 0; i < ids.length; i++) {
      ids[i] = ids[i] == null ? "" : ids[i];
    }
    int[] rows = new int[ids.length];
    policy.rows(ids, rows);
    for (int i = 0; i < rows.length; i++) {
      rows[i] = campaigns[i] == null ? Policy.ORGANIC : rows[i];
    }
    return rows;
  }

  /** A column must have a value for each candidate; the workspace itself would take a shorter one for the first of them. */
  private static float[] whole(String name, float[] column, int n) {
    if (column == null || column.length != n) {
      throw new IllegalArgumentException(
          name + " has " + (column == null ? "no" : String.valueOf(column.length)) + " values for " + n + " candidates");
    }
    return column;
  }

  private static ScoreAnswer answer(Workspace ws, int n, boolean explain) {
    float[] scores = new float[n];
    ws.promotionScores(scores);
    ScoreAnswer.Pick[] picks = new ScoreAnswer.Pick[ws.picks()];
    for (int k = 0; k < picks.length; k++) {
      int candidate = ws.pick(k);
      picks[k] = new ScoreAnswer.Pick(candidate, ws.position(k), explain ? ws.explain(candidate) : null);
    }
    return new ScoreAnswer(ws.policyId(), scores, picks);
  }
}
