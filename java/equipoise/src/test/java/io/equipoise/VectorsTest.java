package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The vectors that all languages share: scores and explanations equal to the bit, and the code of every wrong input. */
class VectorsTest {
  private static final Path FOLDER = Path.of(System.getProperty("equipoise.vectors"));

  private final Map<String, Policy> policies = new HashMap<>();

  private static JsonNode cases(String file) throws Exception {
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

  /** States a request. Rows are those of {@code resolver}, which is the policy itself but for foreign rows. */
  private static void state(Workspace ws, Policy p, Policy resolver, JsonNode request) {
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
  }

  private static List<Long> longs(JsonNode nodes) {
    List<Long> out = new ArrayList<>();
    nodes.forEach(node -> out.add(node.asLong()));
    return out;
  }

  @Test
  void scoresPicksReasonsAndExplanationsAreEqualToTheBit() throws Exception {
    int executed = 0;
    try (Scorer scorer = Scorer.empty();
        Workspace ws = scorer.newWorkspace(16)) {
      for (JsonNode each : cases("score.json")) {
        String name = "case " + each.get("name").asText();
        Policy p = policy(each.get("policy"));
        JsonNode expected = each.get("expected");
        state(ws, p, p, each.get("request"));
        ws.score();
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
        executed++;
      }
    }
    System.out.println("executed " + executed + " requests");
    assertTrue(executed >= 50, "only " + executed + " cases");
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
