//! What the facade's recorder is told is what the scorer has counted.

use equipoise::observe::series;
use equipoise::policy::UNKNOWN;
use equipoise::score::{Measures, Request, Scorer, Workspace};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Numbers by name and labels, and what was described.
#[derive(Default)]
struct Recorded {
    numbers: Mutex<HashMap<String, Arc<AtomicU64>>>,
    described: Mutex<Vec<(String, Option<Unit>)>>,
}

impl Recorded {
    fn cell(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<String> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.numbers.lock().expect("not poisoned").entry(name).or_default())
    }

    fn get(&self, name: &str) -> Option<u64> {
        self.numbers.lock().expect("not poisoned").get(name).map(|n| n.load(Ordering::Relaxed))
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>) {
        self.described.lock().expect("not poisoned").push((name.as_str().to_owned(), unit));
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("a histogram takes single observations");
    }
}

#[test]
fn every_number_is_published_with_its_labels() {
    let scorer = Scorer::empty();
    scorer.time_every(1);
    let (policy, mut workspace) = (scorer.policy(), Workspace::default());
    let request = Request::new(&[UNKNOWN, UNKNOWN], Measures::Columns { values: &[], stride: 2 });
    for _ in 0..3 {
        scorer.score(&policy, &request, &mut workspace).expect("a good request");
    }
    let recorded = Recorded::default();
    metrics::with_local_recorder(&recorded, || {
        equipoise_metrics::describe();
        equipoise_metrics::publish(&scorer, &[("service", "mixes")]);
    });
    assert_eq!(recorded.numbers.lock().expect("not poisoned").len(), series().len());
    for (name, wanted) in [
        ("equipoise.score.requests{service=mixes}", 3),
        ("equipoise.score.unknown{service=mixes,what=campaign}", 6),
        ("equipoise.score.degraded{service=mixes,reason=no_policy}", 3),
        ("equipoise.score.duration.bucket{service=mixes,le=+Inf}", 3),
        ("equipoise.switches.off{service=mixes}", 0.0_f64.to_bits()),
    ] {
        assert_eq!(recorded.get(name), Some(wanted), "{name}");
    }
    assert!(recorded.get("equipoise.score.duration.sum{service=mixes}").map(f64::from_bits) > Some(0.0));
    let described = recorded.described.into_inner().expect("not poisoned");
    assert!(described.contains(&("equipoise.policy.age".to_owned(), Some(Unit::Seconds))));
    assert!(described.contains(&("equipoise.score.duration.bucket".to_owned(), Some(Unit::Count))));

    // Published again after more requests, a counter goes on.
    scorer.score(&policy, &request, &mut workspace).expect("a good request");
    let again = Recorded::default();
    metrics::with_local_recorder(&again, || equipoise_metrics::publish(&scorer, &[]));
    assert_eq!(again.get("equipoise.score.requests{}"), Some(4));
}
