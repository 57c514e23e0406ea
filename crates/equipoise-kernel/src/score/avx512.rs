//! [`Serve`] on AVX-512.
#![expect(clippy::inline_always, reason = "inlined into a function that has the instructions, each of these is a few of them")]
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use super::admit::{Admission, Look};
use super::rows::{NEAR, ROW, word_of};
use super::serve::{CHUNK, Serve};
use crate::block::{LANES, Lane};
use crate::x86::Avx512;
use std::arch::x86_64::*;

/// The first lanes of a register.
#[inline(always)]
const fn first(count: usize) -> u16 {
    ((1_u32 << count) - 1) as u16
}

/// Two rows of eight words in one register.
///
/// # Safety
/// Both must have eight words; AVX-512.
#[inline(always)]
unsafe fn pair<T>(low: *const T, high: *const T) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_inserti64x4::<1>(_mm512_castsi256_si512(_mm256_loadu_si256(low.cast())), _mm256_loadu_si256(high.cast())) }
}

/// Turns four rows of four double words: the first two of each, then the last two.
///
/// # Safety
/// As [`quarters`].
#[inline(always)]
unsafe fn four<T>(from: *const T, at: &[usize; LANES], r: usize) -> [__m512i; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let low = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13);
        let high = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
        let (a, b) = (pair(from.add(at[r]), from.add(at[r + 1])), pair(from.add(at[r + 2]), from.add(at[r + 3])));
        [_mm512_permutex2var_epi64(a, low, b), _mm512_permutex2var_epi64(a, high, b)]
    }
}

/// Turns eight rows of four double words into four columns.
///
/// # Safety
/// As [`quarters`].
#[inline(always)]
unsafe fn eight<T>(from: *const T, at: &[usize; LANES], r: usize) -> [__m512i; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let ([a, c], [b, d]) = (four(from, at, r), four(from, at, r + 4));
        [
            _mm512_shuffle_i64x2::<0b01_00_01_00>(a, b),
            _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b),
            _mm512_shuffle_i64x2::<0b01_00_01_00>(c, d),
            _mm512_shuffle_i64x2::<0b11_10_11_10>(c, d),
        ]
    }
}

/// Turns sixteen rows of four double words into four columns: of each, rows 0 to 7 and rows 8 to 15.
///
/// # Safety
/// Each row must have eight words; AVX-512.
// No closures in here and below: what they hold is not compiled with the path's instructions.
#[inline(always)]
unsafe fn quarters<T>(from: *const T, at: &[usize; LANES]) -> [[__m512i; 2]; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (a, b) = (eight(from, at, 0), eight(from, at, 8));
        [[a[0], b[0]], [a[1], b[1]], [a[2], b[2]], [a[3], b[3]]]
    }
}

/// Sixteen times the same number.
///
/// # Safety
/// AVX-512.
#[inline(always)]
unsafe fn all(v: u32) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_set1_epi32(v.cast_signed()) }
}

/// The low words of sixteen double words.
///
/// # Safety
/// AVX-512.
#[inline(always)]
unsafe fn low_words(of: [__m512i; 2]) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_permutex2var_epi32(of[0], _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), of[1]) }
}

/// The high words of sixteen double words.
///
/// # Safety
/// AVX-512.
#[inline(always)]
unsafe fn high_words(of: [__m512i; 2]) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_permutex2var_epi32(of[0], _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), of[1]) }
}

/// The bit of each set.
///
/// # Safety
/// Every set must have a bit; AVX-512.
#[inline(always)]
unsafe fn bits(bits: &[u32], sets: __m512i) -> u16 {
    // SAFETY: the caller's promise; sixteen words are there at least.
    unsafe {
        let word = _mm512_srli_epi32::<5>(sets);
        let words = if bits.len() == LANES {
            _mm512_permutexvar_epi32(word, _mm512_loadu_si512(bits.as_ptr().cast()))
        } else {
            _mm512_i32gather_epi32::<4>(word, bits.as_ptr().cast())
        };
        let bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(sets, _mm512_set1_epi32(31)));
        _mm512_test_epi32_mask(words, bit)
    }
}

