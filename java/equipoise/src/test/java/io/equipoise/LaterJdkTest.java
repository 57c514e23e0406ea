package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What the JDKs after 17 add: virtual threads, and native access that must be allowed. */
class LaterJdkTest {
  private static final int TASKS = 2_000;

  /** Scores on virtual threads, each with a workspace that it borrows. */
  public static final class Program {
    public static void main(String[] arguments) throws Exception {
      Policy policy = Policies.load("permuted-1");
      int row = policy.row(Policies.shared(7));
      try (Scorer scorer = Scorer.of(policy)) {
        ExecutorService threads = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        List<Future<Float>> answers = new ArrayList<>();
        for (int task = 0; task < TASKS; task++) {
          int n = 1 + task % 300;
          answers.add(
              threads.submit(
                  () -> {
                    try (Workspace ws = scorer.borrow()) {
                      ws.begin(policy, n).time(0).slots(1).campaign(n - 1, row).measure(n - 1, 0, 1f);
                      Thread.yield();
                      ws.score();
                      return ws.promotionScore(n - 1);
                    }
                  }));
        }
        int right = 0;
        for (Future<Float> answer : answers) {
          right += answer.get() == 1f - Policies.price(7, 1) ? 1 : 0;
        }
        threads.shutdown();
        System.out.print("right=" + right);
      }
    }
  }

  @Test
  void virtualThreadsBorrow() throws Exception {
    String output = Jvm.run(Jvm.laterJdk(), Program.class, "--enable-native-access=ALL-UNNAMED");
    assertEquals("right=" + TASKS, output);
    assertFalse(output.contains("WARNING"), output);
  }
}
