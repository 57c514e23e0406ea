//! [`Serve`] on AVX-512.
#![expect(clippy::inline_always, reason = "inlined into a function that has the instructions, each of these is a few of them")]
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use super::admit::Admission;
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

/// Turns sixteen rows of four double words into four columns: of each, rows 0 to 7 and rows 8 to 15.
///
/// # Safety
/// Each row must have eight words; AVX-512.
#[inline(always)]
unsafe fn quarters<T>(row: impl Fn(usize) -> *const T) -> [[__m512i; 2]; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let low = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13);
        let high = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
        let eight = |r: usize| {
            let four = |r: usize| {
                let (a, b) = (pair(row(r), row(r + 1)), pair(row(r + 2), row(r + 3)));
                (_mm512_permutex2var_epi64(a, low, b), _mm512_permutex2var_epi64(a, high, b))
            };
            let ((a, c), (b, d)) = (four(r), four(r + 4));
            [
                _mm512_shuffle_i64x2::<0b01_00_01_00>(a, b),
                _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b),
                _mm512_shuffle_i64x2::<0b01_00_01_00>(c, d),
                _mm512_shuffle_i64x2::<0b11_10_11_10>(c, d),
            ]
        };
        let (first, second) = (eight(0), eight(8));
        [[first[0], second[0]], [first[1], second[1]], [first[2], second[2]], [first[3], second[3]]]
    }
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
            let row = |r: usize| from.add(r.min(lanes - 1) * stride);
            let [a, b, c, d] = if count == CHUNK {
                if lanes == LANES { quarters(|r| from.add(r * stride)) } else { quarters(row) }
            } else {
                let mut padded = [Lane([0.0_f32; LANES]); LANES / 2];
                let padded = padded.as_mut_ptr().cast::<f32>();
                for r in 0..LANES {
                    _mm256_storeu_ps(padded.add(r * CHUNK), _mm256_maskz_loadu_ps(first(count) as u8, row(r)));
                }
                quarters(|r| padded.add(r * CHUNK))
            };
            let store = |j: usize, column: __m512i| {
                if j < count {
                    _mm512_storeu_si512(to.add(j * to_stride).cast(), column);
                }
            };
            for (j, quarter) in [a, b, c, d].into_iter().enumerate() {
                store(2 * j, low_words(quarter));
                store(2 * j + 1, high_words(quarter));
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
        // SAFETY: see above; every word of a row can be counted by an i32.
        unsafe {
            let all = |v: u32| _mm512_set1_epi32(v.cast_signed());
            let code = |c: u8| _mm512_set1_epi32(i32::from(c));
            let (rows, width, stride) = (by.rows, by.rows.width(), by.rows.stride());
            let number = _mm512_loadu_si512(group.as_ptr().cast());
            let campaign = _mm512_xor_si512(number, all(by.tag));
            let none = all(rows.campaigns());
            let known = _mm512_cmplt_epu32_mask(campaign, none);
            let organic = _mm512_cmpeq_epi32_mask(number, all(by.organic));
            let unknown = _mm512_cmpeq_epi32_mask(number, all(by.unknown));
            let at = _mm512_mask_mov_epi32(none, known, campaign);
            let place = if stride == ROW { _mm512_slli_epi32::<3>(at) } else { _mm512_mullo_epi32(at, all(stride as u32)) };
            let mut places = Lane([0_u32; LANES]);
            _mm512_store_si512(places.0.as_mut_ptr().cast(), place);
            let words = rows.words().as_ptr();
            let [near, far, starts, ends] = quarters(|r| words.add(places.0[r] as usize));
            let put = |c: usize, price: __m512i| {
                if c < width {
                    _mm512_store_si512(prices.add(c).cast(), price);
                }
            };
            put(0, low_words(near));
            put(1, high_words(near));
            put(2, low_words(far));
            for c in NEAR..width {
                put(c, _mm512_i32gather_epi32::<4>(place, words.add(word_of(c)).cast()));
            }
            let sets = high_words(far);
            let market = bits(by.markets, _mm512_and_si512(sets, all(0xffff)));
            let surface = bits(by.surfaces, _mm512_srli_epi32::<16>(sets));
            let flies = by.time.map_or(u16::MAX, |time| {
                let time = _mm512_set1_epi64(time);
                let half = |h: usize| _mm512_mask_cmple_epi64_mask(_mm512_cmple_epi64_mask(starts[h], time), time, ends[h]);
                u16::from(half(0)) | u16::from(half(1)) << 8
            });
            let mut code_of = _mm512_mask_mov_epi32(code(by.codes.flight), flies, code(by.codes.scored));
            code_of = _mm512_mask_mov_epi32(code(by.codes.surface), surface, code_of);
            code_of = _mm512_mask_mov_epi32(code(by.codes.market), market, code_of);
            code_of = _mm512_mask_mov_epi32(code(by.codes.unknown), known, code_of);
            code_of = _mm512_mask_mov_epi32(code_of, organic, code(by.codes.organic));
            _mm_storeu_si128(codes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(code_of));
            let scored = known & market & surface & flies;
            _mm512_storeu_si512(home.as_mut_ptr().cast(), _mm512_mask_mov_epi32(none, scored, campaign));
            known | organic | unknown == u16::MAX
        }
    }
}
