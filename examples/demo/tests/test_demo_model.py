"""The item model learns from before the cut only, and a user's chances come from what that user has rated so far."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("implicit", reason="the demo's requirements are not installed (examples/demo/requirements.txt)")

from model import SEEN, train
from opportunities import windows


@pytest.fixture(scope="module")
def model(ratings):
    return train(ratings, fit_until=0.6, calibrate_from=0.5)


def test_ratings_after_the_cut_change_nothing(ratings, model):
    later = ratings.time >= ratings.time_at(0.6)
    shuffled = ratings.film.copy()
    shuffled[later] = np.random.default_rng(5).permutation(shuffled[later])
    other = train(replace(ratings, film=shuffled), fit_until=0.6, calibrate_from=0.5)
    assert (model.similarity != other.similarity).nnz == 0
    assert np.array_equal(model.weights, other.weights)


def test_calibration_is_learnt_on_ratings_its_model_never_saw(ratings, model):
    tail = (ratings.time >= ratings.time_at(0.5)) & (ratings.time < ratings.time_at(0.6))
    blind = ratings.film.copy()
    blind[tail] = np.random.default_rng(5).integers(0, len(ratings.films), size=int(tail.sum()))
    other = train(replace(ratings, film=blind), fit_until=0.6, calibrate_from=0.5)
    assert abs(other.weights[1]) < 0.25 * model.weights[1]  # scores say nothing about films drawn blindly


def test_chances_are_chances_and_seen_films_are_marked(ratings, model):
    found = windows(ratings, ratings.time_at(0.6), int(ratings.time[-1]))[:50]
    chances = model.chances([window.history for window in found])
    for row, window in enumerate(found):
        unseen = np.ones(len(ratings.films), dtype=bool)
        unseen[window.history] = False
        assert (chances[row, window.history] == SEEN).all()
        assert ((chances[row, unseen] > 0.0) & (chances[row, unseen] < 1.0)).all()


def test_one_users_chances_do_not_depend_on_the_others(ratings, model):
    histories = [window.history for window in windows(ratings, ratings.time_at(0.6), int(ratings.time[-1]))[:20]]
    assert np.array_equal(model.chances(histories)[7], model.chances([histories[7]])[0])
