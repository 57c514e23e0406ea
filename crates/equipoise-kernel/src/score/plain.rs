//! The portable twin of every step, in plain Rust.

use super::admit::Admission;
use super::bench::Bench;
use super::rows::{FLIGHT, NEAR, SETS, word_of};
use super::weigh::{Fill, Measures, UNPRICED, Weighing};
use crate::block::{LANES, Lane};

/// Most leaders that are put in order.
const ORDERED: usize = 64;

/// Candidates that are weighed at a time.
const TILE: usize = 128;

/// See [`super::admit()`]. Candidates that have a campaign are packed first, so that nothing is decided by a branch that cannot be foreseen.
///
/// # Safety
/// Memory must have been reserved for these candidates, and every set must have a bit.
pub(super) unsafe fn admit(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    let (n, codes_of) = (candidates.len(), by.codes);
    let (none, stride, width) = (by.rows.campaigns(), by.rows.stride(), by.rows.width());
    let codes = &mut bench.codes.as_flattened_mut()[..n];
    let strangers = sort_out(candidates, by, none, campaigns, codes);
    let bit = |bits: &[u32], set: u32| {
        // SAFETY: the caller's promise.
        let word = unsafe { *bits.get_unchecked(set as usize / 32) };
        word >> (set % 32) & 1 != 0
    };
    // Without a time every flight holds it.
    let (time, always) = (by.time.unwrap_or(0), u8::from(by.time.is_none()));
    let (packed, per) = (&mut bench.places[..=n], Bench::stride(n));
    let mut count = 0;
    for (i, campaign) in (0..).zip(&*campaigns) {
        // SAFETY: no more are packed than there are candidates, and one place more is there.
        unsafe { *packed.get_unchecked_mut(count) = i };
        count += usize::from(*campaign < none);
    }
    let (words, charged) = (by.rows.words().as_ptr(), bench.charged.as_mut_ptr().cast::<f32>());
    for i in packed[..count].iter().map(|i| *i as usize) {
        // SAFETY: what is packed is a candidate, whose campaign has a row; `charged` has `per` numbers for each price.
        unsafe {
            let row = words.add(*campaigns.get_unchecked(i) as usize * stride);
            let sets = *row.add(SETS);
            let (first, last) = (instant(row.add(FLIGHT)), instant(row.add(FLIGHT + 2)));
            let flies = u8::from(first <= time) & u8::from(time <= last) | always;
            let code = if flies != 0 { codes_of.scored } else { codes_of.flight };
            let code = if bit(by.surfaces, sets >> 16) { code } else { codes_of.surface };
            *codes.get_unchecked_mut(i) = if bit(by.markets, sets & 0xffff) { code } else { codes_of.market };
            for c in 0..width.min(NEAR) {
                *charged.add(c * per + i) = f32::from_bits(*row.add(c));
            }
            for c in NEAR..width {
                *charged.add(c * per + i) = f32::from_bits(*row.add(word_of(c)));
            }
        }
    }
    strangers == 0
}

/// Writes campaigns, and codes as if none were promoted; counts numbers that mean nothing. A loop that a compiler can do in lanes.
#[inline(never)]
fn sort_out(candidates: &[u32], by: &Admission<'_>, none: u32, campaigns: &mut [u32], codes: &mut [u8]) -> u32 {
    let (tag, organic, unknown, codes_of) = (by.tag, by.organic, by.unknown, by.codes);
    let mut strangers = 0;
    for ((number, home), code) in candidates.iter().zip(campaigns).zip(codes) {
        let campaign = number ^ tag;
        *home = if campaign < none { campaign } else { none };
        *code = if *number == organic { codes_of.organic } else { codes_of.unknown };
        strangers += u32::from(campaign >= none) & u32::from(*number != organic) & u32::from(*number != unknown);
    }
    strangers
}

/// An instant of two words, the low one first.
///
/// # Safety
/// Both must be there.
unsafe fn instant(from: *const u32) -> i64 {
    // SAFETY: the caller's promise.
    let [low, high] = unsafe { *from.cast::<[u32; 2]>() };
    (u64::from(low) | u64::from(high) << 32).cast_signed()
}

