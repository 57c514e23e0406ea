"""What `equipoise-bench-scoring-files` wrote: requests with the right answers, and campaigns for the peers."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MEASURES = 8
MARKET, SURFACE, TIME, REFERENCE = 3, 5, 1_000, np.float32(0.5)
SEGMENT = {"market": f"market-{MARKET}", "surface": f"surface-{SURFACE}", "time": TIME, "reference": float(REFERENCE)}


@dataclass(frozen=True)
class Turn:
    """One request and its answer."""

    campaign: Any
    """Numbers of campaigns, -1 for organic candidates."""
    organic: Any
    measures: Any
    """Measure by candidate; the last, displacement, is unwritten."""
    scores: Any
    picks: Any


def turns(folder: Path, n: int) -> tuple[list[Turn], int]:
    """The requests of `n` candidates, and how many have columns of their own: turn `t` has those of `t % shared`."""
    data, at = memoryview((folder / f"requests-{n}.bin").read_bytes()), 0

    def take(kind: str, count: int) -> Any:
        nonlocal at
        values = np.frombuffer(data, kind, count, at)
        at += values.nbytes
        return values

    count, shared = (int(number) for number in take("<u4", 2))
    columns = [(take("<f4", n), take("<f4", n * MEASURES).reshape(MEASURES, n)) for _ in range(shared)]
    found = []
    for turn in range(count):
        campaign, (organic, measures) = take("<i4", n), columns[turn % shared]
        scores = take("<f4", n)
        found.append(Turn(campaign, organic, measures, scores, picks=take("<u4", int(take("<u4", 1)[0]))))
    return found, shared


class Campaigns:
    """What a peer needs: each campaign's prices, and whether it may be shown here; the last row is nobody's."""

    def __init__(self, folder: Path) -> None:
        data = (folder / "campaigns.bin").read_bytes()
        count, measures, self.places = struct.unpack_from("<III", data)
        self.values = np.frombuffer(data, "<f4", measures, 12)
        kind = [("markets", "<i4"), ("surfaces", "<i4"), ("start", "<i8"), ("end", "<i8"), ("prices", "<f4", measures)]
        rows = np.frombuffer(data, np.dtype(kind), count, 12 + 4 * measures)
        eligible = (rows["markets"] >> MARKET & 1 == 1) & (rows["surfaces"] >> SURFACE & 1 == 1)
        eligible &= (rows["start"] <= TIME) & (rows["end"] > TIME)
        self.eligible = np.append(eligible, np.array([False]))
        prices = np.vstack([rows["prices"], np.zeros((1, measures), "f4")])
        self.coefficients = self.values - prices
        # Contiguous columns of those measures that have campaigns' prices; of most the coefficient is the same for all.
        priced = [j for j in range(measures) if prices[:, j].any()]
        self.priced = {j: np.ascontiguousarray(self.coefficients[:, j]) for j in priced}


def names(campaigns: int) -> list[str]:
    """The ids of the campaigns, by number."""
    return [f"campaign-{c:07}" for c in range(campaigns)]
