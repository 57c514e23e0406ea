"""The same task as the baselines', stated to equipoise: a problem, a log, a campaign table; then a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equipoise as eq
import numpy as np
import polars as pl
from campaigns import DECADES, FIRST_PLACE, MIN_GAP, MISSING_PLACE, SLOTS, VISIBLE, Campaigns
from opportunities import Opportunities

MEASURES = ["fee"]  # displacement is filled from organic scores


@dataclass(frozen=True)
class Goals:
    """
    What is still to be given: places per campaign and per decade, and what listeners may lose.

    `guardrail` are the limits of that goal as the problem states them: a fraction of organic value, or a total.
    """

    cap: np.ndarray
    floor: np.ndarray
    decades: np.ndarray
    guardrail: dict[str, Any]


def whole(campaigns: Campaigns, guardrail: float) -> Goals:
    """The goals of the served half, before anything was given."""
    decades = np.full(len(DECADES), campaigns.decade_floor)
    return Goals(campaigns.cap, campaigns.floor, decades, {"at_most": guardrail, "relative_to": "organic"})


def problem(goals: Goals) -> eq.Problem:
    """Maximise fees; bound what listeners lose; give each decade its places."""
    listeners = {"name": "listeners", "kind": "guardrail", "measure": "displacement", "per": "all", **goals.guardrail}
    catalogues = [
        {
            "name": f"catalogue {decade}",
            "kind": "floor",
            "measure": "exposure",
            "of": {"licensor": decade},
            "at_least": float(places),
            "penalty": MISSING_PLACE,
        }
        for decade, places in zip(DECADES, goals.decades, strict=True)
        if places > 0
    ]
    slate = {"slots": SLOTS, "visible": VISIBLE, "first_place": FIRST_PLACE, "min_gap": MIN_GAP}
    return eq.Problem.from_dict({"objectives": {"fee": 1.0}, "slate": slate, "goals": [listeners, *catalogues]})


def campaign_table(campaigns: Campaigns, goals: Goals) -> eq.Campaigns:
    """One row per campaign; its decade is its licensor. Caps and floors count places (exposure)."""
    floors = [float(floor) if floor > 0 else None for floor in goals.floor]
    table = {
        "campaign": campaigns.names,
        "licensor": [DECADES[decade] for decade in campaigns.decade],
        "cap": goals.cap,
        "floor": pl.Series(floors, dtype=pl.Float64),
        "floor_penalty": pl.Series([None if floor is None else MISSING_PLACE for floor in floors], dtype=pl.Float64),
    }
    return eq.Campaigns(pl.DataFrame(table))


class Log:
    """
    Opportunities as a table, one row per candidate: the organic films that a slate can reach, then the promoted ones
    that are not among them. `key` is the number of the opportunity, so that log and request share it.
    """

    def __init__(self, opportunities: Opportunities, campaigns: Campaigns) -> None:
        self.opportunities = opportunities
        self.campaigns = campaigns
        self.table = _table(opportunities, campaigns)
        self.bounds = np.searchsorted(self.table["key"].to_numpy(), np.arange(len(opportunities) + 1))

    def rows(self, which: slice) -> pl.DataFrame:
        """The rows of some of the opportunities."""
        start, stop, _ = which.indices(len(self.opportunities))
        return self.table[int(self.bounds[start]) : int(self.bounds[stop])]


def plan(log: Log, which: slice, goals: Goals, traffic: float, warm_start: eq.Plan | None = None) -> eq.Plan:
    """A plan on some opportunities of the log, each of which stands for `traffic` of those to be served."""
    sample = eq.Opportunities(log.rows(which), measures=MEASURES)
    contracts = campaign_table(log.campaigns, goals)
    return eq.plan(problem(goals), sample, contracts, traffic=traffic, warm_start=warm_start, progress=False)


def _table(opportunities: Opportunities, campaigns: Campaigns) -> pl.DataFrame:
    total, depth = opportunities.organic_film.shape
    campaign_of = np.full(int(max(opportunities.organic_film.max(), campaigns.film.max())) + 1, -1)
    campaign_of[campaigns.film] = np.arange(len(campaigns))
    among = (opportunities.organic_film[:, :, None] == campaigns.film[None, None, :]).any(axis=1)
    turn, campaign = np.nonzero(~np.isnan(opportunities.chance) & ~among)

    turns = np.concatenate([np.repeat(np.arange(total), depth), turn])
    film = np.concatenate([opportunities.organic_film.ravel(), campaigns.film[campaign]])
    chance = np.concatenate([opportunities.organic.ravel(), opportunities.chance[turn, campaign]])
    order = np.argsort(turns, kind="stable")
    turns, film, chance = turns[order], film[order], chance[order]
    promoter = campaign_of[film]
    names = pl.Series(campaigns.names)
    return pl.DataFrame(
        {
            "opportunity_id": pl.Series([window.name for window in opportunities.windows])[turns],
            "key": turns.astype(np.uint64),
            "item": film,
            "campaign": names[np.maximum(promoter, 0)].set(pl.Series(promoter < 0), None),
            "organic": chance,
            "fee": np.where(promoter < 0, np.float32(0.0), opportunities.fee[turns, promoter]),
        }
    )
