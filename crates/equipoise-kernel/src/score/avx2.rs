//! [`Serve`] on AVX2.
#![expect(clippy::inline_always, reason = "inlined into a function that has the instructions, each of these is a few of them")]
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use super::admit::Admission;
use super::rows::{FLIGHT, NEAR, ROW, word_of};
use super::serve::{CHUNK, Serve};
use crate::block::{LANES, Lane};
use crate::x86::Avx2;
use std::arch::x86_64::*;

/// Lanes of a register.
const HALF: usize = LANES / 2;

/// For each mask of eight lanes their numbers, ascending, one byte each.
static PACKED: [u64; 256] = packed();

const fn packed() -> [u64; 256] {
    let mut table = [0; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut lane, mut at) = (0, 0);
        while lane < 8 {
            if mask >> lane & 1 != 0 {
                table[mask] |= (lane as u64) << (8 * at);
                at += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
}

/// All bits set in the first lanes.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

/// Four words of one row and four of another.
///
/// # Safety
/// Both must have four words; AVX2.
#[inline(always)]
unsafe fn pair<T>(low: *const T, high: *const T) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(_mm_loadu_si128(low.cast())), _mm_loadu_si128(high.cast())) }
}

/// Turns four words of each of eight rows into four columns.
///
/// # Safety
/// Each row must have four words; AVX2.
#[inline(always)]
unsafe fn columns<T>(row: impl Fn(usize) -> *const T) -> [__m256i; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let [a, b, c, d] = std::array::from_fn(|r| pair(row(r), row(r + 4)));
        let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(ab, cd),
            _mm256_unpackhi_epi64(ab, cd),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ]
    }
}

/// The bit of each set in the lowest bit of its lane.
///
/// # Safety
/// Every set must have a bit; AVX2.
#[inline(always)]
unsafe fn bits(bits: &[u32], sets: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let words = _mm256_i32gather_epi32::<4>(bits.as_ptr().cast(), _mm256_srli_epi32::<5>(sets));
        let own = _mm256_srlv_epi32(words, _mm256_and_si256(sets, _mm256_set1_epi32(31)));
        let one = _mm256_set1_epi32(1);
        _mm256_cmpeq_epi32(_mm256_and_si256(own, one), one)
    }
}

/// The low byte of each of sixteen words.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn bytes(low: __m256i, high: __m256i) -> __m128i {
    // SAFETY: the caller's promise.
    unsafe {
        // The sixteen-bit halves of both, in the order that packing by lanes gives.
        let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
        _mm_packs_epi16(_mm256_castsi256_si128(packed), _mm256_extracti128_si256::<1>(packed))
    }
}

/// Sixteen bytes of all ones or zeros as lanes.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn lanes(of: __m128i) -> (__m256i, __m256i) {
    // SAFETY: the caller's promise.
    unsafe { (_mm256_cvtepi8_epi32(of), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(of, of))) }
}

/// Eight candidates.
struct Eight {
    /// Campaign, or the number of campaigns where it is not scored.
    home: __m256i,
    code: __m256i,
    good: bool,
}

