//! Handles that can be wrong: a number from Java is looked up and checked, never followed.

use crate::sync::{AtomicU64, Mutex, OnceLock, Ordering, PoisonError, yield_now};
use equipoise::error::{Error, Result, codes};
use std::cell::UnsafeCell;

/// Slots come in this many blocks that never move, so that a look-up takes no lock but the slot's own.
const BLOCKS: usize = 1 << 9;
const INDEX_BITS: u32 = 20;

/// Things that Java names by handles. A handle is the table's kind, a generation and an index; every slot counts its generations up, so
/// a handle that was released, is of the other table, or was made up finds nothing.
///
/// `BLOCK` slots make a block; a power of two, at most 2^11.
pub(crate) struct Table<T, const BLOCK: usize = { 1 << 11 }> {
    kind: u64,
    what: &'static str,
    blocks: [OnceLock<Box<[Slot<T>]>>; BLOCKS],
    free: Mutex<Free>,
}

/// One thing, or none. Alone in its pair of cache lines: neighbours are used by other threads.
#[repr(align(128))]
struct Slot<T> {
    /// The generation above, who uses the slot below: so many readers, or [`ALONE`]. One exchange both checks a handle and takes the slot.
    state: AtomicU64,
    /// Touched only by who is in `state`.
    value: UnsafeCell<Option<Box<T>>>,
}

/// Somebody uses the slot who may change it.
const ALONE: u32 = u32::MAX;

/// Looks at a slot that another one uses before sleeping in between: what is waited for takes microseconds.
const LOOKS: u32 = 1 << 10;

// SAFETY: `state` sees to it that `value` is used by one thread, or read by some.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

const fn state(generation: u32, users: u32) -> u64 {
    (generation as u64) << 32 | users as u64
}

const fn parts(state: u64) -> (u32, u32) {
    ((state >> 32) as u32, state as u32)
}

/// A slot that is used by nobody else; left when this goes, in a panic too.
struct Alone<'a, T> {
    slot: &'a Slot<T>,
    generation: u32,
}

/// A slot that is read.
struct Reading<'a, T>(&'a Slot<T>);

impl<T> Slot<T> {
    fn empty() -> Self {
        Self { state: AtomicU64::new(state(0, 0)), value: UnsafeCell::new(None) }
    }

    /// Takes the slot if it has this generation and nobody uses it; else gives its state.
    #[inline]
    fn try_alone(&self, generation: u32) -> std::result::Result<Alone<'_, T>, u64> {
        let taken = self.state.compare_exchange(state(generation, 0), state(generation, ALONE), Ordering::Acquire, Ordering::Relaxed);
        taken.map(|_| Alone { slot: self, generation })
    }

    /// The same, once nobody else uses it; none if it has another generation by then.
    fn alone(&self, generation: u32) -> Option<Alone<'_, T>> {
        let mut looks = 0;
        loop {
            match self.try_alone(generation) {
                Ok(alone) => return Some(alone),
                Err(seen) if parts(seen).0 != generation => return None,
                Err(_) => pause(&mut looks),
            }
        }
    }

    /// Reads the slot, beside others who do; none if it has another generation.
    fn reading(&self, generation: u32) -> Option<Reading<'_, T>> {
        let mut looks = 0;
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            let (found, users) = parts(seen);
            if found != generation {
                return None;
            }
            // More readers than can be counted wait, too.
            if users >= ALONE - 1 {
                pause(&mut looks);
                seen = self.state.load(Ordering::Relaxed);
                continue;
            }
            match self.state.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(Reading(self)),
                Err(other) => seen = other,
            }
        }
    }
}

/// Lets others go on.
fn pause(looks: &mut u32) {
    if *looks < LOOKS {
        *looks += 1;
        yield_now();
    } else {
        std::thread::sleep(std::time::Duration::from_micros(50));
    }
}

impl<T> Alone<'_, T> {
    #[inline]
    fn value(&mut self) -> &mut Option<Box<T>> {
        // SAFETY: nobody else uses the slot, and `self` lends it out once at a time.
        unsafe { &mut *self.slot.value.get() }
    }
}

impl<T> Drop for Alone<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.state.store(state(self.generation, 0), Ordering::Release);
    }
}

