//! One request: who is admitted, what each candidate scores, and who leads. [`admit`], [`weigh`] and [`lead`] run one after the other on one
//! [`Bench`] of scratch memory.

mod admit;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bench;
mod lead;
mod rows;
mod serve;
mod weigh;

pub use admit::{Admission, admit, admit_on};
pub use bench::{Bench, Codes};
pub use lead::{lead, lead_on};
pub use rows::{HotRow, HotRows};
pub use weigh::{Amounts, Fill, UNPRICED, Weighing, weigh, weigh_on, within, within_on};
