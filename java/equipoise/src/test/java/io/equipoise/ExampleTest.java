package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The calls of the documentation, in their order. */
class ExampleTest {
  private static final long MAY = 1_777_593_600_000_000L;

  @Test
  void loadScoreExplainInstall() {
    assertTrue(Equipoise.isAvailable());
    assertNull(Equipoise.loadError());
    Path path = Policies.path("example");
    try (Scorer scorer = Scorer.of(Policy.load(path))) {
      scorer.warmUp();
      Workspace ws = scorer.newWorkspace(2000);
      Policy p = scorer.policy();
      int row = p.row("campaign-17");
      int se = p.market("SE");
      int radio = p.surface("radio");
      int stream = p.measure("stream");
      int save = p.measure("save");
      assertEquals(List.of("stream", "save", "displacement"), p.measures());
      assertEquals(4, p.size());
      assertEquals(-1, p.row("campaign-18"));
      assertEquals(-1, p.market("DK"));
      assertEquals(-1, p.surface("mix"));
      assertEquals(-1, p.measure("exposure"));

      ws.begin(p, 3).market(se).surface(radio).time(MAY).slots(2).key(99).reference(0.5f);
      ws.organic(0, 0.75f);
      ws.campaign(0, row);
      ws.measure(0, stream, 0.5f);
      ws.organic(1, 0.25f);
      ws.campaign(1, p.row("only-sweden"));
      ws.measure(1, stream, 0.25f);
      ws.measure(1, save, 0.125f);
      ws.organic(2, 0.5f);
      ws.campaign(2, Policy.ORGANIC);
      ws.score();

      // stream - price; stream + 2.5 save - 0.5 (reference - organic)
      assertEquals(0.5f - 0.0625f, ws.promotionScore(0));
      assertEquals(0.25f + 2.5f * 0.125f - 0.5f * 0.25f, ws.promotionScore(1));
      assertEquals(0f, ws.promotionScore(2));
      assertEquals(2, ws.picks());
      assertEquals(0, ws.pick(0));
      assertEquals(1, ws.pick(1));
      assertEquals(1, ws.position(0));
      assertEquals(3, ws.position(1));
      assertEquals("picked", ws.reason(0));
      assertEquals("organic", ws.reason(2));
      assertEquals(p.id(), ws.policyId());
      assertEquals(32, p.id().length());
      assertEquals(MAY, ws.time());
      float[] scores = new float[3];
      ws.promotionScores(scores);
      assertEquals(ws.promotionScore(1), scores[1]);

      for (int i = 0; i < 3; i++) {
        Explanation why = ws.explain(i);
        double sum = 0;
        for (Term term : why.terms()) {
          sum += term.amount();
        }
        assertEquals((double) ws.promotionScore(i), why.total());
        assertEquals(why.total(), sum);
        assertEquals(ws.reason(i), why.reason());
      }
      assertEquals(new Term("stream", "objective", 0.5), ws.explain(0).terms().get(0));
      assertTrue(ws.explain(0).terms().contains(new Term("cap exposure campaign=campaign-17", "cap", -0.0625)), ws.explain(0).toString());

      scorer.install(Policies.load("permuted-0"));
      assertNotEquals(p.id(), scorer.policy().id());
      assertEquals(p.id(), ws.policyId());
    }
  }

  @Test
  void eligibilityAndNames() {
    try (Scorer scorer = Scorer.of(Policies.load("example"));
        Workspace ws = scorer.borrow()) {
      Policy p = scorer.policy();
      int[] rows = new int[4];
      assertEquals(1, p.rows(List.of("only-sweden", "only-radio", "nobody", "only-may"), rows));
      ws.begin(p, 4).market("NO").surface("autoplay").time(MAY - 1).campaign(rows).organic(new float[4]);
      ws.score();
      assertEquals(List.of("market", "surface", "unknown", "flight"), List.of(ws.reason(0), ws.reason(1), ws.reason(2), ws.reason(3)));
      ws.begin(p, 4).market("DK").surface((String) null).time(MAY).campaign(rows).organic(new float[4]).reference(0);
      ws.score();
      assertEquals(List.of("market", "surface", "unknown", "price"), List.of(ws.reason(0), ws.reason(1), ws.reason(2), ws.reason(3)));
    }
  }

  @Test
  void anOmittedTimeIsOneReadingOfTheClock() {
    try (Scorer scorer = Scorer.empty();
        Workspace ws = scorer.borrow()) {
      long before = System.currentTimeMillis() * 1000;
      ws.begin(scorer.policy(), 1).score();
      long after = System.currentTimeMillis() * 1000;
      assertTrue(before <= ws.time() && ws.time() <= after);
    }
  }

  @Test
  void theEmptyPolicyServesTheOrganicOrder() {
    try (Scorer scorer = Scorer.empty()) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(2000);
      int row = p.row("campaign-17");
      assertEquals(-1, row);
      ws.begin(p, 2).market(p.market("SE")).surface(p.surface("radio")).slots(2).key(1).reference(0.41f);
      ws.organic(0, 0.73f);
      ws.campaign(0, row);
      ws.measure(0, p.measure("stream"), 0.12f);
      ws.organic(1, 0.2f);
      ws.score();
      assertEquals(0, ws.picks());
      assertEquals(0f, ws.promotionScore(0));
      assertEquals("unknown", ws.reason(0));
    }
  }
}
