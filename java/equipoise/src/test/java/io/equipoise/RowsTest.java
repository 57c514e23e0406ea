package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Rows belong to their policy; ids come through unharmed; files that are no policies are refused. */
class RowsTest {
  private static final int TEXTS = Soak.times(10_000);

  private static final List<String> HARD =
      List.of(
          "\u00e5", "\u00c5", "\ud83c\udfb5", "\u0000", "a\u0000b", "\u001b[31mred", "\u202etxet", "<b>&amp;", "=1+1", "\ufffd",
          "\udbff\udfff", "\u9577".repeat(10_000));

  @Test
  void rowsOfAnotherPolicyAreRefused() {
    try (Scorer scorer = Scorer.of(Policies.load("permuted-0"))) {
      Policy before = scorer.policy();
      scorer.install(Policies.load("permuted-1"));
      Workspace ws = scorer.newWorkspace(3);
      ws.begin(scorer.policy(), 3).campaign(2, before.row("c-000"));
      InvalidInputException e = assertThrows(InvalidInputException.class, ws::score);
      assertEquals("invalid_input.foreign_row", e.code());
      assertEquals("campaign", e.argument());
      assertEquals(2, e.index());
      ws.begin(before, 3).campaign(2, before.row("c-000")).score();
      assertEquals(before.id(), ws.policyId());
      ws.begin(scorer.policy(), 3).campaign(1, scorer.policy().row("c-000") + 1_000_000);
      assertEquals("invalid_input.row", assertThrows(InvalidInputException.class, ws::score).code());
    }
  }

  @Test
  void theSameFileLoadedTwiceHasTheSameRows() {
    Policy a = Policies.load("permuted-2");
    Policy b = Policies.load("permuted-2");
    assertEquals(a.id(), b.id());
    assertEquals(a.row("c-007"), b.row("c-007"));
    assertNotEquals(a.row("c-007"), a.row("c-008"));
  }

  @Test
  void hardIdsAreFound() {
    Policy p = Policies.load("unicode");
    assertEquals(12, p.size());
    int[] out = new int[HARD.size()];
    int unknown = p.rows(HARD, out);
    assertEquals(1, unknown, "the capital is another id; nothing is folded or normalised");
    assertEquals(-1, out[1]);
    assertTrue(p.row("a\u030a") >= 0 && p.row("a\u030a") != p.row("\u00e5"));
    for (int i = 0; i < out.length; i++) {
      assertEquals(out[i], p.row(HARD.get(i)));
      assertEquals(out[i], p.row(new String(HARD.get(i).toCharArray())));
    }
    assertEquals(-1, p.row(""));
    assertEquals(-1, p.row("\ufeff"));
  }

  @Test
  void loneSurrogatesAreRefusedNotReplaced() {
    Policy p = Policies.load("unicode");
    for (String bad : List.of("\ud800", "a\udc00", "\ud83c", "\udfb5\ud83c", "ok\ud800ok")) {
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> p.row(bad));
      assertEquals("invalid_input.unicode", e.code());
      int[] out = {7, 7};
      e = assertThrows(InvalidInputException.class, () -> p.rows(new String[] {"fine", bad}, out));
      assertEquals("invalid_input.unicode", e.code());
      assertEquals(1, e.index());
      assertEquals(7, out[0]);
    }
  }

  /** Any text: one of the ids with a change or two, or nothing like them. */
  private static String text(Random random) {
    String from = random.nextInt(3) == 0 ? "" : HARD.get(random.nextInt(HARD.size() - 1));
    StringBuilder text = new StringBuilder(from);
    for (int edits = random.nextInt(3); edits > 0; edits--) {
      char c = (char) (random.nextInt(3) == 0 ? 0xd800 + random.nextInt(0x800) : random.nextInt(0x10000));
      if (text.length() > 0 && random.nextInt(4) == 0) {
        text.deleteCharAt(random.nextInt(text.length()));
      } else {
        text.insert(random.nextInt(text.length() + 1), c);
      }
    }
    return text.toString();
  }

  @Test
  void anyTextIsFoundExactlyOrRefused() {
    Policy p = Policies.load("unicode");
    Map<String, Integer> rows = new HashMap<>();
    for (String id : HARD) {
      rows.put(id, p.row(id));
    }
    rows.put("a\u030a", p.row("a\u030a"));
    Random random = new Random(5);
    int found = 0;
    int refused = 0;
    for (int i = 0; i < TEXTS; i++) {
      String text = text(random);
      if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
        int row = p.row(text);
        assertEquals(rows.getOrDefault(text, Policy.UNKNOWN), row, text);
        found += row >= 0 ? 1 : 0;
      } else {
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> p.row(text));
        assertEquals("invalid_input.unicode", e.code());
        refused++;
      }
    }
    System.out.println("executed " + TEXTS + " texts: " + found + " found, " + refused + " refused");
    assertTrue(found > TEXTS / 20 && refused > TEXTS / 20);
  }

  @Test
  void oneMegabyteOfIdIsLookedUp() {
    assertEquals(-1, Policies.load("unicode").row("x".repeat(1 << 20)));
  }

  @Test
  void damagedFilesAreRefusedAndTheLastPolicyLives() throws Exception {
    byte[] good = Files.readAllBytes(Policies.path("example"));
    try (Scorer scorer = Scorer.of(Policy.fromBytes(good))) {
      String id = scorer.policy().id();
      Random random = new Random(3);
      int refused = 0;
      for (int cut = 0; cut < good.length; cut += 1 + random.nextInt(40)) {
        byte[] bytes = java.util.Arrays.copyOf(good, cut);
        PolicyException e = assertThrows(PolicyException.class, () -> scorer.install(Policy.fromBytes(bytes)));
        assertTrue(e.code().startsWith("policy."), e.code());
        refused++;
      }
      for (int at = 0; at < good.length - 64; at += 1 + random.nextInt(40)) {
        byte[] bytes = good.clone();
        bytes[at] ^= (byte) (1 << random.nextInt(8));
        assertThrows(PolicyException.class, () -> scorer.install(Policy.fromBytes(bytes)));
        refused++;
      }
      assertTrue(refused > 100);
      assertEquals(id, scorer.policy().id());
      assertEquals(id, Policy.load(Policies.path("example")).id());
    }
  }

  @Test
  void filesThatCannotBeReadSaySo() {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> Policies.load("absent"));
    assertEquals("invalid_input.io", e.code());
    assertEquals("path", e.argument());
    assertTrue(e.getMessage().contains("absent"));
    assertEquals(
        "invalid_input.io", assertThrows(InvalidInputException.class, () -> Policy.load(Policies.path("x").getParent())).code());
  }
}
