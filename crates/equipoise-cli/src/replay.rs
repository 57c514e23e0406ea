//! `equipoise replay`: a log through a policy by the serving rule.

use crate::inputs::ReadArguments;
use crate::output::{Outcome, Report, plain};
use arrow_array::RecordBatch;
use equipoise::error::{codes, quote};
use equipoise::evaluate::replay;
use equipoise::plan::Unknown;
use equipoise::policy::Policy;
use equipoise::score::Reason;
use equipoise::{Error, Result, table};
use parquet::arrow::ArrowWriter;
use serde_json::{Map, json};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Run a log through a policy with the serving rule and write the decisions.
///
/// The decisions are a Parquet table with one row per row of the log, in its order: `promotion_score`, `picked`, `position`
/// (null where not picked) and `reason`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The policy file.
    policy: PathBuf,
    /// The opportunity log: a Parquet file, or a glob such as 'log/*.parquet'.
    #[arg(long, value_name = "PARQUET")]
    log: String,
    #[command(flatten)]
    read: ReadArguments,
    /// Where the decisions go.
    #[arg(long, value_name = "PARQUET")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let policy = Policy::load(&arguments.policy)?;
    let log = arguments.read.log(&arguments.log, policy.measures())?;
    // As in serving, a campaign that the policy does not know is organic, and counted.
    let replay = replay(&policy, &log, Unknown::Organic)?;
    let picked = replay.picked.iter().filter(|picked| **picked).count();
    let counts = Reason::ALL.map(|reason| (reason.name(), replay.reasons.iter().filter(|r| **r == reason).count()));
    write(&arguments.out, &table::replay_table(replay))?;
    let out = arguments.out.to_string_lossy();
    let mut text = format!("policy {}: {} opportunities, {} candidates, {picked} picked\n", policy.id_hex(), log.len(), log.candidates());
    for (reason, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "  {count:>12}  {reason}");
    }
    let _ = writeln!(text, "decisions written to {}", plain(&out));
    Ok(Report {
        outcome: Outcome::Good,
        text,
        json: json!({
            "policy_id": policy.id_hex(),
            "opportunities": log.len(),
            "candidates": log.candidates(),
            "picked": picked,
            "reasons": counts.iter().map(|(reason, count)| ((*reason).to_owned(), json!(count))).collect::<Map<_, _>>(),
            "out": out,
        }),
    })
}

/// Writes one table as a Parquet file.
fn write(path: &Path, batch: &RecordBatch) -> Result<()> {
    let refused = |e: &dyn std::fmt::Display| Error::new(codes::IO, "out", None, format!("{}: {e}", quote(&path.to_string_lossy())));
    let file = File::create(path).map_err(|e| refused(&e))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(|e| refused(&e))?;
    writer.write(batch).map_err(|e| refused(&e))?;
    writer.close().map_err(|e| refused(&e))?;
    Ok(())
}
