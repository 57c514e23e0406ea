package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** A bug inside the native library is an exception, and the process goes on. */
class PanicTest {
  private static final int PANICS = Soak.times(10_000);

  @Test
  void aPanicIsAnInternalError() {
    NativeLibrary.require();
    String text = "injected \u00e5 \ud83c\udfb5 \u0000";
    for (int i = 0; i < PANICS; i++) {
      InternalException e = assertThrows(InternalException.class, () -> Native.panic(text));
      assertEquals("internal.panic", e.code());
      assertEquals(-1, e.index());
      assertTrue(e.getMessage().contains(text), e.getMessage());
    }
    assertEquals(Equipoise.version(), Native.version());
    System.out.println("executed " + PANICS + " panics");
  }

  @Test
  void aWorkspaceLivesThroughAPanic() {
    try (Scorer scorer = Scorer.empty()) {
      Workspace ws = scorer.newWorkspace(4);
      for (int i = 0; i < PANICS; i++) {
        InternalException e =
            assertThrows(InternalException.class, () -> Native.panicInWorkspace(ws.buffer().raw(), "injected while scoring"));
        assertEquals("internal.panic", e.code());
        ws.begin(scorer.policy(), 4).score();
        assertEquals(0, ws.picks());
      }
    }
  }

  @Test
  void resultsAreRightAfterAPanic() {
    Policy policy = Policies.load("permuted-0");
    try (Scorer scorer = Scorer.of(policy);
        Workspace ws = scorer.newWorkspace(4)) {
      for (int i = 0; i < 100; i++) {
        int last = i % 4;
        ws.begin(policy, 4).campaign(last, policy.row("c-004")).measure(last, 0, 1f).score();
        assertEquals(1f - Policies.price(4, 0), ws.promotionScore(last));
        assertEquals(last, ws.pick(0));
        assertEquals("picked", ws.reason(last));
        assertThrows(InternalException.class, () -> Native.panicInWorkspace(ws.buffer().raw(), "injected while scoring"));
      }
    }
  }
}
