package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** A JVM that ends while threads score, load and close ends well. */
class ExitTest {
  private static final int EXITS = 5;

  /** Run in a JVM of its own. */
  public static final class Program {
    public static void main(String[] arguments) throws Exception {
      Scorer scorer = Scorer.of(Policies.load("permuted-0"));
      for (int t = 0; t < 4; t++) {
        int number = t;
        new Thread(
                () -> {
                  while (true) {
                    Policy p = number == 0 ? Policies.load("permuted-1") : scorer.policy();
                    try (Workspace ws = scorer.borrow()) {
                      ws.begin(p, 500).campaign(0, p.row("c-001")).score();
                    }
                    if (number == 0) {
                      scorer.install(p);
                      System.gc();
                    }
                  }
                })
            .start();
      }
      Thread.sleep(100);
      System.out.print("leaving");
      System.exit(0);
    }
  }

  @Test
  void leavingWhileOthersWork() throws Exception {
    for (int i = 0; i < EXITS; i++) {
      assertEquals("leaving", Jvm.run(Program.class));
    }
    System.out.println("executed " + EXITS + " exits");
  }
}
