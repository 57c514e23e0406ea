//! `equipoise what-if`: what would come of a change, and who is displaced by how much.

use crate::inputs::read_text;
use crate::output::{Outcome, Report, Table, number, shown};
use crate::progress::{Line, cancel_on_interrupt};
use crate::rows;
use crate::solving::{InputArguments, SolveArguments};
use equipoise::Result;
use equipoise::plan::{Changes, Plan, Progress, Session, Settings, Shift, Status, WhatIf, plan};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Plan, then say what would come of changes to goals, objectives and campaigns: prices, deliveries, and who is displaced.
///
/// The change is solved from where the plan ended, in a few passes where it is small; nothing is written. Exit status 1 where either is not
/// `solved`. Ctrl-C stops what is running and says what is known.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// The changes, a JSON document; null for an amount takes the goal away:
    /// `{"objectives": {"stream": 2}, "goals": {"NAME": {"at_most": 0.02}}, "campaigns": {"c1": {"cap": 500}, "c2": {"paused": true}}}`.
    #[arg(long, value_name = "FILE", required_unless_present = "set")]
    changes: Option<PathBuf>,
    /// One number changed, such as `campaigns.c1.cap=500`, `goals.NAME.at_most=0.02` or `objectives.stream=2`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    set: Vec<(String, f64)>,
    #[command(flatten)]
    solve: SolveArguments,
    /// Fraction of the opportunities kept out, as for `plan`.
    #[arg(long, default_value_t = 0.2)]
    holdout: f64,
    /// How many rows the lists of the text have; the JSON object has all.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
}

fn assignment(text: &str) -> std::result::Result<(String, f64), String> {
    let (path, value) = text.rsplit_once('=').ok_or("want PATH=VALUE")?;
    Ok((path.to_owned(), value.parse().map_err(|e| format!("{value:?}: {e}"))?))
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let cancel = cancel_on_interrupt();
    let line = Line::new();
    let mut changes = match &arguments.changes {
        Some(path) => Changes::from_json(&read_text(path, "changes")?)?,
        None => Changes::default(),
    };
    arguments.set.iter().try_for_each(|(path, value)| changes.set(path, *value))?;
    let (problem, log, campaigns) = arguments.inputs.read(None, &line)?;
    // A change that names what is not there is refused before anything is solved.
    changes.apply(&problem, &campaigns)?;
    let observer = |progress: &Progress| line.update(progress);
    let settings = arguments.solve.settings()?.holdout(arguments.holdout).observer(&observer).cancel(&cancel);
    let started = Instant::now();
    line.say("planning");
    let before = plan(&problem, &log, &campaigns, &settings)?;
    let session = Session::new(problem, Arc::new(log), campaigns, &settings)?;
    let rest: Settings<'_> = match arguments.solve.time_limit()? {
        Some(limit) => settings.clone().time_limit(limit.saturating_sub(started.elapsed())),
        None => settings.clone(),
    };
    let after = session.what_if(&before, &changes, &rest)?;
    drop(line);
    let solved = before.status() == Status::Solved && after.status() == Status::Solved;
    Ok(Report {
        outcome: if solved { Outcome::Good } else { Outcome::NotMet },
        text: text(&before, &after, arguments),
        json: document(&before, &after, arguments),
    })
}

fn text(before: &Plan, after: &WhatIf, arguments: &Arguments) -> String {
    let mut text = String::from("as it is\n");
    rows::write_certificate(&mut text, before.status(), before.certificate(), arguments.solve.tolerance);
    text.push_str("\nwith the changes\n");
    rows::write_certificate(&mut text, after.status(), after.certificate(), arguments.solve.tolerance);
    let (least, most) = after.value_difference();
    let _ = writeln!(text, "the value moves by {} to {}", number(least), number(most));
    write_displaced(&mut text, after.displaced(), arguments.top);
    rows::write_tightest(&mut text, after.prices(), &rows::tightest(after.prices(), arguments.top));
    rows::write_conflicts(&mut text, after.conflicts());
    text
}

fn write_displaced(text: &mut String, displaced: &[Shift], most: usize) {
    if displaced.is_empty() {
        text.push_str("\nnobody is displaced\n");
        return;
    }
    let _ = writeln!(text, "\ndisplaced, in exposures: {}", displaced.len());
    let mut table = Table::new(&["who", "name", "before>", "after>", "difference>"]);
    for s in displaced.iter().take(most) {
        table.row(vec![s.scope.name().to_owned(), shown(&s.key), number(s.before), number(s.after), number(s.difference())]);
    }
    table.write(text);
    if displaced.len() > most {
        let _ = writeln!(text, "  and {} more; --top shows more, --json lists all", displaced.len() - most);
    }
}

fn document(before: &Plan, after: &WhatIf, arguments: &Arguments) -> Value {
    let tolerance = arguments.solve.tolerance;
    let shifts = |list: &[Shift]| -> Vec<Value> {
        list.iter()
            .map(|s| {
                json!({
                    "scope": s.scope.name(), "key": s.key, "measure": s.measure,
                    "before": s.before, "after": s.after, "difference": s.difference(),
                })
            })
            .collect()
    };
    let (least, most) = after.value_difference();
    json!({
        "status": after.status().name(),
        "certificate": rows::certificate(after.certificate(), tolerance),
        "before": {"status": before.status().name(), "certificate": rows::certificate(before.certificate(), tolerance)},
        "value_difference": {"least": least, "most": most},
        "displaced": shifts(after.displaced()),
        "deliveries": shifts(after.deliveries()),
        "prices": rows::prices(&after.prices().iter().collect::<Vec<_>>()),
        "conflicts": rows::conflicts(after.conflicts()),
    })
}
