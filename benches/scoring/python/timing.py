"""Contenders in turn, and the line that says what each took."""

import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[int], Any]

ROUNDS = 51
LEAST = 1e-3
"""Seconds that one turn of one contender takes at least."""


def in_turn(jobs: list[Callable[[], Any]]) -> Run:
    """The next jobs, over and over."""
    cycle = itertools.cycle(jobs)

    def run(calls: int) -> None:
        for job in itertools.islice(cycle, calls):
            job()

    return run


def calls_in(run: Run) -> int:
    """How many calls it takes to fill a turn; warms up."""
    calls = 1
    while True:
        start = time.perf_counter()
        run(calls)
        took = time.perf_counter() - start
        if took > LEAST:
            return calls
        calls = max(calls + 1, min(calls * 8, int(calls * 1.2 * LEAST / took)))


def measure(contenders: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds a call of each contender, one value a round: whatever else the machine does hits all alike."""
    calls = {name: calls_in(run) for name, run in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter_ns()
            run(calls[name])
            times[name].append((time.perf_counter_ns() - start) / calls[name])
    return times


def tell(case: str, subject: str, times: dict[str, list[float]]) -> None:
    """One line for every peer: medians over rounds."""
    own = statistics.median(times[subject])
    low, _, high = statistics.quantiles(times[subject], n=4)
    for peer in [name for name in times if name != subject]:
        theirs = statistics.median(times[peer])
        line = {"bench": "scoring", "case": case, "subject": subject, "peer": peer, "ours": round(own, 1)}
        line |= {"theirs": round(theirs, 1), "ratio": round(theirs / own, 3), "unit": "ns"}
        line |= {"repeats": len(times[peer]), "spread": round((high - low) / own, 3)}
        print(json.dumps(line), flush=True)
