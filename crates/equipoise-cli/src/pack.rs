//! `equipoise pack`: a log in native blocks, for plans of logs that do not fit memory.

use crate::inputs;
use crate::output::{Outcome, Report, plain};
use crate::progress::{Line, cancel_on_interrupt};
use crate::solving::{InputArguments, UnknownArgument};
use equipoise::Result;
use equipoise::model::Problem;
use equipoise::plan::{Packer, Settings};
use serde_json::json;
use std::path::PathBuf;

/// Rows of the log that are read before they are packed.
const ROWS: usize = 1 << 18;

/// Pack a log into a file that `plan --packed` reads, in bounded memory.
///
/// Which rows are eligible, the hold-out, the measures, and whether goals tell markets and surfaces apart are fixed here; limits, penalties,
/// objectives and traffic are free when planning. Ctrl-C stops, and leaves no file.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Where the packed log goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Moves the log's times before flights are checked, such as 28d.
    #[arg(long, value_name = "TIME", value_parser = inputs::length, allow_hyphen_values = true)]
    shift: Option<i64>,
    /// What to do with campaigns of the log that the campaign table lacks.
    #[arg(long, value_enum, default_value_t = UnknownArgument::Error)]
    unknown: UnknownArgument,
    /// Fraction of the opportunities kept out of plans for the serving certificate; these are held in memory when planning.
    #[arg(long, default_value_t = 0.2)]
    holdout: f64,
    /// Draws the hold-out.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let cancel = cancel_on_interrupt();
    let line = Line::new();
    line.say("packing");
    let InputArguments { problem, log, read, campaigns } = &arguments.inputs;
    let problem = Problem::load(problem)?;
    let campaigns = read.campaigns(campaigns)?;
    let measures = inputs::measures(&problem, &campaigns);
    let settings = Settings::new()
        .holdout(arguments.holdout)
        .seed(arguments.seed)
        .shift(arguments.shift.unwrap_or(0))
        .unknown(arguments.unknown.into())
        .cancel(&cancel);
    let mut packer = Packer::new(&problem, &campaigns, &settings, &arguments.out)?;
    let mut rows = 0;
    read.parts(log, &measures, ROWS, |part| {
        packer.push(part)?;
        rows += part.candidates();
        line.tell(format!("{rows} rows packed"));
        Ok(())
    })?;
    let packed = packer.finish()?;
    drop(line);
    let out = arguments.out.to_string_lossy();
    let text =
        format!("{} rows, {} opportunities to plan on, {} bytes: {}\n", packed.rows(), packed.opportunities(), packed.bytes(), plain(&out));
    let json = json!({"rows": packed.rows(), "opportunities": packed.opportunities(), "bytes": packed.bytes(), "out": out});
    Ok(Report { outcome: Outcome::Good, text, json })
}
