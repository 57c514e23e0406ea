"""What `plan` takes and gives: keywords, hold-outs, certificates, tables, logging, and what a notebook shows."""

from __future__ import annotations

import inspect
import json
import logging
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import equipoise as eq

from .oracle.check import rows


def log_table(n: int = 200, seed: int = 1) -> pa.Table:
    g = np.random.default_rng(seed)
    return pa.table(
        {
            "opportunity_id": np.repeat(np.arange(n) + 1000 * seed, 4),
            "campaign": ["a", "b", "c", None] * n,
            "organic": g.random(4 * n).astype(np.float32),
            "stream": g.random(4 * n).astype(np.float32),
        }
    )


CAMPAIGNS = pa.table({"campaign": ["a", "b", "c"], "cap": [40.0, None, 60.0], "floor": [None, 30.0, None]})
PROBLEM = {
    "objectives": {"stream": 1.0},
    "slate": {"visible": 3},
    "goals": [{"kind": "guardrail", "measure": "displacement", "per": "all", "at_most": 0.1, "relative_to": "organic"}],
}


def plan(log: Any = None, **settings: Any) -> eq.Plan:
    packed = eq.Opportunities(log_table() if log is None else log, measures=["stream"])
    return eq.plan(eq.Problem.from_dict(PROBLEM), packed, eq.Campaigns(CAMPAIGNS), progress=False, **settings)


def test_the_keywords_and_defaults_are_those_of_the_interface() -> None:
    defaults = {n: p.default for n, p in inspect.signature(eq.plan).parameters.items() if p.default is not p.empty}
    assert defaults == {
        "tolerance": 1e-4,
        "traffic": 1.0,
        "shift": None,
        "unknown": "error",
        "holdout": 0.2,
        "fresh": None,
        "seed": 0,
        "threads": None,
        "time_limit": None,
        "warm_start": None,
        "checkpoint": None,
        "cancel": None,
        "memory": 1 << 30,
        "progress": "auto",
    }


def test_a_solved_plan_with_its_tables() -> None:
    solved = plan(holdout=0)
    c = solved.certificate
    assert solved.status == "solved"
    assert c.value <= c.upper_bound
    assert c.gap <= 1e-4
    assert c.worst_violation <= 1e-6
    assert c.passes > 0
    assert c.seconds > 0
    assert c.serving is None
    assert solved.prices.column_names == [
        "goal",
        "kind",
        "measure",
        "scope",
        "price",
        "delivered",
        "bound",
        "slack",
    ]
    delivered = {row["campaign"]: row for row in rows(solved.deliveries)}
    x = np.asarray(solved.decisions()["x"])
    for k, name in enumerate(["a", "b", "c"]):
        assert delivered[name]["exposure"] == pytest.approx(x[k::4].sum(), abs=1e-6)
    assert delivered["a"]["exposure"] <= 40 * (1 + 1e-6)
    assert rows(solved.conflicts) == []
    assert solved.policy.measures == ["stream", "displacement"]


def test_the_holdout_is_null_in_the_decisions_and_carries_the_serving_certificate() -> None:
    held = plan(holdout=0.25, seed=3)
    x = held.decisions()["x"].to_pylist()
    out = [i for i in range(0, len(x), 4) if x[i] is None]
    assert all(x[i + j] is None for i in out for j in range(4))
    serving = held.certificate.serving
    assert serving is not None
    assert serving.opportunities == len(out)
    assert 0.1 < len(out) / 200 < 0.4
    assert serving.value_ratio == pytest.approx(serving.value / held.certificate.upper_bound)
    assert serving.value_lower < serving.value < serving.value_upper
    assert (serving.listeners, serving.weight, serving.level) == (None, len(out), 0.95)
    assert serving.flight == pytest.approx(200)
    assert plan(holdout=0.25, seed=3).policy.id == held.policy.id
    assert plan(holdout=0.25, seed=4).decisions()["x"].to_pylist() != x


