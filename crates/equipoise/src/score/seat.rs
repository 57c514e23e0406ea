//! A workspace's place at a scorer.

use super::{Gates, Workspace};
use crate::model::Reason;
use crate::observe::Counters;
use std::sync::Arc;

/// What a workspace keeps of the scorer that it was last used with.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The scorer's number.
    pub(super) scorer: u64,
    pub(super) counters: Arc<Counters>,
    /// What `gates` were read from, and for which policy. The scorer holds them too, so that they are never freed here.
    pub(super) edition: u64,
    pub(super) policy: [u8; 16],
    pub(super) gates: Option<Arc<Gates>>,
    /// The largest request so far.
    largest: usize,
}

impl Seat {
    /// A new seat; there is no edition 0.
    pub(super) fn new(scorer: u64, counters: Arc<Counters>) -> Self {
        Self { scorer, counters, edition: 0, policy: [0; 16], gates: None, largest: 0 }
    }

    /// Tells the counters what the workspace holds, when it may have grown.
    #[inline]
    pub(super) fn note_memory(&mut self, workspace: &Workspace) {
        let capacity = workspace.capacity();
        if capacity != self.largest {
            self.largest = capacity;
            self.counters.holds(workspace.memory());
        }
    }
}

/// Reasons that are looked at together.
const LANES: usize = 16;
/// One for each of the last `n` of [`LANES`], from place `n` on.
const LAST: [u8; 2 * LANES] = {
    let mut last = [0; 2 * LANES];
    let mut i = LANES;
    while i < 2 * LANES {
        last[i] = 1;
        i += 1;
    }
    last
};

/// How many reasons are `unknown`, in bytes that a compiler adds sixteen or more at a time.
#[inline]
pub(super) fn unknown(reasons: &[Reason]) -> u64 {
    let few = |chunk: &[Reason]| u64::from(chunk.iter().fold(0_u8, |n, reason| n + u8::from(*reason == Reason::Unknown)));
    let (whole, rest) = reasons.split_at(reasons.len() / LANES * LANES);
    let sum: u64 = whole.chunks(usize::from(u8::MAX) / LANES * LANES).map(few).sum();
    // Those of the rest as the last of sixteen, where there are so many: one at a time they would cost more than all others.
    match reasons.last_chunk::<LANES>() {
        Some(last) if !rest.is_empty() => {
            let counted = &LAST[rest.len()..][..LANES];
            let count = |n: u8, (reason, counts): (&Reason, &u8)| n + (u8::from(*reason == Reason::Unknown) & counts);
            sum + u64::from(last.iter().zip(counted).fold(0, count))
        }
        _ => sum + few(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_ones_are_counted_at_every_length() {
        for n in (0..100).chain([254, 255, 256, 1000]) {
            assert_eq!(unknown(&vec![Reason::Unknown; n]), n as u64);
            let mixed: Vec<_> = (0..n).map(|i| if i % 3 == 0 { Reason::Unknown } else { Reason::Price }).collect();
            assert_eq!(unknown(&mixed), n.div_ceil(3) as u64);
        }
    }
}
