"""What a scorer does besides scoring: installs, rollback, watched files, switches, breakers, numbers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import equipoise as eq
from equipoise._native import _panic
from equipoise.prometheus import ScorerCollector

from . import vectors
from .test_scorer import log_table

SMALL = vectors.policy("policies/small.safetensors")
OTHER = vectors.policy("policies/other.safetensors").with_valid_until(2**62)
RULE: dict[str, Any] = {
    "measure": "skip",
    "threshold": 0.5,
    "least_events": 10,
    "window": 100,
    "action": {"kind": "stop"},
    "reset": {"kind": "probe", "seconds": 60, "share": 0.05, "events": 5},
}


def reason(scorer: eq.Scorer, campaign: str = "a") -> str:
    """What becomes of one candidate of a campaign by the live policy."""
    live = scorer.policy
    request = scorer.request(max_candidates=1)
    request.organic[:] = 0.5
    request.campaign[:] = live.resolve([campaign])
    request.begin(live, 1, market="SE", surface="radio", time=15, reference=0.0)
    request.score()
    assert request.policy_id == live.id
    return request.reasons[0]


def value(scorer: eq.Scorer, name: str, label: str = "") -> float:
    [found] = [v for n, labels, v in scorer.metrics() if n == "equipoise." + name and "".join(labels.values()) == label]
    return found


def test_installs_and_rollback() -> None:
    first = SMALL.with_lineage("radio", 1)
    second = first.with_lineage("radio", 2, parent=first.id)
    assert (second.programme, second.epoch, second.parent_id) == ("radio", 2, first.id)
    scorer = eq.Scorer(first)
    scorer.install(second, successor=True)
    assert scorer.policy is second
    assert scorer.kept == [first.id]
    for policy, code in [
        (first, "policy.older"),
        (OTHER, "policy.foreign"),
        (second.with_lineage("radio", 3).with_valid_until(1), "policy.stale"),
    ]:
        with pytest.raises(eq.PolicyError) as caught:
            scorer.install(policy)
        assert caught.value.code == code
        assert isinstance(scorer.last_refusal, eq.PolicyError)
        assert scorer.last_refusal.code == code
        assert scorer.policy is second
        assert value(scorer, "policy.installs", code.removeprefix("policy.")) == 1
    assert scorer.rollback(first.id) == first
    assert scorer.policy == first
    assert scorer.last_refusal is None
    with pytest.raises(eq.PolicyError, match="not_kept"):
        scorer.rollback("0" * 32)
    with pytest.raises(eq.InvalidInput, match="hexadecimal"):
        scorer.rollback("0")
    scorer.install(OTHER, force=True)
    assert scorer.policy == OTHER
    assert value(scorer, "policy.installs", "forced") == 1


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "live.safetensors"
    scorer = eq.Scorer()
    with pytest.raises(eq.InvalidInput, match=r"invalid_input\.io"):
        scorer.install_file(path)
    SMALL.save(path)
    assert scorer.install_file(path) is scorer.policy
    assert scorer.policy == SMALL


def wait_for(scorer: eq.Scorer, policy: eq.Policy) -> None:
    end = time.monotonic() + 30
    while scorer.policy != policy and time.monotonic() < end:
        time.sleep(0.001)
    assert scorer.policy == policy


def test_a_watched_file(tmp_path: Path) -> None:
    path = tmp_path / "live.safetensors"
    scorer = eq.Scorer()
    assert not scorer.watching
    for interval in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(eq.InvalidInput, match="interval"):
            scorer.watch(path, interval=interval)
    scorer.watch(path, interval=0.001)
    assert scorer.watching
    for policy in (SMALL, OTHER):
        policy.save(path)
        wait_for(scorer, policy)
    scorer.unwatch()
    assert not scorer.watching


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_no_watcher_and_every_lock(tmp_path: Path) -> None:
    path = tmp_path / "live.safetensors"
    SMALL.save(path)
    scorer = eq.Scorer()
    scorer.watch(path, interval=1e-6)
    wait_for(scorer, SMALL)
    for i in range(30):
        (OTHER, SMALL)[i % 2].save(path)
        child = os.fork()
        if child == 0:  # pragma: no cover
            code = 1
            try:
                scorer.switch_off("all")
                good = not scorer.watching and reason(scorer) == "switched_off"
                scorer.watch(path, interval=0.001)
                code = 0 if good and scorer.watching else 2
                scorer.unwatch()
            finally:
                os._exit(code)
        end = time.monotonic() + 60
        pid, status = os.waitpid(child, os.WNOHANG)
        while pid == 0 and time.monotonic() < end:
            time.sleep(0.001)
            pid, status = os.waitpid(child, os.WNOHANG)
        assert (pid, os.waitstatus_to_exitcode(status)) == (child, 0)
    assert scorer.watching
    scorer.unwatch()


def test_switches() -> None:
    scorer = eq.Scorer(SMALL)
    before = reason(scorer)
    assert scorer.switch_off("campaign", "a")
    assert not scorer.switch_off("campaign", "a")
    assert reason(scorer) == "switched_off"
    kept = scorer.switches
    assert kept["campaign"] == ["a"]
    assert reason(eq.Scorer(SMALL, switches=kept)) == "switched_off"
    assert scorer.switch_on("campaign", "a")
    assert reason(scorer) == before
    scorer.switch_off("label", "nobody")
    assert scorer.unmatched_switches == [("label", "nobody")]
    scorer.switches = {}
    assert scorer.switches["label"] == []
    assert scorer.switch_off("all")
    table = scorer.score(log_table())
    assert set(table["reason"].to_pylist()) <= {"switched_off", "organic", "unknown", "market", "surface", "flight"}
    assert not any(table["picked"].to_pylist())
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: scorer.switch_off("nothing"), "invalid_input.range"),  # type: ignore[arg-type]
        (lambda: scorer.switch_off("campaign"), "invalid_input.empty"),
        (lambda: scorer.switch_off("all", "x"), "invalid_input.range"),
        (lambda: eq.Scorer(switches={"what": []}), "invalid_input.syntax"),
    ]
    for bad, code in calls:
        with pytest.raises(eq.InvalidInput) as caught:
            bad()
        assert caught.value.code == code


def test_a_switch_acts_on_other_threads_at_once() -> None:
    scorer = eq.Scorer(SMALL)
    stop, seen = threading.Event(), threading.Barrier(3)
    told: list[str] = []

    def work() -> None:
        reason(scorer)
        seen.wait(60)
        stop.wait(60)
        told.append(reason(scorer))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    seen.wait(60)
    scorer.switch_off("campaign", "a")
    stop.set()
    for thread in threads:
        thread.join(60)
    assert told == ["switched_off"] * 2


def test_causes_say_what_kept_out() -> None:
    scorer = eq.Scorer(SMALL)
    scorer.set_breaker(RULE)
    scorer.record_response("a", 10, 10)
    request = scorer.request(max_candidates=1)
    for wanted in ("breaker", "switched_off"):
        request.campaign[:] = SMALL.resolve(["a"])
        request.begin(SMALL, 1, market="SE", surface="radio", time=15, reference=0.0)
        request.score()
        cause = request.explain(0).cause
        assert cause is not None
        assert (cause.name, request.reasons) == (wanted, [wanted])
        assert '"a"' in cause.text
        record = request.record()
        assert record.replay(SMALL) == record
        scorer.reset_breaker("a")
        scorer.switch_off("campaign", "a")


def test_breakers() -> None:
    scorer = eq.Scorer(SMALL)
    before = reason(scorer)
    assert scorer.record_response("a", 10, 10) is None
    scorer.set_breaker(RULE)
    assert scorer.record_response("a", 9, 9, now=0) == "closed"
    assert scorer.record_response("a", 1, 1, now=0) == "tripped"
    assert reason(scorer) == "breaker"
    kept = scorer.breakers
    assert kept["accounts"]["a"]["state"] == "tripped"
    assert scorer.reset_breaker("a")
    assert not scorer.reset_breaker("a")
    assert reason(scorer) == before
    scorer.breakers = kept
    assert reason(scorer) == "breaker"
    scorer.set_breaker(None)
    assert reason(scorer) == before
    scorer.set_breaker(RULE, campaign="a")
    assert scorer.record_response("a", 10, 10) == "tripped"
    calls: list[Callable[[], object]] = [
        lambda: scorer.set_breaker({**RULE, "threshold": 2}),
        lambda: scorer.set_breaker({**RULE, "action": {"kind": "damp", "share": 0}}),
        lambda: scorer.record_response("a", 1, 2),
    ]
    for bad in calls:
        with pytest.raises(eq.InvalidInput) as caught:
            bad()
        assert caught.value.code == "invalid_input.range"


def test_numbers() -> None:
    scorer = eq.Scorer(SMALL)
    scorer.time_every(1)
    for _ in range(5):
        reason(scorer)
    reason(scorer, "nobody")
    request = scorer.request(max_candidates=1)
    request.organic[:] = float("nan")
    request.begin(scorer.policy, 1)
    with pytest.raises(eq.InvalidInput):
        request.score()
    assert value(scorer, "score.requests") == 7
    assert value(scorer, "score.unknown", "campaign") == 1
    assert value(scorer, "score.errors", "invalid_input.not_finite") == 1
    assert value(scorer, "score.duration", "+Inf") == 7
    names = [(name, labels) for name, labels, *_ in eq.metric_series()]
    assert [(name, labels) for name, labels, _ in scorer.metrics()] == names


def test_a_panic_is_counted() -> None:
    scorer = eq.Scorer()
    before = value(scorer, "native.panics")
    with pytest.raises(eq.InternalError):
        _panic()
    assert value(scorer, "native.panics") == before + 1


def test_prometheus() -> None:
    scorer = eq.Scorer(SMALL)
    scorer.time_every(1)
    scorer.switch_off("campaign", "a")
    reason(scorer)
    registry = CollectorRegistry()
    registry.register(ScorerCollector(scorer, {"service": "mixes"}))
    text = generate_latest(registry).decode()
    for line in [
        'equipoise_score_requests_total{service="mixes"} 1.0',
        'equipoise_score_errors_total{code="invalid_input.row",service="mixes"} 0.0',
        'equipoise_score_duration_seconds_bucket{le="+Inf",service="mixes"} 1.0',
        'equipoise_score_duration_seconds_count{service="mixes"} 1.0',
        'equipoise_switches_off{service="mixes"} 1.0',
        "# TYPE equipoise_policy_age_seconds gauge",
        "# TYPE equipoise_native_memory_bytes gauge",
        "# TYPE equipoise_policy_installs_total counter",
        "# TYPE equipoise_score_duration_seconds histogram",
    ]:
        assert line in text.splitlines(), text
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(ScorerCollector(scorer))


def test_without_prometheus_client_the_package_still_imports() -> None:
    script = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "import equipoise; assert equipoise.Scorer().metrics()\n"
        "try:\n    import equipoise.prometheus\nexcept ImportError:\n    print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "refused\n"
