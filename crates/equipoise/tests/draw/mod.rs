//! Random numbers that need no crate and no seed file.

use equipoise::model::mix;

/// The numbers that follow from a seed.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    /// The next number in `[0, 1)`.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = mix(self.0);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The next whole number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}
