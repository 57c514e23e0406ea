"""Ctrl-C stops a plan at once, other threads run meanwhile, and a bar that fails cancels it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import equipoise as eq
from equipoise import _native

SCRIPT = """
import os, signal, threading, time
import numpy as np
import equipoise as eq
from tests.test_interrupt import long_plan

# A shell that runs the tests in the background has them ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
sent = []
def interrupt():
    time.sleep(0.5)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

problem, log, campaigns = long_plan()
threading.Thread(target=interrupt).start()
try:
    eq.plan(problem, log, campaigns, tolerance=1e-9, holdout=0, progress=False)
except KeyboardInterrupt:
    print(f"stopped {time.perf_counter() - sent[0]:.6f}")
else:
    print("ended")
print(eq.plan(*long_plan(rows=200), holdout=0, progress=False, tolerance=1e-3).status)
"""


def long_plan(rows: int = 150_000) -> tuple[eq.Problem, eq.Opportunities, eq.Campaigns]:
    """A plan that takes seconds."""
    g = np.random.default_rng(5)
    count, each = 300, 20
    log = pa.table(
        {
            "opportunity_id": np.repeat(np.arange(rows), each),
            "campaign": pa.DictionaryArray.from_arrays(
                g.integers(0, count, rows * each).astype(np.int32), pa.array([f"c{k}" for k in range(count)])
            ),
            "stream": g.random(rows * each).astype(np.float32),
        }
    )
    campaigns = pa.table(
        {"campaign": [f"c{k}" for k in range(count)], "cap": g.uniform(0.1, 0.9, count) * rows / count}
    )
    problem = eq.Problem.from_dict({"objectives": {"stream": 1.0}})
    return problem, eq.Opportunities(log, measures=["stream"]), eq.Campaigns(campaigns)


def test_ctrl_c_stops_a_plan_within_a_fifth_of_a_second() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=240, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    word, seconds = first.split()
    assert word == "stopped", done.stdout
    assert float(seconds) < 0.2 + 0.1 * (os.cpu_count() == 1)
    assert second == "solved"


def test_other_threads_run_while_a_plan_does() -> None:
    problem, log, campaigns = long_plan(rows=40_000)
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    eq.plan(problem, log, campaigns, tolerance=1e-6, holdout=0, time_limit=2.0, progress=False)
    end = time.perf_counter()
    stop.set()
    thread.join()
    during = sum(start < t < end for t in ticks)
    assert during > 50 * (end - start)


def test_a_signal_handler_runs_while_a_plan_does() -> None:
    problem, log, campaigns = long_plan(rows=40_000)
    seen: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.perf_counter()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        eq.plan(problem, log, campaigns, tolerance=1e-9, holdout=0, time_limit=1.0, progress=False)
        end = time.perf_counter()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen
    assert seen[0] < end


def test_an_observer_sees_progress_and_its_exception_cancels_the_plan() -> None:
    problem, log, campaigns = long_plan(rows=40_000)
    seen: list[tuple[float, ...]] = []

    def observe(*state: float) -> None:
        seen.append(state)
        if len(seen) == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        _native.plan(
            problem,
            log,
            campaigns,
            tolerance=1e-9,
            traffic=1.0,
            shift=None,
            unknown="error",
            holdout=0.0,
            fresh=None,
            seed=0,
            threads=None,
            time_limit=30.0,
            warm_start=None,
            checkpoint=None,
            memory=1 << 30,
            cancel=None,
            observer=observe,
        )
    assert len(seen) == 3
    passes = [state[0] for state in seen]
    assert passes == sorted(passes)
    assert all(len(state) == 6 and state[4] == 1e-9 for state in seen)
