//! Counters and histograms as plain numbers; what exports them is the host's.
//!
//! [`series`] names every number once and for all; [`crate::score::Scorer::metrics`] gives their values in the same order, in one call. Names
//! follow OpenTelemetry, units UCUM. No number has a label per campaign.

mod counters;
mod series;

pub use series::{Kind, Metrics, Series, series};

pub(crate) use counters::{Counters, Degraded, Registry, Scored};
pub(crate) use series::{BREAKER_TRIPS, BREAKERS_ENGAGED, MEMORY_POLICIES, MEMORY_WORKSPACES, POLICY_AGE, SWITCHES_OFF, result_at};

use std::sync::atomic::{AtomicU64, Ordering};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Counts a panic that was caught at the border of a face: `equipoise.native.panics`, one number for the process.
pub fn count_panic() {
    PANICS.fetch_add(1, Ordering::Relaxed);
}

/// Panics that were caught so far.
#[must_use]
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}
