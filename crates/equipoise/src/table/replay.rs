//! What a policy does with a log, as tables.

use super::columns::{Column, batch, choice};
use crate::evaluate::Replay;
use crate::model::Reason;
use crate::policy::Policy;
use arrow_array::{BooleanArray, Float32Array, RecordBatch, UInt8Array};
use std::sync::Arc;

/// `policy.replay(log)`: `promotion_score` (f32), `picked` (bool), `position` (u8, null where not picked), `reason` (dictionary of text);
/// aligned with the rows of the log.
#[must_use]
pub fn replay_table(replay: &Replay) -> RecordBatch {
    batch(columns(replay))
}

/// `scorer.score(table)`: as [`replay_table`], then `policy_id` (dictionary of text, one value).
#[must_use]
pub fn scores_table(replay: &Replay, policy: &Policy) -> RecordBatch {
    let mut columns = columns(replay);
    columns.push(choice("policy_id", &[&policy.id_hex()], replay.scores.iter().map(|_| 0)));
    batch(columns)
}

fn columns(replay: &Replay) -> Vec<Column<'static>> {
    let reasons = Reason::ALL.map(Reason::name);
    // Where a reason stands among all, by its number.
    let mut codes = [0_i8; 256];
    for (code, reason) in (0_i8..).zip(Reason::ALL) {
        codes[reason as usize] = code;
    }
    vec![
        ("promotion_score", false, Arc::new(Float32Array::from_iter_values(replay.scores.iter().copied()))),
        ("picked", false, Arc::new(BooleanArray::from(replay.picked.clone()))),
        ("position", true, Arc::new(replay.positions.iter().map(|place| (*place > 0).then_some(*place)).collect::<UInt8Array>())),
        choice("reason", &reasons, replay.reasons.iter().map(|reason| codes[*reason as usize])),
    ]
}
