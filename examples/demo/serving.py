"""Serving a policy: a whole log by replay, single requests as a service makes them, and the same requests in a JVM."""

from __future__ import annotations

import json
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import equipoise as eq
import numpy as np
import polars as pl
from campaigns import SLOTS
from planning import MEASURES, Log
from slate import NOBODY


@dataclass(frozen=True)
class Served:
    """`picks` (T, SLOTS): campaigns in the order of their places. `scores` (T, campaigns): NaN where no candidate."""

    picks: np.ndarray
    scores: np.ndarray
    replay: pl.DataFrame


def serve(policy: eq.Policy, log: Log, which: slice) -> Served:
    """The policy's answer to some opportunities of a log, by its serving rule."""
    table = log.rows(which)
    replay = pl.DataFrame(policy.replay(eq.Opportunities(table, measures=MEASURES)))
    number = {name: index for index, name in enumerate(log.campaigns.names)}
    key = table["key"].to_numpy().astype(np.int64)
    turn = key - key[0]
    promoted = table["campaign"].is_not_null().to_numpy()
    who = np.array([number[name] for name in table["campaign"].drop_nulls()])
    scores = np.full((turn[-1] + 1, len(number)), np.nan)
    scores[turn[promoted], who] = replay["promotion_score"].to_numpy()[promoted]

    picks = np.full((len(scores), SLOTS), NOBODY)
    taken = replay["picked"].to_numpy()[promoted]
    place = replay["position"].fill_null(0).to_numpy()[promoted][taken]
    turn, who = turn[promoted][taken], who[taken]
    order = np.lexsort((place, turn))
    turn, who = turn[order], who[order]
    picks[turn, np.arange(len(turn)) - np.searchsorted(turn, turn)] = who
    return Served(picks, scores, replay)


class OneByOne:
    """Fills and scores one prepared request per opportunity, as a service does."""

    def __init__(self, policy: eq.Policy, log: Log, which: slice) -> None:
        self.policy = policy
        table = log.rows(which)
        self.keys, starts = np.unique(table["key"].to_numpy(), return_index=True)
        self.bounds = np.append(starts, len(table))
        self.organic = table["organic"].to_numpy()
        self.amounts = table.select(MEASURES).to_numpy()
        self.columns = [policy.measures.index(measure) for measure in MEASURES]
        self.names = table["campaign"].unique().drop_nulls().sort().to_list()
        number = {name: index for index, name in enumerate(self.names)}
        self.campaign = np.array([number.get(name, NOBODY) for name in table["campaign"]], dtype=np.int32)
        rows = np.append(policy.resolve(self.names), np.uint32(eq.ORGANIC))  # the last one for `NOBODY`
        self.rows = rows[self.campaign]
        self.request = eq.Scorer(policy).request(max_candidates=int(np.diff(self.bounds).max()))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def rows_of(self, turn: int) -> slice:
        """Where an opportunity's candidates are in the table."""
        return slice(self.bounds[turn], self.bounds[turn + 1])

    def score(self, turn: int) -> eq.Request:
        """The request of one opportunity, filled and scored; it is reused by the next one."""
        where = self.rows_of(turn)
        count = where.stop - where.start
        request = self.request
        request.begin(self.policy, count, key=int(self.keys[turn]))
        request.organic[:count] = self.organic[where]
        request.campaign[:count] = self.rows[where]
        request.measures[:count, self.columns] = self.amounts[where]
        request.score()
        return request

    def agreement(self, replay: pl.DataFrame) -> int:
        """How many opportunities have the same scores, bit for bit, and the same picks as in the replay."""
        scores, position = replay["promotion_score"].to_numpy(), replay["position"].fill_null(0).to_numpy()
        agree = 0
        for turn in range(len(self)):
            where = self.rows_of(turn)
            request = self.score(turn)
            found = request.scores[: where.stop - where.start]
            places = np.zeros(len(found), dtype=position.dtype)
            places[request.picks] = request.positions
            agree += found.tobytes() == scores[where].tobytes() and np.array_equal(places, position[where])
        return agree

    def write(self, path: Path) -> None:
        """All requests with their answers, for the JVM; the layout is in `ScoreRequests.java`."""
        with path.open("wb") as file:
            for names in (self.names, MEASURES):
                file.write(struct.pack("<i", len(names)))
                for name in names:
                    text = name.encode()
                    file.write(struct.pack("<i", len(text)) + text)
            file.write(struct.pack("<i", len(self)))
            for turn in range(len(self)):
                where = self.rows_of(turn)
                count = where.stop - where.start
                request = self.score(turn)
                file.write(struct.pack("<qi", int(self.keys[turn]), count))
                file.write(self.organic[where].astype("<f4").tobytes())
                file.write(self.campaign[where].astype("<i4").tobytes())
                file.write(self.amounts[where].T.astype("<f4").tobytes())
                file.write(request.scores[:count].astype("<f4").tobytes())
                file.write(struct.pack("<i", len(request.picks)))
                for pick, place in zip(request.picks, request.positions, strict=True):
                    file.write(struct.pack("<ii", pick, place))


def in_a_jvm(class_path: str, policy: Path, requests: Path) -> dict[str, int | str]:
    """What `ScoreRequests.java`, run from its source, says about these requests under this policy file."""
    program = Path(__file__).resolve().parent / "ScoreRequests.java"
    command = ["java", "-cp", class_path, str(program), str(policy), str(requests)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)
