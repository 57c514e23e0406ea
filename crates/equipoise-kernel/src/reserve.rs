//! Memory set aside for the moment when the system has none: Rust ends the process where a small allocation fails, and a host must not be ended.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr::{copy_nonoverlapping, null_mut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes set aside. They are part of the program's own memory and cost nothing but addresses until they are needed.
pub const SIZE: usize = 8 << 20;
/// Sizes from here on are not served but within [`open`]: who asks for as much can be told that there is none.
pub const LARGE: usize = 32 << 10;

/// An allocator that serves small requests from [`SIZE`] bytes set aside where the one below it has no memory, for a library or a service to
/// choose as its `#[global_allocator]`. Large ones fail as they would, which ends in `resource_exhausted.memory` wherever a size comes from outside.
///
/// What is served gives its memory back when it is freed. Where the reserve itself is used up, allocations fail as if there were none. Lock-free,
/// `O(1)`; costs a comparison where memory is to be had.
///
/// ```
/// use equipoise_kernel::reserve::Reserve;
///
/// #[global_allocator]
/// static ALLOCATOR: Reserve = Reserve::new();
/// # assert_eq!(vec![1, 2], [1, 2]);
/// ```
#[derive(Debug, Default)]
pub struct Reserve<A = System>(A);

impl Reserve {
    /// Over the system's allocator.
    #[must_use]
    pub const fn new() -> Self {
        Self(System)
    }
}

impl<A> Reserve<A> {
    /// Over another allocator. All of them share what is set aside.
    pub const fn over(allocator: A) -> Self {
        Self(allocator)
    }
}

/// Runs `work`, for which this thread may take any size from the reserve, and tells whether any thread took of it meanwhile.
///
/// For work that takes much memory in ways that cannot be refused, parsers first of all: let it end, and refuse what came of it.
pub fn open<T>(work: impl FnOnce() -> T) -> (T, bool) {
    struct Closing(bool);
    impl Drop for Closing {
        fn drop(&mut self) {
            OPEN.set(self.0);
        }
    }
    let before = DRAWN.load(Ordering::Relaxed);
    let _closing = Closing(OPEN.replace(true));
    let outcome = work();
    (outcome, DRAWN.load(Ordering::Relaxed) != before)
}

thread_local! {
    static OPEN: Cell<bool> = const { Cell::new(false) };
}

/// How often something was served.
static DRAWN: AtomicUsize = AtomicUsize::new(0);
static POOL: Pool<SIZE> = Pool::new();

