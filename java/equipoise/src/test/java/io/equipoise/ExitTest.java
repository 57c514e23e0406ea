package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A JVM that ends while threads score, load, install and close ends well, whichever way it ends. */
class ExitTest {
  private static final int EXITS = Soak.times(3);

  /** Run in a JVM of its own. */
  public static final class Program {
    private static volatile Scorer scorer;

    public static void main(String[] arguments) throws Exception {
      String way = System.getProperty("equipoise.exit");
      scorer = Scorer.of(Policies.load("permuted-0"));
      for (int t = 0; t < 4; t++) {
        int number = t;
        Thread thread = new Thread(() -> work(number));
        thread.setDaemon(way.equals("end of main"));
        thread.start();
      }
      if (way.equals("hook")) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> scorer.close()));
      }
      Thread.sleep(50 + new Random().nextInt(100));
      System.out.print("leaving");
      System.out.flush();
      if (way.equals("halt")) {
        Runtime.getRuntime().halt(0);
      } else if (!way.equals("end of main")) {
        System.exit(0);
      }
    }

    private static void work(int number) {
      float[] amounts = new float[5000];
      try {
        while (true) {
          Policy p = number == 0 ? Policies.load("permuted-1") : scorer.policy();
          try (Workspace ws = scorer.borrow()) {
            ws.begin(p, amounts.length).campaign(0, p.row("c-001"));
            if (number == 1) {
              ws.score(null, null, amounts, null);
            } else {
              ws.score();
            }
          }
          if (number == 0) {
            scorer.install(p);
            System.gc();
          }
        }
      } catch (UsageException e) {
        // The hook has closed the scorer.
        if (!e.code().equals(UsageException.CLOSED)) {
          throw e;
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exit", "halt", "hook", "end of main"})
  void leavingWhileOthersWork(String way) throws Exception {
    for (int i = 0; i < EXITS; i++) {
      assertEquals("leaving", Jvm.run(Program.class, "-Dequipoise.exit=" + way));
    }
    System.out.println("executed " + EXITS + " exits by " + way);
  }
}
