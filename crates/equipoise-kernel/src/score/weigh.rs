//! The row phase: a score for every candidate.
//!
//! The arithmetic is the serving rule's: `s = c_0`, then `s + c_j y_j` in the order of measures, `c_j = V - P`, all in `f32` and never fused; last
//! the term that breaks ties.

use super::bench::{Bench, Codes};
use super::plain;
use super::serve::{CHUNK, Serve};
use crate::block::{LANES, Lane};
#[cfg(target_arch = "aarch64")]
use crate::neon::Neon;
use crate::path::{Path, path};
#[cfg(target_arch = "x86_64")]
use crate::x86::{Avx2, Avx512};

/// The column of a measure that no campaign-side goal prices.
pub const UNPRICED: u32 = u32::MAX;

/// Groups that are weighed side by side at most; see [`Serve::ABREAST`].
const ABREAST: usize = 4;

/// The measures of a request's candidates, `m` each, in the policy's order.
#[derive(Debug, Clone, Copy)]
pub enum Measures<'a> {
    /// Measure `j` of candidate `i` is `values[j * stride + i]`; `stride >= n`.
    Columns {
        /// All columns.
        values: &'a [f32],
        /// From one column to the next.
        stride: usize,
    },
    /// Measure `j` of candidate `i` is `values[i * stride + j]`; `stride >= m`.
    Rows {
        /// All rows.
        values: &'a [f32],
        /// From one row to the next.
        stride: usize,
    },
    /// Measure `j` of candidate `i` is `columns[j][offset + i]`. The column of the measure that is filled may be empty: it is
    /// unwritten throughout.
    Slices {
        /// One column per measure.
        columns: &'a [&'a [f32]],
        /// The first candidate's place in every column.
        offset: usize,
    },
}

/// How entries of a measure that are not written are filled: by what the reference is above the organic score, if it is.
#[derive(Debug, Clone, Copy)]
pub struct Fill<'a> {
    /// Which measure.
    pub measure: usize,
    /// The bits of an entry that is not written.
    pub mark: u32,
    /// The reference.
    pub reference: f32,
    /// Organic scores; entries are filled with zero without.
    pub organic: Option<&'a [f32]>,
}

/// What candidates are weighed by.
#[derive(Debug, Clone, Copy)]
pub struct Weighing<'a> {
    /// The measures.
    pub measures: Measures<'a>,
    /// `V`: of `exposure`, then of each measure.
    pub values: &'a [f32],
    /// Which of the bench's prices each of these has, or [`UNPRICED`].
    pub columns: &'a [u32],
    /// Amounts above this, negative ones and NaN are not good.
    pub limit: f32,
    /// How a measure is filled, if one is.
    pub fill: Option<Fill<'a>>,
    /// Breadth, and one number for each candidate, of the term that breaks ties.
    pub tie: Option<(f32, &'a [f32])>,
    /// As in [`super::Admission`].
    pub codes: Codes,
}

/// Writes a score for every candidate: +0 where its code is not that of one that is scored. Writes the code of those with positive scores. Returns
/// whether all amounts are surely good: where one may not be, the caller looks, and if one is not, what was written means nothing.
///
/// # Panics
/// If the parts do not fit together: the caller has checked them.
#[must_use]
pub fn weigh(by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    on(path(), by, scores, bench)
}

/// [`weigh`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`weigh`], and if this machine does not have the path.
#[must_use]
pub fn weigh_on(path: Path, by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    assert!(path.is_available(), "this machine has the path");
    on(path, by, scores, bench)
}

