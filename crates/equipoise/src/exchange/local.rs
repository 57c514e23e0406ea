//! Passes on this machine: threads over packed blocks.

use super::fixed::quantise;
use super::pack::{Layout, Packed, Sample};
use super::priced::{Priced, Projection};
use super::settled::{Look, Restless, Settled};
use super::shift::{charge, shift};
use super::sums::{Active, Sums};
use super::threads::{Parts, Threads};
use super::uniform::{self, Split};
use super::{Ask, Exchange};
use crate::error::Result;
use equipoise_kernel::{Block, LANES, Row, Scratch, Taker, Tally, choose};
use std::ops::Range;
use std::sync::Arc;

/// Runs passes over a range of packed blocks on its own threads.
pub struct Local {
    packed: Arc<Packed>,
    blocks: Range<usize>,
    threads: Threads,
    /// What the latest passes settled, and how they moved.
    settled: Option<Settled>,
    restless: Restless,
    evaluated: u64,
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

    /// All blocks of a sample that is packed on the threads first.
    ///
    /// # Errors
    /// `resource_exhausted.memory` if the threads cannot be had.
    pub fn pack(sample: &Sample, threads: usize) -> Result<Self> {
        let threads = Threads::new(threads)?;
        let packed = Arc::new(Packed::on(&threads, sample));
        let blocks = 0..packed.blocks.len();
        Ok(Self::with(packed, blocks, threads))
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
        Ok(Self::with(packed, blocks, Threads::new(threads)?))
    }

    fn with(packed: Arc<Packed>, blocks: Range<usize>, threads: Threads) -> Self {
        Self { packed, blocks, threads, settled: None, restless: Restless::default(), evaluated: 0 }
    }

    /// The sample.
    #[must_use]
    pub fn packed(&self) -> &Arc<Packed> {
        &self.packed
    }

    /// Candidate rows that priced passes have evaluated so far: fewer than the passes' own count where opportunities were settled, looks for those
    /// included.
    #[must_use]
    pub fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// Gives every decision of a pass to `emit`, as (candidate of the sample, x); those that are 0 are left out. On the calling thread.
    ///
    /// # Errors
    /// Where blocks are in a file: what keeps them from being read.
    pub fn decide(&self, ask: &Ask, emit: impl FnMut(usize, f64)) -> Result<()> {
        self.decide_some(self.blocks.clone(), ask, emit)
    }

    /// [`Local::decide`] of some blocks.
    pub(crate) fn decide_some(&self, blocks: Range<usize>, ask: &Ask, emit: impl FnMut(usize, f64)) -> Result<()> {
        self.decide_shifted(blocks, ask, None, emit)
    }

    /// The same with the fractional decisions moved by charges, by column and measure, as [`Active::shifted`] does.
    pub(crate) fn decide_shifted(
        &self,
        blocks: Range<usize>,
        ask: &Ask,
        charges: Option<&[f64]>,
        mut emit: impl FnMut(usize, f64),
    ) -> Result<()> {
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
                let mut decisions = Decisions { priced: &priced, projection: Projection::default(), charges, by: Vec::new(), starts, emit };
                for block in blocks {
                    let block = block?;
                    choose(&block, priced.narrow(), priced.margins, &mut scratch, &mut decisions);
                }
            }
        }
        Ok(())
    }

    /// The sums of passes over parts that threads take, merged.
    fn sums(&self, parts: usize, work: impl Fn(Parts<'_>) -> Result<Sums> + Sync) -> Result<Sums> {
        let mut found = self.threads.each(parts, work).into_iter();
        let mut all = found.next().unwrap_or_else(|| Ok(Sums::default()))?;
        for sums in found {
            all.merge(sums?);
        }
        Ok(all)
    }

    /// Whether what was settled still is at these prices, if need be after another look.
    fn settle(&mut self, priced: &Priced) -> Result<bool> {
        let layout = &self.packed.layout;
        if self.settled.as_ref().is_some_and(|s| s.holds(priced, layout)) {
            return Ok(true);
        }
        // Blocks that are not in memory are to stay outside.
        let Some(reach) = self.restless.reach(priced, layout).filter(|_| self.packed.blocks.are_here()) else { return Ok(false) };
        let first = self.blocks.start;
        let looks = self.threads.each(self.blocks.len(), |taken| Settled::look(&self.packed, priced, &reach, taken.map(|b| first + b)));
        let looks = looks.into_iter().collect::<Result<Vec<_>>>()?;
        self.evaluated += looks.iter().map(Look::rows).sum::<u64>();
        self.settled = Settled::new(priced, reach, looks);
        if self.settled.is_none() {
            self.restless.wait();
        }
        Ok(self.settled.is_some())
    }
}

impl Exchange for Local {
    fn layout(&self) -> &Layout {
        &self.packed.layout
    }

    fn share(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        self.threads.each(parts, |taken| taken.for_each(work));
    }

