"""The slate rule, in plain NumPy and without equipoise: every method of the demo is served by it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from campaigns import FIRST_PLACE, MIN_GAP, SLOTS, VISIBLE
from opportunities import Opportunities

NOBODY = -1


def pick(scores: np.ndarray, organic: np.ndarray) -> np.ndarray:
    """
    The campaigns that take places, in order, shape (..., SLOTS); `NOBODY` where none does.

    Only scores above 0 are taken, the highest first; ties go to the higher organic score, then to the lower index. NaN
    is not a candidate.
    """
    scores = np.where(np.isnan(scores), -np.inf, scores)
    order = np.lexsort((-np.nan_to_num(organic, nan=-np.inf), -scores), axis=-1)[..., :SLOTS]
    return np.where(np.take_along_axis(scores, order, axis=-1) > 0.0, order, NOBODY)


def pick_in_turn(
    opportunities: Opportunities, caps: np.ndarray, score_of: Callable[[int, np.ndarray], np.ndarray]
) -> np.ndarray:
    """
    Picks of a method that counts as it serves: `score_of(t, delivered)` per opportunity, campaigns at their cap left
    out.
    """
    delivered = np.zeros(len(caps))
    spent = delivered >= caps
    picks = np.full((len(opportunities), SLOTS), NOBODY)
    for turn in range(len(opportunities)):
        scores = np.where(spent, np.nan, score_of(turn, delivered))
        if not (scores > 0.0).any():
            continue
        picks[turn] = pick(scores, opportunities.chance[turn])
        delivered[picks[turn][picks[turn] != NOBODY]] += 1.0
        spent = delivered >= caps
    return picks


def slates(opportunities: Opportunities, picks: np.ndarray, film: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Films and their chances as shown, each (T, VISIBLE): picks in their places, the other films around them in organic
    order.
    """
    has = picks != NOBODY
    promoted = np.where(has, film[picks], NOBODY)
    places = FIRST_PLACE - 1 + MIN_GAP * np.arange(SLOTS)
    taken = np.zeros((len(opportunities), VISIBLE), dtype=bool)
    taken[:, places] = has
    # The k-th free place of a slate takes the k-th organic film that is not promoted there.
    place = np.argsort(taken, axis=1, kind="stable")
    repeated = (opportunities.organic_film[:, :, None] == promoted[:, None, :]).any(axis=2)
    rest = np.argsort(repeated, axis=1, kind="stable")[:, :VISIBLE]
    films, chances = np.empty(taken.shape, dtype=np.int64), np.empty(taken.shape)
    np.put_along_axis(films, place, np.take_along_axis(opportunities.organic_film, rest, axis=1), axis=1)
    np.put_along_axis(chances, place, np.take_along_axis(opportunities.organic, rest, axis=1), axis=1)
    turn, slot = np.nonzero(has)
    films[turn, places[slot]] = promoted[turn, slot]
    chances[turn, places[slot]] = opportunities.chance[turn, picks[turn, slot]]
    return films, chances
