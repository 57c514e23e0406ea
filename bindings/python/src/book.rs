//! `book` and what it returns.

use crate::argument::extract;
use crate::plan::Plan;
use crate::settings::{self, Inputs};
use crate::supervise::supervise;
use crate::table::to_arro3;
use equipoise::plan::{self as core, Quantiles, Wish};
use equipoise::table;
use pyo3::prelude::*;

/// Booking without the progress bar; see `equipoise.book`.
#[pyfunction]
#[pyo3(signature = (problem, log, campaigns, campaign, *, amount, measure, penalty, replicates, seed, tolerance, traffic, shift, unknown, threads, time_limit, warm_start, observer))]
pub(crate) fn book(
    py: Python<'_>,
    problem: &Bound<'_, PyAny>,
    log: &Bound<'_, PyAny>,
    campaigns: &Bound<'_, PyAny>,
    campaign: &Bound<'_, PyAny>,
    amount: Option<&Bound<'_, PyAny>>,
    measure: &Bound<'_, PyAny>,
    penalty: Option<&Bound<'_, PyAny>>,
    replicates: &Bound<'_, PyAny>,
    seed: &Bound<'_, PyAny>,
    tolerance: &Bound<'_, PyAny>,
    traffic: &Bound<'_, PyAny>,
    shift: Option<&Bound<'_, PyAny>>,
    unknown: &Bound<'_, PyAny>,
    threads: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
    warm_start: Option<&Bound<'_, PyAny>>,
    observer: Option<&Bound<'_, PyAny>>,
) -> PyResult<Booking> {
    let inputs = Inputs::new(problem, log, campaigns)?;
    let warm_start = warm_start.map(|w| extract::<Bound<'_, Plan>>(w, "warm_start", "a Plan")).transpose()?.map(Bound::unbind);
    let mut wish = Wish::new(extract::<String>(campaign, "campaign", "text")?)
        .measure(extract::<String>(measure, "measure", "text")?)
        .replicates(extract(replicates, "replicates", "a whole number in [1, 100000]")?);
    if let Some(amount) = amount {
        wish = wish.amount(extract(amount, "amount", "a number")?);
    }
    if let Some(penalty) = penalty {
        wish = wish.penalty(extract(penalty, "penalty", "a number")?);
    }
    let settings = settings::sample(tolerance, traffic, shift, unknown, seed, threads, time_limit)?;
    let booked = supervise(py, observer, None, move |cancel, observe| {
        let mut settings = settings.cancel(cancel).observer(observe);
        if let Some(earlier) = &warm_start {
            settings = settings.warm_start(&earlier.get().0);
        }
        core::book(&inputs.problem.get().0, &inputs.log.get().0, &inputs.campaigns.get().0, &wish, &settings)
    });
    booked.map(Booking)
}

/// How likely a campaign's goal is to be met, and what meeting it costs.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Booking(core::Booking);

/// The 10th, 50th and 90th of a hundred.
fn three(q: Quantiles) -> (f64, f64, f64) {
    (q.low, q.median, q.high)
}

#[pymethods]
impl Booking {
    /// The campaign's id.
    #[getter]
    fn campaign(&self) -> &str {
        &self.0.campaign
    }
    /// The measure that is counted.
    #[getter]
    fn measure(&self) -> &str {
        &self.0.measure
    }
    /// At least so much is asked for over the flight.
    #[getter]
    fn amount(&self) -> f64 {
        self.0.amount
    }
    /// The most that a unit may cost, in organic-score units.
    #[getter]
    fn penalty(&self) -> f64 {
        self.0.penalty
    }
    /// "solved", or why there are fewer replicates than asked for.
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status.name()
    }
    /// The part of the replicates in which the amount can be had at the penalty.
    #[getter]
    fn probability(&self) -> f64 {
        self.0.probability()
    }
    /// Where the probability lies for all that this many replicates can tell, at 95 %.
    #[getter]
    fn probability_interval(&self) -> (f64, f64) {
        self.0.probability_interval()
    }
    /// The probability of another amount; never rises with it.
    fn probability_of(&self, amount: &Bound<'_, PyAny>) -> PyResult<f64> {
        Ok(self.0.probability_of(extract(amount, "amount", "a number")?))
    }
    /// The largest amount that is met with at least this probability.
    fn amount_at(&self, probability: &Bound<'_, PyAny>) -> PyResult<f64> {
        Ok(self.0.amount_at(extract(probability, "probability", "a number")?))
    }
    /// What the flights give without the goal: 10th, 50th, 90th of a hundred.
    #[getter]
    fn natural(&self) -> (f64, f64, f64) {
        three(self.0.natural())
    }
    /// The most that can be delivered at the penalty, likewise.
    #[getter]
    fn deliverable(&self) -> (f64, f64, f64) {
        three(self.0.deliverable())
    }
    /// What is delivered with the goal, likewise.
    #[getter]
    fn delivered(&self) -> (f64, f64, f64) {
        three(self.0.delivered())
    }
    /// What the last unit costs, likewise; the penalty where the goal is not met.
    #[getter]
    fn price(&self) -> (f64, f64, f64) {
        three(self.0.price())
    }
    /// Value given up for the goal, likewise.
    #[getter]
    fn cost(&self) -> (f64, f64, f64) {
        three(self.0.cost())
    }
    /// To how much amounts are good.
    #[getter]
    fn resolution(&self) -> f64 {
        self.0.resolution()
    }
    /// A row per flight drawn: natural, deliverable, price, cost, resolution.
    #[getter]
    fn replicates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::replicates_table(&self.0.replicates))
    }
    /// The log as it is, in one row of the same columns.
    #[getter]
    fn expected<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::replicates_table(&[self.0.expected]))
    }
    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}
