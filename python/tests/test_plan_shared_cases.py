"""Plans against the known optima of the shared cases; skipped without EQUIPOISE_CASES."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import pyarrow as pa
import pytest

import equipoise as eq

from .oracle.check import decisions, rows

if TYPE_CHECKING:
    from types import ModuleType

CASES = Path(os.environ.get("EQUIPOISE_CASES", ""))
pytestmark = pytest.mark.skipif(not os.environ.get("EQUIPOISE_CASES"), reason="EQUIPOISE_CASES is not set")


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"shared_{name}", CASES / "bench" / "solver" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def generated(size: str, profile: str = "full", seed: int = 1) -> dict[str, Any]:
    gen = module("gen")
    arrays, _ = gen.generate(*gen.SIZES[size], seed=seed, profile=profile)
    return dict(arrays)


def plan_generated(a: dict[str, Any], **settings: Any) -> eq.Plan:
    ids = np.array([f"k{k}" for k in range(len(a["cap"]))])
    opportunity = np.repeat(np.arange(len(a["ptr"]) - 1), np.diff(a["ptr"]))
    log = pa.table(
        {
            "opportunity_id": opportunity,
            "campaign": pa.DictionaryArray.from_arrays(pa.array(a["camp"]), pa.array(ids)),
            "value": a["val"],
            "displacement": a["loss"],
            "slots": a["slots"][opportunity],
        }
    )
    campaigns = pa.table(
        {
            "campaign": ids,
            "licensor": np.array([f"g{g}" for g in a["group"]]),
            "cap": a["cap"],
            "floor": np.where(a["floor"] > 0, a["floor"], np.nan),
        }
    )
    floor = pa.array(a["floor"], mask=a["floor"] <= 0)
    campaigns = campaigns.set_column(3, "floor", floor)
    goals: list[dict[str, Any]] = []
    for g, (low, high) in enumerate(zip(a["glo"].tolist(), a["ghi"].tolist(), strict=True)):
        goal: dict[str, Any] = {"kind": "share", "measure": "exposure", "of": {"licensor": f"g{g}"}}
        if low > 0:
            goal["at_least"] = low
        if high < 1:
            goal["at_most"] = high
        if len(goal) > 3 and g in a["group"]:  # a share of nobody says nothing
            goals.append(goal)
    if a["budget"][0] < 1e29:
        guard = {"kind": "guardrail", "measure": "displacement", "per": "all", "at_most_total": float(a["budget"][0])}
        goals.append(guard)
    problem = eq.Problem.from_dict({"objectives": {"value": 1.0}, "goals": goals})
    packed = eq.Opportunities(log, measures=["value", "displacement"])
    return eq.plan(problem, packed, eq.Campaigns(campaigns), holdout=0, progress=False, **settings)


@pytest.mark.parametrize(("size", "optimum"), [("T", 750.6327333648385), ("S", 12324.984949945829)])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-4])
def test_full_profile_meets_the_lp_optimum(size: str, optimum: float, tolerance: float) -> None:
    a = generated(size)
    plan = plan_generated(a, tolerance=tolerance, threads=1)
    c = plan.certificate
    assert plan.status == "solved", plan
    assert not rows(plan.conflicts)
    assert c.gap <= tolerance
    assert c.upper_bound >= optimum * (1 - 1e-9)
    assert c.value <= optimum * (1 + 1e-9)
    objective, violation, by_kind = module("lp").judge(a, decisions(plan))
    assert violation <= 1e-6, by_kind
    assert objective == pytest.approx(c.value, rel=1e-9)


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_give_the_same_bits(threads: int) -> None:
    a = generated("T")
    one, many = plan_generated(a, threads=1), plan_generated(a, threads=threads)
    assert one.policy.id == many.policy.id
    assert decisions(one).tobytes() == decisions(many).tobytes()
    assert one.certificate.upper_bound == many.certificate.upper_bound


def optimum_of(a: dict[str, Any]) -> float:
    """The LP of the shared folder, floors hard, solved by HiGHS."""
    lp = module("lp").build(a)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = lp["A"].shape
    model.col_cost_, model.col_lower_, model.col_upper_ = lp["c"], lp["lb"], lp["ub"]
    model.row_lower_, model.row_upper_ = lp["lo"], lp["hi"]
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = lp["A"].indptr, lp["A"].indices
    model.a_matrix_.value_ = lp["A"].data
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.passModel(model)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return -float(solver.getInfo().objective_function_value)


@pytest.mark.parametrize("seed", range(100))
@pytest.mark.parametrize("profile", ["full", "matching", "hard"])
def test_small_instances_of_every_profile_meet_their_lp_optimum(profile: str, seed: int) -> None:
    gen = module("gen")
    a, _ = gen.generate(40 + 5 * seed, 4 + seed % 17, seed=seed, profile=profile, mean_c=8 + seed % 8)
    optimum = optimum_of(a)
    plan = plan_generated(a, tolerance=1e-4)
    c = plan.certificate
    assert plan.status == "solved", plan
    assert c.gap <= 1e-4
    assert c.upper_bound >= optimum - 1e-7 * abs(optimum)
    assert c.value <= optimum + 1e-7 * abs(optimum)
    objective, violation, by_kind = module("lp").judge(a, decisions(plan))
    assert violation <= 1e-6, by_kind
    assert objective == pytest.approx(c.value, rel=1e-9)


def test_five_by_five_matching() -> None:
    case = json.loads((CASES / "data" / "dualip-vectors" / "matching_5x5.json").read_text())
    a = np.array(case["a"])
    log = pa.table(
        {
            "opportunity_id": np.repeat(np.arange(5), 5),
            "campaign": [f"j{j}" for _ in range(5) for j in range(5)],
            "value": -np.array(case["c"]).ravel(),
            "amount": a.ravel(),
        }
    )
    campaigns = pa.table({"campaign": [f"j{j}" for j in range(5)], "cap": case["b"], "goal_measure": ["amount"] * 5})
    plan = eq.plan(
        eq.Problem.from_dict({"objectives": {"value": 1.0}}),
        eq.Opportunities(log, measures=["value", "amount"]),
        eq.Campaigns(campaigns),
        tolerance=1e-5,
        holdout=0,
        progress=False,
    )
    optimum = -case["lp_optimum_unregularised"]
    assert plan.status == "solved", plan
    assert plan.certificate.value <= optimum + 1e-6 <= plan.certificate.upper_bound + 2e-6
    assert plan.certificate.gap <= 1e-5
    x = decisions(plan).reshape(5, 5)
    assert ((a * x).sum(axis=0) <= np.array(case["b"]) + 1e-6).all()
    assert (x.sum(axis=1) <= 1 + 1e-9).all()


def steam() -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    task = CASES / "data" / "steam-fairdiverse" / "task"
    reference: dict[str, Any] = json.loads((task / "reference.json").read_text())

    def read(name: str) -> list[dict[str, str]]:
        path = task / name
        with gzip.open(path, "rt") if name.endswith(".gz") else path.open() as lines:
            return list(csv.DictReader(lines))

    value: dict[int, float] = {}
    for row in read("organic_top10.csv.gz"):
        value[int(row["opportunity"])] = value.get(int(row["opportunity"]), 0.0) + float(row["relevance"])
    promoted = sorted(read("promoted.csv.gz"), key=lambda r: int(r["opportunity"]))
    log = pa.table(
        {
            "opportunity_id": [int(r["opportunity"]) for r in promoted],
            "campaign": [r["campaign"] for r in promoted],
            "item": [int(r["item"]) for r in promoted],
            "value": [float(r["value"]) for r in promoted],
            "displacement": [float(r["listener_cost"]) for r in promoted],
            "organic_value": [value[int(r["opportunity"])] for r in promoted],
        }
    )
    listed = read("campaigns.csv")
    campaigns = pa.table(
        {
            "campaign": [r["campaign"] for r in listed],
            "cap": [float(r["cap"]) for r in listed],
            "floor": [float(r["floor"]) for r in listed],
            "floor_penalty": [reference["meta"]["pen"]] * len(listed),
        }
    )
    return log, campaigns, reference


@pytest.mark.parametrize("fraction", ["0.01", "0.03"])
@pytest.mark.parametrize("relative", [False, True])
def test_steam_task_meets_its_lp_optimum(fraction: str, relative: bool) -> None:
    log, campaigns, reference = steam()
    meta, optimum = reference["meta"], reference[fraction]["lp_objective"]
    guard: dict[str, Any] = {"kind": "guardrail", "measure": "displacement", "per": "all"}
    if relative:
        guard |= {"at_most": float(fraction), "relative_to": "organic"}
    else:
        guard["at_most_total"] = float(fraction) * meta["Q"]
    problem = {"objectives": {"value": 1.0}, "slate": {"slots": meta["S"], "visible": meta["K"]}, "goals": [guard]}
    plan = eq.plan(
        eq.Problem.from_dict(problem),
        eq.Opportunities(log, measures=["value", "displacement"]),
        eq.Campaigns(campaigns),
        tolerance=1e-4,
        holdout=0,
        progress=False,
    )
    c = plan.certificate
    assert plan.status == "solved", plan
    assert c.gap <= 1e-4
    assert c.upper_bound >= optimum * (1 - 1e-6)
    assert c.value <= optimum * (1 + 1e-6)
    x = decisions(plan)
    given_up = float(np.asarray(log["displacement"]) @ x)
    assert given_up <= float(fraction) * meta["Q"] * (1 + 1e-6)
