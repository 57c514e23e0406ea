//! The inner loops of equipoise: the only place below the bindings where unsafe code may live.
//!
//! Every path computes the same bits: the same operations in the same order, no fused multiply-add. The portable path is plain Rust over
//! blocks of [`LANES`] rows that compilers turn into SIMD; hand-written paths take the same [`Block`] and must agree with it bit for bit.

mod block;
mod scan;

pub use block::{Block, Group, LANES, PAD, Row};
pub use scan::{Best, Path, Prices, path, scan};
