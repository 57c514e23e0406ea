"""The small programs run as they stand, and give the same score for the same request and policy file."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, *command: str) -> str:
    """Runs a command in a folder; the last line that it prints."""
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]


def answer(line: str) -> tuple[np.float32, int]:
    """Score and place of a line such as `0.25 at place 2`."""
    found = re.fullmatch(r"(\S+) at place (\d+)", line)
    assert found, line
    return np.float32(found[1]), int(found[2])


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[np.float32, int]]:
    """A folder with the policy that the Python program plans, and what it prints."""
    folder = tmp_path_factory.mktemp("quickstart")
    line = run(folder, sys.executable, str(ROOT / "examples/python/quickstart.py"))
    return folder, answer(line)


def test_python_plans_and_scores(planned: tuple[Path, tuple[np.float32, int]]) -> None:
    folder, (score, place) = planned
    assert (folder / "policy.safetensors").exists()
    assert score > 0
    assert place in {1, 2}


def test_java_gives_the_same_score(planned: tuple[Path, tuple[np.float32, int]]) -> None:
    folder, expected = planned
    jars = [
        jar
        for jar in ROOT.glob("java/equipoise*/target/equipoise-*.jar")
        if jar.parts[-3] in {"equipoise", "equipoise-native"} and not jar.stem.endswith(("sources", "javadoc"))
    ]
    if len(jars) != 2:
        pytest.skip("the jars are not built: scripts/test-java builds them")
    line = run(folder, "java", "-cp", os.pathsep.join(map(str, jars)), str(ROOT / "examples/java/Quickstart.java"))
    assert answer(line) == expected


def test_scala_gives_the_same_score(planned: tuple[Path, tuple[np.float32, int]]) -> None:
    folder, expected = planned
    jars = list(ROOT.glob("examples/scala/target/equipoise-example-scala-*.jar"))
    if not jars:
        pytest.skip("the jar is not built: scripts/test-java builds it")
    assert answer(run(folder, "java", "-jar", str(jars[0]))) == expected


def test_rust_gives_the_same_score(planned: tuple[Path, tuple[np.float32, int]]) -> None:
    folder, expected = planned
    manifest = str(ROOT / "examples/rust/Cargo.toml")
    assert answer(run(folder, "cargo", "run", "--locked", "-q", "--manifest-path", manifest)) == expected
