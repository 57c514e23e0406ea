"""Prepared requests and a batch beside the native kernel, NumPy, ONNX Runtime and a gRPC hop.

All in one process but for the gRPC server. Everybody's answers are compared with the right ones before anything is
timed: bit for bit but for ONNX Runtime, which adds up in an order of its own and picks nothing.
"""

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equipoise as eq
import hop
import instance
import native
import numpy as np
import numpy_peer
import onnx_peer
import pyarrow as pa
from instance import MEASURES, REFERENCE, SEGMENT, Campaigns, Turn
from timing import ROUNDS, in_turn, measure, tell

SIZES = (50, 500, 2_000)
BATCH_ROWS = 1_000_000


class Prepared:
    """Our requests: as many as there are columns; where several turns share one, its rows are written first."""

    def __init__(self, folder: Path, campaigns: int, turns: list[Turn], shared: int) -> None:
        policy = eq.Policy.load(folder / "a.safetensors")
        rows = policy.resolve([*instance.names(campaigns), None])
        self.rows = [rows[turn.campaign] for turn in turns]
        scorer = eq.Scorer(policy)
        self.requests = [self._prepare(scorer, policy, turns[s], self.rows[s]) for s in range(shared)]
        columns = [request.campaign for request in self.requests]
        if len(turns) == shared:
            self.jobs = [request.score for request in self.requests]
        else:
            self.jobs = [
                functools.partial(self._write, columns[t % shared], self.rows[t], self.requests[t % shared])
                for t in range(len(turns))
            ]

    @staticmethod
    def _prepare(scorer: eq.Scorer, policy: eq.Policy, turn: Turn, rows: Any) -> eq.Request:
        n = turn.organic.size
        request = scorer.request(max_candidates=n)
        request.organic[:] = turn.organic
        request.campaign[:] = rows
        # The last is displacement, which is left to be filled.
        request.measures[:, : MEASURES - 1] = turn.measures[: MEASURES - 1].T
        request.begin(policy, n, **SEGMENT)
        return request

    @staticmethod
    def _write(column: Any, rows: Any, request: eq.Request) -> None:
        column[:] = rows
        request.score()

    def answer(self, t: int) -> tuple[Any, Any]:
        """Scores and picks of turn `t`."""
        self.jobs[t]()
        request = self.requests[t % len(self.requests)]
        return request.scores.copy(), request.picks.copy()


def check(turns: list[Turn], who: str, answer: Callable[[int], tuple[Any, Any]]) -> None:
    """Scores bit for bit, and equal picks."""
    for t, turn in enumerate(turns):
        scores, picks = answer(t)
        np.testing.assert_array_equal(np.asarray(scores).view(np.uint32), turn.scores.view(np.uint32), who)
        np.testing.assert_array_equal(picks, turn.picks, who)


def request_rows(folder: Path, library: Path, campaigns: int, label: str, rounds: int) -> None:
    """Requests of each size."""
    peer = Campaigns(folder)
    path = (folder / "path").read_text()
    for n in SIZES:
        turns, shared = instance.turns(folder, n)
        own = Prepared(folder, campaigns, turns, shared)
        check(turns, "prepared", own.answer)
        arrays = [numpy_peer.request(peer, turn) for turn in turns]
        check(turns, "numpy", lambda t, arrays=arrays: arrays[t]())
        session = onnx_peer.session(peer, n)
        models = [onnx_peer.request(session, peer.eligible.size - 1, turn) for turn in turns]
        for turn, model in zip(turns, models, strict=True):
            np.testing.assert_allclose(model().numpy(), turn.scores, rtol=1e-4, atol=1e-5, err_msg="onnxruntime")
        payloads = [hop.pack(turn) for turn in turns]
        with (
            native.loop(library, campaigns, n, len(turns), shared) as kernel,
            hop.server(folder / "a.safetensors", campaigns, n) as call,
        ):
            if kernel(len(turns)) != sum(turn.picks.size for turn in turns):
                raise AssertionError("the native loop picks another number")
            check(turns, "grpc", lambda t, payloads=payloads, call=call, n=n: hop.unpack(call(payloads[t]), n))
            contenders = {
                "python-prepared": in_turn(own.jobs),
                "rust": kernel,
                "numpy": in_turn(arrays),
                "onnxruntime": in_turn(models),
                "grpc": in_turn([functools.partial(call, payload) for payload in payloads]),
            }
            case = f"n={n} campaigns={label} path={path} reference=given"
            tell(case, "python-prepared", measure(contenders, rounds))


