"""The stored instances of the bench: those of the shared generator, and three that are made from them.

Every instance is a folder of arrays in out/bench, made once. `streams` adds caps on expected streams, `goals` every
kind of goal at once, `changed` moves one cap in a hundred by a fifth.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

# Caps on expected streams; an instance with fewer campaigns has one for half of them.
STREAM_CAPS = 1_034
UNBOUNDED = 1e30


class Instances:
    """Makes instances in the folder `out`, with the generator in the folder `cases`."""

    def __init__(self, cases: Path, out: Path) -> None:
        self.cases, self.out = cases, out

    def base(self, size: str, profile: str = "full", seed: int = 1) -> Path:
        """An instance of the generator."""
        folder = self.out / f"{size}-{profile}-{seed}"
        if not (folder / "meta.json").exists():
            command = [sys.executable, self.cases / "gen.py", "--size", size, "--profile", profile]
            subprocess.run([*command, "--seed", str(seed), "--out", folder], check=True, stdout=subprocess.DEVNULL)
        return folder

    def streams(self, size: str) -> Path:
        """The instance with expected streams per candidate and caps on them beside those on exposure.

        Streams go with the value, with noise of their own. A cap is 60 to 95 % of the streams that the campaign would
        have if each opportunity took its best, cut to the cap on exposure; never less than 105 % of what the split has
        that is known to be feasible.
        """
        return self._derived(self.base(size), f"{size}-streams", _with_streams)

    def goals(self, size: str) -> Path:
        """All goals at once: fairness over licensors, targets per label, shares, a guardrail for each of 3 markets."""
        return self._derived(self.base(size), f"{size}-goals", _with_goals)

    def changed(self, size: str, profile: str = "full") -> Path:
        """The instance with 1 % of its caps moved by 20 %, up or down, and no lower than the floor."""
        return self._derived(self.base(size, profile), f"{size}-{profile}-changed", _with_changed_caps)

    def _derived(self, base: Path, name: str, change: Callable) -> Path:
        folder = self.out / name
        if not (folder / "meta.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for file in base.glob("*.npy"):
                os.link(file, folder / file.name)
            for array, value in change(load(base), np.random.default_rng(7)).items():
                # The arrays of the base are shared by links: never written through.
                (folder / f"{array}.npy").unlink(missing_ok=True)
                if array == "goals":
                    (folder / "goals.json").write_text(json.dumps(value))
                else:
                    np.save(folder / f"{array}.npy", value)
            shutil.copy(base / "meta.json", folder / "meta.json")
        return folder


def load(folder: Path) -> dict:
    """The arrays of an instance, with its further goals."""
    instance = {file.stem: np.load(file) for file in folder.glob("*.npy")}
    if (folder / "goals.json").exists():
        instance["goals"] = json.loads((folder / "goals.json").read_text())
    return instance


def _best(instance: dict) -> np.ndarray:
    """The candidates that each opportunity would take unpriced: those among its best that fill its slots."""
    ends, row = instance["ptr"], _rows(instance)
    order = np.lexsort((-instance["val"], row))
    rank = np.arange(row.size) - ends[row[order]]
    return order[rank < instance["slots"][row[order]]]


def _rows(instance: dict) -> np.ndarray:
    count = np.diff(instance["ptr"])
    return np.repeat(np.arange(count.size), count)


def _feasible_split(instance: dict) -> np.ndarray:
    """The generator's own feasible answer: a part of the uniform split, by campaign."""
    count, campaign = np.diff(instance["ptr"]), instance["camp"]
    split = (instance["slots"] / np.maximum(1, count))[_rows(instance)]
    uniform = np.bincount(campaign, split, instance["cap"].size)
    return np.minimum(0.4, 0.9 * instance["cap"] / np.maximum(uniform, 1e-9))[campaign] * split


def _with_streams(instance: dict, draw: np.random.Generator) -> dict:
    campaign, campaigns = instance["camp"], instance["cap"].size
    noise = draw.standard_normal(campaign.size, dtype=np.float32)
    coefficient = np.clip(0.3 * instance["val"] * np.exp(0.4 * noise), 0, 1).astype(np.float32)
    best = _best(instance)
    exposures = np.bincount(campaign[best], minlength=campaigns)
    streams = np.bincount(campaign[best], coefficient[best], campaigns)
    would = streams * np.minimum(1, instance["cap"] / np.maximum(exposures, 1))
    safe = np.bincount(campaign, coefficient * _feasible_split(instance), campaigns)
    cap = np.full(campaigns, UNBOUNDED)
    capped = draw.permutation(campaigns)[: min(STREAM_CAPS, campaigns // 2 + campaigns // 10)]
    cap[capped] = np.maximum.reduce([draw.uniform(0.6, 0.95, campaigns) * would, 1.05 * safe, np.ones(campaigns)])[
        capped
    ]
    return {"coef": coefficient, "ycap": cap}


def _with_goals(instance: dict, draw: np.random.Generator) -> dict:
    campaign, campaigns, opportunities = instance["camp"], instance["cap"].size, instance["slots"].size
    best, split = _best(instance), _feasible_split(instance)
    market = draw.integers(0, 3, opportunities).astype(np.int32)
    label = draw.integers(0, max(2, campaigns // 50), campaigns).astype(np.int32)
    licensors = instance["ghi"].size
    total = float(instance["slots"].sum())
    goals = [
        {
            "kind": "alpha_fair",
            "measure": "exposure",
            "per": "licensor",
            "alpha": 1.0,
            "weight": 0.1 * total / licensors,
        }
    ]
    exposures = np.minimum(np.bincount(campaign[best], minlength=campaigns), instance["cap"])
    for k in range(0, label.max() + 1, 2):
        target = 0.9 * float(exposures[label == k].sum())
        goals.append(
            {"kind": "target", "measure": "exposure", "of": {"label": f"l{k}"}, "target": target, "penalty": 0.2}
        )
    where = market[_rows(instance)]
    for q in range(3):
        here, taken = where == q, best[where[best] == q]
        limit = max(1.05 * (instance["loss"] * split)[here].sum(), 0.75 * instance["loss"][taken].sum())
        goals.append(
            {"kind": "guardrail", "measure": "displacement", "of": {"market": f"m{q}"}, "at_most_total": float(limit)}
        )
    return {"market": market, "label": label, "goals": goals, "budget": np.array([UNBOUNDED])}


def _with_changed_caps(instance: dict, draw: np.random.Generator) -> dict:
    cap = instance["cap"].copy()
    moved = draw.permutation(cap.size)[: max(1, cap.size // 100)]
    cap[moved] *= draw.choice([0.8, 1.2], moved.size)
    return {"cap": np.maximum(cap, instance["floor"])}
