//! One request: who is admitted, what each candidate scores, and who leads. [`admit`], [`weigh`] and [`lead`] run one after the other on one
//! [`Bench`] of scratch memory. The AVX-512 and AVX2 paths share one source over sixteen lanes; `plain` is their portable twin, which every other
//! machine takes, ARM among them: lanes of NEON are not written, because they could not be checked where this was.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only x86-64 has lanes of its own"))]

mod admit;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bench;
mod lead;
mod plain;
mod rows;
mod serve;
mod weigh;

pub use admit::{Admission, admit, admit_on};
pub use bench::{Bench, Codes};
pub use lead::{lead, lead_on};
pub use rows::HotRows;
pub use weigh::{Fill, Measures, UNPRICED, Weighing, weigh, weigh_on, within, within_on};
