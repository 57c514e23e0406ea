//! Exploration: a slate drawn place by place, and the exact probability of drawing it.
//!
//! A place is filled from a softmax of score over temperature among the candidates that may stand there; that is Plackett and Luce's model of a
//! ranking (Plackett 1975, "The Analysis of Permutations"; Luce 1959), drawn by adding Gumbel noise to each logit and taking the largest
//! (Gumbel-max; the whole ranking by one noise each in Kool, van Hoof and Welling 2019, "Stochastic Beams and Where to Find Them"). Where the
//! logits or the candidates that may stand somewhere change from place to place, each place has noise of its own, so that every place is an
//! exact softmax whatever stands before it.

use crate::model::mix;
use crate::utility::exp;
use equipoise_kernel::lottery::{self, Sum, open_unit};

/// Part of the serving rule: changing it changes decisions.
const COIN: u64 = 0x0be1_10c0_1a5a_17e5;
const NOISE: u64 = 0x6a3b_e15e_ed5a_17e5;

/// Whether the request of this key gets a uniform slate.
pub(super) fn is_uniform(key: u64, epsilon: f64) -> bool {
    epsilon > 0.0 && open_unit(mix(key ^ COIN)) < epsilon
}

/// Standard Gumbel noise of candidate `index` in draw `draw` of the request of this key: the same bits everywhere.
pub(super) fn gumbel(key: u64, draw: u32, index: u32) -> f64 {
    lottery::gumbel(mix(key ^ NOISE), draw, index)
}

/// The noise of many candidates, written to `to`: the bits of [`gumbel`].
pub(super) fn gumbels(key: u64, draw: u32, indices: &[u32], to: &mut Vec<f64>) {
    to.resize(indices.len(), 0.0);
    lottery::gumbels(mix(key ^ NOISE), draw, indices, to);
}

/// The probability of what was drawn so far, under a mixture of two ways to draw of which one was chosen for the whole slate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixture {
    /// Probability that the slate is a uniform one, given what has been drawn.
    uniform: f64,
}

impl Mixture {
    pub(super) fn new(epsilon: f64) -> Self {
        Self { uniform: epsilon }
    }

    /// The probability of a pick given those before it, from its probability under each way to draw.
    pub(super) fn draw(&mut self, by_uniform: impl FnOnce() -> f64, by_score: f64) -> f64 {
        if self.uniform == 0.0 {
            return by_score;
        }
        let part = self.uniform * by_uniform();
        let whole = part + (1.0 - self.uniform) * by_score;
        self.uniform = if whole > 0.0 { part / whole } else { self.uniform };
        whole
    }
}

/// The softmax among candidates of which ever fewer remain.
///
/// Weights are `exp(logit - largest)`: they neither overflow nor vanish altogether. Whoever leaves is subtracted, so a slate costs one `exp` per
/// candidate rather than one per candidate and place; once little of the sum is left, rounding would show and `is_worn` asks for a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Softmax {
    largest: f64,
    sum: f64,
    /// Below this the sum has lost four bits to those who left.
    worn: f64,
}

impl Softmax {
    pub(super) fn over(logits: impl Iterator<Item = f64> + Clone) -> Self {
        let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = Sum::default();
        logits.for_each(|logit| sum.add(exp(logit - largest)));
        Self::of_sum(largest, sum.total())
    }

    /// The same of a list, over which the weights are written.
    pub(super) fn weigh(logits: &mut [f64]) -> Self {
        let (largest, sum) = lottery::weigh(logits);
        Self::of_sum(largest, sum)
    }

    fn of_sum(largest: f64, sum: f64) -> Self {
        Self { largest, sum, worn: sum / 16.0 }
    }

    /// The probability of the candidate of this logit, who is one of those who remain.
    pub(super) fn of(&self, logit: f64) -> f64 {
        self.of_weight(exp(logit - self.largest))
    }

    /// The same by weight.
    pub(super) fn of_weight(&self, weight: f64) -> f64 {
        weight / self.sum
    }

    /// Takes the candidate of this logit out.
    pub(super) fn leave(&mut self, logit: f64) {
        self.leave_weight(exp(logit - self.largest));
    }

    /// The same by weight.
    pub(super) fn leave_weight(&mut self, weight: f64) {
        self.sum -= weight;
    }

    pub(super) fn is_worn(&self) -> bool {
        self.sum < self.worn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utility::ln;

    #[test]
    fn noise_is_finite_at_both_ends() {
        for hash in [0, u64::MAX] {
            let g = -ln(-ln(open_unit(hash)));
            assert!(g.is_finite(), "{g}");
        }
        assert!(open_unit(u64::MAX) < 1.0 && open_unit(0) > 0.0);
    }

    #[test]
    fn noise_of_many_is_that_of_each() {
        let indices: Vec<u32> = (0..1001).map(|i| i * 7).collect();
        let mut all = vec![1.0; 3];
        for (key, draw) in [(0, 0), (u64::MAX, 3), (17, u32::MAX)] {
            gumbels(key, draw, &indices, &mut all);
            assert!(all.iter().map(|g| g.to_bits()).eq(indices.iter().map(|i| gumbel(key, draw, *i).to_bits())));
        }
    }

    #[test]
    fn noise_has_the_moments_of_gumbel() {
        let n = 200_000;
        let (mut sum, mut square) = (0.0, 0.0);
        for i in 0..n {
            let g = gumbel(i / 1000, (i % 10) as u32, (i % 1000) as u32);
            sum += g;
            square += g * g;
        }
        let mean = sum / n as f64;
        let variance = square / n as f64 - mean * mean;
        // Euler's constant and pi^2 / 6; the standard error of the mean is 0.003.
        assert!((mean - 0.577_215_66).abs() < 0.012, "{mean}");
        assert!((variance - 1.644_934).abs() < 0.04, "{variance}");
    }
}
