//! The swap of policies under a scheduler that tries many orders: the very source that the scorer is built from, over other primitives.
//!
//! Whoever looks after a publish has returned sees it or something newer, never something older again; and no reader frees anything.

#[path = "../src/score/publication.rs"]
mod publication;
mod soak;

mod sync {
    pub(super) use shuttle::sync::atomic::{AtomicU64, Ordering};
    pub(super) use std::sync::Arc;

    /// `arc_swap` as it promises to be: one step to load, one to store.
    pub(super) struct ArcSwap<T>(shuttle::sync::Mutex<Arc<T>>);

    /// As the guard of `arc_swap`.
    pub(super) struct Loaded<T>(Arc<T>);

    impl<T> std::ops::Deref for Loaded<T> {
        type Target = Arc<T>;

        fn deref(&self) -> &Arc<T> {
            &self.0
        }
    }

    impl<T> ArcSwap<T> {
        pub(super) fn new(first: Arc<T>) -> Self {
            Self(shuttle::sync::Mutex::new(first))
        }

        pub(super) fn load(&self) -> Loaded<T> {
            Loaded(Arc::clone(&self.0.lock().expect("never poisoned")))
        }

        pub(super) fn store(&self, next: Arc<T>) {
            let before = std::mem::replace(&mut *self.0.lock().expect("never poisoned"), next);
            drop(before);
        }
    }
}

use publication::{Held, Publication};
use shuttle::{check_random, thread};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use sync::{AtomicU64, Ordering};

/// Schedules of every run.
const SCHEDULES: usize = 100_000;
const PUBLISHED: u64 = 3;

/// Must be freed by the thread that made it.
struct Edition {
    number: u64,
    maker: thread::ThreadId,
}

impl Drop for Edition {
    fn drop(&mut self) {
        assert_eq!(thread::current().id(), self.maker, "a reader has freed edition {}", self.number);
    }
}

#[test]
fn readers_see_the_latest_and_free_nothing() {
    static RUN: AtomicUsize = AtomicUsize::new(0);
    let wanted = soak::times(SCHEDULES);
    check_random(
        || {
            let maker = thread::current().id();
            let edition = |number| Arc::new(Edition { number, maker });
            let mut held = Held::new();
            let first = edition(0);
            held.keep(&first);
            let publication = Arc::new(Publication::new(first));
            let done = Arc::new(AtomicU64::new(0));
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let (publication, done) = (Arc::clone(&publication), Arc::clone(&done));
                    thread::spawn(move || {
                        // As a workspace's seat does it: the number first, then the thing, kept until the number changes.
                        let mut seen = publication.edition();
                        let mut own = Arc::clone(&publication.load());
                        for _ in 0..3 {
                            let least = done.load(Ordering::Acquire);
                            let edition = publication.edition();
                            if edition != seen {
                                let next = Arc::clone(&publication.load());
                                assert!(next.number >= own.number, "{} after {}", next.number, own.number);
                                (own, seen) = (next, edition);
                            }
                            assert!(own.number >= least, "{} though {least} was published", own.number);
                        }
                    })
                })
                .collect();
            for number in 1..=PUBLISHED {
                let next = edition(number);
                held.keep(&next);
                publication.publish(next);
                done.store(number, Ordering::Release);
                held.free();
            }
            for reader in readers {
                reader.join().expect("a reader");
            }
            held.free();
            assert_eq!(publication.load().number, PUBLISHED);
            drop(publication);
            held.free();
            RUN.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        },
        wanted,
    );
    let run = RUN.load(std::sync::atomic::Ordering::SeqCst);
    println!("executed {run} schedules");
    assert!(run >= wanted, "{run} of {wanted}");
}
