//! Which instructions are in use.

/// The instruction sets that the loops are written for. All run the same operations in the same order, so the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Whatever the target always has.
    Portable,
    /// NEON, of ARM of 64 bits.
    Neon,
    /// AVX2.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Path {
    /// The paths that this machine can run.
    #[must_use]
    pub fn available() -> &'static [Self] {
        match widest() {
            Self::Portable => &[Self::Portable],
            Self::Neon => &[Self::Portable, Self::Neon],
            Self::Avx2 => &[Self::Portable, Self::Avx2],
            Self::Avx512 => &[Self::Portable, Self::Avx2, Self::Avx512],
        }
    }

    /// Whether this machine can run the path.
    #[inline]
    pub(crate) fn is_available(self) -> bool {
        self == Self::Portable || Self::available().contains(&self)
    }
}

/// The path in use: the widest that the machine has, unless `EQUIPOISE_PATH` (`portable`, `neon`, `avx2`, `avx512`) names a narrower one.
#[must_use]
pub fn path() -> Path {
    static CHOSEN: std::sync::OnceLock<Path> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let widest = widest();
        let asked = std::env::var("EQUIPOISE_PATH").unwrap_or_default();
        match (asked.as_str(), widest) {
            ("portable", _) => Path::Portable,
            ("avx2", Path::Avx512) => Path::Avx2,
            _ => widest,
        }
    })
}

#[cfg(target_arch = "x86_64")]
fn widest() -> Path {
    // Every machine with AVX2 counts bits.
    if !is_x86_feature_detected!("popcnt") {
        Path::Portable
    } else if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
    {
        Path::Avx512
    } else if is_x86_feature_detected!("avx2") {
        Path::Avx2
    } else {
        Path::Portable
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn widest() -> Path {
    // ARM of 64 bits always has NEON; with the highest byte first, lanes were never tried.
    if cfg!(all(target_arch = "aarch64", target_endian = "little")) { Path::Neon } else { Path::Portable }
}
