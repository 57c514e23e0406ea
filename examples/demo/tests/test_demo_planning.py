"""The task as equipoise gets it, and re-planning, which knows nothing of what is yet to come."""

from dataclasses import replace

import equipoise as eq
import numpy as np
import pytest
import replanning
from campaigns import SLOTS, choose
from opportunities import DEPTH, score, windows
from outcome import measure
from planning import Log, plan, whole
from replanning import remaining, replanned
from serving import OneByOne, serve
from slate import NOBODY, pick

HALF = 150


@pytest.fixture(scope="module")
def task(ratings):
    """300 opportunities with chances that have nothing to do with taste, and campaigns for half of them."""
    cut = ratings.time_at(0.6)
    found = windows(ratings, cut, int(ratings.time[-1]))[: 2 * HALF]
    campaigns = choose(ratings, cut, HALF)
    chances = np.random.default_rng(2).uniform(0.005, 0.05, size=(len(found), len(ratings.films)))
    for row, window in enumerate(found):
        chances[row, window.history] = -1.0
    return score(found, chances, campaigns), campaigns


@pytest.fixture(scope="module")
def log(task):
    return Log(*task)


@pytest.fixture(scope="module")
def planned(log, task):
    return plan(log, slice(0, HALF), whole(task[1], 0.02), traffic=1.0)


def test_the_log_has_each_film_of_an_opportunity_once(log, task):
    opportunities, campaigns = task
    for turn in (0, 17, 2 * HALF - 1):
        rows = log.rows(slice(turn, turn + 1))
        assert rows["item"].n_unique() == len(rows) == rows["organic"].len()
        assert rows["item"][:DEPTH].to_list() == opportunities.organic_film[turn].tolist()
        offered = {campaigns.names[c] for c in np.flatnonzero(~np.isnan(opportunities.chance[turn]))}
        assert set(rows["campaign"].drop_nulls()) == offered
        assert rows["opportunity_id"].unique().to_list() == [opportunities.windows[turn].name]


def test_the_plan_meets_its_goals_on_its_half(planned):
    assert planned.status == "solved"
    assert planned.certificate.worst_violation <= 1e-6


def test_replay_requests_and_the_numpy_rule_agree(planned, log, task):
    opportunities, _ = task
    flight = slice(HALF, None)
    served = serve(planned.policy, log, flight)
    assert (served.picks != NOBODY).any()
    assert np.array_equal(pick(served.scores, opportunities.part(flight).chance), served.picks)
    assert OneByOne(planned.policy, log, flight).agreement(served.replay) == HALF


def test_explanations_add_up(planned, log):
    request = OneByOne(planned.policy, log, slice(HALF, None)).score(3)
    explanation = request.explain(int(request.picks[0]))
    assert isinstance(explanation, eq.Explanation)
    total = 0.0
    for _name, _kind, amount in explanation.terms:
        total += amount
    assert total == explanation.total == float(request.scores[request.picks[0]])


def test_what_remains_is_the_goals_less_what_was_given(task):
    opportunities, campaigns = task
    served = opportunities.part(slice(HALF, None))
    picks = np.full((HALF, SLOTS), NOBODY)
    where = np.flatnonzero(~np.isnan(served.chance[:60, 5]))[:4]
    picks[where, 0] = 5
    left = remaining(served, picks, 60, campaigns, 0.01, forecast=served)
    assert left.cap[5] == max(0.0, campaigns.cap[5] - 4)
    assert left.floor[5] == max(0.0, campaigns.floor[5] - 4)
    assert np.array_equal(np.delete(left.cap, 5), np.delete(campaigns.cap, 5))
    assert left.decades[campaigns.decade[5]] == max(0.0, campaigns.decade_floor - 4)
    organic = served.organic_value[:60].sum() + 90 * served.organic_value.mean()
    spent = served.displacement[where, 5].sum()
    assert left.guardrail == {"at_most_total": pytest.approx(0.01 * organic - spent)}


def test_re_planning_keeps_caps_and_looks_back_only(task, monkeypatch):
    monkeypatch.setattr(replanning, "REPLANS", 3)
    opportunities, campaigns = task
    picks, plans = replanned(Log(opportunities, campaigns), HALF, campaigns, 0.02)
    assert len(plans) == 3
    assert measure(opportunities.part(slice(HALF, None)), campaigns, picks).over == 0

    known = HALF + 110  # two of the three parts are served by then
    fee = opportunities.fee.copy()
    fee[known:] = 0.0
    changed = replace(opportunities, fee=fee)
    again, _ = replanned(Log(changed, campaigns), HALF, campaigns, 0.02)
    assert np.array_equal(again[:110], picks[:110])
    assert not np.array_equal(again[110:], picks[110:])
