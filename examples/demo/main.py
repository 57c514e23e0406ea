"""
The demo: promote thirty films among those that users would watch anyway, within what listeners, campaigns and decades
were promised. Plans and tunes on the first half of the opportunities, serves the second half, and prints what each
method did there.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import equipoise as eq
import pictures
from baselines import BASELINES, best_for_floors, best_within_guardrail, sweep
from campaigns import GUARDRAIL, VISIBLE, Campaigns, choose
from data import Ratings, movielens, synthetic
from model import train
from opportunities import Opportunities, score, windows
from outcome import Outcome, measure
from planning import Log, plan, whole
from replanning import replanned
from report import Report
from serving import OneByOne, Served, in_a_jvm, serve
from slate import pick

TRAINED = 0.6
CALIBRATED_FROM = 0.5
LEVELS = [0.0025, 0.005, 0.01, 0.015, 0.02, 0.03]  # of the guardrail, in the picture of the trade-off
ONE_PLAN, REPLANNED = "equipoise, one plan", "equipoise, re-planned"
SEARCHED = 500  # opportunities among which the score with the most terms is looked for


@dataclass(frozen=True)
class Halves:
    """The opportunities to plan and tune on, those to serve, and what is promoted."""

    both: Opportunities
    first: Opportunities
    second: Opportunities
    campaigns: Campaigns

    @property
    def traffic(self) -> float:
        """How many served opportunities one of the first half stands for."""
        return len(self.second) / len(self.first)


def prepare(ratings: Ratings, report: Report) -> Halves:
    """Model, opportunities and campaigns."""
    cut = ratings.time_at(TRAINED)
    model = train(ratings, TRAINED, CALIBRATED_FROM)
    found = windows(ratings, start=cut, end=int(ratings.time[-1]) + 1)
    half = len(found) // 2
    campaigns = choose(ratings, cut, opportunities=len(found) - half)
    scored = score(found, model.chances([window.history for window in found]), campaigns)
    halves = Halves(scored, scored.part(slice(0, half)), scored.part(slice(half, None)), campaigns)
    shown = halves.second.organic_film[:, :VISIBLE]
    counted = (shown[:, :, None] == halves.second.following[:, None, :]).any(axis=2).sum(axis=1).mean()
    hits = (float(halves.second.organic_value.mean()), float(counted))
    report.task(int((ratings.time < cut).sum()), halves.first, halves.second, hits)
    report.campaigns(campaigns, len(halves.second))
    return halves


@dataclass(frozen=True)
class Comparison:
    """On the served half: each method as tuned for the task, for the floors alone, and per level of the guardrail."""

    tuned: dict[str, Outcome]
    for_floors: dict[str, Outcome]
    curves: dict[str, list[Outcome]]

    def add(self, name: str, outcomes: list[Outcome]) -> None:
        """A method's outcomes, one per level of the guardrail."""
        self.curves[name] = outcomes
        self.tuned[name] = outcomes[LEVELS.index(GUARDRAIL)]


def serve_baselines(halves: Halves, report: Report) -> Comparison:
    """Tunes each baseline on the first half and serves the second."""
    comparison = Comparison({}, {}, {})
    tuning = []
    for method in BASELINES:
        tried = sweep(method, halves.first, halves.campaigns, method.knobs)
        knobs = {level: best_within_guardrail(tried, level) for level in LEVELS}
        eager = best_for_floors(tried)
        served = {
            knob: measure(halves.second, halves.campaigns, method.serve(halves.second, halves.campaigns, knob))
            for knob in {eager, *knobs.values()}
        }
        if len(method.knobs) == 1:
            comparison.tuned[method.name] = served[eager]
        else:
            comparison.add(method.name, [served[knobs[level]] for level in LEVELS])
            comparison.for_floors[method.name] = served[eager]
            tuning.append((method, knobs[GUARDRAIL], dict(tried)[knobs[GUARDRAIL]]))
    report.tuning(tuning)
    return comparison


def most_explained(requests: OneByOne, served: Served) -> tuple[int, int, eq.Explanation]:
    """Of the first picks the one whose score has the most terms that are not 0: opportunity, campaign, explanation."""
    best: tuple[int, int, eq.Explanation] | None = None
    for turn in range(min(SEARCHED, len(requests))):
        request = requests.score(turn)
        for row, campaign in zip(request.picks, served.picks[turn], strict=False):
            explanation = request.explain(int(row))
            if best is None or _weight(explanation) > _weight(best[2]):
                best = (turn, int(campaign), explanation)
    if best is None:
        raise SystemExit("nothing was promoted, so there is nothing to explain")
    return best


def _weight(explanation: eq.Explanation) -> int:
    return sum(amount != 0.0 for _name, _kind, amount in explanation.terms)


def main() -> None:
    """Runs the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synthetic", action="store_true", help="made-up ratings; nothing is downloaded")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for pictures, policy and data")
    parser.add_argument("--class-path", help="equipoise's jars; without it the part in the JVM is left out")
    arguments = parser.parse_args()
    started = time.perf_counter()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    report = Report()
    logging.getLogger("equipoise").setLevel(logging.ERROR)  # the report says how each plan ended

    ratings = synthetic() if arguments.synthetic else movielens(out / "data")
    report.data(ratings)
    halves = prepare(ratings, report)
    second, campaigns = halves.second, halves.campaigns
    comparison = serve_baselines(halves, report)

    log = Log(halves.both, campaigns)
    half = len(halves.first)
    forecast, flight = slice(0, half), slice(half, None)
    plans = {level: plan(log, forecast, whole(campaigns, level), halves.traffic) for level in LEVELS}
    report.plan(plans[GUARDRAIL], halves.traffic)
    answers = {level: serve(plans[level].policy, log, flight) for level in LEVELS}
    answer = answers[GUARDRAIL]
    comparison.add(ONE_PLAN, [measure(second, campaigns, answers[level].picks) for level in LEVELS])
    again = {level: replanned(log, half, campaigns, level) for level in LEVELS}
    report.replans(again[GUARDRAIL][1])
    comparison.add(REPLANNED, [measure(second, campaigns, picks) for picks, _plans in again.values()])
    report.outcomes(campaigns.floors, comparison.tuned, comparison.for_floors)

    policy_file = out / "policy.safetensors"
    plans[GUARDRAIL].policy.save(policy_file)
    requests = OneByOne(eq.Policy.load(policy_file), log, flight)
    report.explanation(second, campaigns, *most_explained(requests, answer))

    by_numpy = int((pick(answer.scores, second.chance) == answer.picks).all(axis=1).sum())
    report.agreement(len(second), by_numpy, requests.agreement(answer.replay))
    if arguments.class_path:
        requests_file = out / "requests.bin"
        requests.write(requests_file)
        report.jvm(in_a_jvm(arguments.class_path, policy_file, requests_file))

    delivery, trade_off = out / "delivery.png", out / "trade-off.png"
    panels = {name: outcome for name, outcome in comparison.tuned.items() if name in comparison.curves}
    pictures.delivery(delivery, ratings.source, campaigns, panels)
    pictures.trade_off(
        trade_off, ratings.source, floors=campaigns.floors, chosen=GUARDRAIL, levels=LEVELS, curves=comparison.curves
    )
    report.end([delivery, trade_off, policy_file], time.perf_counter() - started)


if __name__ == "__main__":
    main()
