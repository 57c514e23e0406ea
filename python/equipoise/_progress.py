"""The progress bar of a plan: in terminals and notebooks, silent in pipes."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


def wanted(progress: bool | Literal["auto"], console: Console) -> bool:
    """Whether to draw: as told, or where a person is looking."""
    if progress == "auto":
        return console.is_terminal or console.is_jupyter
    return bool(progress)


class PlanBar:
    """
    One line: how far the gap has come on its way from the first certificate to the tolerance.

    The way is measured in orders of magnitude, since each pass gains a factor rather than an amount.
    """

    doing: ClassVar[str] = "planning"

    def __init__(self, progress: bool | Literal["auto"], console: Console | None = None) -> None:
        console = console or Console(file=sys.stderr)
        self._first_gap = math.nan
        self._task = TaskID(0)
        self._bar: Progress | None = None
        if wanted(progress, console):
            self._bar = Progress(
                TextColumn(self.doing),
                BarColumn(),
                TextColumn("{task.fields[text]}"),
                TimeElapsedColumn(),
                console=console,
                # What is no terminal gets the last state as a line.
                transient=console.is_terminal or console.is_jupyter,
            )

    @property
    def active(self) -> bool:
        """Whether anything is drawn."""
        return self._bar is not None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("plan", total=1.0, text="first pass")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(  # noqa: PLR0917  called by the native planner, never by hand
        self, passes: float, upper_bound: float, value: float, gap: float, tolerance: float, seconds: float
    ) -> None:
        """Show the state after a pass; ``seconds`` is drawn by the bar's own clock."""
        del seconds
        if self._bar is None:
            return
        if math.isfinite(gap):
            if math.isnan(self._first_gap):
                self._first_gap = gap
            text = f"gap {gap:.1e} of {tolerance:.0e}, value {value:.6g}, bound {upper_bound:.6g}, pass {passes:.0f}"
        else:
            text = f"bound {upper_bound:.6g}, pass {passes:.0f}"
        self._bar.update(self._task, completed=fraction_done(self._first_gap, gap, tolerance), text=text)


class PackBar(PlanBar):
    """One line: how many rows are packed. How many there will be is not known."""

    doing = "packing"

    def __call__(  # noqa: PLR0917  called by the native side, never by hand
        self, passes: float, upper_bound: float, value: float, gap: float, tolerance: float, seconds: float
    ) -> None:
        """Show the state after a part of the log: `passes` counts rows."""
        del upper_bound, value, gap, tolerance, seconds
        if self._bar is not None:
            self._bar.update(self._task, total=None, text=f"{passes:,.0f} rows packed")


class BookBar(PlanBar):
    """One line: how many of the replicates are behind, and the probability so far."""

    doing = "booking"

    def __call__(  # noqa: PLR0917  called by the native side, never by hand
        self, passes: float, upper_bound: float, value: float, gap: float, tolerance: float, seconds: float
    ) -> None:
        """Show the state after a replicate: `passes` counts them, ``gap`` is the part still to come."""
        del upper_bound, tolerance, seconds
        if self._bar is not None:
            text = f"replicate {passes:.0f}, met in {100 * value:.1f} %"
            self._bar.update(self._task, completed=1 - gap, text=text)


def fraction_done(first_gap: float, gap: float, tolerance: float) -> float:
    """Part of the orders of magnitude between the first gap and the tolerance that is behind, in [0, 1]."""
    if math.isnan(first_gap) or not math.isfinite(gap):
        return 0.0
    if gap <= tolerance or first_gap <= tolerance:
        return 1.0
    return min(1.0, max(0.0, math.log(first_gap / gap) / math.log(first_gap / tolerance)))
