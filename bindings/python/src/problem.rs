//! `Problem`.

use crate::argument::{extract, text};
use crate::document::to_json;
use crate::error::{enter, enter_detached};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use std::path::PathBuf;

/// What to maximise, under which goals, on which slates.
///
/// Made from a TOML or JSON document or a dict of the same shape; its JSON Schema is `problem_schema()`.
/// Every fault of a document is reported at once.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Problem(pub(crate) equipoise::Problem);

#[pymethods]
impl Problem {
    /// Read a `.toml` or `.json` file.
    #[classmethod]
    fn load(cls: &Bound<'_, PyType>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let path: PathBuf = extract(path, "path", "a path")?;
        enter_detached(cls.py(), || equipoise::Problem::load(&path)).map(Self)
    }

    /// Read a TOML document.
    #[classmethod]
    fn from_toml(cls: &Bound<'_, PyType>, document: &Bound<'_, PyAny>) -> PyResult<Self> {
        let document = text(document, "document")?;
        enter(cls.py(), || equipoise::Problem::from_toml(&document)).map(Self)
    }

    /// Read a JSON document.
    #[classmethod]
    fn from_json(cls: &Bound<'_, PyType>, document: &Bound<'_, PyAny>) -> PyResult<Self> {
        let document = text(document, "document")?;
        enter(cls.py(), || equipoise::Problem::from_json(&document)).map(Self)
    }

    /// Read a dict of the same shape as the document.
    #[classmethod]
    fn from_dict(cls: &Bound<'_, PyType>, document: &Bound<'_, PyAny>) -> PyResult<Self> {
        let document = extract::<Bound<'_, PyDict>>(document, "document", "a dict")?;
        let document = to_json(&document, "", 0)?.to_string();
        enter(cls.py(), || equipoise::Problem::from_json(&document)).map(Self)
    }

    /// The problem as a dict that `from_dict` takes.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &self.0.to_json())
    }

    /// The problem as a JSON document.
    fn to_json<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.0.to_json())
    }

    /// The problem as a TOML document.
    fn to_toml<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.0.to_toml())
    }

    fn __repr__(&self) -> String {
        let p = &self.0;
        let objectives: Vec<_> = p.objectives.iter().map(|(name, weight)| format!("{weight:+} {name}")).collect();
        let objectives = if objectives.is_empty() { "nothing".to_owned() } else { objectives.join(" ") };
        format!("Problem(maximise {objectives}; {} goals)\n{}", p.goals.len(), p.to_toml())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.get_type::<Self>().getattr("from_json")?, (self.0.to_json(),)))
    }
}

/// The JSON Schema (draft 2020-12) of a problem document, as a dict.
#[pyfunction]
pub(crate) fn problem_schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    from_json(py, &equipoise::Problem::schema().to_string())
}

pub(crate) fn from_json<'py>(py: Python<'py>, document: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (document,))
}
