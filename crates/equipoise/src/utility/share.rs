//! `share`: a fraction of the whole, stated on `d = D_G - s D_A`, what the members hold beyond their fraction `s` of everything.

use super::{Interval, Utility, delegate_to_interval};

/// One side of a share. Its price has one sign and ends at the penalty where soft; it adds nothing to the dual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// `d <= 0`; each unit above costs the penalty, infinite where hard.
    AtMost(f64),
    /// `d >= 0`; each unit below costs the penalty, infinite where hard.
    AtLeast(f64),
}

impl Share {
    /// The coefficients of members and of everybody else: `1 - s` and `-s`.
    #[must_use]
    pub fn coefficients(s: f64) -> (f64, f64) {
        (1.0 - s, -s)
    }

    /// The side as an interval that ends at 0.
    #[must_use]
    pub fn interval(&self) -> Interval {
        match self {
            Self::AtMost(penalty) => Interval { upper: 0.0, above: *penalty, ..Interval::FREE },
            Self::AtLeast(penalty) => Interval { lower: 0.0, below: *penalty, ..Interval::FREE },
        }
    }
}

delegate_to_interval!(Share);

#[cfg(test)]
mod tests {
    use super::Share;
    use crate::utility::numeric::agrees;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_brute_force(penalty in prop_oneof![0.01..10.0f64, Just(f64::INFINITY)], p in -12.0..12.0f64) {
            agrees(&Share::AtMost(penalty), p, -1e5, 1e5, &[0.0]);
            agrees(&Share::AtLeast(penalty), p, -1e5, 1e5, &[0.0]);
        }

        #[test]
        fn coefficients_weigh_members_against_the_whole(s in 0.0..1.0f64, members in 0.0..1e3f64, others in 0.0..1e3f64) {
            let (inside, outside) = Share::coefficients(s);
            prop_assert!((inside * members + outside * others - (members - s * (members + others))).abs() <= 1e-12 * (members + others));
        }
    }
}
