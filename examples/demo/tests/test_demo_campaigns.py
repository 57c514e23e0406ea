"""Campaigns are chosen from the training data alone, and their goals are stated for the half that is served."""

from dataclasses import replace

import numpy as np
from campaigns import DECADES, TIERS, choose


def test_ratings_after_the_cut_choose_nothing(ratings):
    cut = ratings.time_at(0.6)
    later = ratings.time >= cut
    film = ratings.film.copy()
    film[later] = film[later][::-1]
    assert choose(replace(ratings, film=film), cut, 1000).names == choose(ratings, cut, 1000).names


def test_every_decade_has_two_films_of_every_tier(ratings):
    campaigns = choose(ratings, ratings.time_at(0.6), 1000)
    assert len(set(campaigns.film.tolist())) == len(set(campaigns.names)) == len(campaigns) == 30
    for decade, name in enumerate(DECADES):
        mine = campaigns.decade == decade
        assert np.bincount(campaigns.tier[mine]).tolist() == [2, 2, 2]
        assert {ratings.films[film].decade for film in campaigns.film[mine]} == {name}


def test_goals_grow_with_the_served_half_and_can_be_met_together(ratings):
    cut = ratings.time_at(0.6)
    one, two = choose(ratings, cut, 1000), choose(ratings, cut, 2000)
    assert one.cap.tolist() == [float(TIERS[tier].cap) for tier in one.tier]
    assert (two.cap == 2 * one.cap).all()
    assert (two.floor == 2 * one.floor).all()
    assert (one.floor <= one.cap).all()
    assert (np.bincount(one.decade, weights=one.cap) >= one.decade_floor).all()
    assert one.floors == 20 + len(DECADES)


def test_shortfalls_count_campaigns_then_decades(ratings):
    campaigns = choose(ratings, ratings.time_at(0.6), 1000)
    assert campaigns.shortfalls(campaigns.cap).sum() == 0.0
    nothing = campaigns.shortfalls(np.zeros(len(campaigns)))
    assert nothing.tolist() == [*campaigns.floor, *[campaigns.decade_floor] * len(DECADES)]
