"""
What services do without prices: a fixed boost, a boost with hard caps, a greedy by value per displacement. None uses
equipoise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from campaigns import MISSING_PLACE, Campaigns
from opportunities import Opportunities
from outcome import Outcome, measure
from slate import NOBODY, SLOTS, pick, pick_in_turn

NO_COST = 1e-6  # a film that displaces nothing counts as displacing this much

Knob = tuple[float, ...]


@dataclass(frozen=True)
class Method:
    """
    A way to promote: `serve(opportunities, campaigns, knob)` gives picks of shape (T, SLOTS); `knobs` are the settings
    tried.
    """

    name: str
    knobs: tuple[Knob, ...]
    serve: Callable[[Opportunities, Campaigns, Knob], np.ndarray]


def organic_order(opportunities: Opportunities, _campaigns: Campaigns, _knob: Knob) -> np.ndarray:
    """Nothing is promoted."""
    return np.full((len(opportunities), SLOTS), NOBODY)


def fixed_boost(opportunities: Opportunities, _campaigns: Campaigns, knob: Knob) -> np.ndarray:
    """
    Every promoted film's organic score is raised by the same amount; it takes a place if that brings it above the
    reference.
    """
    (boost,) = knob
    return pick(opportunities.chance + boost - opportunities.reference[:, None], opportunities.chance)


def boost_with_caps(opportunities: Opportunities, campaigns: Campaigns, knob: Knob) -> np.ndarray:
    """The fixed boost, with a counter per campaign that ends it at its cap."""
    (boost,) = knob
    scores = opportunities.chance + boost - opportunities.reference[:, None]
    return pick_in_turn(opportunities, campaigns.cap, lambda turn, _delivered: scores[turn])


def value_per_displacement(opportunities: Opportunities, campaigns: Campaigns, knob: Knob) -> np.ndarray:
    """
    Takes what yields the most fee per unit of displacement, if above a threshold; caps by counter, floors by pace.

    While a campaign or its decade is behind an even pace towards its floor, its fee counts more, by the second knob
    times the refund.
    """
    threshold, push = knob
    cost = np.maximum(opportunities.displacement, NO_COST)
    total = len(opportunities)

    def score_of(turn: int, delivered: np.ndarray) -> np.ndarray:
        due = turn / total
        decades = np.bincount(campaigns.decade, weights=delivered)
        behind = (delivered < due * campaigns.floor) | (decades < due * campaigns.decade_floor)[campaigns.decade]
        return (opportunities.fee[turn] + push * MISSING_PLACE * behind) / cost[turn] - threshold

    return pick_in_turn(opportunities, campaigns.cap, score_of)


_BOOSTS: tuple[Knob, ...] = tuple((round(0.002 * step, 3),) for step in range(31))
_GREEDY: tuple[Knob, ...] = tuple(
    (round(float(threshold), 3), push) for push in (0.0, 0.25, 0.5, 1.0) for threshold in np.geomspace(0.1, 60.0, 25)
)

BASELINES = (
    Method("organic order", ((),), organic_order),
    Method("fixed boost", _BOOSTS, fixed_boost),
    Method("boost with hard caps", _BOOSTS, boost_with_caps),
    Method("value per displacement", _GREEDY, value_per_displacement),
)


def sweep(
    method: Method, opportunities: Opportunities, campaigns: Campaigns, knobs: Iterable[Knob]
) -> list[tuple[Knob, Outcome]]:
    """The outcome of each knob on these opportunities."""
    return [(knob, measure(opportunities, campaigns, method.serve(opportunities, campaigns, knob))) for knob in knobs]


def best_within_guardrail(tried: list[tuple[Knob, Outcome]], guardrail: float) -> Knob:
    """
    The knob with the highest value after refunds among those that keep the guardrail; the gentlest one if none does.
    """
    kept = [entry for entry in tried if entry[1].displaced <= guardrail]
    return max(kept, key=lambda entry: entry[1].net)[0] if kept else min(tried, key=lambda entry: entry[1].displaced)[0]


def best_for_floors(tried: list[tuple[Knob, Outcome]]) -> Knob:
    """
    The knob that leaves the fewest promised places missing, whatever it costs the listener; among equals the gentlest.
    """
    return min(tried, key=lambda entry: (entry[1].missing, entry[1].displaced))[0]
