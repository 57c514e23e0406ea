//! Who leads: the few candidates that can be picked first, in order; and who is in the running at all.

use super::bench::Bench;
use super::plain;
use super::serve::Serve;
use crate::block::{LANES, Lane};
#[cfg(target_arch = "aarch64")]
use crate::neon::Neon;
use crate::path::{Path, path};
#[cfg(target_arch = "x86_64")]
use crate::x86::{Avx2, Avx512};

/// Leaders that are put in order by comparing each with each; more are left as they are.
const RANKED: usize = 4 * LANES;

/// The least positive score.
const LEAST: f32 = f32::from_bits(1);

/// Finds candidates that include the `need` highest positive scores, all of them where there are fewer: every candidate from a bar on, which is
/// returned. `scores` are those that [`super::weigh`] wrote on this bench. `leaders` holds their numbers, by descending score where the second
/// number that is returned says so, and no two of them are equal then; ascending otherwise.
///
/// # Panics
/// If the bench was not weighed, or for other scores; if `leaders` has no room for all of them and [`LANES`] more.
pub fn lead(scores: &[f32], need: usize, bench: &Bench, leaders: &mut Vec<u32>) -> (f32, bool) {
    on(path(), scores, need, bench, leaders)
}

/// [`lead`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`lead`], and if this machine does not have the path.
pub fn lead_on(path: Path, scores: &[f32], need: usize, bench: &Bench, leaders: &mut Vec<u32>) -> (f32, bool) {
    assert!(path.is_available(), "this machine has the path");
    on(path, scores, need, bench, leaders)
}

/// [`lead`] on a path that this machine has.
fn on(path: Path, scores: &[f32], need: usize, bench: &Bench, leaders: &mut Vec<u32>) -> (f32, bool) {
    let best = bench.best.as_ref().filter(|_| bench.len() == scores.len()).map(|b| b.0);
    let best = best.expect("the bench was weighed for these scores");
    leaders.clear();
    assert!(leaders.capacity() >= scores.len() + LANES, "room for leaders");
    // SAFETY: the machine has the path, and there is room for all and one group more.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => avx512(scores, need, &best, leaders),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2(scores, need, &best, leaders),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => body::<Neon>(scores, need, &best, leaders),
            _ => plain::lead(scores, need, leaders),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
unsafe fn avx512(scores: &[f32], need: usize, best: &[f32; LANES], leaders: &mut Vec<u32>) -> (f32, bool) {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx512>(scores, need, best, leaders) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn avx2(scores: &[f32], need: usize, best: &[f32; LANES], leaders: &mut Vec<u32>) -> (f32, bool) {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx2>(scores, need, best, leaders) }
}

/// Finds every candidate of a positive score, in ascending order; `found` holds their numbers.
///
/// # Panics
/// If `found` has no room for all candidates and [`LANES`] more.
pub fn positives(scores: &[f32], found: &mut Vec<u32>) {
    positives_on(path(), scores, found);
}

/// [`positives`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`positives`], and if this machine does not have the path.
pub fn positives_on(path: Path, scores: &[f32], found: &mut Vec<u32>) {
    found.clear();
    assert!(path.is_available() && found.capacity() >= scores.len() + LANES, "this machine has the path, and there is room for all");
    // SAFETY: the machine has the path, and there is room for all and one group more.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => positives_avx512(scores, found),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => positives_avx2(scores, found),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => pack::<Neon>(scores, LEAST, found),
            _ => plain::pack(scores, LEAST, found),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
unsafe fn positives_avx512(scores: &[f32], found: &mut Vec<u32>) {
    // SAFETY: the caller's promise.
    unsafe { pack::<Avx512>(scores, LEAST, found) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn positives_avx2(scores: &[f32], found: &mut Vec<u32>) {
    // SAFETY: the caller's promise.
    unsafe { pack::<Avx2>(scores, LEAST, found) }
}

/// Packs the numbers of the scores from `bar` on, which is positive.
///
/// # Safety
/// The machine must have the lanes' instructions; `to` must be empty and have room for all scores and one group more.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn pack<L: Serve>(scores: &[f32], bar: f32, to: &mut Vec<u32>) {
    // SAFETY: the caller's promise; what is loaded lies in the slices.
    unsafe {
        let (groups, rest) = scores.as_chunks::<LANES>();
        let (out, mut count, lanes) = (to.as_mut_ptr(), 0, L::splat(bar));
        for (g, group) in groups.iter().enumerate() {
            count += L::load(group).pack_at_least(lanes, (g * LANES) as u32, out.add(count));
        }
        if !rest.is_empty() {
            let first = (groups.len() * LANES) as u32;
            // Zeros after the last: below every bar.
            count += L::load_first(rest.as_ptr(), rest.len()).pack_at_least(lanes, first, out.add(count));
        }
        to.set_len(count);
    }
}

/// # Safety
/// The machine must have the lanes' instructions; `leaders` must be empty and have room for all scores and one group more.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn body<L: Serve>(scores: &[f32], need: usize, best: &[f32; LANES], leaders: &mut Vec<u32>) -> (f32, bool) {
    // SAFETY: the caller's promise.
    unsafe {
        let bar = bar::<L>(scores, need, best).max(LEAST);
        pack::<L>(scores, bar, leaders);
        (bar, leaders.len() <= RANKED && rank::<L>(scores, leaders))
    }
}

/// A number that at least `need` scores reach, or zero: the `need`-th of the highest scores of as many lanes.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn bar<L: Serve>(scores: &[f32], need: usize, best: &[f32; LANES]) -> f32 {
    // With more than half as many lanes as are needed, the bar would be low, and most of the leaders in vain.
    if need * 4 <= LANES * 3 {
        // SAFETY: the caller's promise.
        return unsafe { nth::<L>(&[Lane(*best)], need) };
    }
    if need > RANKED * 3 / 4 {
        return 0.0;
    }
    let mut tops = [Lane([0.0; LANES]); RANKED / LANES];
    for (g, group) in scores.as_chunks::<LANES>().0.iter().enumerate() {
        let top = &mut tops[g % (RANKED / LANES)];
        // SAFETY: the caller's promise.
        unsafe { L::load(group).max(L::load(&top.0)).store(&mut top.0) };
    }
    // SAFETY: the caller's promise.
    unsafe { nth::<L>(&tops, need) }
}

/// The `need`-th highest of numbers that are not negative; infinity for none.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn nth<L: Serve>(tops: &[Lane<f32>], need: usize) -> f32 {
    let mut nth = f32::INFINITY;
    if need == 0 {
        return nth;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let (one, zero, most) = (L::splat(1.0), L::splat(0.0), L::splat(need as f32));
        let mut low = L::splat(f32::INFINITY);
        for lanes in tops {
            let own = L::load(&lanes.0);
            let mut higher = zero;
            for others in tops {
                for other in &others.0 {
                    higher = higher.add(one.select(L::splat(*other).above(own), zero));
                }
            }
            // Fewer than `need` are higher: it is among the first. The lowest of those is the one.
            low = own.select(most.above(higher), L::splat(f32::INFINITY)).min(low);
        }
        let mut out = [0.0; LANES];
        low.store(&mut out);
        // Not negative, they order as their bits do.
        nth = out.iter().fold(nth, |nth, v| f32::from_bits(nth.to_bits().min(v.to_bits())));
    }
    nth
}

