//! [`Serve`] on AVX2.
#![expect(clippy::inline_always, reason = "inlined into a function that has the instructions, each of these is a few of them")]
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use super::admit::{Admission, Look};
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

/// For each mask of eight lanes, how many are set before each lane, one byte each.
static UNPACKED: [u64; 256] = unpacked_of();

const fn unpacked_of() -> [u64; 256] {
    let mut table = [0; 256];
    let mut mask = 0;
    while mask < 256 {
        let mut lane = 0;
        while lane < 8 {
            table[mask] |= ((mask & ((1 << lane) - 1)).count_ones() as u64) << (8 * lane);
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
// No closures in here and below: what they hold is not compiled with the path's instructions.
#[inline(always)]
unsafe fn columns<T>(from: *const T, at: &[usize; HALF]) -> [__m256i; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (a, b) = (pair(from.add(at[0]), from.add(at[4])), pair(from.add(at[1]), from.add(at[5])));
        let (c, d) = (pair(from.add(at[2]), from.add(at[6])), pair(from.add(at[3]), from.add(at[7])));
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

/// Eight times the same number.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn all(v: u32) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_set1_epi32(v.cast_signed()) }
}

/// Lanes of `yes` where the mask is set, of `no` elsewhere.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn select(mask: __m256i, yes: __m256i, no: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_blendv_epi8(no, yes, mask) }
}

/// Which flights of rows `r`, `r + 1`, `r + 4` and `r + 5` do not hold the time.
///
/// # Safety
/// Each row must have eight words; AVX2.
#[inline(always)]
unsafe fn outside(words: *const u32, at: &[usize; HALF], r: usize, time: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let flights = words.add(FLIGHT);
        let even = pair(flights.add(at[r]), flights.add(at[r + 4]));
        let odd = pair(flights.add(at[r + 1]), flights.add(at[r + 5]));
        let (start, end) = (_mm256_unpacklo_epi64(even, odd), _mm256_unpackhi_epi64(even, odd));
        _mm256_or_si256(_mm256_cmpgt_epi64(start, time), _mm256_cmpgt_epi64(time, end))
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
        let word = _mm256_srli_epi32::<5>(sets);
        let words = if bits.len() == LANES {
            // Sixteen words lie in two registers; the fourth bit says in which. Gathering is slow on some machines.
            let (low, high) = (_mm256_loadu_si256(bits.as_ptr().cast()), _mm256_loadu_si256(bits.as_ptr().add(HALF).cast()));
            let (low, high) = (_mm256_permutevar8x32_epi32(low, word), _mm256_permutevar8x32_epi32(high, word));
            let (low, high) = (_mm256_castsi256_ps(low), _mm256_castsi256_ps(high));
            _mm256_castps_si256(_mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32::<28>(word))))
        } else {
            _mm256_i32gather_epi32::<4>(bits.as_ptr().cast(), word)
        };
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

/// Codes and prices of eight candidates; see [`Look::look`].
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn look_at_eight(places: *const u32, by: &Admission<'_>, found: *mut u32, charged: *mut f32, stride: usize) {
    // SAFETY: the caller's promise; every word of a row can be counted by an i32.
    unsafe {
        let (width, words) = (by.rows.width(), by.rows.words().as_ptr());
        let at = (*places.cast::<[u32; HALF]>()).map(|place| place as usize);
        let near = columns(words, &at);
        for (c, price) in near.into_iter().enumerate().take(width.min(NEAR)) {
            _mm256_storeu_si256(charged.add(c * stride).cast(), price);
        }
        for c in NEAR..width {
            let price = _mm256_i32gather_epi32::<4>(words.add(word_of(c)).cast(), _mm256_loadu_si256(places.cast()));
            _mm256_storeu_si256(charged.add(c * stride).cast(), price);
        }
        let sets = near[NEAR];
        let market = bits(by.markets, _mm256_and_si256(sets, all(0xffff)));
        let surface = bits(by.surfaces, _mm256_srli_epi32::<16>(sets));
        let codes = by.codes;
        let code = match by.time {
            Some(time) => {
                let time = _mm256_set1_epi64x(time);
                let (low, high) = (outside(words, &at, 0, time), outside(words, &at, 2, time));
                // The low word of each, in the order of the rows.
                let outside = _mm256_shuffle_ps::<0b10_00_10_00>(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high));
                select(_mm256_castps_si256(outside), all(codes.flight.into()), all(codes.scored.into()))
            }
            None => all(codes.scored.into()),
        };
        let code = select(surface, code, all(codes.surface.into()));
        let code = select(market, code, all(codes.market.into()));
        _mm256_storeu_si256(found.cast(), code);
    }
}

