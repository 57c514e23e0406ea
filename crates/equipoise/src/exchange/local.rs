//! Passes on this machine: threads over packed blocks.

use super::fixed::{Scale, quantise};
use super::pack::{Layout, Packed};
use super::row::project;
use super::sums::{Active, Sums};
use super::{Ask, Exchange, Prices};
use crate::error::{Error, Result, codes};
use equipoise_kernel::{Best, Block, Group, LANES, PAD, Row, scan};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A price that no candidate pays: it keeps padding out of every scan.
const PRICED_OUT: f32 = 1e30;

/// Runs passes over a range of packed blocks on its own threads.
pub struct Local {
    packed: Arc<Packed>,
    blocks: Range<usize>,
    threads: Option<rayon::ThreadPool>,
}

impl Local {
    /// All blocks, on `threads` threads of its own; with one thread passes run on the caller's.
    ///
    /// # Errors
    /// `resource_exhausted.memory` if the threads cannot be had.
    pub fn new(packed: Arc<Packed>, threads: usize) -> Result<Self> {
        let blocks = 0..packed.blocks.len();
        Self::shard(packed, blocks, threads)
    }

    /// A range of the blocks: one shard of several whose sums are merged by the caller.
    ///
    /// # Errors
    /// `resource_exhausted.memory` if the threads cannot be had.
    ///
    /// # Panics
    /// If the range reaches past the last block.
    pub fn shard(packed: Arc<Packed>, blocks: Range<usize>, threads: usize) -> Result<Self> {
        assert!(blocks.end <= packed.blocks.len(), "blocks of this sample");
        let build = |n| rayon::ThreadPoolBuilder::new().num_threads(n).thread_name(|i| format!("equipoise-pass-{i}")).build();
        let threads = match threads {
            0 | 1 => None,
            n => Some(build(n).map_err(|e| Error::new(codes::MEMORY, "threads", None, format!("cannot start {n} threads: {e}")))?),
        };
        Ok(Self { packed, blocks, threads })
    }

    /// The sample.
    #[must_use]
    pub fn packed(&self) -> &Arc<Packed> {
        &self.packed
    }

