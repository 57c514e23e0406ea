//! Work of the calling thread that Ctrl-C can end.

use crate::error::{enter, panicked};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How often signals are looked for.
const BEAT: Duration = Duration::from_millis(50);

/// Runs `work` with the interpreter released. It asks now and then whether to go on; signal handlers are then called, and what one of them raises,
/// such as `KeyboardInterrupt`, ends it.
pub(crate) fn enter_interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut dyn FnMut() -> bool) -> equipoise::Result<T> + Send,
) -> PyResult<T> {
    let (outcome, raised) = py.detach(|| {
        let (mut last, mut raised) = (Instant::now(), None);
        let mut go_on = || {
            if last.elapsed() >= BEAT {
                raised = Python::attach(|py| py.check_signals().err());
                last = Instant::now();
            }
            raised.is_none()
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut go_on)));
        (outcome, raised)
    });
    match raised {
        Some(exception) => Err(exception),
        None => enter(py, || outcome.unwrap_or_else(|payload| Err(panicked(payload.as_ref())))).map_err(|e| as_interrupt(py, e)),
    }
}

/// Ctrl-C may land in the code of a stream that Python writes. What the stream hands on is a text that ends with the exception, its lines escaped.
fn as_interrupt(py: Python<'_>, error: PyErr) -> PyErr {
    if error.value(py).to_string().contains("\\u{a}KeyboardInterrupt") { PyKeyboardInterrupt::new_err(()) } else { error }
}