/// Writes the numbers of the lanes whose bit is set, taken from `from`; returns how many there are.
///
/// # Safety
/// Eight numbers can be written; AVX2.
#[inline(always)]
unsafe fn pack(mask: u32, from: __m256i, to: *mut u32) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let lane = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(PACKED[mask as usize & 255].cast_signed()));
        _mm256_storeu_si256(to.cast(), _mm256_permutevar8x32_epi32(from, lane));
        mask.count_ones() as usize
    }
}

/// For eight lanes, which of the packed numbers is theirs where their bit is set.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn unpacked(mask: u32) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(UNPACKED[mask as usize & 255].cast_signed())) }
}

// SAFETY of every block below: the caller promises the path's instructions and pointers that are good for what they are said to read or write.
impl Serve for Avx2 {
    type Mask = (__m256i, __m256i);
    const ABREAST: usize = 2;

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
            let low = _mm256_max_epu32(_mm256_castps_si256(self.0), _mm256_castps_si256(other.0));
            let high = _mm256_max_epu32(_mm256_castps_si256(self.1), _mm256_castps_si256(other.1));
            Self(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high))
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
            let (low, high) = (_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0), _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, other.1));
            (_mm256_castps_si256(low), _mm256_castps_si256(high))
        }
    }

    #[inline(always)]
    unsafe fn select(self, mask: Self::Mask, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let low = _mm256_blendv_ps(other.0, self.0, _mm256_castsi256_ps(mask.0));
            Self(low, _mm256_blendv_ps(other.1, self.1, _mm256_castsi256_ps(mask.1)))
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
            let mask = self.mask::<_CMP_GE_OQ>(bar);
            let number = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), all(first));
            let low = pack(u32::from(mask) & 255, number, to);
            low + pack(u32::from(mask) >> 8, _mm256_add_epi32(number, all(HALF as u32)), to.add(low))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, lanes: usize, count: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: see above; no row but those that are there is read, and no more than `count` of each.
        unsafe {
            let mut padded = [[0.0_f32; CHUNK]; HALF];
            for first_row in [0, HALF] {
                let mut at = [0; HALF];
                for (r, at) in at.iter_mut().enumerate() {
                    *at = (first_row + r).min(lanes - 1) * stride;
                }
                let mut from = from;
                if count < CHUNK {
                    for (r, at) in at.iter_mut().enumerate() {
                        _mm256_storeu_ps(padded[r].as_mut_ptr(), _mm256_maskload_ps(from.add(*at), first(count)));
                        *at = r * CHUNK;
                    }
                    from = padded.as_ptr().cast();
                }
                for j in [0, CHUNK / 2] {
                    for (k, column) in columns(from.add(j), &at).into_iter().enumerate() {
                        if j + k < count {
                            _mm256_storeu_si256(to.add((j + k) * to_stride + first_row).cast(), column);
                        }
                    }
                }
            }
        }
    }
}

