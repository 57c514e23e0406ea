package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Elements, arrays and views write the same columns; what a request does not write has its stated value, whatever came before. */
class ColumnsTest {
  private static final int N = 200;

  /** A request as plain arrays. */
  private static final class Plain {
    final float[] organic = new float[N];
    final int[] campaign = new int[N];
    final int[] item = new int[N];
    final float[] stream = new float[N];
    final float[] save = new float[N];

    Plain(Random random, Policy p) {
      int[] rows = {p.row("campaign-17"), p.row("only-sweden"), p.row("only-radio"), Policy.UNKNOWN, Policy.ORGANIC};
      for (int i = 0; i < N; i++) {
        campaign[i] = rows[random.nextInt(rows.length)];
        item[i] = random.nextInt(4) == 0 ? -1 : i / 2;
        organic[i] = item[i] < 0 ? random.nextFloat() : (item[i] % 17) / 16f;
        stream[i] = random.nextFloat();
        save[i] = random.nextFloat();
      }
    }
  }

  private static Workspace begin(Workspace ws, Policy p) {
    return ws.begin(p, N).market("SE").surface("radio").time(0).slots(5).key(3);
  }

  private static String results(Workspace ws) {
    ws.score();
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < ws.size(); i++) {
      out.append(Float.floatToRawIntBits(ws.promotionScore(i))).append(ws.reason(i)).append(' ');
    }
    for (int k = 0; k < ws.picks(); k++) {
      out.append(ws.pick(k)).append('@').append(ws.position(k)).append(' ');
    }
    return out.toString();
  }

  @Test
  void elementsArraysAndViewsAreOneThing() {
    Random random = new Random(11);
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      int stream = p.measure("stream");
      int save = p.measure("save");
      Workspace elements = scorer.newWorkspace(10);
      Workspace arrays = scorer.newWorkspace(N);
      Workspace views = scorer.newWorkspace(N);
      begin(views, p);
      FloatBuffer organic = views.organic();
      IntBuffer campaign = views.campaign();
      IntBuffer item = views.item();
      FloatBuffer streams = views.measure(stream);
      FloatBuffer saves = views.measure(save);
      assertTrue(organic.isDirect() && organic.order() == ByteOrder.nativeOrder());
      for (int round = 0; round < 20; round++) {
        Plain plain = new Plain(random, p);
        begin(elements, p);
        for (int at = 0; at < N; at++) {
          int i = round % 2 == 0 ? at : (at * 37) % N;
          elements.organic(i, plain.organic[i]).campaign(i, plain.campaign[i]).item(i, plain.item[i]);
          elements.measure(i, stream, plain.stream[i]).measure(i, save, plain.save[i]);
        }
        begin(arrays, p);
        if (round % 2 == 0) {
          arrays.organic(plain.organic).campaign(plain.campaign).item(plain.item);
          arrays.measure(stream, plain.stream).measure(save, plain.save);
        } else {
          arrays.organic(150, plain.organic, 150, 50).organic(0, plain.organic, 0, 150);
          arrays.campaign(1, plain.campaign, 1, N - 1).campaign(0, plain.campaign[0]);
          arrays.item(0, plain.item, 0, 7).item(7, plain.item, 7, N - 7);
          arrays.measure(stream, 0, plain.stream, 0, N).measure(save, 100, plain.save, 100, 100).measure(save, 0, plain.save, 0, 100);
        }
        begin(views, p);
        organic.put(0, plain.organic);
        campaign.put(0, plain.campaign);
        item.put(0, plain.item);
        streams.put(0, plain.stream);
        saves.put(0, plain.save);
        String expected = results(elements);
        assertEquals(expected, results(arrays));
        assertEquals(expected, results(views));
        assertEquals(expected, results(views), "scoring again changes nothing");
      }
    }
  }

  @Test
  void nothingIsLeftOverFromTheRequestBefore() {
    Random random = new Random(12);
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      int stream = p.measure("stream");
      int displacement = p.measure("displacement");
      Workspace used = scorer.newWorkspace(N);
      for (int round = 0; round < 50; round++) {
        Plain plain = new Plain(random, p);
        begin(used, p).organic(plain.organic).campaign(plain.campaign).item(plain.item);
        used.measure(stream, plain.stream).measure(displacement, plain.save);
        if (round % 5 != 0) {
          used.score();
        }
        Workspace fresh = scorer.newWorkspace(N);
        for (Workspace ws : new Workspace[] {used, fresh}) {
          begin(ws, p).reference(0.5f);
          for (int i = 0; i < N; i++) {
            ws.organic(i, 0.25f);
          }
          ws.campaign(7, p.row("campaign-17")).campaign(3, p.row("only-sweden"));
          ws.measure(100 + round, stream, 0.25f).measure(3, stream, 0.5f);
          ws.measure(3, displacement, 0.125f);
        }
        assertEquals(results(fresh), results(used));
        assertEquals(0.5f - 0.5f * 0.125f, used.promotionScore(3));
        assertEquals(-0.0625f - 0.5f * 0.25f, used.promotionScore(7));
        assertEquals("unknown", used.reason(100 + round));
        fresh.close();
      }
    }
  }

  @Test
  void aViewOfCampaignsIsClearedByBegin() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(N);
      begin(ws, p);
      IntBuffer campaign = ws.campaign();
      for (int i = 0; i < N; i++) {
        campaign.put(i, p.row("campaign-17"));
      }
      begin(ws, p);
      assertEquals(-1, campaign.get(0));
      assertEquals(-1, campaign.get(N - 1));
      ws.score();
      assertEquals("unknown", ws.reason(N - 1));
    }
  }

  @Test
  void aPolicyWithOtherMeasuresGivesTheColumnsAnotherMeaning() {
    try (Scorer scorer = Scorer.of(Policies.load("permuted-0"))) {
      Policy one = scorer.policy();
      Policy three = Policies.load("example");
      Workspace ws = scorer.newWorkspace(8);
      for (int round = 0; round < 3; round++) {
        ws.begin(one, 2).campaign(0, one.row("c-000")).measure(0, one.measure("stream"), 0.75f).score();
        assertEquals(0.75f, ws.promotionScore(0));
        ws.begin(three, 2).reference(0.5f).organic(new float[] {0.25f, 1f}).time(0);
        ws.campaign(0, three.row("campaign-17")).measure(0, three.measure("save"), 1f).score();
        assertEquals(2.5f - 0.0625f - 0.5f * 0.25f, ws.promotionScore(0));
        ws.begin(one, 1).campaign(0, one.row("c-000")).score();
        assertEquals(0f, ws.promotionScore(0));
      }
    }
  }

  @Test
  void wrongNumbersAreNamedAndTheWorkspaceGoesOn() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      int row = p.row("campaign-17");
      Workspace ws = scorer.newWorkspace(4);
      ws.begin(p, 4).organic(new float[] {0, 0, Float.NaN, 0});
      assertFault("invalid_input.not_finite", "organic", 2, ws);
      ws.begin(p, 4).reference(0).organic(0, 1f).organic(2, 1f);
      assertFault("invalid_input.not_finite", "organic", 1, ws);
      ws.begin(p, 4).organic(new float[4]).reference(Float.POSITIVE_INFINITY);
      assertFault("invalid_input.not_finite", "reference", -1, ws);
      ws.begin(p, 4).organic(new float[4]).slots(-1);
      assertFault("invalid_input.range", "slots", -1, ws);
      ws.begin(p, 4).organic(new float[4]).slots(256);
      assertFault("invalid_input.range", "slots", -1, ws);
      for (float bad : new float[] {-1f, Float.NaN, Float.NEGATIVE_INFINITY, 1e13f}) {
        ws.begin(p, 4).organic(new float[4]).reference(0).campaign(3, row).measure(3, 0, bad);
        InvalidInputException e = assertThrows(InvalidInputException.class, ws::score);
        assertEquals(3, e.index(), e.getMessage());
        assertEquals("usage.not_begun", assertThrows(UsageException.class, ws::picks).code());
      }
      ws.begin(p, 4).organic(new float[4]).reference(0).campaign(3, row).measure(3, 0, 1f).score();
      assertEquals(1f - 0.0625f, ws.promotionScore(3));
    }
  }

  private static void assertFault(String code, String argument, long index, Workspace ws) {
    InvalidInputException e = assertThrows(InvalidInputException.class, ws::score);
    assertEquals(code, e.code());
    assertEquals(argument, e.argument());
    assertEquals(index, e.index());
  }

  @Test
  void reasonsAreThoseOfTheLastScoreWheneverAsked() {
    try (Scorer scorer = Scorer.of(Policies.load("example"))) {
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(2);
      begin(ws, p).campaign(0, Policy.ORGANIC).score();
      assertEquals("organic", ws.reason(0));
      assertEquals("unknown", ws.reason(1));
      ws.campaign(1, Policy.ORGANIC).score();
      ws.campaign(0, Policy.UNKNOWN).score();
      assertEquals("unknown", ws.reason(0), "of the last score, though none was asked for after the one before");
      assertEquals("organic", ws.reason(1));
      // A larger request moves all columns.
      ws.begin(p, 5_000).campaign(4_999, Policy.ORGANIC).score();
      assertEquals("organic", ws.reason(4_999));
      assertEquals("unknown", ws.reason(4_998));
      begin(ws, p).score();
      ws.blend();
      assertEquals("unknown", ws.reason(0));
    }
  }
}
