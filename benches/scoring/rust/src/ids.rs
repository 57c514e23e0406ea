//! Ids to rows, in batches of a request's size: the policy's table beside a `HashMap` from each id to its row.

use crate::instance::draft;
use crate::timing::{print, race};
use crate::{in_turn, turns};
use equipoise::model::mix;
use equipoise::policy::Policy;
use std::collections::HashMap;
use std::hint::black_box;

/// Ids of a batch: the promoted candidates of a request of 500.
const BATCH: usize = 250;

pub(crate) fn ids(size: &str) -> equipoise::Result<()> {
    let count: u32 = if size == "1M" { 1_000_000 } else { 10_000 };
    let policy = Policy::new(&draft(count)?)?;
    let map: HashMap<&str, u32> = policy.campaigns().map(|c| (c.id, policy.row(c.id))).collect();
    let batches: Vec<Vec<String>> = (0..turns(size, BATCH))
        .map(|turn| (0..BATCH).map(|i| format!("campaign-{:07}", mix((turn * BATCH + i) as u64) % u64::from(count))).collect())
        .collect();
    for batch in &batches {
        let rows: Vec<u32> = batch.iter().map(|id| map[id.as_str()]).collect();
        assert!(policy.rows(batch) == rows && batch.iter().map(|id| policy.row(id)).eq(rows), "both find the same rows");
    }
    let mut ours = in_turn(batches.len(), |t| drop(black_box(policy.rows(black_box(&batches[t])))));
    let mut single = in_turn(batches.len(), |t| drop(black_box(batches[t].iter().map(|id| policy.row(id)).collect::<Vec<_>>())));
    let mut theirs = in_turn(batches.len(), |t| drop(black_box(batches[t].iter().map(|id| map[id.as_str()]).collect::<Vec<_>>())));
    let mut race = race(&mut [&mut ours, &mut theirs, &mut single]);
    for time in &mut race.times {
        *time /= BATCH as f64;
    }
    print(&format!("ids campaigns={size} batch={BATCH}"), "hashmap", &race, [0, 1], "ns");
    print(&format!("ids campaigns={size} batch=1"), "hashmap", &race, [2, 1], "ns");
    Ok(())
}
