"""The relaxed planning problem with its fairness goals as a conic program, solved by Clarabel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import clarabel
import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from .lp import Optimum

if TYPE_CHECKING:
    from .lp import Relaxation


class UnsolvedError(Exception):
    """The solver did not get to its tolerance."""


class Program:
    """Minimise `cost @ x` subject to rows `coefficients @ x + s = bound` with s in cones."""

    def __init__(self, columns: int) -> None:
        self.cost = [0.0] * columns
        self.rows: list[tuple[dict[int, float], float]] = []
        self.cones: list[Any] = []

    def column(self, cost: float) -> int:
        """One more variable."""
        self.cost.append(cost)
        return len(self.cost) - 1

    def cone(self, cone: Any, rows: list[tuple[dict[int, float], float]]) -> None:
        """Rows `bound - coefficients @ x` that together lie in a cone."""
        self.cones.append(cone)
        self.rows += rows

    def solve(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The minimiser."""
        m, n = len(self.rows), len(self.cost)
        entries = [(i, j, v) for i, (row, _) in enumerate(self.rows) for j, v in row.items() if v != 0.0]
        i, j, v = zip(*entries, strict=True)
        a = sp.csc_matrix((v, (i, j)), (m, n))
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-9
        settings.max_iter = 500
        bounds = np.array([b for _, b in self.rows])
        solver = clarabel.DefaultSolver(sp.csc_matrix((n, n)), np.array(self.cost), a, bounds, self.cones, settings)
        solution = solver.solve()
        if str(solution.status) != "Solved":
            raise UnsolvedError(str(solution.status))
        return np.array(solution.x)


def has_inside(relaxed: Relaxation) -> bool:
    """Whether some answer keeps every hard row with room to spare, which an interior point solver needs."""
    n = len(relaxed.value)
    rows, bounds = [], []
    for row in relaxed.rows:
        for bound, sign in ((row.high, 1.0), (row.low, -1.0)):
            if row.penalty is None and np.isfinite(bound) and row.coefficient.any():
                rows.append(np.append(sign * row.coefficient, max(1.0, abs(bound))))
                bounds.append(sign * bound)
    if not rows:
        return True
    slots = sp.csr_matrix((np.ones(n), (relaxed.opportunity, np.arange(n))), (len(relaxed.slots), n + 1))
    cost = np.append(np.zeros(n), -1.0)
    box = [(0.0, u) for u in relaxed.upper] + [(0.0, 1.0)]
    matrix = sp.vstack([slots, sp.csr_matrix(np.array(rows))])
    found = linprog(cost, matrix, np.append(relaxed.slots, bounds), bounds=box, method="highs")
    return bool(found.status == 0 and found.x[-1] > 1e-6)


def solve_concave(relaxed: Relaxation) -> Optimum:
    """Solve with soft rows as penalties and fairness as cones."""
    n = len(relaxed.value)
    if not has_inside(relaxed):
        raise UnsolvedError("no inside")
    program = Program(n)
    program.cost[:n] = list(-relaxed.value)
    linear: list[tuple[dict[int, float], float]] = []
    for i in range(n):
        linear += [({i: -1.0}, 0.0), ({i: 1.0}, float(relaxed.upper[i]))]
    taken: dict[int, dict[int, float]] = {}
    for i, t in enumerate(relaxed.opportunity.tolist()):
        taken.setdefault(t, {})[i] = 1.0
    linear += [(row, float(relaxed.slots[t])) for t, row in taken.items()]

    def sparse(v: np.ndarray[Any, Any], sign: float = 1.0) -> dict[int, float]:
        return {int(i): sign * float(v[i]) for i in np.flatnonzero(v)}

    for row in relaxed.rows:
        for bound, sign in ((row.high, 1.0), (row.low, -1.0)):
            if not np.isfinite(bound):
                continue
            entries = sparse(row.coefficient, sign)
            if row.penalty is not None:
                missed = program.column(row.penalty)
                linear.append(({missed: -1.0}, 0.0))
                entries[missed] = -1.0
            if entries:
                linear.append((entries, sign * bound))
    for group in relaxed.groups:
        level = program.column(-group.weight)
        linear += [({**sparse(c, -1.0), level: t}, 0.0) for c, t in group.members]
    program.cone(clarabel.NonnegativeConeT(len(linear)), linear)
    for fair in relaxed.fair:
        amount, weight, alpha, offset = sparse(fair.coefficient), fair.weight, fair.alpha, fair.offset
        if alpha == 0:
            for i, v in amount.items():
                program.cost[i] -= weight * v
            continue
        # In units in which the ledger's usual amount is 1.
        unit = max(fair.typical + offset, 1e-9)
        ledger = ({i: -v / unit for i, v in amount.items()}, offset / unit)
        one: tuple[dict[int, float], float] = ({}, 1.0)
        if alpha == 1:
            gained = program.column(-weight)
            program.cone(clarabel.ExponentialConeT(), [({gained: -1.0}, 0.0), one, ledger])
        elif alpha < 1:
            gained = program.column(-weight * unit ** (1 - alpha) / (1 - alpha))
            program.cone(clarabel.PowerConeT(1 - alpha), [ledger, one, ({gained: -1.0}, 0.0)])
        else:
            lost = program.column(weight * unit ** (1 - alpha) / (alpha - 1))
            program.cone(clarabel.PowerConeT((alpha - 1) / alpha), [ledger, ({lost: -1.0}, 0.0), ({}, 1.0)])
    x = np.clip(program.solve()[:n], 0.0, relaxed.upper)
    if relaxed.worst_violation(x, forgiven={row.name for row in relaxed.rows if row.penalty is not None}) > 1e-6:
        raise UnsolvedError("outside its bounds")
    return Optimum(relaxed.objective(x), x)
