"""
Opportunities look forward only: nothing of what a user rates later is in a history, and each later rating is asked for
once.
"""

from itertools import pairwise

import numpy as np
import pytest
from campaigns import SLOTS, VISIBLE, choose
from opportunities import DEPTH, FOLLOWING, HISTORY, score, windows


@pytest.fixture(scope="module")
def cut(ratings):
    return ratings.time_at(0.6)


@pytest.fixture(scope="module")
def found(ratings, cut):
    return windows(ratings, start=cut, end=int(ratings.time[-1]) + 1)


def test_they_start_after_the_training_data(ratings, found, cut):
    when = {(user, film): time for user, film, time in zip(ratings.user, ratings.film, ratings.time, strict=True)}
    assert len(found) > 100
    for window in found:
        later = [when[window.user, film] for film in window.following]
        earlier = [when[window.user, film] for film in window.history]
        assert min(later) >= cut
        assert max(earlier) <= min(later) == window.time


def test_history_and_following_share_no_film(found):
    for window in found:
        assert len(window.history) >= HISTORY
        assert 1 <= len(window.following) <= FOLLOWING
        assert not np.isin(window.history, window.following).any()


def test_each_later_rating_is_asked_for_exactly_once(ratings, found, cut):
    asked = sorted((window.user, film) for window in found for film in window.following)
    assert len(asked) == len(set(asked))
    wanted = []
    for user in range(ratings.users):
        rows = np.flatnonzero(ratings.user == user)
        rows = rows[HISTORY:]
        wanted += [(user, film) for film in ratings.film[rows[ratings.time[rows] >= cut]]]
    assert asked == sorted(wanted)


def test_they_are_in_time_order_with_names_of_their_own(found):
    assert all(one.time <= next_.time for one, next_ in pairwise(found))
    assert len({window.name for window in found}) == len(found)


def test_nothing_reaches_past_an_end(ratings, found, cut):
    when = {(user, film): time for user, film, time in zip(ratings.user, ratings.film, ratings.time, strict=True)}
    end = next(w.time + 1 for w in found if when[w.user, w.following[-1]] > w.time + 1)
    before = windows(ratings, cut, end)
    assert [w.name for w in before] == [w.name for w in found if w.time < end]
    assert max(when[w.user, film] for w in before for film in w.following) < end
    assert sum(len(w.following) for w in before) < sum(len(w.following) for w in found if w.time < end)


def test_scoring_ranks_unseen_films_and_marks_seen_ones(ratings, found, cut):
    rng = np.random.default_rng(1)
    some = found[:40]
    chances = rng.uniform(0.01, 0.2, size=(len(some), len(ratings.films)))
    for row, window in enumerate(some):
        chances[row, window.history] = -1.0
    campaigns = choose(ratings, cut, opportunities=1000)
    scored = score(some, chances, campaigns)
    assert scored.organic_film.shape == (40, DEPTH)
    assert (np.diff(scored.organic, axis=1) <= 0).all()
    assert (scored.organic > 0).all()
    for row, window in enumerate(some):
        assert not np.isin(scored.organic_film[row], window.history).any()
        assert np.array_equal(np.isnan(scored.chance[row]), np.isin(campaigns.film, window.history))
        shown = scored.organic[row, :VISIBLE].astype(np.float64)
        assert scored.reference[row] == shown[-SLOTS:].mean()
        assert scored.organic_value[row] == pytest.approx(shown.sum())
    assert np.nanmin(scored.displacement) >= 0.0
