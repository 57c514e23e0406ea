//! The row phase: a score for every candidate, column by column. A hand-written path can take its place: it reads the same columns and must give
//! the same bits.
//!
//! The arithmetic is the serving rule's: `s = c_0`, then `s + c_j y_j` in the order of measures, `c_j = V - P`, all in `f32` and never fused.

use super::Workspace;
use super::request::{AMOUNT_LIMIT, Columns, UNWRITTEN};
use crate::error::{Error, Result, codes};
use crate::model::{Reason, uniform};
use crate::policy::{NONE, Policy};

/// Writes `ws.scores` from `ws.values`, `ws.campaigns` and the measures, `fills` naming the measure that `ws.displacement` stands for. Returns
/// whether all measures are in `[0, 1e12]`; where one is not, what was written means nothing.
pub(super) fn score(policy: &Policy, columns: &Columns<'_>, key: u64, fills: Option<usize>, ws: &mut Workspace) -> bool {
    let prices = policy.folded();
    let price = |campaign: u32, column: u32| prices.campaigns[campaign as usize * prices.width + column as usize];
    let (scores, campaigns) = (&mut ws.scores, &ws.campaigns);
    let value = ws.values[0];
    match prices.column[0] {
        NONE => scores.resize(campaigns.len(), value),
        column => scores.extend(campaigns.iter().map(|c| value - price(*c, column))),
    }
    let mut good = true;
    for j in 0..columns.count {
        let (value, column) = (ws.values[j + 1], prices.column[j + 1]);
        let filled = (fills == Some(j)).then_some(ws.displacement.as_slice());
        let mut all_good = true;
        match (filled.or_else(|| columns.column(j)), column) {
            (Some(amounts), NONE) => {
                for (s, y) in scores.iter_mut().zip(amounts) {
                    *s += value * y;
                    all_good &= is_good(*y);
                }
            }
            (Some(amounts), column) => {
                for ((s, y), c) in scores.iter_mut().zip(amounts).zip(campaigns) {
                    *s += (value - price(*c, column)) * y;
                    all_good &= is_good(*y);
                }
            }
            (None, column) => {
                for (i, (s, c)) in scores.iter_mut().zip(campaigns).enumerate() {
                    let charge = if column == NONE { 0.0 } else { price(*c, column) };
                    let y = columns.get(i, j);
                    *s += (value - charge) * y;
                    all_good &= is_good(y);
                }
            }
        }
        // A displacement that was filled may be up to twice the largest organic score: there, what was given is looked at instead.
        good &= if filled.is_some() { (0..campaigns.len()).all(|i| is_given_good(columns.get(i, j))) } else { all_good };
    }
    if policy.tie_breadth() > 0.0 {
        let breadth = policy.tie_breadth() as f32;
        for ((s, c), reason) in scores.iter_mut().zip(campaigns).zip(&ws.reasons) {
            if reason.is_scored() {
                *s += breadth * uniform(key, policy.campaign_hash(*c));
            }
        }
    }
    for (s, reason) in scores.iter_mut().zip(&mut ws.reasons) {
        // Adding zero makes -0 into +0.
        *s = if reason.is_scored() { *s + 0.0 } else { 0.0 };
        if *s > 0.0 {
            *reason = Reason::Outscored;
        }
    }
    good
}

fn is_good(y: f32) -> bool {
    (0.0..=AMOUNT_LIMIT).contains(&y)
}

/// Whether a displacement that was given is good, or is yet to be filled.
fn is_given_good(y: f32) -> bool {
    is_good(y) || y.to_bits() == UNWRITTEN
}

/// Refuses measures that are not in `[0, 1e12]`, naming the first by measure and candidate.
pub(super) fn check(columns: &Columns<'_>, n: usize, fills: Option<usize>) -> Result<()> {
    for j in 0..columns.count {
        for i in 0..n {
            let y = columns.get(i, j);
            if !(is_good(y) || fills == Some(j) && is_given_good(y)) {
                let code = if y.is_finite() { codes::RANGE } else { codes::NOT_FINITE };
                let argument = format!("measures[{j}]");
                return Err(Error::new(code, argument, Some(i as u64), format!("{y:e} is not in [0, {AMOUNT_LIMIT:e}]")));
            }
        }
    }
    Ok(())
}
