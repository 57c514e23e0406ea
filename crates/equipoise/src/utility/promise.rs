//! What a goal promises on one ledger, as problems state it: penalties may still be missing, and a fairness goal may stand where bounds do.

use super::{AlphaFair, Cap, Floor, Guardrail, Interval, Share, Target};

/// Bounds with a penalty on each side, `-below (lower - d)+ - above (d - upper)+`, and a fairness utility.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// Lower bound; minus infinity for none.
    pub lower: f64,
    /// Upper bound; infinity for none.
    pub upper: f64,
    /// Penalty per unit below `lower`: infinite where hard, `None` where the plan's default is to be taken.
    pub below: Option<f64>,
    /// Penalty per unit above `upper`, likewise.
    pub above: Option<f64>,
    /// What the ledger counts for in fairness; `None` for goals that are bounds, and for ledgers that have no supply.
    pub fair: Option<Fairness>,
}

/// A fairness utility of one ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fairness {
    /// Of this ledger alone.
    Alpha(AlphaFair),
    /// A member of the group that its goal's ledgers are: the group is worth `weight min d/t`.
    Member {
        /// The group's weight.
        weight: f64,
        /// The member's own.
        t: f64,
    },
}

impl From<Interval> for Promise {
    fn from(i: Interval) -> Self {
        Self { lower: i.lower, upper: i.upper, below: Some(i.below), above: Some(i.above), fair: None }
    }
}

impl From<Fairness> for Promise {
    fn from(fair: Fairness) -> Self {
        Self { fair: Some(fair), ..Interval::FREE.into() }
    }
}

impl Promise {
    /// At most `bound`, hard.
    #[must_use]
    pub fn cap(bound: f64) -> Self {
        Cap { bound }.interval().into()
    }

    /// At least `bound`; each missing unit costs `penalty`.
    #[must_use]
    pub fn floor(bound: f64, penalty: Option<f64>) -> Self {
        Self { below: penalty, ..Floor { bound, penalty: 0.0 }.interval().into() }
    }

    /// Exactly `bound`; each unit of deviation costs `penalty`.
    #[must_use]
    pub fn target(bound: f64, penalty: Option<f64>) -> Self {
        Self { below: penalty, above: penalty, ..Target { bound, penalty: 0.0 }.interval().into() }
    }

    /// A share of at most `s`, stated on `d = D_G - s D_A`; hard without a penalty.
    #[must_use]
    pub fn share_at_most(penalty: Option<f64>) -> Self {
        Share::AtMost(penalty.unwrap_or(f64::INFINITY)).interval().into()
    }

    /// A share of at least `s`, stated on `d = D_G - s D_A`; hard without a penalty.
    #[must_use]
    pub fn share_at_least(penalty: Option<f64>) -> Self {
        Share::AtLeast(penalty.unwrap_or(f64::INFINITY)).interval().into()
    }

    /// At most `bound` of harm; a relative guardrail's fraction, until the sample says of what.
    #[must_use]
    pub fn guardrail(bound: f64) -> Self {
        Guardrail::absolute(bound).interval().into()
    }

    /// Whether a default penalty is still to be filled in.
    #[must_use]
    pub fn wants_default(&self) -> bool {
        self.below.is_none() || self.above.is_none()
    }

    /// Fills in the default penalty where none was given.
    #[must_use]
    pub fn with_default(mut self, penalty: f64) -> Self {
        self.below.get_or_insert(penalty);
        self.above.get_or_insert(penalty);
        self
    }

    /// The bounds alone; a penalty that is still missing counts as 0, and so does one of a side without a bound.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let penalty = |bound: f64, penalty: Option<f64>| if bound.is_finite() { penalty.unwrap_or(0.0) } else { 0.0 };
        Interval { lower: self.lower, upper: self.upper, below: penalty(self.lower, self.below), above: penalty(self.upper, self.above) }
    }

    /// The range of the bounds' price.
    #[must_use]
    pub fn price_range(&self) -> (f64, f64) {
        self.interval().price_range()
    }
}
