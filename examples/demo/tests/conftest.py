"""
The demo's modules are plain files beside this folder; its tests run on a small synthetic world, without downloads.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data import Ratings, synthetic


@pytest.fixture(scope="session")
def ratings() -> Ratings:
    return synthetic(seed=3, users=150, films=400)
