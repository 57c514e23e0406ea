//! `target`: exactly so much, or a penalty for each unit of deviation.

use super::{Interval, Utility, delegate_to_interval};

/// `U(d) = -penalty abs(bound - d)`. Its price lies within the penalty on either side; the dual pays `p bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What should be delivered.
    pub bound: f64,
    /// Cost of a unit of deviation; positive.
    pub penalty: f64,
}

impl Target {
    /// The target as an interval without width.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval { lower: self.bound, upper: self.bound, below: self.penalty, above: self.penalty }
    }
}

delegate_to_interval!(Target);

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::utility::numeric::agrees;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_brute_force(bound in 0.0..1e4f64, penalty in 0.01..10.0f64, p in -12.0..12.0f64) {
            agrees(&Target { bound, penalty }, p, -1e5, 1e5, &[bound]);
        }
    }
}
