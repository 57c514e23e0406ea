"""`plan`: the native planner with a progress bar and a log line around it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from . import _native
from ._progress import PlanBar

if TYPE_CHECKING:
    from datetime import timedelta
    from os import PathLike
    from threading import Event

logger = logging.getLogger("equipoise")


def plan(
    problem: _native.Problem,
    log: _native.Opportunities | _native.PackedLog,
    campaigns: _native.Campaigns,
    *,
    tolerance: float = 1e-4,
    traffic: float = 1.0,
    shift: timedelta | int | None = None,
    unknown: Literal["error", "organic"] = "error",
    holdout: float = 0.2,
    fresh: _native.Opportunities | None = None,
    seed: int = 0,
    threads: int | None = None,
    time_limit: timedelta | float | None = None,
    warm_start: _native.Plan | None = None,
    checkpoint: str | PathLike[str] | None = None,
    cancel: Event | None = None,
    memory: int = 1 << 30,
    progress: bool | Literal["auto"] = "auto",
) -> _native.Plan:
    """
    Plan prices for `problem` on the sample `log`.

    Parameters
    ----------
    problem, log, campaigns
        What to maximise under which goals, a sample of opportunities, and the promoted campaigns. A packed log
        has its `holdout`, `seed`, `shift` and `unknown` from its packing; what is given here of them does not count.
    tolerance
        Relative gap at which the plan counts as solved; in [1e-9, 0.5].
    traffic
        Multiplies all weights: a 10 % sample of the flight has traffic 10.
    shift
        Added to the log's times before flights are checked; a `timedelta` or microseconds.
    unknown
        What to do with campaigns of the log that the table lacks: raise, or treat their rows as organic.
    holdout
        Fraction of opportunities, drawn by `seed` and id, kept out for the serving certificate; in [0, 0.9].
    fresh
        Opportunities for the serving certificate from outside; `holdout` is then 0.
    seed
        Draws the hold-out; a whole number in [0, 2^64).
    threads
        Worker threads, all processors by default. The result has the same bits for every number.
    time_limit
        Seconds (or a `timedelta`) after which the best plan so far is returned, with status ``time_limit``.
    warm_start
        An earlier plan of a similar problem, whose prices are the start.
    checkpoint
        A file that keeps the passes made so far. A plan of the same inputs that finds it goes on from them, to the same
        bits as a plan that was never stopped; limits, threads and tolerance may differ. It stays when the plan ends.
    cancel
        An event, as of `threading`; once it is set, the best plan so far is returned, with status ``cancelled``.
    memory
        Bytes of a packed log's blocks that stay in memory between passes; the others are read again in each.
    progress
        ``"auto"`` draws a bar in terminals and notebooks; True always; False never.

    Returns
    -------
    Plan
        Limits are a `status`, goals that cannot be met are rows of `conflicts`; neither is an error.

    Raises
    ------
    InvalidInput
        With every fault of the inputs at once.
    KeyboardInterrupt
        Within 0.2 s of Ctrl-C; nothing is kept but the checkpoint.

    Notes
    -----
    Other Python threads run while a plan does.

    """
    if progress not in (True, False, "auto"):
        raise _native.invalid_input("progress", "auto, True or False", progress)
    with PlanBar(progress) as bar:
        result = _native.plan(
            problem,
            log,
            campaigns,
            tolerance=tolerance,
            traffic=traffic,
            shift=shift,
            unknown=unknown,
            holdout=holdout,
            fresh=fresh,
            seed=seed,
            threads=threads,
            time_limit=time_limit,
            warm_start=warm_start,
            checkpoint=checkpoint,
            cancel=cancel,
            memory=memory,
            observer=bar if bar.active else None,
        )
    for note in result.notes:
        logger.info("%s", note)
    certificate = result.certificate
    logger.log(
        logging.INFO if result.status == "solved" else logging.WARNING,
        "plan %s: gap %.3g, value %.9g, bound %.9g, %.0f passes, %.3f s, %d conflicts",
        result.status,
        certificate.gap,
        certificate.value,
        certificate.upper_bound,
        certificate.passes,
        certificate.seconds,
        len(result.conflicts),
    )
    return result
