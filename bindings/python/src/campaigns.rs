//! `Campaigns`.

use crate::table::{Source, options};
use pyo3::prelude::*;

/// The campaign table: ids, parties, flights, markets, surfaces and own goals.
///
/// `table` is any object with the Arrow C stream, or a Parquet path or glob, with the columns `campaign`, `artist`,
/// `label`, `licensor`, `surfaces`, `markets`, `start`, `end`, and goals as columns (`cap`, `floor`, `floor_penalty`,
/// `target`, `target_penalty`, `goal_measure`) or as a nested list `goals`. Null means none. Naive times are an error unless
/// `naive="utc"`.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Campaigns(pub(crate) equipoise::Campaigns);

#[pymethods]
impl Campaigns {
    #[new]
    #[pyo3(signature = (table, naive=None))]
    fn new(table: &Bound<'_, PyAny>, naive: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let options = options(naive, None)?;
        Source::new(table, "table")?.campaigns(table.py(), &options).map(Self)
    }

    /// Campaign ids, in the order of the table.
    #[getter]
    fn ids(&self) -> Vec<String> {
        self.0.ids().as_slice().to_vec()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        let goals: usize = self.0.iter().map(|c| c.goals.len()).sum();
        format!("Campaigns({} campaigns, {goals} own goals)", self.0.len())
    }
}
