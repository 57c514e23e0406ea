//! Logs and campaigns from Parquet: one file, globs in sorted order, and files that are none.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used)]

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchReader, StringArray};
use arrow_schema::{Field, Schema};
use equipoise::Opportunities;
use equipoise::table::{ReadOptions, load_campaigns, load_opportunities, open_parquet};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::Arc;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|c| c.1).collect()).unwrap()
}

/// Rows of opportunities `from..to`, three each.
fn log(from: i64, to: i64) -> RecordBatch {
    let ids: Vec<_> = (from * 3..to * 3).map(|row| row / 3).collect();
    let campaigns: StringArray = (from * 3..to * 3).map(|row| (row % 3 > 0).then(|| format!("c{}", row % 7))).collect();
    let stream: Vec<_> = (from * 3..to * 3).map(|row| row as f64 / 8.0).collect();
    batch(vec![
        ("opportunity_id", Arc::new(Int64Array::from(ids))),
        ("campaign", Arc::new(campaigns)),
        ("unused", Arc::new(StringArray::from(vec!["x"; stream.len()]))),
        ("stream", Arc::new(Float64Array::from(stream))),
    ])
}

fn write(path: &Path, batch: &RecordBatch, rows_of_a_group: usize) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(rows_of_a_group)).build();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn load(pattern: &Path) -> equipoise::Result<Opportunities> {
    load_opportunities(pattern.to_str().unwrap(), &["stream"], &ReadOptions::default())
}

#[test]
fn an_opportunity_may_span_row_groups_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let whole = log(0, 100);
    write(&folder.path().join("whole.parquet"), &whole, 1_000_000);
    let parts = folder.path().join("parts [1]");
    std::fs::create_dir(&parts).unwrap();
    // Named so that the order of names is that of the rows, and not that of creation; cut inside opportunities.
    write(&parts.join("b.parquet"), &whole.slice(100, 101), 7);
    write(&parts.join("a.parquet"), &whole.slice(0, 100), 7);
    write(&parts.join("c.parquet"), &whole.slice(201, 99), 7);
    std::fs::write(parts.join("_SUCCESS"), b"").unwrap();
    let expected = load(&folder.path().join("whole.parquet")).unwrap();
    assert_eq!((expected.len(), expected.candidates(), expected.measure("stream").unwrap()[299]), (100, 300, 37.375));
    assert_eq!(load(&folder.path().join("parts*/*.parquet")).unwrap(), expected);
    assert_eq!(load(&folder.path().join("**/[a-c].parquet")).unwrap(), expected);
}

#[test]
fn a_path_that_exists_is_no_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log[1]*.parquet");
    write(&path, &log(0, 2), 100);
    assert_eq!(load(&path).unwrap().len(), 2);
}

#[test]
fn only_the_columns_that_are_asked_for_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    write(&path, &log(0, 2), 100);
    let reader = open_parquet(path.to_str().unwrap()).unwrap();
    assert_eq!(reader.schema().fields().len(), 4);
    let mut reader = reader.select(&["stream", "campaign", "none"]).unwrap();
    let names = |schema: &Schema| schema.fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    assert_eq!(names(&reader.schema()), ["campaign", "stream"]);
    assert_eq!(names(&reader.next().unwrap().unwrap().schema()), ["campaign", "stream"]);
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let code = |pattern: &Path| {
        let error = load(pattern).unwrap_err();
        (error.code(), error.argument().to_owned())
    };
    let io = ("invalid_input.io", "path".to_owned());
    assert_eq!(code(&path("none.parquet")), io);
    assert_eq!(code(&path("*.parquet")), io);
    assert_eq!(code(&path("***")), io);
    assert_eq!(code(folder.path()), io);
    assert!(load(folder.path()).unwrap_err().to_string().contains("is a folder"));
    for (name, bytes) in
        [("empty", &b""[..]), ("text", b"opportunity_id,campaign\n"), ("magic", b"PAR1PAR1"), ("lie", b"PAR1\xff\xff\xff\x7fPAR1")]
    {
        std::fs::write(path(name), bytes).unwrap();
        assert_eq!(code(&path(name)), io, "{name}");
    }
    write(&path("1.parquet"), &log(0, 2), 100);
    let missing = batch(vec![
        ("opportunity_id", Arc::new(Int64Array::from(vec![9])) as ArrayRef),
        ("campaign", Arc::new(StringArray::from(vec!["c"]))),
    ]);
    write(&path("2.parquet"), &missing, 100);
    let error = load(&path("?.parquet")).unwrap_err();
    assert_eq!(error.code(), "invalid_input.io");
    assert!(
        error.to_string().contains("2.parquet") && error.to_string().contains("it has 2 columns, where the first file has 3"),
        "{error}"
    );
}

/// Every truncation and a thousand damaged files: an error or a log, never a crash.
#[test]
fn damaged_files_are_errors_and_nothing_worse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    write(&path, &log(0, 6), 16);
    let good = std::fs::read(&path).unwrap();
    let expected = load(&path).unwrap();
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(load(&path).is_err(), "cut to {length} bytes");
    }
    let mut state = 7_u64;
    let mut refused = 0;
    for _ in 0..1_000 {
        let mut bytes = good.clone();
        for _ in 0..2 {
            state = equipoise::model::mix(state);
            bytes[state as usize % good.len()] = (state >> 56) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        match load(&path) {
            Ok(log) => assert!(log.candidates() <= 1_000_000),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 50, "only {refused} damaged files were refused");
    std::fs::write(&path, &good).unwrap();
    assert_eq!(load(&path).unwrap(), expected);
}

#[test]
fn campaigns_are_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campaigns.parquet");
    let table = batch(vec![
        ("campaign", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
        ("cap", Arc::new(Float64Array::from(vec![Some(1.0), None]))),
        ("picture", Arc::new(StringArray::from(vec!["x", "y"]))),
    ]);
    write(&path, &table, 1);
    let campaigns = load_campaigns(path.to_str().unwrap(), &ReadOptions::default()).unwrap();
    assert_eq!((campaigns.get(0).goals[0].amount, campaigns.get(1).goals.len()), (1.0, 0));
}
