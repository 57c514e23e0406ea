package io.equipoise.bench;

import io.equipoise.Install;
import io.equipoise.Policy;
import io.equipoise.Scorer;
import io.equipoise.Workspace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Every variant over the same requests, each of which it takes in turn; all are checked against the right answers before any is timed. */
final class Contenders implements AutoCloseable {
  private final Instance it;
  private final Policy[] policies;
  /** Rows per policy and turn. */
  private final int[][][] rows;
  private final Scorer scorer;
  private final Workspace[] inPlace;
  private final Workspace filled;
  private final float[] scores;
  private final PlainArrays plain;
  private final VectorLanes lanes;
  private final ObjectStyle objects;
  private final List<List<ObjectStyle.Candidate>> candidates = new ArrayList<>();
  private final List<ObjectStyle.Scored> scored = new ArrayList<>();
  private final long nativeLoop;
  private int at;

  Contenders(Path folder, int n) throws IOException {
    it = new Instance(folder, n);
    policies = new Policy[] {Policy.load(folder.resolve("a.safetensors")), Policy.load(folder.resolve("b.safetensors"))};
    scorer = Scorer.of(policies[0]);
    rows = new int[policies.length][it.turns.length][];
    for (int p = 0; p < policies.length; p++) {
      for (int t = 0; t < it.turns.length; t++) {
        rows[p][t] = resolve(policies[p], it.turns[t].promoted);
      }
    }
    inPlace = new Workspace[it.shared];
    for (int t = 0; t < inPlace.length; t++) {
      Workspace ws = scorer.newWorkspace(n);
      begin(ws, policies[0]);
      ws.organic().put(0, it.turns[t].organic);
      ws.campaign().put(0, rows[0][t]);
      for (int j = 0; j < it.measures - 2; j++) {
        ws.measure(j).put(0, it.turns[t].measures, j * n, n);
      }
      inPlace[t] = ws;
    }
    filled = scorer.newWorkspace(n);
    scores = new float[n];
    plain = new PlainArrays(it);
    lanes = new VectorLanes(it);
    objects = new ObjectStyle(it);
    for (Instance.Turn turn : it.turns) {
      candidates.add(objects.candidates(turn));
    }
    nativeLoop = NativeLoop.create(it.campaigns, n, it.turns.length, it.shared);
    check();
  }

  private static int[] resolve(Policy policy, int[] promoted) {
    String[] ids = new String[promoted.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = promoted[i] < 0 ? "" : Instance.id(promoted[i]);
    }
    int[] rows = new int[ids.length];
    policy.rows(ids, rows);
    for (int i = 0; i < rows.length; i++) {
      if (promoted[i] < 0) {
        rows[i] = Policy.ORGANIC;
      } else if (rows[i] == Policy.UNKNOWN) {
        throw new IllegalStateException("the policy lacks " + ids[i]);
      }
    }
    return rows;
  }

  private Workspace begin(Workspace ws, Policy policy) {
    return ws.begin(policy, it.n).market(Instance.MARKET).surface(Instance.SURFACE).time(Instance.TIME).reference(Instance.REFERENCE);
  }

  private int next() {
    int t = at;
    at = t + 1 == it.turns.length ? 0 : t + 1;
    return t;
  }

  int nativeRun(int count) {
    return NativeLoop.run(nativeLoop, count);
  }

  /** The request lies in the workspace, its results are left there. */
  int buffer() {
    return buffer(next()).picks();
  }

  /** Where there are more turns than workspaces, rows are written in place first. */
  private Workspace buffer(int t) {
    Workspace ws = inPlace[t % inPlace.length];
    if (it.turns.length > inPlace.length) {
      ws.campaign().put(0, rows[0][t]);
    }
    ws.score();
    return ws;
  }

  /** The request is copied from arrays, its scores are copied out. */
  int filled() {
    int t = next();
    Policy policy = scorer.policy();
    return filled(t, policy, rows[policy == policies[0] ? 0 : 1][t]);
  }

  private int filled(int t, Policy policy, int[] own) {
    Instance.Turn turn = it.turns[t];
    begin(filled, policy).organic(turn.organic).campaign(own);
    for (int j = 0; j < it.measures - 2; j++) {
      filled.measure(j, 0, turn.measures, j * it.n, it.n);
    }
    filled.score();
    filled.promotionScores(scores);
    return filled.picks();
  }

  /** The request is scored in the arrays that hold it, its scores are copied out. */
  int heap() {
    int t = next();
    Instance.Turn turn = it.turns[t];
    begin(filled, policies[0]).score(turn.organic, rows[0][t], turn.measures, scores);
    return filled.picks();
  }

  int plain() {
    return plain.score(it.turns[next()]);
  }

  int lanes() {
    return lanes.score(it.turns[next()]);
  }

  int objects() {
    scored.clear();
    return objects.score(candidates.get(next()), scored).size();
  }

  /** Swaps the two policies. */
  void swap() {
    scorer.install(scorer.policy() == policies[0] ? policies[1] : policies[0], Install.FORCE);
  }

  private void check() {
    long picks = 0;
    for (int t = 0; t < it.turns.length; t++) {
      Instance.Turn turn = it.turns[t];
      picks += turn.picks.length;
      Workspace ws = buffer(t);
      ws.promotionScores(scores);
      same("java-buffer", turn, scores, picks(ws));
      for (int p = 0; p < policies.length; p++) {
        filled(t, policies[p], rows[p][t]);
        same("java-filled", turn, scores, picks(filled));
      }
      at = t;
      heap();
      same("java-heap", turn, scores, picks(filled));
      plain.score(turn);
      same("java-plain", turn, plain.scores, Arrays.copyOf(plain.best.index, plain.best.size));
      lanes.score(turn);
      same("java-vector", turn, lanes.scores, Arrays.copyOf(lanes.best.index, lanes.best.size));
      scored.clear();
      int[] found = objects.score(candidates.get(t), scored).stream().mapToInt(ObjectStyle.Scored::index).toArray();
      for (int i = 0; i < it.n; i++) {
        scores[i] = scored.get(i).score;
      }
      same("java-objects", turn, scores, found);
    }
    at = 0;
    if (nativeRun(it.turns.length) != picks) {
      throw new IllegalStateException("the native loop picks another number");
    }
  }

  private static int[] picks(Workspace ws) {
    int[] picks = new int[ws.picks()];
    for (int k = 0; k < picks.length; k++) {
      picks[k] = ws.pick(k);
    }
    return picks;
  }

  private static void same(String who, Instance.Turn turn, float[] scores, int[] picks) {
    for (int i = 0; i < scores.length; i++) {
      if (Float.floatToRawIntBits(scores[i]) != Float.floatToRawIntBits(turn.scores[i])) {
        throw new IllegalStateException(who + " scores candidate " + i + " " + scores[i] + ", right is " + turn.scores[i]);
      }
    }
    if (!Arrays.equals(picks, turn.picks)) {
      throw new IllegalStateException(who + " picks " + Arrays.toString(picks) + ", right is " + Arrays.toString(turn.picks));
    }
  }

  @Override
  public void close() {
    for (Workspace ws : inPlace) {
      ws.close();
    }
    filled.close();
    scorer.close();
  }
}
