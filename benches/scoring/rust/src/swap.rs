//! Single requests while another thread installs another policy every millisecond, beside the same without.

use crate::instance::{Columns, Reference, draft};
use crate::tail::{PERCENTILES, compare, memory, percentiles, singles};
use crate::{in_turn, name, turns as turns_of};
use equipoise::policy::Policy;
use equipoise::score::{Install, Request, Scorer, Workspace};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(1);
const SPAN: Duration = Duration::from_millis(300);

/// Two policies of equal prices, each in memory of its own.
fn policies(count: u32) -> equipoise::Result<[Policy; 2]> {
    let first = Policy::new(&draft(count)?)?;
    let second = Policy::from_bytes(first.with_valid_until(i64::MAX / 2)?.to_bytes())?;
    Ok([first, second])
}

/// The percentiles of `rounds` spans with swaps and as many without, in turn.
pub(crate) fn rows(rounds: usize) -> equipoise::Result<()> {
    let policies = policies(10_000)?;
    for n in [50, 500, 2_000] {
        let count = turns_of("10k", n);
        let turns = Columns::in_turn(0, count, n, 10_000, &policies[0], Reference::Given);
        // Each policy has rows of its own; all else is the same.
        let other: Vec<Vec<u32>> = (0..count).map(|t| Columns::new(t as u64, n, 10_000, &policies[1], Reference::Given).rows).collect();
        let scorer = Scorer::new(&policies[0]);
        let (mut reader, mut workspace, mut took) = (scorer.reader(), Workspace::with_capacity(n), memory());
        let mut request = in_turn(count, |t| {
            let policy = reader.policy();
            let own = policy.id() == policies[0].id();
            let request = Request { campaign: if own { &turns[t].rows } else { &other[t] }, ..turns[t].request(false) };
            black_box(scorer.score(policy, black_box(&request), &mut workspace).map_or(0, |d| d.picks().len()));
        });
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            took.clear();
            let swaps = while_swapping(&scorer, &policies, || singles(SPAN, &mut took, &mut request));
            assert!(swaps > 10, "{swaps} swaps: the other thread did not run");
            with.push(percentiles(&mut took));
            took.clear();
            singles(SPAN, &mut took, &mut request);
            without.push(percentiles(&mut took));
        }
        for (at, (percentile, _)) in PERCENTILES.iter().enumerate() {
            let case = format!("n={n} campaigns=10k path={} reference=given swap=1ms {percentile}", name(equipoise_kernel::path()));
            let column = |rounds: &[[f64; 3]]| rounds.iter().map(|r| r[at]).collect();
            compare(&case, "rust without swap", column(&with), column(&without));
        }
    }
    Ok(())
}

/// Does `work` while another thread installs the policies in turn; gives the number of installs.
fn while_swapping(scorer: &Scorer, policies: &[Policy; 2], work: impl FnOnce()) -> u32 {
    let (stop, swaps) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for next in policies.iter().rev().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if scorer.install(next, Install::forced()).is_ok_and(|installed| installed.is_change()) {
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(EVERY);
            }
        });
        work();
        stop.store(true, Ordering::Relaxed);
    });
    swaps.into_inner()
}
