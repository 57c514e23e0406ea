"""The source distribution installs in an empty environment and works there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import equipoise as eq

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not (Path(sys.prefix) / "bin" / "maturin").exists(), reason="no maturin in this environment")
def test_the_sdist_installs_in_an_empty_environment() -> None:
    environment = os.environ | {"EQUIPOISE_VENV": sys.prefix}
    done = subprocess.run(
        [ROOT / "scripts" / "test-sdist"], capture_output=True, text=True, check=False, env=environment, timeout=1700
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"equipoise {eq.__version__}: planned and scored"
