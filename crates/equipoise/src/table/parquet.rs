//! Parquet files as streams of record batches.

use super::score::measures_of;
use super::{ReadOptions, campaigns, log_columns, read_campaigns, read_opportunities, read_opportunities_in_parts};
use crate::error::{Error, Result, codes, escape, quote};
use crate::evaluate::{Replay, replay_gated};
use crate::model::{Campaigns, Opportunities};
use crate::plan::Unknown;
use crate::policy::Policy;
use crate::score::Gates;
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use ::parquet::errors::ParquetError;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a batch: large enough that the work per batch does not count.
const BATCH: usize = 65_536;

/// Reads a log from a Parquet file or a glob of them (`log/*.parquet`), decoding only the columns that are needed.
///
/// # Errors
/// As [`open_parquet`] and [`read_opportunities`].
pub fn load_opportunities<S: AsRef<str>>(pattern: &str, measures: &[S], options: &ReadOptions) -> Result<Opportunities> {
    read_opportunities(open_log(pattern, measures)?, measures, options)
}

/// Opens a log for a reader of one's own, such as one that can be stopped: only the columns that [`load_opportunities`] needs are decoded.
///
/// # Errors
/// As [`open_parquet`].
pub fn open_log<S: AsRef<str>>(pattern: &str, measures: &[S]) -> Result<ParquetReader> {
    open_parquet(pattern)?.select(&log_columns::column_names(measures))
}

/// Reads a log as [`load_opportunities`] does and hands it over in parts, see [`read_opportunities_in_parts`].
///
/// # Errors
/// As [`open_parquet`] and [`read_opportunities_in_parts`].
pub fn load_opportunities_in_parts<S: AsRef<str>>(
    pattern: &str,
    measures: &[S],
    options: &ReadOptions,
    rows: usize,
    take: impl FnMut(&Opportunities) -> Result<()>,
) -> Result<()> {
    read_opportunities_in_parts(open_log(pattern, measures)?, measures, options, rows, take)
}

/// Reads a log as [`load_opportunities`] does and replays it as [`super::score_table`] does.
///
/// # Errors
/// As [`load_opportunities`] and [`replay_gated`].
pub fn score_parquet(
    policy: &Policy,
    gates: Option<&Gates>,
    pattern: &str,
    options: &ReadOptions,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Replay> {
    let reader = open_parquet(pattern)?;
    let measures = measures_of(policy, &reader.schema());
    // Decoded columns take more memory than the log: they are not kept.
    let log = read_opportunities(reader.select(&log_columns::column_names(&measures))?, &measures, options)?;
    replay_gated(policy, gates, &log, Unknown::Organic, go_on)
}

/// Reads campaigns from a Parquet file or a glob of them, decoding only the columns that are needed.
///
/// # Errors
/// As [`open_parquet`] and [`read_campaigns`].
pub fn load_campaigns(pattern: &str, options: &ReadOptions) -> Result<Campaigns> {
    read_campaigns(open_parquet(pattern)?.select(&campaigns::COLUMNS)?, options)
}

/// Opens a Parquet file, or all files that a glob matches, in the order of their names; `**` matches folders of any depth.
/// A path that exists is taken as it stands, whatever characters it has. Files are opened one after another as they are read.
///
/// # Errors
/// `invalid_input.io` where nothing matches or the first file is not Parquet. A later file that cannot be read, or whose columns differ
/// from the first's, is an error of the stream.
pub fn open_parquet(pattern: &str) -> Result<ParquetReader> {
    let mut files = matches(pattern)?;
    let Some(first) = files.pop_front() else {
        let hint =
            if Path::new(pattern).is_dir() { "is a folder; name the files in it, such as with /*.parquet" } else { "matches no file" };
        return Err(Error::new(codes::IO, "path", None, format!("{} {hint}", quote(pattern))));
    };
    let builder = open(&first)?;
    let schema = builder.schema().clone();
    let current = Some(build(&first, builder, None)?);
    Ok(ParquetReader { schema, names: None, at: first, current, files })
}

fn matches(pattern: &str) -> Result<VecDeque<PathBuf>> {
    if Path::new(pattern).is_file() {
        return Ok(VecDeque::from([PathBuf::from(pattern)]));
    }
    let io = |what: String| Error::new(codes::IO, "path", None, format!("{}: {}", quote(pattern), escape(&what, 200)));
    let found = glob::glob(pattern).map_err(|e| io(e.to_string()))?;
    let mut files = found.map(|path| path.map_err(|e| io(e.to_string()))).collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files.into())
}

