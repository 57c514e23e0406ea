"""
Who promotes what: thirty films of five decades, each with a fee, a cap and perhaps a floor, chosen by rule from the
training data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from data import Ratings

SLOTS = 2
VISIBLE = 10
FIRST_PLACE = 3
MIN_GAP = 4
GUARDRAIL = 0.01  # of organic value
MISSING_PLACE = 0.25  # what a contract refunds for each promised place that was not given, in fees

DECADES = ("before 1960", "1960s", "1970s", "1980s", "1990s")


@dataclass(frozen=True)
class Tier:
    """
    A kind of contract: the fee per promoted film that is watched; cap and floor in places per 1,000 opportunities.
    """

    name: str
    rated_below: tuple[float, float]
    fee: float
    cap: int
    floor: int


# Per decade and tier two films: the first with fewer ratings than each of the two limits. The better known, the more of
# its own pull and the smaller the fee; the cap is the budget that was bought, the floor what was promised.
TIERS = (
    Tier("hit", (float("inf"), 200), fee=1.0, cap=25, floor=0),
    Tier("middle", (150, 100), fee=2.0, cap=40, floor=10),
    Tier("niche", (60, 30), fee=4.0, cap=20, floor=5),
)
DECADE_FLOOR = (
    130  # places per 1,000 opportunities promised to each decade's catalogue, of at most 170 that its caps allow
)


@dataclass(frozen=True)
class Campaigns:
    """
    The campaigns and their goals as totals of the served half; one entry per campaign, `decade` indexes `DECADES`.
    """

    names: list[str]
    film: np.ndarray
    decade: np.ndarray
    tier: np.ndarray
    fee: np.ndarray
    cap: np.ndarray
    floor: np.ndarray
    decade_floor: float

    def __len__(self) -> int:
        return len(self.names)

    @property
    def floors(self) -> int:
        """How many promises there are: campaigns with a floor, and decades."""
        return int((self.floor > 0).sum()) + len(DECADES)

    def shortfalls(self, delivered: np.ndarray) -> np.ndarray:
        """Missing places per promise: of each campaign (0 where it has no floor), then of each decade."""
        decades = np.bincount(self.decade, weights=delivered, minlength=len(DECADES))
        return np.concatenate([np.maximum(0.0, self.floor - delivered), np.maximum(0.0, self.decade_floor - decades)])


def choose(ratings: Ratings, trained_until: int, opportunities: int) -> Campaigns:
    """
    The campaigns, by how often a film was rated before `trained_until`; goals scaled to `opportunities`, the size of
    the served half.
    """
    rated = np.bincount(ratings.film[ratings.time < trained_until], minlength=len(ratings.films))
    chosen: list[tuple[int, int, int]] = []
    for decade, name in enumerate(DECADES):
        shelf = [int(film) for film in np.argsort(-rated, kind="stable") if ratings.films[film].decade == name]
        for tier, contract in enumerate(TIERS):
            for limit in contract.rated_below:
                film = next(film for film in shelf if rated[film] < limit)
                shelf.remove(film)
                chosen.append((film, decade, tier))
    film, decade, tier = (np.array(column) for column in zip(*chosen, strict=True))
    scale = opportunities / 1000.0
    return Campaigns(
        names=[f"{ratings.films[index].title} ({ratings.films[index].year})" for index in film],
        film=film,
        decade=decade,
        tier=tier,
        fee=np.array([TIERS[index].fee for index in tier]),
        cap=np.round([TIERS[index].cap * scale for index in tier]),
        floor=np.round([TIERS[index].floor * scale for index in tier]),
        decade_floor=float(round(DECADE_FLOOR * scale)),
    )
