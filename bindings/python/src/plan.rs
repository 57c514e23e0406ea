//! `plan` and what it returns.

use crate::argument::extract;
use crate::campaigns::Campaigns;
use crate::opportunities::Opportunities;
use crate::packed::PackedLog;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::settings::{self, Inputs};
use crate::supervise::supervise;
use crate::table::to_arro3;
use crate::what_if::{Origin, WhatIf, what_if};
use equipoise::plan as core;
use equipoise::table;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyRecordBatchReader;
use std::path::PathBuf;
use std::sync::Mutex;

/// The planner without the progress bar; see `equipoise.plan`.
///
/// `observer` is called on the calling thread, at most 20 times a second, with passes, upper bound, value, gap, tolerance and seconds.
/// `cancel` has a method `is_set`, which is asked as often.
#[pyfunction]
#[pyo3(signature = (problem, log, campaigns, *, tolerance, traffic, shift, unknown, holdout, fresh, seed, threads, time_limit, warm_start, checkpoint, cancel, memory, observer))]
pub(crate) fn plan(
    py: Python<'_>,
    problem: &Bound<'_, PyAny>,
    log: &Bound<'_, PyAny>,
    campaigns: &Bound<'_, PyAny>,
    tolerance: &Bound<'_, PyAny>,
    traffic: &Bound<'_, PyAny>,
    shift: Option<&Bound<'_, PyAny>>,
    unknown: &Bound<'_, PyAny>,
    holdout: &Bound<'_, PyAny>,
    fresh: Option<&Bound<'_, PyAny>>,
    seed: &Bound<'_, PyAny>,
    threads: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
    warm_start: Option<&Bound<'_, PyAny>>,
    checkpoint: Option<&Bound<'_, PyAny>>,
    cancel: Option<&Bound<'_, PyAny>>,
    memory: &Bound<'_, PyAny>,
    observer: Option<&Bound<'_, PyAny>>,
) -> PyResult<Plan> {
    let log = match log.cast::<PackedLog>() {
        Ok(packed) => Log::Packed(packed.get().0.clone()),
        Err(_) => Log::InMemory(Inputs::new(problem, log, campaigns)?),
    };
    let problem = extract::<Bound<'_, Problem>>(problem, "problem", "a Problem")?.unbind();
    let campaigns = extract::<Bound<'_, Campaigns>>(campaigns, "campaigns", "a Campaigns")?.unbind();
    let fresh = fresh.map(|f| extract::<Bound<'_, Opportunities>>(f, "fresh", "an Opportunities")).transpose()?.map(Bound::unbind);
    let warm_start = warm_start.map(|w| extract::<Bound<'_, Plan>>(w, "warm_start", "a Plan")).transpose()?.map(Bound::unbind);

    let settings = settings::sample(tolerance, traffic, shift, unknown, seed, threads, time_limit)?
        .holdout(extract(holdout, "holdout", "a number")?)
        .memory(extract(memory, "memory", "a number of bytes")?);
    let origin = Origin {
        inputs: if let Log::InMemory(inputs) = &log { Some(inputs.clone_ref(py)) } else { None },
        settings: if fresh.is_some() { settings.clone().holdout(0.0) } else { settings.clone() },
        session: Mutex::new(None),
    };
    let checkpoint = checkpoint.map(|path| extract::<PathBuf>(path, "checkpoint", "a path")).transpose()?;
    let planned = supervise(py, observer, cancel, move |cancel, observe| {
        let mut settings = settings.cancel(cancel).observer(observe);
        if let Some(fresh) = &fresh {
            settings = settings.fresh(&fresh.get().0);
        }
        if let Some(earlier) = &warm_start {
            settings = settings.warm_start(&earlier.get().0);
        }
        if let Some(path) = &checkpoint {
            settings = settings.checkpoint(path);
        }
        let (problem, campaigns) = (&problem.get().0, &campaigns.get().0);
        match &log {
            Log::InMemory(inputs) => core::plan(problem, &inputs.log.get().0, campaigns, &settings),
            Log::Packed(packed) => core::plan_packed(problem, packed, campaigns, &settings),
        }
    });
    planned.map(|plan| Plan(plan, origin))
}

/// Where a plan's opportunities are.
enum Log {
    InMemory(Inputs),
    Packed(core::PackedLog),
}

/// Prices for a sample of opportunities, with the certificate that says how good they are.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Plan(pub(crate) core::Plan, pub(crate) Origin);

#[pymethods]
impl Plan {
    /// How the solve ended: "solved", "iteration_limit", "time_limit", "stalled" or "cancelled".
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status().name()
    }

    /// How good the plan is.
    #[getter]
    fn certificate(&self) -> Certificate {
        Certificate(self.0.certificate().clone())
    }

    /// Every ledger with its price: goal, kind, measure, scope, price, delivered, bound, slack.
    #[getter]
    fn prices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::prices_table(self.0.prices()))
    }

    /// What the certified relaxed answer delivers: campaign, then one column per measure.
    #[getter]
    fn deliveries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::deliveries_table(self.0.deliveries()))
    }

    /// What cannot be met, and why: kind, goal, asked, reached, least_relaxation, price, against (who stands against it, or pays for it).
    #[getter]
    fn conflicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::conflicts_table(self.0.conflicts()))
    }

    /// The certified relaxed answer, aligned with the log's rows: x in [0, 1], null on held-out opportunities; empty for a packed log.
    fn decisions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::decisions_table(&self.0))
    }

    /// The same as a stream of record batches, of packed logs, too: theirs are read from the file block by block, so that they need not fit memory.
    fn decision_batches<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        PyRecordBatchReader::new(Box::new(table::decisions_reader(&self.0))).into_arro3(py)
    }

    /// The policy that serves these prices: the one that was certified.
    #[getter]
    fn policy(&self) -> Policy {
        Policy(self.0.policy().clone())
    }

    /// What would come of `changes`, without touching the plan: new prices, deliveries before and after, and who is displaced.
    ///
    /// `changes` is a dict of what differs, by name:
    /// {"objectives": {"stream": 2.0}, "goals": {"listeners": {"at_most": 0.02}}, "campaigns": {"c1": {"cap": 500}, "c2": {"paused": True}}}.
    /// Goals are named as in `prices`, or by their place, "goals[0]", and take at_most, at_least, at_most_total, target, penalty, weight, alpha
    /// and offset; campaigns take cap, floor, floor_penalty, target, target_penalty (None removes an amount), goal_measure and paused.
    /// `tolerance`, `threads` and `time_limit` are the plan's own unless given.
    ///
    /// The log must be in memory. The first call packs it, about 8 bytes a row and 4 more per measure, and the plan keeps that; later ones take a few passes.
    #[pyo3(signature = (changes, *, tolerance=None, threads=None, time_limit=None))]
    fn what_if(
        slf: &Bound<'_, Self>,
        changes: &Bound<'_, PyAny>,
        tolerance: Option<&Bound<'_, PyAny>>,
        threads: Option<&Bound<'_, PyAny>>,
        time_limit: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<WhatIf> {
        what_if(slf, changes, tolerance, threads, time_limit)
    }

    /// What a careful reader should know, in sentences: defaults taken, flights ignored.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.0.notes().to_vec()
    }

    fn __repr__(&self) -> String {
        crate::show::plan(&self.0)
    }

    fn _repr_html_(&self) -> String {
        crate::show::plan_html(&self.0)
    }
}

