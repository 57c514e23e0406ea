"""
The item model: item-to-item cosine similarities (`implicit`), fold-in of any user's history, and calibration to
chances.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.sparse as sp
from data import Ratings
from implicit.nearest_neighbours import CosineRecommender
from implicit.utils import ParameterWarning
from opportunities import Window, windows

NEIGHBOURS = 50
SEEN = -1.0
SCORE_FLOOR = 1e-3  # a film without a similar one in the history counts as this similar


def fit_similarity(ratings: Ratings, before: int) -> sp.csr_matrix:
    """Film-to-film similarities, from the ratings made before the instant `before` only."""
    known = ratings.time < before
    ones = np.ones(int(known.sum()))
    matrix = sp.csr_matrix(
        (ones, (ratings.user[known], ratings.film[known])), shape=(ratings.users, len(ratings.films))
    )
    recommender = CosineRecommender(K=NEIGHBOURS, num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ParameterWarning)  # implicit's own normalisation hands itself another layout
        recommender.fit(matrix, show_progress=False)
    return sp.csr_matrix(recommender.similarity)


def fold_in(similarity: sp.csr_matrix, histories: list[np.ndarray]) -> np.ndarray:
    """Scores of all films for each history, by the history alone (users need not be in the training data).

    Shape (histories, films); a film of the history itself has the score `SEEN`.
    """
    lengths = [len(history) for history in histories]
    rows = np.repeat(np.arange(len(histories)), lengths)
    columns = np.concatenate(histories)
    shape = (len(histories), similarity.shape[0])
    matrix = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    scores = np.asarray((matrix @ similarity).todense())
    scores[rows, columns] = SEEN
    return scores


@dataclass(frozen=True)
class ItemModel:
    """Similarities and the four numbers that turn a score into a chance."""

    similarity: sp.csr_matrix
    weights: np.ndarray

    def chances(self, histories: list[np.ndarray]) -> np.ndarray:
        """
        The chance that each film is among the next five that each user rates, shape (histories, films); `SEEN` where
        seen.
        """
        scores = fold_in(self.similarity, histories)
        chances = 1.0 / (1.0 + np.exp(-_features(scores, histories) @ self.weights))
        return np.where(scores == SEEN, SEEN, chances)


def train(ratings: Ratings, fit_until: float, calibrate_from: float) -> ItemModel:
    """
    A model from the first `fit_until` of time; its calibration is learnt inside that part, on [`calibrate_from`,
    `fit_until`).

    For the calibration a first model sees only what came before `calibrate_from`, so it is judged on ratings it never
    saw.
    """
    cut, earlier = ratings.time_at(fit_until), ratings.time_at(calibrate_from)
    tail = windows(ratings, start=earlier, end=cut)
    weights = _calibrate(fold_in(fit_similarity(ratings, earlier), [w.history for w in tail]), tail)
    return ItemModel(fit_similarity(ratings, cut), weights)


def _features(scores: np.ndarray, histories: list[np.ndarray]) -> np.ndarray:
    """
    What the chance depends on: the score, the score of the user's tenth film, the length of the history; as logarithms.
    """
    tenth = -np.partition(-scores, 9, axis=1)[:, 9]
    size = np.array([len(history) for history in histories], dtype=np.float64)
    features = np.empty((*scores.shape, 4))
    features[..., 0] = 1.0
    features[..., 1] = np.log(np.maximum(scores, SCORE_FLOOR))
    features[..., 2] = np.log(np.maximum(tenth, SCORE_FLOOR))[:, None]
    features[..., 3] = np.log(size)[:, None]
    return features


def _calibrate(scores: np.ndarray, tail: list[Window]) -> np.ndarray:
    """Weights of the logistic regression of `rated among the next five` on `_features`."""
    rated = np.zeros(scores.shape, dtype=bool)
    for row, window in enumerate(tail):
        rated[row, window.following] = True
    used = scores > 0
    features = _features(scores, [window.history for window in tail])[used]
    outcome = rated[used].astype(np.float64)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = features @ weights
        gradient = features.T @ (1.0 / (1.0 + np.exp(-margin)) - outcome)
        return float(np.logaddexp(0.0, margin).sum() - outcome @ margin), gradient

    return scipy.optimize.minimize(loss, np.zeros(4), jac=True, method="BFGS").x
