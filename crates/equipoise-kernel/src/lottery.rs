//! The noise of a slate that is drawn at random, and the weights of its candidates, many at once.

use crate::elementary::{ABREAST, exp_each, ln, ln_each};
use crate::hash::mix;
use crate::path::{Path, path};

/// Half a step of [`open_unit`].
const HALF_STEP: f64 = 1.0 / (1_u64 << 53) as f64;

/// Uniform on `(0, 1)`, never an end: an odd multiple of `2^-53`.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
#[must_use]
pub fn open_unit(hash: u64) -> f64 {
    // The bits of a number in `[1, 2)`; all of this is exact.
    f64::from_bits(1.0_f64.to_bits() | hash >> 12) - 1.0 + HALF_STEP
}

#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn uniform(key: u64, draw: u32, index: u32) -> f64 {
    open_unit(mix(key ^ (u64::from(draw) << 32 | u64::from(index))))
}

/// Standard Gumbel noise of candidate `index` in draw `draw`, by a key that was hashed.
#[must_use]
pub fn gumbel(key: u64, draw: u32, index: u32) -> f64 {
    -ln(-ln(uniform(key, draw, index)))
}

/// The noise of many candidates, written to `to`: the bits of [`gumbel`].
///
/// # Panics
/// If the two are not as long as each other.
pub fn gumbels(key: u64, draw: u32, indices: &[u32], to: &mut [f64]) {
    gumbels_on(path(), key, draw, indices, to);
}

/// [`gumbels`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`gumbels`], and if this machine does not have the path.
pub fn gumbels_on(path: Path, key: u64, draw: u32, indices: &[u32], to: &mut [f64]) {
    assert!(path.is_available() && indices.len() == to.len(), "this machine has the path, and there is room for all");
    match path {
        // SAFETY: the machine has the path.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => unsafe { gumbels_avx512(key, draw, indices, to) },
        // SAFETY: the machine has the path.
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => unsafe { gumbels_avx2(key, draw, indices, to) },
        _ => noise(key, draw, indices, to),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn gumbels_avx512(key: u64, draw: u32, indices: &[u32], to: &mut [f64]) {
    noise(key, draw, indices, to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn gumbels_avx2(key: u64, draw: u32, indices: &[u32], to: &mut [f64]) {
    noise(key, draw, indices, to);
}

#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn noise(key: u64, draw: u32, indices: &[u32], to: &mut [f64]) {
    let ((groups, rest), (to, rest_to)) = (indices.as_chunks(), to.as_chunks_mut());
    for (to, group) in to.iter_mut().zip(groups) {
        noise_each(key, draw, group, to);
    }
    let (mut last, mut last_to) = ([0; ABREAST], [0.0; ABREAST]);
    last[..rest.len()].copy_from_slice(rest);
    noise_each(key, draw, &last, &mut last_to);
    rest_to.copy_from_slice(&last_to[..rest.len()]);
}

// No closure: those keep the instructions of where they are written.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn noise_each(key: u64, draw: u32, indices: &[u32; ABREAST], to: &mut [f64; ABREAST]) {
    for (to, index) in to.iter_mut().zip(indices) {
        *to = uniform(key, draw, *index);
    }
    // Neither is zero, infinite or subnormal at any noise.
    for _ in 0..2 {
        ln_each(to);
        for x in to.iter_mut() {
            *x = -*x;
        }
    }
}

/// Writes `exp(logit - largest)` over every logit; returns the largest and the sum of the weights, added up as [`Sum`] does. A logit of minus
/// infinity weighs nothing; none may be NaN, and one must be finite.
pub fn weigh(logits: &mut [f64]) -> (f64, f64) {
    weigh_on(path(), logits)
}

/// [`weigh`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// If this machine does not have the path.
pub fn weigh_on(path: Path, logits: &mut [f64]) -> (f64, f64) {
    assert!(path.is_available(), "this machine has the path");
    match path {
        // SAFETY: the machine has the path.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => unsafe { weigh_avx512(logits) },
        // SAFETY: the machine has the path.
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => unsafe { weigh_avx2(logits) },
        _ => weights(logits),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn weigh_avx512(logits: &mut [f64]) -> (f64, f64) {
    weights(logits)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn weigh_avx2(logits: &mut [f64]) -> (f64, f64) {
    weights(logits)
}

#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn weights(logits: &mut [f64]) -> (f64, f64) {
    let (groups, rest) = logits.as_chunks_mut::<ABREAST>();
    let mut last = [f64::NEG_INFINITY; ABREAST];
    last[..rest.len()].copy_from_slice(rest);
    let mut top = last;
    for group in groups.iter() {
        for (top, logit) in top.iter_mut().zip(group) {
            *top = if *logit > *top { *logit } else { *top };
        }
    }
    let largest = top.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = Sum::default();
    for group in groups {
        weigh_each(group, largest, &mut sum.lanes);
    }
    weigh_each(&mut last, largest, &mut sum.lanes);
    rest.copy_from_slice(&last[..rest.len()]);
    (largest, sum.total())
}

#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn weigh_each(group: &mut [f64; ABREAST], largest: f64, sums: &mut [f64; ABREAST]) {
    for logit in group.iter_mut() {
        *logit -= largest;
    }
    exp_each(group);
    for (sum, weight) in sums.iter_mut().zip(group) {
        *sum += *weight;
    }
}

/// A sum in lanes: term `i` goes to lane `i` modulo their number, and the lanes are added up two by two.
#[derive(Debug, Default)]
pub struct Sum {
    lanes: [f64; ABREAST],
    at: usize,
}

impl Sum {
    /// Adds the next term.
    pub fn add(&mut self, term: f64) {
        self.lanes[self.at % ABREAST] += term;
        self.at += 1;
    }

    /// What was added.
    #[must_use]
    pub fn total(&self) -> f64 {
        let [a, b, c, d, e, f, g, h] = self.lanes;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
}
