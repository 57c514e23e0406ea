"""`Plan.what_if`: what would come of a change, checked against HiGHS, with the plan left alone."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import equipoise as eq

from .oracle.check import rows
from .oracle.instance import Instance
from .oracle.lp import Relaxation, Row, relax, solve
from .oracle.random_instances import random_instance
from .test_plan import CAMPAIGNS, PROBLEM, log_table


def small(**settings: Any) -> eq.Plan:
    log = eq.Opportunities(log_table(), measures=["stream"])
    settings = {"holdout": 0.0, "progress": False} | settings
    return eq.plan(eq.Problem.from_dict(PROBLEM), log, eq.Campaigns(CAMPAIGNS), **settings)


def test_a_lower_cap_displaces_its_campaign_and_makes_room_for_others() -> None:
    plan = small()
    prices, policy = rows(plan.prices), plan.policy.id
    answer = plan.what_if({"campaigns": {"a": {"cap": 20.0}}})
    assert answer.status == "solved"
    assert answer.certificate.serving is None
    after = {row["key"]: row for row in rows(answer.deliveries) if row["measure"] == "exposure"}
    assert after["a"]["before"] == pytest.approx(40.0, rel=1e-3)
    assert after["a"]["after"] == pytest.approx(20.0, rel=1e-3)
    displaced = rows(answer.displaced)
    assert displaced[0]["key"] == "a"
    assert all(row["difference"] == pytest.approx(row["after"] - row["before"]) for row in displaced)
    least, most = answer.value_difference
    assert least <= most < 0
    assert (rows(plan.prices), plan.policy.id) == (prices, policy), "the plan is not touched"
    assert "rows displaced" in repr(answer)


def test_a_paused_campaign_gets_nothing() -> None:
    answer = small().what_if({"campaigns": {"b": {"paused": True}}})
    own = {row["measure"]: row for row in rows(answer.deliveries) if row["key"] == "b"}
    assert own["exposure"]["before"] >= 30.0 - 1e-6
    assert own["exposure"]["after"] == 0.0


def test_the_sample_is_the_plan_s_own() -> None:
    fresh = eq.Opportunities(log_table(seed=2), measures=["stream"])
    for settings in ({"holdout": 0.4, "seed": 7}, {"traffic": 3.0}, {"fresh": fresh}):
        plan = small(**settings)
        answer = plan.what_if({})
        assert answer.status == "solved"
        assert answer.certificate.passes <= 1
        assert answer.certificate.upper_bound == pytest.approx(plan.certificate.upper_bound, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"campaigns": {"z": {"cap": 1}}}, "invalid_input.unknown_campaign", '"z"'),
        ({"goals": {"goals[3]": {"at_most": 1}}}, "invalid_input.unknown_name", "guardrail displacement in all"),
        ({"objectives": {"save": 1}}, "invalid_input.unknown_name", '"stream"'),
        ({"campaigns": {"b": {"cap": 1}}}, "goal.floor_above_cap", "b"),
        ({"campaigns": {"b": {"caps": 1}}}, "invalid_input.syntax", "caps"),
        ({"goal": {}}, "invalid_input.syntax", "goal"),
        ([], "invalid_input.type", "dict"),
        ({"campaigns": {"a": {"cap": float("nan")}}}, "invalid_input.not_finite", "changes.campaigns.a.cap"),
    ],
)
def test_errors_name_what_is_wrong(changes: Any, code: str, words: str) -> None:
    with pytest.raises(eq.Error, match=r".") as error:
        small().what_if(changes)
    assert error.value.code == code
    assert words in str(error.value)


def changed(instance: Instance, seed: int) -> tuple[Instance, dict[str, Any]]:
    """An instance with some own goals changed, and the same as changes."""
    g = np.random.default_rng(seed)
    out, changes = copy.deepcopy(instance), {}
    for campaign in out.campaigns:
        for i, (kind, measure, amount, penalty) in enumerate(campaign.goals):
            if measure == "exposure" and kind == "cap" and g.random() < 0.6:
                amount = round(amount * float(g.uniform(1.0, 1.4)), 3)  # noqa: PLW2901
                campaign.goals[i] = (kind, measure, amount, penalty)
                changes[campaign.id] = {"cap": amount}
    return out, {"campaigns": changes}


def bound_at(lp: Relaxation, prices: list[dict[str, Any]]) -> float:
    """The dual bound of an LP at the prices that an answer states."""
    net, paid, left = lp.value.copy(), 0.0, list(prices)

    def prices_of(row: Row, stated: dict[str, Any]) -> bool:
        if (stated["scope"], stated["kind"], stated["measure"]) != (row.name, row.kind, row.measure):
            return False
        if row.kind == "share":
            # A goal of one side does not name it; its price does.
            return stated["price"] >= 0 and "least" not in stated["goal"] if row.high == 0 else stated["price"] <= 0
        return any(stated["bound"] == pytest.approx(bound, rel=1e-9) for bound in (row.low, row.high))

    for row in lp.rows:
        found = next(stated for stated in left if prices_of(row, stated))
        left.remove(found)
        price = found["price"]
        assert row.penalty is None or abs(price) <= row.penalty * (1 + 1e-9)
        net -= price * row.coefficient
        paid += price * row.high if price > 0 else price * row.low if price < 0 else 0.0
    assert not left
    net = np.maximum(net, 0.0) * lp.upper
    for t, slots in enumerate(lp.slots.tolist()):
        paid += float(np.sort(net[lp.opportunity == t])[::-1][:slots].sum())
    return paid


@pytest.mark.parametrize("seed", range(40))
def test_answers_agree_with_highs(seed: int) -> None:
    before = random_instance(seed)
    after, changes = changed(before, seed)
    answer = before.plan(tolerance=1e-4).what_if(changes)
    optimum = solve(relax(after))
    assert optimum is not None
    c = answer.certificate
    slack = 1e-7 * max(1.0, abs(c.upper_bound))
    assert c.value - slack <= optimum.objective <= c.upper_bound + slack
    assert answer.status == "solved", (answer, rows(answer.conflicts))
    assert bound_at(relax(after), rows(answer.prices)) == pytest.approx(c.upper_bound, rel=1e-6)
