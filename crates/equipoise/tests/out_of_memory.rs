//! Memory that cannot be had: whatever a service asks for ends well or in `resource_exhausted.memory`, and what was there before goes on serving.
//!
//! For each operation the n-th allocation of any size fails, and all after it, for every n. Below what a reserve serves nothing is left then, as in a
//! service whose memory is used up; each operation runs in a process of its own, since an allocation that nobody can answer for ends the process.

mod lineup;

use equipoise::Result;
use equipoise::evaluate::{Batch, Outcome};
use equipoise::memory::Reserve;
use equipoise::model::{GoalKind, Ledger, Scope};
use equipoise::policy::{Draft, Lineage, Policy};
use equipoise::score::{
    Action, Breaker, Breakers, DecisionRecord, Install, Measures, Recording, Request, Reset, Scorer, Switches, Workspace,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::PathBuf;
use std::process::Command;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Their columns take more than the reserve serves at once, and the file of them is worth a second thread.
const CAMPAIGNS: usize = 15_000;
const CANDIDATES: usize = 12_000;
/// Of these there are records, which take an allocation or two for each.
const RECORDED: usize = 300;

/// Allocations that still succeed; one less than none, and nothing ever fails.
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Allocations that failed.
static FAILED: AtomicUsize = AtomicUsize::new(0);

struct Failing;

fn fails() -> bool {
    let failed = LEFT.load(Ordering::Relaxed) != usize::MAX
        && LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
    FAILED.fetch_add(usize::from(failed), Ordering::Relaxed);
    failed
}

// SAFETY: every call that does not fail, as any allocation may, goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        if fails() { null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        if fails() { null_mut() } else { unsafe { System.alloc_zeroed(layout) } }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        if fails() { null_mut() } else { unsafe { System.realloc(pointer, layout, size) } }
    }
}

#[global_allocator]
static ALLOCATOR: Reserve<Failing> = Reserve::over(Failing);

/// Runs `work` with all allocations failing but the first `n`; says whether any did.
fn with_failing<T>(n: usize, work: impl FnOnce() -> T) -> (T, bool) {
    FAILED.store(0, Ordering::Relaxed);
    LEFT.store(n, Ordering::Relaxed);
    let outcome = work();
    LEFT.store(usize::MAX, Ordering::Relaxed);
    (outcome, FAILED.load(Ordering::Relaxed) > 0)
}

fn id(i: usize) -> String {
    format!("campaign-{i:05}")
}

fn large_draft() -> Draft {
    let list = (0..CAMPAIGNS).map(|i| lineup::campaign(&id(i), [format!("artist-{:04}", i % 5_000).as_str(), "label", ""])).collect();
    let cap =
        |c: usize| Ledger { goal: 0, kind: GoalKind::Cap, measure: 0, scope: Scope::Campaign, key: c as u32, inside: 1.0, outside: 0.0 };
    let mut draft = Draft {
        goals: vec!["cap".into()],
        ledgers: (0..CAMPAIGNS).map(|c| (cap(c), 0.25)).collect(),
        tie_breadth: 1e-6,
        ..lineup::draft(list, 1.0)
    };
    // Escaped, so that reading it needs a buffer as large as it is.
    draft.metadata.insert("note".to_owned(), "\"\n".repeat(50_000));
    draft.slate.max_positions_up = Some(200);
    draft
}

/// Everything that the operations work on, made while there is memory.
struct World {
    small: Policy,
    large: Policy,
    draft: Draft,
    path: PathBuf,
    rows: Vec<u32>,
    organic: Vec<f32>,
    ids: Vec<String>,
    record: DecisionRecord,
    json: String,
    breaker: Breaker,
}

