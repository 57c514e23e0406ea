//! What a plan decided about every row of its log, batch by batch: that of a packed log is never in memory whole.

use super::columns::{batch, optional_number};
use crate::plan::{PackedDecisions, Plan};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
#[cfg(feature = "parquet")]
use {
    crate::error::{Error, Result, codes},
    crate::publish::{beside, io_error, sync_folder},
    parquet::arrow::ArrowWriter,
    parquet::basic::Compression,
    parquet::file::properties::WriterProperties,
    std::fs::{self, File},
    std::path::Path,
};

/// Rows of a batch of a log in memory.
const ROWS: usize = 1 << 17;

/// `x` in `[0, 1]` (f64) of every row of the log, null on held-out opportunities; batches one after the other are aligned with it.
#[must_use]
pub fn decisions_reader(plan: &Plan) -> impl RecordBatchReader + Send + use<> {
    match plan.packed_decisions() {
        Some(parts) => Decisions::Packed(parts),
        None => Decisions::Here { x: plan.decisions().to_vec(), given: 0 },
    }
}

enum Decisions {
    Here { x: Vec<Option<f64>>, given: usize },
    Packed(PackedDecisions),
}

fn table(x: &[Option<f64>]) -> RecordBatch {
    batch(vec![optional_number("x", x.iter().copied())])
}

impl Iterator for Decisions {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Here { x, given } => {
                let part = &x[*given..x.len().min(*given + ROWS)];
                *given += part.len();
                (!part.is_empty()).then(|| Ok(table(part)))
            }
            Self::Packed(parts) => parts.next().map(|part| part.map(|x| table(&x)).map_err(|e| ArrowError::ExternalError(Box::new(e)))),
        }
    }
}

impl RecordBatchReader for Decisions {
    fn schema(&self) -> SchemaRef {
        table(&[]).schema()
    }
}

/// Writes [`decisions_reader`]'s batches as a Parquet file, compressed by snappy; beside the path first, then renamed. Of a packed log a block
/// at a time is in memory.
///
/// # Errors
/// `invalid_input.io` where the file cannot be written; of a packed log what keeps its file from being read.
#[cfg(feature = "parquet")]
pub fn save_decisions(path: impl AsRef<Path>, plan: &Plan) -> Result<()> {
    let path = path.as_ref();
    let temporary = beside("path", path)?;
    let written = write(path, &temporary, decisions_reader(plan));
    if written.is_err() {
        // What is left behind is of no use.
        let _ = fs::remove_file(&temporary);
    } else {
        sync_folder(path);
    }
    written
}

#[cfg(feature = "parquet")]
fn write(path: &Path, temporary: &Path, batches: impl RecordBatchReader) -> Result<()> {
    let told = |e: std::io::Error| io_error("path", path, &e);
    let refused = |e: parquet::errors::ParquetError| Error::new(codes::IO, "path", None, e.to_string());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer =
        ArrowWriter::try_new(File::create_new(temporary).map_err(told)?, batches.schema(), Some(properties)).map_err(refused)?;
    for batch in batches {
        let batch = batch.map_err(|e| match e {
            ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => Error::new(codes::IO, "path", None, other.to_string()),
            },
            other => Error::new(codes::IO, "path", None, other.to_string()),
        })?;
        writer.write(&batch).map_err(refused)?;
    }
    let file = writer.into_inner().map_err(refused)?;
    file.sync_all().and_then(|()| fs::rename(temporary, path)).map_err(told)
}