/// # Safety
/// As [`Serve::admit`], for eight candidates.
#[inline(always)]
unsafe fn admit_eight(group: *const u32, by: &Admission<'_>, prices: *mut f32) -> Eight {
    // SAFETY: the caller's promise; every word of a row can be counted by an i32.
    unsafe {
        let all = |v: u32| _mm256_set1_epi32(v.cast_signed());
        let select = |mask: __m256i, yes: __m256i, no: __m256i| _mm256_blendv_epi8(no, yes, mask);
        let code = |c: u8| _mm256_set1_epi32(i32::from(c));
        let (rows, width, stride) = (by.rows, by.rows.width(), by.rows.stride());
        let number = _mm256_loadu_si256(group.cast());
        let campaign = _mm256_xor_si256(number, all(by.tag));
        let none = all(rows.campaigns());
        // Below, unsigned: the lesser of both is it, and they are not equal.
        let known = _mm256_andnot_si256(_mm256_cmpeq_epi32(campaign, none), _mm256_cmpeq_epi32(_mm256_min_epu32(campaign, none), campaign));
        let organic = _mm256_cmpeq_epi32(number, all(by.organic));
        let unknown = _mm256_cmpeq_epi32(number, all(by.unknown));
        let at = select(known, campaign, none);
        let place = if stride == ROW { _mm256_slli_epi32::<3>(at) } else { _mm256_mullo_epi32(at, all(stride as u32)) };
        let mut places = [0_u32; HALF];
        _mm256_storeu_si256(places.as_mut_ptr().cast(), place);
        let words = rows.words().as_ptr();
        let row = |r: usize| words.add(places[r] as usize);
        let [a, b, c, sets] = columns(row);
        for (j, price) in [a, b, c].into_iter().enumerate().take(width) {
            _mm256_storeu_si256(prices.add(j * LANES).cast(), price);
        }
        for j in NEAR..width {
            let price = _mm256_i32gather_epi32::<4>(words.add(word_of(j)).cast(), place);
            _mm256_storeu_si256(prices.add(j * LANES).cast(), price);
        }
        let market = bits(by.markets, _mm256_and_si256(sets, all(0xffff)));
        let surface = bits(by.surfaces, _mm256_srli_epi32::<16>(sets));
        let flies = by.time.map_or(all(u32::MAX), |time| {
            let time = _mm256_set1_epi64x(time);
            // Outside, of rows 0, 1, 4, 5 and of rows 2, 3, 6, 7.
            let outside = |r: usize| {
                let (even, odd) = (pair(row(r).add(FLIGHT), row(r + 4).add(FLIGHT)), pair(row(r + 1).add(FLIGHT), row(r + 5).add(FLIGHT)));
                let (start, end) = (_mm256_unpacklo_epi64(even, odd), _mm256_unpackhi_epi64(even, odd));
                _mm256_or_si256(_mm256_cmpgt_epi64(start, time), _mm256_cmpgt_epi64(time, end))
            };
            // The low word of each, in the order of the rows.
            let outside = _mm256_shuffle_ps::<0b10_00_10_00>(_mm256_castsi256_ps(outside(0)), _mm256_castsi256_ps(outside(2)));
            _mm256_xor_si256(_mm256_castps_si256(outside), all(u32::MAX))
        });
        let mut code_of = select(flies, code(by.codes.scored), code(by.codes.flight));
        code_of = select(surface, code_of, code(by.codes.surface));
        code_of = select(market, code_of, code(by.codes.market));
        code_of = select(known, code_of, code(by.codes.unknown));
        code_of = select(organic, code(by.codes.organic), code_of);
        let scored = _mm256_and_si256(_mm256_and_si256(known, market), _mm256_and_si256(surface, flies));
        let told = _mm256_or_si256(_mm256_or_si256(known, organic), unknown);
        Eight { home: select(scored, campaign, none), code: code_of, good: _mm256_movemask_epi8(told) == -1 }
    }
}

// SAFETY of every block below: the caller promises the path's instructions and pointers that are good for what they are said to read or write.
impl Serve for Avx2 {
    type Mask = (__m256i, __m256i);

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: see above; nothing is read where the mask is not set.
        unsafe {
            let high = count.saturating_sub(HALF);
            let from_high = from.add(count.min(HALF));
            Self(_mm256_maskload_ps(from, first(count.min(HALF))), _mm256_maskload_ps(from_high, first(high)))
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: see above; nothing is written where the mask is not set.
        unsafe {
            let to_high = to.add(count.min(HALF));
            _mm256_maskstore_ps(to, first(count.min(HALF)), self.0);
            _mm256_maskstore_ps(to_high, first(count.saturating_sub(HALF)), self.1);
        }
    }

