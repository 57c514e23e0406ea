//! `Plan.what_if`, `frontier` and what they return.

use crate::argument::{describe, extract, refuse};
use crate::document::to_json;
use crate::error::enter;
use crate::plan::Certificate;
use crate::policy::Policy;
use crate::settings::{self, Inputs};
use crate::supervise::supervise;
use crate::table::to_arro3;
use equipoise::error::{Error, codes};
use equipoise::plan::{self as core, Changes, Session, Settings, Vary};
use equipoise::table;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Arc, Mutex, PoisonError};

/// What a plan was made of, and its session once somebody has asked.
pub(crate) struct Origin {
    /// None where the log was packed: a session needs it in memory.
    pub(crate) inputs: Option<Inputs>,
    pub(crate) settings: Settings<'static>,
    pub(crate) session: Mutex<Option<Arc<Session>>>,
}

impl Origin {
    /// The session, packed on first use.
    fn session(&self) -> equipoise::Result<Arc<Session>> {
        let mut kept = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = kept.as_ref() {
            return Ok(session.clone());
        }
        let Some(inputs) = &self.inputs else {
            return Err(Error::new(codes::INCONSISTENT, "plan", None, "was made from a packed log; what_if needs the log in memory"));
        };
        let session = Arc::new(pack(inputs, &self.settings)?);
        *kept = Some(session.clone());
        Ok(session)
    }
}

fn pack(inputs: &Inputs, settings: &Settings<'_>) -> equipoise::Result<Session> {
    Session::new(inputs.problem.get().0.clone(), inputs.log.get().0.clone(), inputs.campaigns.get().0.clone(), settings)
}

/// Answers `Plan.what_if`.
pub(crate) fn what_if(
    slf: &Bound<'_, crate::plan::Plan>,
    changes: &Bound<'_, PyAny>,
    tolerance: Option<&Bound<'_, PyAny>>,
    threads: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
) -> PyResult<WhatIf> {
    let py = slf.py();
    let document = extract::<Bound<'_, PyDict>>(changes, "changes", "a dict")?;
    let document = to_json(&document, "changes", 0)?.to_string();
    let changes = enter(py, || Changes::from_json(&document))?;
    let settings = settings::solving(slf.get().1.settings.clone(), tolerance, threads, time_limit)?;
    let plan = slf.clone().unbind();
    supervise(py, None, None, move |cancel, observe| {
        let plan = plan.get();
        let settings = settings.cancel(cancel).observer(observe);
        plan.1.session()?.what_if(&plan.0, &changes, &settings)
    })
    .map(WhatIf)
}

/// What would come of changes: the answer of `Plan.what_if`.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct WhatIf(core::WhatIf);

#[pymethods]
impl WhatIf {
    /// How the solve ended: as `Plan.status`.
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().name()
    }

    /// How good the answer is; `serving` is None.
    #[getter]
    fn certificate(&self) -> Certificate {
        Certificate(self.0.certificate().clone())
    }

    /// Every ledger with its new price: as `Plan.prices`.
    #[getter]
    fn prices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::prices_table(self.0.prices()))
    }

    /// Every campaign and measure: scope, key, measure, before, after, difference.
    #[getter]
    fn deliveries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::shifts_table(self.0.deliveries()))
    }

    /// Campaigns and parties whose exposure differs by more than a thousandth, who loses most first: columns as `deliveries`.
    #[getter]
    fn displaced<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::shifts_table(self.0.displaced()))
    }

    /// What cannot be met with the changes: as `Plan.conflicts`.
    #[getter]
    fn conflicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::conflicts_table(self.0.conflicts()))
    }

    /// By how much the optimum moves: at least and at most, from both certificates.
    #[getter]
    fn value_difference(&self) -> (f64, f64) {
        self.0.value_difference()
    }

    fn __repr__(&self) -> String {
        let (c, (least, most)) = (self.0.certificate(), self.0.value_difference());
        let displaced = self.0.displaced().len();
        format!(
            "WhatIf({}, value {:.6} (moved by {least:+.6} to {most:+.6}), gap {:.2e}, {} passes, {displaced} rows displaced)",
            self.0.status().name(),
            c.value,
            c.gap,
            c.passes
        )
    }
}

/// The frontier without the progress bar; see `equipoise.frontier`.
#[pyfunction]
#[pyo3(signature = (problem, log, campaigns, *, paths, levels, tolerance, traffic, shift, unknown, holdout, seed, threads, time_limit, observer))]
pub(crate) fn frontier(
    py: Python<'_>,
    problem: &Bound<'_, PyAny>,
    log: &Bound<'_, PyAny>,
    campaigns: &Bound<'_, PyAny>,
    paths: Vec<String>,
    levels: Vec<Vec<f64>>,
    tolerance: &Bound<'_, PyAny>,
    traffic: &Bound<'_, PyAny>,
    shift: Option<&Bound<'_, PyAny>>,
    unknown: &Bound<'_, PyAny>,
    holdout: &Bound<'_, PyAny>,
    seed: &Bound<'_, PyAny>,
    threads: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
    observer: Option<&Bound<'_, PyAny>>,
) -> PyResult<Frontier> {
    let inputs = Inputs::new(problem, log, campaigns)?;
    let settings =
        settings::sample(tolerance, traffic, shift, unknown, seed, threads, time_limit)?.holdout(extract(holdout, "holdout", "a number")?);
    let vary = paths.into_iter().zip(levels).fold(Vary::default(), |vary, (path, levels)| vary.and(path, levels));
    let solved = supervise(py, observer, None, move |cancel, observe| {
        let settings = settings.cancel(cancel).observer(observe);
        pack(&inputs, &settings)?.frontier(&vary, &settings)
    });
    solved.map(Frontier)
}

/// A problem solved at many levels, each point with its own certificate.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Frontier(core::Frontier);

impl Frontier {
    fn point(&self, i: &Bound<'_, PyAny>) -> PyResult<&core::FrontierPoint> {
        let at: usize = extract(i, "i", "the number of a point")?;
        let points = self.0.points();
        points.get(at).ok_or_else(|| refuse(i.py(), codes::RANGE, "i", format!("found {}, there are {} points", describe(i), points.len())))
    }
}

#[pymethods]
impl Frontier {
    /// A row per point: a column of levels per path, status, value, upper_bound, gap, worst_violation, passes, then "total NAME" of every measure.
    #[getter]
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::frontier_table(&self.0))
    }

    /// How good point `i` is; `serving` is None.
    fn certificate(&self, i: &Bound<'_, PyAny>) -> PyResult<Certificate> {
        Ok(Certificate(self.point(i)?.certificate.clone()))
    }

    /// Every ledger with its price at point `i`: as `Plan.prices`.
    fn prices<'py>(&self, i: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(i.py(), table::prices_table(&self.point(i)?.prices))
    }

    /// Campaign by measure at point `i`: as `Plan.deliveries`.
    fn deliveries<'py>(&self, i: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(i.py(), table::deliveries_table(&self.point(i)?.deliveries))
    }

    /// The policy that serves the prices of point `i`; no serving certificate was taken.
    fn policy(&self, i: &Bound<'_, PyAny>) -> PyResult<Policy> {
        Ok(Policy(self.point(i)?.policy.clone()))
    }

    fn __len__(&self) -> usize {
        self.0.points().len()
    }

    fn __repr__(&self) -> String {
        let points = self.0.points();
        let passes: f64 = points.iter().map(|p| p.certificate.passes).sum();
        format!("Frontier({} points over {}; {passes} passes)", points.len(), self.0.paths().join(", "))
    }
}
