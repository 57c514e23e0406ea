//! What a plan found, as tables.

use super::columns::{batch, number, optional_number, text};
use crate::plan::{Conflict, Deliveries, Plan, PriceRow, Replicate, ServedLedger};
use arrow_array::RecordBatch;

/// `plan.prices`: `goal`, `kind`, `measure`, `scope` (text), `price`, `delivered` (f64), `bound`, `slack` (f64 or null: fairness
/// has no bound); a row per ledger.
#[must_use]
pub fn prices_table(rows: &[PriceRow]) -> RecordBatch {
    batch(vec![
        text("goal", rows.iter().map(|r| &r.goal)),
        text("kind", rows.iter().map(|r| r.kind.name())),
        text("measure", rows.iter().map(|r| &r.measure)),
        text("scope", rows.iter().map(|r| &r.scope)),
        number("price", rows.iter().map(|r| r.price)),
        number("delivered", rows.iter().map(|r| r.delivered)),
        optional_number("bound", rows.iter().map(|r| r.bound)),
        optional_number("slack", rows.iter().map(|r| r.slack)),
    ])
}

/// `plan.certificate.serving.ledgers`: `goal`, `kind`, `measure`, `scope`, `side` (text), `bound`, `predicted`, `lower`, `upper`, `half_width`
/// (f64), `needed` (f64 or null), `outlook` (text); a row per bounded ledger.
#[must_use]
pub fn served_table(rows: &[ServedLedger]) -> RecordBatch {
    batch(vec![
        text("goal", rows.iter().map(|r| &r.goal)),
        text("kind", rows.iter().map(|r| r.kind.name())),
        text("measure", rows.iter().map(|r| &r.measure)),
        text("scope", rows.iter().map(|r| &r.scope)),
        text("side", rows.iter().map(|r| r.side.name())),
        number("bound", rows.iter().map(|r| r.bound)),
        number("predicted", rows.iter().map(|r| r.predicted)),
        number("lower", rows.iter().map(|r| r.lower)),
        number("upper", rows.iter().map(|r| r.upper)),
        number("half_width", rows.iter().map(ServedLedger::half_width)),
        optional_number("needed", rows.iter().map(|r| r.needed)),
        text("outlook", rows.iter().map(|r| r.outlook.name())),
    ])
}

/// `plan.deliveries`: `campaign` (text), then `exposure` and the measures (f64); a row per campaign.
#[must_use]
pub fn deliveries_table(deliveries: &Deliveries) -> RecordBatch {
    let measured = deliveries.measures.iter().zip(&deliveries.columns);
    let columns = measured.map(|(name, column)| number(name, column.iter().copied()));
    batch([text("campaign", deliveries.campaigns.iter())].into_iter().chain(columns).collect())
}

/// `plan.conflicts`: `kind`, `goal` (text), `asked`, `reached` (f64), `least_relaxation`, `price` (f64 or null), `against`
/// (text: goals that stand against it, or campaigns that pay for it, joined by `; `).
#[must_use]
pub fn conflicts_table(rows: &[Conflict]) -> RecordBatch {
    batch(vec![
        text("kind", rows.iter().map(|r| r.kind.name())),
        text("goal", rows.iter().map(|r| &r.goal)),
        number("asked", rows.iter().map(|r| r.asked)),
        number("reached", rows.iter().map(|r| r.reached)),
        optional_number("least_relaxation", rows.iter().map(|r| r.least_relaxation)),
        optional_number("price", rows.iter().map(|r| r.price)),
        text("against", rows.iter().map(|r| r.against.join("; "))),
    ])
}

/// `booking.replicates`: `natural`, `deliverable`, `price`, `cost`, `resolution` (f64); a row per flight drawn.
#[must_use]
pub fn replicates_table(rows: &[Replicate]) -> RecordBatch {
    batch(vec![
        number("natural", rows.iter().map(|r| r.natural)),
        number("deliverable", rows.iter().map(|r| r.deliverable)),
        number("price", rows.iter().map(|r| r.price)),
        number("cost", rows.iter().map(|r| r.cost)),
        number("resolution", rows.iter().map(|r| r.resolution)),
    ])
}

/// `plan.decisions()`: `x` in `[0, 1]` (f64), aligned with the rows of the log, null on held-out opportunities;
/// empty for a packed log: see [`super::decisions_reader`].
#[must_use]
pub fn decisions_table(plan: &Plan) -> RecordBatch {
    batch(vec![optional_number("x", plan.decisions().iter().copied())])
}
