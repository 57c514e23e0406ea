package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Closing early, late, twice or under load gives an exception or nothing. */
class ClosingTest {
  private static final int CLOSED_UNDER_LOAD = Soak.times(100);

  private static void assertClosed(Executable call) {
    assertEquals("usage.closed", assertThrows(UsageException.class, call).code());
  }

  @Test
  void everyCallOnAClosedWorkspaceSaysSo() {
    try (Scorer scorer = Scorer.empty()) {
      for (Workspace ws : List.of(scorer.newWorkspace(2), scorer.borrow())) {
        Policy p = scorer.policy();
        ws.begin(p, 2).score();
        ws.close();
        ws.close();
        List<Executable> calls =
            List.of(
                () -> ws.begin(p, 1),
                () -> ws.market(0),
                () -> ws.market("SE"),
                () -> ws.surface(0),
                () -> ws.surface("radio"),
                () -> ws.time(0),
                () -> ws.slots(1),
                () -> ws.key(1),
                () -> ws.reference(1f),
                () -> ws.organic(0, 1f),
                () -> ws.organic(new float[2]),
                ws::organic,
                () -> ws.campaign(0, -1),
                () -> ws.campaign(new int[2]),
                ws::campaign,
                () -> ws.item(0, 1),
                () -> ws.item(new int[2]),
                ws::item,
                () -> ws.measure(0, -1, 1f),
                () -> ws.measure(-1, new float[2]),
                () -> ws.measure(0),
                ws::score,
                () -> ws.promotionScore(0),
                () -> ws.promotionScores(new float[2]),
                ws::picks,
                () -> ws.pick(0),
                () -> ws.position(0),
                () -> ws.reason(0),
                () -> ws.explain(0),
                ws::policyId,
                ws::time,
                ws::size,
                ws::capacity);
        for (Executable call : calls) {
          assertClosed(call);
        }
      }
    }
  }

  @Test
  void aClosedScorerServesNobody() {
    Scorer scorer = Scorer.empty();
    Policy p = scorer.policy();
    Workspace begun = scorer.newWorkspace(2);
    Workspace borrowed = scorer.borrow();
    begun.begin(p, 2);
    scorer.close();
    scorer.close();
    assertClosed(scorer::policy);
    assertClosed(() -> scorer.install(p));
    assertClosed(() -> scorer.newWorkspace(1));
    assertClosed(scorer::borrow);
    assertClosed(scorer::warmUp);
    assertClosed(begun::score);
    assertClosed(() -> begun.begin(p, 1));
    assertClosed(() -> borrowed.begin(p, 1));
    begun.close();
    borrowed.close();
    // The policy is not the scorer's: it goes on.
    assertEquals(-1, p.row("campaign-1"));
    try (Scorer next = Scorer.of(p)) {
      next.newWorkspace(1).begin(p, 1).score();
    }
  }

  @Test
  void resultsOfAFinishedScoreStayAfterTheScorerIsClosed() {
    Scorer scorer = Scorer.empty();
    Workspace ws = scorer.newWorkspace(1);
    ws.begin(scorer.policy(), 1).score();
    scorer.close();
    assertEquals(0f, ws.promotionScore(0));
  }

  @Test
  void whoClosedABorrowedWorkspaceCannotReachTheNextBorrower() {
    try (Scorer scorer = Scorer.empty()) {
      Workspace first = scorer.borrow();
      RequestBuffer buffer = first.buffer();
      first.close();
      Workspace second = scorer.borrow();
      assertEquals(buffer, second.buffer(), "the pool lends the same buffer again");
      second.begin(scorer.policy(), 3).score();
      first.close();
      assertClosed(() -> first.begin(scorer.policy(), 1));
      Workspace third = scorer.borrow();
      assertTrue(third.buffer() != second.buffer(), "closing twice gave a buffer back that is lent");
      assertEquals(3, second.size());
    }
  }

