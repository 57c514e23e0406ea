//! List terms: what a slate is worth beyond its candidates' own scores. They re-rank, they never score.
//!
//! - Maximal marginal relevance (Carbonell and Goldstein 1998, "The Use of MMR, Diversity-Based Reranking"): a candidate loses `weight` times its
//!   largest similarity to the picks so far; similarity is the cosine of given embeddings, or given pair by pair.
//! - Calibrated mix (Steck 2018, "Calibrated Recommendations"): a slate loses `weight` times the Kullback-Leibler divergence of the target shares
//!   from those of its picks, `KL(p || (1 - a) q + a p)`, `a = 0.01`, one candidate being added at a time.

use super::request::AMOUNT_LIMIT;
use crate::error::{Error, Result, codes};
use crate::policy::NONE;
use crate::utility::ln;

/// How alike candidates are.
#[derive(Debug, Clone, Copy)]
pub enum Similarity<'a> {
    /// `width` numbers per candidate, row by row, finite and of magnitude at most 1e12: similarity is the cosine, 0 with a vector of zeros.
    Embeddings {
        /// All rows, `n * width`.
        values: &'a [f32],
        /// Numbers per candidate, at least 1.
        width: usize,
    },
    /// `values[i * n + j]` in `[-1, 1]` is how alike candidate `j` is to a picked `i`.
    Pairs {
        /// All pairs, `n * n`.
        values: &'a [f32],
    },
}

/// The shares that a slate's categories should have.
#[derive(Debug, Clone, Copy)]
pub struct Mix<'a> {
    /// Each candidate's category, an index into `target`; [`NONE`] is in no category.
    pub category: &'a [u32],
    /// What each category should have of the picks: at least 0, not all 0; taken relative to their sum.
    pub target: &'a [f32],
}

/// Steck's share of the target that keeps the divergence finite.
const SMOOTHING: f64 = 0.01;

const LANES: usize = 8;

/// The dot product in a fixed order: eight sums, then those in order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f32; LANES];
    let (whole, rest) = a.as_chunks::<LANES>();
    let (other, other_rest) = b.as_chunks::<LANES>();
    for (x, y) in whole.iter().zip(other) {
        for l in 0..LANES {
            sums[l] += x[l] * y[l];
        }
    }
    for (l, (x, y)) in rest.iter().zip(other_rest).enumerate() {
        sums[l] += x * y;
    }
    sums.iter().fold(0.0, |sum, s| sum + f64::from(*s))
}

impl Similarity<'_> {
    pub(super) fn check(&self, n: usize) -> Result<()> {
        let (found, wanted) = match self {
            Self::Embeddings { width: 0, .. } => {
                return Err(Error::new(codes::RANGE, "similarity", None, "embeddings of width 0"));
            }
            Self::Embeddings { values, width } => (values, n.checked_mul(*width)),
            Self::Pairs { values } => (values, n.checked_mul(n)),
        };
        if wanted != Some(found.len()) {
            return Err(Error::new(codes::SHAPE, "similarity", None, format!("{} entries for {n} candidates", found.len())));
        }
        let limit = if matches!(self, Self::Pairs { .. }) { 1.0 } else { AMOUNT_LIMIT };
        if let Some(at) = found.iter().position(|v| !(-limit..=limit).contains(v)) {
            let code = if found[at].is_finite() { codes::RANGE } else { codes::NOT_FINITE };
            return Err(Error::new(code, "similarity", Some(at as u64), format!("{} is not of magnitude at most {limit:e}", found[at])));
        }
        Ok(())
    }

    fn row(&self, i: u32) -> &[f32] {
        match self {
            Self::Embeddings { values, width } => &values[i as usize * width..][..*width],
            Self::Pairs { .. } => &[],
        }
    }

    /// The length of a candidate's embedding; 1 where pairs are given.
    pub(super) fn norm(&self, i: u32) -> f64 {
        match self {
            Self::Embeddings { .. } => dot(self.row(i), self.row(i)).sqrt(),
            Self::Pairs { .. } => 1.0,
        }
    }

    /// How alike `other` is to the picked candidate `pick`, from both norms.
    pub(super) fn between(&self, n: usize, pick: (u32, f64), other: (u32, f64)) -> f64 {
        match self {
            Self::Pairs { values } => f64::from(values[pick.0 as usize * n + other.0 as usize]),
            Self::Embeddings { .. } => {
                let size = pick.1 * other.1;
                if size > 0.0 { (dot(self.row(pick.0), self.row(other.0)) / size).clamp(-1.0, 1.0) } else { 0.0 }
            }
        }
    }
}

impl Mix<'_> {
    pub(super) fn check(&self, n: usize) -> Result<()> {
        if self.category.len() != n {
            return Err(Error::new(codes::SHAPE, "category", None, format!("{} entries for {n} candidates", self.category.len())));
        }
        let count = self.target.len();
        if let Some(at) = self.category.iter().position(|c| *c != NONE && *c as usize >= count) {
            let message = format!("{} is not below {count} categories", self.category[at]);
            return Err(Error::new(codes::RANGE, "category", Some(at as u64), message));
        }
        if let Some(at) = self.target.iter().position(|t| !(0.0..=AMOUNT_LIMIT).contains(t)) {
            let code = if self.target[at].is_finite() { codes::RANGE } else { codes::NOT_FINITE };
            return Err(Error::new(code, "target", Some(at as u64), format!("{} is not in [0, {AMOUNT_LIMIT:e}]", self.target[at])));
        }
        if self.target.iter().all(|t| *t == 0.0) {
            return Err(Error::new(codes::EMPTY, "target", None, "no category has a share"));
        }
        Ok(())
    }
}

/// The divergence of a growing list from a target mix.
#[derive(Debug, Default, Clone)]
pub(super) struct Divergence {
    counts: Vec<u32>,
    /// By category, the divergence of the list with one more of it; last, with one more of none.
    after: Vec<f64>,
}

impl Divergence {
    pub(super) fn begin(&mut self, mix: &Mix<'_>) {
        self.counts.clear();
        self.counts.resize(mix.target.len(), 0);
        self.foresee(mix, 1);
    }

    /// Adds a pick, the list then having `picks` of them.
    pub(super) fn add(&mut self, mix: &Mix<'_>, pick: u32, picks: usize) {
        if let Some(count) = self.counts.get_mut(mix.category[pick as usize] as usize) {
            *count += 1;
        }
        self.foresee(mix, picks + 1);
    }

    fn foresee(&mut self, mix: &Mix<'_>, length: usize) {
        let sum: f64 = mix.target.iter().map(|t| f64::from(*t)).sum();
        let part = |target: f32, count: u32| {
            let p = f64::from(target) / sum;
            let q = (1.0 - SMOOTHING) * (f64::from(count) / length as f64) + SMOOTHING * p;
            if p > 0.0 { p * ln(p / q) } else { 0.0 }
        };
        let all: f64 = mix.target.iter().zip(&self.counts).map(|(t, c)| part(*t, *c)).sum();
        self.after.clear();
        self.after.extend(mix.target.iter().zip(&self.counts).map(|(t, c)| all - part(*t, *c) + part(*t, *c + 1)));
        self.after.push(all);
    }

    /// The divergence once `candidate` is added.
    pub(super) fn with(&self, mix: &Mix<'_>, candidate: u32) -> f64 {
        let category = mix.category[candidate as usize] as usize;
        self.after.get(category).or(self.after.last()).copied().unwrap_or_default()
    }
}
