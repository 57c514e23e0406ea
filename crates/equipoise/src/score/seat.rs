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
/// Zeros, then ones: from place `n` on, a one for each of the last `n` of [`LANES`].
const LAST: [u8; 2 * LANES] = {
    let mut last = [0; 2 * LANES];
    last.split_at_mut(LANES).1.copy_from_slice(&[1; LANES]);
    last
};

/// How many reasons are `unknown`. In pieces of fixed lengths, which a compiler counts in lanes; a loop over the last few would take longer than
/// all of them.
#[inline]
pub(super) fn unknown(reasons: &[Reason]) -> u64 {
    fn of<const N: usize>(piece: &[Reason; N]) -> u64 {
        u64::from(piece.iter().fold(0_u8, |n, reason| n + u8::from(*reason == Reason::Unknown)))
    }
    let (pieces, mut rest) = reasons.as_chunks::<{ 4 * LANES }>();
    let mut total: u64 = pieces.iter().map(of).sum();
    if let Some((half, others)) = rest.split_first_chunk::<{ 2 * LANES }>() {
        (total, rest) = (total + of(half), others);
    }
    if let Some((quarter, others)) = rest.split_first_chunk::<LANES>() {
        (total, rest) = (total + of(quarter), others);
    }
    let Some(last) = reasons.last_chunk::<LANES>() else {
        return rest.iter().map(|reason| u64::from(*reason == Reason::Unknown)).sum();
    };
    let counts = last.iter().zip(&LAST[rest.len()..][..LANES]);
    total + u64::from(counts.fold(0_u8, |n, (reason, counts)| n + (u8::from(*reason == Reason::Unknown) & counts)))
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
