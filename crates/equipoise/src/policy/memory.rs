//! Memory whose size a file decides: it is had, or the policy is refused; the process never ends for the want of it.

use crate::error::{Error, Result};
use crate::memory;
use equipoise_kernel::pages::prefer_large;

/// What a policy may still take in memory, so that all of it keeps to a promise about the size of its file.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) const fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// Takes so many bytes, or none where there are not as many (or nobody can count them).
    #[must_use]
    pub(super) fn take(&mut self, bytes: Option<usize>) -> bool {
        let left = bytes.and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// An empty list with room for `n`.
///
/// # Errors
/// `resource_exhausted.memory`, as all here.
pub(super) fn room<T>(n: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(n).map_err(|_| wanting::<T>(n))?;
    prefer_large(&mut list);
    Ok(list)
}

/// `n` times `value`.
pub(super) fn filled<T: Clone>(value: T, n: usize) -> Result<Vec<T>> {
    let mut list = room(n)?;
    list.resize(n, value);
    Ok(list)
}

/// Everything that comes, `n` of them.
pub(super) fn collected<T>(n: usize, things: impl Iterator<Item = T>) -> Result<Vec<T>> {
    let mut list = room(n)?;
    list.extend(things.take(n));
    Ok(list)
}

/// Adds one to a list whose length nobody knows.
pub(super) fn push<T>(list: &mut Vec<T>, thing: T) -> Result<()> {
    list.try_reserve(1).map_err(|_| wanting::<T>(list.len() + 1))?;
    list.push(thing);
    Ok(())
}

/// That `n` of these could not be had.
pub(super) fn wanting<T>(n: usize) -> Error {
    memory::wanting("policy", n.saturating_mul(size_of::<T>()))
}
