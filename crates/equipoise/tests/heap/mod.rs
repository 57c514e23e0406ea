//! An allocator that counts: allocations, and the most memory held at once.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

/// Counts a call of this thread; one that is ending has nothing left to count with.
fn own() {
    let _ = OWN.try_with(|n| n.set(n.get() + 1));
}

fn grown(by: usize) {
    own();
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    PEAK.fetch_max(HELD.fetch_add(by, Ordering::Relaxed) + by, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        own();
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grown(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work` and tells how much more memory was held at once than before it.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let outcome = work();
    (outcome, PEAK.load(Ordering::Relaxed) - before)
}

/// Bytes held now.
pub fn held() -> usize {
    HELD.load(Ordering::Relaxed)
}

/// Runs `work` and tells how often it allocated.
pub fn allocations<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let outcome = work();
    (outcome, ALLOCATIONS.load(Ordering::Relaxed) - before)
}

/// Runs `work` and tells how often this thread allocated or freed anything meanwhile.
pub fn by_this_thread<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = OWN.get();
    let outcome = work();
    (outcome, OWN.get() - before)
}
