//! Packing: rows become blocks once; later passes touch only blocks.

use super::blocks::{Blocks, Source};
use super::fixed::Scale;
use super::sums::Sums;
use super::threads::Threads;
use super::uniform::Split;
use crate::error::Result;
use equipoise_kernel::{Block, LANES, Lane, Row, Tally};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Opportunities per block. Fixed, so that blocks depend on the sample alone and never on threads.
pub(crate) const BLOCK: usize = 4096;
/// Opportunities that are sorted by length together, so that a group's rows are alike.
const WINDOW: usize = 512;

/// The eligible promoted candidates of a sample, as plain columns.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Candidates of opportunity `t` are `starts[t]..starts[t + 1]`.
    pub starts: Vec<u64>,
    /// Per opportunity: at most this many are taken.
    pub slots: Vec<u32>,
    /// Per opportunity: how many real ones it stands for.
    pub weight: Vec<f64>,
    /// Per opportunity: its segment class, below `classes`.
    pub class: Vec<u32>,
    /// Per candidate: its campaign, below `campaigns`.
    pub campaign: Vec<u32>,
    /// Per measure without `exposure`, per candidate: the amount.
    pub measures: Vec<Vec<f32>>,
    /// How many campaigns there are.
    pub campaigns: usize,
    /// How many segment classes: segments that no goal tells apart are one class.
    pub classes: usize,
}

impl Sample {
    /// Weighted mean over opportunities of the worth of their best candidate, 0 where none is worth anything; `weights` by measure, `exposure` first.
    #[must_use]
    pub fn best_worth(&self, weights: &[f64]) -> f64 {
        let worth = |i: usize| weights[0] + weights[1..].iter().zip(&self.measures).map(|(w, y)| w * f64::from(y[i])).sum::<f64>();
        let (mut sum, mut total) = (0.0, 0.0);
        for (t, w) in self.weight.iter().enumerate().filter(|(t, _)| self.starts[*t] < self.starts[t + 1]) {
            sum += w * (self.starts[t] as usize..self.starts[t + 1] as usize).map(worth).fold(0.0, f64::max);
            total += w;
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}

/// A campaign within a segment class: what deliveries are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The campaign.
    pub campaign: u32,
    /// The segment class.
    pub class: u32,
}

/// What a sample looks like to those who price it.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The columns that occur, sorted.
    pub columns: Vec<Column>,
    /// How many campaigns there are, with or without a column.
    pub campaigns: usize,
    /// How many segment classes there are.
    pub classes: usize,
    /// Measures, `exposure` first and included.
    pub measures: usize,
    /// Fixed-point scale of each measure.
    pub scales: Vec<Scale>,
    /// Sum over candidates of weight times measure, per measure.
    pub totals: Vec<f64>,
    /// Largest amount of each measure.
    pub largest: Vec<f64>,
    /// Opportunities with at least one candidate.
    pub opportunities: usize,
    /// Candidate rows.
    pub rows: u64,
    /// Sum over opportunities of weight times `min(slots, candidates)`.
    pub places: f64,
    /// Sum over opportunities of weight.
    pub weight: f64,
}

impl Layout {
    /// No amounts yet, by column and measure.
    pub(super) fn tally(&self) -> Tally {
        Tally::new(self.columns.len(), self.scales.iter().map(|s| s.factor()).collect())
    }
}

/// A sample in blocks.
#[derive(Debug)]
pub struct Packed {
    pub(super) layout: Layout,
    pub(super) blocks: Blocks,
    pub(super) starts: Vec<u64>,
    /// What the uniform split delivers, by column and measure: blocks are tallied while packing has them in cache.
    pub(super) uniform: Option<Vec<i64>>,
}

impl Packed {
    /// Packs a sample. O(candidates); the packed form holds 2 bytes of column (4 from 65,535 columns on) and 4 per measure for each
    /// candidate, a few percent of padding, and 25 bytes for each opportunity.
    #[must_use]
    pub fn new(sample: &Sample) -> Self {
        Self::on(&Threads::alone(), sample)
    }

    /// The same on threads.
    pub(super) fn on(threads: &Threads, sample: &Sample) -> Self {
        let (columns, column_of) = columns(sample);
        let layout = layout(sample, columns);
        let opportunities = sample.slots.len();
        let priced_out = layout.columns.len() as u32;
        let found = threads.each(opportunities.div_ceil(BLOCK), |taken| {
            let mut split = Split::new(&layout);
            let block = |b: usize| {
                let span = b * BLOCK..((b + 1) * BLOCK).min(opportunities);
                let block = arrange(sample, &column_of, priced_out, span, 0).block(priced_out);
                split.add(&block);
                (b, block)
            };
            (taken.map(block).collect::<Vec<_>>(), split.into_sums())
        });
        let mut blocks = Vec::with_capacity(opportunities.div_ceil(BLOCK));
        let mut uniform = Sums::zero(layout.columns.len(), layout.measures);
        for (some, sums) in found {
            blocks.extend(some);
            uniform.merge(sums);
        }
        blocks.sort_unstable_by_key(|(b, _)| *b);
        let blocks = Blocks::Here(blocks.into_iter().map(|(_, block)| block).collect());
        Self { layout, blocks, starts: sample.starts.clone(), uniform: Some(uniform.cells) }
    }

