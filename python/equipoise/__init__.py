"""
Promotion scoring and allocation: plan prices offline, score requests in microseconds, explain every score exactly.

`Problem`, `Opportunities` and `Campaigns` go into `plan`; its `Plan` holds the certificate and the `Policy`;
`book` says how likely a campaign's goal is to be met; a `Scorer` serves the policy, one prepared `Request` at a time or
whole tables. Everything that is raised is an `Error`.
"""

from ._book import book
from ._errors import Error, Fault, InternalError, InvalidInput, PolicyError, ResourceExhausted, UsageError
from ._frontier import frontier
from ._native import (
    ORGANIC,
    UNKNOWN,
    UNWRITTEN,
    Booking,
    Campaigns,
    Certificate,
    Explanation,
    Frontier,
    Opportunities,
    Plan,
    Policy,
    Problem,
    Request,
    Scorer,
    ServingCertificate,
    WhatIf,
    __version__,
    problem_schema,
)
from ._plan import plan

__all__ = [
    "ORGANIC",
    "UNKNOWN",
    "UNWRITTEN",
    "Booking",
    "Campaigns",
    "Certificate",
    "Error",
    "Explanation",
    "Fault",
    "Frontier",
    "InternalError",
    "InvalidInput",
    "Opportunities",
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
    "plan",
    "problem_schema",
]
