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
    columns.push(choice("policy_id", &[&policy.id_hex()], vec![0; rows]));
    batch(columns)
}

fn columns(replay: Replay) -> Vec<Column<'static>> {
    // A reason's number is its place among all.
    let codes = replay.reasons.into_iter().map(|reason| reason as i8).collect();
    let picked = BooleanBuffer::new(bits(&replay.positions).into(), 0, replay.positions.len());
    vec![
        ("promotion_score", false, Arc::new(Float32Array::from(replay.scores))),
        ("picked", false, Arc::new(BooleanArray::new(picked.clone(), None))),
        ("position", true, Arc::new(UInt8Array::new(replay.positions.into(), Some(NullBuffer::new(picked))))),
        choice("reason", &Reason::ALL.map(Reason::name), codes),
    ]
}

/// One bit for each position that is one, the lowest of a byte first. Most are none.
fn bits(positions: &[u8]) -> Vec<u8> {
    let mut bits = vec![0; positions.len().div_ceil(8)];
    let (whole, rest) = positions.as_chunks::<8>();
    let bit = |byte: u8, (i, position): (usize, &u8)| byte | u8::from(*position > 0) << i;
    for (byte, eight) in bits.iter_mut().zip(whole).filter(|(_, eight)| u64::from_le_bytes(**eight) != 0) {
        *byte = eight.iter().enumerate().fold(0, bit);
    }
    if let Some(last) = bits.last_mut().filter(|_| !rest.is_empty()) {
        *last = rest.iter().enumerate().fold(0, bit);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn a_bit_for_each_position_at_every_length() {
        for n in 0..40_usize {
            let positions: Vec<u8> = (0..n).map(|i| if i % 3 == 1 || i > 30 { i as u8 } else { 0 }).collect();
            let bits = bits(&positions);
            assert_eq!(bits.len(), n.div_ceil(8));
            for (i, byte) in bits.iter().enumerate() {
                let wanted = (0..8).filter(|bit| positions.get(i * 8 + bit).is_some_and(|p| *p > 0)).map(|bit| 1 << bit).sum::<u8>();
                assert_eq!(*byte, wanted);
            }
        }
    }
}