    /// Blocks that are fetched when they are passed over, unless `kept`. Candidates of opportunity `t` are `starts[t]..starts[t + 1]`.
    pub(crate) fn fetched(layout: Layout, starts: Vec<u64>, kept: Vec<Option<Block>>, source: Box<dyn Source>) -> Self {
        Self { layout, blocks: Blocks::Fetched { kept, source }, starts, uniform: None }
    }

    /// What the sample looks like.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Gives every candidate to `emit`, as its row, its index in the sample, its column and its measures without `exposure`.
    ///
    /// # Errors
    /// Where blocks are in a file: what keeps them from being read.
    pub fn each_candidate(&self, emit: impl FnMut(&Row, usize, usize, &[f32])) -> Result<()> {
        self.each_candidate_of(0..self.blocks.len(), emit)
    }

    /// The same for some of the blocks.
    pub(crate) fn each_candidate_of(&self, blocks: Range<usize>, mut emit: impl FnMut(&Row, usize, usize, &[f32])) -> Result<()> {
        let mut y = Vec::new();
        for b in blocks {
            let block = self.blocks.get(b)?;
            for (r, row) in block.rows() {
                for j in 0..row.len as usize {
                    let at = block.at(r, j);
                    y.clear();
                    y.extend(block.amounts(at));
                    emit(&row, self.starts[row.opportunity as usize] as usize + j, block.column(at), &y);
                }
            }
        }
        Ok(())
    }

    /// The candidates of a block.
    pub(crate) fn span(&self, block: usize) -> Range<usize> {
        let end = ((block + 1) * BLOCK).min(self.starts.len() - 1);
        self.starts[block * BLOCK] as usize..self.starts[end] as usize
    }

    /// The opportunities of a block, each with its candidates.
    pub(crate) fn opportunities(&self, block: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let end = ((block + 1) * BLOCK).min(self.starts.len() - 1);
        (block * BLOCK..end).map(|t| (t, self.starts[t] as usize..self.starts[t + 1] as usize))
    }

    /// The column of every candidate of the sample. O(candidates).
    ///
    /// # Errors
    /// Where blocks are in a file: what keeps them from being read.
    pub fn columns_of(&self) -> Result<Vec<u32>> {
        let mut out = vec![0; self.starts.last().map_or(0, |n| *n as usize)];
        self.each_candidate(|_, i, column, _| out[i] = column as u32)?;
        Ok(out)
    }

    /// Bytes that the packed form holds in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.bytes() + size_of_val(self.starts.as_slice()) + size_of_val(self.layout.columns.as_slice())
    }

    /// How many blocks there are.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }
}

/// The columns that occur, and the column of every candidate.
fn columns(sample: &Sample) -> (Vec<Column>, Vec<u32>) {
    let pair = |t: usize, i: usize| (u64::from(sample.campaign[i]) << 32) | u64::from(sample.class[t]);
    let mut pairs: Vec<u64> = Vec::new();
    if sample.classes == 1 {
        let mut seen = vec![false; sample.campaigns];
        sample.campaign.iter().for_each(|c| seen[*c as usize] = true);
        pairs.extend((0..sample.campaigns as u64).filter(|c| seen[*c as usize]).map(|c| c << 32));
    } else {
        let mut seen = HashSet::new();
        for t in 0..sample.slots.len() {
            for i in sample.starts[t] as usize..sample.starts[t + 1] as usize {
                seen.insert(pair(t, i));
            }
        }
        pairs.extend(seen);
        pairs.sort_unstable();
    }
    let mut column_of = Vec::with_capacity(sample.campaign.len());
    if sample.classes == 1 {
        let mut index = vec![0u32; sample.campaigns];
        for (k, p) in pairs.iter().enumerate() {
            index[(p >> 32) as usize] = k as u32;
        }
        column_of.extend(sample.campaign.iter().map(|c| index[*c as usize]));
    } else {
        let index: HashMap<u64, u32> = pairs.iter().enumerate().map(|(k, p)| (*p, k as u32)).collect();
        for t in 0..sample.slots.len() {
            column_of.extend((sample.starts[t] as usize..sample.starts[t + 1] as usize).map(|i| index[&pair(t, i)]));
        }
    }
    (pairs.iter().map(|p| Column { campaign: (p >> 32) as u32, class: *p as u32 }).collect(), column_of)
}

