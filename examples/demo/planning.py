"""The same task as the baselines', stated to equipoise: a problem, a log, a campaign table; one plan, one policy."""

from __future__ import annotations

from typing import Any

import equipoise as eq
import numpy as np
import polars as pl
from campaigns import DECADES, FIRST_PLACE, MIN_GAP, MISSING_PLACE, SLOTS, VISIBLE, Campaigns
from opportunities import Opportunities

MEASURES = ["fee"]  # displacement is filled from organic scores


def problem(campaigns: Campaigns, guardrail: float) -> eq.Problem:
    """Maximise fees; listeners lose at most `guardrail` of organic value; every decade gets what it was promised."""
    goals: list[dict[str, Any]] = [
        {
            "name": "listeners",
            "kind": "guardrail",
            "measure": "displacement",
            "per": "all",
            "at_most": guardrail,
            "relative_to": "organic",
        },
        {
            "name": "catalogue",
            "kind": "floor",
            "measure": "exposure",
            "per": "licensor",
            "at_least": campaigns.decade_floor,
            "penalty": MISSING_PLACE,
        },
    ]
    slate = {"slots": SLOTS, "visible": VISIBLE, "first_place": FIRST_PLACE, "min_gap": MIN_GAP}
    return eq.Problem.from_dict({"objectives": {"fee": 1.0}, "slate": slate, "goals": goals})


def campaign_table(campaigns: Campaigns) -> eq.Campaigns:
    """One row per campaign; its decade is its licensor. Caps and floors count places (exposure)."""
    has_floor = campaigns.floor > 0
    table = pl.DataFrame(
        {
            "campaign": campaigns.names,
            "licensor": [DECADES[decade] for decade in campaigns.decade],
            "cap": campaigns.cap,
            "floor": [float(floor) if has else None for floor, has in zip(campaigns.floor, has_floor, strict=True)],
            "floor_penalty": [MISSING_PLACE if has else None for has in has_floor],
        }
    )
    return eq.Campaigns(table)


def log_table(opportunities: Opportunities, campaigns: Campaigns) -> pl.DataFrame:
    """
    One row per candidate: the organic films a slate can reach, then the promoted ones that are not among them.

    `key` is the opportunity's number here, so that a log and a request of the same opportunity share it.
    """
    total = len(opportunities)
    depth = opportunities.organic_film.shape[1]
    campaign_of = np.full(int(max(opportunities.organic_film.max(), campaigns.film.max())) + 1, -1)
    campaign_of[campaigns.film] = np.arange(len(campaigns))

    among = (opportunities.organic_film[:, :, None] == campaigns.film[None, None, :]).any(axis=1)
    further = ~np.isnan(opportunities.chance) & ~among
    turn, campaign = np.nonzero(further)
    turns = np.concatenate([np.repeat(np.arange(total), depth), turn])
    film = np.concatenate([opportunities.organic_film.ravel(), campaigns.film[campaign]])
    chance = np.concatenate([opportunities.organic.ravel(), opportunities.chance[turn, campaign]])
    order = np.argsort(turns, kind="stable")
    turns, film, chance = turns[order], film[order], chance[order]
    promoter = campaign_of[film]
    fee = np.where(promoter < 0, np.float32(0.0), opportunities.fee[turns, promoter])
    return pl.DataFrame(
        {
            "opportunity_id": [opportunities.windows[turn].name for turn in turns],
            "key": turns.astype(np.uint64),
            "item": film,
            "campaign": pl.Series(
                [campaigns.names[index] if index >= 0 else None for index in promoter], dtype=pl.String
            ),
            "organic": chance,
            "fee": fee,
        }
    )


def plan(
    log: eq.Opportunities,
    table: eq.Campaigns,
    campaigns: Campaigns,
    *,
    guardrail: float,
    traffic: float,
    progress: bool,
) -> eq.Plan:
    """
    The plan on the first half; `traffic` says how many opportunities of the served half one of the log stands for.
    """
    return eq.plan(problem(campaigns, guardrail), log, table, traffic=traffic, progress=progress)
