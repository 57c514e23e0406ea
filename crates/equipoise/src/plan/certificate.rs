//! How good a plan is.

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
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// No allocation is worth more; rounded up.
    pub upper_bound: f64,
    /// What the certified relaxed answer is worth, penalties included; rounded down.
    pub value: f64,
    /// `(upper_bound - value) / max(1, |upper_bound|)`.
    pub gap: f64,
    /// Largest excess over hard goals, and over soft goals that are not in conflict, relative to `max(1, |bound|)`.
    pub worst_violation: f64,
    /// Rows evaluated over rows, for whatever purpose.
    pub passes: f64,
    /// Wall time from packed columns to the certificate; not stored in the policy.
    pub seconds: f64,
    /// The serving rule on held-out or fresh opportunities.
    pub serving: Option<Serving>,
}

/// The serving rule, slate rules included, on opportunities that the plan has not seen, weighted to stand for the whole flight.
#[derive(Debug, Clone, PartialEq)]
pub struct Serving {
    /// Opportunities replayed.
    pub opportunities: u64,
    /// Their value under the objectives, floor and share penalties included.
    pub value: f64,
    /// `value / upper_bound` of the relaxed plan.
    pub value_ratio: f64,
    /// Largest relative excess over a hard goal.
    pub worst_violation: f64,
    /// The goal that has it, with its scope; empty where none is exceeded.
    pub worst_goal: String,
}

impl Certificate {
    /// The certificate as it travels in a policy file: no wall-clock time, so that equal plans are equal bytes.
    #[must_use]
    pub fn to_json(&self, status: Status) -> serde_json::Value {
        let serving = self.serving.as_ref().map(|s| {
            serde_json::json!({
                "opportunities": s.opportunities,
                "value": s.value,
                "value_ratio": s.value_ratio,
                "worst_violation": s.worst_violation,
                "worst_goal": s.worst_goal,
            })
        });
        serde_json::json!({
            "status": status.name(),
            "upper_bound": self.upper_bound,
            "value": self.value,
            "gap": self.gap,
            "worst_violation": self.worst_violation,
            "passes": self.passes,
            "serving": serving,
        })
    }
}
