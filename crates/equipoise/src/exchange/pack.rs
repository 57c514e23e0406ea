//! Packing: rows become blocks once; later passes touch only blocks.

use super::fixed::Scale;
use equipoise_kernel::{Block, LANES, Lane, Row};
use std::collections::{HashMap, HashSet};

/// Opportunities per block. Fixed, so that blocks depend on the sample alone and never on threads.
const BLOCK: usize = 4096;
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

/// A sample in blocks.
#[derive(Debug)]
pub struct Packed {
    pub(super) layout: Layout,
    pub(super) blocks: Vec<Block>,
    pub(super) starts: Vec<u64>,
}

impl Packed {
    /// Packs a sample. O(candidates); the packed form holds 2 bytes of column (4 from 65,535 columns on) and 4 per measure for each
    /// candidate, a few percent of padding, and 25 bytes for each opportunity.
    #[must_use]
    pub fn new(sample: &Sample) -> Self {
        let (columns, column_of) = columns(sample);
        let layout = layout(sample, columns);
        let opportunities = sample.slots.len();
        let blocks =
            (0..opportunities).step_by(BLOCK).map(|b| block(sample, &column_of, &layout, b..(b + BLOCK).min(opportunities))).collect();
        Self { layout, blocks, starts: sample.starts.clone() }
    }

    /// What the sample looks like.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Gives every candidate to `emit`, as its row, its index in the sample, its column and its measures without `exposure`.
    pub fn each_candidate(&self, mut emit: impl FnMut(&Row, usize, usize, &[f32])) {
        let mut y = Vec::new();
        for block in &self.blocks {
            for (r, row) in block.rows() {
                for j in 0..row.len as usize {
                    let at = block.at(r, j);
                    y.clear();
                    y.extend(block.amounts(at));
                    emit(&row, self.starts[row.opportunity as usize] as usize + j, block.column(at), &y);
                }
            }
        }
    }

    /// The column of every candidate of the sample; of those that no slot is open to, 0. O(candidates).
    #[must_use]
    pub fn columns_of(&self) -> Vec<u32> {
        let mut out = vec![0; self.starts.last().map_or(0, |n| *n as usize)];
        self.each_candidate(|_, i, column, _| out[i] = column as u32);
        out
    }

    /// Bytes that the packed form holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(Block::bytes).sum::<usize>()
            + size_of_val(self.starts.as_slice())
            + size_of_val(self.layout.columns.as_slice())
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
    let measures = sample.measures.len() + 1;
    let mut totals = vec![0.0; measures];
    let mut largest = vec![0.0; measures];
    let (mut places, mut weight, mut opportunities) = (0.0, 0.0, 0);
    if !sample.campaign.is_empty() {
        largest[0] = 1.0;
    }
    for (t, w) in sample.weight.iter().enumerate() {
        let span = sample.starts[t] as usize..sample.starts[t + 1] as usize;
        weight += w;
        if span.is_empty() {
            continue;
        }
        opportunities += 1;
        places += w * (sample.slots[t] as usize).min(span.len()) as f64;
        totals[0] += w * span.len() as f64;
        for (j, y) in sample.measures.iter().enumerate() {
            let y = &y[span.clone()];
            totals[j + 1] += w * y.iter().map(|v| f64::from(*v)).sum::<f64>();
            largest[j + 1] = y.iter().fold(largest[j + 1], |m: f64, v| m.max(f64::from(*v)));
        }
    }
    // A little room for the rounding of the totals themselves.
    let scales = totals.iter().map(|t| Scale::for_total(t * 1.000_001)).collect();
    Layout {
        columns,
        campaigns: sample.campaigns,
        classes: sample.classes,
        measures,
        scales,
        totals,
        largest,
        opportunities,
        rows: sample.campaign.len() as u64,
        places,
        weight,
    }
}

fn block(sample: &Sample, column_of: &[u32], layout: &Layout, span: std::ops::Range<usize>) -> Block {
    let len = |t: usize| (sample.starts[t + 1] - sample.starts[t]) as usize;
    let priced_out = layout.columns.len() as u32;
    let mut rows = Vec::new();
    let mut columns: Vec<u32> = Vec::new();
    let mut measures: Vec<Vec<Lane<f32>>> = vec![Vec::new(); sample.measures.len()];
    let mut order: Vec<usize> = Vec::with_capacity(WINDOW);
    for window in span.clone().step_by(WINDOW) {
        order.clear();
        order.extend((window..(window + WINDOW).min(span.end)).filter(|t| len(*t) > 0 && sample.slots[*t] > 0));
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
                lanes[a] = Row { opportunity: *t as u32, len: len(*t) as u32, slots: sample.slots[*t], weight: sample.weight[*t] };
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
    Block::new(&rows, &columns, measures, priced_out + 1)
}
