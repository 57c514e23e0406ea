//! Threads score while policies with permuted rows are installed: each answer is that of exactly one policy, and what is retired is freed, but by
//! no scoring thread.

mod heap;
mod lineup;

use equipoise::model::{Campaign, GoalKind, Ledger, Scope};
use equipoise::policy::{Draft, Policy};
use equipoise::score::{Install, Measures, Request, Scorer, Workspace};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const CAMPAIGNS: usize = 40;
const VERSIONS: usize = 8;
const READERS: usize = 3;
const INSTALLS: usize = 2_000;

/// Version `v`: every campaign has a rank of its own in it, and is worth `1 + number / 64 + v`.
fn version(v: usize) -> Policy {
    // Ids that sort differently in each version: a prefix that permutes, cut off again when asked for.
    let list: Vec<Campaign> = (0..CAMPAIGNS).map(|i| lineup::campaign(&id(v, i), [""; 3])).collect();
    let mut ids: Vec<String> = (0..CAMPAIGNS).map(|i| id(v, i)).collect();
    ids.sort();
    let ledger = |i: usize| {
        let key = ids.iter().position(|x| *x == id(v, i)).expect("it is there") as u32;
        let ledger = Ledger { goal: 0, kind: GoalKind::Share, measure: 0, scope: Scope::Campaign, key, inside: 1.0, outside: 0.0 };
        (ledger, -(i as f64) / 64.0)
    };
    let draft = lineup::draft(list, 1.0 + v as f64);
    Policy::new(&Draft { goals: vec!["g".into()], ledgers: (0..CAMPAIGNS).map(ledger).collect(), ..draft }).expect("a good draft")
}

fn id(v: usize, i: usize) -> String {
    format!("{:03}-{i}", (i * 7 + v * 11) % CAMPAIGNS)
}

fn wanted(v: usize, i: usize) -> u32 {
    ((1.0 + v as f64 + i as f64 / 64.0) as f32).to_bits()
}

#[test]
fn each_answer_is_of_exactly_one_policy() {
    let versions: Vec<Policy> = (0..VERSIONS).map(version).collect();
    let ids: Vec<Vec<String>> = (0..VERSIONS).map(|v| (0..CAMPAIGNS).map(|i| id(v, i)).collect()).collect();
    let files: Vec<Vec<u8>> = versions.iter().map(|p| p.to_bytes().to_vec()).collect();
    let of: Vec<[u8; 16]> = versions.iter().map(Policy::id).collect();
    let scorer = Scorer::new(&versions[0]);
    drop(versions);
    let (stop, quiet) = (AtomicBool::new(false), AtomicBool::new(false));
    let (scored, seen, still) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let reader = || {
            scope.spawn(|| {
                let (mut reader, mut workspace) = (scorer.reader(), Workspace::with_capacity(CAMPAIGNS));
                let mut last = None;
                while !stop.load(Ordering::Relaxed) {
                    let policy = reader.policy().clone();
                    let v = of.iter().position(|x| *x == policy.id()).expect("one that was installed");
                    let rows = policy.rows(&ids[v]);
                    let request = Request::new(&rows, Measures::Columns { values: &[], stride: CAMPAIGNS });
                    // While something is off, a policy that is kept no longer may cost memory; never otherwise.
                    let must_be_still = quiet.load(Ordering::Acquire) && last.is_some();
                    let (decision, calls) = heap::by_this_thread(|| scorer.score(&policy, &request, &mut workspace));
                    let decision = decision.expect("a good request");
                    assert!(!must_be_still || calls == 0, "{calls} calls of the allocator in a score");
                    still.fetch_add(u64::from(must_be_still), Ordering::Relaxed);
                    assert_eq!(decision.policy_id(), policy.id());
                    for (i, score) in decision.scores().iter().enumerate() {
                        let reason = decision.reasons()[i].name();
                        let wanted = if reason == "switched_off" { 0 } else { wanted(v, i) };
                        assert_eq!(score.to_bits(), wanted, "campaign {i} of version {v}: {reason}");
                        // Campaign 3 of version 3 alone is ever switched off.
                        assert!(reason == "picked" || reason == "switched_off" && ids[v][i] == id(3, 3), "{reason}");
                    }
                    scored.fetch_add(1, Ordering::Relaxed);
                    if last.replace(v) != Some(v) {
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        };
        let readers: Vec<_> = (0..READERS).map(|_| reader()).collect();
        for k in 0..INSTALLS {
            // A policy of its own each time: what was retired is truly freed.
            let next = Policy::from_bytes(&files[(k * 5 + k / 7) % VERSIONS]).expect("a good file");
            scorer.install(&next, Install::forced()).expect("forced");
            if k < INSTALLS / 2 && k % 3 == 0 {
                scorer.switch(Scope::Campaign, &id(3, 3), k % 2 == 0).expect("a good switch");
            }
            if k == INSTALLS / 2 {
                scorer.switch(Scope::Campaign, &id(3, 3), true).expect("a good switch");
                quiet.store(true, Ordering::Release);
            }
            if k % 16 == 0 {
                thread::yield_now();
            }
        }
        while still.load(Ordering::Relaxed) < 1_000 && !readers.iter().any(thread::ScopedJoinHandle::is_finished) {
            thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let held = scorer.metrics().get("equipoise.native.memory", "policies").expect("a number");
    let one = files[0].len() as f64 + 8192.0;
    assert!(held <= one * (1 + equipoise::score::KEPT) as f64, "{held} bytes are held after {INSTALLS} installs");
    let still = still.into_inner();
    println!(
        "executed {} requests ({still} of them without a call of the allocator) over {INSTALLS} installs, {} changes of policy seen",
        scored.into_inner(),
        seen.into_inner()
    );
}
