"""A plan that ends early, for its time or for a wide tolerance, states only what an independent solver confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .oracle.check import decisions
from .oracle.concave import UnsolvedError, solve_concave
from .oracle.lp import Relaxation, relax, solve
from .oracle.random_instances import CASES, case_instance

if TYPE_CHECKING:
    import equipoise as eq

INSTANCES = 8
TOLERANCES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 3e-3, 1e-3)


def optimum_of(lp: Relaxation) -> tuple[float, float]:
    """The optimum, and how far the solver may be off it."""
    curved = bool(lp.fair or lp.groups)
    found = solve_concave(lp) if curved else solve(lp)
    assert found is not None
    return found.objective, 1e-6 if curved else 1e-7


def faults_of_early(lp: Relaxation, plan: eq.Plan, optimum: float, accuracy: float) -> list[str]:
    """What is wrong with a plan that ended early."""
    c = plan.certificate
    slack = accuracy * max(1.0, abs(c.upper_bound), abs(optimum))
    x = decisions(plan)
    soft = {row.name for row in lp.rows if row.penalty is not None}
    found = []
    if not c.upper_bound >= optimum - slack:
        found.append(f"bound {c.upper_bound!r} lies below the optimum {optimum!r}")
    if not c.value <= optimum + slack:
        found.append(f"value {c.value!r} lies above the optimum {optimum!r}")
    if not abs(lp.objective(x) - c.value) <= 1e-6 * max(1.0, abs(c.value)):
        found.append(f"the decisions are worth {lp.objective(x)!r}, the certificate says {c.value!r}")
    if not lp.worst_violation(x, forgiven=soft) <= 1e-6 + 1e-9:
        found.append(f"hard goals are violated by {lp.worst_violation(x, forgiven=soft):.3g}")
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_answer_on_the_way_is_feasible_and_bounded(case: str) -> None:
    found: list[str] = []
    passes: set[float] = set()
    judged, seed = 0, 0
    while judged < INSTANCES:
        instance = case_instance(case, seed)
        lp = relax(instance)
        seed += 1
        try:
            optimum, accuracy = optimum_of(lp)
        except UnsolvedError:
            assert seed < 10 * INSTANCES, "the oracle answers"
            continue
        judged += 1
        early: list[dict[str, Any]] = [{"tolerance": tolerance} for tolerance in TOLERANCES]
        for settings in [*early, {"tolerance": 1e-9, "time_limit": 0.0}]:
            plan = instance.plan(threads=1, **settings)
            passes.add(plan.certificate.passes)
            if plan.status == "solved":
                assert plan.certificate.gap <= settings["tolerance"]
            else:
                assert plan.status == "time_limit"
                assert "time_limit" in settings
            faults = faults_of_early(lp, plan, optimum, accuracy)
            found += [f"{case} seed {seed - 1} with {settings}: {fault}" for fault in faults]
    assert not found, "\n".join(found)
    assert len(passes) >= 4, "answers after different passes"
