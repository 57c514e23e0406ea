"""Memory that cannot be had ends in an exception, the process and the policy that served before live on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import equipoise as eq

OPERATIONS = ["load", "bytes", "install", "resolve", "request", "score", "blend", "record", "batch"]

# Gives each operation a little more address space than the process has, then more and more, until it succeeds.
CHILD = """
import resource, sys
import numpy as np
import equipoise as eq

path, operation = sys.argv[1:]
large = eq.Policy.load(path)
data, scorer = large.to_bytes(), eq.Scorer()
ids = [f"campaign-{i % 15_000:05}" for i in range(30_000)]
n, rows = len(ids), large.resolve(ids)
values = np.linspace(0, 1, n, dtype=np.float32)
starts = np.array([0, n], dtype=np.int64)

def score(request):
    request.put(organic=values, campaign=rows, measures=values[:, None])
    request.begin(large, n)
    request.score()
    return request

def install():
    scorer.install_file(path)
    assert scorer.policy.id == large.id
    scorer.install(empty, force=True)

empty = scorer.policy
request = score(eq.Scorer(large).request(max_candidates=n))
work = {
    "load": lambda: eq.Policy.load(path),
    "bytes": lambda: eq.Policy.from_bytes(data),
    "install": install,
    "resolve": lambda: large.resolve(ids),
    "request": lambda: scorer.request(max_candidates=n),
    "score": lambda: score(eq.Scorer(large).request(max_candidates=n)),
    "blend": lambda: score(eq.Scorer(large).request(max_candidates=n)).blend(),
    "record": lambda: request.record(candidates=True),
    "batch": lambda: eq.Scorer(large).batch(large, starts, rows, {"value": values}, organic=values).score(),
}[operation]
unlimited = resource.getrlimit(resource.RLIMIT_AS)
refused = 0
for step in range(4000):
    with open("/proc/self/statm") as statm:
        held = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + step * 32768, unlimited[1]))
    try:
        work()
        outcome = None
    except MemoryError:
        outcome = "MemoryError"
    except eq.Error as error:
        outcome = error.code
    finally:
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
    if outcome is None:
        break
    assert outcome in ("MemoryError", "resource_exhausted.memory"), outcome
    assert scorer.policy.id == empty.id
    refused += 1
print(refused, outcome)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space can be limited on Linux")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_address_space_runs_out(operation: str, tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    ids = [f"campaign-{i:05}" for i in range(15_000)]
    log = eq.Opportunities(
        pl.DataFrame({"opportunity_id": [1], "campaign": ids[:1], "value": [1.0]}), measures=["value"]
    )
    campaigns = eq.Campaigns(pl.DataFrame({"campaign": ids, "label": ids}))
    problem = eq.Problem.from_dict({"objectives": {"value": 1.0}, "slate": {"slots": 20}})
    eq.plan(problem, log, campaigns, holdout=0, progress=False).policy.save(path)
    # Large blocks come from the system and go back to it, so that the limit is felt.
    env = os.environ | {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "32768", "MALLOC_TRIM_THRESHOLD_": "0"}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), operation], env=env, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, f"{child.returncode}: {child.stdout}{child.stderr}"
    refused, outcome = child.stdout.split()
    assert outcome == "None", "it succeeds in the end"
    assert int(refused) > 0, "nothing was tried"
    print(f"executed {refused} refusals of {operation}")
