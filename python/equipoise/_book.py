"""`book`: the native bootstrap with a progress bar around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from . import _native
from ._progress import BookBar

if TYPE_CHECKING:
    from datetime import timedelta


def book(
    problem: _native.Problem,
    log: _native.Opportunities,
    campaigns: _native.Campaigns,
    campaign: str,
    *,
    amount: float | None = None,
    measure: str = "exposure",
    penalty: float | None = None,
    replicates: int = 200,
    seed: int = 0,
    tolerance: float = 1e-4,
    traffic: float = 1.0,
    shift: timedelta | int | None = None,
    unknown: Literal["error", "organic"] = "error",
    threads: int | None = None,
    time_limit: timedelta | float | None = None,
    warm_start: _native.Plan | None = None,
    progress: bool | Literal["auto"] = "auto",
) -> _native.Booking:
    """
    Say how likely a campaign's goal is to be met, and what meeting it costs.

    Every replicate draws the log's opportunities anew (listeners, where it has a column ``listener``) and solves the
    relaxed problem on them: without the goal, with it, and with every unit paid the penalty.

    Parameters
    ----------
    problem, log
        As for `plan`. All of the log is used.
    campaigns
        The campaign table, with the new campaign as a row, and its candidates in the log.
    campaign
        Whose goal is asked about.
    amount
        At least so much of ``measure`` over the flight; the campaign's floor, else its target, by default.
    measure
        What is counted.
    penalty
        The most that a unit may cost, in organic-score units; by default that of the campaign's goal, else the default
        penalty of a floor.
    replicates
        How often opportunities are drawn anew; in [1, 100000].
    seed
        Draws them, with their ids: a whole number in [0, 2^64).
    tolerance
        Relative gap of each solve; amounts are good to `Booking.resolution`.
    traffic, shift, unknown, threads, time_limit
        As for `plan`.
    warm_start
        A plan of the same log and campaigns, whose prices are the start of the first solve.
    progress
        ``"auto"`` draws a bar in terminals and notebooks; True always; False never.

    Returns
    -------
    Booking
        With fewer replicates and status ``time_limit`` where the time was over.

    Raises
    ------
    InvalidInput
        As `plan`, and for a campaign that the table lacks or a goal that it does not have.
    KeyboardInterrupt
        Within 0.2 s of Ctrl-C; nothing is kept.

    Notes
    -----
    Item and slate rules are not seen, as in any relaxed plan. Cost: three solves of a few passes for each replicate.

    """
    if progress not in (True, False, "auto"):
        raise _native.invalid_input("progress", "auto, True or False", progress)
    with BookBar(progress) as bar:
        return _native.book(
            problem,
            log,
            campaigns,
            campaign,
            amount=amount,
            measure=measure,
            penalty=penalty,
            replicates=replicates,
            seed=seed,
            tolerance=tolerance,
            traffic=traffic,
            shift=shift,
            unknown=unknown,
            threads=threads,
            time_limit=time_limit,
            warm_start=warm_start,
            observer=bar if bar.active else None,
        )
