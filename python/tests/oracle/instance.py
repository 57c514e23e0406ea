"""A planning instance in plain NumPy, and the same as equipoise objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import equipoise as eq

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTIES = ("artist", "label", "licensor")


@dataclass
class Campaign:
    """One promoted thing; goals are (kind, measure, amount, penalty or None)."""

    id: str
    artist: str | None = None
    label: str | None = None
    licensor: str | None = None
    markets: list[str] | None = None
    surfaces: list[str] | None = None
    start: int | None = None
    end: int | None = None
    goals: list[tuple[str, str, float, float | None]] = field(default_factory=list)


@dataclass
class Instance:
    """
    A log, campaigns and a problem.

    Per opportunity (length R): `slots`, `weight`, `market`, `surface`, `time`; per row (length n): `opportunity`
    (non-decreasing), `campaign` (index, -1 organic), `organic`, `measures` by name.
    """

    problem: dict[str, Any]
    campaigns: list[Campaign]
    opportunity: NDArray[np.int64]
    campaign: NDArray[np.int64]
    measures: dict[str, NDArray[np.float32]]
    slots: NDArray[np.int64]
    weight: NDArray[np.float64]
    organic: NDArray[np.float32] | None = None
    market: list[str] | None = None
    surface: list[str] | None = None
    time: NDArray[np.int64] | None = None
    traffic: float = 1.0
    shift: int = 0

    def log_table(self) -> pa.Table:
        """The log as an Arrow table."""
        t = self.opportunity
        ids = np.array([c.id for c in self.campaigns] + [""], object)
        columns: dict[str, Any] = {
            "opportunity_id": pa.array(t),
            "campaign": pa.array(
                [None if c < 0 else ids[c] for c in self.campaign.tolist()], pa.string()
            ).dictionary_encode(),
            "slots": pa.array(self.slots[t]),
            "weight": pa.array(self.weight[t]),
        }
        for name, values in self.measures.items():
            columns[name] = pa.array(values)
        if self.organic is not None:
            columns["organic"] = pa.array(self.organic)
        if self.market is not None:
            columns["market"] = pa.array(np.array(self.market, object)[t])
        if self.surface is not None:
            columns["surface"] = pa.array(np.array(self.surface, object)[t])
        if self.time is not None:
            columns["time"] = pa.array(self.time[t], pa.timestamp("us", tz="UTC"))
        return pa.table(columns)

    def campaign_table(self) -> pa.Table:
        """The campaigns as an Arrow table, own goals as a nested list."""
        goal = pa.struct({"kind": pa.string(), "measure": pa.string(), "amount": pa.float64(), "penalty": pa.float64()})
        rows = [
            {
                "campaign": c.id,
                **{party: getattr(c, party) for party in PARTIES},
                "markets": c.markets,
                "surfaces": c.surfaces,
                "start": c.start,
                "end": c.end,
                "goals": [
                    {"kind": kind, "measure": measure, "amount": amount, "penalty": penalty}
                    for kind, measure, amount, penalty in c.goals
                ]
                or None,
            }
            for c in self.campaigns
        ]
        text, instant = pa.string(), pa.timestamp("us", tz="UTC")
        schema = pa.schema(
            [("campaign", text)]
            + [(party, text) for party in PARTIES]
            + [("markets", pa.list_(text)), ("surfaces", pa.list_(text)), ("start", instant), ("end", instant)]
            + [("goals", pa.list_(goal))]
        )
        return pa.Table.from_pylist(rows, schema)

    def plan(self, **settings: Any) -> eq.Plan:
        """Plan on the whole log."""
        settings = {"holdout": 0, "progress": False, "traffic": self.traffic, "shift": self.shift} | settings
        log = eq.Opportunities(self.log_table(), measures=list(self.measures))
        return eq.plan(eq.Problem.from_dict(self.problem), log, eq.Campaigns(self.campaign_table()), **settings)
