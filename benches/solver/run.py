"""Solver bench: plans seeded instances with equipoise and with peers, and prints one JSON line per pair.

Needs EQUIPOISE_CASES: the generator, the judge, the yardstick prototype and the peers' runner are in its folder
bench/solver. Ours and the yardstick run in turn, round by round, in processes of their own; times are from packed
columns in memory to the certificate, medians of the rounds; `spread` is (largest - smallest) / median of our rounds.
A general solver runs once.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "out" / "bench"
# General solvers, with the Python module that has each.
SOLVERS = {"highs-simplex": "highspy", "highs-ipm": "highspy", "highs-pdlp": "highspy", "ortools-pdlp": "ortools"}


def run_json(command: list[str], limit: float | None = None, cwd: Path | None = None) -> dict | None:
    """The JSON object on the last line of a command's output; None past the limit."""
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=limit, cwd=cwd)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def build(cases: Path) -> tuple[str, str]:
    """Builds both binaries; the prototype's build stays outside the folder of cases."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    subprocess.run(
        ["cargo", "build", "--locked", "--release", "-q", "-p", "equipoise-bench-solver"], check=True, cwd=ROOT
    )
    environment = os.environ | {"CARGO_TARGET_DIR": str(OUT / "prototype"), "RUSTFLAGS": "-Awarnings"}
    manifest = cases / "prototype" / "Cargo.toml"
    subprocess.run(
        ["cargo", "build", "--locked", "--release", "-q", "--manifest-path", str(manifest)],
        check=True,
        env=environment,
        cwd=OUT,
    )
    return str(target / "release" / "equipoise-bench-solver"), str(OUT / "prototype" / "release" / "proto2")


def instance(cases: Path, size: str, profile: str) -> Path:
    """The folder of an instance of seed 1, generated once."""
    folder = OUT / f"{size}-{profile}"
    if not (folder / "meta.json").exists():
        command = [sys.executable, str(cases / "gen.py"), "--size", size, "--profile", profile, "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def judge(cases: Path, folder: Path, x: Path) -> tuple[float, float]:
    """Objective and largest relative violation of an answer, by the same judge for everybody."""
    sys.path.insert(0, str(cases))
    arrays, _ = import_module("gen").load(str(folder))
    objective, violation, _ = import_module("lp").judge(arrays, np.load(x))
    return objective, violation


def report(case: str, peer: str, times: list[float], theirs: float | None, more: dict) -> None:
    """Prints one line in the shape that every bench of this project has."""
    ours = statistics.median(times)
    line = {
        "bench": "solver",
        "case": case,
        "subject": "equipoise",
        "peer": peer,
        "ours": round(ours, 6),
        "theirs": theirs,
    }
    if theirs is not None:
        line["ratio"] = round(theirs / ours, 3)
    spread = (max(times) - min(times)) / ours
    print(json.dumps(line | {"unit": "s", "repeats": len(times), "spread": round(spread, 3)} | more), flush=True)


def bench(size: str, options: argparse.Namespace, cases: Path, programs: tuple[str, str]) -> None:
    """Plans one instance in rounds of ours and the yardstick, then once with each general solver."""
    ours, yardstick = programs
    folder = instance(cases, size, options.profile)
    x = OUT / "x.npy"
    case = f"{size} {options.profile} {options.tolerance} threads=1"
    own: list[float] = []
    their: list[dict] = []
    for _ in range(options.repeats):
        result = run_json([ours, str(folder), options.tolerance, "1", str(x)])
        own.append(result["seconds"])
        if "yardstick" in options.peers:
            their.append(run_json([yardstick, str(folder), "newton", options.tolerance, "1"]))
    objective, violation = judge(cases, folder, x)
    more = {key: result[key] for key in ("status", "gap", "passes")} | {"objective": objective, "violation": violation}

    if their:
        finished = all(run["gap"] <= float(options.tolerance) for run in their)
        median = statistics.median(run["solve_s"] for run in their) if finished else None
        report(
            case, "yardstick", own, median, more | {"their_gap": their[-1]["gap"], "their_passes": their[-1]["passes"]}
        )
    for peer in [peer for peer in options.peers if peer in SOLVERS]:
        command = [sys.executable, str(cases / "peer.py"), str(folder), peer, options.tolerance, str(options.limit)]
        # The runner needs time of its own to build the program; its solver keeps the limit.
        run = run_json(command, limit=options.limit * 2 + 60, cwd=OUT)
        if run is None:
            report(case, peer, own, None, more)
            continue
        theirs = run["solve_s"] if run["solve_s"] < options.limit else None
        report(case, peer, own, theirs, more | {"their_status": run["status"], "their_violation": run.get("viol")})


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench solver", description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["T", "S", "M"], choices=["T", "S", "M", "L"])
    parser.add_argument("--profile", default="full", choices=["full", "matching", "hard"])
    parser.add_argument("--tolerance", default="1e-4")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=["yardstick"], choices=["yardstick", *sorted(SOLVERS)])
    parser.add_argument("--limit", type=float, default=180, help="seconds that a general solver may take")
    options = parser.parse_args()
    if "EQUIPOISE_CASES" not in os.environ:
        print("EQUIPOISE_CASES is not set: the instances and the peers are not to be found", file=sys.stderr)
        return 2
    modules = sorted({SOLVERS[peer] for peer in options.peers if peer in SOLVERS})
    missing = " ".join(module for module in modules if not find_spec(module))
    if missing:
        print(f"missing: {missing}\n  install with: {sys.executable} -m pip install {missing}", file=sys.stderr)
        return 2
    cases = Path(os.environ["EQUIPOISE_CASES"]).resolve() / "bench" / "solver"
    OUT.mkdir(parents=True, exist_ok=True)
    programs = build(cases)
    for size in options.sizes:
        bench(size, options, cases, programs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
