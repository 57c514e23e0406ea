//! Who leads: the few candidates that can be picked first, in order.

use super::bench::Bench;
use super::serve::Serve;
use crate::block::{LANES, Lane};
use crate::lanes::Portable;
use crate::path::{Path, path};
#[cfg(target_arch = "x86_64")]
use crate::x86::{Avx2, Avx512};

/// Leaders that are put in order by comparing each with each; more are left as they are.
const RANKED: usize = 4 * LANES;

/// Finds candidates that include the `need` highest positive scores, all of them where there are fewer: every candidate from a bar on, which is
/// returned. `scores` are those that [`super::weigh`] wrote on this bench. `leaders` holds their numbers, by descending score where the second
/// number that is returned says so, and no two of them are equal then; ascending otherwise.
///
/// # Panics
/// If the bench was not weighed, or for other scores; if `leaders` has no room for all of them and [`LANES`] more.
pub fn lead(scores: &[f32], need: usize, bench: &Bench, leaders: &mut Vec<u32>) -> (f32, bool) {
    lead_on(path(), scores, need, bench, leaders)
}

/// [`lead`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`lead`], and if this machine does not have the path.
pub fn lead_on(path: Path, scores: &[f32], need: usize, bench: &Bench, leaders: &mut Vec<u32>) -> (f32, bool) {
    assert!(path.is_available(), "this machine has the path");
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
            _ => body::<Portable>(scores, need, &best, leaders),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512(scores: &[f32], need: usize, best: &[f32; LANES], leaders: &mut Vec<u32>) -> (f32, bool) {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx512>(scores, need, best, leaders) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(scores: &[f32], need: usize, best: &[f32; LANES], leaders: &mut Vec<u32>) -> (f32, bool) {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx2>(scores, need, best, leaders) }
}

/// # Safety
/// The machine must have the lanes' instructions; `leaders` must be empty and have room for all scores and one group more.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn body<L: Serve>(scores: &[f32], need: usize, best: &[f32; LANES], leaders: &mut Vec<u32>) -> (f32, bool) {
    // SAFETY: the caller's promise; what is loaded lies in the slices.
    unsafe {
        let bar = bar::<L>(scores, need, best).max(f32::from_bits(1));
        let (groups, rest) = scores.as_chunks::<LANES>();
        let (to, mut count, lanes) = (leaders.as_mut_ptr(), 0, L::splat(bar));
        for (g, group) in groups.iter().enumerate() {
            count += L::load(group).pack_at_least(lanes, (g * LANES) as u32, to.add(count));
        }
        if !rest.is_empty() {
            let first = (groups.len() * LANES) as u32;
            // Zeros after the last: below every bar.
            count += L::load_first(rest.as_ptr(), rest.len()).pack_at_least(lanes, first, to.add(count));
        }
        leaders.set_len(count);
        (bar, count <= RANKED && rank::<L>(scores, leaders))
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
            for other in tops.as_flattened_lanes() {
                higher = higher.add(one.select(L::splat(*other).above(own), zero));
            }
            // Fewer than `need` are higher: it is among the first. The lowest of those is the one.
            low = own.select(most.above(higher), L::splat(f32::INFINITY)).min(low);
        }
        let mut out = [0.0; LANES];
        low.store(&mut out);
        for v in out {
            nth = nth.min(v);
        }
    }
    nth
}

trait Flattened {
    fn as_flattened_lanes(&self) -> impl Iterator<Item = &f32>;
}

impl Flattened for [Lane<f32>] {
    #[inline]
    fn as_flattened_lanes(&self) -> impl Iterator<Item = &f32> {
        self.iter().flat_map(|l| &l.0)
    }
}

/// Puts up to [`RANKED`] leaders in descending order of score, unless two are equal; returns whether it did.
///
/// # Safety
/// The machine must have the lanes' instructions; leaders are indices of scores.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn rank<L: Serve>(scores: &[f32], leaders: &mut [u32]) -> bool {
    let n = leaders.len();
    let mut own = [Lane([-1.0_f32; LANES]); RANKED / LANES];
    let mut ranks = [Lane([0.0_f32; LANES]); RANKED / LANES];
    let mut order = [0; RANKED];
    // SAFETY: the caller's promise; there are at most `RANKED` leaders, and so as many ranks.
    unsafe {
        for (at, leader) in leaders.iter().enumerate() {
            own.get_unchecked_mut(at / LANES).0[at % LANES] = *scores.get_unchecked(*leader as usize);
        }
        let (one, zero) = (L::splat(1.0), L::splat(0.0));
        for (own_lanes, ranks) in own.iter().zip(&mut ranks).take(n.div_ceil(LANES)) {
            let mine = L::load(&own_lanes.0);
            let mut higher = zero;
            for at in 0..n {
                let other = L::splat(own.get_unchecked(at / LANES).0[at % LANES]);
                higher = higher.add(one.select(other.above(mine), zero));
            }
            higher.store(&mut ranks.0);
        }
        // Ranks are a permutation where no two scores are equal, and only then.
        let mut seen = 0_u64;
        for (at, leader) in leaders.iter().enumerate() {
            let rank = ranks.get_unchecked(at / LANES).0[at % LANES] as usize;
            *order.get_unchecked_mut(rank % RANKED) = *leader;
            seen |= 1 << (rank % 64);
        }
        if seen.count_ones() as usize != n {
            return false;
        }
        leaders.copy_from_slice(order.get_unchecked(..n));
    }
    true
}
