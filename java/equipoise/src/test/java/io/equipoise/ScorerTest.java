package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a scorer does besides scoring: installs, rollback, watched files, switches, breakers, counters. */
class ScorerTest {
  private static String reason(Scorer scorer, String campaign) {
    try (Workspace ws = scorer.borrow()) {
      Policy live = scorer.policy();
      ws.begin(live, 1).time(0).slots(1).key(1).reference(0).organic(0, 0).campaign(0, live.row(campaign));
      ws.score();
      assertEquals(live.id(), ws.policyId());
      return ws.reason(0);
    }
  }

  private static String code(Runnable call) {
    return assertThrows(EquipoiseException.class, call::run).code();
  }

  private static void publish(Path from, Path to) throws Exception {
    Path beside = to.resolveSibling("beside");
    Files.copy(from, beside, StandardCopyOption.REPLACE_EXISTING);
    Files.move(beside, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void installsAndGoesBack() {
    Policy first = Policies.load("permuted-0");
    Policy second = Policies.load("permuted-1");
    try (Scorer scorer = Scorer.of(first)) {
      scorer.install(second);
      assertSame(second, scorer.policy());
      assertEquals(List.of(first.id()), scorer.kept());
      assertEquals(first.id(), scorer.rollback(first.id()).id());
      assertEquals(first.id(), scorer.policy().id());
      assertEquals("policy.not_kept", code(() -> scorer.rollback("0".repeat(32))));
      assertEquals("invalid_input.range", code(() -> scorer.rollback("x")));
      assertEquals("policy.foreign", code(() -> scorer.install(Policies.load("permuted-2"), Install.SUCCESSOR)));
      assertEquals("policy.foreign", scorer.lastRefusal().orElseThrow().code());
      scorer.install(Policies.load("permuted-2"), Install.FORCE, Install.SUCCESSOR);
      assertEquals(Optional.empty(), scorer.lastRefusal());
      assertEquals(1, scorer.metrics().value("equipoise.policy.installs", "forced"));
    }
  }

  @Test
  void installsFilesAndWatchesThem(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("live.safetensors");
    try (Scorer scorer = Scorer.empty()) {
      assertEquals("invalid_input.io", code(() -> scorer.installFile(path)));
      publish(Policies.path("permuted-0"), path);
      Policy live = scorer.installFile(path);
      assertSame(live, scorer.policy());
      assertEquals(Policies.load("permuted-0").id(), live.id());

      scorer.watch(path, Duration.ofMillis(1));
      publish(Policies.path("permuted-1"), path);
      String wanted = Policies.load("permuted-1").id();
      long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (!scorer.policy().id().equals(wanted) && System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      assertEquals(wanted, scorer.policy().id());
      Files.write(path, new byte[100]);
      while (scorer.lastRefusal().isEmpty() && System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      assertEquals("policy.corrupt", scorer.lastRefusal().orElseThrow().code());
      assertEquals(wanted, scorer.policy().id());
      scorer.unwatch();
    }
  }

  @Test
  void switchesActOnTheNextRequestAndSurvive() {
    String one = Policies.shared(1);
    String kept;
    try (Scorer scorer = Scorer.of(Policies.load("permuted-0"))) {
      String before = reason(scorer, one);
      assertNotEquals("switched_off", before);
      assertTrue(scorer.switchOff(Scope.CAMPAIGN, one));
      assertFalse(scorer.switchOff(Scope.CAMPAIGN, one));
      assertEquals("switched_off", reason(scorer, one));
      scorer.install(Policies.load("permuted-1"));
      assertEquals("switched_off", reason(scorer, one));
      assertEquals(before, reason(scorer, Policies.shared(2)));
      scorer.switchOff(Scope.LABEL, "no such label");
      assertEquals(List.of("label=no such label"), scorer.unmatchedSwitches());
      kept = scorer.switches().toJson();
      assertTrue(scorer.switchOn(Scope.CAMPAIGN, one));
      assertEquals(before, reason(scorer, one));
      scorer.setSwitches(Switches.none());
      assertEquals(Switches.fromJson(scorer.switches().toJson()), scorer.switches());
      assertEquals("invalid_input.empty", code(() -> scorer.switchOff(Scope.CAMPAIGN, "")));
      assertEquals("invalid_input.null", code(() -> scorer.switchOff(null, "")));
      assertTrue(scorer.switchOff(Scope.ALL, ""));
      assertEquals("switched_off", reason(scorer, Policies.shared(2)));
      assertEquals(1, scorer.metrics().value("equipoise.score.degraded", "switched_off"));
    }
    try (Scorer again = Scorer.of(Policies.load("permuted-2"), Switches.fromJson(kept))) {
      assertEquals("switched_off", reason(again, one));
    }
    assertEquals("invalid_input.syntax", code(() -> Scorer.of(Policies.load("permuted-2"), Switches.fromJson("off"))));
  }

  @Test
  void breakersStopAndComeBack() {
    String one = Policies.shared(1);
    Breaker rule = Breaker.of("skip \"x\"\n", 0.5, 10, 100).probe(Duration.ofSeconds(60), 0.05, 5);
    try (Scorer scorer = Scorer.of(Policies.load("permuted-0"))) {
      assertEquals(Optional.empty(), scorer.recordResponse(one, 10, 10));
      scorer.setBreaker(rule);
      String before = reason(scorer, one);
      assertEquals(Optional.of(BreakerState.CLOSED), scorer.recordResponse(one, 9, 9, 0));
      assertEquals(Optional.of(BreakerState.TRIPPED), scorer.recordResponse(one, 1, 1, 0));
      assertEquals("breaker", reason(scorer, one));
      String kept = scorer.breakers();
      assertEquals(Optional.of(BreakerState.TRIPPED), scorer.recordResponse(one, 0, 0, 1));
      assertTrue(scorer.resetBreaker(one));
      assertFalse(scorer.resetBreaker(one));
      assertEquals(before, reason(scorer, one));
      scorer.setBreakers(kept);
      assertEquals("breaker", reason(scorer, one));
      scorer.setBreaker(one, rule.damp(0.5));
      scorer.setBreaker((Breaker) null);
      scorer.setBreaker(one, null);
      assertEquals(before, reason(scorer, one));
      assertEquals("invalid_input.range", code(() -> scorer.setBreaker(rule.damp(Double.NaN))));
      assertEquals("invalid_input.range", code(() -> scorer.setBreaker(Breaker.of("skip", 1.5, 10, 100))));
      assertEquals("invalid_input.range", code(() -> scorer.recordResponse(one, 1, 2)));
      assertEquals("invalid_input.range", code(() -> scorer.recordResponse(one, -1, -1)));
      assertEquals(1, scorer.metrics().value("equipoise.breakers.trips", ""));
    }
  }

  @Test
  void numbersAreCounted() {
    try (Scorer scorer = Scorer.of(Policies.load("permuted-0"))) {
      scorer.timeEvery(1);
      for (int i = 0; i < 10; i++) {
        reason(scorer, Policies.shared(i));
      }
      reason(scorer, "nobody");
      try (Workspace ws = scorer.newWorkspace(1)) {
        ws.begin(scorer.policy(), 1).organic(0, Float.NaN);
        assertEquals("invalid_input.not_finite", code(ws::score));
      }
      Metrics metrics = scorer.metrics();
      assertEquals(12, metrics.value("equipoise.score.requests", ""));
      assertEquals(1, metrics.value("equipoise.score.unknown", "campaign"));
      assertEquals(1, metrics.value("equipoise.score.errors", "invalid_input.not_finite"));
      assertEquals(12, metrics.value("equipoise.score.duration", "+Inf"));
      assertTrue(metrics.value("equipoise.score.duration", "") > 0);
      assertTrue(metrics.value("equipoise.native.memory", "policies") > 0);
      assertTrue(Double.isNaN(metrics.value("equipoise.score.requests", "x")));
      assertEquals("equipoise.score.requests", Metrics.series().get(0).toString());
      assertEquals(Metrics.Kind.COUNTER, Metrics.series().get(0).kind());
      assertEquals(12, metrics.value(0));
    }
  }

  @Test
  void aClosedScorerSaysSo() {
    Scorer scorer = Scorer.of(Policies.load("permuted-0"));
    scorer.watch(Policies.path("permuted-0"), Duration.ofMillis(1));
    scorer.close();
    for (Runnable call :
        List.<Runnable>of(
            () -> scorer.installFile(Policies.path("permuted-0")),
            () -> scorer.rollback("0".repeat(32)),
            scorer::kept,
            scorer::lastRefusal,
            () -> scorer.watch(Policies.path("permuted-0"), Duration.ofSeconds(1)),
            () -> scorer.switchOff(Scope.ALL, ""),
            scorer::switches,
            () -> scorer.setSwitches(Switches.none()),
            scorer::unmatchedSwitches,
            () -> scorer.setBreaker((Breaker) null),
            () -> scorer.recordResponse("a", 1, 1),
            () -> scorer.resetBreaker("a"),
            scorer::breakers,
            () -> scorer.setBreakers("{}"),
            () -> scorer.timeEvery(1),
            scorer::metrics)) {
      assertEquals("usage.closed", code(call));
    }
    scorer.unwatch();
    scorer.close();
  }

  @Test
  void aPolicyTellsWhatTravelsWithIt() {
    Policy policy = Policies.load("permuted-0");
    assertEquals("equipoise.policy", policy.metadata().get("format"));
    assertEquals("format", policy.metadata().keySet().iterator().next());
    assertThrows(UnsupportedOperationException.class, () -> policy.metadata().put("a", "b"));
    assertEquals(policy.metadata().containsKey("certificate"), policy.certificate().isPresent());
    assertEquals(policy.metadata().containsKey("valid_until"), policy.validUntil().isPresent());
  }
}
