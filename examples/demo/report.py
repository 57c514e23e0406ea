"""What the demo prints: every figure is one that this run measured."""

from __future__ import annotations

from collections.abc import Iterable

from baselines import Knob
from campaigns import DECADES, GUARDRAIL, MISSING_PLACE, SLOTS, TIERS, VISIBLE, Campaigns
from data import Ratings
from opportunities import Opportunities
from outcome import Outcome
from rich.console import Console
from rich.table import Table


def percent(fraction: float, digits: int = 2) -> str:
    """A fraction as a percentage."""
    return f"{100.0 * fraction:.{digits}f} %"


class Report:
    """Prints the run, section by section."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def section(self, title: str) -> None:
        """A heading."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left", style="dim")

    def say(self, text: str) -> None:
        """A paragraph; nothing in it is taken for markup."""
        self.console.print(text, markup=False, highlight=False)

    def table(self, columns: Iterable[tuple[str, str]], rows: Iterable[Iterable[str]], title: str | None = None) -> None:
        """A table; `columns` are names and justifications."""
        table = Table(title=title, title_justify="left", title_style="", header_style="bold", box=None, pad_edge=False)
        for name, justify in columns:
            table.add_column(name, justify="right" if justify == "right" else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table, markup=False)

    def data(self, ratings: Ratings) -> None:
        """Where the ratings come from, under which terms."""
        self.section("Data")
        self.say(f"{ratings.source}: {len(ratings):,} ratings of {len(ratings.films):,} films by {ratings.users:,} users.")
        self.say(f"Terms: {ratings.terms}")

    def opportunities(self, trained: int, forecast: Opportunities, served: Opportunities, hits: tuple[float, float]) -> None:
        """The two halves, and how far the model's chances can be trusted."""
        users = len({window.user for window in (*forecast.windows, *served.windows)})
        returning = len({window.user for window in forecast.windows} & {window.user for window in served.windows})
        days = (served.windows[-1].time - forecast.windows[0].time) / 86400.0
        self.section("Task")
        self.say(
            f"Item model (implicit: cosine, 50 neighbours) trained on the first {trained:,} ratings. After that every next 5 ratings of a user "
            f"with at least 10 so far are one opportunity: {len(forecast) + len(served):,} opportunities of {users} users over {days:.0f} days. "
            f"A slate shows {VISIBLE} films, of them up to {SLOTS} promoted. A film's organic score is its calibrated chance of being among "
            "the next 5."
        )
        self.say(
            f"First half ({len(forecast):,}): plan and tune, a forecast of the second half ({len(served):,}): serve. {returning} users are in both. "
            f"The model's own check, organic slates: {hits[0]:.3f} hits expected per slate in the served half, {hits[1]:.3f} counted."
        )

    def campaigns(self, campaigns: Campaigns, scale: int) -> None:
        """The contracts, as totals of the served half."""
        rows = []
        for index, tier in enumerate(TIERS):
            of = campaigns.tier == index
            floor = f"{campaigns.floor[of][0]:.0f}" if tier.floor else "none"
            rows.append((tier.name, f"{of.sum()}", f"{tier.fee:g}", floor, f"{campaigns.cap[of][0]:.0f}"))
        self.table(
            [("campaigns", ""), ("films", "right"), ("fee per watch", "right"), ("floor, places", "right"), ("cap, places", "right")], rows
        )
        self.say(
            f"Each of {len(DECADES)} decades (the party, with {len(campaigns) // len(DECADES)} films) is promised {campaigns.decade_floor:.0f} places. "
            f"All are totals of the {scale:,} opportunities of the served half. A place missing from a floor is refunded with {MISSING_PLACE:g}; "
            f"places beyond a cap are not paid. Guardrail: at most {percent(GUARDRAIL, 0)} of organic value is displaced."
        )

    def tuning(self, rows: list[tuple[str, Knob, Outcome, int]]) -> None:
        """The knob of each method and what it gave on the half it was tuned on."""
        self.section("Tuning on the first half: highest value after refunds within the guardrail")
        self.table(
            [("method", ""), ("knobs tried", "right"), ("chosen", "right"), ("after refunds", "right"), ("floors kept", "right"), ("displaced", "right")],
            [
                (name, f"{tried}", ", ".join(f"{part:g}" for part in knob) or "none", f"{o.net:.1f}", f"{o.floors_met}", percent(o.displaced))
                for name, knob, o, tried in rows
            ],
        )

    def outcomes(self, title: str, floors: int, rows: dict[str, Outcome]) -> None:
        """One row per method on the served half."""
        self.table(
            [
                ("method", ""),
                ("value", "right"),
                ("after refunds", "right"),
                ("places", "right"),
                (f"floors kept of {floors}", "right"),
                ("missing", "right"),
                ("beyond caps", "right"),
                ("displaced", "right"),
                ("listener loss", "right"),
                ("hit rate", "right"),
                ("promoted hits", "right"),
            ],
            [
                (
                    name,
                    f"{o.value:.1f}",
                    f"{o.net:.1f}",
                    f"{o.places:,}",
                    f"{o.floors_met}",
                    f"{o.missing:,.0f}",
                    f"{o.over:,.0f}",
                    percent(o.displaced),
                    percent(o.loss),
                    percent(o.hit_rate, 1),
                    f"{o.real_hits}",
                )
                for name, o in rows.items()
            ],
            title=title,
        )

    def legend(self) -> None:
        """What the columns mean."""
        self.say(
            "value: expected fees of the places up to each cap. after refunds: less the refunds for missing places. displaced: the guardrail's "
            "measure (reference less organic score, if above 0) over organic value. listener loss: organic value that really left the slates. "
            "hit rate: slates with a film that the user rated next. promoted hits: promoted places of such a film. The ratings were made without "
            "these slates: what a slate would have led to is not in them."
        )
