//! Errors and panics of the core as Python exceptions.

use equipoise::error::codes;
use equipoise::{Error, Kind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The exception of `equipoise._errors` that stands for `error`.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    match build(py, error) {
        Ok(exception) => exception,
        // The Python half of the package cannot be imported: say what happened all the same.
        Err(_) => PyRuntimeError::new_err(error.to_string()),
    }
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = class(py, error.kind())?;
    let faults = error.faults().iter().map(|f| (f.code, f.argument.as_str(), f.index, f.message.as_str()));
    let faults = PyTuple::new(py, faults.collect::<Vec<_>>())?;
    let exception = class.call1((error.to_string(), error.code(), error.argument(), error.index(), faults))?;
    Ok(PyErr::from_value(exception))
}

fn class(py: Python<'_>, kind: Kind) -> PyResult<&Bound<'_, PyAny>> {
    static CLASSES: [PyOnceLock<Py<PyAny>>; 5] = [const { PyOnceLock::new() }; 5];
    let (at, name) = match kind {
        Kind::InvalidInput => (0, "InvalidInput"),
        Kind::Policy => (1, "PolicyError"),
        Kind::Usage => (2, "UsageError"),
        Kind::ResourceExhausted => (3, "ResourceExhausted"),
        _ => (4, "InternalError"),
    };
    let class = CLASSES[at].get_or_try_init(py, || py.import("equipoise._errors")?.getattr(name).map(Bound::unbind))?;
    Ok(class.bind(py))
}

/// Runs `work` of the core: its error becomes an exception, and so does its panic.
pub(crate) fn enter<T>(py: Python<'_>, work: impl FnOnce() -> equipoise::Result<T>) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(to_python(py, &error)),
        Err(payload) => Err(to_python(py, &panicked(payload.as_ref()))),
    }
}

/// As [`enter`], with the interpreter released: for work that takes milliseconds or more.
pub(crate) fn enter_detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> equipoise::Result<T> + Send) -> PyResult<T> {
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    enter(py, || result.unwrap_or_else(|payload| Err(panicked(payload.as_ref()))))
}

/// The internal error that reports a caught panic, which is counted.
pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> Error {
    equipoise::observe::count_panic();
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    Error::new(codes::PANIC, "equipoise", None, text.unwrap_or("a panic without a message"))
}
