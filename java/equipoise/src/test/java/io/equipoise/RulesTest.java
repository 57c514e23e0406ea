package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Slate rules, list terms, exploration, causes and records. */
class RulesTest {
  private static final float[] VALUES = {0.9f, 0.8f, 0.7f, 0.6f};

  /** Four campaigns a, b, c, d of the values above, and an organic candidate; scored by no chance. */
  private static Workspace begun(Scorer scorer, long key) {
    Policy p = scorer.policy();
    return fill(scorer.newWorkspace(8), p, key);
  }

  private static Workspace fill(Workspace ws, Policy p, long key) {
    ws.begin(p, 5).time(0).key(key);
    ws.organic(new float[] {0.1f, 0.2f, 0.3f, 0.4f, 0.5f});
    ws.campaign(new int[] {p.row("a"), p.row("b"), p.row("c"), p.row("d"), Policy.ORGANIC});
    ws.measure(0, new float[] {VALUES[0], VALUES[1], VALUES[2], VALUES[3], 0f});
    return ws;
  }

  @Test
  void fixedPlacesAndTheBlendedOrder() {
    try (Scorer scorer = Scorer.of(Policies.load("explored")); Workspace ws = begun(scorer, 1)) {
      ws.explore(false).score();
      assertEquals(List.of(0, 1, 2, 4), List.of(ws.pick(0), ws.pick(1), ws.position(0), ws.position(1)));
      assertArrayEquals(new int[] {4, 0, 3, 1, 2}, ws.blend());
      assertEquals(0, ws.propensities().length);
      assertEquals(1.0, ws.propensity());
      assertEquals(0.0, ws.givenUp());
    }
  }

  @Test
  void numbersThatCannotBeUsedDropTheirCandidatesOnRequest() {
    try (Scorer scorer = Scorer.of(Policies.load("explored")); Workspace ws = begun(scorer, 1)) {
      ws.explore(false).measure(0, new float[] {VALUES[0], Float.NaN, VALUES[2], VALUES[3], 0f});
      InvalidInputException refused = assertThrows(InvalidInputException.class, ws::score);
      assertEquals(List.of("invalid_input.not_finite", 1L), List.of(refused.code(), refused.index()));
      ws.dropInvalid(true).score();
      assertEquals("invalid", ws.reason(1));
      assertEquals(0f, ws.promotionScore(1));
      Cause cause = ws.explain(1).cause();
      assertEquals("invalid", cause.name());
      assertTrue(cause.text().contains("measures[0]"), cause.text());
      DecisionRecord record = ws.record(true, true);
      assertEquals(record, record.replay(scorer.policy()));
      assertEquals(1, scorer.metrics().value("equipoise.score.dropped", ""));
      // Asked for until the next begin.
      fill(ws, scorer.policy(), 1).measure(0, new float[] {VALUES[0], Float.NaN, VALUES[2], VALUES[3], 0f});
      assertThrows(InvalidInputException.class, ws::score);
    }
  }

  @Test
  void theListenersCountsAndWhoWasLostTo() {
    try (Scorer scorer = Scorer.of(Policies.load("explored")); Workspace ws = begun(scorer, 1)) {
      ws.explore(false).frequency(new int[] {2, 9, 9, 9, 9}).score();
      assertEquals("frequency", ws.reason(0));
      Cause cause = ws.explain(0).cause();
      assertEquals("frequency", cause.name());
      assertEquals(List.of(2.0, 2.0), List.of(cause.found(), cause.limit()));
      assertEquals(-1, cause.lostTo());
      assertNull(ws.explain(1).cause());
      Cause lost = ws.explain(3).cause();
      assertEquals("outscored", lost.name());
      assertEquals(2, lost.lostTo());
      assertTrue(lost.text().contains("candidate 2"), lost.text());
      // What only some requests bring counts until the next begin.
      fill(ws, scorer.policy(), 1).explore(false).score();
      assertEquals("picked", ws.reason(0));
    }
  }

