//! `DecisionRecord`, and its tables and files.

use crate::argument::{self, extract, items};
use crate::error::{enter, enter_detached};
use crate::policy::Policy;
use crate::table::{Source, to_arro3};
use equipoise::score as core;
use equipoise::table;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::path::PathBuf;

/// What was decided, on whose behalf and why, how probable it was, and, with its candidates, what is needed to decide it again.
///
/// Lists of k hold one entry per pick. Equal records are equal in every bit.
#[pyclass(frozen, eq, module = "equipoise")]
#[derive(PartialEq)]
pub(crate) struct DecisionRecord(core::DecisionRecord);

impl DecisionRecord {
    pub(crate) fn new(record: core::DecisionRecord) -> Self {
        Self(record)
    }
}

#[pymethods]
impl DecisionRecord {
    /// The id of the policy that decided.
    #[getter]
    fn policy_id(&self) -> &str {
        &self.0.policy_id
    }

    /// The request's key.
    #[getter]
    fn key(&self) -> u64 {
        self.0.key as u64
    }

    /// Microseconds since 1970 UTC.
    #[getter]
    fn time(&self) -> Option<i64> {
        self.0.time
    }

    /// The probability of the slate; 1 where nothing was drawn.
    #[getter]
    fn propensity(&self) -> f64 {
        self.0.propensity
    }

    /// What list terms and exploration cost, in the units of scores.
    #[getter]
    fn given_up(&self) -> f64 {
        self.0.given_up
    }

    /// k indices of candidates, in the order in which they were picked.
    #[getter]
    fn pick(&self) -> Vec<i32> {
        self.0.pick.clone()
    }

    /// k places, from 1.
    #[getter]
    fn place(&self) -> Vec<i32> {
        self.0.place.clone()
    }

    /// k organic ranks, from 1.
    #[getter]
    fn organic_rank(&self) -> Vec<i32> {
        self.0.organic_rank.clone()
    }

    /// k promotion scores.
    #[getter]
    fn score(&self) -> Vec<f32> {
        self.0.score.clone()
    }

    /// k probabilities, each given the picks before.
    #[getter]
    fn pick_propensity(&self) -> Vec<f64> {
        self.0.pick_propensity.clone()
    }

    /// k campaigns.
    #[getter]
    fn campaign(&self) -> Vec<String> {
        self.0.campaign.clone()
    }

    /// On whose behalf: k artists.
    #[getter]
    fn artist(&self) -> Vec<Option<String>> {
        self.0.artist.clone()
    }

    /// k labels.
    #[getter]
    fn label(&self) -> Vec<Option<String>> {
        self.0.label.clone()
    }

    /// k licensors.
    #[getter]
    fn licensor(&self) -> Vec<Option<String>> {
        self.0.licensor.clone()
    }

    /// The three largest terms of each pick's score: "name amount; name amount; ...".
    #[getter]
    fn main_parameters(&self) -> Vec<String> {
        self.0.main_parameters.clone()
    }

    /// Decide again by the same policy: the record of that, equal to this one. Needs a record with candidates.
    fn replay(&self, py: Python<'_>, policy: &Bound<'_, PyAny>) -> PyResult<Self> {
        let policy: Bound<'_, Policy> = extract(policy, "policy", "a Policy")?;
        enter(py, || self.0.replay(&policy.get().0)).map(Self)
    }

    /// One line of JSON, which Rust and Java read, too.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// Read what `to_json` of any language has written.
    #[classmethod]
    fn from_json(cls: &Bound<'_, PyType>, text: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = argument::text(text, "text")?;
        enter(cls.py(), || core::DecisionRecord::from_json(&text)).map(Self)
    }

    fn __repr__(&self) -> String {
        format!("DecisionRecord(policy_id={:?}, picks={}, propensity={})", self.0.policy_id, self.0.pick.len(), self.0.propensity)
    }
}

fn all(records: &Bound<'_, PyAny>) -> PyResult<Vec<core::DecisionRecord>> {
    let wanted = "a list of DecisionRecord";
    let list = items(records, "records", wanted)?.enumerate();
    list.map(|(i, record)| {
        let record: Bound<'_, DecisionRecord> = extract(&record?, &format!("records[{i}]"), "a DecisionRecord")?;
        Ok(record.get().0.clone())
    })
    .collect()
}

/// Records as a table, a row each, of types that Avro has, too.
#[pyfunction]
pub(crate) fn records_table<'py>(py: Python<'py>, records: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let records = all(records)?;
    let batch = enter_detached(py, || Ok(table::records_table(&records)))?;
    to_arro3(py, batch)
}

/// Write records as a Parquet file; beside the path first, then renamed.
#[pyfunction]
pub(crate) fn save_records(py: Python<'_>, path: &Bound<'_, PyAny>, records: &Bound<'_, PyAny>) -> PyResult<()> {
    let path: PathBuf = extract(path, "path", "a path")?;
    let records = all(records)?;
    enter_detached(py, || table::save_records(&path, &records))
}

/// Read records back from a table, or from a Parquet path or glob.
#[pyfunction]
pub(crate) fn read_records(py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Vec<DecisionRecord>> {
    let records = match Source::new(table, "table")? {
        Source::Stream(reader) => enter_detached(py, || equipoise::table::read_records(reader)),
        Source::Parquet(pattern) => enter_detached(py, || equipoise::table::load_records(&pattern)),
    }?;
    Ok(records.into_iter().map(DecisionRecord).collect())
}
