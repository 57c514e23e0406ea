"""The same decision behind a loopback gRPC call: a server in a process of its own scores by a prepared request."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import equipoise as eq
import grpc
import instance
import numpy as np
from instance import MEASURES, SEGMENT, Turn

SERVICE, METHOD = "equipoise.bench", "Score"


def pack(turn: Turn) -> bytes:
    """The columns as they are, the least that any encoding carries; campaigns by number: rows belong to a process."""
    return turn.organic.tobytes() + turn.campaign.tobytes() + turn.measures[: MEASURES - 1].tobytes()


def unpack(answer: bytes, n: int) -> tuple[Any, Any]:
    """Scores and picks."""
    return np.frombuffer(answer, "<f4", n), np.frombuffer(answer, "<u4", offset=4 * n)


def serve(policy_path: str, campaigns: int, n: int, ready: Any) -> None:
    """Runs until it is ended."""
    policy = eq.Policy.load(policy_path)
    # Number -1 finds the last: organic.
    rows = policy.resolve([*instance.names(campaigns), None])
    request = eq.Scorer(policy).request(max_candidates=n)
    organic, campaign, measures, scores = request.organic, request.campaign, request.measures.T, request.scores
    request.begin(policy, n, **SEGMENT)

    def score(payload: bytes, _context: Any) -> bytes:
        organic[:] = np.frombuffer(payload, "<f4", n)
        np.take(rows, np.frombuffer(payload, "<i4", n, 4 * n), out=campaign)
        measures[: MEASURES - 1] = np.frombuffer(payload, "<f4", offset=8 * n).reshape(-1, n)
        request.score()
        return bytes(scores.tobytes() + request.picks.tobytes())

    server = grpc.server(ThreadPoolExecutor(1))
    handlers = {METHOD: grpc.unary_unary_rpc_method_handler(score)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ready.send(port)
    server.wait_for_termination()


@contextmanager
def server(policy: Path, campaigns: int, n: int) -> Iterator[Callable[[bytes], bytes]]:
    """A call that goes to a server, which ends with the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(str(policy), campaigns, n, there), daemon=True)
    process.start()
    try:
        port = here.recv()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel.unary_unary(f"/{SERVICE}/{METHOD}")
    finally:
        process.terminate()
        process.join()
