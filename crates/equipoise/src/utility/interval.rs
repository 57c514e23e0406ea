//! The core that the interval goals share: nothing is lost inside, every unit outside costs a penalty.

use super::Utility;

/// `U(d) = -below (lower - d)+ - above (d - upper)+`; a side without a bound has an infinite bound and penalty 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound; minus infinity for none.
    pub lower: f64,
    /// Upper bound; infinity for none.
    pub upper: f64,
    /// Penalty per unit below `lower`; infinite where hard, 0 where there is no bound.
    pub below: f64,
    /// Penalty per unit above `upper`, likewise.
    pub above: f64,
}

impl Interval {
    /// No bound at all.
    pub const FREE: Self = Self { lower: f64::NEG_INFINITY, upper: f64::INFINITY, below: 0.0, above: 0.0 };

    /// The range of the price: an end is minus or plus the penalty of its side.
    #[must_use]
    pub fn price_range(&self) -> (f64, f64) {
        (-self.below, self.above)
    }

    /// What a delivery costs, hard bounds aside.
    #[must_use]
    pub fn penalty(&self, d: f64) -> f64 {
        let cost = |missing: f64, price: f64| if missing > 0.0 && price.is_finite() { missing * price } else { 0.0 };
        cost(self.lower - d, self.below) + cost(d - self.upper, self.above)
    }
}

impl Utility for Interval {
    fn utility(&self, d: f64) -> f64 {
        let hard = (d < self.lower && self.below.is_infinite()) || (d > self.upper && self.above.is_infinite());
        if hard { f64::NEG_INFINITY } else { -self.penalty(d) }
    }

    fn conjugate(&self, p: f64) -> f64 {
        let (least, most) = self.price_range();
        if p < least || p > most {
            f64::INFINITY
        } else if p > 0.0 {
            self.upper * p
        } else if p < 0.0 {
            self.lower * p
        } else {
            0.0
        }
    }

    fn deliveries(&self, p: f64) -> (f64, f64) {
        let (least, most) = self.price_range();
        let (mut from, mut to) = if p > 0.0 {
            (self.upper, self.upper)
        } else if p < 0.0 {
            (self.lower, self.lower)
        } else {
            (self.lower, self.upper)
        };
        if p >= most {
            to = f64::INFINITY;
        }
        if p <= least {
            from = f64::NEG_INFINITY;
        }
        (from, to)
    }

    fn prices(&self, d: f64) -> (f64, f64) {
        let (least, most) = self.price_range();
        if d < self.lower {
            (least, least)
        } else if d > self.upper {
            (most, most)
        } else {
            (if d == self.lower { least } else { 0.0 }, if d == self.upper { most } else { 0.0 })
        }
    }

    fn project(&self, p: f64) -> f64 {
        p.clamp(-self.below, self.above)
    }
}
