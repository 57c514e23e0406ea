//! Requests timed one by one: the percentiles that a mean hides.

use crate::timing::{Race, print};
use std::time::{Duration, Instant};

/// What is told of a tail, in thousandths.
pub(crate) const PERCENTILES: [(&str, usize); 3] = [("p50", 500), ("p99", 990), ("p99.9", 999)];

/// Single requests beyond this many are not timed: what they took is kept in memory that was touched beforehand.
const MOST: usize = 1 << 20;

/// Memory for what single requests take.
pub(crate) fn memory() -> Vec<u32> {
    let mut took = vec![1; MOST];
    took.clear();
    took
}

/// Calls `request` over and over for `span`, or until `took` is full; the nanoseconds of each call are added to `took`. A clock is read once
/// between two calls, which adds some 20 ns to each.
pub(crate) fn singles(span: Duration, took: &mut Vec<u32>, mut request: impl FnMut()) {
    let mut before = Instant::now();
    let end = before + span;
    while before < end && took.len() < took.capacity() {
        request();
        let after = Instant::now();
        took.push(u32::try_from((after - before).as_nanos()).unwrap_or(u32::MAX));
        before = after;
    }
}

/// The [`PERCENTILES`] of what requests took, which is sorted.
pub(crate) fn percentiles(took: &mut [u32]) -> [f64; 3] {
    took.sort_unstable();
    PERCENTILES.map(|(_, thousandths)| took.get(took.len() * thousandths / 1_000).map_or(f64::NAN, |ns| f64::from(*ns)))
}

/// Prints one number of each round beside another: medians over rounds.
pub(crate) fn compare(case: &str, peer: &str, mut ours: Vec<f64>, mut theirs: Vec<f64>) {
    ours.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    let rounds = ours.len();
    let (own, their) = (ours[rounds / 2], theirs[rounds / 2]);
    let spread = (ours[rounds * 3 / 4] - ours[rounds / 4]) / own;
    print(case, peer, &Race { times: vec![own, their], spread, rounds }, [0, 1], "ns");
}
