"""Prepared requests: columns in place, layouts, order of calls, limits, and memory that outlives the request."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

import equipoise as eq

from . import vectors

SMALL = "policies/small.safetensors"


def prepared(max_candidates: int = 8) -> tuple[eq.Policy, eq.Request]:
    policy = vectors.policy(SMALL)
    return policy, eq.Scorer(policy).request(max_candidates=max_candidates)


def written(request: eq.Request, policy: eq.Policy) -> None:
    request.campaign[:3] = policy.resolve(["a", "b", None])
    request.organic[:3] = [0.5, 0.75, 0.25]
    request.measures[:3, 0] = [0.5, 0.25, 0.125]


def test_columns_have_the_stated_kinds_shapes_and_strides() -> None:
    policy, request = prepared(10)
    assert policy.measures == request.measure_names == ["stream", "displacement"]
    for column in (request.organic, request.campaign, request.item, request.scores):
        assert column.shape == (10,)
    assert request.organic.dtype == request.measures.dtype == request.scores.dtype == np.dtype("f4")
    assert request.campaign.dtype == request.item.dtype == np.dtype("u4")
    assert request.measures.shape == (10, 2)
    assert request.measures[:7, 1].flags.c_contiguous
    assert request.measures.ctypes.data % 64 == 0
    assert (request.campaign == eq.UNKNOWN).all()
    assert (request.measures[:, 0] == 0).all()
    assert (request.measures[:, 1].view(np.uint32) == eq.UNWRITTEN.view(np.uint32)).all()


def test_writing_before_or_after_begin_is_the_same() -> None:
    policy, early = prepared()
    _, late = prepared()
    early.begin(policy, 3, market="SE", surface="radio", time=15, key=7)
    written(early, policy)
    early.score()
    written(late, policy)
    late.begin(policy, 3, market="SE", surface="radio", time=15, key=7)
    late.score()
    assert early.scores[:3].tobytes() == late.scores[:3].tobytes()
    assert early.picks.tolist() == late.picks.tolist()
    assert early.reasons == late.reasons
    late.begin(policy, 3, market="SE", surface="radio", time=15, key=7)
    late.score()
    assert early.scores[:3].tobytes() == late.scores[:3].tobytes()


def test_unwritten_displacement_is_filled_and_a_written_one_wins() -> None:
    policy, request = prepared()
    written(request, policy)
    request.begin(policy, 3, market="SE", surface="radio", time=15, reference=0.625)
    request.score()
    filled = request.scores[:3].copy()
    assert request.reference == 0.625
    request.measures[:3, 1] = np.maximum(0, np.float32(0.625) - request.organic[:3])
    request.score()
    assert request.scores[:3].tobytes() == filled.tobytes()
    request.measures[:3, 1] = eq.UNWRITTEN
    request.score()
    assert request.scores[:3].tobytes() == filled.tobytes()


def test_put_copies_c_and_fortran_order_alike() -> None:
    policy, request = prepared()
    measures = np.array([[0.5, 0.0], [0.25, 0.125], [0.125, 0.0]], np.float32)
    rows = policy.resolve(["a", "b", None])
    for order in ("C", "F"):
        request.measures[:] = 9
        request.put(np.array([0.5, 0.75, 0.25], np.float32), rows, np.array(measures, order=order))
        assert request.measures[:3].tolist() == measures.tolist()
        assert request.campaign[:3].tolist() == rows.tolist()


@pytest.mark.parametrize(
    ("arguments", "code", "argument"),
    [
        ({"organic": np.zeros(3)}, "invalid_input.type", "organic"),
        ({"organic": [0.0, 1.0]}, "invalid_input.type", "organic"),
        ({"campaign": np.zeros(3, np.int32)}, "invalid_input.type", "campaign"),
        ({"campaign": np.zeros(3, ">u4")}, "invalid_input.type", "campaign"),
        ({"organic": np.zeros((3, 1), np.float32)}, "invalid_input.shape", "organic"),
        ({"organic": np.zeros(9, np.float32)}, "invalid_input.shape", "organic"),
        ({"organic": np.zeros(6, np.float32)[::2]}, "invalid_input.layout", "organic"),
        ({"organic": np.zeros(6, np.float32)[::-1]}, "invalid_input.layout", "organic"),
        ({"measures": np.zeros((3, 1), np.float32)}, "invalid_input.shape", "measures"),
        ({"measures": np.zeros((3, 4), np.float32)[:, ::2]}, "invalid_input.layout", "measures"),
        ({"organic": np.zeros(3, np.float32), "campaign": np.zeros(2, np.uint32)}, "invalid_input.shape", "campaign"),
        ({"item": np.zeros(3, np.uint64)}, "invalid_input.type", "item"),
    ],
)
def test_wrong_arrays_are_refused_and_nothing_is_written(arguments: dict[str, Any], code: str, argument: str) -> None:
    policy, request = prepared()
    written(request, policy)
    before = (request.organic.copy(), request.campaign.copy(), request.measures.tobytes())
    with pytest.raises(eq.InvalidInput) as caught:
        request.put(**arguments)
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert (request.organic == before[0]).all()
    assert (request.campaign == before[1]).all()
    assert request.measures.tobytes() == before[2]


@pytest.mark.parametrize(
    ("arguments", "code", "argument"),
    [
        ({"n": 9}, "invalid_input.range", "n"),
        ({"n": -1}, "invalid_input.range", "n"),
        ({"n": 2**80}, "invalid_input.range", "n"),
        ({"n": 1.5}, "invalid_input.type", "n"),
        ({"policy": "p"}, "invalid_input.type", "policy"),
        ({"market": 3}, "invalid_input.type", "market"),
        ({"market": "\ud800"}, "invalid_input.unicode", "market"),
        ({"time": datetime(2026, 1, 1)}, "invalid_input.naive_time", "time"),
        ({"time": "now"}, "invalid_input.type", "time"),
        ({"slots": -1}, "invalid_input.range", "slots"),
        ({"key": -1}, "invalid_input.range", "key"),
        ({"key": 2**64}, "invalid_input.range", "key"),
        ({"reference": "x"}, "invalid_input.type", "reference"),
    ],
)
def test_wrong_arguments_of_begin_are_refused_and_change_nothing(
    arguments: dict[str, Any], code: str, argument: str
) -> None:
    policy, request = prepared()
    written(request, policy)
    request.begin(policy, 3, market="SE", surface="radio", time=15)
    request.score()
    before = request.scores[:3].tobytes()
    everything: dict[str, Any] = {"policy": policy, "n": 3} | arguments
    with pytest.raises(eq.InvalidInput) as caught:
        request.begin(**everything)
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert request.time == 15
    assert request.scores[:3].tobytes() == before
    assert request.explain(0).total == float(request.scores[0])


def test_an_error_in_score_leaves_the_results_of_before() -> None:
    policy, request = prepared()
    written(request, policy)
    request.begin(policy, 3, market="SE", surface="radio", time=15)
    request.score()
    before = request.scores[:3].tobytes()
    request.measures[1, 0] = np.nan
    with pytest.raises(eq.InvalidInput) as caught:
        request.score()
    assert (caught.value.code, caught.value.argument, caught.value.index) == (
        "invalid_input.not_finite",
        "measures[0]",
        1,
    )
    assert request.scores[:3].tobytes() == before
    assert request.picks.size == 0
    with pytest.raises(eq.UsageError):
        request.explain(0)


def test_calls_out_of_order_are_usage_errors() -> None:
    policy, request = prepared()
    for early in (request.score, lambda: request.explain(0), lambda: request.reasons, lambda: request.known_segment):
        with pytest.raises(eq.UsageError) as caught:
            early()
        assert caught.value.code == "usage.not_begun"
    assert request.policy_id is None
    assert request.picks.tolist() == []
    request.begin(policy, 0)
    request.score()
    assert request.picks.tolist() == []
    assert request.reasons == []
    with pytest.raises(eq.InvalidInput) as row:
        request.explain(0)
    assert row.value.code == "invalid_input.row"
    with pytest.raises(eq.InvalidInput):
        request.explain(-1)


def test_time_is_the_clock_an_instant_or_microseconds() -> None:
    policy, request = prepared()
    request.begin(policy, 0)
    assert request.time is not None
    now = datetime.now(timezone.utc)
    assert abs(now - datetime.fromtimestamp(request.time / 1e6, timezone.utc)) < timedelta(seconds=5)
    zoned = datetime(2026, 11, 23, 12, 0, 0, 123456, timezone(timedelta(hours=5, minutes=30)))
    request.begin(policy, 0, time=zoned)
    assert request.time == 1795415400123456
    request.begin(policy, 0, time=-5)
    assert request.time == -5
    request.begin(policy, 0, time=datetime(1969, 12, 31, 23, 59, 59, 999999, timezone.utc))
    assert request.time == -1


@pytest.mark.parametrize("size", [0, -1, 2**24 + 1, 2**70, "many"])
def test_sizes_out_of_range_are_refused(size: Any) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Scorer().request(max_candidates=size)
    assert caught.value.argument == "max_candidates"


def test_a_million_candidates_are_a_request() -> None:
    policy, request = prepared(1_000_000)
    rows = policy.resolve(["a", "b"])
    g = np.random.default_rng(1)
    request.campaign[:] = g.choice(rows, 1_000_000)
    request.organic[:] = g.random(1_000_000)
    request.measures[:, 0] = g.random(1_000_000)
    request.begin(policy, 1_000_000, market="SE", surface="radio", time=15, slots=10)
    request.score()
    assert len(request.picks) <= 10
    assert np.isfinite(request.scores).all()


def test_views_outlive_the_request_and_cannot_be_resized() -> None:
    _, request = prepared()
    view, measures = request.organic, request.measures
    view[:] = 3
    with pytest.raises(ValueError, match="resize"):
        view.resize(1_000_000, refcheck=False)
    del request
    gc.collect()
    junk = [np.full(64, 7, np.float32) for _ in range(100)]
    assert (view == 3).all()
    assert measures.shape == (8, 2)
    assert len(junk) == 100


def test_a_request_of_other_measures_is_refused() -> None:
    policy, _ = prepared()
    empty = eq.Scorer().request(max_candidates=4)
    assert empty.measures.shape == (4, 0)
    with pytest.raises(eq.InvalidInput) as caught:
        empty.begin(policy, 1)
    assert (caught.value.code, caught.value.argument) == ("invalid_input.shape", "policy")
    assert "stream" in str(caught.value)


def test_items_are_used_once_they_are_written() -> None:
    policy, request = prepared()
    request.campaign[:2] = policy.resolve(["a", "çå"])
    request.organic[:2] = [0.5, 0.5]
    request.measures[:2] = [[0.9, 0.0], [0.8, 0.0]]
    request.begin(policy, 2, market="SE", surface="radio", time=15, slots=2)
    request.score()
    assert request.picks.tolist() == [0, 1]
    assert request.positions.tolist() == [2, 5]
    request.item[:2] = 5
    request.score()
    assert request.picks.tolist() == [0]
    assert request.reasons == ["picked", "item"]
