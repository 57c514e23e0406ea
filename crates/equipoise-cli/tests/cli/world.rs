//! A small log, campaign table and problem in a folder of their own, and the program run on them.

use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

/// Opportunities of the log, four candidates each.
pub(crate) const OPPORTUNITIES: usize = 400;
/// 2026-03-01T00:00:00Z in microseconds.
pub(crate) const START: i64 = 1_772_323_200_000_000;
const MINUTE: i64 = 60_000_000;

/// At most 5 % of organic value is given up, in each market.
pub(crate) const PROBLEM: &str = r#"
[objectives]
stream = 1.0
[slate]
slots = 1
visible = 3
[[goals]]
name = "listeners first"
kind = "guardrail"
measure = "displacement"
per = "market"
at_most = 0.05
relative_to = "organic"
"#;

/// A scratch folder with `problem.toml`, `log.parquet` and `campaigns.parquet`.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: TempDir::new().expect("a scratch folder") };
        fs::write(world.path("problem.toml"), PROBLEM).expect("the problem");
        write_parquet(&world.path("log.parquet"), &log(OPPORTUNITIES));
        write_parquet(&world.path("campaigns.parquet"), &campaigns(["waves", "embers", "\u{1b}[31mred"]));
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `equipoise` with these words in the scratch folder.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("the program runs")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_equipoise"));
        command.current_dir(self.folder.path()).args(words);
        command
    }

    /// Runs with `--json`; the exit status and the one object printed.
    pub(crate) fn json(&self, words: &[&str]) -> (i32, Value) {
        let output = self.run(&[words, &["--json"]].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let document = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?}"));
        (output.status.code().expect("an exit status"), document)
    }

    /// Plans to `out` and demands success.
    pub(crate) fn plan(&self, out: &str, more: &[&str]) -> Value {
        let (status, document) = self.json(&[&plan_words(out), more].concat());
        assert_eq!(status, 0, "{document:#}");
        document
    }
}

/// The words that name this world's inputs.
pub(crate) fn input_words() -> [&'static str; 6] {
    ["--problem", "problem.toml", "--log", "log.parquet", "--campaigns", "campaigns.parquet"]
}

/// The words of `equipoise plan` on this world.
pub(crate) fn plan_words(out: &str) -> Vec<&str> {
    [&["plan"][..], &input_words(), &["--out", out]].concat()
}

pub(crate) fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).expect("a file"), batch.schema(), None).expect("a writer");
    writer.write(batch).expect("rows are written");
    writer.close().expect("the file is closed");
}

/// A number in `[0, 1)` that looks random and is the same every time.
fn noise(i: usize, salt: u64) -> f32 {
    (equipoise::model::mix(i as u64 ^ (salt << 40)) >> 40) as f32 / 16_777_216.0
}

/// Four candidates per opportunity: one of each campaign and an organic one, in two markets, a minute apart.
pub(crate) fn log(opportunities: usize) -> RecordBatch {
    let rows = opportunities * 4;
    let per_row = |f: &dyn Fn(usize) -> f32| Arc::new((0..rows).map(|i| Some(f(i))).collect::<Float32Array>()) as ArrayRef;
    let names = [Some("waves"), Some("embers"), Some("\u{1b}[31mred"), None];
    let ids: Int64Array = (0..rows).map(|i| Some((i / 4) as i64)).collect();
    let campaign: StringArray = (0..rows).map(|i| names[i % 4]).collect();
    let market: StringArray = (0..rows).map(|i| Some(if (i / 4) % 2 == 0 { "SE" } else { "DE" })).collect();
    let time: TimestampMicrosecondArray = (0..rows).map(|i| Some(START + (i / 4) as i64 * MINUTE)).collect();
    RecordBatch::try_from_iter([
        ("opportunity_id", Arc::new(ids) as ArrayRef),
        ("campaign", Arc::new(campaign)),
        ("market", Arc::new(market)),
        ("time", Arc::new(time.with_timezone("UTC"))),
        ("organic", per_row(&|i| noise(i, 1))),
        ("stream", per_row(&|i| noise(i, 2))),
    ])
    .expect("columns of one length")
}

/// Three campaigns; the first is capped at 40 picks, the second asks for 60.
pub(crate) fn campaigns(ids: [&str; 3]) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("campaign", Arc::new(StringArray::from_iter_values(ids)) as ArrayRef),
        ("cap", Arc::new(Float64Array::from(vec![Some(40.0), None, None]))),
        ("floor", Arc::new(Float64Array::from(vec![None, Some(60.0), None]))),
    ])
    .expect("columns of one length")
}
