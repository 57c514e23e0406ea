"""Booking against a linear program per replicate, and the names of its interface."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

import equipoise as eq

from .oracle.check import rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPPORTUNITIES, CANDIDATES, CAMPAIGNS = 80, 4, 5
MASK = (1 << 64) - 1


def mix(x: int) -> int:
    """The finaliser of splitmix64."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def drawn(seed: int, replicate: int) -> NDArray[np.float64]:
    """How often each opportunity is drawn, from the documented rule, scaled to as many as there are."""
    stream = mix(mix(seed) ^ (replicate + 1))
    counts = np.zeros(OPPORTUNITIES)
    for t in range(OPPORTUNITIES):
        u = (mix(mix(t) ^ stream) >> 11) / 2**53
        term = total = math.exp(-1)
        while u >= total:
            counts[t] += 1
            term /= counts[t]
            total += term
    counts *= OPPORTUNITIES / counts.sum()
    return counts


class World:
    """A log of a few campaigns, all but the last with a cap, beside a guardrail."""

    def __init__(self, seed: int) -> None:
        g = np.random.default_rng(seed)
        self.opportunity = np.repeat(np.arange(OPPORTUNITIES), CANDIDATES)
        self.campaign = np.concatenate([g.permutation(CAMPAIGNS)[:CANDIDATES] for _ in range(OPPORTUNITIES)])
        self.value = g.random(self.opportunity.size).astype(np.float32)
        self.harm = g.random(self.opportunity.size).astype(np.float32)
        self.cap = g.uniform(10, 25, CAMPAIGNS)
        self.cap[-1] = 1e9
        self.budget = 0.35 * OPPORTUNITIES
        goal = {"kind": "guardrail", "measure": "displacement", "per": "all", "at_most_total": self.budget}
        self.problem = eq.Problem.from_dict({"objectives": {"value": 1.0}, "goals": [goal]})
        names = np.array([f"c{k}" for k in range(CAMPAIGNS)])
        table = {
            "opportunity_id": self.opportunity,
            "campaign": names[self.campaign],
            "value": self.value,
            "displacement": self.harm,
        }
        self.log = eq.Opportunities(pa.table(table), measures=["value", "displacement"])
        self.new = str(names[-1])
        self.campaigns = eq.Campaigns(pa.table({"campaign": names, "cap": [*self.cap[:-1], None]}))

    def solve(self, weight: NDArray[np.float64], reward: float = 0.0, least: float = 0.0) -> tuple[float, float, float]:
        """Value without the reward, what the new campaign gets, and the price of ``least`` by the program's dual."""
        n, w = self.value.size, weight[self.opportunity]
        mine = (self.campaign == CAMPAIGNS - 1) * w
        # Opportunities, caps, the guardrail, and the floor turned round.
        parts = [(self.opportunity, np.ones(n)), (OPPORTUNITIES + self.campaign, w)]
        parts += [(np.full(n, OPPORTUNITIES + CAMPAIGNS), self.harm * w)]
        parts += [(np.full(n, OPPORTUNITIES + CAMPAIGNS + 1), -mine)]
        entries = np.concatenate([v for _, v in parts]).astype(float)
        at = (np.concatenate([r for r, _ in parts]), np.tile(np.arange(n), len(parts)))
        matrix = coo_matrix((entries, at), shape=(OPPORTUNITIES + CAMPAIGNS + 2, n)).tocsr()
        bound = np.concatenate([np.ones(OPPORTUNITIES), self.cap, [self.budget, -least]])
        gain = self.value * w
        found = linprog(-(gain + reward * mine), A_ub=matrix, b_ub=bound, bounds=(0, 1), method="highs")
        if found.status != 0:
            return math.nan, math.nan, math.inf
        return float(gain @ found.x), float(mine @ found.x), float(-found.ineqlin.marginals[-1])


