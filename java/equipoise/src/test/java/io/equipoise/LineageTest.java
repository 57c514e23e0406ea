package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What may take the place of the live policy: programme, epoch, parent and validity, as a Java service sets and sees them. */
class LineageTest {
  private static String code(Runnable call) {
    return assertThrows(EquipoiseException.class, call::run).code();
  }

  private static String reason(Scorer scorer, long time) {
    try (Workspace ws = scorer.borrow()) {
      Policy live = scorer.policy();
      ws.begin(live, 1).time(time).slots(1).campaign(0, live.row(Policies.shared(1))).measure(0, 0, 1f).score();
      return ws.reason(0);
    }
  }

  @Test
  void lineageDecidesWhatMayReplaceWhat(@TempDir Path folder) {
    Policy plain = Policies.load("permuted-0");
    assertEquals(new Lineage(null, null, null), plain.lineage());
    Policy five = plain.withLineage(new Lineage("radio", 5L, null));
    assertEquals(new Lineage("radio", 5L, null), five.lineage());
    assertNotEquals(plain.id(), five.id());
    Policy six = Policies.load("permuted-1").withLineage(new Lineage("radio", 6L, five.id()));
    try (Scorer scorer = Scorer.of(five)) {
      assertEquals("policy.foreign", code(() -> scorer.install(plain)));
      assertEquals("policy.foreign", code(() -> scorer.install(six.withLineage(new Lineage("mixes", 6L, five.id())))));
      assertEquals("policy.older", code(() -> scorer.install(six.withLineage(new Lineage("radio", 4L, null)))));
      assertEquals("policy.older", code(() -> scorer.install(six.withLineage(new Lineage("radio", null, null)))));
      assertEquals("policy.stale", code(() -> scorer.install(six.withValidUntil(1))));
      scorer.install(six, Install.SUCCESSOR);
      assertSame(six, scorer.policy());
      assertEquals(five.id(), scorer.rollback(five.id()).id());
      // Past its validity a policy serves the organic order.
      scorer.install(six.withValidUntil(1), Install.FORCE);
      assertEquals(List.of("picked", "expired"), List.of(reason(scorer, 0), reason(scorer, 1)));
    }
    Path path = folder.resolve("six.safetensors");
    six.save(path);
    assertEquals(six.id(), Policy.load(path).id());
    assertEquals(six.id(), Policy.fromBytes(six.toBytes()).id());
    assertEquals("invalid_input.range", code(() -> plain.withLineage(new Lineage(null, -1L, null))));
    assertEquals("invalid_input.range", code(() -> plain.withLineage(new Lineage(null, null, "xyz"))));
    assertEquals("invalid_input.null", code(() -> plain.withLineage(null)));
    assertEquals("invalid_input.io", code(() -> plain.save(folder)));
  }
}
