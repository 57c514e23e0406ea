//! Sixteen f32 side by side: the operations that a scan is made of, once for each path.
//!
//! Every implementation rounds each operation once, to nearest, and takes no fused multiply-add: equal bits. No operand is ever NaN.

use crate::block::LANES;

/// A column index of either width.
pub(crate) trait Index: Copy {
    /// As an index.
    fn index(self) -> usize;
    /// Whether it is 16 bits wide.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only x86-64 gathers by a register of indices"))]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    /// Both zeros among them, whose lesser is the second operand.
    const ODD: [f32; LANES] =
        [0.0, -0.0, 1e-45, -1e-45, 1.0, -1.0, 1.000_000_1, 3e38, -3e38, 1e-30, -1e-30, 0.1, -0.1, f32::MIN_POSITIVE, 16_777_216.0, 0.3];

    /// The bits of every operation's answer.
    ///
    /// # Safety
    /// The machine must have the lanes' instructions.
    unsafe fn said<L: Lanes>(a: &[f32; LANES], b: &[f32; LANES]) -> Vec<u32> {
        let (narrow, wide) = (std::array::from_fn(|i| (i as u16 * 7) % 16), std::array::from_fn(|i| (i as u32 * 5 + 3) % 16));
        let mut said = Vec::new();
        // SAFETY: the caller's promise; indices are below the tables' length.
        unsafe {
            let (x, y) = (L::load(a), L::load(b));
            let gathered = [L::gather::<u16>(a, &narrow), L::gather::<u32>(b, &wide), L::splat(a[1])];
            let found = [x.add(y), x.sub(y), x.mul(y), x.min(y), x.max(y), x.abs(), x.tag(31, 5), x.choose(0b0110_1001_1100_0101, y)];
            for lanes in gathered.into_iter().chain(found) {
                let mut out = [0.0; LANES];
                lanes.store(&mut out);
                said.extend(out.map(f32::to_bits));
            }
            said.extend([u32::from(x.at_least(y)), u32::from(x.equal(y))]);
        }
        said
    }

    #[test]
    fn every_operation_gives_the_portable_bits() {
        for turn in 0..LANES {
            let mut other = ODD;
            other.rotate_left(turn);
            // SAFETY: only paths of this machine are run.
            unsafe {
                let portable = said::<Portable>(&ODD, &other);
                for path in Path::available() {
                    let found = match path {
                        #[cfg(target_arch = "x86_64")]
                        Path::Avx512 => said::<crate::x86::Avx512>(&ODD, &other),
                        #[cfg(target_arch = "x86_64")]
                        Path::Avx2 => said::<crate::x86::Avx2>(&ODD, &other),
                        #[cfg(target_arch = "aarch64")]
                        Path::Neon => said::<crate::neon::Neon>(&ODD, &other),
                        _ => continue,
                    };
                    assert_eq!(found, portable, "{path:?}, turned by {turn}");
                }
            }
        }
    }
}
