//! The inner loops of equipoise and its [`reserve`] of memory: the only place below the bindings where unsafe code may live.
//!
//! Every path computes the same bits: the same operations in the same order, no fused multiply-add. One source, [`choose()`] for the pass and
//! [`score`] for a request, is written over sixteen lanes; the lanes are plain Rust, four NEON registers, two of AVX2 or one of AVX-512. What a
//! path does in its own way is one method of its lanes. [`lottery`] leaves its eight lanes to the compiler.

mod block;
mod choose;
pub mod elementary;
mod hash;
mod lanes;
pub mod lottery;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod pages;
mod path;
pub mod reserve;
pub mod score;
mod tally;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use block::{Block, Columns, Group, LANES, Lane, PAD, Row};
pub use choose::{Margins, Prices, Scratch, Taker, choose, choose_on};
pub use hash::mix;
pub use path::{Path, path};
pub use tally::{Tally, nearest};
