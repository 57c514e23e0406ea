package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Sizes, indices and nulls that are wrong are refused by name, and change nothing. */
class SizesTest {
  private static void assertInvalid(String code, String argument, long index, Executable call) {
    InvalidInputException e = assertThrows(InvalidInputException.class, call);
    assertEquals(code, e.code());
    assertEquals(argument, e.argument());
    assertEquals(index, e.index());
    assertTrue(e.getMessage().contains(argument), e.getMessage());
  }

  @Test
  void requestSizes() {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      assertInvalid("invalid_input.range", "n", -1, () -> scorer.newWorkspace(-1));
      assertInvalid("invalid_input.too_large", "n", -1, () -> scorer.newWorkspace(Integer.MAX_VALUE));
      Workspace ws = scorer.newWorkspace(0);
      ws.begin(p, 0).score();
      assertEquals(0, ws.picks());
      assertEquals(0, ws.size());
      ws.begin(p, 2).score();
      assertInvalid("invalid_input.range", "n", -1, () -> ws.begin(p, -1));
      assertInvalid("invalid_input.range", "n", -1, () -> ws.begin(p, Integer.MIN_VALUE));
      assertInvalid("invalid_input.too_large", "n", -1, () -> ws.begin(p, Workspace.LIMIT + 1));
      assertInvalid("invalid_input.null", "policy", -1, () -> ws.begin(null, 1));
      assertEquals(2, ws.size(), "a refused begin changes nothing");
      assertEquals(0, ws.picks());
    }
  }

  @Test
  void beginGrowsToTheLimit() {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(10);
      for (int n : new int[] {1, 10, 100, 10_000, Workspace.LIMIT}) {
        ws.begin(p, n);
        assertTrue(ws.capacity() >= n);
        for (int i = 0; i < n; i++) {
          ws.organic(i, i);
        }
        ws.score();
        assertEquals(0f, ws.promotionScore(n - 1));
        assertEquals("unknown", ws.reason(n - 1));
      }
    }
  }

  @Test
  void indicesAndArrays() {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(1000);
      ws.begin(p, 4);
      for (int i : new int[] {-1, 4, 999, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        assertInvalid("invalid_input.row", "i", i, () -> ws.organic(i, 1f));
        assertInvalid("invalid_input.row", "i", i, () -> ws.campaign(i, -1));
        assertInvalid("invalid_input.row", "i", i, () -> ws.item(i, 1));
        assertInvalid("invalid_input.row", "i", i, () -> ws.measure(i, -1, 1f));
      }
      assertInvalid("invalid_input.row", "j", 0, () -> ws.measure(0, 0, 1f));
      assertInvalid("invalid_input.row", "j", -2, () -> ws.measure(0, -2, 1f));
      assertInvalid("invalid_input.row", "j", -1, () -> ws.measure(-1));
      ws.measure(0, -1, 1f);
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(new float[5]));
      assertInvalid("invalid_input.null", "organic", -1, () -> ws.organic(null));
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(1, new float[9], 0, 4));
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(-1, new float[9], 0, 1));
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(0, new float[2], 1, 2));
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(0, new float[2], -1, 1));
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(0, new float[2], 0, -1));
      assertInvalid("invalid_input.shape", "organic", -1, () -> ws.organic(0, new float[2], Integer.MAX_VALUE, Integer.MAX_VALUE));
      assertInvalid("invalid_input.shape", "campaign", -1, () -> ws.campaign(new int[5]));
      assertInvalid("invalid_input.null", "campaign", -1, () -> ws.campaign((int[]) null));
      assertInvalid("invalid_input.shape", "item", -1, () -> ws.item(new int[5]));
      assertInvalid("invalid_input.null", "item", -1, () -> ws.item((int[]) null));
      assertInvalid("invalid_input.shape", "measure", -1, () -> ws.measure(-1, new float[5]));
      assertInvalid("invalid_input.null", "measure", -1, () -> ws.measure(-1, null));
      ws.score();
      assertInvalid("invalid_input.row", "i", 4, () -> ws.promotionScore(4));
      assertInvalid("invalid_input.row", "i", -1, () -> ws.reason(-1));
      assertInvalid("invalid_input.row", "i", 4, () -> ws.explain(4));
      assertInvalid("invalid_input.row", "k", 0, () -> ws.pick(0));
      assertInvalid("invalid_input.row", "k", 0, () -> ws.position(0));
      assertInvalid("invalid_input.shape", "out", -1, () -> ws.promotionScores(new float[3]));
      assertInvalid("invalid_input.null", "out", -1, () -> ws.promotionScores(null));
    }
  }

  @Test
  void aRefusedNumberOfSlotsIsOfItsRequestAlone() {
    try (Scorer scorer = Scorer.empty()) {
      Workspace ws = scorer.newWorkspace(4);
      ws.begin(scorer.policy(), 4).slots(-1);
      assertInvalid("invalid_input.range", "slots", -1, ws::score);
      ws.begin(scorer.policy(), 4).score();
      assertEquals(0, ws.picks());
    }
  }

  @Test
  void orderOfCalls() {
    try (Scorer scorer = Scorer.empty()) {
      Workspace ws = scorer.newWorkspace(4);
      assertNotBegun(ws::score);
      assertNotBegun(() -> ws.market(1));
      assertNotBegun(() -> ws.organic(0, 1f));
      assertNotBegun(ws::policyId);
      ws.begin(scorer.policy(), 4);
      assertNotBegun(ws::picks);
      assertNotBegun(() -> ws.promotionScore(0));
      assertNotBegun(() -> ws.reason(0));
      assertNotBegun(() -> ws.explain(0));
      assertNotBegun(ws::time);
      ws.score();
      assertEquals(0, ws.picks());
      ws.begin(scorer.policy(), 4);
      assertNotBegun(ws::picks);
    }
  }

  private static void assertNotBegun(Executable call) {
    assertEquals("usage.not_begun", assertThrows(UsageException.class, call).code());
  }

  @Test
  void nullsElsewhere() {
    assertInvalid("invalid_input.null", "policy", -1, () -> Scorer.of(null));
    assertInvalid("invalid_input.null", "path", -1, () -> Policy.load(null));
    assertInvalid("invalid_input.null", "bytes", -1, () -> Policy.fromBytes(null));
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      assertInvalid("invalid_input.null", "policy", -1, () -> scorer.install(null));
      assertInvalid("invalid_input.null", "id", -1, () -> p.row(null));
      assertInvalid("invalid_input.null", "ids", -1, () -> p.rows((String[]) null, new int[1]));
      assertInvalid("invalid_input.null", "out", -1, () -> p.rows(new String[1], null));
      assertInvalid("invalid_input.null", "name", -1, () -> p.market(null));
      int[] out = {5, 5};
      assertInvalid("invalid_input.null", "ids", 1, () -> p.rows(new String[] {"a", null}, out));
      assertInvalid("invalid_input.shape", "out", -1, () -> p.rows(new String[] {"a", "b", "c"}, out));
      assertEquals(5, out[0]);
      assertEquals(2, p.rows(new String[] {"a", "b"}, out));
      assertEquals(-1, out[1]);
    }
  }
}
