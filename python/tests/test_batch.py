"""Batches: the same bits as requests one by one, columns that are not copied, errors that say where."""

from __future__ import annotations

import signal
import threading
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import equipoise as eq

from . import vectors

SMALL = "policies/small.safetensors"
MEASURES = ["stream", "displacement"]


def columns(n: int, policy: eq.Policy, seed: int = 3) -> dict[str, Any]:
    """Columns of `n` candidates, some organic, some unknown."""
    g = np.random.default_rng(seed)
    rows = np.append(policy.resolve(["a", "b", "çå", None]), eq.UNKNOWN).astype(np.uint32)
    return {
        "campaign": rows[g.integers(0, len(rows), n)],
        "organic": g.random(n, dtype=np.float32),
        "item": g.integers(0, 1 + n // 2, n).astype(np.uint32),
        "frequency": g.integers(0, 4, n).astype(np.uint32),
        "stream": g.random(n, dtype=np.float32),
        "displacement": np.where(g.random(n) < 0.5, eq.UNWRITTEN, g.random(n, dtype=np.float32)),
    }


def starts_of(counts: Any) -> Any:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def batch_of(scorer: eq.Scorer, starts: Any, made: dict[str, Any], measures: Any = None, **more: Any) -> eq.Batch:
    given = {name: made[name] for name in MEASURES} if measures is None else measures
    rest = {name: made[name] for name in ("organic", "item", "frequency")}
    return scorer.batch(scorer.policy, starts, made["campaign"], given, **{**rest, **more})


def test_a_batch_comes_to_what_its_requests_come_to() -> None:
    policy = vectors.policy(SMALL)
    assert policy.measures == MEASURES
    scorer, g = eq.Scorer(policy), np.random.default_rng(1)
    scorer.switch_off("campaign", "b")
    k = 300
    starts = starts_of(g.integers(0, 40, k))
    n = int(starts[-1])
    made = columns(n, policy)
    each: dict[str, Any] = {
        "market": ["SE", "NO", None, "nowhere"] * (k // 4),
        "surface": pa.array(["radio", "search"] * (k // 2)).dictionary_encode(),
        "time": g.integers(0, 40, k),
        "slots": g.integers(0, 5, k).astype(np.uint32),
        "key": g.integers(0, 2**63, k).astype(np.uint64),
        "reference": g.random(k, dtype=np.float32),
    }
    batch = batch_of(scorer, starts, made, **each)
    assert (len(batch), batch.candidates, batch.policy_id) == (k, n, policy.id)
    assert batch.score() is batch
    request = scorer.request(max_candidates=64)
    picked = 0
    for t in range(k):
        here = slice(int(starts[t]), int(starts[t + 1]))
        m = here.stop - here.start
        both = np.stack([made[name][here] for name in MEASURES], axis=1)
        request.put(made["organic"][here], made["campaign"][here], both, made["item"][here])
        request.options(frequency=made["frequency"][here])
        surface = "radio" if t % 2 == 0 else "search"
        numbers = {name: each[name][t].item() for name in ("time", "slots", "key", "reference")}
        request.begin(policy, m, each["market"][t], surface, **numbers)
        request.score()
        np.testing.assert_array_equal(batch.scores[here].view(np.uint32), request.scores[:m].view(np.uint32))
        assert [eq.REASONS[code] for code in batch.reasons[here]] == request.reasons
        places = np.zeros(m, np.uint8)
        places[request.picks] = request.positions
        np.testing.assert_array_equal(batch.positions[here], places)
        picked += request.picks.size
    assert picked > 100
    assert eq.REASONS.index("switched_off") in batch.reasons


def test_numbers_that_cannot_be_used_drop_their_candidates_on_request() -> None:
    policy = vectors.policy(SMALL)
    scorer = eq.Scorer(policy)
    starts = starts_of([5, 0, 7, 300])
    made = columns(312, policy)
    made["stream"][[2, 7, 100]] = [np.nan, -1, np.inf]
    constant = {"market": "SE", "surface": "radio", "time": 15, "reference": 0.5}
    with pytest.raises(eq.InvalidInput) as refused:
        batch_of(scorer, starts, made, **constant).score()
    assert (refused.value.code, refused.value.index) == ("invalid_input.not_finite", 2)
    batch = batch_of(scorer, starts, made, drop_invalid=True, **constant).score()
    assert np.flatnonzero(batch.reasons == eq.REASONS.index("invalid")).tolist() == [2, 7, 100]
    made["campaign"][[2, 7, 100]], made["stream"][[2, 7, 100]] = eq.ORGANIC, 0
    wanted = batch_of(scorer, starts, made, **constant).score()
    np.testing.assert_array_equal(batch.scores.view(np.uint32), wanted.scores.view(np.uint32))
    np.testing.assert_array_equal(batch.positions, wanted.positions)


def test_layouts_of_columns_do_not_matter() -> None:
    policy = vectors.policy(SMALL)
    scorer = eq.Scorer(policy)
    starts = starts_of([5, 0, 7, 300])
    made = columns(312, policy)
    constant = {"market": "SE", "surface": "radio", "time": 15, "reference": 0.5}
    wanted = batch_of(scorer, starts, made, **constant).score()
    matrix = np.stack([made[name] for name in MEASURES], axis=1)
    arrow = {name: pa.array(made[name]) for name in made}
    polars: dict[str, Any] = {name: pl.Series(made[name]) for name in made}
    others = [
        batch_of(scorer, starts, made, np.ascontiguousarray(matrix), **constant),
        batch_of(scorer, starts, made, np.asfortranarray(matrix), **constant),
        batch_of(scorer, starts, arrow, **constant),
        batch_of(scorer, starts, polars, **constant),
        batch_of(scorer, starts, made, key=np.arange(4, dtype=np.uint64), **constant),
    ]
    for other in others:
        np.testing.assert_array_equal(other.score().scores.view(np.uint32), wanted.scores.view(np.uint32))
        np.testing.assert_array_equal(other.positions, wanted.positions)
        np.testing.assert_array_equal(other.reasons, wanted.reasons)


def test_columns_are_read_when_score_is_called() -> None:
    policy = vectors.policy(SMALL)
    scorer = eq.Scorer(policy)
    made = columns(100, policy)
    batch = batch_of(scorer, starts_of([60, 40]), made, market="SE", surface="radio", time=15, reference=0.5).score()
    before, scores = batch.scores.copy(), batch.scores
    made["stream"][:] = 1.0 - made["stream"]
    np.testing.assert_array_equal(batch.scores, before)
    batch.score()
    assert (scores != before).any()
    fresh = batch_of(scorer, starts_of([60, 40]), made, market="SE", surface="radio", time=15, reference=0.5).score()
    np.testing.assert_array_equal(scores, fresh.scores)
    # Views outlive the batch.
    del batch
    np.testing.assert_array_equal(scores, fresh.scores)


def plain_policy(campaigns: int, slots: int, **slate: Any) -> eq.Policy:
    """Worth what it streams, without prices."""
    problem = eq.Problem.from_dict({"objectives": {"stream": 1.0}, "slate": {"slots": slots, **slate}})
    ids = [f"c{i}" for i in range(campaigns)]
    log = pa.table({"opportunity_id": [0] * campaigns, "campaign": ids, "stream": [0.5] * campaigns})
    table = eq.Campaigns(pa.table({"campaign": ids}))
    return eq.plan(problem, eq.Opportunities(log, measures=["stream"]), table, holdout=0, progress=False).policy


def test_long_batches_equal_numpy_and_the_table() -> None:
    policy = plain_policy(50, slots=3)
    scorer, g = eq.Scorer(policy), np.random.default_rng(4)
    n, each = 600_000, 100
    ids = pa.DictionaryArray.from_arrays(
        pa.array(g.integers(0, 50, n, np.int32)), pa.array([f"c{i}" for i in range(50)])
    )
    stream = g.random(n, dtype=np.float32)
    starts = np.arange(0, n + 1, each)
    batch = scorer.batch(policy, starts, policy.resolve(ids), {"stream": stream}, time=0).score()
    np.testing.assert_array_equal(batch.scores, stream)
    best = np.argsort(-stream.reshape(-1, each), axis=1, kind="stable")[:, :3]
    positions = np.zeros((n // each, each), np.uint8)
    np.put_along_axis(positions, best, np.array([[1, 2, 3]], np.uint8), 1)
    np.testing.assert_array_equal(batch.positions, positions.ravel())
    table = pa.table({"opportunity_id": np.repeat(np.arange(n // each), each), "campaign": ids, "stream": stream})
    for scored in (scorer.score(table), policy.replay(eq.Opportunities(table, ["stream"]))):
        columns = pa.table(scored)
        np.testing.assert_array_equal(columns["promotion_score"].to_numpy(), stream)
        np.testing.assert_array_equal(columns["position"].fill_null(0).to_numpy(), batch.positions)
        assert columns["picked"].to_pylist() == (batch.positions > 0).tolist()
        np.testing.assert_array_equal(columns["reason"].combine_chunks().indices.to_numpy(), batch.reasons)


def test_what_does_not_fit_is_refused_with_its_place() -> None:
    policy = vectors.policy(SMALL)
    scorer = eq.Scorer(policy)
    made = columns(10, policy)
    starts = starts_of([4, 6])
    good: dict[str, Any] = {
        "policy": policy,
        "starts": starts,
        "campaign": made["campaign"],
        "measures": {name: made[name] for name in MEASURES},
        "organic": made["organic"],
        "reference": 0.5,
        "time": 15,
    }
    scorer.batch(**good).score()

    def refused(code: str, argument: str, index: int | None = None, **wrong: Any) -> None:
        with pytest.raises(eq.Error) as caught:
            scorer.batch(**{**good, **wrong}).score()
        found = caught.value
        assert (found.code, found.argument, found.index) == (f"invalid_input.{code}", argument, index), found

    def changed(name: str, at: int, value: Any) -> Any:
        other = made[name].copy()
        other[at] = value
        return other

    refused("type", "policy", policy="policy.safetensors")
    refused("range", "starts", 0, starts=np.array([1, 10]))
    refused("range", "starts", 1, starts=np.array([0, 11]))
    refused("range", "starts", 2, starts=np.array([0, 5, 4, 10]))
    refused("range", "starts", 1, starts=np.array([0, 9]))
    refused("range", "starts", 0, starts=np.array([-1, 10]))
    refused("type", "starts", starts=np.array([0.0, 10.0]))
    refused("empty", "starts", starts=np.array([], np.int64))
    refused("type", "campaign", campaign=made["campaign"].astype(np.int64))
    refused("type", "campaign", campaign=[1] * 10)
    refused("layout", "campaign", campaign=np.repeat(made["campaign"], 2)[::2])
    refused("foreign_row", "campaign", 7, campaign=changed("campaign", 7, 0x7F00_0000 ^ policy.resolve(["a"])[0]))
    refused("shape", "organic", organic=made["organic"][:9])
    refused("not_finite", "organic", 9, organic=changed("organic", 9, np.nan))
    refused("null", "organic", organic=pa.array([None, *made["organic"][1:]], pa.float32()))
    refused("type", "organic", organic=pa.array(made["organic"].astype(np.float64)))
    refused("layout", "organic", organic=pa.chunked_array([made["organic"][:5], made["organic"][5:]]))
    refused("missing", "measures", measures={"displacement": made["displacement"]})
    refused("unknown_name", "measures", measures={**good["measures"], "save": made["stream"]})
    refused("shape", 'measures["stream"]', measures={"stream": made["stream"][:9]})
    refused("shape", "measures", measures=np.zeros((10, 3), np.float32))
    refused("shape", "measures", measures=np.zeros((9, 2), np.float32))
    refused("layout", "measures", measures=np.zeros((10, 4), np.float32)[:, ::2])
    refused("range", "measures[0]", 6, measures={"stream": changed("stream", 6, -1.0)})
    refused("shape", "market", market=["SE"])
    refused("type", "market[1]", market=["SE", 3])
    refused("shape", "time", time=np.array([15]))
    refused("type", "time", time=np.array([1.0, 2.0]))
    refused("range", "slots", 1, slots=np.array([1, 256], np.uint32))
    refused("not_finite", "reference", 1, reference=np.array([0.5, np.nan], np.float32))
    refused("shape", "key", key=np.array([1], np.uint64))
    with pytest.raises(eq.UsageError) as caught:
        scorer.batch(**good).scores  # noqa: B018
    assert caught.value.code == "usage.not_begun"


def test_after_an_error_there_are_no_results() -> None:
    policy = vectors.policy(SMALL)
    scorer = eq.Scorer(policy)
    made = columns(10, policy)
    batch = batch_of(scorer, starts_of([10]), made, time=15, reference=0.5).score()
    made["stream"][3] = np.nan
    with pytest.raises(eq.InvalidInput):
        batch.score()
    with pytest.raises(eq.UsageError):
        batch.reasons  # noqa: B018
    made["stream"][3] = 0.5
    assert batch.score().reasons.size == 10


def slow_batch() -> eq.Batch:
    """A batch that takes a good part of a second: random slates."""
    policy = plain_policy(20, slots=10, exploration={"temperature": 0.1})
    n = 3_000_000
    rows = np.resize(policy.resolve([f"c{i}" for i in range(20)]), n)
    stream = np.random.default_rng(2).random(n, dtype=np.float32)
    return eq.Scorer(policy).batch(policy, np.arange(0, n + 1, 100), rows, {"stream": stream}, time=0)


def test_a_signal_ends_a_batch_while_others_run() -> None:
    batch = slow_batch()
    concurrent: list[str] = []

    def enough(*_: object) -> None:
        try:
            batch.score()
        except eq.UsageError as error:
            concurrent.append(error.code)
        raise InterruptedError("enough")

    before = signal.signal(signal.SIGALRM, enough)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(InterruptedError, match="enough"):
            batch.score()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    # The handler ran within the call, which had the batch.
    assert concurrent == ["usage.concurrent"]
    with pytest.raises(eq.UsageError):
        batch.scores  # noqa: B018
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(batch.score() is batch))
    thread.start()
    ticks = 0
    while thread.is_alive():
        ticks += 1
        thread.join(0.001)
    assert done == [True]
    assert ticks > 3


def test_columns_of_ids_resolve_as_lists_do() -> None:
    policy = vectors.policy(SMALL)
    ids = ["a", None, "nobody", "b", "çå", "a"]
    wanted = policy.resolve(ids).tolist()
    assert wanted[1:3] == [eq.ORGANIC, eq.UNKNOWN]
    made = [
        pa.array(ids),
        pa.array(ids, pa.large_string()),
        pa.array(ids).dictionary_encode(),
        pa.chunked_array([ids[:2], ids[2:]]),
        pa.chunked_array([pa.array(ids[:2]).dictionary_encode(), pa.array(ids[2:]).dictionary_encode()]),
        pl.Series(ids),
        pl.Series(ids, dtype=pl.Categorical),
        np.array(ids, object),
    ]
    for column in made:
        assert policy.resolve(column).tolist() == wanted
    with pytest.raises(eq.InvalidInput) as caught:
        policy.resolve(pa.array([1, 2]))
    assert (caught.value.code, caught.value.argument) == ("invalid_input.type", "ids")
