"""The Python rows of the scoring bench: makes an environment of its own, builds, writes the instances, compares."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OUT = ROOT / "out" / "bench" / "scoring-python"
SIZES = {"10k": 10_000, "1M": 1_000_000}
QUICK_ROUNDS = 11


def environment() -> Path:
    """The interpreter of an environment with the pinned requirements, which are installed when they have changed."""
    folder, requirements = OUT / "venv", HERE / "requirements.txt"
    python, stamp = folder / "bin" / "python", folder / ".requirements"
    wanted = requirements.read_text() + sys.version
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True, stdout=sys.stderr)
        stamp.write_text(wanted)
    return python


def build() -> Path:
    """The directory of the native parts; lays the package out in a folder of its own, beside other builds of it."""
    packages = [flag for name in ("equipoise-python", "equipoise-bench-scoring-java") for flag in ("-p", name)]
    subprocess.run(
        ["cargo", "build", "--locked", "--release", "-q", *packages], check=True, cwd=ROOT, stdout=sys.stderr
    )
    parts = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release"
    package = OUT / "package" / "equipoise"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "python" / "equipoise", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(parts / "lib_native.so", package / "_native.abi3.so")
    return parts


def main() -> None:
    """Runs the comparison for each number of campaigns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", nargs="*", choices=list(SIZES), help="default: all, with --quick 10k")
    parser.add_argument("--rounds", type=int, help="how often each contender takes its turn")
    parser.add_argument("--quick", action="store_true", help=f"10 k campaigns, {QUICK_ROUNDS} rounds")
    options = parser.parse_args()
    python, parts = environment(), build()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else None)
    for name in options.campaigns or (["10k"] if options.quick else list(SIZES)):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([str(parts / "equipoise-bench-scoring-files"), folder, str(SIZES[name])], check=True)
            library = str(parts / "libequipoise_bench_jni.so")
            command = [str(python), str(HERE / "compare.py"), folder, name, str(SIZES[name]), library]
            command += ["--rounds", str(rounds)] if rounds else []
            subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(OUT / "package")})


if __name__ == "__main__":
    main()
