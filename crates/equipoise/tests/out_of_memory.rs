//! Memory that cannot be had: loading a policy, installing it and growing a workspace end in `resource_exhausted.memory`, and what was there
//! before goes on serving.
//!
//! Each allocation of a size that comes from outside (here: of 32 KiB and more, for a policy of thousands of campaigns and a request of thousands of
//! candidates) fails in turn, and all after it, in a process of its own, since an allocation that may not fail ends the process. Of a request, which
//! is what happens all the time, each allocation of any size fails in turn, by itself: the refusal needs some memory. Small ones of loading are not
//! failed: names, messages and parsers ask for them in ways that have no answer but to end.

mod lineup;

use equipoise::model::{GoalKind, Ledger, Scope};
use equipoise::policy::{Draft, Policy};
use equipoise::score::{Install, Measures, Request, Scorer, Workspace};
use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sizes from here on come from outside.
const LARGE: usize = 32 << 10;
const CAMPAIGNS: usize = 20_000;
const CANDIDATES: usize = 50_000;

/// Allocations that still succeed, of those that count; one less than none, and nothing ever fails.
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The least size that counts.
static LEAST: AtomicUsize = AtomicUsize::new(LARGE);

struct Failing;

fn fails(size: usize) -> bool {
    if size < LEAST.load(Ordering::Relaxed) || LEFT.load(Ordering::Relaxed) == usize::MAX {
        return false;
    }
    let failed = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
    if failed && LEAST.load(Ordering::Relaxed) < LARGE {
        LEFT.store(usize::MAX, Ordering::Relaxed);
    }
    failed
}

// SAFETY: every call that does not fail, as any allocation may, goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        if fails(layout.size()) { null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        if fails(layout.size()) { null_mut() } else { unsafe { System.alloc_zeroed(layout) } }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        if fails(size) { null_mut() } else { unsafe { System.realloc(pointer, layout, size) } }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Runs `work` with the n-th allocation of at least `least` bytes failing, and all after it where those are large ones.
fn with_failing<T>(least: usize, n: usize, work: impl FnOnce() -> T) -> T {
    LEAST.store(least, Ordering::Relaxed);
    LEFT.store(n, Ordering::Relaxed);
    let outcome = work();
    LEFT.store(usize::MAX, Ordering::Relaxed);
    outcome
}

fn large_policy() -> Policy {
    let list = (0..CAMPAIGNS)
        .map(|i| lineup::campaign(&format!("campaign-{i:05}"), [format!("artist-{:04}", i % 5_000).as_str(), "label", ""]))
        .collect();
    let cap =
        |c: usize| Ledger { goal: 0, kind: GoalKind::Cap, measure: 0, scope: Scope::Campaign, key: c as u32, inside: 1.0, outside: 0.0 };
    let ledgers = (0..CAMPAIGNS).map(|c| (cap(c), 0.25)).collect();
    Policy::new(&Draft { goals: vec!["cap".into()], ledgers, tie_breadth: 1e-6, ..lineup::draft(list, 1.0) }).expect("a good draft")
}

/// What the process of its own does: prints `done`, or the code of the refusal.
fn attempt(operation: &str, n: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.safetensors");
    let small = lineup::policy(&["a"], 2.0);
    let scorer = Scorer::new(&small);
    let mut workspace = Workspace::default();
    let serves = |workspace: &mut Workspace| {
        let live = scorer.policy();
        let rows = [live.row("a")];
        let request = Request::new(&rows, Measures::Columns { values: &[], stride: 1 });
        assert_eq!(scorer.score(&live, &request, workspace).expect("a good request").scores(), [2.0], "as before");
        assert_eq!(live.id(), small.id());
    };
    serves(&mut workspace);
    let least = if operation == "score anything" { 1 } else { LARGE };
    let large = large_policy();
    large.save(&path).expect("saved");
    let outcome = match operation {
        "load" => with_failing(least, n, || Policy::load(&path).map(drop)),
        "bytes" => with_failing(least, n, || Policy::from_bytes(large.to_bytes()).map(drop)),
        "install" => with_failing(least, n, || scorer.install_file(&path, Install::checked()).map(drop)),
        "score" | "score anything" => {
            let count = if least == LARGE { CANDIDATES } else { CANDIDATES / 10 };
            let rows: Vec<u32> = (0..count).map(|i| large.row(&format!("campaign-{:05}", i % CAMPAIGNS))).collect();
            let organic = vec![0.5; count];
            let request = Request { organic: Some(&organic), ..Request::new(&rows, Measures::Columns { values: &[], stride: count }) };
            with_failing(least, n, || large.score(&request, &mut workspace).map(|_| ()))
        }
        other => panic!("no operation {other}"),
    };
    match outcome {
        Ok(()) => println!("outcome: done"),
        Err(error) => {
            serves(&mut workspace);
            println!("outcome: {}", error.code());
        }
    }
}

#[test]
fn every_allocation_from_outside_may_fail() {
    if let Ok(which) = std::env::var("EQUIPOISE_FAIL") {
        let (operation, n) = which.rsplit_once(' ').expect("an operation and a number");
        attempt(operation, n.parse().expect("a number"));
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let (mut executed, mut ended) = (0, Vec::new());
    for operation in ["load", "bytes", "install", "score", "score anything"] {
        for n in 0.. {
            assert!(n < 1_000, "{operation} allocates without end");
            let child = Command::new(&program)
                .args(["--exact", "every_allocation_from_outside_may_fail", "--nocapture", "--test-threads=1"])
                .env("EQUIPOISE_FAIL", format!("{operation} {n}"))
                .output()
                .expect("a process");
            executed += 1;
            let output = String::from_utf8_lossy(&child.stdout).into_owned();
            if child.status.success() && output.contains("outcome: done") {
                assert!(n > 0, "{operation} allocates nothing that counts: nothing was tested");
                break;
            }
            if !(child.status.success() && output.contains("outcome: resource_exhausted.memory")) {
                let why = String::from_utf8_lossy(&child.stderr).into_owned();
                ended.push(format!("{operation} {n}: {} {output} {why}", child.status));
            }
        }
    }
    println!("executed {executed} failures of allocations");
    assert!(ended.is_empty(), "{} of {executed} ended otherwise:\n{}", ended.len(), ended.join("\n"));
}
