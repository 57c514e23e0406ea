//! Decision records as Parquet files.

use super::{open_parquet, read_records, records_table};
use crate::error::Result;
use crate::publish::publish;
use crate::score::DecisionRecord;
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::properties::WriterProperties;
use std::io;
use std::path::Path;

/// Records of one row group.
const GROUP: usize = 4_096;

/// Writes records as a Parquet file of the columns of [`records_table`], compressed by snappy; beside the path first, then renamed.
///
/// # Errors
/// `invalid_input.io` where the file cannot be written.
pub fn save_records(path: impl AsRef<Path>, records: &[DecisionRecord]) -> Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    publish("path", path.as_ref(), |file| {
        let mut writer = ArrowWriter::try_new(file, records_table(&[]).schema(), Some(properties)).map_err(io::Error::other)?;
        for group in records.chunks(GROUP) {
            writer.write(&records_table(group)).map_err(io::Error::other)?;
        }
        writer.close().map(|_| ()).map_err(io::Error::other)
    })
}

/// Reads the records of a Parquet file, or of all that a glob matches.
///
/// # Errors
/// As [`open_parquet`] and [`read_records`].
pub fn load_records(pattern: &str) -> Result<Vec<DecisionRecord>> {
    read_records(open_parquet(pattern)?)
}
