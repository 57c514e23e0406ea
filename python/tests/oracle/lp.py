"""The relaxed planning problem as a linear program, straight from the definitions, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .instance import Instance

    Vector = NDArray[np.float64]

INFINITY = float("inf")


@dataclass
class Row:
    """
    One ledger: `low <= coefficient @ x <= high`.

    A missing or excess unit costs `penalty`; None is hard. `size` is what violations are relative to: a number, or
    for shares the coefficients of the whole and the number of parties.
    """

    name: str
    kind: str
    coefficient: Vector
    low: float
    high: float
    penalty: float | None
    whole: Vector | None = None
    members: int = 1
    measure: str = ""

    def short(self, x: Vector) -> float:
        """By how much the ledger is outside its bounds."""
        delivered = float(self.coefficient @ x)
        return max(0.0, self.low - delivered, delivered - self.high)

    def violation(self, x: Vector) -> float:
        """The same, relative as the definition of a solved plan has it."""
        if self.whole is not None:
            return self.short(x) / max(1.0, float(self.whole @ x) / self.members)
        bound = self.high if float(self.coefficient @ x) > self.high else self.low
        return self.short(x) / max(1.0, abs(bound))


@dataclass
class Fair:
    """An `alpha_fair` ledger: worth `weight ((d + offset)^(1 - alpha) - offset^(1 - alpha)) / (1 - alpha)`."""

    name: str
    coefficient: Vector
    weight: float
    alpha: float
    offset: float
    typical: float

    def worth(self, x: Vector) -> float:
        """The utility of an answer."""
        d, rest = max(0.0, float(self.coefficient @ x)), 1.0 - self.alpha
        if self.offset == 0:
            return float(self.weight * d**rest / rest)
        if rest == 0:
            return float(self.weight * np.log1p(d / self.offset))
        return float(self.weight * self.offset**rest * np.expm1(rest * np.log1p(d / self.offset)) / rest)


@dataclass
class Group:
    """A `max_min` goal: worth `weight` times the least delivery over weight of its members with supply."""

    weight: float
    members: list[tuple[Vector, float]] = field(default_factory=list)

    def worth(self, x: Vector) -> float:
        """The utility of an answer."""
        return self.weight * min((float(c @ x) / t for c, t in self.members), default=0.0)


@dataclass
class Relaxation:
    """Maximise `value @ x` plus fairness minus penalties, x in [0, `upper`], `slots` per opportunity, under `rows`."""

    value: Vector
    upper: Vector
    opportunity: NDArray[np.int64]
    slots: NDArray[np.int64]
    rows: list[Row] = field(default_factory=list)
    fair: list[Fair] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def objective(self, x: Vector) -> float:
        """What an answer is worth, penalties and fairness included."""
        cost = sum(row.penalty * row.short(x) for row in self.rows if row.penalty is not None)
        fairness = sum(fair.worth(x) for fair in self.fair) + sum(group.worth(x) for group in self.groups)
        return float(self.value @ x) - cost + fairness

    def worst_violation(self, x: Vector, *, forgiven: set[str] | None = None) -> float:
        """Largest relative violation over hard rows, and over soft rows that are not `forgiven`, boxes and slots."""
        forgiven = set() if forgiven is None else forgiven
        taken = np.bincount(self.opportunity, x, len(self.slots))
        worst = max(0.0, float(-x.min()), float((x - self.upper).max()), float((taken - self.slots).max()))
        for row in self.rows:
            if row.penalty is None or row.name not in forgiven:
                worst = max(worst, row.violation(x))
        return worst


def relax(instance: Instance) -> Relaxation:
    """Write the instance down as DESIGN states it."""
    t, c = instance.opportunity, instance.campaign
    n, opportunities = len(t), len(instance.slots)
    omega = instance.weight * instance.traffic
    eligible = eligible_rows(instance)
    measures: dict[str, Vector] = {"exposure": np.ones(n)}
    measures |= {name: values.astype(np.float64) for name, values in instance.measures.items()}
    if "displacement" not in measures and instance.organic is not None:
        measures["displacement"] = displacement(instance)

    per_row = np.zeros(n)
    for name, weight in instance.problem.get("objectives", {}).items():
        per_row += weight * measures[name]
    slots = np.asarray(instance.slots, np.int64)
    out = Relaxation(omega[t] * per_row, eligible.astype(np.float64), t, slots)

    def default_penalty(measure: str) -> float:
        y = measures[measure]
        return 10.0 * float(np.abs(per_row).max()) / (1.0 if measure == "exposure" else float(y[y > 0].mean()))

    def attribute(scope: str) -> list[str | None]:
        if scope == "all":
            return ["" for _ in range(n)]
        if scope == "campaign":
            return [None if k < 0 else instance.campaigns[k].id for k in c.tolist()]
        if scope in ("market", "surface"):
            values = getattr(instance, scope)
            return [values[o] for o in t.tolist()]
        return [None if k < 0 else getattr(instance.campaigns[k], scope) for k in c.tolist()]

    def keys(scope: str) -> list[str]:
        if scope == "all":
            return [""]
        if scope == "campaign":
            return [k.id for k in instance.campaigns]
        if scope in ("market", "surface"):
            return sorted(set(getattr(instance, scope)))
        return sorted({getattr(k, scope) for k in instance.campaigns} - {None})

    def add(kind: str, scope: str, key: str, measure: str, goal: dict[str, Any]) -> None:
        inside = np.array([a == key for a in attribute(scope)], np.float64)
        amount = omega[t] * measures[measure]
        name = "all" if scope == "all" else f"{scope}={key}"
        penalty = goal.get("penalty")
        if kind in ("floor", "target") and penalty is None:
            penalty = default_penalty(measure)
        if kind == "cap":
            out.rows.append(Row(name, kind, inside * amount, -INFINITY, goal["at_most"], None))
        elif kind == "floor":
            out.rows.append(Row(name, kind, inside * amount, goal["at_least"], INFINITY, penalty))
        elif kind == "target":
            out.rows.append(Row(name, kind, inside * amount, goal["target"], goal["target"], penalty))
        elif kind == "share":
            whole = amount * (c >= 0)
            for side in ("at_most", "at_least"):
                if (s := goal.get(side)) is not None:
                    low, high = (-INFINITY, 0.0) if side == "at_most" else (0.0, INFINITY)
                    out.rows.append(Row(name, kind, (inside - s) * whole, low, high, penalty, whole, len(keys(scope))))
        elif kind == "guardrail":
            bound = goal.get("at_most_total")
            if bound is None:
                held = np.ones(opportunities)
                if scope in ("market", "surface"):
                    held = np.array([v == key for v in getattr(instance, scope)], np.float64)
                base = organic_value(instance) if goal["relative_to"] == "organic" else np.ones(opportunities)
                bound = goal["at_most"] * float(omega @ (held * base))
            out.rows.append(Row(name, kind, inside * amount, -INFINITY, bound, None))
        elif kind == "alpha_fair":
            ledger = inside * amount * out.upper
            typical = 0.5 * float(amount @ out.upper) / max(1, n) * float(slots.sum()) / len(keys(scope))
            out.fair.append(Fair(name, ledger, goal["weight"], goal["alpha"], goal.get("offset", 1.0), typical))
        elif kind == "max_min":
            ledger = inside * amount * out.upper * (slots[t] > 0)
            if ledger.any():
                out.groups[-1].members.append((ledger, goal.get("weights", {}).get(key, 1.0)))
        else:
            raise ValueError(kind)
        for row in out.rows:
            row.measure = row.measure or measure

    for goal in instance.problem.get("goals", []):
        if goal["kind"] == "max_min":
            out.groups.append(Group(goal["weight"]))
        if "per" in goal:
            for key in keys(goal["per"]):
                add(goal["kind"], goal["per"], key, goal["measure"], goal)
        else:
            ((scope, key),) = goal["of"].items()
            add(goal["kind"], scope, key, goal["measure"], goal)
    limit = {"cap": "at_most", "floor": "at_least", "target": "target"}
    for each in instance.campaigns:
        for kind, measure, amount, penalty in each.goals:
            add(kind, "campaign", each.id, measure, {limit[kind]: amount, "penalty": penalty})
    return out


def eligible_rows(instance: Instance) -> NDArray[np.bool_]:
    """Which rows are promoted candidates that may be picked."""
    out = np.zeros(len(instance.opportunity), bool)
    for i, (o, k) in enumerate(zip(instance.opportunity.tolist(), instance.campaign.tolist(), strict=True)):
        if k < 0:
            continue
        campaign = instance.campaigns[k]
        ok = True
        if campaign.markets is not None and instance.market is not None:
            ok &= instance.market[o] in campaign.markets
        if campaign.surfaces is not None and instance.surface is not None:
            ok &= instance.surface[o] in campaign.surfaces
        if instance.time is not None:
            moment = int(instance.time[o]) + instance.shift
            ok &= campaign.start is None or campaign.start <= moment
            ok &= campaign.end is None or moment < campaign.end
        out[i] = ok
    return out


def visible_places(instance: Instance, o: int) -> Vector:
    """The organic scores of the first visible places of one opportunity, descending."""
    assert instance.organic is not None
    scores = instance.organic[instance.opportunity == o].astype(np.float64)
    visible: int = instance.problem["slate"]["visible"]
    return np.sort(scores)[::-1][:visible]


def organic_value(instance: Instance) -> Vector:
    """Per opportunity, the sum over its visible places."""
    return np.array([visible_places(instance, o).sum() for o in range(len(instance.slots))])


def displacement(instance: Instance) -> Vector:
    """Per row, the organic value given up: the mean of the last `slots` visible places minus the row's own score."""
    assert instance.organic is not None
    references = [visible_places(instance, o)[-max(1, int(s)) :].mean() for o, s in enumerate(instance.slots.tolist())]
    reference = np.array(references).astype(np.float32)
    lost: Vector = np.maximum(np.float32(0), reference[instance.opportunity] - instance.organic).astype(np.float64)
    return lost


