"""Slate rules, list terms, exploration, causes and records of decisions, as a service in Python uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import equipoise as eq

VALUES = np.array([0.9, 0.8, 0.7, 0.6, 0.5], dtype=np.float32)
ORGANIC = np.array([0.2, 0.9, 0.5, 0.1, 0.7], dtype=np.float32)


def policy(slate: dict[str, Any], cap: int | None = None) -> eq.Policy:
    ids = [f"c{i}" for i in range(5)]
    log = pl.DataFrame({"opportunity_id": [1] * 5, "campaign": ids, "value": VALUES, "organic": ORGANIC})
    campaigns = pl.DataFrame(
        {"campaign": ids, "label": ["l"] * 5, "frequency_cap": pl.Series([cap, None, None, None, None], dtype=pl.Int64)}
    )
    problem = eq.Problem.from_dict({"objectives": {"value": 1.0}, "slate": slate})
    opportunities = eq.Opportunities(log, measures=["value"])
    return eq.plan(problem, opportunities, eq.Campaigns(campaigns), holdout=0, progress=False).policy


def scored(policy: eq.Policy, key: int = 0, **options: Any) -> eq.Request:
    request = eq.Scorer(policy).request(max_candidates=8)
    request.put(organic=ORGANIC, campaign=policy.resolve([f"c{i}" for i in range(5)]), measures=VALUES[:, None])
    request.begin(policy, 5, key=key)
    request.options(**options)
    request.score()
    return request


def test_fixed_places_and_the_blended_order() -> None:
    request = scored(policy({"slots": 2, "visible": 5, "fixed_places": [2, 4]}))
    assert (request.picks.tolist(), request.positions.tolist()) == ([0, 1], [2, 4])
    assert request.blend().tolist() == [4, 0, 2, 1, 3]


def test_the_listener_and_the_relevance_floor_refuse() -> None:
    request = scored(policy({"visible": 5, "relevance_floor": 0.3}, cap=2))
    assert request.reasons == ["relevance", "picked", "outscored", "relevance", "outscored"]
    sated = scored(policy({"visible": 5}, cap=2), frequency=np.array([2, 9, 9, 9, 9], dtype=np.uint32))
    assert sated.reasons[0] == "frequency"
    cause = sated.explain(0).cause
    assert cause is not None
    assert (cause.name, cause.found, cause.limit) == ("frequency", 2.0, 2.0)
    lost = sated.explain(2).cause
    assert lost is not None
    assert (lost.name, lost.lost_to) == ("outscored", 1)
    assert sated.explain(1).cause is None


def test_numbers_that_cannot_be_used_drop_their_candidates_on_request() -> None:
    plain, policy_of = scored(policy({"slots": 2, "visible": 5})), policy({"slots": 2, "visible": 5})
    scorer = eq.Scorer(policy_of)
    request = scorer.request(max_candidates=8)
    values, organic = VALUES[:, None].copy(), ORGANIC.copy()
    values[int(plain.picks[0]), 0] = np.nan
    organic[4] = np.inf
    request.put(organic=organic, campaign=policy_of.resolve([f"c{i}" for i in range(5)]), measures=values)
    request.begin(policy_of, 5)
    with pytest.raises(eq.InvalidInput) as refused:
        request.score()
    assert refused.value.code == "invalid_input.not_finite"
    request.options(drop_invalid=True)
    request.score()
    assert [i for i, reason in enumerate(request.reasons) if reason == "invalid"] == sorted([int(plain.picks[0]), 4])
    assert plain.picks[0] not in request.picks
    assert request.blend().tolist()[-1] == 4
    cause = request.explain(4).cause
    assert cause is not None
    assert (cause.name, "organic" in cause.text) == ("invalid", True)
    record = request.record()
    assert record.replay(policy_of) == record
    assert next(value for name, _, value in scorer.metrics() if name == "equipoise.score.dropped") == 2


def test_list_terms_say_what_they_cost() -> None:
    embeddings = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], dtype=np.float32)
    request = scored(policy({"slots": 2, "visible": 5, "diversity": 1.0}), embeddings=embeddings)
    assert request.picks.tolist() == [0, 2]
    assert request.given_up == pytest.approx(0.1, abs=1e-6)
    mixed = scored(
        policy({"slots": 2, "visible": 5, "calibration": 1.0}),
        category=np.array([0, 0, 0, 1, 1], dtype=np.uint32),
        target=np.array([1, 1], dtype=np.float32),
    )
    assert mixed.picks.tolist() == [0, 3]


def test_exploration_is_drawn_by_key_and_its_propensity_is_how_often() -> None:
    explored = policy({"slots": 1, "visible": 5, "exploration": {"temperature": 0.2}})
    weights = np.exp(VALUES.astype(float) / 0.2)
    counts = np.zeros(5)
    for key in range(400):
        request = scored(explored, key)
        (pick,) = request.picks.tolist()
        assert request.propensity == pytest.approx(weights[pick] / weights.sum(), rel=1e-9)
        counts[pick] += 1
    assert np.abs(counts / 400 - weights / weights.sum()).max() < 0.12
    certain = scored(explored, 3, explore=False)
    assert (certain.picks.tolist(), certain.propensities.tolist(), certain.propensity) == ([0], [], 1.0)


def test_records_replay_through_tables_and_files(tmp_path: Path) -> None:
    explored = policy({"slots": 2, "visible": 5, "exploration": {"temperature": 0.5, "epsilon": 0.1, "bonus": 0.5}})
    uncertainty = np.linspace(0, 1, 5, dtype=np.float32)
    records = [scored(explored, key, uncertainty=uncertainty).record(terms=key == 0) for key in range(20)]
    assert all(record.replay(explored) == record for record in records)
    assert records[3].key == 3
    assert records[3].label == ["l", "l"]
    assert records[3].main_parameters[0].startswith("value ")
    frame = pl.DataFrame(eq.records_table(records))
    assert frame["propensity"].to_list() == [record.propensity for record in records]
    assert frame["term_name"].list.len().to_list()[:2] != [0, 0]
    path = tmp_path / "decisions.parquet"
    eq.save_records(path, records)
    assert eq.read_records(path) == records
    assert eq.read_records(eq.records_table(records)) == records
    assert pl.read_parquet(path)["pick"].to_list() == [record.pick for record in records]
    other = policy({"slots": 1, "visible": 5})
    with pytest.raises(eq.InvalidInput) as refused:
        records[0].replay(other)
    assert refused.value.code == "invalid_input.foreign_file"
    bare = scored(explored, 1).record(candidates=False)
    with pytest.raises(eq.InvalidInput) as refused:
        bare.replay(explored)
    assert (refused.value.code, refused.value.argument) == ("invalid_input.missing", "candidates")


@pytest.mark.parametrize(
    ("options", "code", "argument"),
    [
        ({"frequency": np.zeros(4, dtype=np.uint32)}, "invalid_input.shape", "frequency"),
        ({"frequency": np.zeros(5, dtype=np.int32)}, "invalid_input.type", "frequency"),
        ({"uncertainty": np.full(5, -1, dtype=np.float32)}, "invalid_input.range", "uncertainty"),
        ({"category": np.zeros(5, dtype=np.uint32)}, "invalid_input.missing", "target"),
        ({"target": np.ones(2, dtype=np.float32)}, "invalid_input.missing", "category"),
        ({"similarity": np.full((5, 5), 2, dtype=np.float32)}, "invalid_input.range", "similarity"),
        ({"embeddings": np.ones(5, dtype=np.float32)}, "invalid_input.shape", "embeddings"),
    ],
)
def test_what_does_not_fit_is_named(options: dict[str, Any], code: str, argument: str) -> None:
    with pytest.raises(eq.InvalidInput) as refused:
        scored(policy({"visible": 5}, cap=1), **options)
    assert (refused.value.code, refused.value.argument) == (code, argument)
