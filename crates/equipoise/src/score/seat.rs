//! A workspace's place at a scorer.

use super::{Gates, Workspace};
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
