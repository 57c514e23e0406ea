"""The judge of instances that the shared judge does not cover: weights, further ledgers, soft floors.

Violations are measured as the project's DESIGN section 2 does: excess / max(1, |bound|), for a share
excess / max(1, D / parties).
"""

import numpy as np

UNBOUNDED = 1e12


def weights(instance: dict) -> np.ndarray:
    """The weight of every candidate's opportunity."""
    count = np.diff(instance["ptr"])
    return np.repeat(instance.get("weight", np.ones(count.size)), count)


def judge(instance: dict, x: np.ndarray) -> dict:
    """What an answer is worth without and with penalties, and its largest violation of each family of goals."""
    ends, weight = instance["ptr"], weights(instance)
    groups, campaigns = instance["ghi"].size, instance["cap"].size
    x = np.asarray(x, float)
    weighted = x * weight
    campaign = np.bincount(instance["camp"], weighted, campaigns)
    group = np.bincount(instance["group"], campaign, groups)
    total = campaign.sum()
    used = np.concatenate([[0], np.cumsum(x)])
    used = used[ends[1:]] - used[ends[:-1]]
    budget = float(instance["budget"][0])
    excess = {
        "box": max(0.0, -x.min(initial=0), x.max(initial=0) - 1),
        "slots": ((used - instance["slots"]) / np.maximum(1, instance["slots"])).max(),
        "cap": _excess(campaign, instance["cap"]),
        "floor": ((instance["floor"] - campaign) / np.maximum(1, instance["floor"])).max(),
        "share": max((group - instance["ghi"] * total).max(), (instance["glo"] * total - group).max())
        / max(1, total / groups),
        "guardrail": _excess(np.array([(instance["loss"].astype(float) * weighted).sum()]), np.array([budget])),
    }
    short = np.maximum(0, instance["floor"] - campaign)
    soft = floor_penalty(instance) * float(short.sum())
    if "ycap" in instance:
        streams = np.bincount(instance["camp"], instance["coef"] * weighted, campaigns)
        excess["stream cap"] = _excess(streams, instance["ycap"])
    utility = 0.0
    for goal in instance.get("goals", []):
        delivered = _delivered(instance, goal, weighted, campaign)
        if "at_most" in goal or "at_most_total" in goal:
            bound = np.array([goal.get("at_most", goal.get("at_most_total"))])
            excess[goal["kind"]] = max(excess.get(goal["kind"], 0), _excess(delivered, bound))
        elif goal["kind"] == "target":
            soft += goal["penalty"] * float(abs(delivered - goal["target"]).sum())
        elif goal["kind"] == "alpha_fair":
            utility += goal["weight"] * float(_fairness(delivered, goal["alpha"], goal.get("offset", 1.0)).sum())
        elif goal["kind"] == "max_min":
            utility += goal["weight"] * float(delivered[_supplied(instance)].min())
        else:
            raise NotImplementedError(goal["kind"])
    value = float(instance["val"].astype(float) @ weighted)
    value += utility
    return {"value": value, "penalties": soft, **{name: max(0.0, float(v)) for name, v in excess.items()}}


def _delivered(instance: dict, goal: dict, weighted: np.ndarray, campaign: np.ndarray) -> np.ndarray:
    """What each ledger of a goal receives: one for `of`, one for each key for `per`."""
    if "per" in goal:
        keys = instance[{"licensor": "group"}.get(goal["per"], goal["per"])]
        return np.bincount(keys, campaign)
    kind, key = next(iter(goal["of"].items()))
    if kind == "market":
        here = np.repeat(instance["market"] == int(key[1:]), np.diff(instance["ptr"]))
        amount = {"displacement": instance["loss"], "exposure": np.ones(1), "stream": instance.get("coef")}[
            goal["measure"]
        ]
        return np.array([(amount.astype(float) * weighted)[here].sum()])
    return np.array([campaign[instance[kind] == int(key[1:])].sum()])


def _supplied(instance: dict) -> np.ndarray:
    """The licensors that have a candidate in the log; a max_min leaves the others out."""
    return np.unique(instance["group"][np.unique(instance["camp"])])


def _fairness(delivered: np.ndarray, alpha: float, offset: float) -> np.ndarray:
    """The utility of alpha-fairness for a weight of 1: 0 where nothing is delivered."""
    if alpha == 1:
        return np.log(delivered + offset) - np.log(offset)
    return ((delivered + offset) ** (1 - alpha) - offset ** (1 - alpha)) / (1 - alpha)


def _excess(delivered: np.ndarray, bound: np.ndarray) -> float:
    over = (delivered - bound) / np.maximum(1, bound)
    return float(np.where(bound < UNBOUNDED, over, 0).max())


def floor_penalty(instance: dict) -> float:
    """The planner's default penalty of a floor on exposure: 10 times the largest value of a candidate."""
    return 10 * float(instance["val"].max(initial=0))
