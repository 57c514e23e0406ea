"""Ctrl-C stops a plan at once, other threads run meanwhile, and a bar that fails cancels it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

import equipoise as eq
from equipoise import _native

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def endless_log() -> pa.RecordBatchReader:
    """A log without an end, in small batches."""
    schema = pa.schema({"opportunity_id": pa.int64(), "campaign": pa.string(), "stream": pa.float32()})

    def batches() -> Iterator[pa.RecordBatch]:
        for start in itertools.count(0, 1000):
            ids = np.arange(start, start + 1000)
            yield pa.record_batch([ids, ["c0"] * 1000, np.ones(1000, np.float32)], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


@pytest.mark.parametrize("work", ["read", "what_if", "book", "pack"])
def test_ctrl_c_stops_whatever_takes_long(work: str, tmp_path: Path) -> None:
    problem, log, campaigns = long_plan(rows=20_000)
    plan = eq.plan(problem, log, campaigns, tolerance=1e-3, holdout=0.0, progress=False) if work == "what_if" else None

    def run() -> None:
        if work == "read":
            eq.Opportunities(endless_log(), measures=["stream"])
        elif work == "book":
            eq.book(problem, log, campaigns, "c1", amount=5.0, replicates=100_000, progress=False)
        elif work == "pack":
            eq.pack(problem, endless_log(), campaigns, tmp_path / "log", measures=["stream"], progress=False)
        while plan is not None:
            plan.what_if({"campaigns": {"c1": {"cap": 1.0}}}, tolerance=1e-9)

    # A shell that runs the tests in the background has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    threading.Timer(0.3, interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - sent[0] < 5
    _native._await_cancelled()
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_the_code_of_a_reader_is_no_fault_of_the_log() -> None:
    log = endless_log()

    def batches() -> Iterator[pa.RecordBatch]:
        yield log.read_next_batch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        eq.Opportunities(pa.RecordBatchReader.from_batches(log.schema, batches()), measures=["stream"])


SLOW_READER = """
import signal, sys, threading, time
from pathlib import Path
import equipoise as eq
import pyarrow as pa
from tests.test_interrupt import endless_log, long_plan

def slowly(reader):
    for batch in reader:
        time.sleep(0.5)
        yield batch

signal.signal(signal.SIGINT, signal.default_int_handler)
problem, _, campaigns = long_plan(rows=200)
log = endless_log()
log = pa.RecordBatchReader.from_batches(log.schema, slowly(log))
threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
try:
    eq.pack(problem, log, campaigns, Path(sys.argv[1]) / "log", measures=["stream"], progress=False)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_process_that_ends_after_ctrl_c_waits_for_what_still_reads(tmp_path: Path) -> None:
    folder = Path(__file__).parents[1]
    command = [sys.executable, "-c", SLOW_READER, str(tmp_path)]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "interrupted\n", "")
    assert list(tmp_path.iterdir()) == []
