//! Parquet files as streams of record batches.

use super::{ReadOptions, campaigns, opportunities, read_campaigns, read_opportunities};
use crate::error::{Error, Result, codes, escape, quote};
use crate::model::{Campaigns, Opportunities};
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a batch: large enough that the work per batch does not count.
const BATCH: usize = 65_536;

/// Reads a log from a Parquet file or a glob of them (`log/*.parquet`), decoding only the columns that are needed.
///
/// # Errors
/// As [`open_parquet`] and [`read_opportunities`].
pub fn load_opportunities<S: AsRef<str>>(pattern: &str, measures: &[S], options: &ReadOptions) -> Result<Opportunities> {
    let needed = opportunities::columns(measures);
    read_opportunities(open_parquet(pattern)?.select(&needed)?, measures, options)
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
        return Err(Error::new(codes::IO, "path", None, format!("{} matches no file", quote(pattern))));
    };
    let builder = open(&first)?;
    let schema = builder.schema().clone();
    let current = Some((first, build(builder, None)?));
    Ok(ParquetReader { schema, columns: None, current, files })
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

fn open(path: &Path) -> Result<Builder> {
    let file = File::open(path).map_err(|e| bad_file(path, &e.to_string()))?;
    Builder::try_new(file).map(|builder| builder.with_batch_size(BATCH)).map_err(|e| bad_file(path, &e.to_string()))
}

fn build(builder: Builder, columns: Option<&[usize]>) -> Result<ParquetRecordBatchReader> {
    let mask = match columns {
        Some(columns) => ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied()),
        None => ProjectionMask::all(),
    };
    builder.with_projection(mask).build().map_err(|e| Error::new(codes::IO, "path", None, escape(&e.to_string(), 300)))
}

/// The record batches of one or more Parquet files of equal columns.
pub struct ParquetReader {
    schema: SchemaRef,
    /// Indices of the columns that are read; `None` for all.
    columns: Option<Vec<usize>>,
    current: Option<(PathBuf, ParquetRecordBatchReader)>,
    files: VecDeque<PathBuf>,
}

impl ParquetReader {
    /// Reads only those of these columns that the files have.
    ///
    /// # Errors
    /// `invalid_input.io` if the first file has gone.
    pub fn select<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self> {
        let wanted = |name: &str| names.iter().any(|n| n.as_ref() == name);
        let columns: Vec<_> = (0..self.schema.fields().len()).filter(|i| wanted(self.schema.field(*i).name())).collect();
        self.schema = Arc::new(self.schema.project(&columns).map_err(|e| super::batch::broken(&e))?);
        if let Some((path, _)) = self.current.take() {
            let reader = build(open(&path)?, Some(&columns))?;
            self.current = Some((path, reader));
        }
        self.columns = Some(columns);
        Ok(self)
    }

    fn next_file(&mut self) -> Option<std::result::Result<(), ArrowError>> {
        let path = self.files.pop_front()?;
        let opened = open(&path).and_then(|builder| {
            let found = match &self.columns {
                Some(columns) => builder.schema().project(columns).unwrap_or_else(|_| Schema::empty()),
                None => Schema::clone(builder.schema()),
            };
            same_columns(&self.schema, &found).map_err(|what| bad_file(&path, &what))?;
            build(builder, self.columns.as_deref())
        });
        Some(opened.map(|reader| self.current = Some((path, reader))).map_err(|e| ArrowError::ParquetError(e.to_string())))
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
        loop {
            if let Some((_, reader)) = &mut self.current {
                if let Some(batch) = reader.next() {
                    return Some(batch);
                }
                self.current = None;
            }
            match self.next_file()? {
                Ok(()) => {}
                Err(e) => return Some(Err(e)),
            }
        }
    }
}

impl RecordBatchReader for ParquetReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
