"""The native rows: every path beside plain Rust, what a scorer adds, tails, ids, and the checked load of a policy."""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PATHS = ["avx512", "avx2", "portable"]


ROUNDS, QUICK_ROUNDS = 11, 3


def main() -> None:
    """Builds the bench and runs it once per path: a path is chosen when a process starts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 k campaigns, no load, few rounds of tails")
    options = parser.parse_args()
    build = ["cargo", "build", "--locked", "--release", "-q", "-p", "equipoise-bench-scoring"]
    subprocess.run(build, check=True, cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = str(target / "release" / "equipoise-bench-scoring")
    offered = subprocess.run([program, "paths"], check=True, capture_output=True, text=True).stdout.split()
    for path in [path for path in PATHS if path in offered]:
        subprocess.run([program, "rows", "10k"], check=True, env={**os.environ, "EQUIPOISE_PATH": path})
    subprocess.run([program, "overhead"], check=True)
    subprocess.run([program, "tails", str(QUICK_ROUNDS if options.quick else ROUNDS)], check=True)
    if options.quick:
        return
    subprocess.run([program, "rows", "1M"], check=True)
    for size in ["10k", "1M"]:
        subprocess.run([program, "ids", size], check=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "load", folder], check=True)


if __name__ == "__main__":
    main()
