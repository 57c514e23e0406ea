"""
Promotion scoring and allocation: plan prices offline, score requests in microseconds, explain every score exactly.

`Problem`, `Opportunities` and `Campaigns` go into `plan`; its `Plan` holds the certificate and the `Policy`;
`book` says how likely a campaign's goal is to be met; a `Scorer` serves the policy, one prepared `Request` at a time, a
`Batch` of them or whole tables. Everything that is raised is an `Error`.
"""

import atexit as _atexit
import os as _os

from ._book import book
from ._errors import Error, Fault, InternalError, InvalidInput, PolicyError, ResourceExhausted, UsageError
from ._frontier import frontier
from ._native import (
    ORGANIC,
    REASONS,
    UNKNOWN,
    UNWRITTEN,
    Batch,
    Booking,
    Campaigns,
    Cause,
    Certificate,
    DecisionRecord,
    Explanation,
    Frontier,
    Opportunities,
    PackedLog,
    Plan,
    Policy,
    Problem,
    Request,
    Scorer,
    ServingCertificate,
    WhatIf,
    __version__,
    _await_cancelled,
    _hold_watchers,
    _resume_watchers,
    metric_series,
    problem_schema,
    read_records,
    records_table,
    save_records,
)
from ._pack import pack
from ._plan import plan

__all__ = [
    "ORGANIC",
    "REASONS",
    "UNKNOWN",
    "UNWRITTEN",
    "Batch",
    "Booking",
    "Campaigns",
    "Cause",
    "Certificate",
    "DecisionRecord",
    "Error",
    "Explanation",
    "Fault",
    "Frontier",
    "InternalError",
    "InvalidInput",
    "Opportunities",
    "PackedLog",
    "Plan",
    "Policy",
    "PolicyError",
    "Problem",
    "Request",
    "ResourceExhausted",
    "Scorer",
    "ServingCertificate",
    "UsageError",
    "WhatIf",
    "__version__",
    "book",
    "frontier",
    "metric_series",
    "pack",
    "plan",
    "problem_schema",
    "read_records",
    "records_table",
    "save_records",
]

# What Ctrl-C left behind may still read from an object of Python's.
_atexit.register(_await_cancelled)
if hasattr(_os, "register_at_fork"):
    # A child has none of the threads that watch files, and must not find their locks held.
    _os.register_at_fork(before=_hold_watchers, after_in_parent=_resume_watchers, after_in_child=_resume_watchers)
