//! Admission: each candidate's campaign, whether it may run here and now, and its prices, brought together from the hot rows.

use super::bench::{Bench, Codes};
use super::plain;
use super::rows::HotRows;
use crate::block::{LANES, Lane};
#[cfg(target_arch = "aarch64")]
use crate::neon::Neon;
use crate::path::{Path, path};
#[cfg(target_arch = "x86_64")]
use crate::x86::{Avx2, Avx512};

/// What candidates are admitted by.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The policy's campaigns.
    pub rows: &'a HotRows,
    /// A campaign's number is a candidate's number with these bits flipped.
    pub tag: u32,
    /// The number of a candidate that is not promoted.
    pub organic: u32,
    /// The number of a candidate of an unknown campaign.
    pub unknown: u32,
    /// One bit for each set of markets: whether it holds the request's. A multiple of 16 words.
    pub markets: &'a [u32],
    /// One bit for each set of surfaces.
    pub surfaces: &'a [u32],
    /// Microseconds; flights are not checked without.
    pub time: Option<i64>,
    /// What is written.
    pub codes: Codes,
}

/// Writes the campaign of every candidate (the number of campaigns where it has none), its code and its prices. Returns whether all numbers
/// are known: where one is not, what was written means nothing.
///
/// # Panics
/// If the scratch memory was reserved for another number of candidates or prices, or sets have no bit.
#[must_use]
pub fn admit(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    on(path(), candidates, by, campaigns, bench)
}

/// [`admit`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`admit`], and if this machine does not have the path.
#[must_use]
pub fn admit_on(path: Path, candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    assert!(path.is_available(), "this machine has the path");
    on(path, candidates, by, campaigns, bench)
}

/// [`admit`] on a path that this machine has.
fn on(path: Path, candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    let (n, sets) = (candidates.len(), by.rows.sets());
    assert!(bench.len() == n && campaigns.len() == n && bench.width() == by.rows.width(), "memory for this request");
    let fits = |bits: &[u32], sets: usize| bits.len().is_multiple_of(LANES) && bits.len() * 32 >= sets;
    assert!(fits(by.markets, sets.0) && fits(by.surfaces, sets.1), "a bit for each set");
    // SAFETY: the asserts above are what the bodies ask for.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => avx512(candidates, by, campaigns, bench),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2(candidates, by, campaigns, bench),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => packed::<Neon>(candidates, by, campaigns, bench),
            _ => plain::admit(candidates, by, campaigns, bench),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
unsafe fn avx512(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    // SAFETY: the caller's promise.
    unsafe { packed::<Avx512>(candidates, by, campaigns, bench) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn avx2(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    // SAFETY: the caller's promise.
    unsafe { packed::<Avx2>(candidates, by, campaigns, bench) }
}

/// Candidates that have a campaign are packed, so that no row is loaded for the others, looked at sixteen at a time, and put back in their places.
///
/// # Safety
/// The machine must have the lanes' instructions; memory must have been reserved for these candidates, and every set must have a bit.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn packed<L: Look>(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    let (width, n) = (by.rows.width(), candidates.len());
    let (mut good, mut count, stride) = (true, 0, Bench::stride(n));
    // SAFETY: the caller's promise; what is packed is never longer than the candidates, and a group more fits behind it.
    unsafe {
        let places = bench.places.as_mut_ptr();
        for g in 0..n / LANES {
            let (codes, promoted) = (bench.codes.get_unchecked_mut(g), bench.promoted.get_unchecked_mut(g));
            let (group, home) = (candidates.as_ptr().add(g * LANES), campaigns.as_mut_ptr().add(g * LANES));
            good &= L::sort_out(group, LANES, by, home, codes, places.add(count), promoted);
            count += promoted.count_ones() as usize;
        }
        let (g, rest) = (n / LANES, n % LANES);
        if rest > 0 {
            let (codes, promoted) = (bench.codes.get_unchecked_mut(g), bench.promoted.get_unchecked_mut(g));
            let (group, home) = (candidates.as_ptr().add(g * LANES), campaigns.as_mut_ptr().add(g * LANES));
            good &= L::sort_out(group, rest, by, home, codes, places.add(count), promoted);
            count += promoted.count_ones() as usize;
        }
        // The last group is filled up with the row of nobody.
        places.add(count).cast::<[u32; LANES]>().write_unaligned([by.rows.campaigns() * by.rows.stride() as u32; LANES]);
        let (found, charged) = (bench.found.as_mut_ptr(), bench.charged.as_mut_ptr().cast::<f32>());
        let (words, mut at) = (by.rows.words().as_ptr(), 0);
        while at < count {
            if at + 3 * LANES <= count {
                for k in at + 2 * LANES..at + 3 * LANES {
                    L::ask_for(words.add(*places.add(k) as usize));
                }
            }
            L::look(&*places.add(at).cast(), by, found.add(at), charged.add(at), stride);
            at += LANES;
        }
        count = 0;
        for g in 0..n.div_ceil(LANES) {
            let (codes, promoted) = (bench.codes.get_unchecked_mut(g), *bench.promoted.get_unchecked(g));
            let prices = bench.prices.as_mut_ptr().add(g * width);
            L::put_back(promoted, found.add(count), charged.add(count), stride, width, codes, prices);
            count += promoted.count_ones() as usize;
        }
    }
    good
}

/// The steps of [`packed`], in a path's own way.
///
/// # Safety
/// All methods need the instructions of their path. Pointers must be good for [`LANES`] numbers, `charged` for as many of each priced measure.
pub(super) trait Look {
    /// Writes campaigns of `count <= LANES` candidates, the codes of those that have none, the places of the rows of those that have, and which
    /// these are. Returns whether all are one or the other.
    unsafe fn sort_out(
        group: *const u32,
        count: usize,
        by: &Admission<'_>,
        home: *mut u32,
        codes: &mut [u8; LANES],
        places: *mut u32,
        promoted: &mut u16,
    ) -> bool;
    /// Asks for the cache line of a row that will be read soon.
    unsafe fn ask_for(row: *const u32);
    /// Writes the codes and prices of candidates whose rows are at these places.
    unsafe fn look(places: &[u32; LANES], by: &Admission<'_>, found: *mut u32, charged: *mut f32, stride: usize);
    /// Puts codes and prices where the candidates are, whose lanes are set in the mask. Prices of others are some finite number.
    unsafe fn put_back(
        promoted: u16,
        found: *const u32,
        charged: *const f32,
        stride: usize,
        width: usize,
        codes: &mut [u8; LANES],
        prices: *mut Lane<f32>,
    );
}