def batch_rows(folder: Path, campaigns: int, label: str, rounds: int) -> None:
    """A million rows at once, bound or read beforehand and in a table, against NumPy on what is bound."""
    n = 500
    turns, _ = instance.turns(folder, n)
    turns = [turns[t % len(turns)] for t in range(BATCH_ROWS // n)]
    columns = {
        "campaign": np.concatenate([turn.campaign for turn in turns]),
        "organic": np.concatenate([turn.organic for turn in turns]),
        # The last is displacement, which is left to be filled.
        "measures": np.concatenate([turn.measures[: MEASURES - 1] for turn in turns], axis=1),
    }
    policy = eq.Policy.load(folder / "a.safetensors")
    scorer, table = eq.Scorer(policy), batch_table(policy, instance.names(campaigns), columns, n)
    peer = numpy_peer.batch(Campaigns(folder), columns, n)
    log = eq.Opportunities(table, policy.measures[: MEASURES - 1])
    batch = bound(scorer, policy, policy.resolve(table["campaign"]), columns, n)
    scores, picked = peer()
    np.testing.assert_array_equal(
        scores.view(np.uint32), np.concatenate([turn.scores for turn in turns]).view(np.uint32)
    )
    for ours in (pa.table(policy.replay(log)), pa.table(scorer.score(table))):
        np.testing.assert_array_equal(ours["promotion_score"].to_numpy().view(np.uint32), scores.view(np.uint32))
        np.testing.assert_array_equal(ours["picked"].to_numpy(zero_copy_only=False), picked)
    batch.score()
    np.testing.assert_array_equal(batch.scores.view(np.uint32), scores.view(np.uint32))
    np.testing.assert_array_equal(batch.positions > 0, picked)
    contenders = {
        "python-batch": in_turn([batch.score]),
        "python-log": in_turn([lambda: policy.replay(log)]),
        "python-table": in_turn([lambda: scorer.score(table)]),
        "numpy": in_turn([peer]),
    }
    times = measure(contenders, max(5, rounds // 5))
    case = f"rows=1M n={n} campaigns={label}"
    for subject in ("python-batch", "python-log", "python-table"):
        tell(case, subject, {name: times[name] for name in (subject, "numpy")})


def bound(scorer: eq.Scorer, policy: eq.Policy, rows: Any, columns: dict[str, Any], n: int) -> eq.Batch:
    """The columns as they are, with ids resolved beforehand."""
    measures = dict(zip(policy.measures[: MEASURES - 1], columns["measures"], strict=True))
    starts = np.arange(0, BATCH_ROWS + 1, n)
    return scorer.batch(policy, starts, rows, measures, organic=columns["organic"], **SEGMENT)


def batch_table(policy: eq.Policy, names: list[str], columns: dict[str, Any], n: int) -> pa.Table:
    """The columns as a service's log would have them: names as dictionaries."""

    def same(name: str) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(BATCH_ROWS, np.int32)), pa.array([name]))

    index = pa.array(columns["campaign"], mask=columns["campaign"] < 0)
    fields = {
        "opportunity_id": np.repeat(np.arange(BATCH_ROWS // n), n),
        "campaign": pa.DictionaryArray.from_arrays(index, pa.array(names)),
        "market": same(SEGMENT["market"]),
        "surface": same(SEGMENT["surface"]),
        "time": pa.array(np.full(BATCH_ROWS, SEGMENT["time"]), pa.timestamp("us", "UTC")),
        "organic": columns["organic"],
        "reference": np.full(BATCH_ROWS, REFERENCE),
    }
    return pa.table(fields | dict(zip(policy.measures[: MEASURES - 1], columns["measures"], strict=True)))


def main() -> None:
    """Prints the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what the files program wrote")
    parser.add_argument("label", help="the number of campaigns as it is to be printed")
    parser.add_argument("campaigns", type=int)
    parser.add_argument("library", type=Path, help="the native loop")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    request_rows(options.folder, options.library, options.campaigns, options.label, options.rounds)
    batch_rows(options.folder, options.campaigns, options.label, options.rounds)


if __name__ == "__main__":
    main()
