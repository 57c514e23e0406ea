//! The portable twin of every step, in plain Rust.

use super::admit::Admission;
use super::bench::Bench;
use super::rows::{FLIGHT, SETS, word_of};
use super::weigh::{Fill, Measures, UNPRICED, Weighing};
use crate::block::{LANES, Lane};

/// Most leaders that are put in order.
const ORDERED: usize = 64;

/// Candidates that are weighed at a time.
const TILE: usize = 64;

/// See [`super::admit()`]. Candidates that have a campaign are packed first, so that nothing is decided by a branch that cannot be foreseen.
pub(super) fn admit(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    let (rows, none, codes_of) = (by.rows, by.rows.campaigns(), by.codes);
    let (words, stride, per) = (rows.words(), rows.stride(), Bench::stride(candidates.len()) / LANES);
    let codes = &mut bench.codes.as_flattened_mut()[..candidates.len()];
    let packed = &mut bench.places[..=candidates.len()];
    let (mut strangers, mut count) = (0_u32, 0);
    for (i, ((number, home), code)) in candidates.iter().zip(&mut *campaigns).zip(&mut *codes).enumerate() {
        let (campaign, organic) = (number ^ by.tag, *number == by.organic);
        let known = campaign < none;
        *home = if known { campaign } else { none };
        *code = if organic { codes_of.organic } else { codes_of.unknown };
        packed[count] = i as u32;
        count += usize::from(known);
        strangers += u32::from(!known) & u32::from(!organic) & u32::from(*number != by.unknown);
    }
    let bit = |bits: &[u32], set: u32| bits[set as usize / 32] >> (set % 32) & 1 != 0;
    // Without a time every flight holds it.
    let (time, always) = (by.time.unwrap_or(0), by.time.is_none());
    for i in packed[..count].iter().map(|i| *i as usize) {
        let row = &words[campaigns[i] as usize * stride..][..stride];
        let instant = |w: usize| (u64::from(row[w]) | u64::from(row[w + 1]) << 32).cast_signed();
        let (market, surface) = (bit(by.markets, row[SETS] & 0xffff), bit(by.surfaces, row[SETS] >> 16));
        let flies = always | (instant(FLIGHT) <= time) & (time <= instant(FLIGHT + 2));
        let code = if flies { codes_of.scored } else { codes_of.flight };
        let code = if surface { code } else { codes_of.surface };
        codes[i] = if market { code } else { codes_of.market };
        for c in 0..rows.width() {
            bench.charged[c * per + i / LANES].0[i % LANES] = f32::from_bits(row[word_of(c)]);
        }
    }
    strangers == 0
}

/// See [`super::weigh()`]. A tile after the other, column by column, in loops that a compiler can do in lanes; candidates that are not scored have
/// some price that they had once, and no score.
pub(super) fn weigh(by: &Weighing<'_>, scores: &mut [f32], bench: &mut Bench) -> bool {
    let (n, m) = (scores.len(), by.values.len() - 1);
    let (per, limit) = (Bench::stride(n), by.limit.to_bits());
    let (charged, codes) = (flat(&bench.charged), &mut bench.codes.as_flattened_mut()[..n]);
    let (mut tile, mut doubts) = ([0.0; TILE], 0);
    for (from, (scores, codes)) in (0..n).step_by(TILE).zip(scores.chunks_mut(TILE).zip(codes.chunks_mut(TILE))) {
        let len = scores.len();
        let prices = |j: usize| (by.columns[j] != UNPRICED).then(|| &charged[by.columns[j] as usize * per + from..][..len]);
        match prices(0) {
            None => scores.fill(by.values[0]),
            Some(prices) => scores.iter_mut().zip(prices).for_each(|(s, p)| *s = by.values[0] - p),
        }
        for j in 0..m {
            let amounts = match by.measures {
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
            let mut full = [0.0; TILE];
            let amounts = match by.fill {
                Some(fill) if fill.measure == j => {
                    fill_up(&fill, amounts, from, &mut full[..len]);
                    doubts |= amounts.iter().fold(0, |all, y| all | if y.to_bits() == fill.mark { 0 } else { doubt(*y, limit) });
                    &full[..len]
                }
                _ => {
                    doubts |= amounts.iter().fold(0, |all, y| all | doubt(*y, limit));
                    amounts
                }
            };
            let value = by.values[j + 1];
            match prices(j + 1) {
                None => scores.iter_mut().zip(amounts).for_each(|(s, y)| *s += value * y),
                Some(prices) => scores.iter_mut().zip(amounts).zip(prices).for_each(|((s, y), p)| *s += (value - p) * y),
            }
        }
        if let Some((breadth, u)) = by.tie {
            scores.iter_mut().zip(&u[from..]).for_each(|(s, u)| *s += breadth * u);
        }
        for (s, code) in scores.iter_mut().zip(codes) {
            // Adding zero makes -0 into +0.
            *s = if *code == by.codes.scored { *s + 0.0 } else { 0.0 };
            *code = if *s > 0.0 { by.codes.positive } else { *code };
        }
    }
    bench.best = Some(Lane([0.0; LANES]));
    doubts >> 31 == 0
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

/// The measure that is filled, of the candidates from `from` on; nothing is given where `given` is empty.
fn fill_up(fill: &Fill<'_>, given: &[f32], from: usize, full: &mut [f32]) {
    if let Some(organic) = fill.organic {
        for (y, organic) in full.iter_mut().zip(&organic[from..]) {
            let lost = fill.reference - organic;
            *y = if lost > 0.0 { lost } else { 0.0 };
        }
    }
    for (y, given) in full.iter_mut().zip(given) {
        *y = if given.to_bits() == fill.mark { *y } else { *given };
    }
}

/// See [`super::within()`].
pub(super) fn within(values: &[f32], limit: f32) -> bool {
    let limit = limit.to_bits();
    values.iter().fold(0, |all, v| all | limit.wrapping_sub(v.to_bits() & (u32::MAX >> 1))) >> 31 == 0
}

/// See [`super::lead()`].
pub(super) fn lead(scores: &[f32], need: usize, leaders: &mut Vec<u32>) -> (f32, bool) {
    let mut bar = f32::from_bits(1);
    if (1..=ORDERED).contains(&need) {
        // The highest so far, in order: few of the many that are looked at enter.
        let mut top = [0.0_f32; ORDERED];
        let top = &mut top[..need];
        for s in scores {
            if *s > top[need - 1] {
                let mut at = need - 1;
                while at > 0 && top[at - 1] < *s {
                    top[at] = top[at - 1];
                    at -= 1;
                }
                top[at] = *s;
            }
        }
        bar = bar.max(top[need - 1]);
    }
    leaders.extend((0..scores.len() as u32).filter(|i| scores[*i as usize] >= bar));
    if leaders.len() > ORDERED {
        return (bar, false);
    }
    let score = |i: &u32| scores[*i as usize];
    leaders.sort_by(|a, b| score(b).total_cmp(&score(a)));
    let apart = leaders.windows(2).all(|pair| score(&pair[0]) > score(&pair[1]));
    (bar, apart)
}
