"""Solver bench: plans seeded instances with equipoise and with peers; one JSON line per comparison, one judge for all.

  scripts/bench solver                  every row: T, S, M and L against the yardstick and accelerated gradient,
                                        T and S against general solvers; then --render
  scripts/bench solver --quick          the smallest part of it, minutes
  scripts/bench solver --only seeds     some groups of rows
  scripts/bench solver --long           M against HiGHS IPM and OR-Tools PDLP: hours, outside CI
  scripts/bench solver --limit          the machine's limit: stream bandwidth, and a pass per candidate row beside it
  scripts/bench solver --sweep          other shapes, and what failed on them
  scripts/bench solver --render         writes the table of README.md from the lines of earlier runs

Needs EQUIPOISE_CASES: the generator, the judge, the yardstick prototype and the peers' runner are in its folder
bench/solver. Lines also go to out/bench/solver.jsonl, where a later run of a case replaces the earlier.
"""

import argparse
import os
import sys
from pathlib import Path

import sweep
import table
from measure import Bench
from programs import ROOT, SOLVERS, Programs

OUT = ROOT / "out" / "bench"
README = Path(__file__).parent / "README.md"
GROUPS = ["peers", "tolerances", "threads", "seeds", "first", "warm", "streams", "goals", "memory", "bits", "bandwidth"]


def measure(bench: Bench, groups: list[str], options: argparse.Namespace) -> None:
    """Runs the groups of rows."""
    sizes, profiles = options.sizes, options.profiles
    small = [size for size in sizes if size in ("T", "S")]
    middle = "M" if "M" in sizes else sizes[-1]
    large = "L" if "L" in sizes else middle
    for size in [size for size in sizes if size != "L"] if "peers" in groups else []:
        for profile in profiles:
            # General solvers take minutes on M and are not told apart by the profile on S.
            general = SOLVERS if size in small and profile == "full" and not options.quick else []
            bench.peers(size, profile, "1e-4", ["agd", *general])
    for size in [size for size in sizes if size in ("S", "M")] if "tolerances" in groups else []:
        for profile in [profile for profile in profiles if profile != "matching" and (size, profile) != ("S", "hard")]:
            bench.tolerances(size, profile, ["1e-5", "1e-6", "1e-8"])
    for size in [size for size in sizes if size in ("S", "M")] if "seeds" in groups else []:
        for profile in [profile for profile in profiles if profile != "matching"]:
            bench.passes(size, profile, "1e-4")
    for group, size in [
        ("warm", middle),
        ("streams", middle),
        ("goals", middle),
        ("bits", middle),
        ("memory", middle),
        ("bandwidth", large),
    ]:
        if group in groups:
            getattr(bench, group)(size)
    if "first" in groups:
        bench.first(large, "full")
    if "threads" in groups:
        bench.threads(large)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench solver", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", default=["T", "S", "M", "L"], choices=["T", "S", "M", "L"])
    parser.add_argument(
        "--profiles", nargs="+", default=["full", "matching", "hard"], choices=["full", "matching", "hard"]
    )
    parser.add_argument("--only", nargs="+", choices=GROUPS, help="groups of rows; all if not given")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of ours and the yardstick")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the rows that count passes")
    parser.add_argument(
        "--seconds", type=float, default=180, help="limit of time for each peer, and for each plan of the sweep"
    )
    parser.add_argument("--limit", action="store_true", help="only stream bandwidth and a pass beside it")
    parser.add_argument("--quick", action="store_true", help="T and S, fewer rounds and seeds, no general solvers")
    parser.add_argument("--long", action="store_true", help="only M against HiGHS IPM and OR-Tools PDLP")
    parser.add_argument(
        "--solvers", nargs="+", default=["highs-ipm", "ortools-pdlp"], choices=SOLVERS, help="the peers of --long"
    )
    parser.add_argument("--sweep", action="store_true", help="only the sweep over shapes")
    parser.add_argument("--shapes", nargs="+", default=[], help="shapes of the sweep; all if not given")
    parser.add_argument("--tolerances", nargs="+", default=["1e-4", "1e-6"], help="tolerances of the sweep")
    parser.add_argument(
        "--shrink",
        type=int,
        default=1,
        help="divides the sweep's opportunities and campaigns; 20 lets HiGHS check most",
    )
    parser.add_argument("--render", action="store_true", help="only the table, from the lines of earlier runs")
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.repeats, options.seeds = ["T", "S"], 3, 3
    return options


def main() -> int:
    options = parse()
    if options.render:
        table.render(OUT / "solver.jsonl", README)
        return 0
    if "EQUIPOISE_CASES" not in os.environ:
        print("EQUIPOISE_CASES is not set: the instances and the peers are not to be found", file=sys.stderr)
        return 2
    cases = Path(os.environ["EQUIPOISE_CASES"]).resolve() / "bench" / "solver"
    OUT.mkdir(parents=True, exist_ok=True)
    programs = Programs.build(cases, OUT)
    if options.sweep:
        seeds = 2 if options.seeds == 10 else options.seeds
        choice = sweep.Choice(seeds, options.tolerances, options.shapes, options.shrink, options.seconds)
        return min(1, sweep.run(programs.own, OUT, choice))
    bench = Bench(programs, options.repeats, options.seconds, options.seeds)
    try:
        if options.limit:
            bench.bandwidth("L" if "L" in options.sizes else options.sizes[-1])
        elif options.long:
            bench.peers("M", "full", "1e-4", options.solvers)
        else:
            measure(bench, options.only or GROUPS, options)
            if not options.only and not options.quick:
                table.render(OUT / "solver.jsonl", README)
    finally:
        programs.x.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