  @Test
  void aWorkspaceFromThePoolHasForgottenItsRequest() {
    try (Scorer scorer = Scorer.empty()) {
      try (Workspace ws = scorer.borrow()) {
        ws.begin(scorer.policy(), 3).score();
      }
      try (Workspace ws = scorer.borrow()) {
        assertEquals("usage.not_begun", assertThrows(UsageException.class, ws::score).code());
        assertEquals("usage.not_begun", assertThrows(UsageException.class, ws::picks).code());
      }
    }
  }

  @Test
  void closingUnderLoadGivesAnExceptionOrNothing() throws Exception {
    for (int round = 0; round < CLOSED_UNDER_LOAD; round++) {
      Scorer scorer = Scorer.empty();
      Policy p = scorer.policy();
      Workspace own = scorer.newWorkspace(256);
      AtomicReference<Throwable> wrong = new AtomicReference<>();
      AtomicBoolean done = new AtomicBoolean();
      Thread user =
          new Thread(
              () -> {
                try {
                  while (!done.get()) {
                    own.begin(p, 256).score();
                    own.promotionScore(255);
                    try (Workspace lent = scorer.borrow()) {
                      lent.begin(p, 64).score();
                    }
                  }
                } catch (UsageException e) {
                  if (!e.code().equals("usage.closed")) {
                    wrong.set(e);
                  }
                } catch (Throwable e) {
                  wrong.set(e);
                }
              });
      user.start();
      Thread.sleep(1);
      if (round % 2 == 0) {
        own.close();
      }
      scorer.close();
      done.set(true);
      user.join();
      if (wrong.get() != null) {
        throw new AssertionError(wrong.get());
      }
    }
    System.out.println("executed " + CLOSED_UNDER_LOAD + " scorers closed under load");
  }

  @Test
  void aClosedPolicyIsRefusedButForWhoScoresWithIt() {
    Policy p = Policies.load("permuted-3");
    try (Scorer scorer = Scorer.of(p)) {
      int row = p.row("c-004");
      Workspace using = scorer.newWorkspace(1);
      using.begin(p, 1).campaign(0, row).measure(0, 0, 1f).score();
      p.close();
      p.close();
      assertClosed(() -> p.row("c-004"));
      assertClosed(() -> p.market("SE"));
      assertEquals(1, p.measures().size());
      Workspace late = scorer.newWorkspace(1);
      late.begin(p, 1).campaign(0, row);
      assertClosed(late::score);
      using.begin(p, 1).campaign(0, row).measure(0, 0, 1f).score();
      assertEquals(1f - Policies.price(4, 3), using.promotionScore(0));
      scorer.install(Policies.load("permuted-4"));
      using.begin(scorer.policy(), 1).score();
      using.begin(p, 1).campaign(0, row);
      assertClosed(using::score);
    }
  }

  @Test
  void anUnreachablePolicyIsFreedAndAReachableOneIsNot() throws Exception {
    try (Scorer scorer = Scorer.empty()) {
      Policy forgotten = Policy.empty();
      Workspace ws = scorer.newWorkspace(1);
      ws.begin(forgotten, 1);
      long raw = forgotten.raw();
      WeakReference<Policy> seen = new WeakReference<>(forgotten);
      forgotten = null;
      for (int i = 0; i < 5; i++) {
        System.gc();
        Thread.sleep(20);
      }
      ws.score();
      assertEquals(0, Native.policySize(raw), "a begun policy lives");
      ws.begin(scorer.policy(), 1);
      for (int i = 0; i < 100 && seen.get() != null; i++) {
        System.gc();
        Thread.sleep(20);
      }
      assertEquals(null, seen.get());
      UsageException gone = null;
      for (int i = 0; i < 100 && gone == null; i++) {
        try {
          Native.policySize(raw);
          Thread.sleep(20);
        } catch (UsageException e) {
          gone = e;
        }
      }
      assertEquals("usage.closed", gone.code());
    }
  }
}
