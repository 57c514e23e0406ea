"""Instances of many shapes, seeded: what the sweep plans beside the four sizes.

An instance is a dict of arrays as the generator of the shared cases writes them, with more that may be absent: `weight`
by opportunity, `artist` and `label` by campaign with `goals`, further goals as the problem file has them. All are
feasible by construction (a fractional reference point keeps every bound with a margin) unless the shape says otherwise.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

NO_BUDGET = 1e30


@dataclass(frozen=True)
class Shape:
    """What an instance looks like; the defaults are a small relative of the profile `full`."""

    name: str
    opportunities: int = 10_000
    campaigns: int = 200
    candidates: tuple[int, int] = (13, 28)  # draws per opportunity, before doubles are dropped
    zipf: float = 0.8  # popularity of campaign k goes as k^-zipf
    slots: tuple[int, ...] = (1, 1, 2)  # drawn with equal chance
    values: str = "taste"  # taste | equal | few | flat (per campaign only) | lognormal (spans six decades)
    scale: float = 1.0  # multiplies all values
    tight: float = 0.55  # fraction of campaigns whose cap is below what they would get unpriced
    floors: float = 0.3  # fraction of campaigns with a floor
    groups: int = 5
    shares: bool = True
    guardrail: bool = True
    caps: bool = True
    weights: float = 0.0  # decades that the weights of opportunities span
    ledgers: bool = False  # caps per artist and label and a target per label besides
    fair: float | None = None  # alpha of a fairness over licensors, worth about a tenth of the value; infinite: max_min
    streams: float = 0.0  # fraction of campaigns with a cap on expected streams
    infeasible: bool = False  # floors at three times what supply allows


BASE = Shape("base")
BARE = replace(BASE, shares=False, guardrail=False, floors=0.0)  # caps alone
SHAPES = [
    BASE,
    replace(BASE, name="5-candidates", candidates=(5, 5)),
    replace(BASE, name="1-candidate", candidates=(1, 2)),
    replace(BASE, name="40-candidates", candidates=(30, 50), opportunities=5_000),
    replace(BASE, name="200-candidates", candidates=(150, 250), opportunities=1_500, campaigns=1_000),
    replace(BASE, name="2000-candidates", candidates=(1_500, 2_500), opportunities=200, campaigns=10_000),
    replace(BASE, name="10-campaigns", campaigns=10, candidates=(3, 8), groups=2),
    replace(BASE, name="2-campaigns", campaigns=2, candidates=(1, 3), groups=1, shares=False),
    replace(BASE, name="5k-campaigns", campaigns=5_000, opportunities=20_000, groups=40),
    replace(BASE, name="100k-campaigns", campaigns=100_000, opportunities=20_000, groups=100),
    replace(BASE, name="1M-campaigns", campaigns=1_000_000, opportunities=30_000, groups=100),
    replace(BASE, name="uniform-popularity", zipf=0.0),
    replace(BASE, name="zipf-1.5", zipf=1.5),
    replace(BASE, name="zipf-3", zipf=3.0),
    replace(BASE, name="all-equal", values="equal"),
    replace(BASE, name="all-equal-caps-only", values="equal", floors=0.0, shares=False, guardrail=False),
    replace(BASE, name="three-values", values="few"),
    replace(BASE, name="value-per-campaign", values="flat"),
    replace(BASE, name="lognormal-values", values="lognormal"),
    replace(BASE, name="tiny-values", scale=1e-7),
    replace(BASE, name="huge-values", scale=1e7),
    replace(BASE, name="infeasible-floors", infeasible=True),
    replace(BASE, name="infeasible-floors-5k", infeasible=True, campaigns=5_000, opportunities=20_000),
    replace(BASE, name="4-slots", slots=(1, 2, 3, 4)),
    replace(BASE, name="20-slots", slots=(20,)),
    replace(BASE, name="0-slots-among", slots=(0, 1, 1)),
    replace(BASE, name="all-tight", tight=1.0),
    replace(BASE, name="nothing-tight", tight=0.0, floors=0.0, shares=False, guardrail=False),
    replace(BASE, name="all-floors", floors=1.0, tight=0.3),
    replace(BASE, name="100-groups", groups=100, campaigns=500),
    replace(BASE, name="ledgers", ledgers=True, campaigns=1_000, opportunities=20_000),
    replace(BASE, name="streams", streams=0.5),
    replace(BASE, name="streams-few-opportunities", streams=0.5, opportunities=1_000),
    replace(BASE, name="linear-fairness", fair=0.0),
    replace(BASE, name="log-fairness", fair=1.0, groups=20),
    replace(BASE, name="alpha-2", fair=2.0, groups=20),
    replace(BASE, name="alpha-4", fair=4.0, groups=20),
    replace(BASE, name="max-min", fair=np.inf, groups=20),
    replace(BASE, name="max-min-and-streams", fair=np.inf, groups=20, streams=0.5, weights=2.0),
    replace(BASE, name="weights-6-decades", weights=6.0),
    replace(BASE, name="weights-2-decades", weights=2.0),
    replace(BASE, name="few-opportunities", opportunities=100, campaigns=20),
    replace(BARE, name="matching-100k", slots=(1,), opportunities=100_000, campaigns=2_000),
    replace(BASE, name="guardrail-only", caps=False, shares=False, floors=0.0),
    replace(BASE, name="shares-only", caps=False, guardrail=False, floors=0.0),
]  # fmt: skip


def generate(shape: Shape, seed: int) -> dict:
    """The arrays of one instance."""
    draw = np.random.default_rng([seed, sum(shape.name.encode())])
    rows, campaigns = shape.opportunities, shape.campaigns
    popularity = (np.arange(1, campaigns + 1) ** -shape.zipf)[draw.permutation(campaigns)]
    edges = np.cumsum(popularity) / popularity.sum()
    count = draw.integers(shape.candidates[0], shape.candidates[1] + 1, rows)
    row = np.repeat(np.arange(rows), count)
    drawn = np.minimum(np.searchsorted(edges, draw.random(row.size)), campaigns - 1)
    key = np.unique(row * campaigns + drawn)
    row, campaign = key // campaigns, (key % campaigns).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]).astype(np.int64)

    value, loss = _measures(shape, draw, row, campaign)
    slots = draw.choice(shape.slots, rows).astype(np.uint8)
    weight = 10.0 ** draw.uniform(0, shape.weights, rows) if shape.weights else np.ones(rows)

    # What would be delivered unpriced, and by a uniform split, of which the reference point is a part.
    order = np.lexsort((-value, row))
    rank = np.arange(row.size) - ends[row[order]]
    taken = order[rank < slots[row[order]]]
    greedy = np.bincount(campaign[taken], weight[row[taken]], campaigns)
    split = np.minimum(1, slots / np.maximum(1, np.diff(ends)))[row] * weight[row]
    uniform = np.bincount(campaign, split, campaigns)
    unit = weight.mean()
    cap = greedy * draw.uniform(1.2, 3, campaigns) + 5 * unit
    tight = draw.random(campaigns) < shape.tight
    cap[tight] = np.maximum(2 * unit, draw.uniform(0.3, 0.95, campaigns) * greedy)[tight]
    part = np.minimum(0.4, 0.9 * cap / np.maximum(uniform, 1e-9))
    reference = part * uniform
    floor = np.zeros(campaigns)
    floored = (draw.random(campaigns) < shape.floors) & (uniform > 3 * unit)
    least = np.minimum(draw.uniform(0.6, 0.95, campaigns) * reference, draw.uniform(0.8, 4, campaigns) * greedy + unit)
    floor[floored] = least[floored]
    if shape.infeasible:
        floor[floored] = np.maximum(floor, 3 * uniform)[floored]
        cap = np.maximum(cap, 1.5 * floor)
    if not shape.caps:
        cap[:] = NO_BUDGET

    group, least, most = _shares(shape, draw, np.clip(greedy, 0, cap), reference)
    budget = NO_BUDGET
    if shape.guardrail:
        unpriced = (loss[taken] * weight[row[taken]]).sum()
        budget = max(1.05 * (loss * part[campaign] * split).sum(), 0.75 * unpriced, 1e-3 * unit)
    instance = {"ptr": ends, "camp": campaign, "val": value, "loss": loss, "slots": slots, "cap": cap, "floor": floor,
                "group": group, "glo": least, "ghi": most, "budget": np.array([budget])}  # fmt: skip
    if shape.weights:
        instance["weight"] = weight
    if shape.ledgers:
        instance |= _ledgers(draw, campaigns, greedy, reference)
    if shape.fair is not None:
        total = float((value[taken] * weight[row[taken]]).sum())
        instance["goals"] = [_fairness(shape, total, weight @ np.minimum(slots, np.diff(ends)))]
    if shape.streams:
        instance |= _streams(shape, draw, instance, (taken, weight[row], part[campaign] * split))
    return instance


def _measures(shape: Shape, draw: np.random.Generator, row: np.ndarray, campaign: np.ndarray) -> tuple:
    """Value and displacement of every candidate."""
    taste = draw.standard_normal(row.size)
    quality = draw.normal(0, 0.6, shape.campaigns)
    base = quality[campaign] + draw.normal(0, 0.5, shape.opportunities)[row] + taste
    value = {
        "taste": lambda: 2 / (1 + np.exp(1.5 - base)),
        "equal": lambda: np.ones(row.size),
        "few": lambda: draw.choice([0.25, 0.5, 1.0], row.size),
        "flat": lambda: 1 / (1 + np.exp(-quality[campaign])),
        "lognormal": lambda: np.exp(1.7 * (base - 1)),
    }[shape.values]()
    relevance = 1 / (1 + np.exp(-0.6 * taste - 0.8 * draw.standard_normal(row.size)))
    return (shape.scale * value).astype(np.float32), np.maximum(0, 0.85 - relevance).astype(np.float32)


def _shares(shape: Shape, draw: np.random.Generator, unpriced: np.ndarray, reference: np.ndarray) -> tuple:
    """The licensor of every campaign, and the least and largest share of each licensor."""
    groups = shape.groups
    size = np.arange(1, groups + 1) ** -0.7
    group = draw.choice(groups, shape.campaigns, p=size / size.sum()).astype(np.int32)
    least, most = np.zeros(groups), np.ones(groups)
    if shape.shares:
        would = np.bincount(group, unpriced, groups) / max(unpriced.sum(), 1e-9)
        kept = np.bincount(group, reference, groups) / max(reference.sum(), 1e-9)
        kind = np.where(np.bincount(group, minlength=groups) > 0, draw.random(groups), 0.5)  # no goal for nobody
        most = np.where(kind < 0.35, np.minimum(1, np.maximum(1.05 * kept, 0.85 * would)), most)
        least = np.where(kind > 0.7, np.minimum(0.95 * kept, 1.12 * would), least)
    return group, least, most


def _ledgers(draw: np.random.Generator, campaigns: int, greedy: np.ndarray, reference: np.ndarray) -> dict:
    """Artists and labels with caps of their own, and a target for some labels."""
    artists, labels = max(2, campaigns // 4), max(2, campaigns // 50)
    artist = draw.integers(0, artists, campaigns).astype(np.int32)
    label = draw.integers(0, labels, campaigns).astype(np.int32)
    goals = []
    for letter, kind, of, count in [("a", "artist", artist, artists), ("l", "label", label, labels)]:
        would, safe = np.bincount(of, greedy, count), np.bincount(of, reference, count)
        for k in np.flatnonzero(np.bincount(of, minlength=count)):
            amount = max(draw.uniform(0.5, 1.1) * would[k], 1.1 * safe[k], 1.0)
            goals.append({"kind": "cap", "measure": "exposure", "of": {kind: f"{letter}{k}"}, "at_most": amount})
    for k in range(0, labels, 3):
        amount = max(0.9 * float(greedy[label == k].sum()), 1.0)
        goals.append(
            {"kind": "target", "measure": "exposure", "of": {"label": f"l{k}"}, "target": amount, "penalty": 0.3}
        )
    return {"artist": artist, "label": label, "goals": goals}


def _fairness(shape: Shape, value: float, places: float) -> dict:
    """Fairness over licensors that makes an equal share of all places worth about a tenth of the value."""
    equal = places / shape.groups
    goal = {"measure": "exposure", "per": "licensor"}
    if np.isinf(shape.fair):
        return goal | {"kind": "max_min", "weight": 0.1 * value / equal}
    # What the last unit of an equal share is worth: a tenth of the mean value of a place.
    worth = 0.1 * value / places
    return goal | {"kind": "alpha_fair", "alpha": shape.fair, "weight": worth * (equal + 1) ** shape.fair}


def _streams(shape: Shape, draw: np.random.Generator, instance: dict, deliveries: tuple) -> dict:
    """Expected streams, and caps on them for some campaigns."""
    taken, weight, reference = deliveries
    campaign, campaigns = instance["camp"], shape.campaigns
    noise = np.exp(0.4 * draw.standard_normal(campaign.size))
    streams = np.clip(0.3 * instance["val"] / max(shape.scale, 1e-30) * noise, 0, 1).astype(np.float32)
    greedy = np.bincount(campaign[taken], (streams * weight)[taken], campaigns)
    cap = np.maximum(
        draw.uniform(0.3, 0.9, campaigns) * greedy, 1.05 * np.bincount(campaign, streams * reference, campaigns)
    )
    capped = (draw.random(campaigns) < shape.streams) & (cap > 0)
    return {"coef": streams, "ycap": np.where(capped, cap, NO_BUDGET)}


def store(shape: Shape, seed: int, folder: Path) -> dict:
    """Writes an instance to `folder` and returns it."""
    instance = generate(shape, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in instance.items():
        if name == "goals":
            (folder / "goals.json").write_text(json.dumps(value))
        else:
            np.save(folder / f"{name}.npy", value)
    (folder / "meta.json").write_text(json.dumps(asdict(shape) | {"seed": seed}))
    return instance
