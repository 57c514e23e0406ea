//! What scoring asks of sixteen lanes beside [`Lanes`], and the portable twin of it.

use crate::block::LANES;
use crate::lanes::{Lanes, Portable};

/// Most measures that are transposed at a time.
pub(super) const CHUNK: usize = 8;

/// # Safety
/// All methods need the instructions of their path. Pointers must be good for what they are said to read or write.
pub(super) trait Serve: Lanes {
    /// One bit for each lane, in the path's own form.
    type Mask: Copy;
    /// Loads `count <= LANES` numbers, zeros after them.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;
    /// Stores the first `count <= LANES` lanes.
    unsafe fn store_first(self, to: *mut f32, count: usize);
    /// The greater bit pattern, unsigned.
    unsafe fn max_bits(self, other: Self) -> Self;
    /// Lanes that have these very bits.
    unsafe fn with_bits(self, bits: u32) -> Self::Mask;
    /// Lanes that are greater than the other's.
    unsafe fn above(self, other: Self) -> Self::Mask;
    /// Lanes of `self` where the mask is set, of `other` elsewhere.
    unsafe fn select(self, mask: Self::Mask, other: Self) -> Self;
    /// Lanes of this code.
    unsafe fn of_code(codes: &[u8; LANES], code: u8) -> Self::Mask;
    /// Writes a code where the mask is set.
    unsafe fn set_code(mask: Self::Mask, codes: &mut [u8; LANES], code: u8);
    /// Writes the numbers `first + lane` of the lanes that are not below `bar`, ascending, and returns how many there are. Writes up to [`LANES`]
    /// numbers.
    unsafe fn pack_at_least(self, bar: Self, first: u32, to: *mut u32) -> usize;
    /// Turns `lanes <= LANES` rows of `count <= CHUNK` numbers, `stride` apart, into `count` columns of [`LANES`] numbers, `to_stride` apart. Lanes
    /// after the last hold copies of some row.
    unsafe fn transpose(from: *const f32, stride: usize, lanes: usize, count: usize, to: *mut f32, to_stride: usize);
}

impl Serve for Portable {
    type Mask = [bool; LANES];

    #[inline]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut out = [0.0; LANES];
        // SAFETY: the caller's promise.
        out[..count].copy_from_slice(unsafe { std::slice::from_raw_parts(from, count) });
        Self(out)
    }

    #[inline]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(to, count) }.copy_from_slice(&self.0[..count]);
    }

    #[inline]
    unsafe fn max_bits(self, other: Self) -> Self {
        // Flipped, unsigned numbers compare as signed ones do, which every machine can do in lanes.
        self.zip(other, |a, b| if (a.to_bits() ^ 1 << 31).cast_signed() > (b.to_bits() ^ 1 << 31).cast_signed() { a } else { b })
    }

    #[inline]
    unsafe fn with_bits(self, bits: u32) -> [bool; LANES] {
        self.0.map(|v| v.to_bits() == bits)
    }

    #[inline]
    unsafe fn above(self, other: Self) -> [bool; LANES] {
        std::array::from_fn(|i| self.0[i] > other.0[i])
    }

    #[inline]
    unsafe fn select(self, mask: [bool; LANES], other: Self) -> Self {
        Self(std::array::from_fn(|i| if mask[i] { self.0[i] } else { other.0[i] }))
    }

    #[inline]
    unsafe fn of_code(codes: &[u8; LANES], code: u8) -> [bool; LANES] {
        codes.map(|c| c == code)
    }

    #[inline]
    unsafe fn set_code(mask: [bool; LANES], codes: &mut [u8; LANES], code: u8) {
        for (c, set) in codes.iter_mut().zip(mask) {
            *c = if set { code } else { *c };
        }
    }

    #[inline]
    unsafe fn pack_at_least(self, bar: Self, first: u32, to: *mut u32) -> usize {
        let mut count = 0;
        for i in 0..LANES {
            // SAFETY: the caller's promise; no more numbers are written than there are lanes.
            unsafe { *to.add(count) = first + i as u32 };
            count += usize::from(self.0[i] >= bar.0[i]);
        }
        count
    }

    #[inline]
    unsafe fn transpose(from: *const f32, stride: usize, lanes: usize, count: usize, to: *mut f32, to_stride: usize) {
        for lane in 0..LANES {
            for j in 0..count {
                // SAFETY: the caller's promise.
                unsafe { *to.add(j * to_stride + lane) = *from.add(lane.min(lanes - 1) * stride + j) };
            }
        }
    }
}