  @Test
  void listTermsSayWhatTheyCost() {
    try (Scorer scorer = Scorer.of(Policies.load("explored")); Workspace ws = begun(scorer, 1)) {
      float[] embeddings = {1, 0, 1, 0, 0, 1, 0, 1, 0, 1};
      ws.explore(false).embeddings(embeddings, 2).score();
      assertEquals(List.of(0, 2), List.of(ws.pick(0), ws.pick(1)));
      assertEquals((double) VALUES[1] - VALUES[2], ws.givenUp(), 1e-12);
      float[] pairs = new float[25];
      pairs[1] = 1f;
      ws.similarity(pairs).score();
      assertEquals(2, ws.pick(1));
      fill(ws, scorer.policy(), 1).explore(false).mix(new int[] {0, 0, 0, 1, -1}, new float[] {1, 1}).score();
      assertEquals(List.of(0, 3), List.of(ws.pick(0), ws.pick(1)));
    }
  }

  @Test
  void drawsRepeatByKeyAndAreRecorded() {
    try (Scorer scorer = Scorer.of(Policies.load("explored"))) {
      int[] firsts = new int[4];
      for (long key = 0; key < 200; key++) {
        try (Workspace ws = begun(scorer, key); Workspace again = begun(scorer, key)) {
          ws.uncertainty(new float[] {0, 0, 0, 0.5f, 0}).score();
          again.uncertainty(new float[] {0, 0, 0, 0.5f, 0}).score();
          DecisionRecord record = ws.record(true, true);
          assertEquals(record, again.record(true, true));
          assertEquals(key, record.key());
          assertEquals(ws.policyId(), record.policyId());
          assertEquals(ws.propensity(), record.propensity());
          assertTrue(record.propensity() > 0 && record.propensity() < 1);
          assertEquals(List.of(ws.pick(0), ws.pick(1)), record.pick());
          assertEquals(List.of(2, 4), record.place());
          assertEquals("ab".indexOf(record.campaign().get(0)) >= 0 || "cd".indexOf(record.campaign().get(0)) >= 0, true);
          assertEquals(record.pick().get(0) % 2 == 0 ? "L" : "M", record.label().get(0));
          assertNull(record.artist().get(0));
          double sum = 0;
          for (int t = 0; t < record.term().size(); t++) {
            sum += record.termPick().get(t) == 0 ? record.term().get(t).amount() : 0;
          }
          assertEquals((double) record.score().get(0), sum);
          DecisionRecord.Candidates given = record.candidates();
          assertEquals(Arrays.asList("a", "b", "c", "d", null), given.campaign());
          assertEquals(5, given.measures().size());
          assertNull(given.item());
          assertNotNull(given.uncertainty());
          assertNull(ws.record(false, false).candidates());
          firsts[ws.pick(0)]++;
        }
      }
      for (int count : firsts) {
        assertTrue(count > 5, Arrays.toString(firsts));
      }
    }
  }

  @Test
  void whatDoesNotFitIsNamed() {
    try (Scorer scorer = Scorer.of(Policies.load("explored")); Workspace ws = begun(scorer, 1)) {
      InvalidInputException shape =
          assertThrows(InvalidInputException.class, () -> ws.frequency(new int[] {1}).score());
      assertEquals(List.of("invalid_input.shape", "frequency"), List.of(shape.code(), shape.argument()));
      ws.frequency(new int[5]);
      InvalidInputException missing = assertThrows(InvalidInputException.class, () -> ws.mix(null, new float[] {1}));
      assertEquals("category", missing.argument());
      InvalidInputException range =
          assertThrows(InvalidInputException.class, () -> ws.uncertainty(new float[] {0, 0, -1, 0, 0}).score());
      assertEquals(List.of("invalid_input.range", "uncertainty", 2L), List.of(range.code(), range.argument(), range.index()));
      assertThrows(UsageException.class, ws::blend);
    }
  }
}
