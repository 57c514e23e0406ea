//! What `publication.rs` is built from: here the real things, in its model (`tests/publication_model.rs`) those of a scheduler.

pub(super) use arc_swap::ArcSwap;
pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::{AtomicU64, Ordering};
