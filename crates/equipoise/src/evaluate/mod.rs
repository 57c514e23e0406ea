//! What a policy would do: logs and batches of requests run through it by the serving rule.

mod batch;
mod replay;
mod shares;

pub use batch::{Batch, Each, Outcome};
pub use replay::{Replay, replay, replay_gated};
#[cfg(feature = "arrow")]
pub(crate) use {
    batch::Scratch,
    replay::{each, of_log},
    shares::{threads_for, work_through},
};
