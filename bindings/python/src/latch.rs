//! A value for one user at a time; a second one is refused, never made to wait.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

/// As a mutex that is only ever tried, but that giving it back is a plain store: a mutex's unlock waits until all that was written under it
/// has left the core, which for a request's scores is longer than the rest of the call.
pub(crate) struct Latch<T> {
    busy: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `enter` hands the value to one user at a time, on whatever thread.
unsafe impl<T: Send> Sync for Latch<T> {}

impl<T> Latch<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { busy: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, unless somebody has it. A panic gives it back too.
    pub(crate) fn enter(&self) -> Option<Entered<'_, T>> {
        (!self.busy.swap(true, Ordering::Acquire)).then_some(Entered { latch: self, value: PhantomData })
    }
}

/// The value of a [`Latch`] until this is dropped.
pub(crate) struct Entered<'a, T> {
    latch: &'a Latch<T>,
    /// Shared between threads only where a mutable reference may be.
    value: PhantomData<&'a mut T>,
}

impl<T> Deref for Entered<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: nobody else has entered.
        unsafe { &*self.latch.value.get() }
    }
}

impl<T> DerefMut for Entered<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: nobody else has entered, and this is borrowed mutably.
        unsafe { &mut *self.latch.value.get() }
    }
}

impl<T> Drop for Entered<'_, T> {
    fn drop(&mut self) {
        self.latch.busy.store(false, Ordering::Release);
    }
}
