"""Forked and spawned processes, threads, and interpreters that end: each works."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import equipoise as eq

from . import vectors
from .test_plan import plan
from .test_scorer import ask

SMALL = "policies/small.safetensors"
SOAK = int(os.environ.get("EQUIPOISE_SOAK", "1"))
TIMES = 100 * SOAK


def work(policy: eq.Policy) -> tuple[str, bytes, str]:
    """Score and plan in this process."""
    request = eq.Scorer(policy).request(max_candidates=3)
    ask(request, policy)
    return policy.id, request.scores[:3].tobytes(), plan().policy.id


# Tasks of a child before the next one is started: starting anew costs a new interpreter most.
@pytest.mark.parametrize(("method", "tasks"), [("fork", 1), ("spawn", 20), ("forkserver", 10)])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_score_and_plan_as_their_parent(method: str, tasks: int) -> None:
    policy = vectors.policy(SMALL)
    wanted = work(policy)  # the parent has used its threads before the fork
    with multiprocessing.get_context(method).Pool(2, maxtasksperchild=tasks) as pool:
        got = pool.map_async(work, [policy] * TIMES, chunksize=1).get(timeout=120 * SOAK)
    assert got == [wanted] * TIMES
    print(f"executed {len(got)} tasks in processes by {method}")


def test_pickled_policies_are_the_same() -> None:
    small, seen = vectors.policy(SMALL), set()
    for i in range(TIMES):
        policy = small.with_valid_until(1_900_000_000_000_000 + i)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(policy, protocol))
            assert again == policy
            assert again.to_bytes() == policy.to_bytes()
        assert copy.deepcopy(policy) == copy.copy(policy) == policy
        seen.add(policy.id)
    assert len(seen) == TIMES
    print(f"executed {TIMES} policies pickled by every protocol")


def test_threads_score_and_plan_alike() -> None:
    policy = vectors.policy(SMALL)
    wanted = work(policy)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(work, [policy] * TIMES))
    assert got == [wanted] * TIMES
    print(f"executed {len(got)} tasks on threads")


def test_errors_come_back_from_other_processes() -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool, pytest.raises(eq.PolicyError) as caught:
        pool.submit(eq.Policy.from_bytes, b"none").result(timeout=60)
    assert caught.value.code.startswith("policy.")


def test_a_fork_while_a_plan_runs_leaves_both_alive() -> None:
    script = (
        "import os, threading\n"
        "from tests.test_interrupt import long_plan\n"
        "import equipoise as eq\n"
        "settings = dict(holdout=0, time_limit=2.0, tolerance=1e-9, progress=False)\n"
        # Tables are made before: other libraries' locks at the moment of the fork are not what is tested.
        "large, small = long_plan(40_000), long_plan(200)\n"
        "started = threading.Thread(target=lambda: eq.plan(*large, **settings))\n"
        "started.start()\n"
        "import time; time.sleep(0.7)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    status = eq.plan(*small, holdout=0, progress=False, tolerance=1e-3).status\n"
        "    os._exit(0 if status == 'solved' else 3)\n"
        "print(os.waitpid(child, 0)[1])\n"
        "started.join()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_an_interpreter_that_ends_during_a_plan_ends() -> None:
    script = (
        "import threading, time\n"
        "from tests.test_interrupt import long_plan\n"
        "import equipoise as eq\n"
        "arguments = long_plan(40_000)\n"
        "settings = dict(holdout=0, time_limit=5.0, tolerance=1e-9, progress=False)\n"
        "threading.Thread(target=lambda: eq.plan(*arguments, **settings), daemon=True).start()\n"
        "time.sleep(0.3)\n"
        "print('leaving')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.stdout == "leaving\n"
    assert done.returncode == 0, done.stderr


def test_one_request_used_by_two_threads_never_crashes() -> None:
    policy = vectors.policy(SMALL)
    request = eq.Scorer(policy).request(max_candidates=3)
    ask(request, policy)
    unexpected: list[BaseException] = []

    def use() -> None:
        for _ in range(2000):
            try:
                ask(request, policy)
                np.add(request.organic, 0, out=request.organic)
                request.explain(0)
            except eq.Error:
                pass
            except BaseException as error:
                unexpected.append(error)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not unexpected
