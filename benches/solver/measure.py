"""What the bench measures: one function per group of rows, each printing JSON lines as every bench does.

Programs that are compared run in turn, round by round, in processes of their own; `ours` and `theirs` are medians,
`spread` is (largest - smallest) / median of our rounds. Seconds are from packed columns in memory to the certificate.
Passes are rows evaluated over rows, for whatever purpose.
"""

import json
import statistics
import sys
from importlib import import_module
from pathlib import Path
from subprocess import CalledProcessError

import check
import numpy as np
import table
from instances import Instances, load
from programs import SOLVERS, Programs

SEEDS = range(1, 11)


class Bench:
    """Runs groups of rows; each line is printed and kept for the table."""

    def __init__(self, programs: Programs, repeats: int, seconds: float, seeds: int) -> None:
        self.programs, self.repeats, self.limit, self.seeds = programs, repeats, seconds, seeds
        self.instances = Instances(programs.cases, programs.out)
        sys.path.insert(0, str(programs.cases))

    def report(
        self,
        case: str,
        peer: str,
        ours: list[float] | None,
        theirs: list[float] | None,
        unit: str = "s",
        **more: object,
    ) -> None:
        """Prints one line; `theirs` is None where the peer did not finish or there is none to compare with."""
        line = {"bench": "solver", "case": case, "subject": "equipoise", "peer": peer}
        own, other = (statistics.median(v) if v else None for v in (ours, theirs))
        line |= {"ours": _round(own), "theirs": _round(other)}
        if own and other is not None:
            line["ratio"] = round(other / own, 3)
        line |= {"unit": unit, "repeats": len(ours or [])}
        if own:
            line["spread"] = round((max(ours) - min(ours)) / own, 3)
        line |= more
        print(json.dumps(line), flush=True)
        table.keep(self.programs.out / "solver.jsonl", line)

    def judge(self, folder: Path) -> dict:
        """Value and largest violation of the answer written last, by the shared judge and where it ends by ours."""
        instance, x = load(folder), np.load(self.programs.x)
        objective, violation, _ = import_module("lp").judge(instance, x)
        if {"goals", "ycap"} & instance.keys():
            judged = check.judge(instance, x)
            objective = judged.pop("value") - judged.pop("penalties")
            violation = max(violation, *judged.values())
        return {"objective": objective, "violation": violation}

    def against_yardstick(self, case: str, folder: Path, tolerance: str, threads: int = 1) -> tuple[list[float], float]:
        """Ours and the yardstick in turn; our seconds, and for how long ours keeps a processor busy."""
        own, their = [], []
        for _ in range(self.repeats):
            own.append(self.programs.plan(folder, tolerance, threads))
            their.append(self.programs.yardstick(folder, tolerance, threads))
        finished = all(run["gap"] <= float(tolerance) for run in their)
        solved = all(run["status"] == "solved" for run in own)
        busy = self.programs.busy(folder, tolerance, threads)
        self.report(
            f"{case} {tolerance} threads={threads}",
            "yardstick",
            [run["seconds"] for run in own] if solved else None,
            [run["solve_s"] for run in their] if finished else None,
            **_ours(own[-1]),
            **self.judge(folder),
            least=_round(min(run["seconds"] for run in own)),
            their_least=_round(min(run["solve_s"] for run in their)),
            busy=_round(busy),
            their_busy=_round(statistics.median(run["cpu_s"] for run in their)),
            their_passes=their[-1]["passes"],
            their_gap=their[-1]["gap"],
        )
        return [run["seconds"] for run in own], busy

    def peers(self, size: str, profile: str, tolerance: str, solvers: list[str]) -> None:
        """Ours against the yardstick, accelerated gradient and general solvers."""
        folder = self.instances.base(size, profile)
        case = f"{size} {profile}"
        seconds, busy = self.against_yardstick(case, folder, tolerance)
        # Time waiting for a processor is nobody's.
        own = [min(run, busy) for run in seconds]
        objective = self.judge(folder)["objective"]
        case = f"{case} {tolerance} threads=1"
        if "agd" in solvers:
            run = self.programs.agd(folder, tolerance, self.limit)
            judged = self.judge(folder)
            theirs = [run["seconds"]] if run["status"] == "solved" else None
            self.report(
                case,
                "agd",
                seconds,
                theirs,
                their_passes=run["passes"],
                their_status=run["status"],
                their_violation=judged["violation"],
            )
        for solver in [solver for solver in SOLVERS if solver in solvers]:
            run = self.programs.general(solver, folder, tolerance, self.limit)
            run = run or {"solve_s": self.limit, "status": "killed"}
            theirs = [min(run["solve_s"], run.get("cpu_s", run["solve_s"]))]
            theirs = theirs if run["solve_s"] < self.limit and _stands(run, objective) else None
            self.report(
                case,
                solver,
                own,
                theirs,
                their_status=run["status"],
                their_objective=run.get("obj"),
                their_violation=run.get("viol"),
                their_limit=self.limit,
            )

    def tolerances(self, size: str, profile: str, tolerances: list[str]) -> None:
        """Ours and the yardstick at tighter tolerances; below 1e-6 ours alone."""
        folder = self.instances.base(size, profile)
        for tolerance in tolerances:
            if float(tolerance) >= 1e-6:
                self.against_yardstick(f"{size} {profile}", folder, tolerance)
                continue
            run = self.programs.plan(folder, tolerance)
            solved = [run["seconds"]] if run["status"] == "solved" else None
            self.report(
                f"{size} {profile} {tolerance} threads=1", "none", solved, None, **_ours(run), **self.judge(folder)
            )

    def threads(self, size: str) -> None:
        """One thread and two, each against the yardstick and against each other."""
        folder = self.instances.base(size)
        one, two = (self.against_yardstick(f"{size} full", folder, "1e-4", n)[0] for n in (1, 2))
        self.report(f"{size} full 1e-4 threads=2", "equipoise threads=1", two, one)

    def passes(self, size: str, profile: str, tolerance: str) -> None:
        """Passes of the planner and the yardstick over seeds; one value per seed."""
        folders = [self.instances.base(size, profile, seed) for seed in SEEDS[: self.seeds]]
        own = [self.programs.plan(folder, tolerance) for folder in folders]
        their = [self.programs.yardstick(folder, tolerance) for folder in folders]
        more = {
            "all": [round(run["passes"], 1) for run in own],
            "their_all": [run["passes"] for run in their],
            "unsolved": sum(run["status"] != "solved" for run in own),
            "their_unsolved": sum(run["gap"] > float(tolerance) for run in their),
        }
        case = f"{size} {profile} {tolerance} seeds=1..{self.seeds}"
        self.report(
            case, "yardstick", [run["passes"] for run in own], [run["passes"] for run in their], "passes", **more
        )
        first = [[run["first_certificate"] or run["passes"] for run in own], [run["firstfeas"] for run in their]]
        self.report(
            f"{case} first certificate", "yardstick", *first, "passes", worst=max(first[0]), their_worst=max(first[1])
        )

    def first(self, size: str, profile: str) -> None:
        """The pass of the first certificate of one instance."""
        folder = self.instances.base(size, profile)
        own, their = self.programs.plan(folder, "1e-4"), self.programs.yardstick(folder, "1e-4")
        self.report(
            f"{size} {profile} first certificate",
            "yardstick",
            [own["first_certificate"]],
            [their["firstfeas"]],
            "passes",
        )

    def warm(self, size: str) -> None:
        """A plan after 1 % of the caps moved by 20 %, from the prices before, against one from nothing."""
        before, after = self.instances.base(size), self.instances.changed(size)
        cold = self.programs.plan(after, "1e-4")
        warm = self.programs.plan(after, "1e-4", 1, "--warm", before)
        case = f"{size} full 1e-4 1 % of caps moved by 20 %"
        self.report(
            case, "cold start", [warm["passes"]], [cold["passes"]], "passes", **_ours(warm), **self.judge(after)
        )

    def streams(self, size: str) -> None:
        """Caps on expected streams beside those on exposure."""
        folder = self.instances.streams(size)
        own, their = self.programs.plan(folder, "1e-4"), self.programs.yardstick(folder, "1e-4", 1, "streams=1")
        judged = self.judge(folder)
        case = f"{size} streams 1e-4 threads=1"
        solved = own["status"] == "solved"
        self.report(
            case, "yardstick", [own["passes"]] if solved else None, [their["passes"]], "passes", **_ours(own), **judged
        )
        self.report(case, "yardstick", [own["seconds"]] if solved else None, [their["solve_s"]], **_ours(own), **judged)

    def goals(self, size: str) -> None:
        """All goals at once, against the passes of `full`."""
        folder, full = self.instances.goals(size), self.programs.plan(self.instances.base(size), "1e-4")
        try:
            run = self.programs.plan(folder, "1e-4")
        except CalledProcessError:
            self.report(f"{size} all goals 1e-4 threads=1", "full", None, [full["passes"]], "passes", status="fails")
            return
        solved = [run["passes"]] if run["status"] == "solved" else None
        self.report(
            f"{size} all goals 1e-4 threads=1",
            "full",
            solved,
            [full["passes"]],
            "passes",
            **_ours(run),
            **self.judge(folder),
        )

    def memory(self, size: str) -> None:
        """Resident bytes per row of packed columns with three measures, and of a whole plan beside the caller's log."""
        folder = self.instances.streams(size)
        packed = self.programs.memory(folder)
        for what, value in [("packed", packed["packed_bytes"]), ("plan", self.programs.solver_bytes(folder))]:
            self.report(f"{size} 3 measures {what}", "none", [value / packed["rows"]], None, "bytes/row")

    def bits(self, size: str) -> None:
        """How many answers differ from that of one thread: of 2 and 7 threads, and of each path of instructions."""
        folder, answers = self.instances.base(size), {}
        for threads, path in [(1, ""), (2, ""), (7, ""), (1, "portable"), (1, "avx2")]:
            digest = self.programs.plan(folder, "1e-4", threads, path=path)["prices"]
            answers[f"{threads} {path}"] = (digest, self.programs.x.read_bytes())
        first, *others = answers.values()
        different = float(sum(answer != first for answer in others))
        self.report(
            f"{size} full 1e-4 threads=1,2,7 path=avx512,avx2,portable", "none", [different], None, "different answers"
        )

    def bandwidth(self, size: str) -> None:
        """A pass per candidate row, against a bare sum over as many bytes."""
        run = self.programs.limit(self.instances.base(size), threads=2, repeats=9)
        for n in run["threads"]:
            own, bare = n["pass_nanoseconds_per_row"], n["stream_nanoseconds_per_row"]
            more = {
                "gigabytes_per_second": round(n["stream_bytes_per_second"] / 1e9, 1),
                "packed_bytes_per_row": round(run["packed_bytes_per_row"], 2),
            }
            self.report(f"{size} full pass threads={n['threads']}", "stream", [own], [bare], "ns/row", **more)


def _stands(run: dict, objective: float) -> bool:
    """Whether a peer's answer counts: it says so, or the judge finds it within a thousandth in value and violation."""
    near = abs(run.get("obj", np.inf) - objective) <= 1e-3 * abs(objective) and run.get("viol", np.inf) <= 1e-3
    # OR-Tools names its reason for stopping by number: 1 is optimal.
    return near or run["status"].lower() in ("optimal", "1")


def _ours(run: dict) -> dict:
    return {key: run[key] for key in ("status", "passes", "first_certificate", "gap")}


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
