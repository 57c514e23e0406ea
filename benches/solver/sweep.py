"""Sweep over shapes of instances: plans each and says what failed or was slow.

Every answer is judged by `check.py` from its decisions alone; those with few rows are solved by HiGHS as well, whose
optimum must lie between the certified value and the bound. A line per plan; then those that were not solved, took over
40 passes at 1e-4, or were wrong.
"""

import json
import subprocess
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import check
import exact
import numpy as np
import shapes

# Candidate rows up to which HiGHS solves the instance too.
EXACT_ROWS = 12_000
# Passes at 1e-4 above which a plan counts as slow.
SLOW = 40


def shrunk(shape: shapes.Shape, by: int) -> shapes.Shape:
    """The shape with fewer opportunities and campaigns; at most five times as many campaigns as opportunities."""
    opportunities = max(20, shape.opportunities // by)
    campaigns = min(5 * opportunities, max(min(10, shape.campaigns), shape.campaigns // by))
    return replace(shape, opportunities=opportunities, campaigns=campaigns, groups=min(shape.groups, campaigns))


def plan(program: Path, folder: Path, tolerance: str, limit: float, x: Path) -> dict:
    """What the planner says about one instance."""
    command = [
        program,
        "plan",
        folder,
        "--tolerance",
        tolerance,
        "--time-limit",
        str(limit),
        "--x",
        x,
        "--watch",
        "yes",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=4 * limit + 60, check=False)
    except subprocess.TimeoutExpired:
        return {"status": "hangs"}
    if done.returncode != 0:
        return {"status": "fails", "error": done.stderr.strip()[-400:]}
    return json.loads(done.stdout)


def faults(result: dict, judged: dict, best: float | None, tolerance: float) -> list[str]:
    """What is wrong with an answer."""
    found = []
    size = max(1, abs(result["upper_bound"]))
    if result["status"] != "solved":
        found.append(result["status"])
    if result["passes"] > SLOW and tolerance >= 1e-4:
        found.append("slow")
    hard = {name: v for name, v in judged.items() if name not in ("value", "penalties", "floor")}
    worst = max(hard, key=hard.__getitem__)
    if hard[worst] > 1e-6:
        found.append(f"violates {worst} by {hard[worst]:.1e}")
    if result["status"] == "solved" and judged["floor"] > 1e-6 and not result["conflicts"]:
        found.append(f"misses a floor by {judged['floor']:.1e} without a conflict")
    own = judged["value"] - judged["penalties"]
    if abs(own - result["value"]) > 1e-9 * size + 1e-3 * (judged["floor"] > 0):
        found.append(f"states the value {result['value']:.9g}, which is {own:.9g}")
    if best is not None and not result["value"] - 1e-6 * size <= best <= result["upper_bound"] + 1e-6 * size:
        found.append(f"HiGHS has {best:.9g} outside {result['value']:.9g} .. {result['upper_bound']:.9g}")
    return found


@dataclass(frozen=True)
class Choice:
    """What is swept."""

    seeds: int
    tolerances: list[str]
    shapes: list[str]
    shrink: int
    seconds: float


def run(program: Path, out: Path, choice: Choice) -> int:
    """Runs the sweep; the number of plans with a fault."""
    seeds, tolerances, only, shrink, limit = astuple(choice)
    wrong = []
    for shape in [s for s in shapes.SHAPES if not only or s.name in only]:
        for seed in range(1, seeds + 1):
            folder = out / "sweep" / f"{shape.name}-{shrink}-{seed}"
            small = shrunk(shape, shrink) if shrink > 1 else shape
            instance = shapes.store(small, seed, folder)
            rows = instance["camp"].size
            best = (
                exact.optimum(instance, 60) if rows <= EXACT_ROWS and not {"goals", "ycap"} & instance.keys() else None
            )
            for tolerance in tolerances:
                x = out / "x-sweep.npy"
                result = plan(program, folder, tolerance, limit, x)
                line = {"bench": "sweep", "shape": shape.name, "seed": seed, "shrink": shrink, "tolerance": tolerance}
                line |= {"rows": rows, "campaigns": small.campaigns, "exact": best is not None}
                if "gap" in result:
                    judged = check.judge(instance, np.load(x))
                    found = faults(result, judged, best, float(tolerance))
                    keys = ("status", "passes", "first_certificate", "gap", "seconds", "busy_seconds", "conflicts")
                    line |= {key: result[key] for key in keys} | {"floor": judged["floor"]}
                else:
                    found = [result["status"] + ": " + result.get("error", "")]
                line["faults"] = found
                print(json.dumps(line), flush=True)
                if found:
                    wrong.append(line)
            if "gap" in result and not any(w["shape"] == shape.name and w["seed"] == seed for w in wrong):
                for file in folder.iterdir():
                    file.unlink()
                folder.rmdir()
    print(f"\n{len(wrong)} with faults")
    for line in wrong:
        passes = f"{line['passes']:.0f} passes, gap {line['gap']:.1e}, " if "gap" in line else ""
        what = f"{line['shape']} shrink {line['shrink']} seed {line['seed']} {line['tolerance']}"
        print(f"{what}: {passes}{'; '.join(line['faults'])}")
    return len(wrong)
