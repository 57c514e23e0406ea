"""Score bench: requests of 50, 500 and 2,000 candidates, equipoise beside plain Rust; prints one JSON line per case."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    command = ["cargo", "build", "--locked", "--release", "-q", "-p", "equipoise-bench-score"]
    subprocess.run(command, check=True, cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    subprocess.run([target / "release" / "equipoise-bench-score"], check=True)


if __name__ == "__main__":
    main()