    #[inline(always)]
    unsafe fn max_bits(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let max = |a, b| _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
            Self(max(self.0, other.0), max(self.1, other.1))
        }
    }

    #[inline(always)]
    unsafe fn with_bits(self, bits: u32) -> Self::Mask {
        // SAFETY: see above.
        unsafe {
            let bits = _mm256_set1_epi32(bits.cast_signed());
            (_mm256_cmpeq_epi32(_mm256_castps_si256(self.0), bits), _mm256_cmpeq_epi32(_mm256_castps_si256(self.1), bits))
        }
    }

    #[inline(always)]
    unsafe fn above(self, other: Self) -> Self::Mask {
        // SAFETY: see above.
        unsafe {
            let above = |a, b| _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GT_OQ>(a, b));
            (above(self.0, other.0), above(self.1, other.1))
        }
    }

    #[inline(always)]
    unsafe fn select(self, mask: Self::Mask, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let select = |mask, yes, no| _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(mask));
            Self(select(mask.0, self.0, other.0), select(mask.1, self.1, other.1))
        }
    }

    #[inline(always)]
    unsafe fn of_code(codes: &[u8; LANES], code: u8) -> Self::Mask {
        // SAFETY: see above.
        unsafe { lanes(_mm_cmpeq_epi8(_mm_loadu_si128(codes.as_ptr().cast()), _mm_set1_epi8(code.cast_signed()))) }
    }

    #[inline(always)]
    unsafe fn set_code(mask: Self::Mask, codes: &mut [u8; LANES], code: u8) {
        // SAFETY: see above.
        unsafe {
            let old = _mm_loadu_si128(codes.as_ptr().cast());
            let new = _mm_blendv_epi8(old, _mm_set1_epi8(code.cast_signed()), bytes(mask.0, mask.1));
            _mm_storeu_si128(codes.as_mut_ptr().cast(), new);
        }
    }

    #[inline(always)]
    unsafe fn pack_at_least(self, bar: Self, first: u32, to: *mut u32) -> usize {
        // SAFETY: see above; eight numbers are written at `to`, and eight behind at most eight that count.
        unsafe {
            let half = |own, bar, first: u32, to: *mut u32| {
                let mask = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(own, bar)).cast_unsigned();
                let lane = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(PACKED[mask as usize & 255].cast_signed()));
                _mm256_storeu_si256(to.cast(), _mm256_add_epi32(lane, _mm256_set1_epi32(first.cast_signed())));
                mask.count_ones() as usize
            };
            let low = half(self.0, bar.0, first, to);
            low + half(self.1, bar.1, first + HALF as u32, to.add(low))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, lanes: usize, count: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: see above; no row but those that are there is read, and no more than `count` of each.
        unsafe {
            let row = |r: usize| from.add(r.min(lanes - 1) * stride);
            let mut padded = [[0.0_f32; CHUNK]; LANES];
            if count < CHUNK {
                for (r, padded) in padded.iter_mut().enumerate() {
                    _mm256_storeu_ps(padded.as_mut_ptr(), _mm256_maskload_ps(row(r), first(count)));
                }
            }
            let row = |r: usize| if count < CHUNK { padded.as_ptr().add(r).cast() } else { row(r) };
            for r in [0, HALF] {
                for j in [0, CHUNK / 2] {
                    for (k, column) in columns(|lane| row(r + lane).add(j)).into_iter().enumerate() {
                        if j + k < count {
                            _mm256_storeu_si256(to.add((j + k) * to_stride + r).cast(), column);
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn admit(
        group: &[u32; LANES],
        by: &Admission<'_>,
        home: &mut [u32; LANES],
        prices: *mut Lane<f32>,
        codes: &mut [u8; LANES],
    ) -> bool {
        // SAFETY: see above.
        unsafe {
            let prices = prices.cast::<f32>();
            let low = admit_eight(group.as_ptr(), by, prices);
            let high = admit_eight(group.as_ptr().add(HALF), by, prices.add(HALF));
            let home = home.as_mut_ptr();
            _mm256_storeu_si256(home.cast(), low.home);
            _mm256_storeu_si256(home.add(HALF).cast(), high.home);
            _mm_storeu_si128(codes.as_mut_ptr().cast(), bytes(low.code, high.code));
            low.good & high.good
        }
    }
}
