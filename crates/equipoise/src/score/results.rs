//! Where results are written: lists of the workspace's own, or memory that its owner has lent.

use std::ops::{Deref, DerefMut};

/// A list of results.
#[derive(Debug)]
pub(super) enum Results<T: 'static> {
    Own(Vec<T>),
    /// In the first `len` places of lent memory, which cannot grow.
    Lent {
        memory: &'static mut [T],
        len: usize,
    },
}

impl<T: Copy> Results<T> {
    pub(super) fn with_capacity(n: usize) -> Self {
        Self::Own(Vec::with_capacity(n))
    }

    pub(super) fn lent(memory: &'static mut [T]) -> Self {
        Self::Lent { memory, len: 0 }
    }

    /// Makes room for `n` results, and where it can grow for `ahead`; whether there is.
    pub(super) fn make_room(&mut self, n: usize, ahead: usize) -> bool {
        match self {
            Self::Own(list) => list.try_reserve(ahead.saturating_sub(list.len())).is_ok(),
            Self::Lent { memory, .. } => n <= memory.len(),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Own(list) => list.clear(),
            Self::Lent { len, .. } => *len = 0,
        }
    }

    /// Adds a result, for which room was made.
    pub(super) fn push(&mut self, result: T) {
        match self {
            Self::Own(list) => list.push(result),
            Self::Lent { memory, len } => {
                memory[*len] = result;
                *len += 1;
            }
        }
    }

    /// Has `n` results, for which room was made; new ones are `fill`.
    pub(super) fn resize(&mut self, n: usize, fill: T) {
        match self {
            Self::Own(list) => list.resize(n, fill),
            Self::Lent { memory, len } => {
                if n > *len {
                    memory[*len..n].fill(fill);
                }
                *len = n;
            }
        }
    }

    /// Bytes of memory of its own.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Own(list) => list.capacity() * size_of::<T>(),
            Self::Lent { .. } => 0,
        }
    }
}

impl<T> Default for Results<T> {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl<T> Deref for Results<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::Own(list) => list,
            Self::Lent { memory, len } => &memory[..*len],
        }
    }
}

impl<T> DerefMut for Results<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Own(list) => list,
            Self::Lent { memory, len } => &mut memory[..*len],
        }
    }
}
