//! Certificates, prices and conflicts as commands show them.

use crate::output::{Table, number, plain, shown};
use equipoise::plan::{Certificate, Conflict, PriceRow, Serving, Status};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A certificate as an object, with the tolerance that was asked for.
pub(crate) fn certificate(c: &Certificate, tolerance: f64) -> Value {
    json!({
        "upper_bound": c.upper_bound, "value": c.value, "gap": c.gap, "tolerance": tolerance,
        "worst_violation": c.worst_violation, "passes": c.passes, "seconds": c.seconds, "serving": c.serving.as_ref().map(Serving::to_json),
    })
}

/// Status and certificate in two lines.
pub(crate) fn write_certificate(text: &mut String, status: Status, c: &Certificate, tolerance: f64) {
    let _ = writeln!(
        text,
        "{}: gap {:.2e} (asked {tolerance:.0e}), worst violation {:.1e}, {:.1} passes, {:.3} s",
        status.name(),
        c.gap,
        c.worst_violation,
        c.passes,
        c.seconds
    );
    let _ = writeln!(text, "no plan is worth more than {}; this one is worth {}", number(c.upper_bound), number(c.value));
    if let Some(serving) = &c.serving {
        let _ = writeln!(text, "{serving}");
    }
}

/// The ledgers whose price is not 0, the largest first.
pub(crate) fn tightest(prices: &[PriceRow], most: usize) -> Vec<&PriceRow> {
    let mut rows: Vec<&PriceRow> = prices.iter().filter(|row| row.price != 0.0).collect();
    rows.sort_by(|a, b| b.price.abs().total_cmp(&a.price.abs()));
    rows.truncate(most);
    rows
}

pub(crate) fn write_tightest(text: &mut String, prices: &[PriceRow], tightest: &[&PriceRow]) {
    let priced = prices.iter().filter(|row| row.price != 0.0).count();
    let _ = writeln!(text, "\n{priced} of {} ledgers have a price; the {} tightest:", prices.len(), tightest.len());
    let mut table = Table::new(&["goal", "measure", "scope", "price>", "delivered>", "bound>", "slack>"]);
    for row in tightest {
        let mut cells = vec![shown(&row.goal), shown(&row.measure), plain(&row.scope)];
        cells.extend([Some(row.price), Some(row.delivered), row.bound, row.slack].map(|v| v.map_or_else(String::new, number)));
        table.row(cells);
    }
    if !tightest.is_empty() {
        table.write(text);
    }
}

/// Prices as a list of objects.
pub(crate) fn prices(rows: &[&PriceRow]) -> Vec<Value> {
    rows.iter()
        .map(|row| {
            json!({
                "goal": row.goal, "kind": row.kind, "measure": row.measure, "scope": row.scope,
                "price": row.price, "delivered": row.delivered, "bound": row.bound, "slack": row.slack,
            })
        })
        .collect()
}

/// How many conflicts the text shows; the JSON object has all.
const CONFLICTS_SHOWN: usize = 20;

pub(crate) fn write_conflicts(text: &mut String, conflicts: &[Conflict]) {
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

/// Conflicts as a list of objects.
pub(crate) fn conflicts(rows: &[Conflict]) -> Vec<Value> {
    rows.iter()
        .map(|row| {
            json!({
                "kind": row.kind.name(), "goal": row.goal, "asked": row.asked, "reached": row.reached,
                "least_relaxation": row.least_relaxation, "price": row.price, "against": row.against,
            })
        })
        .collect()
}
