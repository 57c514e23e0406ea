//! What scoring asks of sixteen lanes beside [`Lanes`].

use crate::block::LANES;
use crate::lanes::Lanes;

/// Most measures that are transposed at a time.
pub(super) const CHUNK: usize = 8;

/// # Safety
/// All methods need the instructions of their path. Pointers must be good for what they are said to read or write.
pub(super) trait Serve: Lanes {
    /// One bit for each lane, in the path's own form.
    type Mask: Copy;
    /// Groups that are weighed side by side, 2 or 4: as many as the path has registers for.
    const ABREAST: usize = 4;
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
