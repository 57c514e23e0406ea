"""What a plan must satisfy beside its LP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .concave import solve_concave
from .lp import Relaxation, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    import equipoise as eq


def decisions(plan: eq.Plan) -> NDArray[np.float64]:
    """The certified answer as a NumPy array; nothing may be held out."""
    column = plan.decisions()["x"]
    assert column.null_count == 0
    return np.asarray(column, np.float64)


def rows(table: Any) -> list[dict[str, Any]]:
    """A small table as dicts."""
    return [
        dict(zip(table.column_names, each, strict=True))
        for each in zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    ]


def short_without_reason(lp: Relaxation, x: NDArray[np.float64], conflicts: list[dict[str, Any]]) -> list[str]:
    """Soft rows that are missed although no conflict names them."""
    named = [c["goal"] for c in conflicts if c["kind"] in ("unreachable", "outbid")]
    missed = [row for row in lp.rows if row.penalty is not None and row.violation(x) > 1e-6]
    return [f"{row.kind} {row.name}" for row in missed if not any(row.name in goal for goal in named)]


def faults(lp: Relaxation, plan: eq.Plan, tolerance: float) -> list[str]:
    """Everything about a plan that its LP contradicts, in words."""
    found: list[str] = []
    c = plan.certificate
    scale = max(1.0, abs(c.upper_bound))
    curved = bool(lp.fair or lp.groups)
    optimum = solve_concave(lp) if curved else solve(lp)
    assert optimum is not None, "soft goals cannot make a problem infeasible"
    # An interior point is inside to its tolerance only, and pays for what it is outside.
    slack = (1e-6 if curved else 1e-7) * max(scale, abs(optimum.objective))
    if not c.upper_bound >= optimum.objective - slack:
        found.append(f"bound {c.upper_bound!r} lies below the optimum {optimum.objective!r}")
    if not c.value <= optimum.objective + slack:
        found.append(f"value {c.value!r} lies above the optimum {optimum.objective!r}")
    if not abs(c.gap - (c.upper_bound - c.value) / scale) <= 1e-12:
        found.append(f"gap {c.gap!r} is not (bound - value) / max(1, |bound|)")
    if plan.status != "solved":
        found.append(f"status {plan.status}, gap {c.gap:.3g}, worst violation {c.worst_violation:.3g}")
    elif not c.gap <= tolerance:
        found.append(f"solved with a gap of {c.gap:.3g}")

    x = decisions(plan)
    if not abs(lp.objective(x) - c.value) <= 1e-6 * scale:
        found.append(f"the decisions are worth {lp.objective(x)!r}, the certificate says {c.value!r}")
    conflicts = rows(plan.conflicts)
    forgiven = {row.name for row in lp.rows for conflict in conflicts if row.name in conflict["goal"]}
    worst = lp.worst_violation(x, forgiven=forgiven)
    if not worst <= 1e-6 + 1e-9:
        found.append(f"the decisions violate by {worst:.3g}, the certificate says {c.worst_violation:.3g}")
    unexplained = short_without_reason(lp, x, conflicts)
    if unexplained:
        found.append(f"missed without a conflict: {unexplained}")
    if any(row.penalty is not None for row in lp.rows):
        reachable = solve(lp, hard=True) is not None
        kinds = {conflict["kind"] for conflict in conflicts}
        if reachable and "unreachable" in kinds:
            found.append("unreachable goals are reported, but all can be met together")
        if not reachable and "unreachable" not in kinds:
            found.append("the goals cannot be met together, but none is reported as unreachable")
    return found
