//! The thread that watches a policy file: it installs what changes, can be held for a fork, and is gone when it is dropped.

mod lineup;

use equipoise::policy::Policy;
use equipoise::score::{FileWatch, Install, Scorer, hold_watchers, resume_watchers};
use lineup::policy;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_micros(100);

fn wait_for(scorer: &Scorer, wanted: &Policy) {
    let started = Instant::now();
    while scorer.policy().id() != wanted.id() {
        assert!(started.elapsed() < Duration::from_secs(60), "{scorer:?} is live, wanted {}", wanted.id_hex());
        thread::yield_now();
    }
}

/// How many threads of this process watch, where Linux tells.
fn watchers() -> usize {
    let Ok(tasks) = Path::new("/proc/self/task").read_dir() else { return 0 };
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.flatten().map(name).filter(|name| name.trim() == "equipoise-watch").count()
}

/// One test: whoever holds watchers holds all of the process.
#[test]
fn a_watcher_installs_is_held_and_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.safetensors");
    let versions: Vec<Policy> = (1..=3).map(|i| policy(&["a"], f64::from(i))).collect();
    let scorer = Scorer::empty();
    let watcher = scorer.watch(FileWatch::new(&path, Install::checked()), INTERVAL).expect("a thread");
    assert!(watcher.is_running());

    versions[0].save(&path).expect("saved");
    wait_for(&scorer, &versions[0]);
    assert!(scorer.last_refusal().is_none());

    hold_watchers();
    hold_watchers();
    versions[1].save(&path).expect("saved");
    let held = Instant::now();
    while held.elapsed() < 200 * INTERVAL {
        assert_eq!(scorer.policy().id(), versions[0].id(), "a watcher that is held looks at nothing");
        thread::yield_now();
    }
    resume_watchers();
    assert_eq!(scorer.policy().id(), versions[0].id(), "held twice");
    resume_watchers();
    wait_for(&scorer, &versions[1]);

    drop(watcher);
    assert_eq!(watchers(), 0);
    versions[2].save(&path).expect("saved");
    scorer.tick();
    assert_eq!(scorer.policy().id(), versions[1].id());
    assert!(scorer.metrics().get("equipoise.policy.installs", "installed") == Some(2.0));
}
