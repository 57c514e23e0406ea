"""The programs that the bench runs, each in a process of its own: ours, the yardstick, general solvers."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# General solvers, as the shared runner names them.
SOLVERS = ["highs-simplex", "highs-ipm", "highs-pdlp", "ortools-pdlp"]
# Blocks of at least 64 KiB are mapped on their own, so that resident memory says what is held and not what was.
# It costs time.
HELD = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def run_json(
    command: list, limit: float | None = None, cwd: Path | None = None, more: dict | None = None
) -> dict | None:
    """The JSON object on the last line of a command's output; None past the limit."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(
            command,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=limit,
            cwd=cwd,
            env=os.environ | (more or {}),
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


@dataclass(frozen=True)
class Programs:
    """Built programs, and the folders of the shared cases and of what the bench writes."""

    cases: Path
    out: Path
    own: Path
    prototype: Path

    @classmethod
    def build(cls, cases: Path, out: Path) -> "Programs":
        """Builds both binaries; the prototype's build stays outside the folder of cases."""
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        cargo = ["cargo", "build", "--locked", "--release", "-q"]
        subprocess.run([*cargo, "-p", "equipoise-bench-solver"], check=True, cwd=ROOT)
        environment = os.environ | {"CARGO_TARGET_DIR": str(out / "prototype"), "RUSTFLAGS": "-Awarnings"}
        manifest = cases / "prototype" / "Cargo.toml"
        subprocess.run([*cargo, "--manifest-path", manifest], check=True, env=environment, cwd=out)
        return cls(cases, out, target / "release" / "equipoise-bench-solver", out / "prototype" / "release" / "proto2")

    @property
    def x(self) -> Path:
        """Where answers go to be judged."""
        return self.out / f"x-{os.getpid()}.npy"

    def plan(self, folder: Path, tolerance: str, threads: int = 1, *more: object, path: str = "") -> dict:
        """Ours; `path` forces a narrower path of instructions than the machine has."""
        forced = {"EQUIPOISE_PATH": path} if path else None
        return run_json(self._plan(folder, tolerance, threads, *more), more=forced)

    def busy(self, folder: Path, tolerance: str, threads: int) -> float:
        """For how long ours keeps a processor busy until the certificate."""
        return run_json(self._plan(folder, tolerance, threads, "--watch", "yes"))["busy_seconds"]

    def solver_bytes(self, folder: Path) -> int:
        """What a plan keeps resident beside the caller's log."""
        return run_json(self._plan(folder, "1e-2", 1, "--watch", "yes"), more=HELD)["solver_bytes"]

    def _plan(self, folder: Path, tolerance: str, threads: int, *more: object) -> list:
        return [self.own, "plan", folder, "--tolerance", tolerance, "--threads", threads, "--x", self.x, *more]

    def agd(self, folder: Path, tolerance: str, limit: float) -> dict:
        """Accelerated gradient over our passes."""
        return run_json([self.own, "agd", folder, "--tolerance", tolerance, "--time-limit", limit, "--x", self.x])

    def yardstick(self, folder: Path, tolerance: str, threads: int = 1, *more: str) -> dict:
        """The prototype; it certifies by itself and gives no decisions."""
        return run_json([self.prototype, folder, "newton", tolerance, threads, *more])

    def general(self, solver: str, folder: Path, tolerance: str, limit: float) -> dict | None:
        """A general solver, judged by the shared judge in its process."""
        command = [sys.executable, self.cases / "peer.py", folder, solver, tolerance, limit]
        # The runner needs time of its own to state the program; its solver keeps the limit.
        return run_json(command, limit=2 * limit + 300, cwd=self.out)

    def memory(self, folder: Path) -> dict:
        """What the packed columns of an instance keep resident."""
        return run_json([self.own, "memory", folder], more=HELD)

    def limit(self, folder: Path, threads: int, repeats: int) -> dict:
        """Times of a pass and of a bare sum."""
        return run_json([self.own, "limit", folder, "--threads", threads, "--repeats", repeats], more=HELD)
