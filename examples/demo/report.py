"""What the demo prints: every figure is one that this run measured."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import equipoise as eq
import polars as pl
from baselines import Knob, Method
from campaigns import DECADES, GUARDRAIL, MISSING_PLACE, SLOTS, TIERS, VISIBLE, Campaigns
from data import Ratings
from opportunities import Opportunities
from outcome import Outcome
from replanning import REPLANS
from rich.console import Console
from rich.table import Table
from rich.text import Text

PRICES = 8  # shown of the plan
WIDTH = 132  # columns, where the output is no terminal


def percent(fraction: float, digits: int = 2) -> str:
    """A fraction as a percentage."""
    return f"{100.0 * fraction:.{digits}f} %"


class Report:
    """Prints the run, section by section. Nothing printed is taken for markup."""

    def __init__(self) -> None:
        self.console = Console(markup=False, highlight=False)
        if not self.console.is_terminal:
            self.console.width = WIDTH

    def section(self, title: str) -> None:
        """A heading."""
        self.console.print()
        self.console.rule(Text(title, style="bold"), align="left", style="dim")

    def say(self, text: str) -> None:
        """A paragraph, its line breaks aside."""
        self.console.print(" ".join(text.split()))

    def table(
        self, columns: Iterable[tuple[str, str]], rows: Iterable[Iterable[str]], title: str | None = None
    ) -> None:
        """A table; `columns` are names and justifications."""
        table = Table(title=title, title_justify="left", title_style="", header_style="bold", box=None, pad_edge=False)
        for name, justify in columns:
            table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=justify == "left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def data(self, ratings: Ratings) -> None:
        """Where the ratings come from, under which terms."""
        self.section("Data")
        self.say(
            f"{ratings.source}: {len(ratings):,} ratings of {len(ratings.films):,} films by {ratings.users:,} users."
        )
        self.say(f"Terms: {ratings.terms}")

    def task(self, trained: int, forecast: Opportunities, served: Opportunities, hits: tuple[float, float]) -> None:
        """The two halves, and how far the model's chances can be trusted."""
        users = len({window.user for window in (*forecast.windows, *served.windows)})
        returning = len({window.user for window in forecast.windows} & {window.user for window in served.windows})
        days = (served.windows[-1].time - forecast.windows[0].time) / 86400.0
        self.section("Task")
        self.say(
            f"""Item model (implicit: cosine, 50 neighbours) trained on the first {trained:,} ratings. After that every
            next 5 ratings of a user with at least 10 so far are one opportunity: {len(forecast) + len(served):,}
            opportunities of {users} users over {days:.0f} days. A slate shows {VISIBLE} films, of them up to {SLOTS}
            promoted. A film's organic score is its calibrated chance of being among the next 5."""
        )
        self.say(
            f"""First half ({len(forecast):,}): plan and tune, as a forecast. Second half ({len(served):,}): serve.
            {returning} users are in both. A check of the chances on the organic slates of the served half:
            {hits[0]:.3f} hits a slate expected, {hits[1]:.3f} counted."""
        )

    def campaigns(self, campaigns: Campaigns, scale: int) -> None:
        """The contracts, as totals of the served half."""
        rows = []
        for index, tier in enumerate(TIERS):
            of = campaigns.tier == index
            floor = f"{campaigns.floor[of][0]:.0f}" if tier.floor else "none"
            rows.append((tier.name, f"{of.sum()}", f"{tier.fee:g}", floor, f"{campaigns.cap[of][0]:.0f}"))
        self.table(
            [
                ("campaigns", "left"),
                ("films", "right"),
                ("fee per watch", "right"),
                ("floor, places", "right"),
                ("cap, places", "right"),
            ],
            rows,
        )
        self.say(
            f"""Each of {len(DECADES)} decades (the party, with {len(campaigns) // len(DECADES)} films) is promised
            {campaigns.decade_floor:.0f} places. All of these are totals of the {scale:,} opportunities of the served
            half. A place missing from a floor is refunded with {MISSING_PLACE:g}; places beyond a cap are not paid.
            Guardrail: at most {percent(GUARDRAIL, 0)} of organic value is displaced."""
        )

    def tuning(self, rows: list[tuple[Method, Knob, Outcome]]) -> None:
        """The knob of each method and what it gave on the half it was tuned on."""
        self.section("Tuning, on the first half: the highest net value within the guardrail")
        self.table(
            [
                ("method", "left"),
                ("knobs tried", "right"),
                ("chosen", "right"),
                ("net", "right"),
                ("floors", "right"),
                ("displaced", "right"),
            ],
            [
                (
                    method.name,
                    f"{len(method.knobs)}",
                    ", ".join(f"{part:g}" for part in knob),
                    f"{outcome.net:.1f}",
                    f"{outcome.floors_met}",
                    percent(outcome.displaced),
                )
                for method, knob, outcome in rows
            ],
        )

    def plan(self, plan: eq.Plan, traffic: float) -> None:
        """Status, certificate, conflicts and the prices that matter most."""
        self.section("Plan by equipoise, on the first half")
        certificate = plan.certificate
        self.say(
            f"""Status {plan.status}: value {certificate.value:.3f}, upper bound {certificate.upper_bound:.3f}, gap
            {certificate.gap:.1e}, worst violation {certificate.worst_violation:.1e}, {certificate.passes:.0f} passes,
            {certificate.seconds:.2f} s. Traffic {traffic:.4f}."""
        )
        serving = certificate.serving
        if serving is not None:
            self.say(
                f"""By the serving rule, on {serving.opportunities} opportunities held out of planning and weighted
                up to the whole: value {serving.value:.3f}, {percent(serving.value_ratio, 1)} of the plan's; worst
                violation {percent(serving.worst_violation, 1)}, of "{serving.worst_goal}"."""
            )
        conflicts = pl.DataFrame(plan.conflicts)
        self.say(f"Conflicts: {len(conflicts) or 'none'}.")
        for row in conflicts.iter_rows(named=True):
            self.say("  " + ", ".join(f"{name} {value}" for name, value in row.items() if value is not None))
        prices = pl.DataFrame(plan.prices)
        prices = prices.filter(pl.col("price") != 0.0).sort(pl.col("price").abs(), descending=True)
        self.table(
            [(name, "left") for name in ("goal", "kind", "measure", "scope")]
            + [(name, "right") for name in ("price", "delivered", "bound")],
            [
                (
                    *(str(row[name]) for name in ("goal", "kind", "measure", "scope")),
                    f"{row['price']:+.5f}",
                    f"{row['delivered']:.1f}",
                    f"{row['bound']:.1f}",
                )
                for row in prices.head(PRICES).iter_rows(named=True)
            ],
            title=f"the {min(PRICES, len(prices))} largest of {len(prices)} prices that are not 0",
        )

    def replans(self, made: list[eq.Plan]) -> None:
        """How planning during the flight went."""
        gaps = sorted(plan.certificate.gap for plan in made)
        solved = sum(plan.status == "solved" for plan in made)
        seconds = sum(plan.certificate.seconds for plan in made)
        self.say(
            f"""During the second half: {len(made)} further plans, {solved} of them solved to a gap of 1e-4, the largest
            gap {gaps[-1]:.1e}; {seconds:.1f} s in all."""
        )

    def outcomes(self, floors: int, tuned: dict[str, Outcome], for_floors: dict[str, Outcome]) -> None:
        """What every method did on the served half."""
        self.section("Served: the second half")
        self._outcomes(f"tuned on the first half, within the guardrail of {percent(GUARDRAIL, 0)}", floors, tuned)
        self.console.print()
        self._outcomes("tuned on the first half for the fewest missing places, whatever it costs", floors, for_floors)
        self.console.print()
        self.say(
            """value: expected fees of the places up to each cap. net: less the refunds for missing places. floors:
            promises kept. missing: promised places not given. over caps: places beyond caps. displaced: the guardrail's
            own measure, reference less organic score (if above 0), over organic value. loss: organic value that left
            the slates as they were filled. hit rate: slates with a film that the user rated next. promoted hits:
            promoted places of such a film. The users never saw these slates: what one would have led to is not in their
            ratings."""
        )
        self.say(
            f"""one plan: the policy of the first half, served as it is, without a look at what it gives. re-planned:
            the host counts places, as the two counting baselines do, and plans {REPLANS} times during the half for what
            is left of the goals."""
        )

    def _outcomes(self, title: str, floors: int, rows: dict[str, Outcome]) -> None:
        self.table(
            [
                ("method", "left"),
                ("value", "right"),
                ("net", "right"),
                ("places", "right"),
                (f"floors of {floors}", "right"),
                ("missing", "right"),
                ("over caps", "right"),
                ("displaced", "right"),
                ("loss", "right"),
                ("hit rate", "right"),
                ("promoted hits", "right"),
            ],
            [
                (
                    name,
                    f"{outcome.value:.1f}",
                    f"{outcome.net:.1f}",
                    f"{outcome.places:,}",
                    f"{outcome.floors_met}",
                    f"{outcome.missing:,.0f}",
                    f"{outcome.over:,.0f}",
                    percent(outcome.displaced),
                    percent(outcome.loss),
                    percent(outcome.hit_rate, 1),
                    f"{outcome.real_hits}",
                )
                for name, outcome in rows.items()
            ],
            title=title,
        )

    def explanation(
        self, opportunities: Opportunities, campaigns: Campaigns, turn: int, campaign: int, explanation: eq.Explanation
    ) -> None:
        """One score of the served half, term by term."""
        self.section("One score, explained")
        window = opportunities.windows[turn]
        self.say(
            f"""{campaigns.names[campaign]} for {window.name} films: chance
            {opportunities.chance[turn, campaign]:.4f}, reference {opportunities.reference[turn]:.4f}, fee
            {campaigns.fee[campaign]:g}; {explanation.reason}."""
        )
        rows = [(name, kind, f"{amount + 0.0:+.12f}") for name, kind, amount in explanation.terms]
        self.table(
            [("term", "left"), ("kind", "left"), ("amount", "right")],
            [*rows, ("promotion score", "", f"{explanation.total:+.12f}")],
        )
        added = 0.0
        for _, _, amount in explanation.terms:
            added += amount
        exactly = "exactly" if added == explanation.total else "NOT"
        self.say(f"Added from top to bottom the terms give the score {exactly}.")

    def agreement(self, total: int, by_numpy: int, one_by_one: int) -> None:
        """How far three ways to the same decisions agree in Python."""
        self.section("Same policy, same bits")
        self.say(f"Picks as by the demo's own NumPy slate rule: {by_numpy:,} of {total:,} opportunities.")
        self.say(f"Single requests as the replay of the log, scores by bits and places: {one_by_one:,} of {total:,}.")

    def jvm(self, answer: dict[str, int | str]) -> None:
        """What the JVM found."""
        self.say(
            f"""A JVM with the policy file {answer["policy"]}: {answer["agree"]:,} of {answer["requests"]:,} requests
            agree (scores by bits, picks, places); {answer["scores_agree"]:,} of {answer["candidates"]:,} scores."""
        )

    def end(self, files: list[Path], seconds: float) -> None:
        """What was written, and how long it took."""
        self.section("Files")
        for file in files:
            self.say(str(file))
        self.say(f"Everything above took {seconds:.0f} s.")
