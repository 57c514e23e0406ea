"""
Opportunities: every next five ratings of a user with at least ten so far are one slate that a service would have shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from campaigns import SLOTS, VISIBLE, Campaigns
from data import Ratings

HISTORY = 10
FOLLOWING = 5
DEPTH = VISIBLE + SLOTS  # organic films that a slate can reach when promoted ones take its places


@dataclass(frozen=True)
class Window:
    """
    A user at an instant: what was rated so far (`history`, film indices), and the next up to five films (`following`).

    The last window of a user may hold fewer than five: whether more ratings come is not known when the slate is shown.
    """

    user: int
    time: int
    history: np.ndarray
    following: np.ndarray

    @property
    def name(self) -> str:
        """The opportunity's id: the user, and how many films were rated before."""
        return f"user {self.user} after {len(self.history)}"


def windows(ratings: Ratings, start: int, end: int) -> list[Window]:
    """
    All windows whose next rating falls in [`start`, `end`), in time order; `time` is that of the first following
    rating.

    Ratings at or after `end` are in no window: a `following` that reaches it is cut there.
    """
    by_user = np.argsort(ratings.user, kind="stable")
    bounds = np.searchsorted(ratings.user[by_user], np.arange(ratings.users + 1))
    found = []
    for user in range(ratings.users):
        rows = by_user[bounds[user] : bounds[user + 1]]
        times, films = ratings.time[rows], ratings.film[rows]
        first, last = (int(np.searchsorted(times, instant, side="left")) for instant in (start, end))
        for position in range(max(HISTORY, first), last, FOLLOWING):
            following = films[position : min(position + FOLLOWING, last)]
            found.append(Window(user, int(times[position]), films[:position], following))
    return sorted(found, key=lambda window: (window.time, window.user))


@dataclass(frozen=True)
class Opportunities:
    """
    Scored opportunities, T of them in time order, as every method sees them. All chances are rounded to f32 once.

    `organic_film`, `organic` (T, DEPTH): the unseen films in organic order and their chances. `chance`, `fee` (T,
    campaigns): chance of the promoted film and the fee expected from it; NaN where the user has seen it. `reference`,
    `organic_value` (T): the mean chance in the last `SLOTS` of the `VISIBLE` organic places, and the sum over all of
    these.
    """

    windows: list[Window]
    organic_film: np.ndarray
    organic: np.ndarray
    chance: np.ndarray
    fee: np.ndarray
    reference: np.ndarray
    organic_value: np.ndarray

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def following(self) -> np.ndarray:
        """The films that were rated next, (T, FOLLOWING); -2 where there were fewer."""
        films = np.full((len(self), FOLLOWING), -2)
        for turn, window in enumerate(self.windows):
            films[turn, : len(window.following)] = window.following
        return films

    @property
    def displacement(self) -> np.ndarray:
        """
        What a promoted film costs the listener in a place that goes to `reference` otherwise, (T, campaigns); NaN where
        seen.
        """
        return np.maximum(0.0, self.reference[:, None] - self.chance)

    def part(self, which: slice) -> Opportunities:
        """Some of the opportunities, in the same order."""
        return Opportunities(self.windows[which], *(column[which] for column in self._columns()))

    def _columns(self) -> list[np.ndarray]:
        return [self.organic_film, self.organic, self.chance, self.fee, self.reference, self.organic_value]


def score(found: list[Window], chances: np.ndarray, campaigns: Campaigns) -> Opportunities:
    """Opportunities from the chances of all films, shape (windows, films); films already seen have a chance below 0."""
    films = np.argsort(-chances, axis=1, kind="stable")[:, :DEPTH]
    organic = np.take_along_axis(chances, films, axis=1).astype(np.float32)
    promoted = chances[:, campaigns.film]
    promoted = np.where(promoted < 0.0, np.nan, promoted).astype(np.float32)
    shown = organic[:, :VISIBLE].astype(np.float64)
    return Opportunities(
        windows=found,
        organic_film=films,
        organic=organic,
        chance=promoted,
        fee=(promoted * campaigns.fee).astype(np.float32),
        reference=shown[:, -SLOTS:].mean(axis=1),
        organic_value=shown.sum(axis=1),
    )