def test_every_bounded_ledger_has_an_interval_that_travels_with_the_policy() -> None:
    held = plan(holdout=0.25)
    serving = held.certificate.serving
    assert serving is not None
    table = serving.ledgers
    assert table.column_names == [
        "goal",
        "kind",
        "measure",
        "scope",
        "side",
        "bound",
        "predicted",
        "lower",
        "upper",
        "half_width",
        "needed",
        "outlook",
    ]
    ledgers = rows(table)
    assert len(ledgers) == sum(serving.outlooks.values())
    for ledger in ledgers:
        assert 0 <= ledger["lower"] <= ledger["predicted"] <= ledger["upper"]
        assert ledger["half_width"] == (ledger["upper"] - ledger["lower"]) / 2
        assert ledger["outlook"] in ("kept", "at_risk", "missed")
        assert ledger["needed"] is None or ledger["needed"] > serving.opportunities
    read = eq.Policy.from_bytes(held.policy.to_bytes()).certificate
    assert read is not None
    assert read.serving is not None
    assert read.upper_bound == held.certificate.upper_bound
    for ours, theirs in zip(ledgers, rows(read.serving.ledgers), strict=True):
        assert {k: v for k, v in theirs.items() if isinstance(v, str)} == {
            k: v for k, v in ours.items() if isinstance(v, str)
        }
        assert theirs["upper"] == pytest.approx(ours["upper"], rel=1e-6)
    metadata = json.loads(held.policy.metadata["serving_ledgers"])
    assert len(metadata["row"]) == len(metadata["lower"]) == len(ledgers)
    assert "half the width from" in str(serving)
    assert str(serving) in str(held.certificate)
    assert serving._repr_html_() in held.certificate._repr_html_()


def test_a_column_listener_keeps_listeners_whole() -> None:
    listeners = np.repeat(np.arange(200) // 4, 4)
    for column in (pa.array(listeners), pa.array([f"someone {i}" for i in listeners])):
        log = eq.Opportunities(log_table().append_column("listener", column), measures=["stream"])
        held = eq.plan(eq.Problem.from_dict(PROBLEM), log, eq.Campaigns(CAMPAIGNS), holdout=0.25, progress=False)
        out = np.array([x is None for x in held.decisions()["x"].to_pylist()])
        assert {*out.reshape(50, 16).sum(axis=1)} == {0, 16}
        assert held.certificate.serving is not None
        assert held.certificate.serving.listeners == out.sum() // 16
    with pytest.raises(eq.InvalidInput, match="listener"):
        eq.Opportunities(log_table().append_column("listener", pa.array(np.arange(800))), measures=["stream"])


def test_fresh_opportunities_replace_the_holdout() -> None:
    fresh = eq.Opportunities(log_table(50, seed=2), measures=["stream"])
    planned = plan(fresh=fresh)
    assert planned.decisions()["x"].null_count == 0
    assert planned.certificate.serving is not None
    assert planned.certificate.serving.opportunities == 50


def test_traffic_scales_the_flight() -> None:
    once, tenfold = plan(holdout=0), plan(holdout=0, traffic=10.0)
    assert rows(tenfold.deliveries)[0]["exposure"] <= 40 * (1 + 1e-6)
    assert np.asarray(tenfold.decisions()["x"])[0::4].sum() < np.asarray(once.decisions()["x"])[0::4].sum()


def test_shift_moves_the_log_into_the_flight() -> None:
    table = log_table().append_column("time", pa.array([0] * 800, pa.timestamp("us", tz="UTC")))
    flight = pa.array([86_400_000_000] * 3, pa.timestamp("us", tz="UTC"))
    campaigns = eq.Campaigns(CAMPAIGNS.append_column("start", flight))
    log = eq.Opportunities(table, measures=["stream"])
    problem = eq.Problem.from_dict({"objectives": {"stream": 1.0}})
    before = eq.plan(problem, log, campaigns, holdout=0, progress=False)
    assert {row["kind"] for row in rows(before.conflicts)} >= {"no_supply"}
    assert not np.asarray(before.decisions()["x"]).any()
    for shift in (timedelta(days=1), 86_400_000_000):
        after = eq.plan(problem, log, campaigns, holdout=0, shift=shift, progress=False)
        assert np.asarray(after.decisions()["x"]).any()


def test_unknown_campaigns_are_an_error_or_organic() -> None:
    table = log_table().set_column(1, "campaign", pa.array(["a", "b", "stranger", None] * 200))
    with pytest.raises(eq.InvalidInput) as caught:
        plan(table)
    assert caught.value.code == "invalid_input.unknown_campaign"
    assert "stranger" in str(caught.value)
    x = np.asarray(plan(table, unknown="organic", holdout=0).decisions()["x"])
    assert not x[2::4].any()


def test_a_warm_start_arrives_sooner() -> None:
    cold = plan(holdout=0)
    warm = plan(holdout=0, warm_start=cold)
    assert warm.status == "solved"
    assert warm.certificate.passes <= cold.certificate.passes


def test_a_time_limit_is_a_status() -> None:
    for limit in (0.0, timedelta(0)):
        assert plan(time_limit=limit).status in ("time_limit", "solved")


@pytest.mark.parametrize(
    ("settings", "argument"),
    [
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"tolerance": "small"}, "tolerance"),
        ({"traffic": -1.0}, "traffic"),
        ({"holdout": 0.95}, "holdout"),
        ({"holdout": -0.1}, "holdout"),
        ({"seed": -1}, "seed"),
        ({"threads": 0}, "threads"),
        ({"threads": -1}, "threads"),
        ({"threads": 1.5}, "threads"),
        ({"time_limit": -1.0}, "time_limit"),
        ({"time_limit": float("inf")}, "time_limit"),
        ({"shift": "a day"}, "shift"),
        ({"unknown": "ignore"}, "unknown"),
        ({"fresh": "log"}, "fresh"),
        ({"warm_start": 3}, "warm_start"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, Any], argument: str) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        plan(**settings)
    assert caught.value.argument == argument