@pytest.mark.parametrize("seed", range(6))
def test_every_replicate_is_the_linear_program_solved_anew(seed: int) -> None:
    world = World(seed)
    penalty, replicates = 3.0, 12
    _, base, _ = world.solve(np.ones(OPPORTUNITIES))
    _, most, _ = world.solve(np.ones(OPPORTUNITIES), reward=penalty)
    amount = base + 0.7 * (most - base)
    booking = eq.book(
        world.problem,
        world.log,
        world.campaigns,
        world.new,
        amount=amount,
        penalty=penalty,
        replicates=replicates,
        seed=seed,
        tolerance=1e-7,
        progress=False,
    )
    assert booking.status == "solved"
    found = rows(booking.replicates)
    assert len(found) == replicates
    met = 0
    for number, row in enumerate(found):
        weight = drawn(seed, number)
        value, natural, _ = world.solve(weight)
        _, deliverable, _ = world.solve(weight, reward=penalty)
        met += deliverable >= amount
        assert row["natural"] == pytest.approx(natural, abs=0.05)
        assert row["deliverable"] == pytest.approx(deliverable, abs=0.05)
        if natural >= amount:
            assert (row["price"], row["cost"]) == (0, 0)
        elif deliverable >= amount + 0.05:
            kept, _, price = world.solve(weight, least=amount)
            assert row["cost"] == pytest.approx(value - kept, abs=1e-2)
            # At a kink of the program any price between those of its two sides is one.
            below = world.solve(weight, least=amount - 0.05)[2]
            above = world.solve(weight, least=min(amount + 0.05, deliverable))[2]
            assert below - 1e-2 <= row["price"] <= max(above, price) + 1e-2
    assert booking.probability == pytest.approx(met / replicates, abs=1e-9)


def test_the_keywords_and_defaults_are_those_of_the_interface() -> None:
    defaults = {n: p.default for n, p in inspect.signature(eq.book).parameters.items() if p.default is not p.empty}
    assert defaults == {
        "amount": None,
        "measure": "exposure",
        "penalty": None,
        "replicates": 200,
        "seed": 0,
        "tolerance": 1e-4,
        "traffic": 1.0,
        "shift": None,
        "unknown": "error",
        "threads": None,
        "time_limit": None,
        "warm_start": None,
        "progress": "auto",
    }


def test_what_a_booking_says() -> None:
    world = World(1)
    ask: dict[str, Any] = {"amount": 12.0, "replicates": 30, "progress": False}
    booking = eq.book(world.problem, world.log, world.campaigns, world.new, **ask)
    assert (booking.campaign, booking.measure, booking.amount) == (world.new, "exposure", 12.0)
    low, high = booking.probability_interval
    assert low <= booking.probability <= high
    assert booking.probability_of(0.0) == 1
    assert booking.probability_of(1e6) == 0
    assert booking.probability_of(booking.amount_at(0.5)) >= 0.5
    for low, median, high in (booking.natural, booking.deliverable, booking.delivered, booking.price, booking.cost):
        assert low <= median <= high
    assert len(rows(booking.expected)) == 1
    assert booking.resolution < 0.1
    assert "met with probability" in repr(booking)
    plan = eq.plan(world.problem, world.log, world.campaigns, holdout=0, progress=False)
    warm = eq.book(world.problem, world.log, world.campaigns, world.new, warm_start=plan, **ask)
    assert warm.deliverable == pytest.approx(booking.deliverable, abs=0.1)


def test_limits_are_a_status_and_faults_an_error() -> None:
    world = World(2)
    ask = (world.problem, world.log, world.campaigns)
    assert eq.book(*ask, world.new, amount=5.0, time_limit=0, progress=False).status == "time_limit"
    with pytest.raises(eq.InvalidInput, match="campaign"):
        eq.book(*ask, "nobody", amount=5.0, progress=False)
    with pytest.raises(eq.InvalidInput, match="neither a floor nor a target"):
        eq.book(*ask, world.new, progress=False)
    with pytest.raises(eq.InvalidInput, match="progress"):
        eq.book(*ask, world.new, amount=5.0, progress="yes")  # type: ignore[arg-type]
