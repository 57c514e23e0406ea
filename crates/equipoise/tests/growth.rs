//! Scores and swaps, many of each: the memory held does not grow.

mod heap;
mod lineup;
mod soak;

use equipoise::policy::Policy;
use equipoise::score::{Install, Measures, Request, Scorer, Workspace};

const SCORES: usize = 1_000_000;
const SWAPS: usize = 1_000;
/// How many times as many of each a soak does, beside its own factor: with that of 100 it is 10^9 scores.
const LONGER: usize = 10;
const MOST: usize = 1 << 20;

#[test]
fn nothing_piles_up() {
    let ids: Vec<String> = (0..50).map(|i| format!("c{i:02}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let files: Vec<Vec<u8>> = (0..2).map(|v| lineup::policy(&names, 1.0 + f64::from(v)).to_bytes().to_vec()).collect();
    let longer = if soak::times(1) > 1 { LONGER } else { 1 };
    let (scores, swaps, mut executed) = (soak::times(SCORES) * longer, SWAPS * longer, 0);
    let scorer = Scorer::empty();
    let mut reader = scorer.reader();
    let mut workspace = Workspace::with_capacity(ids.len());
    let mut start = 0;
    for swap in 0..swaps {
        let next = Policy::from_bytes(&files[swap % 2]).expect("a good file");
        scorer.install(&next, Install::forced()).expect("forced");
        drop(next);
        let live = reader.policy();
        let rows = live.rows(&ids);
        let request = Request::new(&rows[..=swap % ids.len()], Measures::Columns { values: &[], stride: ids.len() });
        for _ in 0..scores / swaps {
            let decision = scorer.score(live, &request, &mut workspace).expect("a good request");
            assert_eq!(decision.policy_id(), live.id());
            executed += 1;
        }
        if swap == swaps / 100 + 10 {
            start = heap::held();
        }
    }
    let grown = heap::held().saturating_sub(start);
    println!("executed {executed} scores and {swaps} swaps: {grown} bytes more are held than after the first");
    assert!(executed >= scores && grown < MOST, "{grown} bytes");
}
