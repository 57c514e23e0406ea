//! Opportunities whose choice is settled: as long as no score moves further than was allowed for, what they take is known, and a pass needs to look at
//! the others only. Sums are integers, so that they have the same bits either way.

use super::pack::{Layout, Packed};
use super::priced::Priced;
use super::sums::Sums;
use crate::error::Result;
use equipoise_kernel::{Block, Margins, Scratch, Taker, choose};

/// How far the score of a candidate may move from where opportunities were looked at, in ridges, and in the farthest move of its column of late.
const REACH: f64 = 8.0;
const FARTHEST: f64 = 3.0;
/// What settled choices are clear of for the rounding of f32 scores, then and later, in bounds on it: of the scores, their index bits and margins.
const ROUNDINGS: f64 = 16.0;
/// The largest part of candidates that may be left live: they are copies, and sparing less is not worth the look. And the largest part of columns
/// that may have moved far of late.
const MOST_LIVE: f64 = 0.25;
const MOST_RESTLESS: f64 = 0.02;
/// Passes that count as late, at least, and passes that are waited after a look in vain.
const LATE: u32 = 8;

/// What is settled around some prices.
pub(super) struct Settled {
    /// Worth less charge at those prices, by column and measure.
    wide: Vec<f64>,
    /// By column: how far scores may move from there.
    reach: Vec<f64>,
    /// Ridge and near margin, and rounding, that settled choices are clear of.
    width: f64,
    error: f32,
    /// What settled opportunities take, by column and measure.
    cells: Vec<i64>,
    /// Candidates of all opportunities.
    rows: u64,
    /// The live opportunities of each block that has some.
    pub(super) live: Vec<(u32, Block)>,
}

/// What a look at some blocks found.
pub(super) struct Look {
    cells: Vec<i64>,
    rows: u64,
    live: Vec<(u32, Block)>,
}

impl Look {
    /// Candidates that were looked at.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

impl Settled {
    /// Looks at some blocks, where scores may move by `reach`. O(candidates).
    pub(super) fn look(packed: &Packed, priced: &Priced, reach: &[f64], blocks: impl Iterator<Item = usize>) -> Result<Look> {
        let common = REACH * priced.gamma;
        let farthest = reach.iter().fold(common, |a, b| a.max(*b));
        let rounding = ROUNDINGS * (f64::from(priced.margins.error) + farthest * f64::from(f32::EPSILON));
        let margins = Margins::new(priced.gamma + priced.near + common + rounding, 0.0, common + rounding);
        // Candidates that may move further count by as much more than they are worth: they are settled only where even so they are not taken.
        let raised = priced.raised(|k| reach[k] - common);
        let mut scratch = Scratch::default();
        let mut tally = packed.layout.tally();
        let mut sieve = Sieve { is_restless: &|k| reach[k] > common, taken: Vec::new(), live: Vec::new() };
        let (mut rows, mut live) = (0, Vec::new());
        for b in blocks {
            let block = &*packed.blocks.get(b)?;
            choose(block, priced.scan(&raised), margins, &mut scratch, &mut sieve);
            sieve.live.sort_unstable();
            sieve.live.dedup();
            for (row, at) in sieve.taken.drain(..) {
                if sieve.live.binary_search(&row).is_err() {
                    tally.add(block, at, block.weight(row));
                }
            }
            if !sieve.live.is_empty() {
                live.push((b as u32, block.part(&sieve.live)));
                sieve.live.clear();
            }
            rows += block.candidates();
        }
        Ok(Look { cells: tally.into_cells(), rows, live })
    }

    /// What looks at the same prices found together, if it spares enough.
    pub(super) fn new(priced: &Priced, reach: Vec<f64>, looks: Vec<Look>) -> Option<Self> {
        let mut looks = looks.into_iter();
        let mut all = looks.next()?;
        for look in looks {
            all.cells.iter_mut().zip(look.cells).for_each(|(a, b)| *a += b);
            all.rows += look.rows;
            all.live.extend(look.live);
        }
        all.live.sort_unstable_by_key(|(b, _)| *b);
        let live: u64 = all.live.iter().map(|(_, block)| block.candidates()).sum();
        (live as f64 <= MOST_LIVE * all.rows as f64).then(|| Self {
            wide: priced.wide.clone(),
            reach,
            width: priced.gamma + priced.near,
            error: priced.margins.error,
            cells: all.cells,
            rows: all.rows,
            live: all.live,
        })
    }

