//! `Explanation`.

use equipoise::policy::Policy;
use equipoise::score as core;
use pyo3::prelude::*;
use std::fmt::Write as _;

/// Why one candidate has its score.
///
/// The sum of the terms' amounts from left to right, in 64-bit floats, is exactly `total`, which is exactly the 32-bit score.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Explanation {
    core: core::Explanation,
    /// Of each term.
    names: Vec<String>,
}

impl Explanation {
    /// `core` is by `policy`.
    pub(crate) fn new(core: core::Explanation, policy: &Policy) -> Self {
        Self { names: core.terms.iter().map(|term| policy.term_name(term)).collect(), core }
    }
}

#[pymethods]
impl Explanation {
    /// (name, kind, amount) of each term, in the order of summation.
    #[getter]
    fn terms(&self) -> Vec<(&str, &'static str, f64)> {
        self.core.terms.iter().zip(&self.names).map(|(t, name)| (name.as_str(), t.kind.name(), t.amount)).collect()
    }

    /// The score.
    #[getter]
    fn total(&self) -> f64 {
        self.core.total
    }

    /// What became of the candidate: "picked", "price", "outscored", "unknown", ...
    #[getter]
    fn reason(&self) -> &'static str {
        self.core.reason.name()
    }

    /// Why the candidate was not picked; None for a pick.
    #[getter]
    fn cause(&self) -> Option<Cause> {
        self.core.cause.clone().map(Cause)
    }

    fn __repr__(&self) -> String {
        let mut out = format!("Explanation({}, total {:?})", self.core.reason.name(), self.core.total);
        for (name, kind, amount) in self.terms() {
            let _ = write!(out, "\n  {amount:>+16.9}  {kind:<10} {name}");
        }
        if let Some(cause) = &self.core.cause {
            let _ = write!(out, "\n  {}: {}", cause.name, cause.text);
        }
        out
    }
}

/// What decided against a candidate.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Cause(core::Cause);

#[pymethods]
impl Cause {
    /// The reason, or "guardrail" where the price that charged most is a guardrail's.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }

    /// The index of the pick that it lost to, where it lost to one.
    #[getter]
    fn lost_to(&self) -> Option<u32> {
        self.0.lost_to
    }

    /// The index among `terms` of the price that charged most.
    #[getter]
    fn term(&self) -> Option<usize> {
        self.0.term
    }

    /// What was found: a score, a count, an organic score, an organic rank, a time.
    #[getter]
    fn found(&self) -> Option<f64> {
        self.0.found
    }

    /// What it was held against.
    #[getter]
    fn limit(&self) -> Option<f64> {
        self.0.limit
    }

    /// The same for people.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    fn __repr__(&self) -> String {
        format!("Cause({}: {})", self.0.name, self.0.text)
    }
}
