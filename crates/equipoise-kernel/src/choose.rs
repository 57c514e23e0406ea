//! The choice: what every opportunity of a block takes at given prices.
//!
//! f32 net scores rule most candidates out. An opportunity is decided here where its margins prove the exact answer; what is left goes to
//! the caller with the few candidates that can matter.

use crate::block::{Block, Columns, LANES, Lane, SHORT};
use crate::lanes::{Index, Lanes, Portable};
#[cfg(target_arch = "aarch64")]
use crate::neon::Neon;
use crate::path::{Path, path};
#[cfg(target_arch = "x86_64")]
use crate::x86::{Avx2, Avx512};

/// What a candidate is charged and credited, per unit of each measure, in f32.
///
/// Net score = `base[0] - column[0][c] + sum over measures j of (base[j + 1] - column[j + 1][c]) * y_j`; a measure without column prices has an
/// empty slice. The last column is the padding and must carry a price in `column[0]` that no row would pay.
#[derive(Debug, Clone, Copy)]
pub struct Prices<'a> {
    /// Of `exposure`, then of each measure.
    pub base: &'a [f32],
    /// Of `exposure` (always full), then of each measure (full or empty).
    pub column: &'a [Vec<f32>],
}

/// What a decision must be clear of.
#[derive(Debug, Clone, Copy)]
pub struct Margins {
    /// Ridge: an opportunity is decided whole where its last choice leads by more than this.
    pub gamma: f32,
    /// An opportunity that leads by less than this much more counts as near.
    pub near: f32,
    /// No f32 net score lies further than this from the exact one.
    pub error: f32,
}

impl Margins {
    /// Margins that are wide enough in f32: `gamma` and `error` are rounded up.
    #[must_use]
    pub fn new(gamma: f64, near: f64, error: f64) -> Self {
        let up = |v: f64| (v * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE;
        Self { gamma: up(gamma), near: near as f32, error: up(error) }
    }
}

/// Takes what a block's opportunities take. Calls come in the order of the block's rows within each group.
pub trait Taker {
    /// A candidate that is taken whole.
    fn take(&mut self, block: &Block, row: usize, at: usize);
    /// A candidate that would join or leave if prices moved by less than the near margin.
    fn near(&mut self, block: &Block, row: usize, at: usize);
    /// An opportunity that margins do not decide. No candidate but these, in order, is taken even in part.
    fn open(&mut self, block: &Block, row: usize, candidates: &[u32]);
}

/// Reused memory of [`choose`].
#[derive(Debug, Default)]
pub struct Scratch {
    net: Vec<Lane<f32>>,
    open: Vec<u32>,
}

/// The low bits of a score that carry the candidate's index in short groups.
const SHORT_MASK: u32 = SHORT - 1;

/// Decides every opportunity of a block; those with 0 slots take nothing.
///
/// # Panics
/// If `prices` does not fit the block's columns and measures.
pub fn choose(block: &Block, prices: Prices<'_>, margins: Margins, scratch: &mut Scratch, taker: &mut impl Taker) {
    choose_on(path(), block, prices, margins, scratch, taker);
}

/// [`choose`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`choose`], and if this machine does not have the path.
pub fn choose_on(path: Path, block: &Block, prices: Prices<'_>, margins: Margins, scratch: &mut Scratch, taker: &mut impl Taker) {
    assert!(Path::available().contains(&path), "this machine has the path");
    assert!(prices.base.len() == block.measures() + 1 && prices.column.len() == prices.base.len(), "a price for each measure");
    let below = block.columns_below() as usize;
    assert!(
        prices.column[0].len() == below && prices.column[1..].iter().all(|c| c.is_empty() || c.len() == below),
        "a price for each column"
    );
    // SAFETY: the asserts above are what the bodies ask for.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => avx512(block, prices, margins, scratch, taker),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2(block, prices, margins, scratch, taker),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => body::<Neon>(block, prices, margins, scratch, taker),
            _ => body::<Portable>(block, prices, margins, scratch, taker),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512(block: &Block, prices: Prices<'_>, margins: Margins, scratch: &mut Scratch, taker: &mut impl Taker) {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx512>(block, prices, margins, scratch, taker) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(block: &Block, prices: Prices<'_>, margins: Margins, scratch: &mut Scratch, taker: &mut impl Taker) {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx2>(block, prices, margins, scratch, taker) }
}

/// # Safety
/// The machine must have the lanes' instructions. Every non-empty column of prices must be as long as the block's bound on column indices,
/// which [`Columns::pack`] checked them against.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn body<L: Lanes>(block: &Block, prices: Prices<'_>, margins: Margins, scratch: &mut Scratch, taker: &mut impl Taker) {
    // SAFETY: the caller's promise.
    unsafe {
        match &block.columns {
            Columns::Narrow(columns) => groups::<L, [u16; LANES], u16>(block, columns, prices, margins, scratch, taker),
            Columns::Wide(columns) => groups::<L, Lane<u32>, u32>(block, columns, prices, margins, scratch, taker),
        }
    }
}

/// Column indices of one step.
trait Step<I> {
    fn indices(&self) -> &[I; LANES];
}

impl Step<u16> for [u16; LANES] {
    fn indices(&self) -> &[u16; LANES] {
        self
    }
}

impl Step<u32> for Lane<u32> {
    fn indices(&self) -> &[u32; LANES] {
        &self.0
    }
}

