//! Promotion scoring and allocation: which promotions to show to whom, and how strongly.
//!
//! See the repository's `DESIGN.md` for the words, the mathematics and the contracts between the modules.
#![forbid(unsafe_code)]

pub mod error;
pub mod evaluate;
pub mod exchange;
pub mod model;
pub mod plan;
pub mod policy;
pub mod score;
#[cfg(feature = "arrow")]
pub mod table;
pub mod utility;

pub use error::{Error, Fault, Kind, Result};
pub use model::{Campaigns, Opportunities, Problem};
