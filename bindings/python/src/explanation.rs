//! `Explanation`.

use equipoise::score as core;
use pyo3::prelude::*;
use std::fmt::Write as _;

/// Why one candidate has its score.
///
/// The sum of the terms' amounts from left to right, in 64-bit floats, is exactly `total`, which is exactly the 32-bit score.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Explanation(pub(crate) core::Explanation);

#[pymethods]
impl Explanation {
    /// (name, kind, amount) of each term, in the order of summation.
    #[getter]
    fn terms(&self) -> Vec<(&str, &'static str, f64)> {
        self.0.terms.iter().map(|t| (t.name.as_str(), t.kind.name(), t.amount)).collect()
    }

    /// The score.
    #[getter]
    fn total(&self) -> f64 {
        self.0.total
    }

    /// What became of the candidate: "picked", "price", "outscored", "unknown", ...
    #[getter]
    fn reason(&self) -> &'static str {
        self.0.reason.name()
    }

    fn __repr__(&self) -> String {
        let mut out = format!("Explanation({}, total {:?})", self.0.reason.name(), self.0.total);
        for (name, kind, amount) in self.terms() {
            let _ = write!(out, "\n  {amount:>+16.9}  {kind:<10} {name}");
        }
        out
    }
}