def test_a_wrong_progress_is_refused() -> None:
    log = eq.Opportunities(log_table(), measures=["stream"])
    problem = eq.Problem.from_dict(PROBLEM)
    with pytest.raises(eq.InvalidInput) as caught:
        eq.plan(problem, log, eq.Campaigns(CAMPAIGNS), progress="loud")  # type: ignore[arg-type]
    assert caught.value.argument == "progress"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_arguments_of_the_wrong_kind_are_named(at: int) -> None:
    arguments: list[Any] = [
        eq.Problem.from_dict(PROBLEM),
        eq.Opportunities(log_table(), measures=["stream"]),
        eq.Campaigns(CAMPAIGNS),
    ]
    arguments[at] = log_table()
    with pytest.raises(eq.InvalidInput) as caught:
        eq.plan(*arguments)
    assert caught.value.argument == ["problem", "log", "campaigns"][at]


def test_a_plan_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "equipoise"):
        solved = plan()
    records = [record for record in caplog.records if record.name == "equipoise"]
    assert any("plan solved" in record.getMessage() for record in records)
    for note in solved.notes:
        assert note in [record.getMessage() for record in records]


def test_what_a_notebook_shows_is_escaped() -> None:
    table = log_table().set_column(1, "campaign", pa.array(["<script>", "b\x1b[31m", "c", None] * 200))
    campaigns = eq.Campaigns(pa.table({"campaign": ["<script>", "b\x1b[31m", "c"], "cap": [10.0, 10.0, 10.0]}))
    log = eq.Opportunities(table, measures=["stream"])
    shown = eq.plan(eq.Problem.from_dict(PROBLEM), log, campaigns, progress=False)
    text, html = repr(shown), shown._repr_html_()
    assert "solved" in text
    assert "<script>" in text
    assert "\x1b" not in text + html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert repr(shown.certificate).startswith("Certificate(upper_bound=")
    assert "serving=ServingCertificate(" in repr(shown.certificate)
