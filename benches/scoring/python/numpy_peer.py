"""What one would write with NumPy: the same sums in the same order, so that scores are equal to the bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from instance import MEASURES, REFERENCE, Campaigns, Turn

Answer = tuple[Any, Any]


class Scores:
    """Scores of `n` candidates, in memory that is used again."""

    def __init__(self, campaigns: Campaigns, n: int) -> None:
        self.eligible = campaigns.eligible
        self.values = campaigns.values
        self.priced = campaigns.priced
        self.total, self.term = np.empty(n, "f4"), np.empty(n, "f4")
        self.may, self.zero = np.empty(n, bool), np.float32(0)

    def __call__(self, campaign: Any, measures: Any) -> Any:
        """`measures` are columns, exposure aside."""
        total, term = self.total, self.term
        if 0 in self.priced:
            np.take(self.priced[0], campaign, out=total, mode="wrap")
        else:
            total.fill(self.values[0])
        for j, measure in enumerate(measures, 1):
            if j in self.priced:
                np.take(self.priced[j], campaign, out=term, mode="wrap")
                np.multiply(term, measure, out=term)
            else:
                np.multiply(self.values[j], measure, out=term)
            np.add(total, term, out=total)
        np.take(self.eligible, campaign, out=self.may, mode="wrap")
        np.add(total, self.zero, out=total)
        return np.where(self.may, total, self.zero)


def request(campaigns: Campaigns, turn: Turn) -> Callable[[], Answer]:
    """One request: scores, then the best by a partition and a sort of those."""
    campaign, organic = turn.campaign.astype(np.intp), turn.organic
    measures = [np.ascontiguousarray(column) for column in turn.measures[: MEASURES - 1]]
    score, places = Scores(campaigns, organic.size), campaigns.places

    def job() -> Answer:
        displacement = np.maximum(REFERENCE - organic, score.zero)
        scores = score(campaign, [*measures, displacement])
        least = np.partition(scores, scores.size - places)[scores.size - places]
        # Of equals all come along; those that score nothing do not.
        best = np.flatnonzero((scores >= least) & (scores > 0))
        best = best[np.lexsort((best, -organic[best], -scores[best]))][:places]
        return scores, best

    return job


def batch(campaigns: Campaigns, columns: dict[str, Any], n: int) -> Callable[[], Answer]:
    """Many requests of `n` candidates at once: scores, and which are picked."""
    campaign, organic = columns["campaign"].astype(np.intp), columns["organic"].reshape(-1, n)
    score, places = Scores(campaigns, organic.size), campaigns.places

    def job() -> Answer:
        displacement = np.maximum(REFERENCE - columns["organic"], score.zero)
        scores = score(campaign, [*columns["measures"], displacement])
        rows = scores.reshape(-1, n)
        # One more than can be picked: a tie at the last place is settled by the sort.
        few = np.argpartition(-rows, places, axis=1)[:, : places + 1]
        keys = (few, -np.take_along_axis(organic, few, 1), -np.take_along_axis(rows, few, 1))
        best = np.take_along_axis(few, np.lexsort(keys, axis=1)[:, :places], 1)
        picked = np.zeros(rows.shape, bool)
        np.put_along_axis(picked, best, np.take_along_axis(rows, best, 1) > 0, 1)
        return scores, picked.ravel()

    return job
