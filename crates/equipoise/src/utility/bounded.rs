//! An `alpha_fair` utility and an interval on one ledger: one price for both.

use super::{AlphaFair, Interval, Utility};

/// `U(d) = fair(d) + interval(d)`: a capped campaign that also counts for fairness has one price, and its curvature costs no second row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The smooth part.
    pub fair: AlphaFair,
    /// The bounds.
    pub interval: Interval,
}

impl Bounded {
    /// The range of the price.
    #[must_use]
    pub fn price_range(&self) -> (f64, f64) {
        let (least, most) = self.fair.price_range();
        (least - self.interval.below, if self.interval.above > 0.0 { self.interval.above } else { most })
    }

    /// The piece of the price map that `p` lies on: its delivery, and which part of the price the fair utility alone answers (none where a bound holds).
    fn piece(&self, p: f64) -> (f64, Option<f64>) {
        let Interval { lower, upper, below, above } = self.interval;
        let d = self.fair.delivery(p);
        if d > upper {
            let over = self.fair.delivery(p - above);
            if over > upper { (over, Some(p - above)) } else { (upper, None) }
        } else if d < lower {
            let under = self.fair.delivery(p + below);
            if under < lower { (under, Some(p + below)) } else { (lower, None) }
        } else {
            (d, Some(p))
        }
    }

    /// The delivery at which a price is worth most.
    #[must_use]
    pub fn delivery(&self, p: f64) -> f64 {
        self.piece(p).0
    }

    /// How fast that delivery grows with the price: 0 where a bound holds.
    #[must_use]
    pub fn bend(&self, p: f64) -> f64 {
        self.piece(p).1.map_or(0.0, |p| self.fair.bend(p))
    }

    /// How a price is split: the fair utility's part, then the interval's.
    #[must_use]
    pub fn split(&self, p: f64) -> (f64, f64) {
        let Interval { lower, upper, .. } = self.interval;
        if lower.is_infinite() && upper.is_infinite() {
            return (p, 0.0);
        }
        // At the ends of what can be delivered the fair utility takes any price.
        let rest = (p + self.fair.slope(self.delivery(p))).clamp(-self.interval.below, self.interval.above);
        let held = (rest > 0.0 && upper.is_finite()) || (rest < 0.0 && lower.is_finite());
        if held { (p - rest, rest) } else { (p, 0.0) }
    }
}

impl Utility for Bounded {
    fn utility(&self, d: f64) -> f64 {
        self.fair.utility(d) + self.interval.utility(d)
    }

    fn conjugate(&self, p: f64) -> f64 {
        if p > 0.0 && self.interval.upper.is_infinite() && self.fair.supply().is_infinite() {
            return f64::INFINITY;
        }
        let d = self.delivery(p);
        self.fair.utility(d) - self.interval.penalty(d) + if p == 0.0 { 0.0 } else { p * d }
    }

    fn deliveries(&self, p: f64) -> (f64, f64) {
        let d = self.delivery(p);
        (d, d)
    }

    fn prices(&self, d: f64) -> (f64, f64) {
        let (fair, interval) = (self.fair.prices(d), self.interval.prices(d));
        (fair.0 + interval.0, fair.1 + interval.1)
    }

    fn project(&self, p: f64) -> f64 {
        let (least, most) = self.price_range();
        p.clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;
    use crate::utility::numeric::agrees;
    use crate::utility::{AlphaFair, Interval, Utility};
    use proptest::prelude::*;

    fn penalties() -> impl Strategy<Value = f64> {
        prop_oneof![Just(f64::INFINITY), 0.01..10.0f64]
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(
            a in 0.1..20.0f64, alpha in 0.3..8.0f64, o in 0.2..5.0f64, lower in 0.0..40.0f64, width in 0.0..40.0f64, below in 0.01..10.0f64,
            above in penalties(), sides in 0u8..4, p in -30.0..9.0f64,
        ) {
            let supply = 100.0;
            let fair = AlphaFair::new(a, alpha, o).with_supply(supply);
            let mut interval = Interval::FREE;
            if sides & 1 == 1 {
                (interval.lower, interval.below) = (lower, below);
            }
            if sides & 2 == 2 {
                (interval.upper, interval.above) = (lower + width, above);
            }
            let u = Bounded { fair, interval };
            let p = p.min(u.price_range().1);
            agrees(&u, p, 0.0, supply, &[lower, lower + width]);
            let (part, rest) = u.split(p);
            prop_assert!((part + rest - p).abs() <= 1e-15 * p.abs());
            // Each part is a price of its own goal at the delivery they agree on.
            let d = u.delivery(p);
            let within = |(low, high): (f64, f64), p: f64| p >= low - 1e-9 * (1.0 + p.abs()) && p <= high + 1e-9 * (1.0 + p.abs());
            prop_assert!(within(fair.prices(d), part) && within(interval.prices(d), rest), "{part} {rest} at {d}");
        }
    }
}
