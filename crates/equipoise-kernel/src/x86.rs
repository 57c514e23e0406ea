//! [`Lanes`] on x86-64: one AVX-512 register, or two of AVX2.
#![expect(clippy::inline_always, reason = "inlined into a function that has the instructions, each of these is one or two of them")]
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use crate::block::LANES;
use crate::lanes::{Index, Lanes};
use std::arch::x86_64::*;

/// The AVX-512 path.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(pub(crate) __m512);

// SAFETY of every block below: the caller promises the path's instructions and indices inside the table; references are to whole lanes.
impl Lanes for Avx512 {
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_set1_ps(v)) }
    }
    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_loadu_ps(from.as_ptr())) }
    }
    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    unsafe fn gather<I: Index>(table: &[f32], at: &[I; LANES]) -> Self {
        // SAFETY: see above; a narrow index is 16 bits, a wide one 32.
        unsafe {
            let index = if I::NARROW {
                _mm512_cvtepu16_epi32(_mm256_loadu_si256(at.as_ptr().cast()))
            } else {
                _mm512_loadu_si512(at.as_ptr().cast())
            };
            Self(_mm512_i32gather_ps::<4>(index, table.as_ptr()))
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_min_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_max_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_abs_ps(self.0)) }
    }
    #[inline(always)]
    unsafe fn tag(self, mask: u32, tag: u32) -> Self {
        // SAFETY: see above.
        unsafe {
            let kept = _mm512_andnot_si512(_mm512_set1_epi32(mask as i32), _mm512_castps_si512(self.0));
            Self(_mm512_castsi512_ps(_mm512_or_si512(kept, _mm512_set1_epi32(tag as i32))))
        }
    }
    #[inline(always)]
    unsafe fn at_least(self, other: Self) -> u16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, other.0) }
    }
    #[inline(always)]
    unsafe fn equal(self, other: Self) -> u16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0) }
    }
    #[inline(always)]
    unsafe fn choose(self, mask: u16, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm512_mask_mov_ps(other.0, mask, self.0)) }
    }
}

/// The AVX2 path.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(pub(crate) __m256, pub(crate) __m256);

impl Avx2 {
    #[inline(always)]
    pub(crate) unsafe fn mask<const PREDICATE: i32>(self, other: Self) -> u16 {
        // SAFETY: the caller's promise.
        unsafe {
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<PREDICATE>(self.0, other.0));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<PREDICATE>(self.1, other.1));
            (low | (high << 8)) as u16
        }
    }
}

// SAFETY of every block below: as for AVX-512.
impl Lanes for Avx2 {
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_set1_ps(v), _mm256_set1_ps(v)) }
    }
    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), self.0);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn gather<I: Index>(table: &[f32], at: &[I; LANES]) -> Self {
        // SAFETY: see above; a narrow index is 16 bits, a wide one 32.
        unsafe {
            let (low, high) = if I::NARROW {
                let at = _mm256_loadu_si256(at.as_ptr().cast());
                (_mm256_cvtepu16_epi32(_mm256_castsi256_si128(at)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256::<1>(at)))
            } else {
                (_mm256_loadu_si256(at.as_ptr().cast()), _mm256_loadu_si256(at.as_ptr().add(8).cast()))
            };
            Self(_mm256_i32gather_ps::<4>(table.as_ptr(), low), _mm256_i32gather_ps::<4>(table.as_ptr(), high))
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: see above.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            Self(_mm256_andnot_ps(sign, self.0), _mm256_andnot_ps(sign, self.1))
        }
    }
    #[inline(always)]
    unsafe fn tag(self, mask: u32, tag: u32) -> Self {
        // SAFETY: see above.
        unsafe {
            let (mask, tag) = (_mm256_castsi256_ps(_mm256_set1_epi32(mask as i32)), _mm256_castsi256_ps(_mm256_set1_epi32(tag as i32)));
            Self(_mm256_or_ps(_mm256_andnot_ps(mask, self.0), tag), _mm256_or_ps(_mm256_andnot_ps(mask, self.1), tag))
        }
    }
    #[inline(always)]
    unsafe fn at_least(self, other: Self) -> u16 {
        // SAFETY: see above.
        unsafe { self.mask::<_CMP_GE_OQ>(other) }
    }
    #[inline(always)]
    unsafe fn equal(self, other: Self) -> u16 {
        // SAFETY: see above.
        unsafe { self.mask::<_CMP_EQ_OQ>(other) }
    }
    #[inline(always)]
    unsafe fn choose(self, mask: u16, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let low = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask.into()), bits), bits);
            let high = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((mask >> 8).into()), bits), bits);
            Self(_mm256_blendv_ps(other.0, self.0, _mm256_castsi256_ps(low)), _mm256_blendv_ps(other.1, self.1, _mm256_castsi256_ps(high)))
        }
    }
}
