"""Serving a policy: a whole log by replay, single requests as a service scores them, and their comparison by bits."""

from __future__ import annotations

import time
from dataclasses import dataclass

import equipoise as eq
import numpy as np
import polars as pl
from campaigns import SLOTS, Campaigns
from opportunities import Opportunities
from slate import NOBODY, pick


def served(policy: eq.Policy, log: eq.Opportunities, table: pl.DataFrame, campaigns: Campaigns) -> np.ndarray:
    """The picks of `policy` on a log, shape (opportunities, SLOTS), campaign indices in the order of their places."""
    replay = pl.from_arrow(policy.replay(log))
    number = {name: index for index, name in enumerate(campaigns.names)}
    taken = replay["picked"].to_numpy()
    turn = table["key"].to_numpy()[taken].astype(np.int64)
    place = replay["position"].to_numpy()[taken]
    who = np.array([number[name] for name in table["campaign"].filter(pl.Series(taken))], dtype=np.int64)
    first = int(table["key"][0])
    picks = np.full((len(log), SLOTS), NOBODY)
    order = np.lexsort((place, turn))
    turn, who = turn[order] - first, who[order]
    slot = np.arange(len(turn)) - np.searchsorted(turn, turn)
    picks[turn, slot] = who
    return picks
