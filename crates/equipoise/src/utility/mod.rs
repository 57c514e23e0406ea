//! What is promised on a ledger: a concave utility of its delivery, its conjugate and the range of its price.
//!
//! | goal | utility `U(d)` | price range | contribution to the dual |
//! |---|---|---|---|
//! | cap `B` | 0 for `d <= B`, else minus infinity | `p >= 0` | `p B` |
//! | floor `F`, penalty `a` | `-a (F - d)+` | `-a <= p <= 0` | `p F` |
//! | target `T`, penalty `a` | `-a abs(T - d)` | `-a <= p <= a` | `p T` |
//! | share, at most or at least | as a cap or floor of 0 on `d = D_G - s D_A` | one sign; an end where soft | 0 |
//!
//! A guardrail is a cap. Every promise here is an interval with a penalty on each side, so one type serves them all.

/// `-below (lower - d)+ - above (d - upper)+`; an infinite penalty makes a side hard.
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
}

impl Promise {
    /// At most `bound`, hard.
    #[must_use]
    pub fn cap(bound: f64) -> Self {
        Self { lower: f64::NEG_INFINITY, upper: bound, below: Some(0.0), above: Some(f64::INFINITY) }
    }

    /// At least `bound`; each missing unit costs `penalty`.
    #[must_use]
    pub fn floor(bound: f64, penalty: Option<f64>) -> Self {
        Self { lower: bound, upper: f64::INFINITY, below: penalty, above: Some(0.0) }
    }

    /// Exactly `bound`; each unit of deviation costs `penalty`.
    #[must_use]
    pub fn target(bound: f64, penalty: Option<f64>) -> Self {
        Self { lower: bound, upper: bound, below: penalty, above: penalty }
    }

    /// A share of at most `s`, stated on `d = D_G - s D_A`; hard without a penalty.
    #[must_use]
    pub fn share_at_most(penalty: Option<f64>) -> Self {
        Self { lower: f64::NEG_INFINITY, upper: 0.0, below: Some(0.0), above: Some(penalty.unwrap_or(f64::INFINITY)) }
    }

    /// A share of at least `s`, stated on `d = D_G - s D_A`; hard without a penalty.
    #[must_use]
    pub fn share_at_least(penalty: Option<f64>) -> Self {
        Self { lower: 0.0, upper: f64::INFINITY, below: Some(penalty.unwrap_or(f64::INFINITY)), above: Some(0.0) }
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

    /// The range of the price: ends at a finite penalty, 0 where a side has no bound.
    #[must_use]
    pub fn price_range(&self) -> (f64, f64) {
        let end = |bound: f64, penalty: Option<f64>| if bound.is_finite() { penalty.unwrap_or(0.0) } else { 0.0 };
        (-end(self.lower, self.below), end(self.upper, self.above))
    }

    /// The utility of a delivery; minus infinity past a hard bound.
    #[must_use]
    pub fn utility(&self, d: f64) -> f64 {
        let (least, most) = self.price_range();
        let cost = |missing: f64, price: f64| if missing > 0.0 { missing * price } else { 0.0 };
        -cost(self.lower - d, -least) - cost(d - self.upper, most)
    }

    /// The conjugate `sup over d of U(d) + p d`, the goal's contribution to the dual; infinite outside the price range.
    #[must_use]
    pub fn conjugate(&self, p: f64) -> f64 {
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
}

#[cfg(test)]
mod tests {
    use super::Promise;

    /// The conjugate by brute force on a grid that holds the kinks.
    fn numerical(promise: &Promise, p: f64) -> f64 {
        (-4000..=4000).map(|i| f64::from(i) * 0.01).map(|d| promise.utility(d) + p * d).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn conjugates_agree_with_brute_force() {
        let promises = [
            Promise::cap(3.0),
            Promise::floor(2.0, Some(1.5)),
            Promise::target(4.0, Some(0.5)),
            Promise::share_at_most(None),
            Promise::share_at_least(Some(2.0)),
            Promise { lower: 1.0, upper: 2.0, below: Some(3.0), above: Some(f64::INFINITY) },
        ];
        for promise in promises {
            let (least, most) = promise.price_range();
            for i in -20..=20 {
                let p = f64::from(i) * 0.1;
                // Past a finite bound on the grid a price of the wrong sign would run off to the grid's edge.
                if p >= least && p <= most {
                    assert!((numerical(&promise, p) - promise.conjugate(p)).abs() < 1e-10, "{promise:?} at {p}");
                }
            }
        }
    }
}
