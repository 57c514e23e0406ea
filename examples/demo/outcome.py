"""What a method's picks came to: value, promises, listeners. The same arithmetic for every method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from campaigns import MISSING_PLACE, VISIBLE, Campaigns
from opportunities import Opportunities
from slate import NOBODY, slates


@dataclass(frozen=True)
class Outcome:
    """
    `value`: expected fees of the places up to each cap, in time order (places beyond it are not paid); `net`: less
    refunds.

    `delivered`: places per campaign. `over`: places beyond caps, `missing`: promised places not given, `floors_met`:
    promises kept. `displaced`: displacement as a fraction of organic value, the guardrail's own measure. `loss`:
    organic value that left the slates, as a fraction. `hit_rate`: slates with at least one film that the user really
    rated next. `real_hits`: promoted places of such films.
    """

    value: float
    net: float
    delivered: np.ndarray
    over: float
    missing: float
    floors_met: int
    displaced: float
    loss: float
    hit_rate: float
    real_hits: int

    @property
    def places(self) -> int:
        """Promoted places in all."""
        return int(self.delivered.sum())


def measure(opportunities: Opportunities, campaigns: Campaigns, picks: np.ndarray) -> Outcome:
    """The outcome of `picks`, shape (T, SLOTS), campaign indices or `NOBODY`."""
    turn, slot = np.nonzero(picks != NOBODY)
    who = picks[turn, slot]
    delivered = np.bincount(who, minlength=len(campaigns)).astype(np.float64)
    fees = opportunities.fee[turn, who].astype(np.float64)
    value = sum(
        float(fees[who == campaign][: int(campaigns.cap[campaign])].sum()) for campaign in range(len(campaigns))
    )
    shortfalls = campaigns.shortfalls(delivered)
    films, chances = slates(opportunities, picks, campaigns.film)
    organic = float(opportunities.organic_value.sum())
    hits = (films[:, :, None] == opportunities.following[:, None, :]).any(axis=(1, 2))
    real = (campaigns.film[who][:, None] == opportunities.following[turn]).any(axis=1)
    return Outcome(
        value=value,
        net=value - MISSING_PLACE * float(shortfalls.sum()),
        delivered=delivered,
        over=float(np.maximum(0.0, delivered - campaigns.cap).sum()),
        missing=float(shortfalls.sum()),
        floors_met=campaigns.floors - int((shortfalls > 0).sum()),
        displaced=float(opportunities.displacement[turn, who].sum()) / organic,
        loss=1.0 - float(chances[:, :VISIBLE].sum()) / organic,
        hit_rate=float(hits.mean()),
        real_hits=int(real.sum()),
    )
