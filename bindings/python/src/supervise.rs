//! Long work on a thread of its own, so that the calling thread can answer Ctrl-C and draw progress.

use crate::error::{enter, panicked, to_python};
use equipoise::error::codes;
use equipoise::plan::Progress;
use equipoise::{Error, Result};
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often signals are looked for and progress is passed on.
const BEAT: Duration = Duration::from_millis(50);

/// How long cancelled work is waited for. Longer, and it ends by itself: Ctrl-C is answered within two beats and this.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long cancelled work is waited for when the interpreter ends.
const FAREWELL: Duration = Duration::from_secs(10);

/// Work that was cancelled and not waited for to the end: it may still read from Python, which must not be gone by then. With the process whose it
/// is: a fork has none of the threads.
static LEFT: Mutex<Vec<(u32, Wait)>> = Mutex::new(Vec::new());

/// Whether work is done, at the latest after so long.
type Wait = Box<dyn Fn(Duration) -> bool + Send>;

/// Waits for cancelled work; called when the interpreter ends.
#[pyfunction]
pub(crate) fn _await_cancelled(py: Python<'_>) {
    py.detach(|| {
        let until = Instant::now() + FAREWELL;
        let left = std::mem::take(&mut *lock(&LEFT));
        for (_, is_done) in left.iter().filter(|(process, _)| *process == std::process::id()) {
            is_done(until.saturating_duration_since(Instant::now()));
        }
    });
}

struct Shared<T> {
    outcome: Mutex<Option<Result<T>>>,
    done: Condvar,
    latest: Mutex<Option<Progress>>,
    cancel: AtomicBool,
}

/// A poisoned lock only means that a panic was caught elsewhere; the values stay whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Shared<T> {
    /// The outcome, once there is one; `None` after `patience`.
    fn wait(&self, patience: Duration) -> Option<Result<T>> {
        let outcome = lock(&self.outcome);
        let waited = self.done.wait_timeout_while(outcome, patience, |o| o.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }
}

/// Runs `work` on its own thread with a flag that cancels it and an observer that it may call after each pass.
///
/// Meanwhile other Python threads run; on this one signal handlers are called and `observer`, if given, gets the latest progress. Once `cancel`,
/// if given, is set (its method `is_set` says so), the work is asked to stop and its outcome is returned.
/// An exception of either (such as `KeyboardInterrupt`) cancels the work and is raised at once; what `work` holds is dropped when it has
/// stopped.
pub(crate) fn supervise<T: Send + 'static>(
    py: Python<'_>,
    observer: Option<&Bound<'_, PyAny>>,
    cancel: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&AtomicBool, &(dyn Fn(&Progress) + Sync)) -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let shared =
        Arc::new(Shared { outcome: Mutex::new(None), done: Condvar::new(), latest: Mutex::new(None), cancel: AtomicBool::new(false) });
    let theirs = Arc::clone(&shared);
    let thread = std::thread::Builder::new().name("equipoise-plan".to_owned()).spawn(move || {
        let observe = |progress: &Progress| *lock(&theirs.latest) = Some(*progress);
        let result = catch_unwind(AssertUnwindSafe(|| work(&theirs.cancel, &observe)));
        *lock(&theirs.outcome) = Some(result.unwrap_or_else(|payload| Err(panicked(payload.as_ref()))));
        theirs.done.notify_all();
    });
    if let Err(refused) = thread {
        return Err(to_python(py, &Error::new(codes::MEMORY, "plan", None, format!("no thread could be started: {refused}"))));
    }
    loop {
        if let Some(outcome) = py.detach(|| shared.wait(BEAT)) {
            // A signal that came while the last beat ran is still to be answered.
            py.check_signals()?;
            return enter(py, || outcome);
        }
        let latest = lock(&shared.latest).take();
        let told = match (observer, latest) {
            (Some(f), Some(p)) => f.call1((p.passes, p.upper_bound, p.value, p.gap, p.tolerance, p.seconds)).map(drop),
            _ => Ok(()),
        };
        let asked = told.and_then(|()| py.check_signals()).and_then(|()| match cancel {
            Some(event) if event.call_method0("is_set")?.is_truthy()? => {
                shared.cancel.store(true, Ordering::Relaxed);
                Ok(())
            }
            _ => Ok(()),
        });
        if let Err(exception) = asked {
            shared.cancel.store(true, Ordering::Relaxed);
            if py.detach(|| shared.wait(PATIENCE)).is_none() {
                let mut left = lock(&LEFT);
                left.retain(|(_, is_done)| !is_done(Duration::ZERO));
                left.push((std::process::id(), Box::new(move |patience| shared.wait(patience).is_some())));
            }
            return Err(exception);
        }
    }
}
