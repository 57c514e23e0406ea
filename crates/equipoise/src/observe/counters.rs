//! What workspaces count: each its own, by one writer, read by whoever asks.

use crate::error::CODES;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Why a request keeps its organic order whatever its candidates: the values of the label `reason`, by [`Degraded`].
pub(super) const DEGRADED: [&str; 3] = ["no_policy", "expired", "switched_off"];

/// Why a request keeps its organic order whatever its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Degraded {
    /// The policy holds no campaign.
    NoPolicy = 0,
    /// Its `valid_until` has passed.
    Expired = 1,
    /// A switch of its market, of its surface, or of everything.
    SwitchedOff = 2,
}

// The places of a workspace's numbers, in the order of `series`.
const REQUESTS: usize = 0;
const CANDIDATES: usize = 1;
const PICKS: usize = 2;
const UNKNOWN_CAMPAIGNS: usize = 3;
const UNKNOWN_SEGMENTS: usize = 4;
const DROPPED: usize = 5;
const DEGRADATIONS: usize = 6;
const ERRORS: usize = DEGRADATIONS + DEGRADED.len();
pub(super) const BUCKETS: usize = ERRORS + CODES.len();
pub(super) const DURATION: usize = BUCKETS + BUCKET_COUNT;
pub(super) const LENGTH: usize = DURATION + 1;

/// The first bucket ends at 2^7 ns; each one after at twice that, the last never.
const FIRST_BUCKET: u32 = 7;
pub(super) const BUCKET_COUNT: usize = 18;

/// The longest duration of bucket `b`, in nanoseconds; `None` for the last.
pub(super) fn bucket_end(b: usize) -> Option<u64> {
    (b + 1 < BUCKET_COUNT).then(|| 1 << (FIRST_BUCKET + b as u32))
}

fn bucket_of(nanos: u64) -> usize {
    let above = u64::BITS - nanos.saturating_sub(1).leading_zeros();
    (above.saturating_sub(FIRST_BUCKET) as usize).min(BUCKET_COUNT - 1)
}

/// What one workspace has counted. One thread at a time adds, any may read; alone in its cache lines.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct Counters {
    cells: [AtomicU64; LENGTH],
    /// Bytes that the workspace holds now.
    memory: AtomicU64,
}

/// What a request came to.
pub(crate) struct Scored {
    pub(crate) candidates: usize,
    /// Those of unknown campaigns.
    pub(crate) unknown: u64,
    /// Those with numbers that cannot be used.
    pub(crate) dropped: usize,
    pub(crate) picks: usize,
    pub(crate) known_segment: bool,
    pub(crate) degraded: Option<Degraded>,
}

impl Counters {
    fn new() -> Self {
        Self { cells: [const { AtomicU64::new(0) }; LENGTH], memory: AtomicU64::new(0) }
    }

    /// Adds without a locked instruction: nobody else writes.
    #[inline]
    fn add(&self, at: usize, n: u64) {
        let cell = &self.cells[at];
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Requests so far.
    #[inline]
    pub(crate) fn requests(&self) -> u64 {
        self.cells[REQUESTS].load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn scored(&self, scored: &Scored) {
        self.add(REQUESTS, 1);
        self.add(CANDIDATES, scored.candidates as u64);
        self.add(PICKS, scored.picks as u64);
        self.add(UNKNOWN_CAMPAIGNS, scored.unknown);
        self.add(UNKNOWN_SEGMENTS, u64::from(!scored.known_segment));
        if scored.dropped > 0 {
            self.add(DROPPED, scored.dropped as u64);
        }
        if let Some(reason) = scored.degraded {
            self.add(DEGRADATIONS + reason as usize, 1);
        }
    }

    #[cold]
    pub(crate) fn failed(&self, code: &str) {
        self.add(REQUESTS, 1);
        if let Some(at) = CODES.iter().position(|c| c.0 == code) {
            self.add(ERRORS + at, 1);
        }
    }

    pub(crate) fn took(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.add(BUCKETS + bucket_of(nanos), 1);
        self.add(DURATION, nanos);
    }

    /// Notes what the workspace holds, in bytes.
    #[inline]
    pub(crate) fn holds(&self, bytes: usize) {
        self.memory.store(bytes as u64, Ordering::Relaxed);
    }
}

/// The counters of every workspace of a scorer.
#[derive(Debug)]
pub(crate) struct Registry(Mutex<Registered>);

#[derive(Debug)]
struct Registered {
    present: Vec<Arc<Counters>>,
    /// What workspaces that are gone have counted.
    past: [u64; LENGTH],
    /// Look for those that are gone once this many are registered.
    next_look: usize,
}

impl Registered {
    fn let_go(&mut self) {
        let past = &mut self.past;
        self.present.retain_mut(|counters| {
            // Nobody else can come by counters that only this list holds; `get_mut` sees all that was added.
            let gone = Arc::get_mut(counters).is_some();
            if gone {
                add_to(past, counters);
            }
            !gone
        });
    }
}

fn add_to(sums: &mut [u64; LENGTH], counters: &Counters) {
    for (sum, cell) in sums.iter_mut().zip(&counters.cells) {
        *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
    }
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Registered { present: Vec::new(), past: [0; LENGTH], next_look: 64 }))
    }

    /// Counters for a new workspace; those of workspaces that are gone are added up now and then.
    pub(crate) fn register(&self) -> Arc<Counters> {
        let counters = Arc::new(Counters::new());
        let mut registered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if registered.present.len() >= registered.next_look {
            registered.let_go();
            registered.next_look = (2 * registered.present.len()).max(64);
        }
        registered.present.push(Arc::clone(&counters));
        counters
    }

    /// The sums over all workspaces, present and past, and the bytes that those present hold.
    pub(crate) fn sums(&self) -> ([u64; LENGTH], u64) {
        let mut registered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        registered.let_go();
        let mut sums = registered.past;
        registered.present.iter().for_each(|counters| add_to(&mut sums, counters));
        (sums, registered.present.iter().map(|c| c.memory.load(Ordering::Relaxed)).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        for nanos in (0..70_000).chain([1 << 23, (1 << 23) + 1, u64::MAX]) {
            let wanted = (0..BUCKET_COUNT).find(|b| bucket_end(*b).is_none_or(|end| nanos <= end));
            assert_eq!(Some(bucket_of(nanos)), wanted, "{nanos} ns");
        }
    }

    #[test]
    fn what_is_gone_stays_counted() {
        let registry = Registry::new();
        for _ in 0..1_000 {
            let counters = registry.register();
            counters.failed("invalid_input.shape");
            counters.holds(10);
        }
        let last = registry.register();
        last.failed("invalid_input.shape");
        last.holds(3);
        assert!(registry.0.lock().expect("not poisoned").present.len() < 200);
        let (sums, bytes) = registry.sums();
        assert_eq!((sums[REQUESTS], sums[ERRORS], bytes), (1_001, 1_001, 3));
    }
}
