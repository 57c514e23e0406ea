//! What a policy holds, and how it differs from another, as tables.

use super::columns::{Column, batch, number, optional_number, optional_text, text};
use crate::policy::{Change, Diff, Policy};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use std::sync::Arc;

/// `policy.campaigns`: `campaign`, `artist`, `label`, `licensor` (text), `surfaces`, `markets` (list of text), `start`, `end` (timestamp,
/// microseconds, UTC), `frequency_cap` (i64); all but the first null where there is none. Sorted by id; [`super::read_campaigns`] reads it back, without goals.
#[must_use]
pub fn campaigns_table(policy: &Policy) -> RecordBatch {
    batch(vec![
        text("campaign", policy.campaigns().map(|c| c.id)),
        optional_text("artist", policy.campaigns().map(|c| c.artist)),
        optional_text("label", policy.campaigns().map(|c| c.label)),
        optional_text("licensor", policy.campaigns().map(|c| c.licensor)),
        lists("surfaces", policy.campaigns().map(|c| c.surfaces)),
        lists("markets", policy.campaigns().map(|c| c.markets)),
        times("start", policy.campaigns().map(|c| c.start)),
        times("end", policy.campaigns().map(|c| c.end)),
        ("frequency_cap", true, Arc::new(policy.campaigns().map(|c| c.frequency_cap.map(i64::from)).collect::<Int64Array>())),
    ])
}

/// `policy.prices`: `goal`, `kind`, `measure`, `scope` (text), `price` (f64); a row per ledger, in the order of folding.
#[must_use]
pub fn policy_prices_table(policy: &Policy) -> RecordBatch {
    let rows: Vec<_> = policy.prices().collect();
    batch(vec![
        text("goal", rows.iter().map(|r| &r.goal)),
        text("kind", rows.iter().map(|r| r.kind.name())),
        text("measure", rows.iter().map(|r| &r.measure)),
        text("scope", rows.iter().map(|r| &r.scope)),
        number("price", rows.iter().map(|r| r.price)),
    ])
}

/// `policy.diff(other)`: `change` (`campaign_added`, `campaign_removed`, `campaign_changed`, `price`, `weight`, `metadata`), `name` (text),
/// `before`, `after` (f64, of prices and weights), `before_text`, `after_text` (of metadata). No row where nothing differs.
#[must_use]
pub fn diff_table(diff: &Diff) -> RecordBatch {
    let campaigns = [
        ("campaign_added", &diff.campaigns_added),
        ("campaign_removed", &diff.campaigns_removed),
        ("campaign_changed", &diff.campaigns_changed),
    ];
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (change, ids) in campaigns {
        rows.extend(ids.iter().map(|id| Row { change, name: id, numbers: (None, None), texts: (None, None) }));
    }
    for (change, changes) in [("price", &diff.prices), ("weight", &diff.weights)] {
        rows.extend(changes.iter().map(|c| Row { change, name: &c.name, numbers: (c.before, c.after), texts: (None, None) }));
    }
    rows.extend(diff.metadata.iter().map(|Change { name, before, after }| Row {
        change: "metadata",
        name,
        numbers: (None, None),
        texts: (before.as_deref(), after.as_deref()),
    }));
    batch(vec![
        text("change", rows.iter().map(|r| r.change)),
        text("name", rows.iter().map(|r| r.name)),
        optional_number("before", rows.iter().map(|r| r.numbers.0)),
        optional_number("after", rows.iter().map(|r| r.numbers.1)),
        optional_text("before_text", rows.iter().map(|r| r.texts.0)),
        optional_text("after_text", rows.iter().map(|r| r.texts.1)),
    ])
}

/// One difference.
struct Row<'a> {
    change: &'static str,
    name: &'a str,
    numbers: (Option<f64>, Option<f64>),
    texts: (Option<&'a str>, Option<&'a str>),
}

fn lists<'a>(name: &'static str, rows: impl Iterator<Item = Option<Vec<&'a str>>>) -> Column<'static> {
    let mut column = ListBuilder::new(StringBuilder::new());
    for names in rows {
        for name in names.iter().flatten() {
            column.values().append_value(name);
        }
        column.append(names.is_some());
    }
    (name, true, Arc::new(column.finish()))
}

fn times(name: &'static str, rows: impl Iterator<Item = Option<i64>>) -> Column<'static> {
    (name, true, Arc::new(rows.collect::<TimestampMicrosecondArray>().with_timezone("UTC")))
}
