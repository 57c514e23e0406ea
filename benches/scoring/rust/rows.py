"""The native rows: every path beside plain Rust, 10 k and 1 M campaigns, and the checked load of a policy."""

import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PATHS = ["avx512", "avx2", "portable"]


def main() -> None:
    """Builds the bench and runs it once per path: a path is chosen when a process starts."""
    build = ["cargo", "build", "--locked", "--release", "-q", "-p", "equipoise-bench-scoring"]
    subprocess.run(build, check=True, cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = str(target / "release" / "equipoise-bench-scoring")
    offered = subprocess.run([program, "paths"], check=True, capture_output=True, text=True).stdout.split()
    for path in [path for path in PATHS if path in offered]:
        subprocess.run([program, "rows", "10k"], check=True, env={**os.environ, "EQUIPOISE_PATH": path})
    subprocess.run([program, "rows", "1M"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "load", folder], check=True)


if __name__ == "__main__":
    main()