// SAFETY of every block below: as above.
impl Look for Avx2 {
    #[inline(always)]
    unsafe fn sort_out(
        group: *const u32,
        count: usize,
        by: &Admission<'_>,
        home: *mut u32,
        codes: &mut [u8; LANES],
        places: *mut u32,
        promoted: &mut u16,
    ) -> bool {
        // SAFETY: see above; every word of a row can be counted by an i32.
        unsafe {
            let (stride, none) = (by.rows.stride(), all(by.rows.campaigns()));
            let (mut known_mask, mut told, mut packed) = (0, -1, 0);
            let mut organics = [_mm256_setzero_si256(); 2];
            for (half, organic_half) in organics.iter_mut().enumerate() {
                let (from, here) = ((half * HALF).min(count), first(count.saturating_sub(half * HALF)));
                let number = if count == LANES {
                    _mm256_loadu_si256(group.add(from).cast())
                } else {
                    select(here, _mm256_maskload_epi32(group.add(from).cast(), here), all(by.organic))
                };
                let campaign = _mm256_xor_si256(number, all(by.tag));
                let least = _mm256_min_epu32(campaign, none);
                // Below, unsigned: the lesser of both is it, and they are not equal.
                let known = _mm256_andnot_si256(_mm256_cmpeq_epi32(campaign, none), _mm256_cmpeq_epi32(least, campaign));
                *organic_half = _mm256_cmpeq_epi32(number, all(by.organic));
                let unknown = _mm256_cmpeq_epi32(number, all(by.unknown));
                let place = if stride == ROW { _mm256_slli_epi32::<3>(campaign) } else { _mm256_mullo_epi32(campaign, all(stride as u32)) };
                let mask = _mm256_movemask_ps(_mm256_castsi256_ps(known)).cast_unsigned();
                packed += pack(mask, place, places.add(packed));
                known_mask |= mask << (half * HALF);
                if count == LANES {
                    // Storing by a mask is slow on some machines.
                    _mm256_storeu_si256(home.add(from).cast(), least);
                } else {
                    _mm256_maskstore_epi32(home.add(from).cast(), here, least);
                }
                told &= _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(known, *organic_half), unknown));
            }
            let unpromoted = _mm_set1_epi8(by.codes.unknown.cast_signed());
            let code = _mm_blendv_epi8(unpromoted, _mm_set1_epi8(by.codes.organic.cast_signed()), bytes(organics[0], organics[1]));
            _mm_storeu_si128(codes.as_mut_ptr().cast(), code);
            *promoted = known_mask as u16;
            told == -1
        }
    }

    #[inline(always)]
    unsafe fn ask_for(row: *const u32) {
        // SAFETY: see above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.cast()) }
    }

    #[inline(always)]
    unsafe fn look(places: &[u32; LANES], by: &Admission<'_>, found: *mut u32, charged: *mut f32, stride: usize) {
        // SAFETY: see above.
        unsafe {
            look_at_eight(places.as_ptr(), by, found, charged, stride);
            look_at_eight(places.as_ptr().add(HALF), by, found.add(HALF), charged.add(HALF), stride);
        }
    }

    #[inline(always)]
    unsafe fn put_back(
        promoted: u16,
        found: *const u32,
        charged: *const f32,
        stride: usize,
        width: usize,
        codes: &mut [u8; LANES],
        prices: *mut Lane<f32>,
    ) {
        // SAFETY: see above.
        unsafe {
            let (low, high) = (u32::from(promoted) & 255, u32::from(promoted) >> 8);
            let (of_low, of_high, after) = (unpacked(low), unpacked(high), low.count_ones() as usize);
            let low_code = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(found.cast()), of_low);
            let high_code = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(found.add(after).cast()), of_high);
            let bit = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
            let own =
                _mm_shuffle_epi8(_mm_set1_epi16(promoted.cast_signed()), _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
            let mask = _mm_cmpeq_epi8(_mm_and_si128(own, bit), bit);
            let old = _mm_loadu_si128(codes.as_ptr().cast());
            _mm_storeu_si128(codes.as_mut_ptr().cast(), _mm_blendv_epi8(old, bytes(low_code, high_code), mask));
            for c in 0..width {
                let from = charged.add(c * stride);
                let to = prices.add(c).cast::<f32>();
                _mm256_store_ps(to, _mm256_permutevar8x32_ps(_mm256_loadu_ps(from), of_low));
                _mm256_store_ps(to.add(HALF), _mm256_permutevar8x32_ps(_mm256_loadu_ps(from.add(after)), of_high));
            }
        }
    }
}
