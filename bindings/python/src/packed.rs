//! `pack` and `PackedLog`: logs that do not fit memory.

use crate::argument::{self, duration, extract, texts};
use crate::campaigns::Campaigns;
use crate::error::enter_detached;
use crate::problem::Problem;
use crate::supervise::supervise;
use crate::table::{Source, options};
use equipoise::plan::{self as core, Packer, Progress, Settings};
use equipoise::table;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Rows of the log that are read before they are packed.
const ROWS: usize = 1 << 18;

/// A log in native blocks in a file, written by `pack` and planned from by `plan`; never in memory whole. Opening one reads its names and
/// the places of its blocks; blocks are checked against their digests whenever they are read.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct PackedLog(pub(crate) core::PackedLog);

#[pymethods]
impl PackedLog {
    #[new]
    fn new(path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let file: PathBuf = extract(path, "path", "a path")?;
        enter_detached(path.py(), || core::PackedLog::open(&file)).map(Self)
    }

    /// How many candidate rows the log had.
    #[getter]
    fn candidates(&self) -> u64 {
        self.0.rows()
    }

    /// Bytes of the file.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// The measures kept.
    #[getter]
    fn measures(&self) -> Vec<String> {
        self.0.measures().to_vec()
    }

    fn __len__(&self) -> usize {
        self.0.opportunities() as usize
    }

    fn __repr__(&self) -> String {
        let (log, measures) = (&self.0, self.measures());
        format!("PackedLog({} opportunities, {} candidates, {} bytes, measures={measures:?})", log.opportunities(), log.rows(), log.bytes())
    }
}

/// Packing without the progress line; see `equipoise.pack`. `observer` gets the number of rows behind in place of passes.
#[pyfunction]
#[pyo3(signature = (problem, table, campaigns, path, *, measures, naive, fill, shift, unknown, holdout, seed, observer))]
pub(crate) fn pack(
    py: Python<'_>,
    problem: &Bound<'_, PyAny>,
    table: &Bound<'_, PyAny>,
    campaigns: &Bound<'_, PyAny>,
    path: &Bound<'_, PyAny>,
    measures: &Bound<'_, PyAny>,
    naive: Option<&Bound<'_, PyAny>>,
    fill: Option<&Bound<'_, PyAny>>,
    shift: Option<&Bound<'_, PyAny>>,
    unknown: &Bound<'_, PyAny>,
    holdout: &Bound<'_, PyAny>,
    seed: &Bound<'_, PyAny>,
    observer: Option<&Bound<'_, PyAny>>,
) -> PyResult<PackedLog> {
    let problem = extract::<Bound<'_, Problem>>(problem, "problem", "a Problem")?.unbind();
    let campaigns = extract::<Bound<'_, Campaigns>>(campaigns, "campaigns", "a Campaigns")?.unbind();
    let path: PathBuf = extract(path, "path", "a path")?;
    let measures = texts(measures, "measures")?;
    let options = options(naive, fill)?;
    let mut settings = Settings::new()
        .unknown(argument::unknown(unknown)?)
        .holdout(extract(holdout, "holdout", "a number")?)
        .seed(extract(seed, "seed", "an integer of 64 bits")?);
    if let Some(shift) = shift {
        settings = settings.shift(duration(shift, "shift")?);
    }
    let source = Source::new(table, "table")?;
    let packed = supervise(py, observer, None, move |cancel, observe| {
        let settings = settings.cancel(cancel);
        let mut packer = Packer::new(&problem.get().0, &campaigns.get().0, &settings, &path)?;
        let mut rows = 0;
        let take = |part: &equipoise::Opportunities| {
            packer.push(part)?;
            rows += part.candidates();
            let nothing = Progress { passes: rows as f64, upper_bound: 0.0, value: 0.0, gap: 0.0, tolerance: 0.0, seconds: 0.0 };
            observe(&nothing);
            Ok(())
        };
        let log = source.log(&measures, || !cancel.load(Ordering::Relaxed))?;
        table::read_opportunities_in_parts(log, &measures, &options, ROWS, take)?;
        packer.finish()
    });
    packed.map(PackedLog)
}
