//! The Python binding: arguments in, arrays out, errors mapped.
#![allow(clippy::doc_markdown, reason = "comments on exported items are Python's docstrings")]

mod argument;
mod array;
mod batch;
mod book;
mod campaigns;
mod columns;
mod document;
mod error;
mod explanation;
mod held;
mod interrupt;
mod latch;
mod opportunities;
mod options;
mod packed;
mod plan;
mod policy;
mod problem;
mod record;
mod request;
mod scorer;
mod settings;
mod show;
mod supervise;
mod table;
mod what_if;

use equipoise::memory::Reserve;
use pyo3::prelude::*;

/// A notebook must not end because a name or a message found no memory.
#[global_allocator]
static ALLOCATOR: Reserve = Reserve::new();

/// The native half of `equipoise`; import that instead.
#[pymodule]
mod _native {
    use super::{argument, error, supervise};
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use super::batch::Batch;
    #[pymodule_export]
    use super::book::{Booking, book};
    #[pymodule_export]
    use super::campaigns::Campaigns;
    #[pymodule_export]
    use super::explanation::{Cause, Explanation};
    #[pymodule_export]
    use super::opportunities::Opportunities;
    #[pymodule_export]
    use super::packed::{PackedLog, pack};
    #[pymodule_export]
    use super::plan::{Certificate, Plan, ServingCertificate, plan};
    #[pymodule_export]
    use super::policy::Policy;
    #[pymodule_export]
    use super::problem::{Problem, problem_schema};
    #[pymodule_export]
    use super::record::{DecisionRecord, read_records, records_table, save_records};
    #[pymodule_export]
    use super::request::Request;
    #[pymodule_export]
    use super::scorer::{Scorer, metric_series};
    #[pymodule_export]
    use super::supervise::_await_cancelled;
    #[pymodule_export]
    use super::what_if::{Frontier, WhatIf, frontier};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let numpy = module.py().import("numpy")?;
        let unwritten = numpy.call_method1("uint32", (equipoise::score::UNWRITTEN,))?.call_method1("view", (numpy.getattr("float32")?,))?;
        module.add("UNWRITTEN", unwritten)?;
        module.add("UNKNOWN", equipoise::score::UNKNOWN)?;
        module.add("ORGANIC", equipoise::score::ORGANIC)?;
        let reasons = equipoise::score::Reason::ALL.map(equipoise::score::Reason::name);
        module.add("REASONS", PyTuple::new(module.py(), reasons)?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// The error for an argument that is not what was wanted.
    #[pyfunction]
    fn invalid_input(argument: &str, wanted: &str, value: &Bound<'_, PyAny>) -> PyErr {
        argument::refuse_type(value, argument, wanted)
    }

    /// Waits until no watcher is at work and keeps all from it: called before a fork.
    #[pyfunction]
    fn _hold_watchers(py: Python<'_>) {
        py.detach(equipoise::score::hold_watchers);
    }

    /// Lets watchers go on: called after a fork, in both processes.
    #[pyfunction]
    fn _resume_watchers() {
        equipoise::score::resume_watchers();
    }

    /// Panics inside, for the test that a panic is an exception.
    #[pyfunction]
    fn _panic(py: Python<'_>) -> PyResult<()> {
        error::enter(py, || panic!("injected"))
    }

    /// Panics on the planning thread, for the same test.
    #[pyfunction]
    fn _panic_supervised(py: Python<'_>) -> PyResult<()> {
        supervise::supervise(py, None, None, |_, _| panic!("injected"))
    }
}