impl<T> Reading<'_, T> {
    fn value(&self) -> Option<&T> {
        // SAFETY: who uses the slot beside this only reads it.
        unsafe { &*self.0.value.get() }.as_deref()
    }
}

impl<T> Drop for Reading<'_, T> {
    fn drop(&mut self) {
        self.0.state.fetch_sub(1, Ordering::Release);
    }
}

struct Free {
    released: Vec<u32>,
    /// Slots from here on were never used.
    fresh: u32,
}

impl<T, const BLOCK: usize> Table<T, BLOCK> {
    /// An empty table. `kind` differs from table to table, below 2^11, not 0; `what` names its things in messages.
    pub(crate) const fn new(kind: u64, what: &'static str) -> Self {
        Self { kind, what, blocks: [const { OnceLock::new() }; BLOCKS], free: Mutex::new(Free { released: Vec::new(), fresh: 0 }) }
    }

    /// Keeps `value` until its handle is released.
    pub(crate) fn insert(&self, value: T) -> Result<i64> {
        let index = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = free.released.pop() {
                index as usize
            } else if (free.fresh as usize) < BLOCK * BLOCKS {
                free.fresh += 1;
                free.fresh as usize - 1
            } else {
                return Err(Error::new(codes::MEMORY, self.what, None, format!("over {} are alive at once", BLOCK * BLOCKS)));
            }
        };
        let block = self.blocks[index / BLOCK].get_or_init(|| (0..BLOCK).map(|_| Slot::empty()).collect());
        let slot = &block[index % BLOCK];
        // Whose handle is made up may use the slot at this moment, to find it empty; its generation is nobody's but ours to change.
        let (generation, _) = parts(slot.state.load(Ordering::Relaxed));
        let mut alone = slot.alone(generation).ok_or_else(|| self.closed())?;
        *alone.value() = Some(Box::new(value));
        Ok((self.kind << (32 + INDEX_BITS) | u64::from(generation) << INDEX_BITS | index as u64) as i64)
    }

    /// Drops what `handle` names, once nobody uses it. A handle that names nothing is no error: closing twice is allowed.
    pub(crate) fn release(&self, handle: i64) {
        let Some((slot, generation, index)) = self.slot(handle) else { return };
        let value = {
            let Some(mut alone) = slot.alone(generation) else { return };
            let Some(value) = alone.value().take() else { return };
            alone.generation = generation.wrapping_add(1);
            value
        };
        self.free.lock().unwrap_or_else(PoisonError::into_inner).released.push(index);
        drop(value);
    }

    /// Runs `job` on what `handle` names, if nobody else does at this moment.
    #[inline]
    pub(crate) fn exclusively<R>(&self, handle: i64, job: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        let Some((slot, generation, _)) = self.slot(handle) else { return Err(self.closed()) };
        match slot.try_alone(generation) {
            Ok(mut alone) => match alone.value() {
                Some(value) => job(value),
                None => Err(self.closed()),
            },
            Err(seen) => Err(self.refuse(parts(seen).0 == generation)),
        }
    }

    #[inline]
    fn slot(&self, handle: i64) -> Option<(&Slot<T>, u32, u32)> {
        let handle = handle as u64;
        let index = (handle & ((1 << INDEX_BITS) - 1)) as usize;
        if handle >> (32 + INDEX_BITS) != self.kind {
            return None;
        }
        Some((&self.blocks.get(index / BLOCK)?.get()?[index % BLOCK], (handle >> INDEX_BITS) as u32, index as u32))
    }

    #[cold]
    fn refuse(&self, in_use: bool) -> Error {
        if in_use { Error::new(codes::CONCURRENT, self.what, None, "is used by two threads at once") } else { self.closed() }
    }

    #[cold]
    fn closed(&self) -> Error {
        Error::new(codes::CLOSED, self.what, None, "is closed")
    }
}

impl<T: Clone, const BLOCK: usize> Table<T, BLOCK> {
    /// A copy of what `handle` names.
    pub(crate) fn get(&self, handle: i64) -> Result<T> {
        let reading = self.slot(handle).and_then(|(slot, generation, _)| slot.reading(generation));
        reading.as_ref().and_then(Reading::value).cloned().ok_or_else(|| self.closed())
    }
}
