//! How long a library solver may work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often the caller's wish is looked at while a library solver works.
const LOOK: Duration = Duration::from_millis(2);

/// Until when a library solver may work: the caller may have enough at any time.
pub(super) struct Until<'a> {
    cancelled: &'a dyn Fn() -> bool,
    end: Instant,
}

impl<'a> Until<'a> {
    /// Until the caller cancels, or for so long.
    pub(super) fn new(cancelled: &'a dyn Fn() -> bool, most: Duration) -> Self {
        Self { cancelled, end: Instant::now() + most }
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end || (self.cancelled)()
    }

    /// Does `work` in a thread of its own, since what a library solver calls may borrow nothing; it is given a flag that says when to stop, which
    /// this thread raises. `None` where the time is over before it begins, or there is no thread for it.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce(Arc<AtomicBool>) -> T + Send) -> Option<T> {
        if self.is_over() {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (raised, waiting) = (stop.clone(), thread::current());
        thread::scope(|scope| {
            let worker = thread::Builder::new().spawn_scoped(scope, move || {
                let done = work(raised);
                waiting.unpark();
                done
            });
            let worker = worker.ok()?;
            while !worker.is_finished() {
                thread::park_timeout(LOOK);
                if self.is_over() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            // A solver that panics has found nothing.
            worker.join().ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Until;
    use std::cell::Cell;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    /// Works until it is told to stop.
    fn endless(until: &Until<'_>) -> Option<bool> {
        until.run(|stop| {
            while !stop.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            true
        })
    }

    #[test]
    fn work_ends_when_the_caller_cancels_or_the_time_is_over() {
        let looks = Cell::new(0);
        let later = || looks.replace(looks.get() + 1) >= 3;
        assert_eq!(endless(&Until::new(&later, Duration::from_secs(1000))), Some(true));
        assert_eq!(endless(&Until::new(&|| false, Duration::from_millis(20))), Some(true));
    }

    #[test]
    fn work_that_ends_by_itself_is_not_waited_for() {
        assert_eq!(Until::new(&|| false, Duration::from_secs(1000)).run(|_| 7), Some(7));
    }

    #[test]
    fn nothing_begins_when_all_is_over() {
        assert_eq!(Until::new(&|| true, Duration::from_secs(1)).run(|_| 7), None);
        assert_eq!(Until::new(&|| false, Duration::ZERO).run(|_| 7), None);
    }
}
