"""Small random instances that mix every kind of goal, scope and column."""

from __future__ import annotations

from typing import Any

import numpy as np

from .instance import Campaign, Instance

DAY = 86_400_000_000
SCOPES = ("campaign", "artist", "label", "licensor", "market", "surface", "all")
MARKETS, SURFACES = ("SE", "DE", "BR"), ("radio", "mix")


KINDS = ("cap", "floor", "target", "share", "guardrail")


def random_instance(seed: int, kinds: tuple[str, ...] = KINDS) -> Instance:
    """The instance of a seed: 5 to 60 opportunities, 2 to 8 campaigns, goals of some kinds."""
    g = np.random.default_rng(seed)

    def chance(p: float) -> bool:
        return bool(g.random() < p)

    opportunities, count = int(g.integers(5, 61)), int(g.integers(2, 9))
    campaigns = [random_campaign(g, k) for k in range(count)]

    rows: list[tuple[int, int]] = []
    organics = int(g.integers(0, 4))
    for o in range(opportunities):
        own = g.permutation(count)[: int(g.integers(1, count + 1))]
        rows += [(o, -1)] * organics + [(o, int(k)) for k in np.sort(own)]
    opportunity, campaign = np.array(rows, np.int64).T.copy()
    n = len(rows)

    promoted = (campaign >= 0).astype(np.float32)
    value = g.gamma(2.0, 0.5, n).astype(np.float32) * promoted
    if chance(0.2):
        value = np.round(value, 1).astype(np.float32)  # ties
    measures = {"value": value, "stream": (g.random(n) * (g.random(n) < 0.8)).astype(np.float32) * promoted}
    measures["stream"][np.flatnonzero(promoted)[0]] = np.float32(0.5)
    organic = (g.random(n) * 2).astype(np.float32)
    given = chance(0.4)
    if given:
        measures["displacement"] = np.maximum(0, g.normal(0.2, 0.4, n)).astype(np.float32)

    instance = Instance(
        problem={},
        campaigns=campaigns,
        opportunity=opportunity,
        campaign=campaign,
        measures=measures,
        slots=g.integers(0 if chance(0.1) else 1, 4, opportunities),
        weight=np.ones(opportunities) if chance(0.5) else np.round(g.uniform(0.2, 5, opportunities), 2),
        organic=organic,
        market=[str(m) for m in g.choice(MARKETS, opportunities)],
        surface=[str(s) for s in g.choice(SURFACES, opportunities)],
        time=g.integers(0, 10 * DAY, opportunities),
        traffic=1.0 if chance(0.5) else float(np.round(g.uniform(0.5, 20), 1)),
        shift=0 if chance(0.7) else int(g.integers(-3, 4)) * DAY,
    )
    add_goals(g, instance, kinds)
    return instance


def random_campaign(g: np.random.Generator, k: int) -> Campaign:
    """Parties, flight and segments; goals come with the scale of the instance."""

    def some(values: list[str]) -> str | None:
        return None if g.random() < 0.15 else str(g.choice(values))

    out = Campaign(
        f"c{k}", artist=some(["a0", "a1", "a2"]), label=some(["l0", "l1"]), licensor=some(["g0", "g1", "g2"])
    )
    if g.random() < 0.25:
        out.markets = [str(m) for m in g.permutation(MARKETS)[: int(g.integers(1, 3))]]
    if g.random() < 0.2:
        out.surfaces = [str(g.choice(SURFACES))]
    if g.random() < 0.25:
        out.start = int(g.integers(0, 5)) * DAY
        out.end = out.start + int(g.integers(1, 8)) * DAY
    return out


