//! `equipoise plan`: prices for a problem, a log and a campaign table.

use crate::inputs::{self, ReadArguments};
use crate::output::{Outcome, Report, Table, number, plain, shown};
use crate::progress::{Line, cancel_on_interrupt};
use clap::ValueEnum;
use equipoise::error::codes;
use equipoise::model::Problem;
use equipoise::plan::{Conflict, PackedLog, Plan, PriceRow, Progress, Serving, Settings, Status, Unknown, plan_packed};
use equipoise::{Error, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Relative gap at which the plan counts as solved.
    #[arg(long, default_value_t = 1e-4)]
    tolerance: f64,
    /// Multiplies all weights: a 10 % sample has traffic 10.
    #[arg(long, default_value_t = 1.0)]
    traffic: f64,
    /// Moves the log's times before flights are checked, such as 28d.
    #[arg(long, value_name = "TIME", value_parser = inputs::length, allow_hyphen_values = true)]
    shift: Option<i64>,
    /// What to do with campaigns of the log that the campaign table lacks.
    #[arg(long, value_enum, default_value_t = UnknownArgument::Error)]
    unknown: UnknownArgument,
    /// Fraction of the opportunities kept out of the plan for the serving certificate.
    #[arg(long, default_value_t = 0.2)]
    holdout: f64,
    /// Opportunities for the serving certificate instead of a hold-out, a Parquet file or glob.
    #[arg(long, value_name = "PARQUET", conflicts_with = "holdout")]
    fresh: Option<String>,
    /// Draws the hold-out.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Worker threads, all processors if not given; the result has the same bits for every number.
    #[arg(long)]
    threads: Option<usize>,
    /// Seconds after which the plan stops with what it has.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
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

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum UnknownArgument {
    /// Refuse the log.
    Error,
    /// Treat their candidates as organic.
    Organic,
}

impl From<UnknownArgument> for Unknown {
    fn from(argument: UnknownArgument) -> Self {
        match argument {
            UnknownArgument::Error => Self::Error,
            UnknownArgument::Organic => Self::Organic,
        }
    }
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
    let mut settings = Settings::new()
        .tolerance(arguments.tolerance)
        .traffic(arguments.traffic)
        .shift(arguments.shift.unwrap_or(0))
        .unknown(arguments.unknown.into())
        .holdout(if fresh.is_some() { 0.0 } else { arguments.holdout })
        .seed(arguments.seed)
        .observer(&observer)
        .cancel(&cancel);
    if let Some(fresh) = &fresh {
        settings = settings.fresh(fresh);
    }
    if let Some(threads) = arguments.threads {
        settings = settings.threads(threads);
    }
    if let Some(seconds) = arguments.time_limit {
        settings = settings.time_limit(time_limit(seconds)?);
    }
    if let Some(path) = &arguments.checkpoint {
        settings = settings.checkpoint(path);
    }
    line.say("planning");
    if let Some(bytes) = arguments.memory {
        settings = settings.memory(bytes);
    }
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
    }
    let tightest = tightest(plan.prices(), arguments.top);
    Ok(Report {
        outcome: if solved { Outcome::Good } else { Outcome::NotMet },
        text: text(&plan, &tightest, arguments, written),
        json: document(&plan, &tightest, arguments, written),
    })
}

fn time_limit(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|e| Error::new(codes::RANGE, "time_limit", None, format!("{seconds:?} is not a length of time in seconds: {e}")))
}

/// The ledgers whose price is not 0, the largest first.
fn tightest(prices: &[PriceRow], most: usize) -> Vec<&PriceRow> {
    let mut rows: Vec<&PriceRow> = prices.iter().filter(|row| row.price != 0.0).collect();
    rows.sort_by(|a, b| b.price.abs().total_cmp(&a.price.abs()));
    rows.truncate(most);
    rows
}

fn text(plan: &Plan, tightest: &[&PriceRow], arguments: &Arguments, written: bool) -> String {
    let mut text = String::new();
    let c = plan.certificate();
    let _ = writeln!(
        text,
        "{}: gap {:.2e} (asked {:.0e}), worst violation {:.1e}, {:.1} passes, {:.3} s",
        plan.status().name(),
        c.gap,
        arguments.tolerance,
        c.worst_violation,
        c.passes,
        c.seconds
    );
    let _ = writeln!(text, "no plan is worth more than {}; this one is worth {}", number(c.upper_bound), number(c.value));
    if let Some(s) = &c.serving {
        let _ = writeln!(text, "{s}");
    }
    let priced = plan.prices().iter().filter(|row| row.price != 0.0).count();
    let _ = writeln!(text, "\n{priced} of {} ledgers have a price; the {} tightest:", plan.prices().len(), tightest.len());
    let mut table = Table::new(&["goal", "measure", "scope", "price>", "delivered>", "bound>", "slack>"]);
    for row in tightest {
        let mut cells = vec![shown(&row.goal), shown(&row.measure), plain(&row.scope)];
        cells.extend([Some(row.price), Some(row.delivered), row.bound, row.slack].map(|v| v.map_or_else(String::new, number)));
        table.row(cells);
    }
    if !tightest.is_empty() {
        table.write(&mut text);
    }
    write_conflicts(&mut text, plan.conflicts());
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

/// How many conflicts the text shows; the JSON object has all.
const CONFLICTS_SHOWN: usize = 20;

fn write_conflicts(text: &mut String, conflicts: &[Conflict]) {
    if conflicts.is_empty() {
        text.push_str("\nno conflicts\n");
        return;
    }
    let _ = writeln!(text, "\nconflicts: {}", conflicts.len());
    let mut table = Table::new(&["kind", "goal", "asked>", "reached>", "least relaxation>", "price that would meet it>"]);
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    for row in conflicts.iter().take(CONFLICTS_SHOWN) {
        table.row(vec![
            row.kind.name().to_owned(),
            plain(&row.goal),
            number(row.asked),
            number(row.reached),
            optional(row.least_relaxation),
            optional(row.price),
        ]);
    }
    table.write(text);
    if conflicts.len() > CONFLICTS_SHOWN {
        let _ = writeln!(text, "  and {} more; --json lists all", conflicts.len() - CONFLICTS_SHOWN);
    }
}

fn document(plan: &Plan, tightest: &[&PriceRow], arguments: &Arguments, written: bool) -> Value {
    let c = plan.certificate();
    let serving = c.serving.as_ref().map(Serving::to_json);
    let goals: Vec<Value> = tightest
        .iter()
        .map(|row| {
            json!({
                "goal": row.goal, "kind": row.kind, "measure": row.measure, "scope": row.scope,
                "price": row.price, "delivered": row.delivered, "bound": row.bound, "slack": row.slack,
            })
        })
        .collect();
    let conflicts: Vec<Value> = plan
        .conflicts()
        .iter()
        .map(|row| {
            json!({
                "kind": row.kind.name(), "goal": row.goal, "asked": row.asked, "reached": row.reached,
                "least_relaxation": row.least_relaxation, "price": row.price, "against": row.against,
            })
        })
        .collect();
    json!({
        "status": plan.status().name(),
        "certificate": {
            "upper_bound": c.upper_bound, "value": c.value, "gap": c.gap, "tolerance": arguments.tolerance,
            "worst_violation": c.worst_violation, "passes": c.passes, "seconds": c.seconds, "serving": serving,
        },
        "tightest": goals,
        "conflicts": conflicts,
        "notes": plan.notes(),
        "policy_id": plan.policy().id_hex(),
        "out": written.then(|| arguments.out.to_string_lossy()),
    })
}
