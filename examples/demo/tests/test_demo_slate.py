"""The slate rule by which every method is served, and what outcomes count."""

import numpy as np
import pytest
from baselines import BASELINES, best_for_floors, best_within_guardrail, sweep
from campaigns import FIRST_PLACE, MIN_GAP, MISSING_PLACE, SLOTS, VISIBLE, choose
from opportunities import score, windows
from outcome import measure
from slate import NOBODY, pick, pick_in_turn, slates


@pytest.fixture(scope="module")
def task(ratings):
    cut = ratings.time_at(0.6)
    found = windows(ratings, cut, int(ratings.time[-1]))[:200]
    campaigns = choose(ratings, cut, len(found))
    chances = np.random.default_rng(2).uniform(0.01, 0.1, size=(len(found), len(ratings.films)))
    for row, window in enumerate(found):
        chances[row, window.history] = -1.0
    return score(found, chances, campaigns), campaigns


def test_picks_are_the_highest_scores_above_zero():
    organic = np.full(5, 0.1)
    assert pick(np.array([0.1, 0.4, -0.2, 0.3, 0.2]), organic).tolist() == [1, 3]
    assert pick(np.array([0.0, 0.4, -0.2, 0.0, -1.0]), organic).tolist() == [1, NOBODY]
    assert pick(np.array([np.nan, -0.4, np.nan, 0.1, np.nan]), organic).tolist() == [3, NOBODY]


def test_ties_go_to_the_higher_organic_score_then_to_the_lower_index():
    assert pick(np.array([0.3, 0.3, 0.3]), np.array([0.1, 0.2, 0.1])).tolist() == [1, 0]
    assert pick(np.array([0.3, 0.3, 0.3]), np.array([0.1, 0.1, np.nan])).tolist() == [0, 1]


def test_slates_hold_ten_different_films_with_picks_in_their_places(task):
    opportunities, campaigns = task
    picks = pick(opportunities.chance - opportunities.reference[:, None] + 0.03, opportunities.chance)
    assert (picks != NOBODY).any(axis=0).all()
    assert (picks == NOBODY).any()
    films, chances = slates(opportunities, picks, campaigns.film)
    places = [FIRST_PLACE - 1 + slot * MIN_GAP for slot in range(SLOTS)]
    for turn in range(len(opportunities)):
        assert len(set(films[turn].tolist())) == VISIBLE
        promoted = [campaigns.film[who] for who in picks[turn] if who != NOBODY]
        assert [films[turn, place] for place in places[: len(promoted)]] == promoted
        others = [film for film in opportunities.organic_film[turn] if film not in promoted]
        kept = [film for film in films[turn] if film not in promoted]
        assert kept == others[: len(kept)]
        known = dict(zip(opportunities.organic_film[turn], opportunities.organic[turn], strict=True))
        known.update(zip(campaigns.film, opportunities.chance[turn], strict=True))
        assert chances[turn].tolist() == [known[film] for film in films[turn]]


def test_without_picks_the_slate_is_the_organic_one(task):
    opportunities, campaigns = task
    outcome = measure(opportunities, campaigns, np.full((len(opportunities), SLOTS), NOBODY))
    assert outcome.loss == pytest.approx(0.0, abs=1e-12)
    assert outcome.displaced == outcome.value == outcome.over == outcome.places == 0
    assert outcome.missing == campaigns.floor.sum() + 5 * campaigns.decade_floor
    assert outcome.floors_met == 0


def test_counted_methods_stop_at_the_cap(task):
    opportunities, campaigns = task
    picks = pick_in_turn(opportunities, campaigns.cap, lambda turn, _delivered: opportunities.chance[turn])
    delivered = np.bincount(picks[picks != NOBODY], minlength=len(campaigns))
    assert (delivered <= campaigns.cap).all()
    assert (delivered == campaigns.cap).any()


def test_fees_are_paid_up_to_the_cap_in_time_order(task):
    opportunities, campaigns = task
    picks = np.full((len(opportunities), SLOTS), NOBODY)
    turns = np.flatnonzero(~np.isnan(opportunities.chance[:, 0]))[: int(campaigns.cap[0]) + 3]
    picks[turns, 0] = 0
    outcome = measure(opportunities, campaigns, picks)
    assert outcome.over == 3
    assert outcome.value == pytest.approx(opportunities.fee[turns[:-3], 0].sum(dtype=np.float64))
    assert outcome.net == pytest.approx(outcome.value - MISSING_PLACE * outcome.missing)


@pytest.mark.parametrize("method", BASELINES, ids=lambda method: method.name)
def test_tuning_keeps_the_guardrail_and_floors_come_first_where_asked(task, method):
    opportunities, campaigns = task
    tried = sweep(method, opportunities, campaigns, method.knobs)
    outcomes = dict(tried)
    careful, eager = best_within_guardrail(tried, 0.01), best_for_floors(tried)
    assert outcomes[careful].displaced <= 0.01
    assert outcomes[eager].missing <= outcomes[careful].missing
