"""Scoring bench: requests of 50, 500 and 2,000 candidates, ours beside what one would write oneself.

  scripts/bench scoring                     every part
  scripts/bench scoring --only rust java    some parts
  scripts/bench scoring --quick             10 k campaigns and few rounds: whether all of it works

Prints one JSON line per comparison, with a `goal` where it has one, and at the end, to the standard error, every goal
and whether it is met. A part is a folder beside this file with a program `rows.py` that prints such lines. What earlier
parts of the run printed is in the file that EQUIPOISE_SCORING_LINES names (out/bench/scoring.jsonl), so that bindings
can be put beside the native kernel.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from goals import Goals

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LINES = ROOT / "out" / "bench" / "scoring.jsonl"
PARTS = ["rust", "java", "python"]


def parts() -> list[str]:
    """The folders with rows, the native one first."""
    found = sorted(path.parent.name for path in HERE.glob("*/rows.py"))
    return sorted(found, key=lambda name: PARTS.index(name) if name in PARTS else len(PARTS))


def narrower(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """AVX2 beside AVX-512: they run in processes of their own, so each as a share of plain Rust in the same process."""
    share: dict[str, dict[str, float]] = {"avx2": {}, "avx512": {}}
    for line in lines:
        words = line["case"].split()
        path = next((word.removeprefix("path=") for word in words if word.startswith("path=")), "")
        if line["peer"] == "rust-plain" and path in share and "campaigns=10k" in words:
            share[path][" ".join(word for word in words if not word.startswith("path="))] = 1 / line["ratio"]
    kind = {"bench": "scoring", "subject": "avx2", "peer": "avx512", "unit": "of rust-plain"}
    return [
        kind | {"case": case, "ours": round(ours, 4), "theirs": round(theirs, 4), "ratio": round(theirs / ours, 3)}
        for case, ours in share["avx2"].items()
        if (theirs := share["avx512"].get(case))
    ]


def main() -> None:
    """Runs the parts one after the other and passes their lines on as they come."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench scoring", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=parts(), default=parts(), help="some parts")
    parser.add_argument("--quick", action="store_true", help="10 k campaigns, few rounds")
    options = parser.parse_args()
    LINES.parent.mkdir(parents=True, exist_ok=True)
    LINES.write_text("")
    goals, failed = Goals(), []

    def tell(line: dict[str, Any]) -> dict[str, Any]:
        noted = goals.note(line)
        print(json.dumps(noted), flush=True)
        with LINES.open("a") as lines:
            lines.write(json.dumps(noted) + "\n")
        return noted

    for part in [part for part in parts() if part in options.only]:
        command = [sys.executable, str(HERE / part / "rows.py"), *(["--quick"] if options.quick else [])]
        environment = {**os.environ, "EQUIPOISE_SCORING_LINES": str(LINES)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
            told = [tell(json.loads(line)) for line in process.stdout or [] if line.startswith("{")]
        for line in narrower(told):
            tell(line)
        if process.returncode != 0:
            failed.append(part)
    print(*goals.told(), sep="\n", file=sys.stderr)
    if failed:
        sys.exit(f"scripts/bench scoring: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
