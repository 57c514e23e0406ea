//! `alpha_fair`: the more a ledger has, the less a further unit is worth.

use super::Utility;
use equipoise_kernel::elementary::{exp, exp_m1, ln, ln_1p};

/// `U(d) = a ((d + o)^(1 - alpha) - o^(1 - alpha))/(1 - alpha)` on `[0, supply]`, `a ln((d + o)/o)` at `alpha = 1`; `U(0) = 0`.
///
/// A ledger's price is minus the worth of its next unit: it lies between `-U'(0) = -a o^(-alpha)` and `-U'(supply)`; `alpha = 0` pins it at
/// `-a`. An offset of 0 is for `alpha < 1` only: above, nothing delivered would be infinitely bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlphaFair {
    /// Logarithm of the weight `a`: with a large `alpha`, changes of unit would leave the range of f64.
    ln_weight: f64,
    alpha: f64,
    offset: f64,
    supply: f64,
}

impl AlphaFair {
    /// The utility of weight `weight > 0`, exponent `alpha >= 0` and offset `offset >= 0`, positive where `alpha >= 1`.
    #[must_use]
    pub fn new(weight: f64, alpha: f64, offset: f64) -> Self {
        Self { ln_weight: ln(weight), alpha, offset, supply: f64::INFINITY }
    }

    /// The same for a ledger that cannot hold more than `supply`.
    #[must_use]
    pub fn with_supply(self, supply: f64) -> Self {
        Self { supply, ..self }
    }

    /// The same with deliveries counted in units of `delivery` and worth in units of `value`.
    #[must_use]
    pub fn in_units(self, delivery: f64, value: f64) -> Self {
        Self {
            ln_weight: self.ln_weight + (1.0 - self.alpha) * ln(delivery) - ln(value),
            alpha: self.alpha,
            offset: self.offset / delivery,
            supply: self.supply / delivery,
        }
    }

    /// The most that the ledger can hold.
    #[must_use]
    pub fn supply(&self) -> f64 {
        self.supply
    }

    /// The exponent.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The offset.
    #[must_use]
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// The logarithm of the weight.
    #[must_use]
    pub fn ln_weight(&self) -> f64 {
        self.ln_weight
    }

    /// What a further unit is worth at delivery `d >= 0`; infinite at 0 without an offset.
    #[must_use]
    pub fn slope(&self, d: f64) -> f64 {
        if self.alpha == 0.0 { exp(self.ln_weight) } else { exp(self.ln_weight - self.alpha * ln(d + self.offset)) }
    }

    /// The range of the price.
    #[must_use]
    pub fn price_range(&self) -> (f64, f64) {
        (-self.slope(0.0), -self.slope(self.supply))
    }

    /// The delivery at which a price is worth most; the least of them where there are several.
    #[must_use]
    pub fn delivery(&self, p: f64) -> f64 {
        if self.alpha == 0.0 {
            return if p <= -self.slope(0.0) { 0.0 } else { self.supply };
        }
        if p >= 0.0 { self.supply } else { (exp((self.ln_weight - ln(-p)) / self.alpha) - self.offset).clamp(0.0, self.supply) }
    }

    /// How fast that delivery grows with the price: the second derivative of the conjugate, 0 at the ends.
    #[must_use]
    pub fn bend(&self, p: f64) -> f64 {
        let d = self.delivery(p);
        if self.alpha > 0.0 && p < 0.0 && d > 0.0 && d < self.supply { (d + self.offset) / (self.alpha * -p) } else { 0.0 }
    }
}

impl Utility for AlphaFair {
    fn utility(&self, d: f64) -> f64 {
        if d < 0.0 {
            return f64::NEG_INFINITY;
        }
        let rest = 1.0 - self.alpha;
        if self.offset == 0.0 {
            // Only `alpha < 1`.
            return if d > 0.0 { exp(self.ln_weight + rest * ln(d)) / rest } else { 0.0 };
        }
        let grown = ln_1p(d / self.offset);
        let unit = exp(self.ln_weight + rest * ln(self.offset));
        if rest == 0.0 { unit * grown } else { unit * exp_m1(rest * grown) / rest }
    }

    fn conjugate(&self, p: f64) -> f64 {
        if p > 0.0 && self.supply.is_infinite() {
            return f64::INFINITY;
        }
        let d = self.delivery(p);
        self.utility(d) + if p == 0.0 { 0.0 } else { p * d }
    }

