//! `equipoise replay`.

use crate::world::{OPPORTUNITIES, World};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt8Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;

#[test]
fn decisions_are_a_table_aligned_with_the_log() {
    let world = World::new();
    world.plan("policy.safetensors", &["--holdout", "0"]);
    let (status, replay) = world.json(&["replay", "policy.safetensors", "--log", "log.parquet", "--out", "d.parquet"]);
    assert_eq!(status, 0, "{replay:#}");
    assert_eq!(replay["opportunities"], OPPORTUNITIES);
    let file = File::open(world.path("d.parquet")).expect("the decisions");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("rows")).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), OPPORTUNITIES * 4);
    let mut picked = 0;
    for batch in &batches {
        let scores = batch["promotion_score"].as_primitive::<Float32Type>();
        let flags = batch["picked"].as_boolean();
        let positions = batch["position"].as_primitive::<UInt8Type>();
        for i in 0..batch.num_rows() {
            assert_eq!(flags.value(i), positions.is_valid(i));
            assert!(!flags.value(i) || scores.value(i) > 0.0);
            picked += u64::from(flags.value(i));
        }
    }
    assert_eq!(replay["picked"], picked);
    assert!(picked > 0);
}
