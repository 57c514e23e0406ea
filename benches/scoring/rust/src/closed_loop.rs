//! All cores at once, each scoring one request after the other through one scorer: how far the tail is from the median.

use crate::instance::{Columns, Reference, draft};
use crate::tail::{PERCENTILES, compare, memory, percentiles, singles};
use crate::{in_turn, name, turns as turns_of};
use equipoise::policy::Policy;
use equipoise::score::{Scorer, Workspace};
use std::hint::black_box;
use std::num::NonZero;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

const SPAN: Duration = Duration::from_millis(500);

/// Percentiles of all threads' requests together, `rounds` times.
pub(crate) fn rows(rounds: usize) -> equipoise::Result<()> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let scorer = Scorer::new(&Policy::new(&draft(10_000)?)?);
    for n in [50, 500, 2_000] {
        let found: Vec<[f64; 3]> = (0..rounds).map(|_| percentiles(&mut all_at_once(&scorer, n, threads))).collect();
        let column = |at: usize| found.iter().map(|f| f[at]).collect();
        let path = name(equipoise_kernel::path());
        for (at, (percentile, _)) in PERCENTILES.iter().enumerate().skip(1) {
            let case = format!("n={n} campaigns=10k path={path} reference=given closed-loop threads={threads} {percentile}");
            compare(&case, "rust p50", column(at), column(0));
        }
    }
    Ok(())
}

fn all_at_once(scorer: &Scorer, n: usize, threads: usize) -> Vec<u32> {
    let barrier = Barrier::new(threads);
    let work = |thread: usize| {
        let mut reader = scorer.reader();
        let count = turns_of("10k", n);
        let turns = Columns::in_turn(thread * count, count, n, 10_000, reader.policy(), Reference::Given);
        let (mut workspace, mut took) = (Workspace::with_capacity(n), memory());
        let mut request = in_turn(count, |t| {
            let request = turns[t].request(false);
            black_box(scorer.score(reader.policy(), black_box(&request), &mut workspace).map_or(0, |d| d.picks().len()));
        });
        // Memory and branches are warm before anybody measures.
        (0..10 * count).for_each(|_| request());
        barrier.wait();
        singles(SPAN, &mut took, request);
        took
    };
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no request panics")).collect()
    })
}