// SAFETY of every block below: the caller promises the path's instructions and pointers that are good for what they are said to read or write.
impl Serve for Avx512 {
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_maskz_loadu_ps(first(count), from)) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: see above.
        unsafe { _mm512_mask_storeu_ps(to, first(count), self.0) }
    }

    #[inline(always)]
    unsafe fn max_bits(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(self.0), _mm512_castps_si512(other.0)))) }
    }

    #[inline(always)]
    unsafe fn with_bits(self, bits: u32) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm512_cmpeq_epi32_mask(_mm512_castps_si512(self.0), _mm512_set1_epi32(bits.cast_signed())) }
    }

    #[inline(always)]
    unsafe fn above(self, other: Self) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn select(self, mask: __mmask16, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_mask_mov_ps(other.0, mask, self.0)) }
    }

    #[inline(always)]
    unsafe fn of_code(codes: &[u8; LANES], code: u8) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm_cmpeq_epi8_mask(_mm_loadu_si128(codes.as_ptr().cast()), _mm_set1_epi8(code.cast_signed())) }
    }

    #[inline(always)]
    unsafe fn set_code(mask: __mmask16, codes: &mut [u8; LANES], code: u8) {
        // SAFETY: see above.
        unsafe {
            let old = _mm_loadu_si128(codes.as_ptr().cast());
            _mm_storeu_si128(codes.as_mut_ptr().cast(), _mm_mask_mov_epi8(old, mask, _mm_set1_epi8(code.cast_signed())));
        }
    }

    #[inline(always)]
    unsafe fn pack_at_least(self, bar: Self, first: u32, to: *mut u32) -> usize {
        // SAFETY: see above.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, bar.0);
            let lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let number = _mm512_add_epi32(lane, _mm512_set1_epi32(first.cast_signed()));
            // Packed in the register: packing into memory is slow on some machines.
            _mm512_storeu_si512(to.cast(), _mm512_maskz_compress_epi32(mask, number));
            mask.count_ones() as usize
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, lanes: usize, count: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: see above; no row but those that are there is read, and no more than `count` of each.
        unsafe {
            let mut at = [0; LANES];
            for (r, at) in at.iter_mut().enumerate() {
                *at = r.min(lanes - 1) * stride;
            }
            let turned = if count == CHUNK {
                quarters(from, &at)
            } else {
                let mut padded = [Lane([0.0_f32; LANES]); LANES / 2];
                let padded = padded.as_mut_ptr().cast::<f32>();
                for (r, at) in at.iter_mut().enumerate() {
                    _mm256_storeu_ps(padded.add(r * CHUNK), _mm256_maskz_loadu_ps(first(count) as u8, from.add(*at)));
                    *at = r * CHUNK;
                }
                quarters(padded, &at)
            };
            for (j, quarter) in turned.into_iter().enumerate() {
                if 2 * j < count {
                    _mm512_storeu_si512(to.add(2 * j * to_stride).cast(), low_words(quarter));
                }
                if 2 * j + 1 < count {
                    _mm512_storeu_si512(to.add((2 * j + 1) * to_stride).cast(), high_words(quarter));
                }
            }
        }
    }
}

// SAFETY of every block below: as above.
impl Look for Avx512 {
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
            let stride = by.rows.stride();
            let number = _mm512_mask_loadu_epi32(all(by.organic), first(count), group.cast());
            let campaign = _mm512_xor_si512(number, all(by.tag));
            let none = all(by.rows.campaigns());
            let known = _mm512_cmplt_epu32_mask(campaign, none);
            let organic = _mm512_cmpeq_epi32_mask(number, all(by.organic));
            let unknown = _mm512_cmpeq_epi32_mask(number, all(by.unknown));
            let place = if stride == ROW { _mm512_slli_epi32::<3>(campaign) } else { _mm512_mullo_epi32(campaign, all(stride as u32)) };
            // Packed in the register: packing into memory is slow on some machines.
            _mm512_storeu_si512(places.cast(), _mm512_maskz_compress_epi32(known, place));
            _mm512_mask_storeu_epi32(home.cast(), first(count), _mm512_min_epu32(campaign, none));
            let unpromoted = _mm_set1_epi8(by.codes.unknown.cast_signed());
            let code = _mm_mask_mov_epi8(unpromoted, organic, _mm_set1_epi8(by.codes.organic.cast_signed()));
            _mm_storeu_si128(codes.as_mut_ptr().cast(), code);
            *promoted = known;
            known | organic | unknown == u16::MAX
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
            let (width, words) = (by.rows.width(), by.rows.words().as_ptr());
            let [near, far, starts, ends] = quarters(words, &places.map(|place| place as usize));
            if width > 0 {
                _mm512_storeu_si512(charged.cast(), low_words(near));
            }
            if width > 1 {
                _mm512_storeu_si512(charged.add(stride).cast(), high_words(near));
            }
            if width > 2 {
                _mm512_storeu_si512(charged.add(2 * stride).cast(), low_words(far));
            }
            for c in NEAR..width {
                let place = _mm512_loadu_si512(places.as_ptr().cast());
                let price = _mm512_i32gather_epi32::<4>(place, words.add(word_of(c)).cast());
                _mm512_storeu_si512(charged.add(c * stride).cast(), price);
            }
            let sets = high_words(far);
            let market = bits(by.markets, _mm512_and_si512(sets, all(0xffff)));
            let surface = bits(by.surfaces, _mm512_srli_epi32::<16>(sets));
            let flies = match by.time {
                Some(time) => {
                    let time = _mm512_set1_epi64(time);
                    let low = _mm512_mask_cmple_epi64_mask(_mm512_cmple_epi64_mask(starts[0], time), time, ends[0]);
                    let high = _mm512_mask_cmple_epi64_mask(_mm512_cmple_epi64_mask(starts[1], time), time, ends[1]);
                    u16::from(low) | u16::from(high) << 8
                }
                None => u16::MAX,
            };
            let codes = by.codes;
            let code = _mm512_mask_mov_epi32(all(codes.flight.into()), flies, all(codes.scored.into()));
            let code = _mm512_mask_mov_epi32(all(codes.surface.into()), surface, code);
            let code = _mm512_mask_mov_epi32(all(codes.market.into()), market, code);
            _mm512_storeu_si512(found.cast(), code);
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
            let code = _mm512_cvtepi32_epi8(_mm512_maskz_expand_epi32(promoted, _mm512_loadu_si512(found.cast())));
            let old = _mm_loadu_si128(codes.as_ptr().cast());
            _mm_storeu_si128(codes.as_mut_ptr().cast(), _mm_mask_mov_epi8(old, promoted, code));
            for c in 0..width {
                let price = _mm512_maskz_expand_ps(promoted, _mm512_loadu_ps(charged.add(c * stride)));
                _mm512_store_ps(prices.add(c).cast(), price);
            }
        }
    }
}
