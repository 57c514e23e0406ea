//! The row phase: a score for every candidate, column by column. A hand-written path can take its place: it reads the same columns and must give
//! the same bits.
//!
//! The arithmetic is the serving rule's: `s = c_0`, then `s + c_j y_j` in the order of measures, `c_j = V - P`, all in `f32` and never fused.

use super::Workspace;
use super::request::{AMOUNT_LIMIT, Columns};
use crate::error::{Error, Result, codes};
use crate::model::{Reason, uniform};
use crate::policy::{NONE, Policy};

/// Writes `ws.scores` from `ws.values`, `ws.campaigns` and the measures, `fills` naming the measure that `ws.displacement` stands for. Measures
/// are not checked here: what comes of bad ones is thrown away.
pub(super) fn score(policy: &Policy, columns: &Columns<'_>, key: u64, fills: Option<usize>, ws: &mut Workspace) {
    let prices = policy.folded();
    let price = |campaign: u32, column: u32| prices.campaigns[campaign as usize * prices.width + column as usize];
    let (scores, campaigns) = (&mut ws.scores, &ws.campaigns);
    let value = ws.values[0];
    match prices.column[0] {
        NONE => scores.resize(campaigns.len(), value),
        column => scores.extend(campaigns.iter().map(|c| value - price(*c, column))),
    }
    for j in 0..columns.count {
        let (value, column) = (ws.values[j + 1], prices.column[j + 1]);
        let amounts = if fills == Some(j) { Some(ws.displacement.as_slice()) } else { columns.column(j) };
        match (amounts, column) {
            (Some(amounts), NONE) => {
                for (s, y) in scores.iter_mut().zip(amounts) {
                    *s += value * y;
                }
            }
            (Some(amounts), column) => {
                for ((s, y), c) in scores.iter_mut().zip(amounts).zip(campaigns) {
                    *s += (value - price(*c, column)) * y;
                }
            }
            (None, column) => {
                for (i, (s, c)) in scores.iter_mut().zip(campaigns).enumerate() {
                    let charge = if column == NONE { 0.0 } else { price(*c, column) };
                    *s += (value - charge) * columns.get(i, j);
                }
            }
        }
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
}

/// Refuses measures that are not in `[0, 1e12]`, naming the first by measure and candidate.
pub(super) fn check(columns: &Columns<'_>, n: usize, fills: Option<usize>) -> Result<()> {
    let good = |y: f32| (0.0..=AMOUNT_LIMIT).contains(&y);
    for j in 0..columns.count {
        let skip = |y: f32| fills == Some(j) && y.to_bits() == super::UNWRITTEN;
        let bad = match columns.column(j) {
            Some(amounts) if fills != Some(j) => amounts.iter().fold(false, |bad, y| bad | !good(*y)),
            _ => (0..n).any(|i| !good(columns.get(i, j)) && !skip(columns.get(i, j))),
        };
        if !bad {
            continue;
        }
        for i in 0..n {
            let y = columns.get(i, j);
            if !good(y) && !skip(y) {
                let code = if y.is_finite() { codes::RANGE } else { codes::NOT_FINITE };
                let argument = format!("measures[{j}]");
                return Err(Error::new(code, argument, Some(i as u64), format!("{y:e} is not in [0, {AMOUNT_LIMIT:e}]")));
            }
        }
    }
    Ok(())
}
