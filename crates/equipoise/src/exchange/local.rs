//! Passes on this machine: threads over packed blocks.

use super::fixed::{Scale, quantise};
use super::pack::{Layout, Packed};
use super::row::project;
use super::sums::{Active, Sums};
use super::uniform::{self, Split};
use super::{Ask, Exchange, Prices};
use crate::error::{Error, Result, codes};
use equipoise_kernel::{Block, LANES, Margins, Row, Scratch, Taker, Tally, choose};
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
    ///
    /// # Errors
    /// Where blocks are in a file: what keeps them from being read.
    pub fn decide(&self, ask: &Ask, emit: impl FnMut(usize, f64)) -> Result<()> {
        self.decide_some(self.blocks.clone(), ask, emit)
    }

    /// [`Local::decide`] of some blocks.
    pub(crate) fn decide_some(&self, blocks: Range<usize>, ask: &Ask, mut emit: impl FnMut(usize, f64)) -> Result<()> {
        let starts = &self.packed.starts;
        let blocks = blocks.map(|b| self.packed.blocks.get(b));
        match ask {
            Ask::Uniform => {
                for block in blocks {
                    for (_, row) in block?.rows() {
                        let first = starts[row.opportunity as usize] as usize;
                        let x = uniform::share(&row);
                        (first..first + row.len as usize).filter(|_| x > 0.0).for_each(|i| emit(i, x));
                    }
                }
            }
            Ask::Prices(prices) => {
                let priced = Priced::new(&self.packed.layout, prices);
                let mut scratch = Scratch::default();
                let mut decisions = Decisions { priced: &priced, projection: Projection::default(), starts, emit };
                for block in blocks {
                    let block = block?;
                    choose(&block, priced.narrow(), priced.margins, &mut scratch, &mut decisions);
                }
            }
        }
        Ok(())
    }

    fn over_blocks(&self, work: impl Fn(Range<usize>) -> Result<Sums> + Sync) -> Result<Sums> {
        match &self.threads {
            None => work(self.blocks.clone()),
            Some(pool) => {
                let n = pool.current_num_threads();
                let len = self.blocks.len();
                let part = |i: usize| self.blocks.start + len * i / n..self.blocks.start + len * (i + 1) / n;
                let parts: Vec<Result<Sums>> = pool.install(|| (0..n).into_par_iter().map(|i| work(part(i))).collect());
                let mut parts = parts.into_iter();
                let mut all = parts.next().transpose()?.unwrap_or_default();
                for part in parts {
                    all.merge(part?);
                }
                Ok(all)
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
        match ask {
            Ask::Uniform if packed.uniform.is_some() => uniform_pass(packed, self.blocks.clone()),
            Ask::Uniform => self.over_blocks(|blocks| uniform_pass(packed, blocks)),
            Ask::Prices(prices) => {
                let priced = Priced::new(&packed.layout, prices);
                self.over_blocks(|blocks| priced_pass(packed, &priced, blocks))
            }
        }
    }
}

fn uniform_pass(packed: &Packed, blocks: Range<usize>) -> Result<Sums> {
    if let Some(cells) = &packed.uniform
        && blocks == (0..packed.blocks.len())
    {
        let layout = &packed.layout;
        return Ok(Sums { cells: cells.clone(), rows: layout.rows, ..Sums::zero(layout.columns.len(), layout.measures) });
    }
    let mut split = Split::new(&packed.layout);
    for b in blocks {
        split.add(&*packed.blocks.get(b)?);
    }
    Ok(split.into_sums())
}

fn priced_pass(packed: &Packed, priced: &Priced, blocks: Range<usize>) -> Result<Sums> {
    let mut scratch = Scratch::default();
    let layout = &packed.layout;
    let sums = Sums::zero(layout.columns.len(), layout.measures);
    let mut pass = Pass { priced, projection: Projection::default(), tally: layout.tally(), sums, active: Active::default() };
    for b in blocks {
        let block = &*packed.blocks.get(b)?;
        pass.active.starts.push(0);
        choose(block, priced.narrow(), priced.margins, &mut scratch, &mut pass);
        let active = std::mem::take(&mut pass.active);
        if active.rows() > 0 {
            pass.sums.active.push((b as u32, active));
        }
        pass.sums.rows += block.candidates();
    }
    Ok(Sums { cells: pass.tally.into_cells(), ..pass.sums })
}

/// A pass at work: what opportunities take goes into sums.
struct Pass<'p> {
    priced: &'p Priced,
    projection: Projection,
    tally: Tally,
    sums: Sums,
    active: Active,
}

