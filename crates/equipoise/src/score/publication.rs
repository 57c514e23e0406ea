//! Something that is swapped whole while others read it, with a count of editions that tells them cheaply when to look again.

use super::sync::{Arc, ArcSwap, AtomicU64, Ordering};
use std::ops::Deref;

pub(super) struct Publication<T> {
    published: ArcSwap<T>,
    /// Counts what was published; read by every request.
    edition: AtomicU64,
}

impl<T> Publication<T> {
    pub(super) fn new(first: Arc<T>) -> Self {
        Self { published: ArcSwap::new(first), edition: AtomicU64::new(1) }
    }

    /// What is published now.
    pub(super) fn load(&self) -> impl Deref<Target = Arc<T>> {
        self.published.load()
    }

    /// The number of the edition. Asked *before* [`Publication::load`]: should something be published in between, what is loaded is newer than
    /// its number says, and is looked up once more.
    #[inline]
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Whoever asks after this has returned finds `next` or something newer. Callers take turns.
    pub(super) fn publish(&self, next: Arc<T>) {
        self.published.store(next);
        self.edition.fetch_add(1, Ordering::Release);
    }
}

/// Things that were given to readers, held so that no reader is ever the last to hold one, and frees it.
pub(super) struct Held<T>(Vec<Arc<T>>);

impl<T> Held<T> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn keep(&mut self, thing: &Arc<T>) {
        self.0.push(Arc::clone(thing));
    }

    /// Frees what only this list holds; nobody else can come by it any more.
    pub(super) fn free(&mut self) {
        self.0.retain_mut(|thing| Arc::get_mut(thing).is_none());
    }
}
