//! `Opportunities`.

use crate::argument::texts;
use crate::table::{Source, options};
use pyo3::prelude::*;
use std::sync::Arc;

/// A log of opportunities, packed into columns once.
///
/// `table` is any object with the Arrow C stream, or a Parquet path or glob: one row per candidate, the rows of an
/// opportunity together. `measures` names its measure columns (never `exposure`). Naive times are an error unless
/// `naive="utc"`; nulls are errors unless `fill={"column": value}` says otherwise. The length is the number of
/// opportunities. Reading releases the interpreter.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Opportunities(pub(crate) Arc<equipoise::Opportunities>);

#[pymethods]
impl Opportunities {
    #[new]
    #[pyo3(signature = (table, measures, naive=None, fill=None))]
    fn new(
        table: &Bound<'_, PyAny>,
        measures: &Bound<'_, PyAny>,
        naive: Option<&Bound<'_, PyAny>>,
        fill: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let measures = texts(measures, "measures")?;
        let options = options(naive, fill)?;
        Source::new(table, "table")?.opportunities(table.py(), &measures, &options).map(|log| Self(Arc::new(log)))
    }

    /// How many candidate rows there are.
    #[getter]
    fn candidates(&self) -> usize {
        self.0.candidates()
    }

    /// The measure columns, in the order in which they were asked for.
    #[getter]
    fn measures(&self) -> Vec<&str> {
        self.0.measure_names()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        format!("Opportunities({} opportunities, {} candidates, measures={:?})", self.0.len(), self.0.candidates(), self.measures())
    }
}
