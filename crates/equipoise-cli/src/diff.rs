//! `equipoise diff`: what changed from one policy to another.

use crate::metadata::entries;
use crate::output::{Outcome, Report, Table, number, plain, shown};
use equipoise::Result;
use equipoise::error::escape;
use equipoise::policy::{Change, Diff, Policy};
use indexmap::IndexSet;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Compare two policies: campaigns, measures, weights, slate rules and prices.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The policy before.
    before: PathBuf,
    /// The policy after.
    after: PathBuf,
    /// How many changed prices the text shows; the JSON object has all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let before = Policy::load(&arguments.before)?;
    let after = Policy::load(&arguments.after)?;
    let diff = before.diff(&after);
    Ok(Report {
        outcome: Outcome::Good,
        text: text(&before, &after, &diff, arguments.top),
        json: json!({
            "equal": diff.is_empty(),
            "before": before.id_hex(),
            "after": after.id_hex(),
            "campaigns_added": diff.campaigns_added,
            "campaigns_removed": diff.campaigns_removed,
            "campaigns_changed": diff.campaigns_changed,
            "prices": documents(&diff.prices),
            "weights": documents(&diff.weights),
            "metadata": documents(&diff.metadata),
        }),
    })
}

fn documents<T: Serialize>(changes: &[Change<T>]) -> Vec<Value> {
    changes.iter().map(|change| json!({"name": change.name, "before": change.before, "after": change.after})).collect()
}

fn text(before: &Policy, after: &Policy, diff: &Diff, most: usize) -> String {
    let mut text = format!("{} -> {}\n", before.id_hex(), after.id_hex());
    if diff.is_empty() {
        text.push_str("nothing differs\n");
        return text;
    }
    for (what, ids) in [("added", &diff.campaigns_added), ("removed", &diff.campaigns_removed), ("changed", &diff.campaigns_changed)] {
        if !ids.is_empty() {
            let first: Vec<String> = ids.iter().take(most).map(|id| shown(id)).collect();
            let more = if ids.len() > most { ", ..." } else { "" };
            let _ = writeln!(text, "{} campaigns {what}: {}{more}", ids.len(), first.join(", "));
        }
    }
    write_numbers(&mut text, "weights", &diff.weights, most);
    write_numbers(&mut text, "prices", &diff.prices, most);
    for change in &diff.metadata {
        write_entries(&mut text, change);
    }
    text
}

/// The largest changes first.
fn write_numbers(text: &mut String, what: &str, changes: &[Change<f64>], most: usize) {
    if changes.is_empty() {
        return;
    }
    let size = |change: &Change<f64>| (change.after.unwrap_or(0.0) - change.before.unwrap_or(0.0)).abs();
    let mut largest: Vec<&Change<f64>> = changes.iter().collect();
    largest.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let _ = writeln!(text, "{} {what} differ; the {} that differ most:", changes.len(), most.min(changes.len()));
    let mut table = Table::new(&["what", "before>", "after>"]);
    for change in largest.into_iter().take(most) {
        let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
        table.row(vec![plain(&change.name), value(change.before), value(change.after)]);
    }
    table.write(text);
}

/// The values that differ within one entry of the metadata.
fn write_entries(text: &mut String, change: &Change<String>) {
    let parts = |value: &Option<String>| value.as_ref().map_or_else(Vec::new, |value| entries(&change.name, value));
    let (before, after) = (parts(&change.before), parts(&change.after));
    let names: IndexSet<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
    let value =
        |parts: &[(String, String)], name: &String| parts.iter().find(|(n, _)| n == name).map_or("-".to_owned(), |(_, v)| escape(v, 80));
    for name in names {
        let (before, after) = (value(&before, name), value(&after, name));
        if before != after {
            let _ = writeln!(text, "{}: {before} -> {after}", plain(name));
        }
    }
}
