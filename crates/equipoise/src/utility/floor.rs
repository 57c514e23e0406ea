//! `floor`: at least so much, or a penalty for each missing unit.

use super::{Interval, Utility, delegate_to_interval};

/// `U(d) = -penalty (bound - d)+`. Its price lies between minus the penalty and 0; the dual pays `p bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// The least that should be delivered.
    pub bound: f64,
    /// Cost of a missing unit; positive.
    pub penalty: f64,
}

impl Floor {
    /// The floor as an interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval { lower: self.bound, below: self.penalty, ..Interval::FREE }
    }
}

delegate_to_interval!(Floor);

#[cfg(test)]
mod tests {
    use super::Floor;
    use crate::utility::numeric::agrees;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_brute_force(bound in 0.0..1e4f64, penalty in 0.01..10.0f64, p in -12.0..5.0f64) {
            agrees(&Floor { bound, penalty }, p, -1e5, 1e5, &[bound]);
        }
    }
}
