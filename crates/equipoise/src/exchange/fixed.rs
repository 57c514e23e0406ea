//! Fixed-point sums: every term rounded once, so that order, threads and shards cannot matter.

use equipoise_kernel::nearest;

/// A power-of-two scale for terms whose absolute values sum to at most a known total.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// A power of two.
    factor: f64,
}

impl Scale {
    /// `2^(61 - ceil(log2 total))`: the sum of all terms stays below `2^62`.
    #[must_use]
    pub fn for_total(total: f64) -> Self {
        let ceil = if total > 0.0 { total.log2().ceil() as i32 } else { 0 };
        Self { factor: 2f64.powi((61 - ceil).clamp(-900, 900)) }
    }

    /// The factor a term is multiplied by.
    #[must_use]
    pub fn factor(self) -> f64 {
        self.factor
    }

    /// A term as an integer, rounded to nearest.
    #[inline]
    #[must_use]
    pub fn quantise(self, term: f64) -> i64 {
        quantise(term, self.factor)
    }

    /// A sum of terms as a number.
    #[must_use]
    pub fn value(self, sum: i128) -> f64 {
        sum as f64 / self.factor
    }

    /// How far the sum of `terms` rounded terms can lie from the true one.
    #[must_use]
    pub fn error(self, terms: f64) -> f64 {
        0.5 * terms / self.factor
    }
}

/// `term * factor` to the nearest integer; no term of a sum is negative.
#[inline]
pub(super) fn quantise(term: f64, factor: f64) -> i64 {
    nearest(term * factor)
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn sums_fit_and_round_once() {
        for total in [1e-30, 0.3, 1.0, 7.0, 1e9, 1e30] {
            let s = Scale::for_total(total);
            assert!(s.quantise(total) < 1 << 62);
            assert!(s.quantise(total) >= 1 << 60);
            assert!((s.value(i128::from(s.quantise(total))) / total - 1.0).abs() < 1e-15);
        }
    }
}