    /// Whether a pass at these prices finds the settled where they were.
    pub(super) fn holds(&self, priced: &Priced, layout: &Layout) -> bool {
        priced.gamma + priced.near <= self.width
            && priced.margins.error <= 2.0 * self.error
            && moves(&self.wide, &priced.wide, layout).zip(&self.reach).all(|(by, reach)| by <= *reach)
    }

    /// The sums of a pass over the live, completed by the settled.
    pub(super) fn complete(&self, mut live: Sums) -> Sums {
        live.cells.iter_mut().zip(&self.cells).for_each(|(a, b)| *a += b);
        live.rows = self.rows;
        live
    }
}

/// How far scores of each column can have moved from one pass to another, at most.
fn moves<'a>(from: &'a [f64], to: &'a [f64], layout: &'a Layout) -> impl Iterator<Item = f64> + 'a {
    let m = layout.measures;
    let one = |(a, b): (&[f64], &[f64])| a.iter().zip(b).zip(&layout.largest).map(|((a, b), y)| (a - b).abs() * y).sum::<f64>();
    from.chunks_exact(m).zip(to.chunks_exact(m)).map(one)
}

/// Tells the settled from the live.
struct Sieve<'l> {
    is_restless: &'l dyn Fn(usize) -> bool,
    taken: Vec<(usize, usize)>,
    live: Vec<usize>,
}

impl Taker for Sieve<'_> {
    #[inline]
    fn take(&mut self, block: &Block, row: usize, at: usize) {
        if (self.is_restless)(block.column(at)) {
            self.live.push(row);
        } else {
            self.taken.push((row, at));
        }
    }

    fn near(&mut self, _: &Block, _: usize, _: usize) {}

    fn open(&mut self, _: &Block, row: usize, _: &[u32]) {
        self.live.push(row);
    }
}

/// How passes move of late: whether the next ones are likely to find settled opportunities where they were.
#[derive(Default)]
pub(super) struct Restless {
    /// Worth less charge in the latest pass, by column and measure.
    wide: Vec<f64>,
    /// By column, the farthest move of the latest passes, at most [`LATE`] of them, and of as many before.
    late: [Vec<f64>; 2],
    passes: u32,
    /// The part of opportunities that a look at the latest would have left live, roughly.
    live: f64,
    wait: u32,
}

impl Restless {
    /// Takes note of a pass.
    pub(super) fn saw(&mut self, priced: Priced, sums: &Sums, layout: &Layout) {
        let near: f64 = sums.near.iter().map(|n| layout.scales[0].value(i128::from(*n))).sum();
        let active: usize = sums.active.iter().map(|(_, active)| active.rows()).sum();
        // Where leads are as frequent further out as they are in the near margin.
        let wider = 1.0 + 2.0 * REACH * priced.gamma / priced.near;
        self.live = near * wider / layout.weight + active as f64 / layout.opportunities as f64;
        if self.passes.is_multiple_of(LATE) {
            self.late.swap(0, 1);
            self.late[0].clear();
            self.late[0].resize(layout.columns.len(), if self.passes == 0 { f64::INFINITY } else { 0.0 });
        }
        self.late[0].iter_mut().zip(moves(&self.wide, &priced.wide, layout)).for_each(|(most, by)| *most = most.max(by));
        self.passes += 1;
        self.wait = self.wait.saturating_sub(1);
        self.wide = priced.wide;
    }

    /// A look was in vain.
    pub(super) fn wait(&mut self) {
        self.wait = LATE;
    }

    /// How far the scores of each column may move for a look at these prices to be worth it, if it is likely to be.
    pub(super) fn reach(&self, priced: &Priced, layout: &Layout) -> Option<Vec<f64>> {
        if self.wait > 0 || self.live > MOST_LIVE || self.passes <= LATE {
            return None;
        }
        let common = REACH * priced.gamma;
        let latest = moves(&self.wide, &priced.wide, layout);
        let farthest = latest.zip(&self.late[0]).zip(&self.late[1]).map(|((a, b), c)| a.max(*b).max(*c));
        let reach: Vec<f64> = farthest.map(|by| (FARTHEST * by).max(common)).collect();
        let restless = reach.iter().filter(|r| **r > common).count();
        (restless as f64 <= MOST_RESTLESS * reach.len() as f64).then_some(reach)
    }
}
