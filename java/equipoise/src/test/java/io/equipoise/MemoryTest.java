package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Without memory for a larger request, the one before is as it was. */
class MemoryTest {
  /** Run in a JVM of its own, with little direct memory. */
  public static final class Program {
    public static void main(String[] arguments) {
      Scorer scorer = Scorer.of(Policies.load("permuted-0"));
      Policy p = scorer.policy();
      Workspace ws = scorer.newWorkspace(10);
      ws.begin(p, 1).campaign(0, p.row("c-001")).measure(0, 0, 1f).score();
      for (int i = 0; i < 3; i++) {
        try {
          ws.begin(p, Workspace.LIMIT);
          System.out.println("begun");
        } catch (EquipoiseException e) {
          System.out.println(e.code() + " " + e.argument() + " " + ws.size() + " " + ws.picks() + " " + ws.promotionScore(0));
        }
      }
      ws.begin(p, 1).score();
      System.out.println(ws.picks());
    }
  }

  @Test
  void nothingChanges() throws Exception {
    String refused = "resource_exhausted.memory n 1 1 " + (1f - Policies.price(1, 0)) + System.lineSeparator();
    assertEquals(refused.repeat(3) + "0" + System.lineSeparator(), Jvm.run(Program.class, "-XX:MaxDirectMemorySize=2m"));
  }
}
