//! Admission: each candidate's campaign, whether it may run here and now, and its prices, brought together from the hot rows.

use super::bench::{Bench, Codes};
use super::rows::HotRows;
use super::serve::Serve;
use crate::block::LANES;
use crate::lanes::Portable;
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

/// Writes the campaign of every candidate (the number of campaigns where it is not scored), its code and its prices. Returns whether all numbers
/// are known: where one is not, what was written means nothing.
///
/// # Panics
/// If the scratch memory was reserved for another number of candidates or prices, or sets have no bit.
#[must_use]
pub fn admit(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    admit_on(path(), candidates, by, campaigns, bench)
}

/// [`admit`] on a given path, which must be among [`Path::available`].
///
/// # Panics
/// As [`admit`], and if this machine does not have the path.
#[must_use]
pub fn admit_on(path: Path, candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    assert!(path.is_available(), "this machine has the path");
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
            _ => body::<Portable>(candidates, by, campaigns, bench),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx512>(candidates, by, campaigns, bench) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    // SAFETY: the caller's promise.
    unsafe { body::<Avx2>(candidates, by, campaigns, bench) }
}

/// # Safety
/// The machine must have the lanes' instructions; memory must have been reserved for these candidates, and every set must have a bit.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn body<L: Serve>(candidates: &[u32], by: &Admission<'_>, campaigns: &mut [u32], bench: &mut Bench) -> bool {
    let width = by.rows.width();
    let (groups, rest) = candidates.as_chunks::<LANES>();
    let (homes, homes_rest) = campaigns.as_chunks_mut::<LANES>();
    let mut good = true;
    // SAFETY: the caller's promise; each group has its codes, and `width` lanes of prices.
    unsafe {
        for (g, (group, home)) in groups.iter().zip(homes).enumerate() {
            let prices = bench.prices.as_mut_ptr().add(g * width);
            good &= L::admit(group, by, home, prices, bench.codes.get_unchecked_mut(g));
        }
        if !rest.is_empty() {
            let g = groups.len();
            let (mut group, mut home) = ([by.organic; LANES], [0; LANES]);
            group[..rest.len()].copy_from_slice(rest);
            let prices = bench.prices.as_mut_ptr().add(g * width);
            good &= L::admit(&group, by, &mut home, prices, bench.codes.get_unchecked_mut(g));
            homes_rest.copy_from_slice(&home[..rest.len()]);
        }
    }
    good
}