/// [`weigh`] on a path that this machine has.
fn on(path: Path, by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    let n = bench.len();
    assert!(scores.len() == n && !by.values.is_empty() && by.columns.len() == by.values.len(), "scores of these candidates");
    // One more than the last column, and 0 for none.
    let columns = by.columns.iter().fold(0, |most, c| c.wrapping_add(1).max(most));
    assert!(columns as usize <= bench.width(), "columns of these prices");
    assert!(by.fill.is_none_or(|f| f.organic.is_none_or(|o| o.len() == n)) && by.tie.is_none_or(|t| t.1.len() == n), "one for each");
    assert!(by.measures.hold(n, by.values.len() - 1, by.fill.map(|f| f.measure)), "measures of each candidate");
    // SAFETY: the asserts above are what the bodies ask for.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => avx512(by, scores, bench),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2(by, scores, bench),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => body::<Neon>(by, scores, bench),
            _ => plain::weigh(by, scores, bench),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
unsafe fn avx512(by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx512>(by, scores, bench) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn avx2(by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx2>(by, scores, bench) }
}

impl Measures<'_> {
    /// Whether there are `m` measures of `n` candidates.
    fn hold(&self, n: usize, m: usize, filled: Option<usize>) -> bool {
        let holds = |len: usize, outer: usize, stride: usize, inner: usize| {
            outer == 0 || inner == 0 || (outer - 1).checked_mul(stride).and_then(|b| b.checked_add(inner)).is_some_and(|end| end <= len)
        };
        match *self {
            Self::Columns { values, stride } => holds(values.len(), m, stride, n),
            Self::Rows { values, stride } => holds(values.len(), n, stride, m),
            Self::Slices { columns, offset } => {
                let long = |c: &[f32]| offset.checked_add(n).is_some_and(|end| end <= c.len());
                columns.len() == m && columns.iter().enumerate().all(|(j, c)| long(c) || c.is_empty() && filled == Some(j))
            }
        }
    }
}

/// # Safety
/// The machine must have the lanes' instructions; all lengths must fit together as [`weigh_on`] asserts.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn body<L: Serve>(by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    let n = scores.len();
    // SAFETY: the caller's promise.
    unsafe {
        let mut run = Run::<L> { by, scores: scores.as_mut_ptr(), worst: L::splat(0.0), best: L::splat(0.0) };
        let (mut g, groups) = (0, n.div_ceil(LANES));
        // The last may have fewer candidates: it is loaded in another way.
        while g + L::ABREAST < groups {
            if L::ABREAST == ABREAST {
                run.groups::<ABREAST, false>(g, LANES, bench);
            } else {
                run.groups::<2, false>(g, LANES, bench);
            }
            g += L::ABREAST;
        }
        let last = n - (groups.max(1) - 1) * LANES;
        match groups - g {
            0 => {}
            1 => run.groups::<1, true>(g, last, bench),
            2 => run.groups::<2, true>(g, last, bench),
            _ if L::ABREAST == 2 => {}
            3 => run.groups::<3, true>(g, last, bench),
            _ => run.groups::<ABREAST, true>(g, last, bench),
        }
        let (mut best, mut worst) = (Lane([0.0; LANES]), [0.0; LANES]);
        run.best.store(&mut best.0);
        run.worst.store(&mut worst);
        bench.best = Some(best);
        // As bits, amounts that are good are no greater than the limit, -0 aside.
        worst.iter().all(|w| w.to_bits() <= by.limit.to_bits())
    }
}

/// Sixteen numbers, or the first `count` of them.
///
/// # Safety
/// So many must be there; the machine must have the lanes' instructions.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn load<L: Serve>(from: *const f32, count: usize) -> L {
    // SAFETY: the caller's promise.
    unsafe { if count == LANES { L::load(&*from.cast()) } else { L::load_first(from, count) } }
}

/// One request on its way.
struct Run<'a, L> {
    by: &'a Weighing<'a>,
    scores: *mut f32,
    /// The greatest bit pattern of an amount.
    worst: L,
    /// The highest score.
    best: L,
}