// SAFETY: what the allocator below gives is its own and goes back to it; what the pool gives lies within the pool, which is how the two are told
// apart, is aligned and large enough, and is given to nobody else until it is freed.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Reserve<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let pointer = unsafe { self.0.alloc(layout) };
        if pointer.is_null() { serve(layout) } else { pointer }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let pointer = unsafe { self.0.alloc_zeroed(layout) };
        if !pointer.is_null() {
            return pointer;
        }
        let pointer = serve(layout);
        if !pointer.is_null() {
            // SAFETY: as many bytes are ours.
            unsafe { pointer.write_bytes(0, layout.size()) };
        }
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match POOL.place(pointer) {
            Some(at) => POOL.free(at, layout.size()),
            // SAFETY: the caller's promises are passed on.
            None => unsafe { self.0.dealloc(pointer, layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if POOL.place(pointer).is_none() {
            // SAFETY: the caller's promises are passed on.
            let moved = unsafe { self.0.realloc(pointer, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: as above; the size is the caller's, and good with this alignment.
        unsafe { self.move_by_hand(pointer, layout, Layout::from_size_align_unchecked(size, layout.align())) }
    }
}

impl<A: GlobalAlloc> Reserve<A> {
    /// Grows or shrinks what lies in the reserve, or what the allocator below could not grow.
    ///
    /// # Safety
    /// As `realloc`.
    #[cold]
    unsafe fn move_by_hand(&self, pointer: *mut u8, old: Layout, new: Layout) -> *mut u8 {
        if POOL.place(pointer).is_some_and(|at| is_served(new.size()) && POOL.resize(at, old.size(), new.size())) {
            return pointer;
        }
        // SAFETY: the layout is a good one, both ranges are as large as is copied and apart, and the old one is not used any more.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                copy_nonoverlapping(pointer, moved, old.size().min(new.size()));
                self.dealloc(pointer, old);
            }
            moved
        }
    }
}

/// A thread that ends, and has no flag any more, gets what is small.
fn is_served(size: usize) -> bool {
    size < LARGE || OPEN.try_with(Cell::get).unwrap_or(false)
}

#[cold]
fn serve(layout: Layout) -> *mut u8 {
    if !is_served(layout.size()) {
        return null_mut();
    }
    let pointer = POOL.take(layout);
    if !pointer.is_null() {
        DRAWN.fetch_add(1, Ordering::Relaxed);
    }
    pointer
}

/// Memory that is given out from the bottom up, and is whole again when all of it has come back.
#[repr(C, align(4096))]
struct Pool<const N: usize> {
    bytes: UnsafeCell<[u8; N]>,
    /// How many pieces are out, times 2^32, and where the next one may begin.
    state: AtomicU64,
}

// SAFETY: the bytes are touched by whoever was given them, and by nobody else.
unsafe impl<const N: usize> Sync for Pool<N> {}

impl<const N: usize> Pool<N> {
    const fn new() -> Self {
        Self { bytes: UnsafeCell::new([0; N]), state: AtomicU64::new(0) }
    }

    /// Where in the pool a pointer lies, if it does.
    fn place(&self, pointer: *mut u8) -> Option<usize> {
        let at = pointer.addr().wrapping_sub(self.bytes.get().addr());
        (at < N).then_some(at)
    }

    /// A piece of the pool, or null where none is large enough. Pieces have at least one byte, as all allocations have.
    fn take(&self, layout: Layout) -> *mut u8 {
        if layout.align() > align_of::<Self>() {
            return null_mut();
        }
        let mut at = 0;
        let taken = self.change(|out, top| {
            at = top.next_multiple_of(layout.align());
            let end = at.checked_add(layout.size()).filter(|end| *end <= N)?;
            Some((out + 1, end))
        });
        // SAFETY: the piece lies within the pool.
        if taken { unsafe { self.bytes.get().cast::<u8>().add(at) } } else { null_mut() }
    }

    fn free(&self, at: usize, size: usize) {
        self.change(|out, top| match out - 1 {
            0 => Some((0, 0)),
            out => Some((out, if at + size == top { at } else { top })),
        });
    }

    /// Whether a piece could be given another size where it lies.
    fn resize(&self, at: usize, old: usize, new: usize) -> bool {
        self.change(|out, top| {
            let is_last = at + old == top;
            let end = at.checked_add(new).filter(|end| *end <= N)?;
            (is_last || new <= old).then_some((out, if is_last { end } else { top }))
        })
    }

    fn change(&self, mut next: impl FnMut(u32, usize) -> Option<(u32, usize)>) -> bool {
        let next = |state: u64| {
            let (out, top) = next((state >> 32) as u32, (state & u64::from(u32::MAX)) as usize)?;
            Some(u64::from(out) << 32 | top as u64)
        };
        // What was written into a piece before it was freed is over before the next one has it.
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a good layout")
    }

    #[test]
    fn pieces_are_aligned_apart_and_come_back() {
        static POOL: Pool<4096> = Pool::new();
        let place = |size, align| POOL.place(POOL.take(layout(size, align)));
        assert_eq!([place(10, 1), place(8, 8), place(1, 64)], [Some(0), Some(16), Some(64)]);
        assert_eq!([place(1, 8192), place(5000, 1), place(4032, 1)], [None; 3], "too strict, too large, no room left");
        assert!(POOL.resize(64, 1, 1000) && !POOL.resize(16, 8, 16) && POOL.resize(16, 8, 4) && !POOL.resize(64, 1000, 4096));
        POOL.free(64, 1000);
        assert_eq!(place(3, 1), Some(64), "the last one makes room at once");
        POOL.free(0, 10);
        assert_eq!(place(3, 1), Some(67), "another one does not");
        for (at, size) in [(16, 4), (64, 3), (67, 3)] {
            POOL.free(at, size);
        }
        assert_eq!(place(4096, 4096), Some(0), "whole again");
    }

    /// Threads fill pieces with their own byte, change them, and find them as they left them.
    #[test]
    fn threads_do_not_share_pieces() {
        static POOL: Pool<4096> = Pool::new();
        let fill = |own: u8| {
            let mut seed = u64::from(own);
            let mut next = |below: u64| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((seed >> 33) % below) as usize
            };
            let mut taken = 0;
            let mut pieces: Vec<(*mut u8, usize)> = Vec::new();
            for _ in 0..50_000 {
                let size = 1 + next(300);
                let pointer = POOL.take(layout(size, 1 << next(6)));
                if !pointer.is_null() {
                    taken += 1;
                    // SAFETY: as many bytes were given to this thread.
                    unsafe { pointer.write_bytes(own, size) };
                    pieces.push((pointer, size));
                }
                if pieces.is_empty() || next(2) == 0 {
                    continue;
                }
                let (pointer, size) = pieces.swap_remove(next(pieces.len() as u64));
                // SAFETY: they are still this thread's.
                assert!(unsafe { std::slice::from_raw_parts(pointer, size) }.iter().all(|byte| *byte == own));
                POOL.free(POOL.place(pointer).expect("of the pool"), size);
            }
            for (pointer, size) in pieces {
                POOL.free(POOL.place(pointer).expect("of the pool"), size);
            }
            taken
        };
        let taken: usize =
            thread::scope(|scope| [1, 2, 3].map(|own| scope.spawn(move || fill(own))).map(|t| t.join().expect("no panic")).iter().sum());
        assert!(taken > 1_000, "{taken} pieces: too few to tell anything");
        assert_eq!(POOL.state.load(Ordering::Acquire), 0, "all came back");
    }

    #[test]
    fn a_reserve_over_nothing_serves_what_is_small() {
        struct Nothing;
        // SAFETY: nothing is given.
        unsafe impl GlobalAlloc for Nothing {
            unsafe fn alloc(&self, _: Layout) -> *mut u8 {
                null_mut()
            }
            unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
                unreachable!("nothing was given");
            }
        }
        let reserve = Reserve::over(Nothing);
        let small = layout(100, 8);
        // SAFETY: layouts are good ones, and every piece is used within its size.
        unsafe {
            let (outcome, drawn) = open(|| {
                let first = reserve.alloc(small);
                first.write_bytes(7, 100);
                let second = reserve.alloc_zeroed(small);
                assert!(std::slice::from_raw_parts(second, 100).iter().all(|byte| *byte == 0));
                let first = reserve.realloc(first, small, 2 * LARGE);
                assert!(std::slice::from_raw_parts(first, 100).iter().all(|byte| *byte == 7));
                (first, second)
            });
            assert!(drawn);
            assert!(reserve.alloc(layout(LARGE, 8)).is_null(), "large, and not open");
            assert!(reserve.realloc(outcome.1, small, LARGE).is_null(), "neither is it grown");
            reserve.dealloc(outcome.0, layout(2 * LARGE, 8));
            reserve.dealloc(outcome.1, small);
            let (pointer, _) = open(|| reserve.alloc(layout(SIZE + 1, 8)));
            assert!(pointer.is_null(), "larger than all that is set aside");
            let (pointer, _) = open(|| reserve.alloc(layout(SIZE, 8)));
            assert!(!pointer.is_null(), "all of it");
            reserve.dealloc(pointer, layout(SIZE, 8));
        }
        assert!(!OPEN.get());
    }
}