@dataclass
class Optimum:
    """An LP optimum."""

    objective: float
    x: Vector


def solve(lp: Relaxation, *, hard: bool = False) -> Optimum | None:
    """Solve by HiGHS; with `hard`, soft rows must hold too. None where that is infeasible."""
    n = len(lp.value)
    soft = [] if hard else [row for row in lp.rows if row.penalty is not None]
    columns = n + len(soft)
    slots = sp.csr_matrix((np.ones(n), (lp.opportunity, np.arange(n))), (len(lp.slots), columns))
    blocks, low, high = [slots], [np.full(len(lp.slots), -INFINITY)], [lp.slots.astype(np.float64)]
    cost = np.concatenate([lp.value, np.zeros(len(soft))])
    at = n
    for row in lp.rows:
        coefficients = sp.lil_matrix((1, columns))
        coefficients[0, :n] = row.coefficient
        lows, highs = np.array([row.low]), np.array([row.high])
        if row.penalty is not None and not hard:
            cost[at] = -row.penalty
            lower, upper = coefficients.copy(), coefficients.copy()
            lower[0, at], upper[0, at] = 1.0, -1.0
            coefficients = sp.vstack([lower, upper])
            lows, highs = np.array([row.low, -INFINITY]), np.array([INFINITY, row.high])
            at += 1
        blocks.append(sp.csr_matrix(coefficients))
        low.append(lows)
        high.append(highs)
    matrix = sp.csc_matrix(sp.vstack(blocks))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, matrix.shape[0]
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = cost
    model.col_lower_ = np.zeros(columns)
    model.col_upper_ = np.concatenate([lp.upper, np.full(len(soft), INFINITY)])
    model.row_lower_, model.row_upper_ = np.concatenate(low), np.concatenate(high)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    for tolerance in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        solver.setOptionValue(tolerance, 1e-9)
    solver.passModel(model)
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    assert status == highspy.HighsModelStatus.kOptimal, status
    x = np.array(solver.getSolution().col_value)[:n]
    return Optimum(solver.getInfo().objective_function_value, x)