def add_goals(g: np.random.Generator, instance: Instance, kinds: tuple[str, ...]) -> None:
    """Own goals for about half of the campaigns, and one to five goals of the problem."""
    omega = instance.weight * instance.traffic
    total = float(omega @ np.minimum(instance.slots, 2))
    each = total / len(instance.campaigns)

    def penalty() -> float:
        return float(np.round(g.choice([0.05, 0.3, 1.0, 5.0]) * g.uniform(0.5, 1.5), 3))

    capped: set[str] = set()
    for campaign in instance.campaigns:
        if g.random() < 0.5:
            campaign.goals.append(("cap", "exposure", float(np.round(each * g.uniform(0.3, 1.5), 2)), None))
            capped.add(campaign.id)
        if g.random() < 0.4:
            floor = each * g.uniform(0.05, 0.28 if campaign.id in capped else 0.9)
            explicit = penalty() if g.random() < 0.7 else None
            campaign.goals.append(("floor", "exposure", float(np.round(floor, 2)), explicit))
        if g.random() < 0.1:
            campaign.goals.append(("target", "stream", float(np.round(each * g.uniform(0.1, 0.5), 2)), penalty()))
        if g.random() < 0.15:
            campaign.goals.append(("cap", "stream", float(np.round(each * g.uniform(0.6, 1.0), 2)), None))

    for campaign in instance.campaigns:
        campaign.goals = [goal for goal in campaign.goals if goal[0] in kinds]
    goals: list[dict[str, Any]] = []
    for _ in range(int(g.integers(1, 6))):
        goals.append(random_goal(g, instance, total, penalty(), kinds))
    instance.problem = {
        "objectives": {"value": 1.0}
        | ({"stream": float(np.round(g.uniform(-0.3, 1.0), 2))} if g.random() < 0.5 else {}),
        "slate": {"slots": 1, "visible": int(g.integers(2, 6))},
        "goals": without_crossed_bounds(goals),
    }


def random_goal(
    g: np.random.Generator, instance: Instance, total: float, penalty: float, kinds: tuple[str, ...]
) -> dict[str, Any]:
    """One goal of one of these kinds, over any scope its kind can have."""
    kind = str(g.choice(kinds))
    if kind == "guardrail":
        scope = str(g.choice(["market", "surface", "all"]))
    else:
        scope = str(g.choice(SCOPES[:-1] if kind == "share" else SCOPES))
    scope = scope if members_of(instance, scope) else "campaign"
    members = members_of(instance, scope)
    # Own goals count exposure and streams: a floor of the table never meets a cap of the problem.
    measure = "value" if scope == "campaign" else str(g.choice(["exposure", "stream", "value"]))
    goal: dict[str, Any] = {"kind": kind, "measure": measure}
    if scope == "all" or g.random() < 0.5 or not members:
        goal["per"] = scope
    else:
        goal["of"] = {scope: str(g.choice(list(members)))}
    part = total / max(1, len(members))
    if kind == "cap":
        goal["at_most"] = float(np.round(part * g.uniform(0.3, 1.2), 2))
        if scope != "campaign" and g.random() < 0.2:
            goal |= {"measure": "displacement", "at_most": float(np.round(0.15 * goal["at_most"], 3))}
    elif kind == "floor":
        goal |= {"at_least": float(np.round(part * g.uniform(0.05, 0.6), 2)), "penalty": penalty}
    elif kind == "target":
        goal |= {"target": float(np.round(part * g.uniform(0.1, 0.9), 2)), "penalty": penalty}
    elif kind == "share":
        even = 1.0 / max(1, len(members))
        sides = g.random()
        if sides < 0.7:
            goal["at_most"] = float(np.round(min(1.0, even * g.uniform(0.8, 1.6)), 3))
        if sides > 0.5:
            goal["at_least"] = float(np.round(even * g.uniform(0.1, 0.55), 3))
        if g.random() < 0.4:
            goal["penalty"] = penalty
    else:
        goal["measure"] = "displacement"
        how = g.random()
        if how < 0.4:
            goal |= {"at_most": float(np.round(g.uniform(0.005, 0.2), 3)), "relative_to": "organic"}
        elif how < 0.7:
            goal |= {"at_most": float(np.round(g.uniform(0.01, 0.4), 3)), "relative_to": "opportunities"}
        else:
            goal["at_most_total"] = float(np.round(total * g.uniform(0.02, 0.4), 2))
        if g.random() < 0.25:
            # A guardrail of what listeners get is one of how much they get.
            goal["measure"] = measure
    return goal


