//! `equipoise plan`: prices for a problem, a log and a campaign table.

use crate::inputs::{self, ReadArguments};
use crate::output::{Outcome, Report, plain};
use crate::progress::{Line, cancel_on_interrupt};
use crate::rows;
use crate::solving::SolveArguments;
use equipoise::error::codes;
use equipoise::model::Problem;
use equipoise::plan::{PackedLog, Plan, PriceRow, Progress, Status, plan_packed};
use equipoise::table;
use equipoise::{Error, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Plan prices and write the policy that serves them.
///
/// Prints the certificate, the tightest goals and the conflicts. Ctrl-C stops the plan. A plan that is not `solved` has exit
/// status 1, and its policy is only written with --force.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    /// The problem: objectives, slate rules and goals, as .toml or .json.
    #[arg(long, value_name = "FILE")]
    problem: PathBuf,
    /// The opportunity log: a Parquet file, or a glob such as 'log/*.parquet'.
    #[arg(long, value_name = "PARQUET", required_unless_present = "packed")]
    log: Option<String>,
    /// A log from `equipoise pack` instead; its hold-out, shift and unknown campaigns are those of the packing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["log", "holdout", "shift", "unknown", "seed"])]
    packed: Option<PathBuf>,
    /// Bytes of a packed log that stay in memory between passes.
    #[arg(long, value_name = "BYTES", requires = "packed")]
    memory: Option<usize>,
    #[command(flatten)]
    read: ReadArguments,
    /// The campaign table, a Parquet file or glob.
    #[arg(long, value_name = "PARQUET")]
    campaigns: String,
    /// Where the policy goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where the decisions of the certified relaxed answer go, row by row of the log, as Parquet; null on held-out opportunities.
    #[arg(long, value_name = "PARQUET")]
    decisions: Option<PathBuf>,
    #[command(flatten)]
    solve: SolveArguments,
    /// Fraction of the opportunities kept out of the plan for the serving certificate.
    #[arg(long, default_value_t = 0.2)]
    holdout: f64,
    /// Opportunities for the serving certificate instead of a hold-out, a Parquet file or glob.
    #[arg(long, value_name = "PARQUET", conflicts_with = "holdout")]
    fresh: Option<String>,
    /// A file that keeps the passes made so far; a plan of the same inputs goes on from it, to the same bits.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Write the policy even if the plan is not solved.
    #[arg(long)]
    force: bool,
    /// How many of the tightest goals are printed.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    // From the start, so that an interrupt while the inputs are read stops the plan as soon as it begins.
    let cancel = cancel_on_interrupt();
    let line = Line::new();
    line.say("reading");
    let problem = Problem::load(&arguments.problem)?;
    let campaigns = arguments.read.campaigns(&arguments.campaigns)?;
    let measures = inputs::measures(&problem, &campaigns);
    let log = arguments.log.as_ref().map(|pattern| arguments.read.log(pattern, &measures)).transpose()?;
    let packed = arguments.packed.as_ref().map(PackedLog::open).transpose()?;
    let fresh = arguments.fresh.as_ref().map(|pattern| arguments.read.log(pattern, &measures)).transpose()?;

    let observer = |progress: &Progress| line.update(progress);
    let holdout = if fresh.is_some() { 0.0 } else { arguments.holdout };
    let mut settings = arguments.solve.settings()?.holdout(holdout).observer(&observer).cancel(&cancel);
    if let Some(fresh) = &fresh {
        settings = settings.fresh(fresh);
    }
    if let Some(path) = &arguments.checkpoint {
        settings = settings.checkpoint(path);
    }
    if let Some(bytes) = arguments.memory {
        settings = settings.memory(bytes);
    }
    line.say("planning");
    let plan = match (&log, &packed) {
        (Some(log), _) => equipoise::plan::plan(&problem, log, &campaigns, &settings)?,
        (None, Some(packed)) => plan_packed(&problem, packed, &campaigns, &settings)?,
        (None, None) => return Err(Error::new(codes::MISSING, "log", None, "a plan needs a log")),
    };
    drop(line);

    let solved = plan.status() == Status::Solved;
    let written = solved || arguments.force;
    if written {
        plan.policy().save(&arguments.out)?;
        if let Some(path) = &arguments.decisions {
            table::save_decisions(path, &plan)?;
        }
    }
    let tightest = rows::tightest(plan.prices(), arguments.top);
    Ok(Report {
        outcome: if solved { Outcome::Good } else { Outcome::NotMet },
        text: text(&plan, &tightest, arguments, written),
        json: document(&plan, &tightest, arguments, written),
    })
}

fn text(plan: &Plan, tightest: &[&PriceRow], arguments: &Arguments, written: bool) -> String {
    let mut text = String::new();
    rows::write_certificate(&mut text, plan.status(), plan.certificate(), arguments.solve.tolerance);
    rows::write_tightest(&mut text, plan.prices(), tightest);
    rows::write_conflicts(&mut text, plan.conflicts());
    for note in plan.notes() {
        let _ = writeln!(text, "note: {}", plain(note));
    }
    let out = plain(&arguments.out.to_string_lossy());
    let _ = if written {
        writeln!(text, "\npolicy {} written to {out}", plan.policy().id_hex())
    } else {
        writeln!(text, "\nnot solved, so no policy was written to {out}; --force writes it all the same")
    };
    text
}

fn document(plan: &Plan, tightest: &[&PriceRow], arguments: &Arguments, written: bool) -> Value {
    json!({
        "status": plan.status().name(),
        "certificate": rows::certificate(plan.certificate(), arguments.solve.tolerance),
        "tightest": rows::prices(tightest),
        "conflicts": rows::conflicts(plan.conflicts()),
        "notes": plan.notes(),
        "policy_id": plan.policy().id_hex(),
        "out": written.then(|| arguments.out.to_string_lossy()),
    })
}
