"""`frontier`: what varies, spelled out level by level, around the native solver."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from . import _native
from ._progress import PlanBar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

logger = logging.getLogger("equipoise")


def frontier(
    problem: _native.Problem,
    log: _native.Opportunities,
    campaigns: _native.Campaigns,
    *,
    vary: str | Mapping[str, Sequence[float]],
    points: int | Sequence[float] | None = None,
    tolerance: float = 1e-4,
    traffic: float = 1.0,
    shift: timedelta | int | None = None,
    unknown: Literal["error", "organic"] = "error",
    holdout: float = 0.2,
    seed: int = 0,
    threads: int | None = None,
    time_limit: timedelta | float | None = None,
    progress: bool | Literal["auto"] = "auto",
) -> _native.Frontier:
    """
    Solve a problem at many levels of its objectives or goals: a Pareto frontier, each point with its own certificate.

    Each point starts from where its neighbour ended, so that all together cost a few passes a point.

    Parameters
    ----------
    problem, log, campaigns
        As for `plan`.
    vary
        What varies, by path: ``objectives.NAME``, ``goals.NAME.FIELD`` (the name as in `Plan.prices`),
        ``goals[0].FIELD`` or ``campaigns.ID.FIELD``. One path, its levels in `points`; or a mapping of paths to levels
        that move together, such as ``{"objectives.stream": [1, 0.5, 0], "objectives.save": [0, 0.5, 1]}``; with a
        number of `points`, a mapping of paths to (first, last).
    points
        The levels of the one path; or how many points to put evenly between first and last, both included.
    tolerance, traffic, shift, unknown, holdout, seed, threads
        As for `plan`, for every point.
    time_limit
        For all points together: those it reaches are certified with what they have.
    progress
        As for `plan`; the bar starts again with each point.

    Returns
    -------
    Frontier
        Its `table` has a row per point: the levels, status, value, upper_bound, gap, passes and every measure's total.

    Raises
    ------
    InvalidInput
        With every fault of the inputs, before anything is solved.
    KeyboardInterrupt
        Within 0.2 s of Ctrl-C; nothing is kept.

    """
    if progress not in (True, False, "auto"):
        raise _native.invalid_input("progress", "auto, True or False", progress)
    levels = spelled_out(vary, points)
    with PlanBar(progress) as bar:
        result = _native.frontier(
            problem,
            log,
            campaigns,
            paths=list(levels),
            levels=list(levels.values()),
            tolerance=tolerance,
            traffic=traffic,
            shift=shift,
            unknown=unknown,
            holdout=holdout,
            seed=seed,
            threads=threads,
            time_limit=time_limit,
            observer=bar if bar.active else None,
        )
    logger.info("%r", result)
    return result


def spelled_out(
    vary: str | Mapping[str, Sequence[float]], points: int | Sequence[float] | None
) -> dict[str, list[float]]:
    """Every path with its level at every point."""
    if isinstance(vary, str):
        return {vary: numbers("points", points)}
    if not isinstance(vary, Mapping):
        raise _native.invalid_input("vary", "a path, or a mapping of paths to levels", vary)
    given = {str(path): numbers(f"vary[{path!r}]", levels) for path, levels in vary.items()}
    if points is None:
        return given
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise _native.invalid_input("points", "at least 2, the number of points between first and last", points)
    out = {}
    for path, ends in given.items():
        if len(ends) != 2:
            raise _native.invalid_input(f"vary[{path!r}]", "(first, last)", ends)
        first, last = ends
        out[path] = [first + (last - first) * i / (points - 1) for i in range(points - 1)] + [last]
    return out


def numbers(name: str, values: object) -> list[float]:
    """Take a list of numbers."""
    try:
        return [float(v) for v in values]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise _native.invalid_input(name, "a list of levels", values) from None
