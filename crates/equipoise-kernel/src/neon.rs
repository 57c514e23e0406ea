//! [`Lanes`] on ARM of 64 bits: four registers of NEON, which every such machine has.
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use crate::block::LANES;
use crate::lanes::{Index, Lanes};
use std::arch::aarch64::*;

/// Lanes of a register.
pub(crate) const QUAD: usize = 4;

/// The NEON path.
#[derive(Clone, Copy)]
pub(crate) struct Neon(pub(crate) [float32x4_t; 4]);

/// A comparison's answer: all ones or zeros in each lane.
pub(crate) type Answer = [uint32x4_t; 4];

/// The low byte of each of sixteen words.
#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn bytes(of: Answer) -> uint8x16_t {
    let [a, b, c, d] = of.map(|quad| vreinterpretq_u16_u32(quad));
    vuzp1q_u8(vreinterpretq_u8_u16(vuzp1q_u16(a, b)), vreinterpretq_u8_u16(vuzp1q_u16(c, d)))
}

/// One bit for each lane of an answer.
#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn mask(of: Answer) -> u16 {
    // Each lane keeps its own bit, so that bits add up across lanes.
    const LOW: uint16x8_t = bits_of(0);
    const HIGH: uint16x8_t = bits_of(8);
    let [a, b, c, d] = of.map(|quad| vreinterpretq_u16_u32(quad));
    vaddvq_u16(vorrq_u16(vandq_u16(vuzp1q_u16(a, b), LOW), vandq_u16(vuzp1q_u16(c, d), HIGH)))
}

/// The bits of eight lanes.
const fn bits_of(first: u32) -> uint16x8_t {
    let (mut bits, mut lane) = ([0_u16; 8], 0);
    while lane < 8 {
        bits[lane] = 1 << (first + lane as u32);
        lane += 1;
    }
    // SAFETY: a register is eight such numbers.
    unsafe { std::mem::transmute(bits) }
}

/// The answer that has this mask.
#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn answer(mask: u16) -> Answer {
    const BITS: [uint32x4_t; 4] = {
        let (mut bits, mut lane) = ([0_u32; LANES], 0);
        while lane < LANES {
            bits[lane] = 1 << lane;
            lane += 1;
        }
        // SAFETY: four registers are sixteen such numbers.
        unsafe { std::mem::transmute(bits) }
    };
    let all = vdupq_n_u32(mask.into());
    BITS.map(|bits| vtstq_u32(all, bits))
}

impl Neon {
    /// The same of two registers, four times.
    #[inline]
    pub(crate) fn zip<T>(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> T) -> [T; 4] {
        let (a, b) = (self.0, other.0);
        [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
    }

    /// Lanes of `self` where the answer is yes, of `other` elsewhere.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(crate) fn pick(self, yes: Answer, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([vbslq_f32(yes[0], a[0], b[0]), vbslq_f32(yes[1], a[1], b[1]), vbslq_f32(yes[2], a[2], b[2]), vbslq_f32(yes[3], a[3], b[3])])
    }
}

// SAFETY of every block below: the caller promises indices inside the table; references are to whole lanes. NEON is always there.
impl Lanes for Neon {
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn splat(v: f32) -> Self {
        Self([vdupq_n_f32(v); 4])
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        let from = from.as_ptr();
        // SAFETY: see above.
        unsafe { Self([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]) }
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        for (q, quad) in self.0.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { vst1q_f32(to.add(q * QUAD), quad) }
        }
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn gather<I: Index>(table: &[f32], at: &[I; LANES]) -> Self {
        let (table, mut out) = (table.as_ptr(), [vdupq_n_f32(0.0); 4]);
        for (q, quad) in out.iter_mut().enumerate() {
            // NEON gathers nothing: each lane is loaded by itself, straight into its place.
            // SAFETY: see above.
            unsafe {
                *quad = vld1q_dup_f32(table.add(at[q * QUAD].index()));
                *quad = vld1q_lane_f32::<1>(table.add(at[q * QUAD + 1].index()), *quad);
                *quad = vld1q_lane_f32::<2>(table.add(at[q * QUAD + 2].index()), *quad);
                *quad = vld1q_lane_f32::<3>(table.add(at[q * QUAD + 3].index()), *quad);
            }
        }
        Self(out)
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn add(self, other: Self) -> Self {
        Self(self.zip(other, |a, b| vaddq_f32(a, b)))
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn sub(self, other: Self) -> Self {
        Self(self.zip(other, |a, b| vsubq_f32(a, b)))
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn mul(self, other: Self) -> Self {
        Self(self.zip(other, |a, b| vmulq_f32(a, b)))
    }
    // NEON's own lesser and greater take -0 for less than +0, which the other paths hold to be equal.
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn min(self, other: Self) -> Self {
        self.pick(self.zip(other, |a, b| vcltq_f32(a, b)), other)
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn max(self, other: Self) -> Self {
        self.pick(self.zip(other, |a, b| vcgtq_f32(a, b)), other)
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn abs(self) -> Self {
        Self(self.0.map(|quad| vabsq_f32(quad)))
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn tag(self, mask: u32, tag: u32) -> Self {
        let (mask, tag) = (vdupq_n_u32(mask), vdupq_n_u32(tag));
        Self(self.0.map(|quad| vreinterpretq_f32_u32(vorrq_u32(vbicq_u32(vreinterpretq_u32_f32(quad), mask), tag))))
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn at_least(self, other: Self) -> u16 {
        mask(self.zip(other, |a, b| vcgeq_f32(a, b)))
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn equal(self, other: Self) -> u16 {
        mask(self.zip(other, |a, b| vceqq_f32(a, b)))
    }
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn choose(self, mask: u16, other: Self) -> Self {
        self.pick(answer(mask), other)
    }
}