/// Bound and value of the relaxed plan, and what the serving rule does on opportunities the plan has not seen.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Certificate(pub(crate) core::Certificate);

#[pymethods]
impl Certificate {
    /// No allocation is worth more; rounded up.
    #[getter]
    fn upper_bound(&self) -> f64 {
        self.0.upper_bound
    }
    /// What the certified relaxed answer is worth, penalties included; rounded down.
    #[getter]
    fn value(&self) -> f64 {
        self.0.value
    }
    /// (upper_bound - value) / max(1, |upper_bound|).
    #[getter]
    fn gap(&self) -> f64 {
        self.0.gap
    }
    /// Largest excess over hard goals, and over soft goals that are not in conflict, relative to max(1, |bound|).
    #[getter]
    fn worst_violation(&self) -> f64 {
        self.0.worst_violation
    }
    /// Rows evaluated over rows, for whatever purpose.
    #[getter]
    fn passes(&self) -> f64 {
        self.0.passes
    }
    /// Wall time from packed columns to the certificate.
    #[getter]
    fn seconds(&self) -> f64 {
        self.0.seconds
    }
    /// The serving rule on held-out or fresh opportunities; None where there were none.
    #[getter]
    fn serving(&self) -> Option<ServingCertificate> {
        self.0.serving.clone().map(ServingCertificate)
    }
    fn __repr__(&self) -> String {
        let c = &self.0;
        let serving = self.serving().map_or_else(|| "None".to_owned(), |s| s.__repr__());
        format!(
            "Certificate(upper_bound={:?}, value={:?}, gap={:.3e}, worst_violation={:.3e}, passes={}, seconds={:.3}, serving={serving})",
            c.upper_bound, c.value, c.gap, c.worst_violation, c.passes, c.seconds
        )
    }
    /// The whole in one screen.
    fn __str__(&self) -> String {
        self.0.to_string()
    }
    fn _repr_html_(&self) -> String {
        crate::show::certificate_html(&self.0)
    }
}

