"""
Plans of random small instances of each kind of goal, and of mixes, against independent solvers.

HiGHS where all is linear, Clarabel with cones where fairness is curved; 500 instances each. An instance whose oracle
does not reach its own tolerance counts for nothing: seeds go on until 500 are judged.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest

from .oracle.check import faults
from .oracle.concave import UnsolvedError
from .oracle.lp import relax
from .oracle.random_instances import CASES, case_instance

INSTANCES = 500
TOLERANCE = 1e-4


def judge(case: str, seed: int) -> list[str] | None:
    """What is wrong with the plan of a seed's instance; None where the oracle has no answer."""
    instance = case_instance(case, seed)
    plan = instance.plan(tolerance=TOLERANCE, threads=1)
    try:
        found = faults(relax(instance), plan, TOLERANCE)
    except UnsolvedError:
        return None
    return [f"{case} seed {seed}: {fault}" for fault in found]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
def test_bound_value_and_decisions_agree_with_an_independent_solver(case: str) -> None:
    executed, skipped, seed = 0, 0, 0
    found: list[str] = []
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        while executed < INSTANCES and skipped < INSTANCES:
            batch = range(seed, seed + INSTANCES - executed)
            seed = batch.stop
            for outcome in pool.map(partial(judge, case), batch, chunksize=10):
                if outcome is None:
                    skipped += 1
                else:
                    executed += 1
                    found += outcome
    print(f"executed {executed} instances of {case}; the oracle had no answer to {skipped}")
    assert not found, "\n".join(found)
    assert executed >= INSTANCES
