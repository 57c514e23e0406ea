//! `guardrail`: a cap on harm to listeners, absolute or as a fraction of what the opportunities of its scope hold.

use super::{Interval, Utility, delegate_to_interval};

/// A cap of `fraction size`, where `size` is the weighted organic value, or the number, of all opportunities of the scope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guardrail {
    /// The fraction; for an absolute guardrail the bound itself.
    pub fraction: f64,
    /// What it is a fraction of; 1 for an absolute guardrail.
    pub size: f64,
}

impl Guardrail {
    /// At most `bound`.
    #[must_use]
    pub fn absolute(bound: f64) -> Self {
        Self { fraction: bound, size: 1.0 }
    }

    /// The guardrail as an interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval { upper: self.fraction * self.size, above: f64::INFINITY, ..Interval::FREE }
    }
}

delegate_to_interval!(Guardrail);

#[cfg(test)]
mod tests {
    use super::Guardrail;
    use crate::utility::numeric::agrees;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_brute_force(fraction in 0.0..1.0f64, size in 0.0..1e4f64, p in -5.0..5.0f64) {
            agrees(&Guardrail { fraction, size }, p, -1e5, 1e5, &[fraction * size]);
            agrees(&Guardrail::absolute(size), p, -1e5, 1e5, &[size]);
        }
    }
}
