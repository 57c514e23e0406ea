//! Planning: prices for a sample of opportunities, with the certificate that says how good they are.

mod certificate;
mod settings;

pub use certificate::{Certificate, Serving, Status};
pub use settings::{Progress, Settings, Unknown};

use crate::error::Result;
use crate::model::{Campaigns, GoalKind, Opportunities, Problem};
use crate::policy::Policy;

/// The outcome of [`plan`].
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) status: Status,
    pub(crate) certificate: Certificate,
    pub(crate) prices: Vec<PriceRow>,
    pub(crate) deliveries: Deliveries,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) decisions: Vec<Option<f64>>,
    pub(crate) policy: Policy,
    pub(crate) notes: Vec<String>,
}

/// One ledger with its price: a row of `plan.prices`.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceRow {
    /// Name of the goal.
    pub goal: String,
    /// What the goal asks.
    pub kind: GoalKind,
    /// The measure counted.
    pub measure: String,
    /// Over what: `campaign=c1`, `market=SE`, `all`.
    pub scope: String,
    /// The price: positive charges, negative subsidises; per unit of the measure.
    pub price: f64,
    /// What the certified relaxed answer delivers; for a share the fraction of the whole.
    pub delivered: f64,
    /// The bound asked for; for a share the fraction.
    pub bound: f64,
    /// How far inside the bound the delivery is; negative where it is missed.
    pub slack: f64,
}

/// What the certified relaxed answer delivers: rows campaigns in the order of their ids, columns `exposure` and the measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deliveries {
    /// Campaign ids, sorted.
    pub campaigns: Vec<String>,
    /// Measure names, `exposure` first.
    pub measures: Vec<String>,
    /// One column per measure.
    pub columns: Vec<Vec<f64>>,
}

/// Why a goal is not met: a row of `plan.conflicts`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The finding.
    pub kind: ConflictKind,
    /// The goal, with its scope.
    pub goal: String,
    /// What was asked.
    pub asked: f64,
    /// What the plan reaches.
    pub reached: f64,
    /// `unreachable`: the least relaxation of the bound with which all are feasible together.
    pub least_relaxation: Option<f64>,
    /// `outbid`: the price that would meet the goal.
    pub price: Option<f64>,
}

/// The kinds of [`Conflict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictKind {
    /// No allocation that keeps the hard goals meets all floors.
    Unreachable,
    /// Reachable, but the penalty is lower than the price of reaching it.
    Outbid,
    /// A hard `at_least` share that starves the whole.
    Starves,
    /// A campaign without an eligible row.
    NoSupply,
}

impl ConflictKind {
    /// The name used in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Outbid => "outbid",
            Self::Starves => "starves",
            Self::NoSupply => "no_supply",
        }
    }
}

impl Plan {
    /// How the solve ended.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
    /// How good the plan is.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    /// Every ledger with its price.
    #[must_use]
    pub fn prices(&self) -> &[PriceRow] {
        &self.prices
    }
    /// Campaign by measure.
    #[must_use]
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }
    /// What cannot be met, and why.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
    /// The certified relaxed answer, aligned with the rows of the log: `x` in `[0, 1]`; `None` on held-out opportunities.
    #[must_use]
    pub fn decisions(&self) -> &[Option<f64>] {
        &self.decisions
    }
    /// The policy that serves these prices.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
    /// What a careful reader should know, in sentences: defaults taken, flights ignored.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Plans prices for `problem` on the sample `log`.
///
/// # Errors
/// Every fault of the three inputs and the settings at once. Limits and cancellation are a [`Status`], not an error.
pub fn plan(problem: &Problem, log: &Opportunities, campaigns: &Campaigns, settings: &Settings<'_>) -> Result<Plan> {
    let _ = (problem, log, campaigns, settings);
    Err(crate::Error::new(crate::error::codes::PANIC, "plan", None, "not yet there"))
}