/// See [`super::weigh()`]. A tile after the other, column by column, in loops that a compiler can do in lanes; candidates that are not scored have
/// some price that they had once, and no score.
pub(super) fn weigh(by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    let (n, m) = (scores.len(), by.values.len() - 1);
    let (per, limit) = (Bench::stride(n), by.limit.to_bits());
    let (charged, codes) = (flat(&bench.charged), &mut bench.codes.as_flattened_mut()[..n]);
    let (mut tile, mut full, mut doubts) = ([0.0; TILE], [0.0; TILE], 0);
    for (from, (scores, codes)) in (0..n).step_by(TILE).zip(scores.chunks_mut(TILE).zip(codes.chunks_mut(TILE))) {
        let len = scores.len();
        let prices = |j: usize| (by.columns[j] != UNPRICED).then(|| &charged[by.columns[j] as usize * per + from..][..len]);
        match prices(0) {
            None => scores.fill(by.values[0]),
            Some(prices) => scores.iter_mut().zip(prices).for_each(|(s, p)| *s = by.values[0] - p),
        }
        for j in 0..m {
            let mut amounts = match by.measures {
                Measures::Columns { values, stride } => &values[j * stride + from..][..len],
                Measures::Rows { values, stride } => {
                    for (k, y) in tile[..len].iter_mut().enumerate() {
                        *y = values[(from + k) * stride + j];
                    }
                    &tile[..len]
                }
                // Only a column that is filled may be empty.
                Measures::Slices { columns, .. } if columns[j].is_empty() => &[],
                Measures::Slices { columns, offset } => &columns[j][offset + from..][..len],
            };
            let filled = by.fill.filter(|fill| fill.measure == j);
            if let Some(fill) = filled {
                doubts |= fill_up(&fill, amounts, limit, from, &mut full[..len]);
                amounts = &full[..len];
            }
            let found = match prices(j + 1) {
                None => add(scores, amounts, by.values[j + 1], limit),
                Some(prices) => add_priced(scores, amounts, by.values[j + 1], prices, limit),
            };
            // What was filled may be above the limit.
            doubts |= if filled.is_some() { 0 } else { found };
        }
        if let Some((breadth, u)) = by.tie {
            scores.iter_mut().zip(&u[from..]).for_each(|(s, u)| *s += breadth * u);
        }
        finish(scores, codes, by.codes.scored, by.codes.positive);
    }
    bench.best = Some(Lane([0.0; LANES]));
    doubts >> 31 == 0
}

// Functions of their own, so that it is known that what they write is nothing that they read.

/// Adds a measure's worth to each score; sets the highest bit where an amount may not be good.
#[inline(never)]
fn add(scores: &mut [f32], amounts: &[f32], value: f32, limit: u32) -> u32 {
    let mut doubts = 0;
    for (s, y) in scores.iter_mut().zip(amounts) {
        doubts |= doubt(*y, limit);
        *s += value * y;
    }
    doubts
}

/// The same with a price for each.
#[inline(never)]
fn add_priced(scores: &mut [f32], amounts: &[f32], value: f32, prices: &[f32], limit: u32) -> u32 {
    let mut doubts = 0;
    for ((s, y), p) in scores.iter_mut().zip(amounts).zip(prices) {
        doubts |= doubt(*y, limit);
        *s += (value - p) * y;
    }
    doubts
}

/// Scores of those that are scored, and the codes of those whose are positive.
#[inline(never)]
fn finish(scores: &mut [f32], codes: &mut [u8], scored: u8, positive: u8) {
    let ((scores, last_scores), (codes, last_codes)) = (scores.as_chunks_mut::<LANES>(), codes.as_chunks_mut::<LANES>());
    for (scores, codes) in scores.iter_mut().zip(codes) {
        finish_group(scores, codes, scored, positive);
    }
    let (mut group, mut group_codes) = ([0.0; LANES], [0; LANES]);
    group[..last_scores.len()].copy_from_slice(last_scores);
    group_codes[..last_codes.len()].copy_from_slice(last_codes);
    finish_group(&mut group, &mut group_codes, scored, positive);
    last_scores.copy_from_slice(&group[..last_scores.len()]);
    last_codes.copy_from_slice(&group_codes[..last_codes.len()]);
}

