"""The exceptions of equipoise: one tree, the same codes in every language."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    code: str
    """Stable code, such as ``invalid_input.shape``."""
    argument: str
    """The argument, column or path at fault."""
    index: int | None
    """The row or element, where there is one."""
    message: str
    """What was found and what was wanted."""


class Error(Exception):
    """
    Base of every error that equipoise raises.

    ``code``, ``argument`` and ``index`` are those of the first fault; ``faults`` lists every fault that was kept
    (at most 20 of a code). Nothing changes on error.
    """

    code: str
    argument: str
    index: int | None
    faults: tuple[Fault, ...]

    def __init__(
        self,
        message: str,
        code: str = "internal.panic",
        argument: str = "",
        index: int | None = None,
        faults: tuple[tuple[str, str, int | None, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.argument = argument
        self.index = index
        self.faults = tuple(Fault(*fault) for fault in faults)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with all fields, so that worker processes report what happened."""
        return type(self), (str(self), self.code, self.argument, self.index, tuple(astuple(f) for f in self.faults))


class InvalidInput(Error, ValueError):  # noqa: N818  the name is part of the interface
    """An argument, table, problem or request is wrong."""


class PolicyError(Error):
    """A policy file is corrupt, too new, or otherwise refused; the last good policy stays live."""


class UsageError(Error):
    """An object was used in an order, or by a thread, that is not allowed."""


class ResourceExhausted(Error, MemoryError):  # noqa: N818  as above
    """Memory or a stated limit ran out; state is unchanged."""


class InternalError(Error):
    """A bug in equipoise. The process goes on; please report it."""