/// # Safety
/// As [`body`].
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn groups<L: Lanes, S: Step<I>, I: Index>(
    block: &Block,
    columns: &[S],
    prices: Prices<'_>,
    margins: Margins,
    scratch: &mut Scratch,
    taker: &mut impl Taker,
) {
    let longest = block.groups().iter().map(|g| g.len as usize).max().unwrap_or(0);
    if scratch.net.len() < longest {
        scratch.net.resize(longest, Lane([0.0; LANES]));
    }
    let (net, open) = (scratch.net.as_mut_slice(), &mut scratch.open);
    // SAFETY: the caller's promise; every step of a group lies inside the block's columns, which are as long as its measures.
    unsafe {
        let zero = L::splat(0.0);
        let (gamma, near, error) = (L::splat(margins.gamma), L::splat(margins.near), L::splat(margins.error));
        for (g, group) in block.groups().iter().enumerate() {
            let steps = group.step as usize..(group.step + group.len) as usize;
            let short = group.is_short();
            // The index in the low bits moves a score by less than this part of it; four units more cover the arithmetic on margins.
            let blur = ((if short { SHORT_MASK + 1 } else { 0 }) + 4) as f32 * f32::EPSILON;
            let mut best = [L::splat(f32::NEG_INFINITY); 3];
            for (j, (step, net)) in steps.clone().zip(net.iter_mut()).enumerate() {
                let at = columns.get_unchecked(step).indices();
                let mut x = L::splat(prices.base[0]).sub(L::gather(&prices.column[0], at));
                for (m, y) in block.measures.iter().enumerate() {
                    let y = L::load(&y.get_unchecked(step).0);
                    let base = L::splat(*prices.base.get_unchecked(m + 1));
                    let column = prices.column.get_unchecked(m + 1).as_slice();
                    let rate = if column.is_empty() { base } else { base.sub(L::gather(column, at)) };
                    x = x.add(rate.mul(y));
                }
                x.store(&mut net.0);
                let x = if short { x.tag(SHORT_MASK, j as u32) } else { x };
                let low = x.min(best[0]);
                best[0] = x.max(best[0]);
                let lower = low.min(best[1]);
                best[1] = low.max(best[1]);
                best[2] = lower.max(best[2]);
            }
            let slack = error.add(L::splat(blur).mul(best[0].abs()));
            let minus = |v: L| zero.sub(v);
            let none = minus(slack).at_least(best[0]);
            let last = best[1].choose(group.two, best[0]);
            let next = best[2].choose(group.two, best[1]);
            let bar = gamma.add(slack);
            let margin = last.min(last.sub(next.max(zero)));
            let whole = margin.at_least(bar) & (group.one | group.two) & !none;
            // Of two slots one is taken: the second best is not worth it.
            let second = error.add(L::splat(blur).mul(best[1].abs()));
            let single = minus(second).at_least(best[1]) & best[0].at_least(bar) & group.two & !none & !whole;
            let lead = best[0].choose(single, margin);
            let near = !lead.at_least(bar.add(near));
            let mut index = [[0u32; LANES]; 3];
            let mut value = [Lane([0f32; LANES]); 3];
            for (value, best) in value.iter_mut().zip(best) {
                best.store(&mut value.0);
            }
            if short {
                for (index, value) in index.iter_mut().zip(&value) {
                    for (i, v) in index.iter_mut().zip(&value.0) {
                        *i = v.to_bits() & SHORT_MASK;
                    }
                }
            } else if whole | single != 0 {
                find::<L>(&net[..group.len as usize], best, &value, &mut index);
            }
            for a in bits(whole | single) {
                let row = g * LANES + a;
                let bit = 1 << a;
                let at = |k: usize| (steps.start + index[k][a] as usize) * LANES + a;
                let taken = if single & bit == 0 && group.two & bit != 0 { 2 } else { 1 };
                for k in 0..taken {
                    taker.take(block, row, at(k));
                }
                if near & bit != 0 {
                    taker.near(block, row, at(taken - 1));
                    if single & bit == 0 && value[taken].0[a] > 0.0 {
                        taker.near(block, row, at(taken));
                    }
                }
            }
            for a in bits((group.one | group.two | group.more) & !(whole | single | none)) {
                // Candidates that are worth something and within the ridge of the last that can be taken.
                let last = match (group.one & (1 << a) != 0, group.two & (1 << a) != 0) {
                    (true, _) => f64::from(value[0].0[a]),
                    (_, true) => f64::from(value[1].0[a]),
                    _ => f64::NEG_INFINITY,
                };
                let error = f64::from(margins.error);
                let least = (last - f64::from(margins.gamma) - 2.0 * error - f64::from(blur) * last.abs()).max(-error);
                let least = (least - least.abs() * 1e-6) as f32;
                let row = g * LANES + a;
                open.clear();
                open.resize(group.len as usize, 0);
                let mut n = 0;
                for (j, net) in net[..group.len as usize].iter().enumerate() {
                    *open.get_unchecked_mut(n) = j as u32;
                    n += usize::from(net.0[a] > least);
                }
                taker.open(block, row, &open[..n]);
            }
        }
    }
}

/// The lanes of a mask.
fn bits(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let a = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (a < LANES).then_some(a)
    })
}

/// Where the three best of each lane stand: the first three candidates, in order, that equal one of them.
///
/// # Safety
/// The machine must have the lanes' instructions.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn find<L: Lanes>(net: &[Lane<f32>], best: [L; 3], value: &[Lane<f32>; 3], index: &mut [[u32; LANES]; 3]) {
    let mut found = [0u16; 3];
    for (j, net) in net.iter().enumerate() {
        // SAFETY: the caller's promise.
        let hit = unsafe {
            let x = L::load(&net.0);
            x.equal(best[0]) | x.equal(best[1]) | x.equal(best[2])
        };
        for a in bits(hit) {
            if let Some(k) = (0..3).find(|k| found[*k] & (1 << a) == 0 && value[*k].0[a] == net.0[a]) {
                found[k] |= 1 << a;
                index[k][a] = j as u32;
            }
        }
    }
}