#[inline]
fn finish_group(scores: &mut [f32; LANES], codes: &mut [u8; LANES], scored: u8, positive: u8) {
    // All bits or none for each.
    let mut keep = [0_u32; LANES];
    for (keep, code) in keep.iter_mut().zip(&*codes) {
        *keep = if *code == scored { u32::MAX } else { 0 };
    }
    for (s, keep) in scores.iter_mut().zip(keep) {
        // Adding zero makes -0 into +0.
        *s = f32::from_bits((*s + 0.0).to_bits() & keep);
    }
    let mut above = [0_u32; LANES];
    for (above, s) in above.iter_mut().zip(&*scores) {
        *above = if *s > 0.0 { u32::MAX } else { 0 };
    }
    for (code, above) in codes.iter_mut().zip(above) {
        *code = (*code & !(above as u8)) | (positive & above as u8);
    }
}

/// All lanes, one after the other.
fn flat(lanes: &[Lane<f32>]) -> &[f32] {
    // SAFETY: a lane is sixteen numbers without padding.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
}

/// Sets the highest bit where an amount may not be good: negative ones have it, what is above the limit, NaN too, has it once subtracted.
fn doubt(amount: f32, limit: u32) -> u32 {
    limit.wrapping_sub(amount.to_bits()) | amount.to_bits()
}

/// The measure that is filled, of the candidates from `from` on; nothing is given where `given` is empty. Sets the highest bit as [`add`].
#[inline(never)]
fn fill_up(fill: &Fill<'_>, given: &[f32], limit: u32, from: usize, full: &mut [f32]) -> u32 {
    if let Some(organic) = fill.organic {
        let reference = fill.reference;
        for (y, organic) in full.iter_mut().zip(&organic[from..]) {
            let lost = reference - organic;
            *y = if lost > 0.0 { lost } else { 0.0 };
        }
    } else {
        full.fill(0.0);
    }
    let (mark, mut doubts) = (fill.mark, 0);
    for (y, given) in full.iter_mut().zip(given) {
        let missing = given.to_bits() == mark;
        doubts |= if missing { 0 } else { doubt(*given, limit) };
        *y = if missing { *y } else { *given };
    }
    doubts
}

/// See [`super::within()`].
pub(super) fn within(values: &[f32], limit: f32) -> bool {
    let limit = limit.to_bits();
    values.iter().fold(0, |all, v| all | limit.wrapping_sub(v.to_bits() & (u32::MAX >> 1))) >> 31 == 0
}

/// See [`super::positives()`].
pub(super) fn pack(scores: &[f32], bar: f32, to: &mut Vec<u32>) {
    to.extend((0..scores.len() as u32).filter(|i| scores[*i as usize] >= bar));
}

/// See [`super::lead()`]. One pass keeps the highest so far in order: few of the many that are looked at enter.
pub(super) fn lead(scores: &[f32], need: usize, leaders: &mut Vec<u32>) -> (f32, bool) {
    let least = f32::from_bits(1);
    if !(1..=ORDERED).contains(&need) {
        pack(scores, least, leaders);
        return (least, false);
    }
    // Positive scores order as their bits do, and those of all others are not above zero.
    let (mut top, mut who) = ([0_i32; ORDERED], [0_u32; ORDERED]);
    let (top, who) = (&mut top[..need], &mut who[..need]);
    let (mut lowest, mut tied) = (0, false);
    let mut look = |from: usize, group: &[f32]| {
        for (i, s) in (from as u32..).zip(group) {
            let own = s.to_bits().cast_signed();
            if own > lowest {
                let (mut at, left) = (need - 1, lowest);
                while at > 0 && top[at - 1] < own {
                    (top[at], who[at]) = (top[at - 1], who[at - 1]);
                    at -= 1;
                }
                (top[at], who[at]) = (own, i);
                lowest = top[need - 1];
                tied |= left == lowest && left > 0;
            } else {
                tied |= own == lowest && own > 0;
            }
        }
        lowest
    };
    let (groups, rest) = scores.as_chunks::<LANES>();
    let mut bar = 0;
    for (g, group) in groups.iter().enumerate() {
        // Most groups have nobody to enter.
        if group.iter().fold(0, |most, s| most.max(s.to_bits().cast_signed())) >= bar.max(1) {
            bar = look(g * LANES, group);
        }
    }
    let lowest = look(groups.len() * LANES, rest);
    let bar = least.max(f32::from_bits(lowest.cast_unsigned()));
    let count = top.iter().take_while(|own| **own > 0).count();
    if tied || top[..count].windows(2).any(|pair| pair[0] == pair[1]) {
        pack(scores, bar, leaders);
        return (bar, false);
    }
    leaders.extend_from_slice(&who[..count]);
    (bar, true)
}
