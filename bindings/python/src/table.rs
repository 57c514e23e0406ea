//! Arrow tables in (any object with the C stream, or Parquet) and out (`arro3.core.Table`).

use crate::argument::{describe, extract, refuse, text};
use crate::error::enter_detached;
use crate::interrupt::enter_interruptible;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use equipoise::error::codes;
use equipoise::score::Gates;
use equipoise::table::{self, ReadOptions};
use equipoise::{Campaigns, Opportunities, Policy};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3_arrow::PyTable;
use pyo3_arrow::input::{AnyArray, AnyRecordBatch};
use std::path::PathBuf;

/// Where rows come from.
pub(crate) enum Source {
    /// Batches of another library. Reading them may call into Python, which then attaches for itself.
    Stream(Box<dyn RecordBatchReader + Send>),
    /// A Parquet path or glob.
    Parquet(String),
}

impl Source {
    /// Takes an object with `__arrow_c_stream__` or `__arrow_c_array__`, a data frame of an older pandas, or a path or glob.
    pub(crate) fn new(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Self> {
        if value.is_instance_of::<PyString>() || value.hasattr("__fspath__")? {
            let path: PathBuf = extract(value, name, "a path or glob")?;
            let refused = |_| refuse(value.py(), codes::UNICODE, name, format!("{} is not valid Unicode", describe(value)));
            return path.into_os_string().into_string().map(Self::Parquet).map_err(refused);
        }
        if value.hasattr("__arrow_c_stream__")? || value.hasattr("__arrow_c_array__")? {
            return Ok(Self::Stream(value.extract::<AnyRecordBatch>()?.into_reader()?));
        }
        let kind = value.get_type();
        if kind.module()?.to_string_lossy().starts_with("pandas.") {
            let table = value.py().import("pyarrow")?.getattr("Table")?.call_method1("from_pandas", (value,))?;
            return Ok(Self::Stream(table.extract::<AnyRecordBatch>()?.into_reader()?));
        }
        let found = kind.fully_qualified_name()?;
        let wanted = "a table with __arrow_c_stream__ (polars, pyarrow, pandas, duckdb, arro3, ...) or a Parquet path";
        Err(refuse(value.py(), codes::TYPE, name, format!("found {found}, wanted {wanted}")))
    }

    /// Reads a log, with the interpreter released.
    pub(crate) fn opportunities(self, py: Python<'_>, measures: &[String], options: &ReadOptions) -> PyResult<Opportunities> {
        enter_interruptible(py, |go_on| table::read_opportunities(self.log(measures, go_on)?, measures, options))
    }

    /// A log batch by batch, as long as `go_on` says so.
    pub(crate) fn log<'g>(self, measures: &[String], go_on: impl FnMut() -> bool + 'g) -> equipoise::Result<impl RecordBatchReader + 'g> {
        let reader = match self {
            Self::Stream(reader) => reader,
            Self::Parquet(pattern) => Box::new(table::open_log(&pattern, measures)?),
        };
        Ok(While { reader, go_on })
    }

    /// Scores a log, with the interpreter released.
    pub(crate) fn score<'py>(
        self,
        py: Python<'py>,
        policy: &Policy,
        gates: Option<&Gates>,
        options: &ReadOptions,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = |go_on: &mut dyn FnMut() -> bool| {
            let replay = match self {
                Self::Stream(reader) => table::score_table(policy, gates, reader, options, go_on),
                Self::Parquet(pattern) => table::score_parquet(policy, gates, &pattern, options, go_on),
            };
            replay.map(|replay| table::scores_table(replay, policy))
        };
        to_arro3(py, enter_interruptible(py, work)?)
    }

    /// Reads a campaign table, with the interpreter released.
    pub(crate) fn campaigns(self, py: Python<'_>, options: &ReadOptions) -> PyResult<Campaigns> {
        enter_detached(py, || match self {
            Self::Stream(reader) => table::read_campaigns(reader, options),
            Self::Parquet(pattern) => table::load_campaigns(&pattern, options),
        })
    }
}

/// A stream that breaks off once `go_on` says no.
struct While<F> {
    reader: Box<dyn RecordBatchReader + Send>,
    go_on: F,
}

impl<F: FnMut() -> bool> Iterator for While<F> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if (self.go_on)() { self.reader.next() } else { Some(Err(ArrowError::ExternalError("reading was cancelled".into()))) }
    }
}

impl<F: FnMut() -> bool> RecordBatchReader for While<F> {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }
}

/// The chunks of a column with the Arrow C data interface; `None` where the object has none.
pub(crate) fn chunks(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<ArrayRef>>> {
    if !value.hasattr("__arrow_c_array__")? && !value.hasattr("__arrow_c_stream__")? {
        return Ok(None);
    }
    let column = value.extract::<AnyArray>()?.into_chunked_array()?;
    Ok(Some(column.into_inner().0))
}

/// The options `naive` and `fill` of a table.
pub(crate) fn options(naive: Option<&Bound<'_, PyAny>>, fill: Option<&Bound<'_, PyAny>>) -> PyResult<ReadOptions> {
    let mut options = ReadOptions::default();
    if let Some(naive) = naive {
        if text(naive, "naive")? != "utc" {
            return Err(refuse(naive.py(), codes::RANGE, "naive", format!("found {}, wanted \"utc\" or None", describe(naive))));
        }
        options.naive_utc = true;
    }
    if let Some(fill) = fill {
        for (column, value) in extract::<Bound<'_, PyDict>>(fill, "fill", "a dict of numbers")? {
            let column = text(&column, "fill")?.into_owned();
            let value = extract(&value, &format!("fill.{column}"), "a number")?;
            options.fill.insert(column, value);
        }
    }
    Ok(options)
}

/// Hands a batch to Python as an `arro3.core.Table`.
pub(crate) fn to_arro3(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    let schema = batch.schema();
    PyTable::try_new(vec![batch], schema)?.into_arro3(py)
}
