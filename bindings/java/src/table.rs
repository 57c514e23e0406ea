//! Handles that can be wrong: a number from Java is looked up and checked, never followed.

use crate::sync::{Mutex, OnceLock, PoisonError, RwLock, TryLockError};
use equipoise::error::{Error, Result, codes};

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

/// Alone in its pair of cache lines: neighbours are locked by other threads.
#[repr(align(128))]
struct Slot<T>(RwLock<Entry<T>>);

struct Entry<T> {
    generation: u32,
    value: Option<Box<T>>,
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
        let block = self.blocks[index / BLOCK]
            .get_or_init(|| (0..BLOCK).map(|_| Slot(RwLock::new(Entry { generation: 0, value: None }))).collect());
        let mut entry = block[index % BLOCK].0.write().unwrap_or_else(PoisonError::into_inner);
        entry.value = Some(Box::new(value));
        Ok((self.kind << (32 + INDEX_BITS) | u64::from(entry.generation) << INDEX_BITS | index as u64) as i64)
    }

    /// Drops what `handle` names, once nobody uses it. A handle that names nothing is no error: closing twice is allowed.
    pub(crate) fn release(&self, handle: i64) {
        let Some((slot, generation, index)) = self.slot(handle) else { return };
        let value = {
            let mut entry = slot.0.write().unwrap_or_else(PoisonError::into_inner);
            if entry.generation != generation || entry.value.is_none() {
                return;
            }
            entry.generation = entry.generation.wrapping_add(1);
            entry.value.take()
        };
        self.free.lock().unwrap_or_else(PoisonError::into_inner).released.push(index);
        drop(value);
    }

    /// Runs `job` on what `handle` names, if nobody else does at this moment.
    #[inline]
    pub(crate) fn exclusively<R>(&self, handle: i64, job: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        let (slot, generation, _) = self.slot(handle).ok_or_else(|| self.closed())?;
        let mut entry = match slot.0.try_write() {
            Ok(entry) => entry,
            // A panic was caught while it was held; the value is still whole by the rules of its own type.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(codes::CONCURRENT, self.what, None, "is used by two threads at once"));
            }
        };
        if entry.generation != generation {
            return Err(self.closed());
        }
        job(entry.value.as_mut().ok_or_else(|| self.closed())?)
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

    fn closed(&self) -> Error {
        Error::new(codes::CLOSED, self.what, None, "is closed")
    }
}

impl<T: Clone, const BLOCK: usize> Table<T, BLOCK> {
    /// A copy of what `handle` names.
    pub(crate) fn get(&self, handle: i64) -> Result<T> {
        let (slot, generation, _) = self.slot(handle).ok_or_else(|| self.closed())?;
        let entry = slot.0.read().unwrap_or_else(PoisonError::into_inner);
        if entry.generation != generation {
            return Err(self.closed());
        }
        entry.value.as_deref().cloned().ok_or_else(|| self.closed())
    }
}
