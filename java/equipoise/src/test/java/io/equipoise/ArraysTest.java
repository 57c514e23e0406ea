package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Candidates in arrays of the heap are scored as those in the workspace's columns are, on both sides of the length that is copied. */
class ArraysTest {
  private static final int[] SIZES = {0, 1, 17, 143, 144, 145, 500, 2_000};

  private final Random random = new Random(7);

  /** One request, in arrays. */
  private static final class Arrays {
    final float[] organic;
    final int[] campaign;
    final float[] columns;
    final float[] rows;

    Arrays(Policy policy, int n, Random random) {
      int m = policy.measures().size();
      int[] known = {policy.row("campaign-17"), policy.row("only-sweden"), policy.row("only-radio"), Policy.ORGANIC, Policy.UNKNOWN};
      organic = new float[n];
      campaign = new int[n];
      columns = new float[n * m];
      rows = new float[n * m];
      for (int i = 0; i < n; i++) {
        organic[i] = random.nextFloat();
        campaign[i] = known[random.nextInt(known.length)];
        for (int j = 0; j < m; j++) {
          boolean unwritten = policy.measures().get(j).equals("displacement") && random.nextBoolean();
          float amount = unwritten ? Workspace.UNWRITTEN : random.nextFloat();
          columns[j * n + i] = amount;
          rows[i * m + j] = amount;
        }
      }
    }
  }

  private static Workspace begin(Workspace ws, Policy p, int n) {
    return ws.begin(p, n).market("SE").surface("radio").time(0).slots(3).key(n).reference(0.41f);
  }

  @Test
  void arraysGiveWhatColumnsGive() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      int m = p.measures().size();
      Workspace columns = scorer.newWorkspace(10);
      Workspace arrays = scorer.newWorkspace(10);
      for (int n : SIZES) {
        Arrays request = new Arrays(p, n, random);
        begin(columns, p, n).organic(request.organic).campaign(request.campaign);
        for (int j = 0; j < m; j++) {
          columns.measure(j, 0, request.columns, j * n, n);
        }
        columns.score();
        for (boolean byCandidate : new boolean[] {false, true}) {
          float[] scores = new float[n + 1];
          scores[n] = 42f;
          begin(arrays, p, n);
          if (byCandidate) {
            arrays.scoreByCandidate(request.organic, request.campaign, request.rows, scores);
          } else {
            arrays.score(request.organic, request.campaign, request.columns, scores);
          }
          assertEquals(42f, scores[n]);
          assertEquals(columns.picks(), arrays.picks());
          FloatBuffer view = arrays.promotionScores();
          for (int i = 0; i < n; i++) {
            assertEquals(columns.promotionScore(i), scores[i]);
            assertEquals(scores[i], view.get(i));
            assertEquals(columns.reason(i), arrays.reason(i));
          }
          for (int k = 0; k < columns.picks(); k++) {
            assertEquals(columns.pick(k), arrays.pick(k));
            assertEquals(columns.position(k), arrays.position(k));
          }
          for (int i = 0; i < n; i += 1 + n / 7) {
            assertEquals(columns.explain(i), arrays.explain(i));
          }
        }
        // The next request finds nothing of the arrays in its columns.
        begin(arrays, p, n).campaign(request.campaign).organic(request.organic).score();
        begin(columns, p, n).campaign(request.campaign).organic(request.organic).score();
        for (int i = 0; i < n; i++) {
          assertEquals(columns.promotionScore(i), arrays.promotionScore(i));
        }
      }
    }
  }

  @Test
  void whatIsNullWasSetBefore() {
    try (Scorer scorer = Scorer.of(Policies.load("example"));
        Workspace ws = scorer.borrow()) {
      Policy p = scorer.policy();
      float[] measures = {0.5f, 0.25f, 0f, 0f, 0f, 0f};
      begin(ws, p, 2).campaign(1, p.row("campaign-17")).score(null, null, measures, null);
      assertEquals("unknown", ws.reason(0));
      assertEquals(0.25f - 0.0625f, ws.promotionScore(1));
    }
  }

  @Test
  void arraysThatAreTooShortAreNamedAndChangeNothing() {
    try (Scorer scorer = Scorer.of(Policies.load("example"));
        Workspace ws = scorer.borrow()) {
      Policy p = scorer.policy();
      for (int n : new int[] {5, 500}) {
        int size = n;
        int m = p.measures().size();
        begin(ws, p, n);
        refused("organic", () -> ws.score(new float[size - 1], new int[size], new float[size * m], new float[size]));
        refused("campaign", () -> ws.score(new float[size], new int[size - 1], new float[size * m], new float[size]));
        refused("measures", () -> ws.score(new float[size], new int[size], new float[size * m - 1], new float[size]));
        refused("scores", () -> ws.score(new float[size], new int[size], new float[size * m], new float[size - 1]));
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> ws.score(null, null, null, null));
        assertEquals("invalid_input.null measures", e.code() + " " + e.argument());
        assertThrows(UsageException.class, ws::picks);
      }
    }
  }

  private static void refused(String argument, org.junit.jupiter.api.function.Executable call) {
    InvalidInputException e = assertThrows(InvalidInputException.class, call);
    assertEquals("invalid_input.shape " + argument, e.code() + " " + e.argument());
  }

  @Test
  void aFaultInAnArrayIsNamedAndTheArrayIsLetGo() {
    try (Scorer scorer = Scorer.of(Policies.load("example"));
        Workspace ws = scorer.borrow()) {
      Policy p = scorer.policy();
      int n = 1_000;
      float[] measures = new float[n * p.measures().size()];
      measures[n + 7] = Float.NaN;
      for (int time = 0; time < 3; time++) {
        begin(ws, p, n);
        InvalidInputException e =
            assertThrows(InvalidInputException.class, () -> ws.score(new float[n], null, measures, null));
        assertEquals("invalid_input.not_finite measures[1] 7", e.code() + " " + e.argument() + " " + e.index());
        System.gc();
      }
      measures[n + 7] = 0f;
      begin(ws, p, n).score(new float[n], null, measures, null);
      assertEquals(0, ws.picks());
    }
  }

  /** The native side trusts no length that Java tells it. */
  @Test
  void lengthsAreCheckedNatively() {
    try (Scorer scorer = Scorer.of(Policies.load("example"));
        Workspace ws = scorer.newWorkspace(200)) {
      Policy p = scorer.policy();
      ws.begin(p, 200).score();
      long raw = ws.buffer().raw();
      float[] shorter = new float[200 * p.measures().size() - 1];
      refused("measures", () -> Native.scoreArray(raw, p.raw(), 200, 0, 0, 0, -1, -1, 0, 0, shorter));
      refused("measures", () -> Native.score(raw, p.raw(), 200, Native.PACKED, 0, 0, -1, -1, 0, 0));
      refused("n", () -> Native.scoreArray(raw, p.raw(), Integer.MAX_VALUE, 0, 0, 0, -1, -1, 0, 0, shorter));
      EquipoiseException e =
          assertThrows(InvalidInputException.class, () -> Native.scoreArray(raw, p.raw(), 200, 0, 0, 0, -1, -1, 0, 0, null));
      assertEquals("invalid_input.null", e.code());
    }
  }

  @Test
  void unwrittenIsTheNativeSidesNumber() {
    assertEquals(Native.unwritten(), Float.floatToRawIntBits(Workspace.UNWRITTEN));
    assertTrue(Float.isNaN(Workspace.UNWRITTEN));
  }
}
