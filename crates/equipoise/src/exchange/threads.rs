//! Threads that share parts of work: whoever is free takes the next, the calling thread among them.

use crate::error::{Error, Result, codes};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The calling thread and its helpers, which sleep while there is no work.
pub(super) struct Threads {
    helpers: Option<ThreadPool>,
    /// Whether helpers have been asked for work that is not done yet.
    are_busy: AtomicBool,
}

/// Helpers at work, until this is dropped.
struct Busy<'b>(&'b AtomicBool);

impl<'b> Busy<'b> {
    /// `None` if they are already.
    fn new(are_busy: &'b AtomicBool) -> Option<Self> {
        (!are_busy.swap(true, Ordering::Relaxed)).then_some(Self(are_busy))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The parts that a thread takes, each given to one thread alone.
pub(super) struct Parts<'n> {
    next: &'n AtomicUsize,
    parts: usize,
}

impl Iterator for Parts<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let part = self.next.fetch_add(1, Ordering::Relaxed);
        (part < self.parts).then_some(part)
    }
}

impl Threads {
    /// `threads` threads, the caller's counted; one at least.
    pub(super) fn new(threads: usize) -> Result<Self> {
        let build = |n| ThreadPoolBuilder::new().num_threads(n).thread_name(|i| format!("equipoise-pass-{i}")).build();
        let helpers = match threads {
            0 | 1 => None,
            n => Some(build(n - 1).map_err(|e| Error::new(codes::MEMORY, "threads", None, format!("cannot start {n} threads: {e}")))?),
        };
        Ok(Self { helpers, are_busy: AtomicBool::new(false) })
    }

    /// The calling thread without helpers.
    pub(super) fn alone() -> Self {
        Self { helpers: None, are_busy: AtomicBool::new(false) }
    }

    /// Gives `0..parts` to threads. Each that takes some has one answer; answers are in no order. Work within a part is done by the thread that has it
    /// alone: it would wait for helpers that are busy with the other parts.
    pub(super) fn each<T: Send>(&self, parts: usize, work: impl Fn(Parts<'_>) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let take = || work(Parts { next: &next, parts });
        let Some(helpers) = self.helpers.as_ref().filter(|_| parts > 1) else { return vec![take()] };
        let Some(_busy) = Busy::new(&self.are_busy) else { return vec![take()] };
        let answers = Mutex::new(Vec::new());
        let add = |answer| answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        let own = helpers.in_place_scope(|scope| {
            for _ in 0..helpers.current_num_threads().min(parts - 1) {
                // A helper that wakes when all is taken has nothing to do.
                scope.spawn(|_| {
                    if next.load(Ordering::Relaxed) < parts {
                        add(take());
                    }
                });
            }
            take()
        });
        add(own);
        answers.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Threads;

    #[test]
    fn every_part_is_taken_once() {
        for n in [0, 1, 2, 7] {
            let threads = Threads::new(n).expect("threads");
            for parts in [0, 1, 2, 5, 1000] {
                let taken = threads.each(parts, |taken| taken.collect::<Vec<_>>());
                assert!(taken.len() <= n.max(1));
                let mut all = taken.concat();
                all.sort_unstable();
                assert_eq!(all, (0..parts).collect::<Vec<_>>(), "{n} threads");
            }
        }
    }

    #[test]
    fn work_within_a_part_is_done_by_its_thread_alone() {
        let threads = Threads::new(3).expect("threads");
        let inner = || threads.each(10, |taken| taken.count());
        let outer = threads.each(4, |taken| taken.map(|_| inner()).collect::<Vec<_>>());
        assert_eq!(outer.concat(), vec![vec![10]; 4]);
        assert_eq!(inner().iter().sum::<usize>(), 10);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_threads_usable() {
        let threads = Threads::new(2).expect("threads");
        let work = || threads.each(8, |taken| taken.for_each(|i| assert!(i != 5, "part {i}")));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(threads.each(8, |taken| taken.count()).iter().sum::<usize>(), 8);
    }
}
