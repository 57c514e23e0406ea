//! `Scorer`.

use crate::argument::extract;
use crate::policy::{self, Policy};
use crate::request::Request;
use crate::table::{Source, options};
use equipoise::plan::Unknown;
use pyo3::prelude::*;
use std::sync::{PoisonError, RwLock};

/// Serves a policy, which can be swapped while others score.
///
/// `Scorer()` serves the empty policy: every id is unknown, every request keeps its organic order.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Scorer(RwLock<Py<Policy>>);

#[pymethods]
impl Scorer {
    #[new]
    #[pyo3(signature = (policy=None))]
    fn new(py: Python<'_>, policy: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let policy = match policy {
            Some(policy) => extract::<Bound<'_, Policy>>(policy, "policy", "a Policy")?.unbind(),
            None => Py::new(py, Policy(equipoise::policy::Policy::empty()))?,
        };
        Ok(Self(RwLock::new(policy)))
    }

    /// The policy that is served now.
    #[getter]
    fn policy(&self, py: Python<'_>) -> Py<Policy> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone_ref(py)
    }

    /// Serve `policy` from now on. Requests that have begun keep the policy they were begun with.
    fn install(&self, policy: &Bound<'_, PyAny>) -> PyResult<()> {
        let policy = extract::<Bound<'_, Policy>>(policy, "policy", "a Policy")?.unbind();
        let before = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), policy);
        // Dropped without the lock: freeing a large policy takes a while.
        drop(before);
        Ok(())
    }

    /// Prepare a request for up to `max_candidates` candidates with the measures of the policy that is served now.
    #[pyo3(signature = (max_candidates=None), text_signature = "($self, max_candidates=2000)")]
    fn request(&self, py: Python<'_>, max_candidates: Option<&Bound<'_, PyAny>>) -> PyResult<Request> {
        let names = self.policy(py).get().0.measures().to_vec();
        match max_candidates {
            Some(n) => Request::new(py, n, names),
            None => Request::new(py, 2000_u32.into_pyobject(py)?.as_any(), names),
        }
    }

    /// Every opportunity of a table by the serving rule: promotion_score, picked, position, reason, policy_id, aligned with its rows.
    ///
    /// `table`, `naive` and `fill` are as for `Opportunities`; the policy's measures are its measure columns, `displacement` only if it is there.
    #[pyo3(signature = (table, naive=None, fill=None))]
    fn score<'py>(
        &self,
        py: Python<'py>,
        table: &Bound<'py, PyAny>,
        naive: Option<&Bound<'py, PyAny>>,
        fill: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let policy = self.policy(py);
        let policy = &policy.get().0;
        let options = options(naive, fill)?;
        let source = Source::new(table, "table")?;
        let mut measures = policy.measures().to_vec();
        if measures.iter().any(|m| m == "displacement") && !source.has_column(py, "displacement")? {
            measures.retain(|m| m != "displacement");
        }
        let log = source.opportunities(py, &measures, &options)?;
        policy::replay(py, policy, &log, Unknown::Organic, true)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("Scorer({})", self.policy(py).get().__repr__())
    }
}