fn layout(sample: &Sample, columns: Vec<Column>) -> Layout {
    let mut survey = Survey::new(sample.measures.len() + 1);
    for (t, w) in sample.weight.iter().enumerate() {
        let span = sample.starts[t] as usize..sample.starts[t + 1] as usize;
        survey.add(*w, sample.slots[t], span.len(), |j| sample.measures[j][span.clone()].iter().copied());
    }
    survey.layout(columns, sample.campaigns, sample.classes)
}

/// What a layout adds up, opportunity by opportunity in the order of the sample.
pub(crate) struct Survey {
    totals: Vec<f64>,
    largest: Vec<f64>,
    opportunities: usize,
    rows: u64,
    places: f64,
    weight: f64,
}

impl Survey {
    pub(crate) fn new(measures: usize) -> Self {
        Self { totals: vec![0.0; measures], largest: vec![0.0; measures], opportunities: 0, rows: 0, places: 0.0, weight: 0.0 }
    }

    /// Adds an opportunity of `len` candidates; `amounts(j)` are theirs of measure `j + 1`.
    pub(crate) fn add<I: Iterator<Item = f32>>(&mut self, weight: f64, slots: u32, len: usize, amounts: impl Fn(usize) -> I) {
        self.weight += weight;
        if len == 0 {
            return;
        }
        self.opportunities += 1;
        self.rows += len as u64;
        self.places += weight * (slots as usize).min(len) as f64;
        self.largest[0] = 1.0;
        self.totals[0] += weight * len as f64;
        for j in 0..self.totals.len() - 1 {
            self.totals[j + 1] += weight * amounts(j).map(f64::from).sum::<f64>();
            self.largest[j + 1] = amounts(j).fold(self.largest[j + 1], |m: f64, v| m.max(f64::from(v)));
        }
    }

    pub(crate) fn layout(self, columns: Vec<Column>, campaigns: usize, classes: usize) -> Layout {
        Layout {
            columns,
            campaigns,
            classes,
            measures: self.totals.len(),
            // A little room for the rounding of the totals themselves.
            scales: self.totals.iter().map(|t| Scale::for_total(t * 1.000_001)).collect(),
            totals: self.totals,
            largest: self.largest,
            opportunities: self.opportunities,
            rows: self.rows,
            places: self.places,
            weight: self.weight,
        }
    }
}

/// Opportunities laid out as a block has them.
pub(crate) struct Arranged {
    pub(crate) rows: Vec<[Row; LANES]>,
    pub(crate) columns: Vec<u32>,
    pub(crate) measures: Vec<Vec<Lane<f32>>>,
}

impl Arranged {
    pub(crate) fn block(self, priced_out: u32) -> Block {
        Block::new(&self.rows, &self.columns, self.measures, priced_out + 1)
    }
}

/// Lays out the opportunities `span` of a piece of a sample that begins at opportunity `base`; `priced_out` is the column of padding.
pub(crate) fn arrange(sample: &Sample, column_of: &[u32], priced_out: u32, span: Range<usize>, base: u32) -> Arranged {
    let len = |t: usize| (sample.starts[t + 1] - sample.starts[t]) as usize;
    let mut rows = Vec::new();
    let mut columns: Vec<u32> = Vec::new();
    let mut measures: Vec<Vec<Lane<f32>>> = vec![Vec::new(); sample.measures.len()];
    let mut order: Vec<usize> = Vec::with_capacity(WINDOW);
    for window in span.clone().step_by(WINDOW) {
        order.clear();
        order.extend((window..(window + WINDOW).min(span.end)).filter(|t| len(*t) > 0));
        order.sort_by_key(|t| len(*t));
        for group in order.chunks(LANES) {
            let step = columns.len() / LANES;
            let longest = group.iter().map(|t| len(*t)).max().unwrap_or(0);
            columns.resize((step + longest) * LANES, priced_out);
            for m in &mut measures {
                m.resize(step + longest, Lane([0.0; LANES]));
            }
            let mut lanes = [Row::EMPTY; LANES];
            for (a, t) in group.iter().enumerate() {
                let opportunity = base + *t as u32;
                lanes[a] = Row { opportunity, len: len(*t) as u32, slots: sample.slots[*t], weight: sample.weight[*t] };
                for (j, i) in (sample.starts[*t] as usize..sample.starts[t + 1] as usize).enumerate() {
                    columns[(step + j) * LANES + a] = column_of[i];
                    for (m, y) in measures.iter_mut().zip(&sample.measures) {
                        m[step + j].0[a] = y[i];
                    }
                }
            }
            rows.push(lanes);
        }
    }
    Arranged { rows, columns, measures }
}
