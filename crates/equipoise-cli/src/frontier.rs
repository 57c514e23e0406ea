//! `equipoise frontier`: what giving up some of one thing gains of another.

use crate::output::{Outcome, Report, Table, number, plain};
use crate::progress::{Line, cancel_on_interrupt};
use crate::rows;
use crate::solving::{InputArguments, SolveArguments};
use equipoise::error::{codes, quote};
use equipoise::plan::{Frontier, FrontierPoint, Progress, Session, Status, Vary};
use equipoise::{Error, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// Solve a problem at many levels of its objectives or goals: each point certified, and started from where its neighbour ended.
///
/// Exit status 1 where a point is not `solved` or Ctrl-C left some out; the points so far are printed.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// What varies: objectives.NAME, goals.NAME.FIELD, goals[0].FIELD or campaigns.ID.FIELD, with its levels (0.01,0.02,0.05) or, with --points,
    /// the first and the last (0.01:0.05). May be repeated: all move together.
    #[arg(long, value_name = "PATH=LEVELS", required = true, value_parser = varied)]
    vary: Vec<(String, Levels)>,
    /// How many points to put evenly from first to last, both included.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    points: Option<u32>,
    #[command(flatten)]
    solve: SolveArguments,
    /// Fraction of the opportunities kept out, as for `plan`.
    #[arg(long, default_value_t = 0.2)]
    holdout: f64,
}

/// The levels of a path.
#[derive(Clone)]
enum Levels {
    Each(Vec<f64>),
    From(f64, f64),
}

fn varied(text: &str) -> std::result::Result<(String, Levels), String> {
    let (path, levels) = text.rsplit_once('=').ok_or("want PATH=LEVELS")?;
    let level = |text: &str| text.trim().parse::<f64>().map_err(|e| format!("{text:?}: {e}"));
    let levels = match levels.split_once(':') {
        Some((first, last)) => Levels::From(level(first)?, level(last)?),
        None => Levels::Each(levels.split(',').map(level).collect::<std::result::Result<_, _>>()?),
    };
    Ok((path.to_owned(), levels))
}

impl Levels {
    /// Every level in turn; between two ends `points` of them.
    fn spelled_out(&self, path: &str, points: Option<u32>) -> Result<Vec<f64>> {
        let wrong = |message: &str| Error::new(codes::INCONSISTENT, "vary", None, format!("{}: {message}", quote(path)));
        match (self, points) {
            (Self::Each(levels), None) => Ok(levels.clone()),
            (Self::From(first, last), Some(points)) => {
                let step = |i: u32| first + (last - first) * f64::from(i) / f64::from(points - 1);
                Ok((0..points - 1).map(step).chain([*last]).collect())
            }
            (Self::Each(_), Some(_)) => Err(wrong("a list of levels says how many points there are; want FIRST:LAST with --points")),
            (Self::From(..), None) => Err(wrong("FIRST:LAST needs --points")),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let cancel = cancel_on_interrupt();
    let line = Line::new();
    let mut vary = Vary::default();
    let mut count = 0;
    for (path, levels) in &arguments.vary {
        let levels = levels.spelled_out(path, arguments.points)?;
        count = levels.len();
        vary = vary.and(path, levels);
    }
    let (problem, log, campaigns) = arguments.inputs.read(None, &line)?;
    let observer = |progress: &Progress| line.update(progress);
    let settings = arguments.solve.settings()?.holdout(arguments.holdout).observer(&observer).cancel(&cancel);
    line.say("planning");
    let frontier = Session::new(problem, Arc::new(log), campaigns, &settings)?.frontier(&vary, &settings)?;
    drop(line);
    let points = frontier.points();
    let all = points.len() == count && points.iter().all(|p| p.status == Status::Solved);
    Ok(Report {
        outcome: if all { Outcome::Good } else { Outcome::NotMet },
        text: text(&frontier, count),
        json: document(&frontier, arguments.solve.tolerance),
    })
}

fn text(frontier: &Frontier, asked: usize) -> String {
    let mut text = String::new();
    let totals: Vec<String> = frontier.measures().iter().map(|m| format!("total {}>", plain(m))).collect();
    let paths: Vec<String> = frontier.paths().iter().map(|p| format!("{}>", plain(p))).collect();
    let mut headings: Vec<&str> = vec!["status"];
    headings.extend(paths.iter().map(String::as_str));
    headings.extend(["value>", "upper bound>", "gap>", "passes>"]);
    headings.extend(totals.iter().map(String::as_str));
    let mut table = Table::new(&headings);
    for p in frontier.points() {
        let c = &p.certificate;
        let mut cells = vec![p.status.name().to_owned()];
        cells.extend(p.levels.iter().map(|level| number(*level)));
        cells.extend([number(c.value), number(c.upper_bound), format!("{:.1e}", c.gap), format!("{:.1}", c.passes)]);
        cells.extend(p.totals.iter().map(|total| number(*total)));
        table.row(cells);
    }
    table.write(&mut text);
    if frontier.points().len() < asked {
        let _ = writeln!(text, "cancelled after {} of {asked} points", frontier.points().len());
    }
    text
}

fn document(frontier: &Frontier, tolerance: f64) -> Value {
    let point = |p: &FrontierPoint| {
        json!({
            "levels": p.levels,
            "status": p.status.name(),
            "certificate": rows::certificate(&p.certificate, tolerance),
            "totals": p.totals,
            "prices": rows::prices(&p.prices.iter().collect::<Vec<_>>()),
        })
    };
    json!({"paths": frontier.paths(), "measures": frontier.measures(), "points": frontier.points().iter().map(point).collect::<Vec<_>>()})
}