impl<L: Serve> Run<'_, L> {
    /// Weighs `G` groups from group `first` on, all of [`LANES`] candidates, but the last of `count` where `PART`.
    ///
    /// # Safety
    /// As [`body`].
    // No closures in here: what they hold is not compiled with the path's instructions.
    #[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
    #[inline(always)]
    unsafe fn groups<const G: usize, const PART: bool>(&mut self, first: usize, last: usize, bench: &mut Bench) {
        let (by, width, at) = (self.by, bench.width(), first * LANES);
        let m = by.values.len() - 1;
        // SAFETY: the caller's promise.
        unsafe {
            let zero = L::splat(0.0);
            let prices = bench.prices.as_ptr().add(first * width);
            // `c_0`, of `exposure`.
            let mut s = [L::splat(*by.values.get_unchecked(0)); G];
            let column = *by.columns.get_unchecked(0);
            if column != UNPRICED {
                for (g, s) in s.iter_mut().enumerate() {
                    *s = s.sub(price(prices, width, g, column));
                }
            }
            let mut worst = self.worst;
            let mut turned = std::mem::MaybeUninit::<[Lane<f32>; CHUNK * ABREAST]>::uninit();
            let turned = turned.as_mut_ptr().cast::<f32>();
            let of_fill = if let Some(fill) = &by.fill { fill.measure } else { usize::MAX };
            let mut from = 0;
            while from < m {
                let to = m.min(from + CHUNK);
                if let Measures::Rows { values, stride } = by.measures {
                    for g in 0..G {
                        let rows = values.as_ptr().add((at + g * LANES) * stride + from);
                        let lanes = if PART && g + 1 == G { last } else { LANES };
                        L::transpose(rows, stride, lanes, to - from, turned.add(g * LANES), ABREAST * LANES);
                    }
                }
                let mut j = from;
                while j < to {
                    // Those before the one that is filled, or all, in a loop that knows of nothing else.
                    let end = if j <= of_fill && of_fill < to { of_fill } else { to };
                    let (mut column, step) = match by.measures {
                        Measures::Columns { values, stride } => (values.as_ptr().wrapping_add(j * stride + at), stride),
                        Measures::Rows { .. } => (turned.wrapping_add((j - from) * ABREAST * LANES).cast_const(), ABREAST * LANES),
                        Measures::Slices { .. } => (std::ptr::null(), 0),
                    };
                    while j < end {
                        if let Measures::Slices { columns, offset } = by.measures {
                            column = columns.get_unchecked(j).as_ptr().add(offset + at);
                        }
                        let (value, priced) = (L::splat(*by.values.get_unchecked(j + 1)), *by.columns.get_unchecked(j + 1));
                        // Asked once for all groups: most measures have no price.
                        if priced == UNPRICED {
                            for (g, s) in s.iter_mut().enumerate() {
                                let y = load::<L>(column.add(g * LANES), if PART && g + 1 == G { last } else { LANES });
                                worst = worst.max_bits(y);
                                *s = s.add(value.mul(y));
                            }
                        } else {
                            for (g, s) in s.iter_mut().enumerate() {
                                let y = load::<L>(column.add(g * LANES), if PART && g + 1 == G { last } else { LANES });
                                worst = worst.max_bits(y);
                                *s = s.add(value.sub(price(prices, width, g, priced)).mul(y));
                            }
                        }
                        j += 1;
                        column = column.wrapping_add(step);
                    }
                    if let Some(fill) = &by.fill
                        && j < to
                    {
                        if let Measures::Slices { columns, offset } = by.measures {
                            let given = columns.get_unchecked(j);
                            column = if given.is_empty() { std::ptr::null() } else { given.as_ptr().add(offset + at) };
                        }
                        let (value, priced) = (L::splat(*by.values.get_unchecked(j + 1)), *by.columns.get_unchecked(j + 1));
                        for (g, s) in s.iter_mut().enumerate() {
                            let count = if PART && g + 1 == G { last } else { LANES };
                            let y = filled(fill, column.wrapping_add(g * LANES), column.is_null(), at + g * LANES, count, &mut worst);
                            let rate = if priced == UNPRICED { value } else { value.sub(price(prices, width, g, priced)) };
                            *s = s.add(rate.mul(y));
                        }
                        j += 1;
                    }
                }
                from = to;
            }
            if let Some((breadth, u)) = by.tie {
                for (g, s) in s.iter_mut().enumerate() {
                    let count = if PART && g + 1 == G { last } else { LANES };
                    *s = s.add(L::splat(breadth).mul(load::<L>(u.as_ptr().add(at + g * LANES), count)));
                }
            }
            self.worst = worst;
            for (g, s) in s.into_iter().enumerate() {
                let codes = bench.codes.get_unchecked_mut(first + g);
                // Adding zero makes -0 into +0.
                let s = s.add(zero).select(L::of_code(codes, by.codes.scored), zero);
                L::set_code(s.above(zero), codes, by.codes.positive);
                self.best = s.max(self.best);
                let to = self.scores.add(at + g * LANES);
                if PART && g + 1 == G {
                    s.store_first(to, last);
                } else {
                    s.store(&mut *to.cast());
                }
            }
        }
    }
}

