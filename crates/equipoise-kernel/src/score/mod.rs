//! One request: who is admitted, what each candidate scores, and who leads. [`admit`], [`weigh`] and [`lead`] run one after the other on one
//! [`Bench`] of scratch memory. The AVX-512, AVX2 and NEON paths share one source over sixteen lanes; `plain` is their portable twin, which every
//! other machine takes.
#![cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code, reason = "no lanes of its own"))]

mod admit;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bench;
mod lead;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
mod rows;
mod serve;
mod weigh;

pub use admit::{Admission, admit, admit_on};
pub use bench::{Bench, Codes};
pub use lead::{lead, lead_on, positives, positives_on};
pub use rows::HotRows;
pub use weigh::{Fill, Measures, UNPRICED, Weighing, weigh, weigh_on, within, within_on};
