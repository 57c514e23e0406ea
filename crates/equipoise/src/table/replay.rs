//! What a policy does with a log, as tables.

use super::columns::{Column, batch, choice};
use crate::evaluate::Replay;
use crate::model::Reason;
use crate::policy::Policy;
use arrow_array::{BooleanArray, Float32Array, RecordBatch, UInt8Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::sync::Arc;

/// `policy.replay(log)`: `promotion_score` (f32), `picked` (bool), `position` (u8, null where not picked), `reason` (dictionary of text);
/// aligned with the rows of the log.
#[must_use]
pub fn replay_table(replay: Replay) -> RecordBatch {
    batch(columns(replay))
}

/// `scorer.score(table)`: as [`replay_table`], then `policy_id` (dictionary of text, one value).
#[must_use]
pub fn scores_table(replay: Replay, policy: &Policy) -> RecordBatch {
    let rows = replay.scores.len();
    let mut columns = columns(replay);
    columns.push(choice("policy_id", &[&policy.id_hex()], std::iter::repeat_n(0, rows)));
    batch(columns)
}

fn columns(replay: Replay) -> Vec<Column<'static>> {
    let reasons = Reason::ALL.map(Reason::name);
    // Where a reason stands among all, by its number.
    let mut codes = [0_i8; 256];
    for (code, reason) in (0_i8..).zip(Reason::ALL) {
        codes[reason as usize] = code;
    }
    let reason = choice("reason", &reasons, replay.reasons.iter().map(|reason| codes[*reason as usize]));
    let picked = BooleanBuffer::collect_bool(replay.picked.len(), |row| replay.picked[row]);
    vec![
        ("promotion_score", false, Arc::new(Float32Array::from(replay.scores))),
        ("picked", false, Arc::new(BooleanArray::new(picked.clone(), None))),
        ("position", true, Arc::new(UInt8Array::new(replay.positions.into(), Some(NullBuffer::new(picked))))),
        reason,
    ]
}