/// Puts up to [`RANKED`] leaders in descending order of score, unless two are equal; returns whether it did.
///
/// # Safety
/// The machine must have the lanes' instructions; leaders are indices of scores.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn rank<L: Serve>(scores: &[f32], leaders: &mut [u32]) -> bool {
    let n = leaders.len();
    let (mut own, mut ranks) = ([0.0_f32; RANKED], [0.0_f32; RANKED]);
    let mut order = [0_u32; RANKED];
    // SAFETY: the caller's promise; there are at most `RANKED` leaders, and so as many ranks.
    unsafe {
        for (own, leader) in own.iter_mut().zip(&*leaders) {
            *own = *scores.get_unchecked(*leader as usize);
        }
        let (one, zero) = (L::splat(1.0), L::splat(0.0));
        for at in (0..n).step_by(LANES) {
            let mine = L::load(&*own.as_ptr().add(at).cast());
            let (mut even, mut odd) = (zero, zero);
            // Two at a time; one after the last is zero, and so higher than nobody.
            for pair in own.get_unchecked(..n.next_multiple_of(2)).chunks_exact(2) {
                even = even.add(one.select(L::splat(pair[0]).above(mine), zero));
                odd = odd.add(one.select(L::splat(pair[1]).above(mine), zero));
            }
            even.add(odd).store(&mut *ranks.as_mut_ptr().add(at).cast());
        }
        // Ranks are a permutation where no two scores are equal, and only then.
        let mut seen = 0_u64;
        for (rank, leader) in ranks.iter().zip(&*leaders) {
            // A count of leaders.
            let rank = rank.to_int_unchecked::<i32>() as usize % RANKED;
            *order.get_unchecked_mut(rank) = *leader;
            seen |= 1 << rank;
        }
        if seen.count_ones() as usize != n {
            return false;
        }
        leaders.copy_from_slice(order.get_unchecked(..n));
    }
    true
}
