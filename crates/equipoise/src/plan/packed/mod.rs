//! Packed files: a log in native blocks on disk, written once by [`pack`], planned from by [`plan_packed`] as often as wanted, and never held
//! in memory whole.
//!
//! What is decided at packing: which rows are eligible (flights, markets, surfaces, `shift`), the hold-out (`holdout`, `seed`), the measures
//! kept (those of the problem, as f32), and which segments goals tell apart. What is free at planning: all goals on these measures and
//! scopes with their limits and penalties, objectives, `traffic`, tolerance, limits. Campaigns must be the ones of the packing, by id.
//!
//! The file: 16 bytes of magic and version; per 4,096 opportunities a part of rows (what passes read) and a part of opportunities (weight,
//! slots, segment, organic value, key, rows of the log); the log as it is in chunks of about 2^18 rows, planned on and held out apart; a manifest in JSON with names and the place, length and BLAKE3 of every
//! part; and 56 bytes: place and length of the manifest, BLAKE3 of it and of all that is said about it, magic. It is written beside its path and
//! renamed. Every part is checked against its digest whenever it is read, and files are read, not mapped: one that is cut off or changed
//! under a plan is an error.

mod bytes;
mod chunk;
mod decisions;
mod facts;
mod gather;
mod manifest;
mod noise;
mod read;
mod solve;
mod stored;
mod write;

pub(in crate::plan) use decisions::Answered;
pub use decisions::PackedDecisions;
pub use read::PackedLog;
pub use solve::plan_packed;
pub use write::{Packer, pack};

const MAGIC: &[u8; 8] = b"EQPACKED";
const FORMAT: u32 = 2;
/// Magic, version, zero.
const HEAD: usize = 16;
/// Offset and length of the manifest, digest, magic.
const TAIL: usize = 8 + 8 + 32 + 8;
/// Largest manifest read, in bytes.
const MANIFEST: u64 = 1 << 30;
/// Largest measure, weight and organic value, as in logs.
const LARGEST: f64 = 1e12;
