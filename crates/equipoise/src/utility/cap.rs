//! `cap`: at most so much, whatever it costs.

use super::{Interval, Utility, delegate_to_interval};

/// `U(d) = 0` for `d <= bound`, else minus infinity. Its price is at least 0; the dual pays `p bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cap {
    /// The most that may be delivered.
    pub bound: f64,
}

impl Cap {
    /// The cap as an interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval { upper: self.bound, above: f64::INFINITY, ..Interval::FREE }
    }
}

delegate_to_interval!(Cap);

#[cfg(test)]
mod tests {
    use super::Cap;
    use crate::utility::numeric::agrees;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_brute_force(bound in 0.0..1e4f64, p in -5.0..5.0f64) {
            agrees(&Cap { bound }, p, -1e5, 1e5, &[bound]);
        }
    }
}
