//! What `table.rs` is built from: here the real things, in its model (`tests/table_model.rs`) those of a scheduler.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, OnceLock, PoisonError};
pub(crate) use std::thread::yield_now;
