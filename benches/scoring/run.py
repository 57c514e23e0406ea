"""Scoring bench: requests of 50, 500 and 2,000 candidates, ours beside what one would write oneself.

  scripts/bench scoring                     every part
  scripts/bench scoring --only rust java    some parts

Prints one JSON line per comparison. A part is a folder beside this file with a program `rows.py` that prints such
lines. What earlier parts of the run printed is in the file that EQUIPOISE_SCORING_LINES names
(out/bench/scoring.jsonl), so that bindings can be put beside the native kernel.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LINES = ROOT / "out" / "bench" / "scoring.jsonl"
PARTS = ["rust", "java", "python"]


def parts() -> list[str]:
    """The folders with rows, the native one first."""
    found = sorted(path.parent.name for path in HERE.glob("*/rows.py"))
    return sorted(found, key=lambda name: PARTS.index(name) if name in PARTS else len(PARTS))


def main() -> None:
    """Runs the parts one after the other and passes their lines on as they come."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench scoring", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=parts(), default=parts(), help="some parts")
    options = parser.parse_args()
    LINES.parent.mkdir(parents=True, exist_ok=True)
    LINES.write_text("")
    failed = []
    for part in [part for part in parts() if part in options.only]:
        command = [sys.executable, str(HERE / part / "rows.py")]
        environment = {**os.environ, "EQUIPOISE_SCORING_LINES": str(LINES)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
            for line in process.stdout or []:
                print(line, end="", flush=True)
                if line.startswith("{"):
                    with LINES.open("a") as lines:
                        lines.write(line)
        if process.returncode != 0:
            failed.append(part)
    if failed:
        sys.exit(f"scripts/bench scoring: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
