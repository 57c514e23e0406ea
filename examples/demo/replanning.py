"""
What an operator does once delivery can be seen: plan again during the flight, for what is left of the goals.

One plan is a forecast; users of the second half are others than those of the first. Every few days the plan is made
again on the latest opportunities, with the places and the displacement that are still to be given. Nothing of what is
yet to come is used.
"""

from __future__ import annotations

from itertools import pairwise

import equipoise as eq
import numpy as np
from campaigns import DECADES, SLOTS, Campaigns
from opportunities import Opportunities
from planning import Goals, Log, plan
from serving import serve
from slate import NOBODY, pick_in_turn

REPLANS = 20


def replanned(log: Log, half: int, campaigns: Campaigns, guardrail: float) -> tuple[np.ndarray, list[eq.Plan]]:
    """
    Picks for the opportunities of `log` from `half` on, shape (T, SLOTS), and the `REPLANS` plans made on the way.

    Each is made on the `half` opportunities before it. Between two plans a campaign at its cap is left out by counting.
    """
    served = log.opportunities.part(slice(half, None))
    picks = np.full((len(served), SLOTS), NOBODY)
    plans: list[eq.Plan] = []
    for start, stop in _parts(len(served)):
        before = slice(start, half + start)
        goals = remaining(served, picks, start, campaigns, guardrail, forecast=log.opportunities.part(before))
        latest = plan(log, before, goals, (len(served) - start) / half, warm_start=plans[-1] if plans else None)
        plans.append(latest)
        part = slice(half + start, half + stop)
        scores = serve(latest.policy, log, part).scores
        picks[start:stop] = pick_in_turn(served.part(slice(start, stop)), goals.cap, lambda t, _, s=scores: s[t])
    return picks, plans


def remaining(
    served: Opportunities,
    picks: np.ndarray,
    done: int,
    campaigns: Campaigns,
    guardrail: float,
    *,
    forecast: Opportunities,
) -> Goals:
    """
    What is left of the goals after the first `done` opportunities: floors and caps less the places given, and the
    guardrail's share of the organic value seen so far and forecast for the rest, less what was displaced.
    """
    turn, slot = np.nonzero(picks[:done] != NOBODY)
    who = picks[turn, slot]
    given = np.bincount(who, minlength=len(campaigns)).astype(np.float64)
    decades = np.bincount(campaigns.decade, weights=given, minlength=len(DECADES))
    organic = served.organic_value[:done].sum() + forecast.organic_value.mean() * (len(served) - done)
    left = guardrail * organic - served.displacement[turn, who].sum()
    return Goals(
        cap=np.maximum(0.0, campaigns.cap - given),
        floor=np.maximum(0.0, campaigns.floor - given),
        decades=np.maximum(0.0, campaigns.decade_floor - decades),
        guardrail={"at_most_total": float(max(0.0, left))},
    )


def _parts(total: int) -> list[tuple[int, int]]:
    edges = [total * part // REPLANS for part in range(REPLANS + 1)]
    return list(pairwise(edges))
