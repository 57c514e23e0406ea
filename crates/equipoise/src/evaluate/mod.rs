//! What a policy would do: logs run through it by the serving rule.

mod replay;

pub use replay::{Replay, replay, replay_gated};
