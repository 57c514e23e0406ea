//! How good a plan is.

use super::served::Serving;
use crate::policy::Policy;
use serde_json::{Value, json};
use std::fmt;

/// How a solve ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Gap within tolerance and worst violation at most 1e-6.
    Solved,
    /// The pass limit was reached.
    IterationLimit,
    /// The time limit was reached.
    TimeLimit,
    /// No further progress was possible.
    Stalled,
    /// The caller asked to stop.
    Cancelled,
}

impl Status {
    /// The name used in documents and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::IterationLimit => "iteration_limit",
            Self::TimeLimit => "time_limit",
            Self::Stalled => "stalled",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Bound and value of the relaxed plan, and what the serving rule does on opportunities the plan has not seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Certificate {
    /// No allocation is worth more; rounded up.
    pub upper_bound: f64,
    /// What the certified relaxed answer is worth, penalties included; rounded down.
    pub value: f64,
    /// `(upper_bound - value) / max(1, |upper_bound|)`.
    pub gap: f64,
    /// Largest excess over hard goals, and over soft goals that are not in conflict, relative to `max(1, |bound|)`.
    pub worst_violation: f64,
    /// Rows evaluated over rows, for whatever purpose but the uniform split before the first pass.
    pub passes: f64,
    /// Wall time from packed columns to the certificate; not stored in the policy.
    pub seconds: f64,
    /// The serving rule on held-out or fresh opportunities.
    pub serving: Option<Serving>,
}

impl Certificate {
    /// The certificate as it travels in a policy file: no wall-clock time, so that equal plans are equal bytes. Of the ledgers the tightest few;
    /// all of them are [`Serving::ledgers_to_json`].
    #[must_use]
    pub fn to_json(&self, status: Status) -> Value {
        json!({
            "status": status.name(),
            "upper_bound": self.upper_bound,
            "value": self.value,
            "gap": self.gap,
            "worst_violation": self.worst_violation,
            "passes": self.passes,
            "serving": self.serving.as_ref().map(Serving::to_json),
        })
    }

    /// The certificate that a policy carries, read back; `seconds` is 0. `None` where it has none, or one of another shape.
    #[must_use]
    pub fn of_policy(policy: &Policy) -> Option<Self> {
        let text = |name: &str| policy.metadata().get(name).and_then(|t| serde_json::from_str::<Value>(t).ok());
        let json = text(METADATA)?;
        let number = |name: &str| json.get(name).and_then(Value::as_f64);
        let serving = json.get("serving").filter(|s| !s.is_null());
        Some(Self {
            upper_bound: number("upper_bound")?,
            value: number("value")?,
            gap: number("gap")?,
            worst_violation: number("worst_violation")?,
            passes: number("passes")?,
            seconds: 0.0,
            serving: serving.and_then(|s| Serving::from_json(s, text(LEDGERS_METADATA).as_ref(), &policy.prices().collect::<Vec<_>>())),
        })
    }
}

/// Where a policy's metadata holds the certificate.
pub(super) const METADATA: &str = "certificate";
/// Where it holds the ledgers of the serving certificate.
pub(super) const LEDGERS_METADATA: &str = "serving_ledgers";

impl fmt::Display for Certificate {
    /// The whole in one screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "relaxed: value {:.9} of at most {:.9}, gap {:.2e}", self.value, self.upper_bound, self.gap)?;
        write!(f, "  worst violation {:.2e}, {:.1} passes", self.worst_violation, self.passes)?;
        if self.seconds > 0.0 {
            write!(f, ", {:.3} s", self.seconds)?;
        }
        match &self.serving {
            Some(serving) => write!(f, "\n{serving}"),
            None => write!(f, "\nserving: not certified, no opportunity was held out"),
        }
    }
}
