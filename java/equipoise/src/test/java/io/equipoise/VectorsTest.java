package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The vectors that all languages share: scores and explanations equal to the bit, and the code of every wrong input. */
class VectorsTest {
  static final Path FOLDER = Path.of(System.getProperty("equipoise.vectors"));

  private static final Set<String> CASE = Set.of("name", "policy", "request", "expected");
  private static final Set<String> FIELDS =
      Set.of(
          "market", "surface", "time", "slots", "key", "reference", "organic", "campaign", "measures", "item", "frequency", "uncertainty",
          "category", "target", "embeddings", "width", "pairs", "explore",
          "drop_invalid");
  private static final Set<String> SCORED = Set.of("scores", "picks", "positions", "reasons", "explanations");
  private static final Set<String> ARRANGED = Set.of("causes", "propensities", "propensity", "given_up", "blend");

  private final Map<String, Policy> policies = new HashMap<>();

  static JsonNode cases(String file) throws Exception {
    return new ObjectMapper().readTree(FOLDER.resolve(file).toFile()).get("cases");
  }

  private Policy policy(JsonNode name) {
    return policies.computeIfAbsent(name.asText(), file -> Policy.load(FOLDER.resolve(file)));
  }

  private static float bits(JsonNode node) {
    return Float.intBitsToFloat((int) node.asLong());
  }

  private static String bits(double value) {
    return String.format("%016x", Double.doubleToRawLongBits(value));
  }

