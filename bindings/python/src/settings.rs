//! What `plan`, `frontier`, `book` and `what_if` are given alike.

use crate::argument::{self, describe, duration, extract, refuse};
use crate::campaigns::Campaigns;
use crate::opportunities::Opportunities;
use crate::problem::Problem;
use equipoise::error::codes;
use equipoise::plan::Settings;
use pyo3::prelude::*;
use pyo3::types::PyDelta;
use std::time::Duration;

/// Problem, log and campaigns of a call.
pub(crate) struct Inputs {
    pub(crate) problem: Py<Problem>,
    pub(crate) log: Py<Opportunities>,
    pub(crate) campaigns: Py<Campaigns>,
}

impl Inputs {
    pub(crate) fn new(problem: &Bound<'_, PyAny>, log: &Bound<'_, PyAny>, campaigns: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            problem: extract::<Bound<'_, Problem>>(problem, "problem", "a Problem")?.unbind(),
            log: extract::<Bound<'_, Opportunities>>(log, "log", "an Opportunities")?.unbind(),
            campaigns: extract::<Bound<'_, Campaigns>>(campaigns, "campaigns", "a Campaigns")?.unbind(),
        })
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { problem: self.problem.clone_ref(py), log: self.log.clone_ref(py), campaigns: self.campaigns.clone_ref(py) }
    }
}

/// The settings that choose a sample, and how its problem is solved.
pub(crate) fn sample(
    tolerance: &Bound<'_, PyAny>,
    traffic: &Bound<'_, PyAny>,
    shift: Option<&Bound<'_, PyAny>>,
    unknown: &Bound<'_, PyAny>,
    seed: &Bound<'_, PyAny>,
    threads: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
) -> PyResult<Settings<'static>> {
    let mut settings = Settings::new()
        .traffic(extract(traffic, "traffic", "a number")?)
        .unknown(argument::unknown(unknown)?)
        .seed(extract(seed, "seed", "an integer of 64 bits")?);
    if let Some(shift) = shift {
        settings = settings.shift(duration(shift, "shift")?);
    }
    solving(settings, Some(tolerance), threads, time_limit)
}

/// `settings` with those of the solve that are given.
pub(crate) fn solving<'s>(
    mut settings: Settings<'s>,
    tolerance: Option<&Bound<'_, PyAny>>,
    threads: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
) -> PyResult<Settings<'s>> {
    if let Some(tolerance) = tolerance {
        settings = settings.tolerance(extract(tolerance, "tolerance", "a number")?);
    }
    if let Some(threads) = threads {
        settings = settings.threads(extract(threads, "threads", "a positive integer")?);
    }
    if let Some(limit) = time_limit {
        settings = settings.time_limit(seconds(limit, "time_limit")?);
    }
    Ok(settings)
}

/// A span of time, from a `timedelta` or seconds.
fn seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    let limit = if value.is_instance_of::<PyDelta>() {
        duration(value, name)? as f64 * 1e-6
    } else {
        extract(value, name, "seconds or a timedelta")?
    };
    Duration::try_from_secs_f64(limit)
        .map_err(|_| refuse(value.py(), codes::RANGE, name, format!("found {}, wanted a finite span >= 0", describe(value))))
}