/// Price `column` of group `g`.
///
/// # Safety
/// As [`body`].
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn price<L: Serve>(prices: *const Lane<f32>, width: usize, g: usize, column: u32) -> L {
    // SAFETY: the caller's promise.
    unsafe { L::load(&(*prices.add(g * width + column as usize)).0) }
}

/// The measure that is filled, of the `count` candidates from `at` on; nothing is read of a column that is absent. What is given counts as an amount.
///
/// # Safety
/// As [`body`].
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn filled<L: Serve>(fill: &Fill<'_>, column: *const f32, absent: bool, at: usize, count: usize, worst: &mut L) -> L {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = L::splat(0.0);
        let given = if absent { L::splat(f32::from_bits(fill.mark)) } else { load::<L>(column, count) };
        let missing = given.with_bits(fill.mark);
        *worst = worst.max_bits(zero.select(missing, given));
        let lost = match fill.organic {
            Some(organic) => L::splat(fill.reference).sub(load::<L>(organic.as_ptr().add(at), count)),
            None => zero,
        };
        // Zero where nothing is lost, and never -0.
        lost.max(zero).select(missing, given)
    }
}

/// Whether no value's magnitude is above `limit`, which is finite, and none is NaN.
#[must_use]
pub fn within(values: &[f32], limit: f32) -> bool {
    all_within_on(path(), values, limit)
}

/// [`within`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// If this machine does not have the path.
#[must_use]
pub fn within_on(path: Path, values: &[f32], limit: f32) -> bool {
    assert!(path.is_available(), "this machine has the path");
    all_within_on(path, values, limit)
}

/// [`within`] on a path that this machine has.
fn all_within_on(path: Path, values: &[f32], limit: f32) -> bool {
    // SAFETY: the machine has the path.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => within_avx512(values, limit),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => within_avx2(values, limit),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => all_within::<Neon>(values, limit),
            _ => plain::within(values, limit),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
unsafe fn within_avx512(values: &[f32], limit: f32) -> bool {
    // SAFETY: the caller's promise.
    unsafe { all_within::<Avx512>(values, limit) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn within_avx2(values: &[f32], limit: f32) -> bool {
    // SAFETY: the caller's promise.
    unsafe { all_within::<Avx2>(values, limit) }
}

/// # Safety
/// The machine must have the lanes' instructions.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn all_within<L: Serve>(values: &[f32], limit: f32) -> bool {
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut worst = [0.0; LANES];
    // SAFETY: the caller's promise; what is loaded lies in the slices.
    unsafe {
        // The magnitude's bits order as it does, and those of NaN are above those of infinity.
        let mut top = L::load_first(rest.as_ptr(), rest.len()).abs();
        for group in groups {
            top = top.max_bits(L::load(group).abs());
        }
        top.store(&mut worst);
    }
    worst.iter().all(|w| w.to_bits() <= limit.to_bits())
}
