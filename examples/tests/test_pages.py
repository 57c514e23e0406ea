"""What README.md and CONTRIBUTING.md say is so: their programs are the examples, their commands are there."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language on a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def lines(text: str) -> str:
    """The text without indentation, for comparing a block with the same lines further in."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


@pytest.mark.parametrize(
    ("language", "program"),
    [
        ("python", "examples/python/quickstart.py"),
        ("java", "examples/java/Quickstart.java"),
        ("rust", "examples/rust/src/main.rs"),
    ],
)
def test_readme_programs_are_the_examples_that_run(language: str, program: str) -> None:
    (block,) = blocks("README.md", language)
    assert lines(block) in lines((ROOT / program).read_text(encoding="utf-8"))


def commands(page: str) -> list[str]:
    """The command lines of a page's shell blocks, comments off."""
    found = "".join(blocks(page, "sh")).splitlines()
    return [" ".join(shlex.split(line, comments=True)) for line in found if line.strip()]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_of_the_pages_exist(page: str) -> None:
    runs_in_ci = "".join(
        (ROOT / script).read_text(encoding="utf-8") for script in (".ci/run", "scripts/lint", "scripts/test")
    )
    packages = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version=1"], cwd=ROOT, check=True, capture_output=True
    )
    assert commands(page)
    for command in commands(page):
        words = [word for word in shlex.split(command) if "=" not in word or word.startswith("-")]
        if words[0] == "equipoise":
            continue
        if words[0] == "cargo":
            assert f"cargo {words[1]}" in runs_in_ci or words[1] == "run", command
            for package in re.findall(r"-p (\S+)", command):
                assert f'"name":"{package}"' in packages.stdout.decode(), command
            continue
        assert os.access(ROOT / words[0], os.X_OK), command