    /// Gives every decision of a pass to `emit`, as (candidate of the sample, x); those that are 0 are left out. On the calling thread.
    pub fn decide(&self, ask: &Ask, mut emit: impl FnMut(usize, f64)) {
        let starts = &self.packed.starts;
        match ask {
            Ask::Uniform => {
                for row in self.packed.blocks[self.blocks.clone()].iter().flat_map(Block::groups).flat_map(|g| g.rows) {
                    let x = uniform(&row);
                    if x > 0.0 {
                        let first = starts[row.opportunity as usize] as usize;
                        (first..first + row.len as usize).for_each(|i| emit(i, x));
                    }
                }
            }
            Ask::Prices(prices) => {
                let priced = Priced::new(&self.packed.layout, prices);
                let mut scratch = Scratch::default();
                for block in &self.packed.blocks[self.blocks.clone()] {
                    for group in block.groups() {
                        let best = scan(block, group, priced.narrow());
                        for (a, row) in group.rows.iter().enumerate().filter(|(_, r)| r.opportunity != PAD) {
                            let first = starts[row.opportunity as usize] as usize;
                            match priced.settle(block, group, a, best.as_ref(), &mut scratch) {
                                Outcome::Vertex { taken, picks, .. } => (0..taken).for_each(|k| emit(first + picks[k], 1.0)),
                                Outcome::Fraction { .. } => {
                                    scratch.x.iter().zip(&scratch.net).filter(|(x, _)| **x > 0.0).for_each(|(x, n)| emit(first + n.1, *x));
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn over_blocks(&self, work: impl Fn(Range<usize>) -> Sums + Sync) -> Sums {
        match &self.threads {
            None => work(self.blocks.clone()),
            Some(pool) => {
                let n = pool.current_num_threads();
                let len = self.blocks.len();
                let part = |i: usize| self.blocks.start + len * i / n..self.blocks.start + len * (i + 1) / n;
                let parts: Vec<Sums> = pool.install(|| (0..n).into_par_iter().map(|i| work(part(i))).collect());
                let mut parts = parts.into_iter();
                let mut all = parts.next().unwrap_or_default();
                parts.for_each(|p| all.merge(p));
                all
            }
        }
    }
}

impl Exchange for Local {
    fn layout(&self) -> &Layout {
        &self.packed.layout
    }

    fn pass(&mut self, ask: &Ask) -> Result<Sums> {
        let packed = &self.packed;
        Ok(match ask {
            Ask::Uniform => self.over_blocks(|blocks| uniform_pass(packed, blocks)),
            Ask::Prices(prices) => {
                let priced = Priced::new(&packed.layout, prices);
                self.over_blocks(|blocks| priced_pass(packed, &priced, blocks))
            }
        })
    }
}

fn uniform(row: &Row) -> f64 {
    if row.opportunity == PAD { 0.0 } else { (f64::from(row.slots) / f64::from(row.len)).min(1.0) }
}

fn uniform_pass(packed: &Packed, blocks: Range<usize>) -> Sums {
    let layout = &packed.layout;
    let factors: Vec<f64> = layout.scales.iter().map(|s| s.factor()).collect();
    let mut sums = Sums::zero(layout.columns.len(), layout.measures);
    for block in &packed.blocks[blocks] {
        for group in block.groups() {
            for (a, row) in group.rows.iter().enumerate() {
                let x = uniform(row) * row.weight;
                for j in 0..row.len as usize {
                    add(&mut sums.cells, block, group.offset + j * LANES + a, x, &factors);
                }
                sums.rows += u64::from(row.len);
            }
        }
    }
    sums
}

/// Adds `x` of the candidate packed at `at` to its column.
#[inline]
fn add(cells: &mut [i64], block: &Block, at: usize, x: f64, factors: &[f64]) {
    let column = block.columns()[at] as usize * factors.len();
    let cells = &mut cells[column..column + factors.len()];
    cells[0] += quantise(x, factors[0]);
    for ((cell, y), f) in cells[1..].iter_mut().zip(block.measures()).zip(&factors[1..]) {
        *cell += quantise(x * f64::from(y[at]), *f);
    }
}

fn priced_pass(packed: &Packed, priced: &Priced, blocks: Range<usize>) -> Sums {
    let layout = &packed.layout;
    let factors: Vec<f64> = layout.scales.iter().map(|s| s.factor()).collect();
    let mut sums = Sums::zero(layout.columns.len(), layout.measures);
    let mut scratch = Scratch::default();
    for b in blocks {
        let block = &packed.blocks[b];
        let mut active = Active { starts: vec![0], ..Active::default() };
        for group in block.groups() {
            let best = scan(block, group, priced.narrow());
            for (a, row) in group.rows.iter().enumerate() {
                if row.opportunity == PAD {
                    continue;
                }
                sums.rows += u64::from(row.len);
                let at = |j: usize| group.offset + j * LANES + a;
                match priced.settle(block, group, a, best.as_ref(), &mut scratch) {
                    Outcome::Vertex { taken, picks, near, rival } => {
                        for j in &picks[..taken] {
                            add(&mut sums.cells, block, at(*j), row.weight, &factors);
                        }
                        if near {
                            let half = quantise(0.5 * row.weight, factors[0]);
                            sums.near[block.columns()[at(picks[taken - 1])] as usize] += half;
                            if let Some(j) = rival {
                                sums.near[block.columns()[at(j)] as usize] += half;
                            }
                        }
                    }
                    Outcome::Fraction { binds } => {
                        let mut slack = scratch.net.iter().take(row.slots as usize).map(|n| n.0).sum::<f64>();
                        let mut fractional = 0;
                        for ((net, j), x) in scratch.net.iter().zip(&scratch.x) {
                            if *x <= 0.0 {
                                break;
                            }
                            slack -= net * x;
                            add(&mut sums.cells, block, at(*j), row.weight * x, &factors);
                            if *x < 1.0 {
                                sums.ridge += i128::from(quantise(row.weight * (x - x * x), factors[0]));
                                fractional += 1;
                            }
                        }
                        sums.slack += i128::from(priced.scale.quantise(row.weight * slack.max(0.0)));
                        // A single fractional entry of a row whose slots bind cannot move.
                        if fractional > usize::from(binds) {
                            for ((_, j), x) in scratch.net.iter().zip(&scratch.x).filter(|(_, x)| **x > 0.0 && **x < 1.0) {
                                let _ = x;
                                active.column.push(block.columns()[at(*j)]);
                                active.y.extend(block.measures().iter().map(|m| m[at(*j)]));
                            }
                            active.starts.push(active.column.len() as u32);
                            active.binds.push(binds);
                            active.weight.push(row.weight);
                        }
                    }
                }
            }
        }
        if active.rows() > 0 {
            sums.active.push((b as u32, active));
        }
    }
    sums
}

/// Prices folded by column: wide for decisions, narrow for the scan that rules most candidates out.
struct Priced {
    gamma: f64,
    near: f64,
    measures: usize,
    /// Worth less charge, by column and measure.
    wide: Vec<f64>,
    base: Vec<f32>,
    column: Vec<Vec<f32>>,
    /// No f32 net score lies further than this from the exact one, the index in its low bits aside.
    error: f64,
    scale: Scale,
}

/// What becomes of one opportunity.
enum Outcome {
    /// The best `taken` candidates, whole. `near`: a small move of prices would change that; `rival` is the candidate that would gain.
    Vertex { taken: usize, picks: [usize; 2], near: bool, rival: Option<usize> },
    /// The scratch holds net scores, candidates and decisions.
    Fraction { binds: bool },
}

#[derive(Default)]
struct Scratch {
    net: Vec<(f64, usize)>,
    scaled: Vec<f64>,
    x: Vec<f64>,
}

impl Priced {
    fn new(layout: &Layout, prices: &Prices) -> Self {
        let (n, m) = (layout.columns.len(), layout.measures);
        let mut wide = Vec::with_capacity(n * m);
        for c in &layout.columns {
            let (v, p) = (&prices.v[c.class as usize * m..][..m], &prices.p[c.campaign as usize * m..][..m]);
            wide.extend(v.iter().zip(p).map(|(v, p)| v - p));
        }
        let base: Vec<f32> = prices.v[..m].iter().map(|v| *v as f32).collect();
        let mut column = Vec::with_capacity(m);
        let mut spread = 0.0;
        for j in 0..m {
            let charge = |k: usize| prices.v[j] - wide[k * m + j];
            let largest = (0..n).fold(0f64, |a, k| a.max(charge(k).abs()));
            let size = (prices.v[j].abs() + largest) * layout.largest[j];
            spread += size;
            column.push(if j == 0 {
                (0..n).map(|k| charge(k) as f32).chain([PRICED_OUT]).collect()
            } else if largest > 0.0 {
                (0..n).map(|k| charge(k) as f32).chain([0.0]).collect()
            } else {
                Vec::new()
            });
        }
        // Each of the 2m conversions, m subtractions, m products and m sums rounds once, relative to at most `spread`.
        let error = (4 * m + 2) as f64 * f64::from(f32::EPSILON) * 0.5 * spread + 1e-30;
        Self { gamma: prices.gamma, near: prices.near, measures: m, wide, base, column, error, scale: prices.slack_scale(layout) }
    }

    fn narrow(&self) -> equipoise_kernel::Prices<'_> {
        equipoise_kernel::Prices { base: &self.base, column: &self.column }
    }

    /// Decides one opportunity: from the scan where its margins prove the answer, else exactly.
    #[inline]
    fn settle(&self, block: &Block, group: &Group, lane: usize, best: Option<&Best>, scratch: &mut Scratch) -> Outcome {
        let slots = group.rows[lane].slots as usize;
        if let (Some(best), 1..=2) = (best, slots) {
            let net = |k: usize| f64::from(best.net[k][lane]);
            // The index in the low bits moves a score by less than this part of it.
            let blur = f64::from(best.index_mask + 1) * f64::from(f32::EPSILON);
            let first = net(0);
            let slack = self.error + blur * first.abs();
            if first <= -slack {
                return Outcome::Vertex { taken: 0, picks: [0; 2], near: false, rival: None };
            }
            let (last, next) = (net(slots - 1), net(slots));
            let margin = last.min(last - next.max(0.0)) - self.gamma - slack;
            if margin >= 0.0 {
                let rival = (next > 0.0).then(|| best.index(slots, lane));
                return Outcome::Vertex {
                    taken: slots,
                    picks: [best.index(0, lane), best.index(1, lane)],
                    near: margin < self.near,
                    rival,
                };
            }
            if slots == 2 && net(1) <= -(self.error + blur * net(1).abs()) && first - self.gamma - slack >= 0.0 {
                return Outcome::Vertex {
                    taken: 1,
                    picks: [best.index(0, lane), 0],
                    near: first - self.gamma - slack < self.near,
                    rival: None,
                };
            }
        }
        self.exact(block, group, lane, scratch)
    }

    fn exact(&self, block: &Block, group: &Group, lane: usize, scratch: &mut Scratch) -> Outcome {
        let row = &group.rows[lane];
        let m = self.measures;
        let slots = row.slots as usize;
        scratch.net.clear();
        // Net scores of at most `slots` candidates matter beyond those within gamma of the last that can be taken.
        let mut best = [f64::NEG_INFINITY; 4];
        for j in 0..row.len as usize {
            let at = group.offset + j * LANES + lane;
            let coefficients = &self.wide[block.columns()[at] as usize * m..][..m];
            let mut net = coefficients[0];
            for (c, y) in coefficients[1..].iter().zip(block.measures()) {
                net += c * f64::from(y[at]);
            }
            if net > 0.0 {
                if slots <= best.len() {
                    if net < best[slots - 1] - self.gamma {
                        continue;
                    }
                    let mut low = net;
                    for b in &mut best[..slots] {
                        if low > *b {
                            std::mem::swap(&mut low, b);
                        }
                    }
                }
                scratch.net.push((net, j));
            }
        }
        scratch.net.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scratch.scaled.clear();
        scratch.scaled.extend(scratch.net.iter().map(|n| n.0 / self.gamma));
        let binds = project(&scratch.scaled, row.slots, &mut scratch.x);
        Outcome::Fraction { binds }
    }
}