/// The serving rule, slate rules included, on opportunities that the plan has not seen, weighted to stand for the whole flight.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct ServingCertificate(core::Serving);

#[pymethods]
impl ServingCertificate {
    /// Opportunities replayed.
    #[getter]
    fn opportunities(&self) -> u64 {
        self.0.opportunities
    }
    /// Listeners among them; None where the log does not name listeners.
    #[getter]
    fn listeners(&self) -> Option<u64> {
        self.0.listeners
    }
    /// Weight of the opportunities replayed, as their log has it.
    #[getter]
    fn weight(&self) -> f64 {
        self.0.weight
    }
    /// Weight of the flight that the intervals are for, traffic included.
    #[getter]
    fn flight(&self) -> f64 {
        self.0.flight
    }
    /// Predicted value of the flight under the objectives, penalties included.
    #[getter]
    fn value(&self) -> f64 {
        self.0.value
    }
    /// Lower end of the value's own interval.
    #[getter]
    fn value_lower(&self) -> f64 {
        self.0.value_lower
    }
    /// Upper end of the value's own interval.
    #[getter]
    fn value_upper(&self) -> f64 {
        self.0.value_upper
    }
    /// value / upper_bound of the relaxed plan.
    #[getter]
    fn value_ratio(&self) -> f64 {
        self.0.value_ratio
    }
    /// Largest relative excess over a hard goal, as predicted.
    #[getter]
    fn worst_violation(&self) -> f64 {
        self.0.worst_violation
    }
    /// The goal that has it, with its scope; empty where none is exceeded.
    #[getter]
    fn worst_goal(&self) -> &str {
        &self.0.worst_goal
    }
    /// Probability with which all ledgers' intervals hold together.
    #[getter]
    fn level(&self) -> f64 {
        self.0.level
    }
    /// The normal quantile of each interval that makes them hold together.
    #[getter]
    fn quantile(&self) -> f64 {
        self.0.quantile
    }
    /// How many ledgers are "kept", "at_risk" and "missed".
    #[getter]
    fn outlooks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (outlook, count) in [core::Outlook::Kept, core::Outlook::AtRisk, core::Outlook::Missed].iter().zip(self.0.outlooks) {
            dict.set_item(outlook.name(), count)?;
        }
        Ok(dict)
    }
    /// A row per bounded ledger: goal, kind, measure, scope, side, bound, predicted, lower, upper, half_width, needed, outlook.
    #[getter]
    fn ledgers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::served_table(&self.0.ledgers))
    }
    fn __repr__(&self) -> String {
        let s = &self.0;
        let [kept, at_risk, missed] = s.outlooks;
        format!(
            "ServingCertificate(opportunities={}, value={:?}, value_ratio={:.4}, worst_violation={:.3e}, worst_goal={:?}, kept={kept}, at_risk={at_risk}, missed={missed})",
            s.opportunities, s.value, s.value_ratio, s.worst_violation, s.worst_goal
        )
    }
    /// Summary and the tightest ledgers.
    fn __str__(&self) -> String {
        self.0.to_string()
    }
    fn _repr_html_(&self) -> String {
        crate::show::serving_html(&self.0)
    }
}