impl Taker for Pass<'_> {
    #[inline]
    fn take(&mut self, block: &Block, row: usize, at: usize) {
        self.tally.add(block, at, block.weight(row));
    }

    #[inline]
    fn near(&mut self, block: &Block, row: usize, at: usize) {
        self.sums.near[block.column(at)] += quantise(0.5 * block.weight(row), self.tally.unit());
    }

    fn open(&mut self, block: &Block, row: usize, candidates: &[u32]) {
        let Row { slots, weight, .. } = block.row(row);
        let binds = self.priced.project(block, row, candidates, &mut self.projection);
        let Projection { net, x, .. } = &self.projection;
        let mut slack = net.iter().take(slots as usize).map(|n| n.0).sum::<f64>();
        let mut fractional = 0;
        for ((net, j), x) in net.iter().zip(x) {
            if *x <= 0.0 {
                break;
            }
            slack -= net * x;
            self.tally.add(block, block.at(row, *j as usize), weight * x);
            if *x < 1.0 {
                self.sums.ridge += i128::from(quantise(weight * (x - x * x), self.tally.unit()));
                fractional += 1;
            }
        }
        self.sums.slack += i128::from(self.priced.scale.quantise(weight * slack.max(0.0)));
        // A single fractional entry of a row whose slots bind cannot move.
        if fractional > usize::from(binds) {
            for ((_, j), _) in net.iter().zip(x).filter(|(_, x)| **x > 0.0 && **x < 1.0) {
                let at = block.at(row, *j as usize);
                self.active.column.push(block.column(at) as u32);
                self.active.y.extend(block.amounts(at));
            }
            self.active.starts.push(self.active.column.len() as u32);
            self.active.binds.push(binds);
            self.active.weight.push(weight);
        }
    }
}

/// The decisions of a pass, one by one.
struct Decisions<'p, F> {
    priced: &'p Priced,
    projection: Projection,
    starts: &'p [u64],
    emit: F,
}

impl<F: FnMut(usize, f64)> Decisions<'_, F> {
    fn first(&self, block: &Block, row: usize) -> usize {
        self.starts[block.row(row).opportunity as usize] as usize
    }
}

impl<F: FnMut(usize, f64)> Taker for Decisions<'_, F> {
    fn take(&mut self, block: &Block, row: usize, at: usize) {
        let candidate = self.first(block, row) + (at - block.at(row, 0)) / LANES;
        (self.emit)(candidate, 1.0);
    }

    fn near(&mut self, _: &Block, _: usize, _: usize) {}

    fn open(&mut self, block: &Block, row: usize, candidates: &[u32]) {
        self.priced.project(block, row, candidates, &mut self.projection);
        let first = self.first(block, row);
        for ((_, j), x) in self.projection.net.iter().zip(&self.projection.x).filter(|(_, x)| **x > 0.0) {
            (self.emit)(first + *j as usize, *x);
        }
    }
}

/// Prices folded by column: wide for decisions, narrow for the scan that rules most candidates out.
struct Priced {
    gamma: f64,
    measures: usize,
    /// Worth less charge, by column and measure.
    wide: Vec<f64>,
    base: Vec<f32>,
    column: Vec<Vec<f32>>,
    margins: Margins,
    scale: Scale,
}

/// One opportunity's projection: net scores with their candidates, best first, and decisions.
#[derive(Default)]
struct Projection {
    net: Vec<(f64, u32)>,
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
        let margins = Margins::new(prices.gamma, prices.near, error);
        Self { gamma: prices.gamma, measures: m, wide, base, column, margins, scale: prices.slack_scale(layout) }
    }

    fn narrow(&self) -> equipoise_kernel::Prices<'_> {
        equipoise_kernel::Prices { base: &self.base, column: &self.column }
    }

    /// Decides one opportunity exactly, of the candidates that can matter. Returns whether its slots bind.
    fn project(&self, block: &Block, row: usize, candidates: &[u32], out: &mut Projection) -> bool {
        let m = self.measures;
        out.net.clear();
        for j in candidates {
            let at = block.at(row, *j as usize);
            let coefficients = &self.wide[block.column(at) * m..][..m];
            let net = coefficients[1..].iter().zip(block.amounts(at)).fold(coefficients[0], |net, (c, y)| net + c * f64::from(y));
            if net > 0.0 {
                out.net.push((net, *j));
            }
        }
        out.net.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        out.scaled.clear();
        out.scaled.extend(out.net.iter().map(|n| n.0 / self.gamma));
        project(&out.scaled, block.row(row).slots, &mut out.x)
    }
}
