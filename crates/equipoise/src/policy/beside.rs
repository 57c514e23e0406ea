//! Two pieces of work at once, where the machine gives a second thread.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Runs `other` on a thread of its own while `own` runs on this one; both on this one where that is not `worth` it, and where no thread can be
/// had.
///
/// The thread ends before this returns: nothing is left behind that a fork could lose.
pub(super) fn beside<A: Send, B>(worth: bool, other: impl FnOnce() -> A + Send, own: impl FnOnce() -> B) -> (A, B) {
    if !worth {
        return (other(), own());
    }
    // A thread that cannot be had would take the work with it.
    let work = Mutex::new(Some(other));
    let run = || work.lock().unwrap_or_else(PoisonError::into_inner).take().map(|other| other());
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("equipoise-load".to_owned()).spawn_scoped(scope, run);
        let own = own();
        let other = match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => run(),
        };
        (other.unwrap_or_else(|| unreachable!("the work is taken once")), own)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn both_results_come_back() {
        let list = [1, 2, 3];
        let here = thread::current().id();
        let ((sum, there), first) = beside(true, || (list.iter().sum::<i32>(), thread::current().id()), || list[0]);
        assert_eq!((sum, first), (6, 1));
        assert_ne!(there, here);
        assert_eq!(beside(false, || thread::current().id(), || 1), (here, 1));
    }

    #[test]
    fn a_panic_is_passed_on() {
        assert!(catch_unwind(|| beside(true, || panic!("there"), || ())).is_err());
        assert!(catch_unwind(|| beside(true, || (), || panic!("here"))).is_err());
    }
}
