"""Scorers: the empty policy, swaps, threads, whole tables."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import equipoise as eq

from . import vectors

SMALL = "policies/small.safetensors"


def log_table(n: int = 4) -> pa.Table:
    g = np.random.default_rng(2)
    return pa.table(
        {
            "opportunity_id": np.repeat(np.arange(n), 3),
            "key": np.repeat(np.arange(n) + 100, 3),
            "campaign": ["a", "b", None] * n,
            "organic": g.random(3 * n).astype(np.float32),
            "stream": g.random(3 * n).astype(np.float32),
            "market": ["SE"] * (3 * n),
            "surface": ["radio"] * (3 * n),
            "time": pa.array([15] * (3 * n), pa.timestamp("us", tz="UTC")),
        }
    )


def test_without_a_policy_every_request_keeps_its_organic_order() -> None:
    scorer = eq.Scorer()
    assert scorer.policy.measures == []
    assert scorer.policy.resolve(["a"]).tolist() == [eq.UNKNOWN]
    request = scorer.request(max_candidates=3)
    request.organic[:] = [0.1, 0.9, 0.5]
    request.begin(scorer.policy, 3)
    request.score()
    assert request.scores.tolist() == [0, 0, 0]
    assert request.picks.tolist() == []
    assert request.reasons == ["unknown"] * 3


def test_rows_of_another_policy_are_refused_after_a_swap() -> None:
    small, other = vectors.policy(SMALL), vectors.policy("policies/other.safetensors").with_valid_until(2**62)
    scorer = eq.Scorer(small)
    request = scorer.request(max_candidates=2)
    request.campaign[:1] = scorer.policy.resolve(["a"])
    scorer.install(other)
    assert scorer.policy.id == other.id
    request.begin(small, 1, market="SE", surface="radio", time=15, reference=0.0)
    request.organic[:1] = 0.5
    request.score()
    assert request.policy_id == small.id
    request.begin(scorer.policy, 1, market="SE", surface="radio", time=15, reference=0.0)
    with pytest.raises(eq.InvalidInput) as caught:
        request.score()
    assert (caught.value.code, caught.value.index) == ("invalid_input.foreign_row", 0)


def test_past_its_date_a_policy_serves_the_organic_order() -> None:
    policy = vectors.policy(SMALL).with_valid_until(20)
    request = eq.Scorer(policy).request(max_candidates=1)
    request.campaign[:] = policy.resolve(["a"])
    request.measures[:] = [[0.9, 0.0]]
    request.begin(policy, 1, market="SE", surface="radio", time=19)
    request.score()
    assert request.picks.tolist() == [0]
    request.begin(policy, 1, market="SE", surface="radio", time=20)
    request.score()
    assert request.picks.tolist() == []
    assert request.reasons == ["expired"]
    assert request.scores.tolist() == [0]


def test_a_table_is_scored_as_its_requests_are() -> None:
    policy = vectors.policy(SMALL)
    table = log_table()
    scored = pa.table(eq.Scorer(policy).score(table))
    assert scored.column_names == ["promotion_score", "picked", "position", "reason", "policy_id"]
    assert set(scored["policy_id"].to_pylist()) == {policy.id}
    log = eq.Opportunities(table, measures=["stream"])
    replayed = pa.table(policy.replay(log))
    for name in replayed.column_names:
        assert scored[name].to_pylist() == replayed[name].to_pylist()
    request = eq.Scorer(policy).request(max_candidates=3)
    for o in range(4):
        part = table.slice(3 * o, 3)
        request.campaign[:3] = policy.resolve(part["campaign"])
        request.organic[:3] = np.asarray(part["organic"])
        request.measures[:3, 0] = np.asarray(part["stream"])
        request.begin(policy, 3, market="SE", surface="radio", time=15, key=100 + o)
        request.score()
        assert scored["promotion_score"].to_pylist()[3 * o : 3 * o + 3] == request.scores.tolist()
        picked = [i for i in range(3) if scored["picked"][3 * o + i].as_py()]
        assert picked == sorted(request.picks.tolist())
        places = {int(i): int(p) for i, p in zip(request.picks, request.positions, strict=True)}
        assert [scored["position"][3 * o + i].as_py() for i in range(3)] == [places.get(i) for i in range(3)]
        assert scored["reason"].to_pylist()[3 * o : 3 * o + 3] == request.reasons


def test_unknown_campaigns_of_a_log_are_organic_or_an_error() -> None:
    policy = vectors.policy(SMALL)
    table = log_table(1).set_column(2, "campaign", pa.array(["a", "nobody", None]))
    log = eq.Opportunities(table, measures=["stream"])
    assert pa.table(policy.replay(log))["reason"].to_pylist()[1:] == ["unknown", "organic"]
    with pytest.raises(eq.InvalidInput) as caught:
        policy.replay(log, unknown="error")
    assert caught.value.code == "invalid_input.unknown_campaign"


def test_many_threads_score_while_policies_are_swapped() -> None:
    small, other = vectors.policy(SMALL), vectors.policy("policies/other.safetensors").with_valid_until(2**62)
    assert small.measures == other.measures
    scorer = eq.Scorer(small)
    wanted = {}
    for policy in (small, other):
        request = eq.Scorer(policy).request(max_candidates=3)
        ask(request, policy)
        wanted[policy.id] = request.scores[:3].tobytes()
    stop, faults, done = threading.Event(), [], []

    def serve() -> None:
        request, count = scorer.request(max_candidates=3), 0
        while not stop.is_set():
            policy = scorer.policy
            ask(request, policy)
            count += 1
            if request.policy_id != policy.id or request.scores[:3].tobytes() != wanted[policy.id]:
                faults.append(policy.id)
        done.append(count)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for swap in range(2000):
        scorer.install(other if swap % 2 else small)
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert sum(done) > 0


def ask(request: eq.Request, policy: eq.Policy) -> None:
    request.campaign[:3] = policy.resolve(["a", "b", None])
    request.organic[:3] = [0.5, 0.75, 0.25]
    request.measures[:3, 0] = [0.5, 0.25, 0.125]
    request.begin(policy, 3, market="SE", surface="radio", time=15, reference=0.5)
    request.score()


@pytest.mark.parametrize("wrong", ["policy.safetensors", 3, object()])
def test_only_policies_are_served(wrong: Any) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Scorer(wrong)
    assert caught.value.code == "invalid_input.type"
    with pytest.raises(eq.InvalidInput):
        eq.Scorer().install(wrong)
