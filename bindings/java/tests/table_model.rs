//! The table of handles under a scheduler that tries many orders of its locks: the very source that is shipped, over other primitives.
//!
//! A handle finds the thing it was given for, or is closed, whatever other threads insert, use and release meanwhile; a thing is freed once, and
//! by nobody who holds a lock; two users at once are told so.

#[path = "../src/table.rs"]
mod table;

mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Mutex, PoisonError};
    pub(crate) use shuttle::thread::yield_now;
    /// The standard one: what initialises a block touches nothing that others can see.
    pub(crate) use std::sync::OnceLock;
}

use equipoise::error::codes;
use shuttle::{check_random, thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use table::Table;

/// Schedules; times `EQUIPOISE_SOAK`.
const SCHEDULES: usize = 100_000;

fn schedules() -> usize {
    SCHEDULES * std::env::var("EQUIPOISE_SOAK").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(1)
}

/// A thing that counts how often it is freed.
struct Thing {
    name: u64,
    freed: Arc<AtomicUsize>,
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.freed.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs the model in so many orders, and says so.
fn explore(what: &str, model: impl Fn() + Send + Sync + 'static) {
    static RUN: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    let at = usize::from(what == "exclusive use");
    let wanted = schedules();
    check_random(
        move || {
            model();
            RUN[at].fetch_add(1, Ordering::SeqCst);
        },
        wanted,
    );
    let run = RUN[at].load(Ordering::SeqCst);
    println!("executed {run} schedules of {what}");
    assert!(run >= wanted, "{run} of {wanted}");
}

#[test]
fn a_handle_finds_its_thing_or_nothing() {
    explore("look-ups", || {
        let table: Arc<Table<Arc<Thing>, 2>> = Arc::new(Table::new(3, "thing"));
        let freed: Vec<_> = (0..4).map(|_| Arc::new(AtomicUsize::new(0))).collect();
        let thing = |name: u64| Arc::new(Thing { name, freed: Arc::clone(&freed[name as usize]) });
        let first = table.insert(thing(0)).expect("there is room");
        let users: Vec<_> = [1, 2]
            .map(|name| {
                let (table, own) = (Arc::clone(&table), thing(name));
                thread::spawn(move || {
                    // Others close the first at any moment, and what they insert may take its slot.
                    match table.get(first) {
                        Ok(found) => assert_eq!(found.name, 0),
                        Err(error) => assert_eq!(error.code(), codes::CLOSED),
                    }
                    let handle = table.insert(own).expect("there is room");
                    assert_ne!(handle, first);
                    assert_eq!(table.get(handle).expect("it is alive").name, name);
                    table.release(first);
                    assert_eq!(table.get(first).map(|_| ()).map_err(|e| e.code()), Err(codes::CLOSED));
                    table.release(handle);
                    table.release(handle);
                    assert_eq!(table.get(handle).map(|_| ()).map_err(|e| e.code()), Err(codes::CLOSED));
                })
            })
            .into();
        let last = table.insert(thing(3)).expect("there is room");
        for user in users {
            user.join().expect("a user");
        }
        assert_eq!(table.get(last).expect("it is alive").name, 3);
        table.release(last);
        assert_eq!(freed.iter().map(|n| n.load(Ordering::SeqCst)).collect::<Vec<_>>(), [1; 4]);
    });
}

#[test]
fn one_uses_a_thing_at_a_time() {
    explore("exclusive use", || {
        let table: Arc<Table<(u64, u64), 2>> = Arc::new(Table::new(1, "pair"));
        let handle = table.insert((0, 0)).expect("there is room");
        let users: Vec<_> = (0..3)
            .map(|user| {
                let table = Arc::clone(&table);
                thread::spawn(move || {
                    let outcome = table.exclusively(handle, |pair| {
                        assert_eq!(pair.0, pair.1, "seen half changed");
                        pair.0 += 1;
                        thread::yield_now();
                        pair.1 += 1;
                        Ok(())
                    });
                    let code = outcome.map_err(|e| e.code());
                    assert!(matches!(code, Ok(()) | Err(codes::CONCURRENT | codes::CLOSED)), "{code:?}");
                    if user == 0 {
                        table.release(handle);
                        // Another may hold the slot at this moment, to find it empty.
                        assert!(table.exclusively(handle, |_| Ok(())).is_err(), "used after its release");
                    }
                    usize::from(code.is_ok())
                })
            })
            .collect();
        let used: usize = users.into_iter().map(|user| user.join().expect("a user")).sum();
        assert!(used <= 3);
    });
}

#[test]
fn made_up_handles_find_nothing() {
    check_random(
        || {
            let table: Table<u32, 2> = Table::new(1, "number");
            let real = table.insert(7).expect("there is room");
            for bit in 0..64 {
                let forged = real ^ (1 << bit);
                assert_eq!(table.get(forged).map_err(|e| e.code()), Err(codes::CLOSED), "bit {bit}");
                table.release(forged);
            }
            assert_eq!(table.get(real).expect("it is alive"), 7);
        },
        1,
    );
}