impl World {
    fn new(folder: &std::path::Path) -> Self {
        let draft = large_draft();
        let large = Policy::new(&draft).expect("a good draft");
        let path = folder.join("p.safetensors");
        large.save(&path).expect("saved");
        let ids: Vec<String> = (0..CANDIDATES).map(|i| id(i * 7 % CAMPAIGNS)).collect();
        let rows = large.rows(&ids);
        let organic = (0..CANDIDATES).map(|i| (i * 31 % 1000) as f32).collect();
        let breaker = Breaker {
            measure: String::new(),
            threshold: 0.5,
            least_events: 10,
            window: 100,
            action: Action::Stop,
            reset: Reset::After { seconds: 60 },
        };
        let mut world = Self {
            small: lineup::policy(&["a"], 2.0),
            large,
            draft,
            path,
            rows,
            organic,
            ids,
            record: DecisionRecord::default(),
            json: String::new(),
            breaker,
        };
        let mut workspace = Workspace::default();
        let everything = Recording { terms: true, candidates: true };
        world.large.score(&world.request(RECORDED), &mut workspace).expect("a good request");
        world.record = world.large.record(&world.request(RECORDED), &workspace, everything).expect("a record");
        world.json = world.record.to_json();
        world
    }

    fn request(&self, candidates: usize) -> Request<'_> {
        let measures = Measures::Columns { values: &[], stride: candidates };
        Request { organic: Some(&self.organic[..candidates]), slots: Some(20), ..Request::new(&self.rows[..candidates], measures) }
    }

    /// One operation with all allocations failing but the first `n`: what came of it, and whether any failed.
    fn attempt(&self, operation: &str, n: usize, scorer: &Scorer) -> (Result<()>, bool) {
        let mut workspace = Workspace::default();
        let request = self.request(if operation == "record" { RECORDED } else { CANDIDATES });
        let everything = Recording { terms: true, candidates: true };
        if ["blend", "record", "explain"].contains(&operation) {
            self.large.score(&request, &mut workspace).expect("a good request");
        }
        match operation {
            "load" => with_failing(n, || Policy::load(&self.path).map(drop)),
            "bytes" => with_failing(n, || Policy::from_bytes(self.large.to_bytes()).map(drop)),
            "draft" => with_failing(n, || Policy::new(&self.draft).map(drop)),
            "valid until" => with_failing(n, || self.large.with_valid_until(7).map(drop)),
            "lineage" => with_failing(n, || self.large.with_lineage(&Lineage { epoch: Some(7), ..Lineage::default() }).map(drop)),
            "install" => with_failing(n, || scorer.install_file(&self.path, Install::checked()).map(drop)),
            "score" => with_failing(n, || self.large.score(&request, &mut workspace).map(drop)),
            "score live" => with_failing(n, || scorer.score(&self.large, &request, &mut workspace).map(drop)),
            "drop invalid" => {
                let mut organic = self.organic.clone();
                organic[3] = f32::NAN;
                let request = Request { organic: Some(&organic), drop_invalid: true, ..request };
                with_failing(n, || self.large.score(&request, &mut workspace).map(drop))
            }
            "blend" => with_failing(n, || self.large.blend(&request, &mut workspace).map(drop)),
            "record" => with_failing(n, || self.large.record(&request, &workspace, everything).map(drop)),
            "explain" => with_failing(n, || {
                (0..50).try_for_each(|i| {
                    self.large.explain(&request, &workspace, i).map(|e| drop(e.terms.first().map(|t| self.large.term_name(t))))
                })
            }),
            "parse" => with_failing(n, || DecisionRecord::from_json(&self.json).map(drop)),
            "replay" => with_failing(n, || self.record.replay(&self.large).map(drop)),
            "rows" => {
                let mut rows = vec![0; self.ids.len()];
                let (outcome, failed) = with_failing(n, || self.large.rows_into(&self.ids, &mut rows));
                assert_eq!(rows, self.rows);
                assert!(!failed, "a look-up allocates nothing");
                (outcome, failed)
            }
            "switch" => {
                scorer.install(&self.large, Install::checked()).expect("installed");
                let (outcome, failed) = with_failing(n, || {
                    scorer.switch(Scope::Campaign, &self.ids[0], false)?;
                    scorer.switch(Scope::Label, "label", false)?;
                    scorer.switch(Scope::Market, "SE", false).map(drop)
                });
                // Whatever happened, what is to be off is off.
                assert!(outcome.is_ok(), "a switch acts: {outcome:?}");
                scorer.score(&self.large, &request, &mut workspace).expect("a good request");
                assert_eq!(workspace.reasons()[0].name(), "switched_off");
                (outcome, failed)
            }
            "set switches" => with_failing(n, || {
                scorer.set_switches(Switches::from_json(r#"{"all": false, "campaign": ["campaign-00000"]}"#)?);
                Ok(())
            }),
            "breaker" => {
                scorer.install(&self.large, Install::checked()).expect("installed");
                with_failing(n, || {
                    scorer.set_breaker(None, Some(self.breaker.clone()))?;
                    scorer.record_response(&self.ids[0], 20, 15, Some(0))?;
                    scorer.set_breakers(Breakers::from_json(&scorer.breakers().to_json())?);
                    drop(scorer.metrics());
                    Ok(())
                })
            }
            "batch" => {
                let starts = [0, CANDIDATES as u64];
                let batch = Batch { organic: Some(&self.organic), ..Batch::new(&starts, &self.rows, request.measures) };
                let (mut scores, mut positions, mut reasons) = (vec![0.0; CANDIDATES], vec![0; CANDIDATES], vec![0; CANDIDATES]);
                let outcome = Outcome { scores: &mut scores, positions: &mut positions, reasons: &mut reasons };
                with_failing(n, || batch.score(&self.large, outcome, &mut || true))
            }
            other => panic!("no operation {other}"),
        }
    }
}

const OPERATIONS: &[&str] = &[
    "load",
    "bytes",
    "draft",
    "valid until",
    "lineage",
    "install",
    "score",
    "score live",
    "drop invalid",
    "blend",
    "record",
    "explain",
    "parse",
    "replay",
    "rows",
    "switch",
    "set switches",
    "breaker",
    "batch",
];

/// What the process of an operation does: fails every allocation in turn, until none is left that fails.
fn fail_each(operation: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(folder.path());
    let serves = |scorer: &Scorer, policy: &Policy| {
        let live = scorer.policy();
        let rows = [live.row("a")];
        let request = Request { organic: Some(&[1.0]), ..Request::new(&rows, Measures::Columns { values: &[], stride: 1 }) };
        let mut workspace = Workspace::default();
        assert_eq!(scorer.score(&live, &request, &mut workspace).expect("a good request").scores().len(), 1);
        assert_eq!(live.id(), policy.id(), "as before");
    };
    let mut refused = 0;
    for n in 0.. {
        println!("{operation}: all but {n}");
        let scorer = Scorer::new(&world.small);
        serves(&scorer, &world.small);
        let (outcome, failed) = world.attempt(operation, n, &scorer);
        match &outcome {
            Ok(()) if operation == "install" => serves(&scorer, &world.large),
            Err(error) => {
                assert_eq!(error.code(), "resource_exhausted.memory", "{error}");
                assert!(failed, "memory was refused that was there: {error}");
                refused += 1;
                if operation == "install" {
                    serves(&scorer, &world.small);
                }
            }
            Ok(()) => {}
        }
        if !failed {
            println!("executed {n} failures, {refused} refused");
            return;
        }
    }
}

#[test]
fn every_allocation_may_fail() {
    if let Ok(operation) = std::env::var("EQUIPOISE_FAIL") {
        fail_each(&operation);
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let mut ended = Vec::new();
    for operation in OPERATIONS {
        let child = Command::new(&program)
            .args(["--exact", "every_allocation_may_fail", "--nocapture", "--test-threads=1"])
            .env("EQUIPOISE_FAIL", operation)
            .output()
            .expect("a process");
        let output = String::from_utf8_lossy(&child.stdout).into_owned();
        let last = output.lines().rev().find(|line| line.starts_with("executed") || line.contains("all but")).unwrap_or("nothing was done");
        println!("{operation}: {last}");
        if !child.status.success() || !last.starts_with("executed") {
            ended.push(format!("{operation}: {}, at {last}: {}", child.status, String::from_utf8_lossy(&child.stderr)));
        }
    }
    assert!(ended.is_empty(), "{} of {} ended otherwise:\n{}", ended.len(), OPERATIONS.len(), ended.join("\n"));
}
