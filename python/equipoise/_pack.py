"""`pack`: a log in native blocks, with a progress line around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from . import _native
from ._progress import PackBar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from os import PathLike

    from ._tables import ArrowArray, ArrowStream


def pack(
    problem: _native.Problem,
    table: ArrowStream | ArrowArray | str | PathLike[str],
    campaigns: _native.Campaigns,
    path: str | PathLike[str],
    *,
    measures: Iterable[str],
    naive: Literal["utc"] | None = None,
    fill: dict[str, float] | None = None,
    shift: timedelta | int | None = None,
    unknown: Literal["error", "organic"] = "error",
    holdout: float = 0.2,
    seed: int = 0,
    progress: bool | Literal["auto"] = "auto",
) -> _native.PackedLog:
    """
    Pack a log that need not fit memory into a file for `plan`.

    The log is read as a stream, some hundred thousand rows at a time. Which rows are eligible, the hold-out, the
    measures, and whether goals tell markets and surfaces apart are fixed here; limits, penalties, objectives and
    traffic are free when planning. A plan of the packed log is a plan of the log itself, bit for bit; its decisions
    come as a stream, `Plan.decision_batches`, and it answers no `Plan.what_if`.

    Parameters
    ----------
    problem, campaigns
        As for `plan`; later plans take these campaigns again.
    table
        An object with the Arrow C stream, or a Parquet path or glob: one row per candidate.
    path
        Where the file goes. It is written beside it and renamed: what stands there is whole.
    measures, naive, fill
        As for `Opportunities`.
    shift, unknown, holdout, seed
        As for `plan`. Opportunities held out are kept in memory when planning.
    progress
        ``"auto"`` draws a line in terminals and notebooks; True always; False never.

    Returns
    -------
    PackedLog
        Give it to `plan` as its log; ``PackedLog(path)`` opens it again.

    Raises
    ------
    InvalidInput
        With every fault of the part of the log that has one, its rows counted from the beginning. No file is left.
    KeyboardInterrupt
        Within 0.2 s of Ctrl-C; no file is left.

    """
    if progress not in (True, False, "auto"):
        raise _native.invalid_input("progress", "auto, True or False", progress)
    with PackBar(progress) as bar:
        return _native.pack(
            problem,
            table,
            campaigns,
            path,
            measures=measures,
            naive=naive,
            fill=fill,
            shift=shift,
            unknown=unknown,
            holdout=holdout,
            seed=seed,
            observer=bar if bar.active else None,
        )
