//! What would be, as tables.

use super::columns::{batch, number, text};
use crate::plan::{Frontier, Shift};
use arrow_array::RecordBatch;

/// `what_if.deliveries` and `what_if.displaced`: `scope` (`campaign`, `artist`, `label`, `licensor`), `key`, `measure` (text), `before`,
/// `after`, `difference` (f64).
#[must_use]
pub fn shifts_table(rows: &[Shift]) -> RecordBatch {
    batch(vec![
        text("scope", rows.iter().map(|r| r.scope.name())),
        text("key", rows.iter().map(|r| &r.key)),
        text("measure", rows.iter().map(|r| &r.measure)),
        number("before", rows.iter().map(|r| r.before)),
        number("after", rows.iter().map(|r| r.after)),
        number("difference", rows.iter().map(crate::plan::Shift::difference)),
    ])
}

/// `frontier.table`: a row per point; a column of levels per path, `status` (text), `value`, `upper_bound`, `gap`, `worst_violation`,
/// `passes`, then `total NAME` of every measure (f64).
#[must_use]
pub fn frontier_table(frontier: &Frontier) -> RecordBatch {
    let points = frontier.points();
    let totals: Vec<String> = frontier.measures().iter().map(|m| format!("total {m}")).collect();
    let levels = frontier.paths().iter().enumerate().map(|(i, path)| number(path, points.iter().map(move |p| p.levels[i])));
    let measured = totals.iter().enumerate().map(|(j, name)| number(name, points.iter().map(move |p| p.totals[j])));
    let certified = [
        text("status", points.iter().map(|p| p.status.name())),
        number("value", points.iter().map(|p| p.certificate.value)),
        number("upper_bound", points.iter().map(|p| p.certificate.upper_bound)),
        number("gap", points.iter().map(|p| p.certificate.gap)),
        number("worst_violation", points.iter().map(|p| p.certificate.worst_violation)),
        number("passes", points.iter().map(|p| p.certificate.passes)),
    ];
    batch(levels.chain(certified).chain(measured).collect())
}