    fn deliveries(&self, p: f64) -> (f64, f64) {
        if self.alpha == 0.0 && p == -self.slope(0.0) {
            return (0.0, self.supply);
        }
        let d = self.delivery(p);
        (d, d)
    }

    fn prices(&self, d: f64) -> (f64, f64) {
        let p = -self.slope(d);
        (if d <= 0.0 { f64::NEG_INFINITY } else { p }, if d >= self.supply { f64::INFINITY } else { p })
    }

    fn project(&self, p: f64) -> f64 {
        let (least, most) = self.price_range();
        p.clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::AlphaFair;
    use crate::utility::Utility;
    use crate::utility::numeric::agrees;
    use proptest::prelude::*;

    /// The utility as the formula has it, by the system's own functions.
    fn formula(a: f64, alpha: f64, o: f64, d: f64) -> f64 {
        if alpha == 1.0 { a * (d / o).ln_1p() } else { a * ((d + o).powf(1.0 - alpha) - o.powf(1.0 - alpha)) / (1.0 - alpha) }
    }

    fn alphas() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), Just(0.5), Just(1.0), Just(2.0), Just(8.0), Just(20.0), 0.0..30.0f64]
    }

    proptest! {
        #[test]
        fn is_the_formula(a in 0.01..100.0f64, alpha in alphas(), o in 0.1..50.0f64, d in 0.0..1e3f64) {
            let (own, formula) = (AlphaFair::new(a, alpha, o).utility(d), formula(a, alpha, o, d));
            // The formula cancels where alpha is close to 1.
            let room = 1e-10 * formula.abs().max(1e-5 * a * o.powf(1.0 - alpha).max((d + o).powf(1.0 - alpha)));
            prop_assert!((own - formula).abs() <= room.max(1e-300), "{own:e} {formula:e}");
        }

        #[test]
        fn conjugate_agrees_with_a_search(
            a in 0.01..100.0f64, alpha in alphas(), o in prop_oneof![Just(1.0), 0.1..50.0f64], supply in 0.1..1e3f64, at in 0.0..1.3f64,
            beyond in -1.0..1.0f64,
        ) {
            let u = AlphaFair::new(a, alpha, o).with_supply(supply);
            // Prices of deliveries inside and beyond the supply, and some that no delivery has.
            for p in [-u.slope(at * supply), -1.5 * u.slope(0.0), beyond, 0.0] {
                agrees(&u, p, 0.0, supply, &[]);
            }
        }

        #[test]
        fn conjugate_agrees_with_a_search_without_offset(a in 0.01..100.0f64, alpha in 0.0..0.95f64, supply in 0.1..1e3f64, at in 0.0..1.3f64) {
            let u = AlphaFair::new(a, alpha, 0.0).with_supply(supply);
            for p in [-u.slope(at * supply), -a] {
                if p.is_finite() {
                    agrees(&u, p, 0.0, supply, &[]);
                }
            }
        }

        #[test]
        fn bend_is_the_slope_of_the_delivery(a in 0.01..100.0f64, alpha in 0.2..20.0f64, o in 0.1..5.0f64, d in 0.01..100.0f64) {
            let u = AlphaFair::new(a, alpha, o).with_supply(200.0);
            let p = -u.slope(d);
            let h = 1e-6 * p.abs();
            let numerical = (u.delivery(p + h) - u.delivery(p - h)) / (2.0 * h);
            prop_assert!((numerical - u.bend(p)).abs() <= 1e-5 * u.bend(p).max(1e-300), "{numerical:e} {:e}", u.bend(p));
        }

        #[test]
        fn units_change_nothing(alpha in alphas(), o in 0.1..50.0f64, d in 0.0..1e3f64, unit in 1e-3..1e6f64, value in 1e-3..1e6f64) {
            let u = AlphaFair::new(3.0, alpha, o);
            let scaled = u.in_units(unit, value);
            prop_assert!((scaled.utility(d / unit) * value - u.utility(d)).abs() <= 1e-12 * u.utility(d));
        }
    }

    #[test]
    fn alpha_zero_pins_the_price() {
        let u = AlphaFair::new(2.5, 0.0, 1.0).with_supply(10.0);
        assert!((u.project(0.0) + 2.5).abs() < 1e-14 && (u.project(-9.0) + 2.5).abs() < 1e-14);
    }

    #[test]
    fn a_large_exponent_in_large_units_stays_finite() {
        let u = AlphaFair::new(1e12, 60.0, 1e6).in_units(1e6, 1.0);
        assert!(u.slope(0.5).is_finite() && u.utility(0.5).is_finite());
    }
}
