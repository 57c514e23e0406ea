//! Counters: what one call tells is what was scored, on whatever threads.

mod lineup;

use equipoise::model::Scope;
use equipoise::observe::{Kind, series};
use equipoise::policy::{ORGANIC, UNKNOWN};
use equipoise::score::{Install, Measures, Request, Scorer, Workspace};
use lineup::{Hands, policy};
use std::thread;

#[test]
fn what_was_scored_is_counted_over_threads_and_workspaces() {
    let scorer = Scorer::new(&policy(&["a", "b"], 1.0));
    let (threads, requests) = (4, 500_u64);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let live = scorer.policy();
                let rows = [live.row("a"), UNKNOWN, live.row("b"), ORGANIC, UNKNOWN];
                let bad = [live.row("a"), live.row("a") ^ 1 << 24];
                let mut workspace = Workspace::default();
                for i in 0..requests {
                    if i == requests / 2 {
                        workspace = Workspace::default();
                    }
                    let mut request = Request::new(&rows, Measures::Columns { values: &[], stride: 5 });
                    request.market = (i % 2) as u32 * 7;
                    request.surface = 0;
                    request.slots = Some(1);
                    scorer.score(&live, &request, &mut workspace).expect("a good request");
                    let wrong = Request::new(&bad, Measures::Columns { values: &[], stride: 2 });
                    scorer.score(&live, &wrong, &mut workspace).map(|_| ()).expect_err("a row of another policy");
                }
            });
        }
    });
    let metrics = scorer.metrics();
    let get = |name: &str, label: &str| metrics.get(&format!("equipoise.score.{name}"), label).expect("a number of this name") as u64;
    let good = threads * requests;
    assert_eq!(get("requests", ""), 2 * good);
    assert_eq!(get("candidates", ""), 5 * good);
    assert_eq!(get("picks", ""), good);
    assert_eq!(get("unknown", "campaign"), 2 * good);
    assert_eq!(get("unknown", "segment"), good / 2);
    assert_eq!(get("errors", "invalid_input.foreign_row"), good);
    assert_eq!(get("errors", "invalid_input.row"), 0);
    assert_eq!(get("degraded", "no_policy"), 0);
    println!("executed {} requests", 2 * good);
}

#[test]
fn durations_are_sampled_as_asked() {
    let scorer = Scorer::new(&policy(&["a"], 1.0));
    let live = scorer.policy();
    let rows = live.rows(&["a"]);
    let request = Request::new(&rows, Measures::Columns { values: &[], stride: 1 });
    let mut workspace = Workspace::default();
    let mut timed = |every: u32| {
        let count = |metrics: equipoise::observe::Metrics| {
            let buckets: Vec<_> = metrics.iter().filter(|(s, _)| s.kind == Kind::Bucket).map(|(_, v)| v).collect();
            assert!(buckets.is_sorted(), "buckets are cumulative: {buckets:?}");
            let sum = metrics.iter().find(|(s, _)| s.kind == Kind::Sum).map_or(0.0, |(_, v)| v);
            (buckets[buckets.len() - 1], sum)
        };
        scorer.time_every(every);
        let before = count(scorer.metrics());
        for _ in 0..1024 {
            scorer.score(&live, &request, &mut workspace).expect("a good request");
        }
        let after = count(scorer.metrics());
        assert_eq!(after.0 > before.0, after.1 > before.1);
        after.0 - before.0
    };
    assert_eq!((timed(1), timed(2), timed(60), timed(64), timed(0)), (1024.0, 512.0, 16.0, 16.0, 0.0));
}

#[test]
fn age_memory_and_degraded_requests() {
    let hands = Hands::default();
    hands.set(5_000_000);
    let scorer = hands.scorer(&equipoise::Policy::empty());
    lineup::reasons(&scorer, &["a"], |_, _| {});
    let first = policy(&["a"], 1.0);
    scorer.install(&first, Install::checked()).expect("a good policy");
    hands.set(7_500_000);
    scorer.switch(Scope::All, "", false).expect("a good switch");
    lineup::reasons(&scorer, &["a"], |_, _| {});
    let metrics = scorer.metrics();
    assert_eq!(metrics.get("equipoise.policy.age", ""), Some(2.5));
    assert_eq!(metrics.get("equipoise.score.degraded", "no_policy"), Some(1.0));
    assert_eq!(metrics.get("equipoise.score.degraded", "switched_off"), Some(1.0));
    let held = metrics.get("equipoise.native.memory", "policies").expect("a number") as usize;
    assert!((first.to_bytes().len()..first.to_bytes().len() + 4096).contains(&held), "{held} bytes");
    assert_eq!(metrics.get("equipoise.native.memory", "workspaces"), Some(0.0), "they are gone");
    hands.set(0);
    assert_eq!(scorer.metrics().get("equipoise.policy.age", ""), Some(0.0), "never negative");

    let live = scorer.policy();
    let rows = live.rows(&["a"]);
    let mut workspace = Workspace::with_capacity(1000);
    scorer.score(&live, &Request::new(&rows, Measures::Columns { values: &[], stride: 1 }), &mut workspace).expect("a good request");
    assert!(scorer.metrics().get("equipoise.native.memory", "workspaces") > Some(10_000.0));
}

#[test]
fn every_number_has_a_name() {
    let metrics = Scorer::empty().metrics();
    assert_eq!(metrics.values().len(), series().len());
    for name in [
        "score.requests",
        "score.duration",
        "score.errors",
        "score.degraded",
        "policy.age",
        "policy.installs",
        "native.memory",
        "native.panics",
    ] {
        assert!(series().iter().any(|s| s.name == format!("equipoise.{name}")), "{name}");
    }
}
