"""`frontier`: certified points, monotone and concave within their gaps, in agreement with plans and with HiGHS."""

from __future__ import annotations

import copy
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import equipoise as eq

from .oracle.check import rows
from .oracle.instance import Instance
from .oracle.lp import relax, solve
from .oracle.random_instances import random_instance
from .test_plan import CAMPAIGNS, PROBLEM, log_table

GUARDRAIL = "goals.guardrail displacement in all.at_most"


def small(**arguments: Any) -> eq.Frontier:
    log = eq.Opportunities(log_table(), measures=["stream"])
    defaults: dict[str, Any] = {
        "holdout": 0.0,
        "progress": False,
        "vary": GUARDRAIL,
        "points": [0.0, 0.02, 0.05, 0.1],
    }
    return eq.frontier(eq.Problem.from_dict(PROBLEM), log, eq.Campaigns(CAMPAIGNS), **(defaults | arguments))


def test_a_guardrail_s_levels_are_certified_monotone_and_concave() -> None:
    frontier = small(vary={GUARDRAIL: (0.0, 0.1)}, points=9)
    table = rows(frontier.table)
    assert len(frontier) == len(table) == 9
    assert [row[GUARDRAIL] for row in table] == pytest.approx(np.linspace(0, 0.1, 9))
    value, bound = ([row[name] for row in table] for name in ("value", "upper_bound"))
    for i, row in enumerate(table):
        assert row["status"] == "solved"
        assert row["gap"] <= 1e-4
        assert row["worst_violation"] <= 1e-6
        if i > 0:
            assert bound[i] >= value[i - 1]
        if 0 < i < 8:
            assert bound[i] >= (value[i - 1] + value[i + 1]) / 2
    assert value[-1] > value[0]
    assert [row["total displacement"] for row in table] == sorted(row["total displacement"] for row in table)


def test_every_point_agrees_with_a_plan_of_its_own() -> None:
    frontier = small()
    for i, level in enumerate([0.0, 0.02, 0.05, 0.1]):
        problem: Any = copy.deepcopy(PROBLEM)
        problem["goals"][0]["at_most"] = level
        log = eq.Opportunities(log_table(), measures=["stream"])
        own = eq.plan(
            eq.Problem.from_dict(problem), log, eq.Campaigns(CAMPAIGNS), holdout=0, progress=False
        ).certificate
        point = frontier.certificate(i)
        assert point.value <= own.upper_bound
        assert own.value <= point.upper_bound
        assert len(rows(frontier.prices(i))) == len(frontier.policy(i).prices)
        assert {row["campaign"] for row in rows(frontier.deliveries(i))} == {"a", "b", "c"}


def test_two_objectives_move_together() -> None:
    log = eq.Opportunities(log_table().append_column("save", log_table(seed=3)["stream"]), measures=["stream", "save"])
    problem = eq.Problem.from_dict(PROBLEM | {"objectives": {"stream": 1.0, "save": 1.0}})
    vary = {"objectives.stream": [1.0, 0.5, 0.0], "objectives.save": [0.0, 0.5, 1.0]}
    table = rows(eq.frontier(problem, log, eq.Campaigns(CAMPAIGNS), vary=vary, holdout=0, progress=False).table)
    streams, saves = ([row[f"total {name}"] for row in table] for name in ("stream", "save"))
    assert streams == sorted(streams, reverse=True)
    assert saves == sorted(saves)


def at(instance: Instance, goal: int, field: str, level: float) -> Instance:
    out = copy.deepcopy(instance)
    out.problem["goals"][goal][field] = level
    return out


def test_two_guardrails_stand_against_each_other() -> None:
    problem: Any = copy.deepcopy(PROBLEM)
    whole = {"kind": "guardrail", "measure": "stream", "per": "all", "at_most_total": 10.0, "name": "streams"}
    problem["goals"].append(whole)
    streams = [30.0, 20.0, 10.0, 5.0]
    log = eq.Opportunities(log_table(), measures=["stream"])
    frontier = eq.frontier(
        eq.Problem.from_dict(problem),
        log,
        eq.Campaigns(CAMPAIGNS),
        vary={GUARDRAIL: [0.0, 0.02, 0.05, 0.1], "goals.streams.at_most_total": streams},
        holdout=0.0,
        progress=False,
    )
    table = rows(frontier.table)
    assert [row["status"] for row in table] == ["solved"] * 4
    assert all(row["gap"] <= 1e-4 and row["worst_violation"] <= 1e-6 for row in table)
    assert all(row["total stream"] <= most + 1e-6 for row, most in zip(table, streams, strict=True))
    assert table[0]["total displacement"] <= 1e-9


def test_ends_agree_with_highs() -> None:
    checked = 0
    for seed in range(60):
        instance = random_instance(seed)
        found = [
            (i, field)
            for i, goal in enumerate(instance.problem["goals"])
            for field in ("at_most_total", "at_most")
            if goal["kind"] == "guardrail" and field in goal
        ]
        if not found:
            continue
        goal, field = found[0]
        last = instance.problem["goals"][goal][field]
        frontier = eq.frontier(
            eq.Problem.from_dict(instance.problem),
            eq.Opportunities(instance.log_table(), measures=list(instance.measures)),
            eq.Campaigns(instance.campaign_table()),
            vary={f"goals[{goal}].{field}": (0.2 * last, last)},
            points=3,
            traffic=instance.traffic,
            shift=instance.shift,
            holdout=0,
            progress=False,
        )
        for i, level in ((0, 0.2 * last), (2, last)):
            optimum = solve(relax(at(instance, goal, field, level)))
            assert optimum is not None
            c = frontier.certificate(i)
            slack = 1e-7 * max(1.0, abs(c.upper_bound))
            assert c.value - slack <= optimum.objective <= c.upper_bound + slack, seed
            checked += 1
    print(f"executed {checked}")
    assert checked >= 40


def test_the_time_limit_is_for_all_points() -> None:
    table = rows(small(time_limit=0, tolerance=1e-9).table)
    assert {row["status"] for row in table} <= {"time_limit", "solved"}
    assert all(row["value"] <= row["upper_bound"] for row in table)


def test_ctrl_c_stops_it() -> None:
    # A shell that runs the tests in the background has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            small(vary={GUARDRAIL: (0.0, 0.1)}, points=100_000, tolerance=1e-9)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"vary": "goals.nobody.at_most"}, "invalid_input.unknown_name"),
        ({"vary": "at_most"}, "invalid_input.syntax"),
        ({"vary": "campaigns.z.cap"}, "invalid_input.unknown_campaign"),
        ({"points": []}, "invalid_input.empty"),
        ({"points": None}, "invalid_input.type"),
        ({"points": [float("nan")]}, "invalid_input.not_finite"),
        ({"vary": {GUARDRAIL: [0.0, 0.1], "objectives.stream": [1.0]}, "points": None}, "invalid_input.shape"),
        ({"vary": {GUARDRAIL: (0.0, 0.1)}, "points": 1}, "invalid_input.type"),
        ({"vary": {GUARDRAIL: (0.0, 0.1, 0.2)}, "points": 4}, "invalid_input.type"),
        ({"progress": "perhaps"}, "invalid_input.type"),
    ],
)
def test_errors_come_before_any_solve(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(eq.Error, match=r".") as error:
        small(**arguments)
    assert error.value.code == code
