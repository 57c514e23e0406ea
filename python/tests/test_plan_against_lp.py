"""Plans of random small instances against an independent LP solver (HiGHS)."""

from __future__ import annotations

from collections import Counter

import pytest

from .oracle.check import faults
from .oracle.lp import relax
from .oracle.random_instances import random_instance

SEEDS = range(240)


@pytest.mark.parametrize("seed", SEEDS)
def test_bound_value_and_decisions_agree_with_the_lp(seed: int) -> None:
    instance = random_instance(seed)
    lp = relax(instance)
    plan = instance.plan(tolerance=1e-4)
    found = faults(lp, plan, 1e-4)
    assert not found, "\n".join([f"seed {seed}", *found, str(instance.problem), str(plan), *plan.notes])


def test_the_instances_cover_every_kind_scope_and_column() -> None:
    kinds: Counter[str] = Counter()
    for seed in SEEDS:
        instance = random_instance(seed)
        for row in relax(instance).rows:
            kinds[row.kind] += 1
            kinds[f"{row.kind} {row.measure}"] += 1
            kinds[row.name.split("=")[0]] += 1
            kinds["hard" if row.penalty is None else "soft"] += 1
            kinds["soft share"] += row.kind == "share" and row.penalty is not None
        for goal in instance.problem["goals"]:
            kinds[goal.get("relative_to", "absolute")] += 1
            kinds[goal["measure"]] += 1
        kinds["weights"] += bool((instance.weight != 1).any())
        kinds["traffic"] += instance.traffic != 1
        kinds["shift"] += instance.shift != 0
        kinds["several slots"] += bool((instance.slots > 1).any())
        kinds["no slots"] += bool((instance.slots == 0).any())
        kinds["flights"] += any(c.start is not None for c in instance.campaigns)
        kinds["markets"] += any(c.markets is not None for c in instance.campaigns)
        kinds["displacement given"] += "displacement" in instance.measures
        kinds["displacement computed"] += "displacement" not in instance.measures
    wanted = [
        "cap",
        "floor",
        "target",
        "share",
        "guardrail",
        "campaign",
        "artist",
        "label",
        "licensor",
        "market",
        "surface",
    ]
    wanted += [
        "all",
        "hard",
        "soft",
        "soft share",
        "organic",
        "opportunities",
        "absolute",
        "exposure",
        "stream",
        "value",
    ]
    wanted += ["displacement", "weights", "traffic", "shift", "several slots", "no slots", "flights", "markets"]
    wanted += ["displacement given", "displacement computed"]
    wanted += [f"guardrail {measure}" for measure in ("displacement", "exposure", "stream", "value")]
    wanted += ["cap displacement"]
    rare = {name: kinds[name] for name in wanted if kinds[name] < 10}
    assert not rare, rare
