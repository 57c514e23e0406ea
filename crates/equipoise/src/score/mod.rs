//! One request: scores, the serving rule, the slate and explanations.

pub use crate::model::Reason;