def members_of(instance: Instance, scope: str) -> list[str]:
    """The keys of a scope that occur."""
    if scope == "all":
        return [""]
    if scope in ("market", "surface"):
        return sorted(set(getattr(instance, scope)))
    return sorted({getattr(c, "id" if scope == "campaign" else scope) for c in instance.campaigns} - {None})


def without_crossed_bounds(goals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop goals that would put a floor above a cap of the same ledgers: those are refused, not planned."""
    kept: list[dict[str, Any]] = []
    for goal in goals:
        of = next(iter(goal.get("of", {goal.get("per"): ""})))
        same = [
            k for k in kept if next(iter(k.get("of", {k.get("per"): ""}))) == of and k["measure"] == goal["measure"]
        ]
        kinds = {k["kind"] for k in same} | {goal["kind"]}
        if {"cap", "floor"} <= kinds or (goal["kind"] == "share" and "share" in {k["kind"] for k in same}):
            continue
        kept.append(goal)
    return kept


FAIR = {f"alpha_fair {alpha:g}": alpha for alpha in (0.0, 0.5, 1.0, 2.0, 8.0, 20.0)}
# Each kind alone, all bounds together, fairness alone or beside all bounds, and everything at once.
CASES = (*KINDS, "bounds", *FAIR, "max_min", "mix")


def case_instance(case: str, seed: int) -> Instance:
    """The instance of a seed of one of `CASES`."""
    if case in KINDS:
        return random_instance(seed, (case,))
    instance = random_instance(seed)
    if case == "bounds":
        return instance
    g = np.random.default_rng([seed, 7])
    total = float((instance.weight * instance.traffic) @ np.minimum(instance.slots, 2))
    goals = instance.problem["goals"] if seed % 2 or case == "mix" else []
    if seed % 4 == 0 and case != "mix":
        for campaign in instance.campaigns:
            campaign.goals = []
    for _ in range(int(g.integers(1, 4))):
        kind = str(g.choice(["max_min", *FAIR])) if case == "mix" else case
        goals.append(fairness_goal(g, instance, total, kind.split()[0], FAIR.get(kind)))
    instance.problem["goals"] = goals
    return instance


def fairness_goal(
    g: np.random.Generator, instance: Instance, total: float, kind: str, alpha: float | None
) -> dict[str, Any]:
    """One fairness goal whose worth is of the order of the objectives'."""
    scope = str(g.choice(SCOPES))
    scope = scope if members_of(instance, scope) else "campaign"
    members = members_of(instance, scope)
    part = total / max(1, len(members))
    goal: dict[str, Any] = {"kind": kind, "measure": str(g.choice(["exposure", "stream", "value"]))}
    if scope == "all" or g.random() < 0.7 or not members:
        goal["per"] = scope
    else:
        goal["of"] = {scope: str(g.choice(members))}
    worth = float(g.choice([0.1, 0.5, 2.0]) * g.uniform(0.5, 1.5))
    if kind == "max_min":
        goal["weight"] = float(np.round(worth * max(1, len(members)), 4))
        if "per" in goal and members != [""] and g.random() < 0.6:
            some = g.permutation(members)[: int(g.integers(1, len(members) + 1))]
            goal["weights"] = {str(m): float(np.round(g.uniform(0.3, 3), 2)) for m in some}
        return goal
    assert alpha is not None
    goal["alpha"] = alpha
    offset = float(g.choice([0.0, 1.0, 1.0, 0.2, 10.0])) if alpha < 1 else float(g.choice([1.0, 1.0, 0.2, 10.0]))
    if alpha > 4:
        offset = float(np.round(part * g.uniform(0.5, 2.0), 2))  # otherwise the second unit is worth nothing
    if offset != 1 or g.random() < 0.5:
        goal["offset"] = offset
    # A unit is worth about so much at half an equal share.
    goal["weight"] = float(min(1e12, max(1e-9, worth * (0.5 * part + offset) ** alpha)))
    return goal