type Builder = ParquetRecordBatchReaderBuilder<File>;

fn bad_file(path: &Path, what: &str) -> Error {
    Error::new(codes::IO, "path", None, format!("{}: {}", quote(&path.to_string_lossy()), escape(what, 300)))
}

/// Calls the Parquet library, which panics on some damaged files.
fn guard<T>(path: &Path, call: impl FnOnce() -> std::result::Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|e| bad_file(path, &e.to_string())),
        Err(_) => Err(bad_file(path, "the file is damaged")),
    }
}

fn open(path: &Path) -> Result<Builder> {
    let file = File::open(path).map_err(|e| bad_file(path, &e.to_string()))?;
    guard(path, || Builder::try_new(file)).map(|builder| builder.with_batch_size(BATCH))
}

fn build(path: &Path, builder: Builder, names: Option<&[String]>) -> Result<ParquetRecordBatchReader> {
    let mask = match names {
        Some(names) => ProjectionMask::roots(builder.parquet_schema(), positions(builder.schema(), names)),
        None => ProjectionMask::all(),
    };
    guard(path, || builder.with_projection(mask).build())
}

/// Where those of these columns stand that the schema has.
fn positions(schema: &Schema, names: &[String]) -> Vec<usize> {
    (0..schema.fields().len()).filter(|i| names.contains(schema.field(*i).name())).collect()
}

fn project(schema: &SchemaRef, names: Option<&[String]>) -> SchemaRef {
    match names {
        Some(names) => {
            let fields = positions(schema, names).into_iter().map(|i| schema.fields()[i].clone()).collect::<Vec<_>>();
            Arc::new(Schema::new(fields))
        }
        None => schema.clone(),
    }
}

/// The record batches of one or more Parquet files of equal columns.
pub struct ParquetReader {
    schema: SchemaRef,
    /// Names of the columns that are read; `None` for all.
    names: Option<Vec<String>>,
    /// The file at hand.
    at: PathBuf,
    current: Option<ParquetRecordBatchReader>,
    files: VecDeque<PathBuf>,
}

impl ParquetReader {
    /// Reads only those of these columns that the files have. Call it before the first batch: the first file begins anew.
    ///
    /// # Errors
    /// `invalid_input.io` if the first file has gone.
    pub fn select<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self> {
        let names: Vec<_> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        self.schema = project(&self.schema, Some(&names));
        self.current = Some(build(&self.at, open(&self.at)?, Some(&names))?);
        self.names = Some(names);
        Ok(self)
    }

    /// Goes on to the next file; `false` after the last.
    fn advance(&mut self) -> Result<bool> {
        let Some(path) = self.files.pop_front() else { return Ok(false) };
        let builder = open(&path)?;
        same_columns(&self.schema, &project(builder.schema(), self.names.as_deref())).map_err(|what| bad_file(&path, &what))?;
        self.current = Some(build(&path, builder, self.names.as_deref())?);
        self.at = path;
        Ok(true)
    }

    /// The next batch of the file at hand.
    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(reader) = &mut self.current else { return Ok(None) };
        guard(&self.at, || reader.next().transpose().map_err(ParquetError::from))
    }

    fn step(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.batch()? {
                return Ok(Some(batch));
            }
            self.current = None;
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}

/// Says how the columns of a later file differ from those of the first.
fn same_columns(first: &Schema, found: &Schema) -> std::result::Result<(), String> {
    let columns = |schema: &Schema| schema.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect::<Vec<_>>();
    let (first, found) = (columns(first), columns(found));
    if first == found {
        return Ok(());
    }
    let differing = first.iter().zip(&found).find(|(a, b)| a != b);
    Err(match differing {
        Some((a, b)) => format!("its column {} is {}, where the first file has {} as {}", quote(&b.0), b.1, quote(&a.0), a.1),
        None => format!("it has {} columns, where the first file has {}", found.len(), first.len()),
    })
}

impl Iterator for ParquetReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            // What comes after a fault is not to be trusted.
            self.current = None;
            self.files.clear();
        }
        step.map_err(|e| ArrowError::ExternalError(Box::new(e))).transpose()
    }
}

impl RecordBatchReader for ParquetReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
