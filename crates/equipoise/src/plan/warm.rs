//! What a plan leaves for the next one on the same sample: answers to blend with, and a pass that need not be run again.

use super::PriceRow;
use super::inputs::Inputs;
use super::recovery::Point;
use crate::exchange::{Ask, Layout, Sample, Sums};
use std::sync::Arc;

/// Where a solve ended.
#[derive(Debug)]
pub(crate) struct Warm {
    /// The sample whose deliveries these are.
    pub(super) key: blake3::Hash,
    /// The prices of the bound, before ties were broken.
    pub(super) prices: Vec<PriceRow>,
    /// The answer, and strictly feasible points.
    pub(super) points: Vec<Point>,
    /// The pass at `prices`.
    pub(super) pass: Option<Pass>,
}

impl Warm {
    /// Whether this is of the sample with that key.
    pub(super) fn is_on(&self, key: &blake3::Hash) -> bool {
        self.key == *key
    }
}

/// What an earlier solve gives the next one to start from.
#[derive(Default)]
pub(super) struct Earlier<'w> {
    /// By stated ledger, matched by goal and scope.
    pub(super) prices: Option<Vec<f64>>,
    /// Answers on the same sample.
    pub(super) points: &'w [Point],
    /// The pass at these prices on the same sample.
    pub(super) pass: Option<&'w Pass>,
}

impl<'w> Earlier<'w> {
    /// Prices always, sums only where both solves are on the sample with this key.
    pub(super) fn new(inputs: &Inputs<'_>, warm: Option<&'w Warm>, key: &blake3::Hash) -> Self {
        let Some(warm) = warm else { return Self::default() };
        let prices = Some(inputs.start(&warm.prices));
        if warm.is_on(key) { Self { prices, points: &warm.points, pass: warm.pass.as_ref() } } else { Self { prices, ..Self::default() } }
    }
}

/// A pass that was run.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) ask: Ask,
    pub(super) sums: Arc<Sums>,
}

/// Prices count as the same up to this part of the largest: what a change of units rounds away.
const SAME: f64 = 1e-12;

impl Pass {
    /// If this pass answers `ask` but for rounding: by how much, in scores, its best net score may differ from the one at `ask`.
    pub(super) fn drift(&self, ask: &Ask, layout: &Layout) -> Option<f64> {
        let (Ask::Prices(own), Ask::Prices(other)) = (&self.ask, ask) else { return None };
        let shape =
            own.v.len() == other.v.len() && own.p.len() == other.p.len() && self.sums.cells.len() == layout.columns.len() * layout.measures;
        if !shape || (own.gamma - other.gamma).abs() > SAME * other.gamma || (own.near - other.near).abs() > SAME * other.near {
            return None;
        }
        let m = layout.measures;
        let largest = |list: &[f64], j: usize| list.iter().skip(j).step_by(m).fold(0f64, |a, v| a.max(v.abs()));
        let apart = |a: &[f64], b: &[f64], j: usize| a.iter().zip(b).skip(j).step_by(m).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        let mut drift = 0.0;
        for j in 0..m {
            let by = apart(&own.v, &other.v, j) + apart(&own.p, &other.p, j);
            if by > SAME * (largest(&own.v, j) + largest(&own.p, j)) {
                return None;
            }
            drift += by * layout.totals[j];
        }
        Some(drift)
    }

    /// The smoothing in units of `score`.
    pub(super) fn gamma(&self, score: f64) -> Option<f64> {
        if let Ask::Prices(own) = &self.ask { Some(own.gamma / score) } else { None }
    }
}

/// A digest of everything that decides what a pass at given prices delivers: who is in which opportunity, with which amounts and weight.
pub(super) fn key(inputs: &Inputs<'_>, sample: &Sample) -> blake3::Hash {
    let mut digest = Digest { hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(BUFFER) };
    for k in 0..inputs.roster.len() as u32 {
        digest.text(inputs.roster.id(k));
    }
    inputs.measures.iter().for_each(|m| digest.text(m));
    digest.words(sample.starts.iter().map(|v| v.to_le_bytes()));
    digest.words(sample.slots.iter().chain(&sample.class).chain(&sample.campaign).map(|v| v.to_le_bytes()));
    digest.words(sample.weight.iter().map(|v| v.to_le_bytes()));
    sample.measures.iter().for_each(|m| digest.words(m.iter().map(|v| v.to_le_bytes())));
    digest.finish()
}

/// Bytes handed to the hash at a time.
const BUFFER: usize = 1 << 14;

struct Digest {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Digest {
    /// Numbers, preceded by nothing: every list is followed by its length.
    fn words<const N: usize>(&mut self, words: impl Iterator<Item = [u8; N]>) {
        let mut count = 0u64;
        for word in words {
            self.put(&word);
            count += 1;
        }
        self.put(&count.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.words(text.bytes().map(|b| [b]));
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn finish(mut self) -> blake3::Hash {
        self.hasher.update(&self.buffer);
        self.hasher.finalize()
    }
}
