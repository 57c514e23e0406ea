"""The Java rows of the scoring bench: builds jars and native parts, writes the instances, and runs JMH on each."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SIZES = {"10k": 10_000, "1M": 1_000_000}


def build() -> tuple[Path, Path]:
    """The bench's jar, and the directory of the native parts."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
    cargo = ["cargo", "build", "--locked", "--release", "-q", "-p", "equipoise-bench-scoring-java"]
    subprocess.run(cargo, check=True, cwd=ROOT, stdout=sys.stderr)
    maven = ["mvn", "--batch-mode", "--quiet", "--file", str(ROOT / "java/pom.xml"), "-Pbench", "-DskipTests"]
    project = ["-Dmaven.javadoc.skip", "-Dmaven.source.skip", "-pl", ":equipoise-bench-scoring", "-am", "package"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    subprocess.run([*maven, *project], check=True, stdout=sys.stderr, env=environment)
    jars = Path(__file__).resolve().parent.glob("target/equipoise-bench-scoring-*.jar")
    return next(jars), target / "release"


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", nargs="*", choices=list(SIZES), help="default: all, with --quick 10k")
    parser.add_argument("--rounds", type=int, help="how often each variant is timed: 7, with --quick 1")
    parser.add_argument("--quick", action="store_true", help="10 k campaigns, one round")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.quick else 7)
    jar, native = build()
    for name in arguments.campaigns or (["10k"] if arguments.quick else list(SIZES)):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([str(native / "equipoise-bench-scoring-files"), folder, str(SIZES[name])], check=True)
            library = native / "libequipoise_bench_jni.so"
            java = ["java", "-Xmx6g", "--add-modules=jdk.incubator.vector", f"-Dequipoise.bench.library={library}"]
            command = [*java, "-jar", str(jar), folder, name, str(rounds)]
            # Only lines of results go on: the JVM says that the Vector API is incubating.
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                for line in process.stdout or ():
                    print(line, end="", flush=True, file=sys.stdout if line.startswith("{") else sys.stderr)
            if process.returncode:
                sys.exit(process.returncode)


if __name__ == "__main__":
    main()