    fn pass(&mut self, ask: &Ask) -> Result<Sums> {
        let packed = &self.packed;
        match ask {
            Ask::Uniform => match packed.uniform.as_ref().filter(|_| self.blocks == (0..packed.blocks.len())) {
                Some(cells) => {
                    let layout = &packed.layout;
                    Ok(Sums { cells: cells.clone(), rows: layout.rows, ..Sums::zero(layout.columns.len(), layout.measures) })
                }
                None => self.sums(self.blocks.len(), |taken| uniform_pass(packed, taken.map(|b| self.blocks.start + b))),
            },
            Ask::Prices(prices) => {
                let priced = Priced::new(&packed.layout, prices);
                let is_settled = self.settle(&priced)?;
                let packed = &self.packed;
                let sums = if let Some(settled) = self.settled.as_ref().filter(|_| is_settled) {
                    let live = self.sums(settled.live.len(), |taken| {
                        let mut pass = Pass::new(&packed.layout, &priced);
                        taken.map(|i| &settled.live[i]).for_each(|(b, block)| pass.over(*b, block));
                        Ok(pass.into_sums())
                    })?;
                    self.evaluated += live.rows;
                    settled.complete(live)
                } else {
                    let sums = self.sums(self.blocks.len(), |mut taken| {
                        let mut pass = Pass::new(&packed.layout, &priced);
                        let mut over = |b: usize| packed.blocks.get(b).map(|block| pass.over(b as u32, &block));
                        taken.try_for_each(|b| over(self.blocks.start + b))?;
                        Ok(pass.into_sums())
                    })?;
                    self.evaluated += sums.rows;
                    sums
                };
                self.restless.saw(priced, &sums, &packed.layout);
                Ok(sums)
            }
        }
    }
}

fn uniform_pass(packed: &Packed, blocks: impl Iterator<Item = usize>) -> Result<Sums> {
    let mut split = Split::new(&packed.layout);
    for b in blocks {
        split.add(&*packed.blocks.get(b)?);
    }
    Ok(split.into_sums())
}

/// A pass at work: what opportunities take goes into sums.
struct Pass<'p> {
    priced: &'p Priced,
    projection: Projection,
    tally: Tally,
    sums: Sums,
    active: Active,
    scratch: Scratch,
}

impl<'p> Pass<'p> {
    fn new(layout: &Layout, priced: &'p Priced) -> Self {
        let sums = Sums::zero(layout.columns.len(), layout.measures);
        let (projection, active, scratch) = (Projection::default(), Active::default(), Scratch::default());
        Self { priced, projection, tally: layout.tally(), sums, active, scratch }
    }

    /// Passes over block `b`, or over what is live of it.
    fn over(&mut self, b: u32, block: &Block) {
        self.active.starts.push(0);
        let mut scratch = std::mem::take(&mut self.scratch);
        choose(block, self.priced.narrow(), self.priced.margins, &mut scratch, self);
        self.scratch = scratch;
        let active = std::mem::take(&mut self.active);
        if active.rows() > 0 {
            self.sums.active.push((b, active));
        }
        self.sums.rows += block.candidates();
    }

    fn into_sums(self) -> Sums {
        Sums { cells: self.tally.into_cells(), ..self.sums }
    }
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
            for ((_, j), x) in net.iter().zip(x).filter(|(_, x)| **x > 0.0 && **x < 1.0) {
                let at = block.at(row, *j as usize);
                self.active.column.push(block.column(at) as u32);
                self.active.x.push(*x);
                self.active.y.extend(block.amounts(at));
            }
            self.active.room.push(room(x, slots, binds));
            self.active.starts.push(self.active.column.len() as u32);
            self.active.binds.push(binds);
            self.active.weight.push(weight);
        }
    }
}

/// How many slots the decisions of an opportunity leave.
fn room(x: &[f64], slots: u32, binds: bool) -> f64 {
    if binds { 0.0 } else { (f64::from(slots) - x.iter().sum::<f64>()).max(0.0) }
}

/// The decisions of a pass, one by one.
struct Decisions<'p, F> {
    priced: &'p Priced,
    projection: Projection,
    charges: Option<&'p [f64]>,
    by: Vec<f64>,
    starts: &'p [u64],
    emit: F,
}

impl<F: FnMut(usize, f64)> Decisions<'_, F> {
    fn first(&self, block: &Block, row: usize) -> usize {
        self.starts[block.row(row).opportunity as usize] as usize
    }

    /// Moves the fractional entries, where they can move.
    fn shift(&mut self, charges: &[f64], block: &Block, row: usize, binds: bool) {
        let Projection { net, x, .. } = &mut self.projection;
        let fractional = x.iter().filter(|x| **x > 0.0 && **x < 1.0).count();
        if fractional <= usize::from(binds) {
            return;
        }
        let room = room(x, block.row(row).slots, binds);
        let mut entries = Vec::with_capacity(fractional);
        self.by.clear();
        for ((_, j), x) in net.iter().zip(x.iter()).filter(|(_, x)| **x > 0.0 && **x < 1.0) {
            let at = block.at(row, *j as usize);
            let amounts: Vec<f32> = block.amounts(at).collect();
            self.by.push(charge(charges, block.column(at), &amounts) / self.priced.gamma);
            entries.push(*x);
        }
        shift(&mut entries, &self.by, room, binds);
        for (x, to) in x.iter_mut().filter(|x| **x > 0.0 && **x < 1.0).zip(entries) {
            *x = to;
        }
    }
}

impl<F: FnMut(usize, f64)> Taker for Decisions<'_, F> {
    fn take(&mut self, block: &Block, row: usize, at: usize) {
        let candidate = self.first(block, row) + (at - block.at(row, 0)) / LANES;
        (self.emit)(candidate, 1.0);
    }

    fn near(&mut self, _: &Block, _: usize, _: usize) {}

    fn open(&mut self, block: &Block, row: usize, candidates: &[u32]) {
        let binds = self.priced.project(block, row, candidates, &mut self.projection);
        if let Some(charges) = self.charges {
            self.shift(charges, block, row, binds);
        }
        let first = self.first(block, row);
        for ((_, j), x) in self.projection.net.iter().zip(&self.projection.x).filter(|(_, x)| **x > 0.0) {
            (self.emit)(first + *j as usize, *x);
        }
    }
}
