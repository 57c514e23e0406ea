"""Conflicts of random instances whose goals cannot all be met: the least relaxation is enough, and least, by HiGHS."""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from .oracle.check import rows
from .oracle.lp import Relaxation, relax, solve
from .oracle.random_instances import random_instance

if TYPE_CHECKING:
    from .oracle.instance import Instance
    from .oracle.lp import Row

SEEDS = range(260)
# What HiGHS and the planner's own solves leave open, in parts of a bound.
ROUNDING = 1e-5


@cache
def crowded(seed: int) -> Instance | None:
    """An instance with higher floors; None where all of them can be met."""
    g = np.random.default_rng([seed, 3])
    instance = random_instance(seed)
    for campaign in instance.campaigns:
        caps = {measure: amount for kind, measure, amount, _ in campaign.goals if kind == "cap"}
        for i, (kind, measure, amount, penalty) in enumerate(campaign.goals):
            asked = amount * float(g.uniform(1, 4)) if kind == "floor" else amount
            # A floor above a cap of its own is refused, not planned.
            bound = asked if kind == "cap" else min(asked, caps.get(measure, asked))
            campaign.goals[i] = (kind, measure, bound, penalty)
    for goal in instance.problem["goals"]:
        if goal["kind"] == "floor":
            goal["at_least"] *= float(g.uniform(1, 3))
    return None if solve(relax(instance), hard=True) is not None else instance


def bound(row: Row) -> float:
    return row.low if np.isfinite(row.low) else row.high


def loosened(lp: Relaxation, by: dict[int, float], rounding: float = 0.0) -> Relaxation:
    """The rows moved apart by amounts, and all soft ones by `rounding` parts of their bound."""
    out = copy.deepcopy(lp)
    for i, row in enumerate(out.rows):
        if row.penalty is not None:
            room = by.get(i, 0.0) + rounding * max(1.0, abs(bound(row)))
            row.low, row.high = row.low - room, row.high + room
    return out


def least_sum(lp: Relaxation) -> float:
    """The least sum of relaxations in parts of their bounds, by HiGHS."""
    out = copy.deepcopy(lp)
    out.value, out.fair, out.groups = np.zeros_like(out.value), [], []
    for row in out.rows:
        if row.penalty is not None:
            row.penalty = 1.0 / max(1.0, abs(bound(row)))
    optimum = solve(out)
    assert optimum is not None
    return -optimum.objective


def row_of(lp: Relaxation, conflict: dict[str, Any]) -> int:
    """The row that a conflict is about: same kind, scope, side and bound."""
    kind = conflict["goal"].split(" ")[0]
    found = [i for i, row in enumerate(lp.rows) if row.penalty is not None and row.kind == kind]
    found = [i for i in found if conflict["goal"].endswith(lp.rows[i].name)]
    if kind == "share":
        side = "low" if " at least " in conflict["goal"] else "high" if " at most " in conflict["goal"] else None
        found = [i for i in found if side is None or np.isfinite(getattr(lp.rows[i], side))]
    else:
        found = [i for i in found if bound(lp.rows[i]) == pytest.approx(conflict["asked"], rel=1e-9)]
    assert found, (conflict, [row.name for row in lp.rows])
    return found[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_with_the_relaxation_all_is_feasible_and_with_99_percent_of_it_not(seed: int) -> None:
    instance = crowded(seed)
    if instance is None:
        return
    lp = relax(instance)
    plan = instance.plan(tolerance=1e-4)
    assert plan.status == "solved"
    unreachable = [c for c in rows(plan.conflicts) if c["kind"] == "unreachable"]
    by = {row_of(lp, c): c["least_relaxation"] for c in unreachable}
    assert len(by) == len(unreachable), "each names a row of its own"
    assert solve(loosened(lp, by, ROUNDING), hard=True) is not None
    assert solve(loosened(lp, {i: 0.99 * r for i, r in by.items()}), hard=True) is None
    total = sum(r / max(1.0, abs(bound(lp.rows[i]))) for i, r in by.items())
    assert total == pytest.approx(least_sum(lp), rel=1e-4, abs=1e-5)
    # What stands against a goal explains why: it is named unless supply alone is short.
    assert all(isinstance(c["against"], str) for c in unreachable)


def test_enough_instances_are_infeasible() -> None:
    executed = sum(crowded(seed) is not None for seed in SEEDS)
    print(f"executed {executed}")
    assert executed >= 200
