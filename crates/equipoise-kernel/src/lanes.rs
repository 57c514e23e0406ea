//! Sixteen f32 side by side: the operations that a scan is made of, once for each path.
//!
//! Every implementation rounds each operation once, to nearest, and takes no fused multiply-add: equal bits. No operand is ever NaN.

use crate::block::LANES;

/// A column index of either width.
pub(crate) trait Index: Copy {
    /// As an index.
    fn index(self) -> usize;
    /// Whether it is 16 bits wide.
    const NARROW: bool;
}

impl Index for u16 {
    fn index(self) -> usize {
        self.into()
    }
    const NARROW: bool = true;
}

impl Index for u32 {
    fn index(self) -> usize {
        self as usize
    }
    const NARROW: bool = false;
}

/// One f32 for each lane; masks have one bit for each.
///
/// # Safety
/// All methods need the instructions of their path; `gather` needs every index to lie inside the table.
pub(crate) trait Lanes: Copy {
    unsafe fn splat(v: f32) -> Self;
    unsafe fn load(from: &[f32; LANES]) -> Self;
    unsafe fn store(self, to: &mut [f32; LANES]);
    unsafe fn gather<I: Index>(table: &[f32], at: &[I; LANES]) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// The lesser; `other` of equals.
    unsafe fn min(self, other: Self) -> Self;
    /// The greater; `other` of equals.
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// The bits of `mask` replaced by `tag`.
    unsafe fn tag(self, mask: u32, tag: u32) -> Self;
    /// Lanes that are at least the other's.
    unsafe fn at_least(self, other: Self) -> u16;
    /// Lanes that equal the other's.
    unsafe fn equal(self, other: Self) -> u16;
    /// Lanes of `self` where the mask is set, of `other` elsewhere.
    unsafe fn choose(self, mask: u16, other: Self) -> Self;
}

/// The portable path.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

impl Portable {
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        Self(out)
    }

    fn mask(self, other: Self, f: impl Fn(f32, f32) -> bool) -> u16 {
        self.0.iter().zip(other.0).enumerate().fold(0, |m, (i, (a, b))| m | (u16::from(f(*a, b)) << i))
    }
}

impl Lanes for Portable {
    #[inline]
    unsafe fn splat(v: f32) -> Self {
        Self([v; LANES])
    }
    #[inline]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }
    #[inline]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }
    #[inline]
    unsafe fn gather<I: Index>(table: &[f32], at: &[I; LANES]) -> Self {
        // SAFETY: the caller's promise.
        Self(at.map(|i| unsafe { *table.get_unchecked(i.index()) }))
    }
    #[inline]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline]
    unsafe fn abs(self) -> Self {
        Self(self.0.map(f32::abs))
    }
    #[inline]
    unsafe fn tag(self, mask: u32, tag: u32) -> Self {
        Self(self.0.map(|v| f32::from_bits((v.to_bits() & !mask) | tag)))
    }
    #[inline]
    unsafe fn at_least(self, other: Self) -> u16 {
        self.mask(other, |a, b| a >= b)
    }
    #[inline]
    unsafe fn equal(self, other: Self) -> u16 {
        self.mask(other, |a, b| a == b)
    }
    #[inline]
    unsafe fn choose(self, mask: u16, other: Self) -> Self {
        let mut out = other.0;
        for (i, o) in out.iter_mut().enumerate() {
            if mask & (1 << i) != 0 {
                *o = self.0[i];
            }
        }
        Self(out)
    }
}