  private static Set<String> fields(JsonNode object) {
    Set<String> names = new HashSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** A reader that passed over what it does not know would check less than it says. */
  static void checkFields(JsonNode object, Set<String> known) {
    Set<String> unread = fields(object);
    unread.removeAll(known);
    assertEquals(Set.of(), unread, "fields that nobody reads");
  }

  private static float[] floats(JsonNode list) {
    float[] out = new float[list.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = bits(list.get(i));
    }
    return out;
  }

  private static int[] ints(JsonNode list) {
    int[] out = new int[list.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = (int) list.get(i).asLong();
    }
    return out;
  }

  /** Brings what only some requests have. */
  private static void bring(Workspace ws, JsonNode request) {
    if (request.hasNonNull("frequency")) {
      ws.frequency(ints(request.get("frequency")));
    }
    if (request.hasNonNull("uncertainty")) {
      ws.uncertainty(floats(request.get("uncertainty")));
    }
    if (request.hasNonNull("category")) {
      ws.mix(ints(request.get("category")), floats(request.get("target")));
    }
    if (request.hasNonNull("embeddings")) {
      ws.embeddings(floats(request.get("embeddings")), request.get("width").asInt());
    }
    if (request.hasNonNull("pairs")) {
      ws.similarity(floats(request.get("pairs")));
    }
    if (request.has("explore")) {
      ws.explore(request.get("explore").asBoolean());
    }
    ws.dropInvalid(request.path("drop_invalid").asBoolean());
  }

  /** States a request. Rows are those of {@code resolver}, which is the policy itself but for foreign rows. */
  static void state(Workspace ws, Policy p, Policy resolver, JsonNode request) {
    checkFields(request, FIELDS);
    JsonNode campaign = request.get("campaign");
    int n = campaign.size();
    ws.begin(p, n).key(Long.parseUnsignedLong(request.get("key").asText()));
    ws.market(request.get("market").textValue()).surface(request.get("surface").textValue());
    if (!request.get("time").isNull()) {
      ws.time(request.get("time").asLong());
    }
    if (!request.get("slots").isNull()) {
      ws.slots(request.get("slots").asInt());
    }
    if (!request.get("reference").isNull()) {
      ws.reference(bits(request.get("reference")));
    }
    JsonNode organic = request.get("organic");
    JsonNode item = request.get("item");
    JsonNode measures = request.get("measures");
    assertEquals(p.measures().size(), measures.size());
    for (int i = 0; i < n; i++) {
      ws.campaign(i, campaign.get(i).isNull() ? Policy.ORGANIC : resolver.row(campaign.get(i).asText()));
      if (!organic.isNull()) {
        ws.organic(i, bits(organic.get(i)));
      }
      if (!item.isNull()) {
        ws.item(i, (int) item.get(i).asLong());
      }
      for (int j = 0; j < measures.size(); j++) {
        // An empty column is one that nobody writes.
        if (!measures.get(j).isEmpty()) {
          ws.measure(i, j, bits(measures.get(j).get(i)));
        }
      }
    }
    bring(ws, request);
  }

  private static List<Long> longs(JsonNode nodes) {
    List<Long> out = new ArrayList<>();
    nodes.forEach(node -> out.add(node.asLong()));
    return out;
  }

  /** Scores, picks, places, reasons and explanations of the request that was scored last. */
  private static void checkScored(Workspace ws, JsonNode expected, String name) {
    checkFields(expected, union(SCORED, ARRANGED));
    List<Long> scores = new ArrayList<>();
    for (int i = 0; i < ws.size(); i++) {
      scores.add(Integer.toUnsignedLong(Float.floatToRawIntBits(ws.promotionScore(i))));
      assertEquals(expected.get("reasons").get(i).asText(), ws.reason(i), name);
    }
    assertEquals(longs(expected.get("scores")), scores, name);
    List<Long> picks = new ArrayList<>();
    List<Long> positions = new ArrayList<>();
    for (int k = 0; k < ws.picks(); k++) {
      picks.add((long) ws.pick(k));
      positions.add((long) ws.position(k));
    }
    assertEquals(longs(expected.get("picks")), picks, name);
    assertEquals(longs(expected.get("positions")), positions, name);
    for (JsonNode why : expected.get("explanations")) {
      checkFields(why, Set.of("i", "total", "reason", "terms"));
      Explanation found = ws.explain(why.get("i").asInt());
      assertEquals(why.get("total").asText(), bits(found.total()), name);
      assertEquals(why.get("reason").asText(), found.reason(), name);
      assertEquals(why.get("terms").size(), found.terms().size(), name);
      for (int t = 0; t < found.terms().size(); t++) {
        JsonNode term = why.get("terms").get(t);
        assertEquals(term.get(0).asText(), found.terms().get(t).name(), name);
        assertEquals(term.get(1).asText(), found.terms().get(t).kind(), name);
        assertEquals(term.get(2).asText(), bits(found.terms().get(t).amount()), name);
      }
    }
  }

  private static Set<String> union(Set<String> some, Set<String> others) {
    Set<String> all = new HashSet<>(some);
    all.addAll(others);
    return all;
  }

  /** A number of a cause that may have none. */
  private static void checkNumber(JsonNode expected, double found, String name) {
    assertEquals(expected.isNull() ? "NaN" : expected.asText(), Double.isNaN(found) ? "NaN" : bits(found), name);
  }

  /** Causes, propensities, what was given up and the final order of the request that was scored last. */
  private static void checkArranged(Workspace ws, JsonNode expected, String name) {
    assertEquals(union(SCORED, ARRANGED), fields(expected), name);
    for (int i = 0; i < ws.size(); i++) {
      JsonNode cause = expected.get("causes").get(i);
      Cause found = ws.explain(i).cause();
      assertEquals(cause.isNull(), found == null, name);
      if (found != null) {
        checkFields(cause, Set.of("name", "lost_to", "term", "found", "limit", "text"));
        assertEquals(cause.get("name").asText(), found.name(), name);
        assertEquals(cause.get("lost_to").asInt(-1), found.lostTo(), name);
        assertEquals(cause.get("term").asInt(-1), found.term(), name);
        checkNumber(cause.get("found"), found.found(), name);
        checkNumber(cause.get("limit"), found.limit(), name);
        assertEquals(cause.get("text").asText(), found.text(), name);
      }
    }
    List<String> propensities = new ArrayList<>();
    for (double propensity : ws.propensities()) {
      propensities.add(bits(propensity));
    }
    List<String> wanted = new ArrayList<>();
    expected.get("propensities").forEach(p -> wanted.add(p.asText()));
    assertEquals(wanted, propensities, name);
    assertEquals(expected.get("propensity").asText(), bits(ws.propensity()), name);
    assertEquals(expected.get("given_up").asText(), bits(ws.givenUp()), name);
    assertArrayEquals(ints(expected.get("blend")), ws.blend(), name);
  }

  private int check(String file, boolean arranged) throws Exception {
    int executed = 0;
    try (Scorer scorer = Scorer.empty();
        Workspace ws = scorer.newWorkspace(20)) {
      for (JsonNode each : cases(file)) {
        checkFields(each, CASE);
        String name = "case " + each.get("name").asText();
        Policy p = policy(each.get("policy"));
        state(ws, p, p, each.get("request"));
        ws.score();
        checkScored(ws, each.get("expected"), name);
        if (arranged) {
          checkArranged(ws, each.get("expected"), name);
        }
        executed++;
      }
    }
    System.out.println("executed " + executed + " requests of " + file);
    return executed;
  }

  @Test
  void scoresPicksReasonsAndExplanationsAreEqualToTheBit() throws Exception {
    int executed = check("score.json", false);
    assertTrue(executed >= 50, "only " + executed + " cases");
  }

  @Test
  void rulesListTermsExplorationAndCausesAreEqualToTheBit() throws Exception {
    int executed = check("rules.json", true);
    assertTrue(executed >= 90, "only " + executed + " cases");
  }

  private void call(JsonNode each) {
    JsonNode input = each.get("input");
    switch (each.get("call").asText()) {
      case "policy.load":
        Policy.load(FOLDER.resolve(input.get("path").asText()));
        break;
      case "policy.from_bytes":
        String hex = input.get("hex").asText();
        byte[] bytes = new byte[hex.length() / 2 + (input.has("spaces") ? input.get("spaces").asInt() : 0)];
        java.util.Arrays.fill(bytes, (byte) ' ');
        for (int i = 0; i < hex.length() / 2; i++) {
          bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        Policy.fromBytes(bytes);
        break;
      case "score":
      case "explain":
        Policy p = policy(input.get("policy"));
        Policy resolver = input.has("rows_of") ? policy(input.get("rows_of")) : p;
        try (Scorer scorer = Scorer.of(p);
            Workspace ws = scorer.borrow()) {
          state(ws, p, resolver, input.get("request"));
          if (each.get("call").asText().equals("score")) {
            ws.score();
          } else {
            if (input.get("scored").asBoolean()) {
              ws.score();
            }
            ws.explain(input.get("i").asInt());
          }
        }
        break;
      default:
        throw new AssertionError("no such call: " + each);
    }
  }

  @Test
  void everyWrongInputHasItsCodeArgumentAndIndex() throws Exception {
    int executed = 0;
    for (JsonNode each : cases("errors.json")) {
      boolean mine = false;
      for (JsonNode face : each.get("faces")) {
        mine |= face.asText().equals("java");
      }
      if (mine) {
        EquipoiseException e = assertThrows(EquipoiseException.class, () -> call(each), each::toString);
        String index = each.get("index").isNull() ? "-1" : each.get("index").asText();
        assertEquals(
            List.of(each.get("code").asText(), each.get("argument").asText(), index),
            List.of(e.code(), e.argument(), String.valueOf(e.index())),
            () -> each + "\n" + e.getMessage());
        executed++;
      }
    }
    System.out.println("executed " + executed + " faults");
    assertTrue(executed >= 10, "only " + executed + " cases");
  }
}
