package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Records of decisions: the same as Rust's and Python's to the bit, through JSON and back, and decided again. */
class RecordsTest {
  private static final int NUMBERS = Soak.times(100_000);

  private final Random random = new Random(29);

  private static DecisionRecord explored(Scorer scorer, long key) {
    Policy p = scorer.policy();
    try (Workspace ws = scorer.newWorkspace(4)) {
      ws.begin(p, 4).time(40).key(key);
      ws.organic(new float[] {0.1f, 0.2f, 0.3f, -0f});
      ws.campaign(new int[] {p.row("a"), p.row("b"), Policy.UNKNOWN, Policy.ORGANIC});
      ws.measure(0, new float[] {0.9f, 0.8f, 0.7f, 3e-42f}).uncertainty(new float[] {0, 0.25f, 0, 0}).score();
      return ws.record(true, true);
    }
  }

  private static DecisionRecord with(DecisionRecord r, List<Float> score, List<Double> propensity, List<String> campaign) {
    return new DecisionRecord(
        r.policyId(), r.key(), r.time(), r.market(), r.surface(), r.slots(), r.reference(), r.usedReference(), r.explore(), r.propensity(),
        r.givenUp(), r.pick(), r.place(), r.organicRank(), score, propensity, campaign, r.artist(), r.label(), r.licensor(),
        r.mainParameters(), r.termPick(), r.term(), r.candidates());
  }

  @Test
  void recordsAreThoseOfTheOtherLanguages() throws Exception {
    Map<String, JsonNode> requests = new HashMap<>();
    for (String file : List.of("score.json", "rules.json")) {
      for (JsonNode each : VectorsTest.cases(file)) {
        requests.put(file + " " + each.get("name").asText(), each);
      }
    }
    int executed = 0;
    for (JsonNode each : VectorsTest.cases("records.json")) {
      VectorsTest.checkFields(each, Set.of("of", "name", "switches", "record"));
      String name = each.get("of").asText() + " " + each.get("name").asText();
      JsonNode of = requests.get(name);
      Policy p = Policy.load(VectorsTest.FOLDER.resolve(of.get("policy").asText()));
      DecisionRecord told = DecisionRecord.fromJson(each.get("record").asText());
      try (Scorer scorer = Scorer.of(p, Switches.fromJson(each.get("switches").toString()));
          Workspace ws = scorer.newWorkspace(20)) {
        VectorsTest.state(ws, p, p, of.get("request"));
        ws.score();
        assertEquals(told, ws.record(true, true), name);
      }
      assertEquals(told, told.replay(p), name);
      assertEquals(told, DecisionRecord.fromJson(told.toJson()), name);
      executed++;
    }
    System.out.println("executed " + executed + " records");
    assertTrue(executed >= 100, "only " + executed + " cases");
  }

  @Test
  void everyNumberComesBackToTheBit() {
    try (Scorer scorer = Scorer.of(Policies.load("explored"))) {
      DecisionRecord record = explored(scorer, 1);
      for (int done = 0; done < NUMBERS; done += 1000) {
        List<Float> floats = new ArrayList<>();
        List<Double> doubles = new ArrayList<>();
        while (doubles.size() < 1000) {
          float f = Float.intBitsToFloat(random.nextInt());
          double d = Double.longBitsToDouble(random.nextLong());
          if (Float.isFinite(f) && Double.isFinite(d)) {
            floats.add(f);
            doubles.add(d);
          }
        }
        DecisionRecord told = with(record, floats, doubles, record.campaign());
        assertEquals(told, DecisionRecord.fromJson(told.toJson()));
      }
    }
    System.out.println("executed " + NUMBERS + " numbers of 32 and of 64 bits");
  }

  @Test
  void anyTextComesBackOrIsRefused() {
    try (Scorer scorer = Scorer.of(Policies.load("explored"))) {
      DecisionRecord record = explored(scorer, 1);
      List<String> hard = List.of("\u0000", "\"\\/\b\f\n\r\t", "\u001b[31m", "\u00e5\u202e\ufffd", "\ud83c\udfb5", "", "\u007f\u0080\u2028");
      DecisionRecord told = with(record, record.score(), record.pickPropensity(), hard);
      assertEquals(told, DecisionRecord.fromJson(told.toJson()));
      DecisionRecord broken = with(record, record.score(), record.pickPropensity(), List.of("\ud800"));
      assertEquals("invalid_input.unicode", code(() -> broken.replay(scorer.policy())));
    }
  }

  private static String code(Runnable call) {
    return assertThrows(EquipoiseException.class, call::run).code();
  }

  @Test
  void whatCannotBeReplayedSaysWhy() {
    try (Scorer scorer = Scorer.of(Policies.load("explored"))) {
      DecisionRecord record = explored(scorer, 7);
      assertEquals(record, record.replay(scorer.policy()));
      assertEquals("invalid_input.foreign_file", code(() -> record.replay(Policies.load("example"))));
      assertEquals("invalid_input.null", code(() -> record.replay(null)));
      assertEquals("invalid_input.null", code(() -> DecisionRecord.fromJson(null)));
      for (String wrong : List.of("", "[]", "{}", "null", record.toJson() + "x", record.toJson().replace("\"key\":", "\"kei\":"))) {
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> DecisionRecord.fromJson(wrong), wrong);
        assertEquals(List.of("invalid_input.syntax", "record"), List.of(e.code(), e.argument()));
      }
      DecisionRecord nan = with(record, List.of(Float.NaN), record.pickPropensity(), record.campaign());
      assertEquals("invalid_input.syntax", code(() -> nan.replay(scorer.policy())));
      Policy closed = Policies.load("explored");
      closed.close();
      assertEquals("usage.closed", code(() -> record.replay(closed)));
    }
  }
}
