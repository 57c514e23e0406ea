//! Plans one stored instance.

use crate::instance::{self, Instance};
use crate::npy;
use crate::options::Options;
use crate::process::{busy_seconds, resident};
use equipoise::plan::{Plan, Progress, Settings, plan};
use serde_json::{Value, json};
use std::error::Error;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

/// Plans the instance of `folder` and says what it took. `seconds` is from packed columns in memory to the certificate, `whole_seconds` from the
/// caller's log to the plan, conflicts and policy included; `first_certificate` counts passes until the first certified value. With `--watch
/// yes`, `busy_seconds` is the part of `seconds` for which this process ran, waiting for a processor not counted, and
/// `solver_bytes` is what became resident between the call and the passes: what the plan keeps beside the caller's log.
pub(crate) fn run(folder: &Path, options: &Options) -> Result<Value, Box<dyn Error>> {
    let instance = instance::load(folder)?;
    let earlier = options.warm.as_deref().map(|folder| cold(folder, options)).transpose()?;
    let watch = Watch::new(options.watch);
    let observer = |progress: &Progress| watch.see(progress);
    let mut settings = settings(options).observer(&observer);
    if let Some(earlier) = &earlier {
        settings = settings.warm_start(earlier);
    }
    let started = Instant::now();
    let plan = plan(&instance.problem, &instance.log, &instance.campaigns, &settings)?;
    let whole = started.elapsed().as_secs_f64();
    if let Some(path) = &options.x {
        let x: Vec<f64> = plan.decisions().iter().map(|x| x.unwrap_or(0.0)).collect();
        npy::write(path, &x)?;
    }
    let certificate = plan.certificate();
    let first = watch.first.get();
    Ok(json!({
        "status": plan.status().name(),
        "seconds": certificate.seconds,
        "whole_seconds": whole,
        "busy_seconds": watch.busy_until(certificate.seconds),
        "passes": certificate.passes,
        "first_certificate": first,
        "gap": certificate.gap,
        "value": certificate.value,
        "upper_bound": certificate.upper_bound,
        "worst_violation": certificate.worst_violation,
        "conflicts": conflicts(&plan),
        "rows": instance.log.candidates(),
        "prices": digest(&plan),
        "solver_bytes": watch.grown.get(),
    }))
}

/// What is seen while a plan runs.
struct Watch {
    closely: bool,
    resident_before: u64,
    first: OnceLock<f64>,
    grown: OnceLock<u64>,
    /// Seconds of the plan, and for how long this process had run then.
    busy: Mutex<Vec<(f64, f64)>>,
}

impl Watch {
    fn new(closely: bool) -> Self {
        let busy = Mutex::default();
        Self { closely, resident_before: resident(), first: OnceLock::new(), grown: OnceLock::new(), busy }
    }

    fn see(&self, progress: &Progress) {
        if progress.value.is_finite() {
            self.first.get_or_init(|| progress.passes);
        }
        // A look takes as long as planning a few hundred rows.
        if self.closely {
            self.grown.get_or_init(|| resident().saturating_sub(self.resident_before));
            if let Ok(mut busy) = self.busy.lock() {
                busy.push((progress.seconds, busy_seconds()));
            }
        }
    }

    /// Running time until the last look within `seconds` of the plan: conflicts are looked for after the certificate. What went before the
    /// first look is counted by the clock.
    fn busy_until(&self, seconds: f64) -> Option<f64> {
        let busy = self.busy.lock().ok()?;
        let (first, last) = (busy.first()?, busy.iter().rfind(|b| b.0 <= seconds)?);
        Some(first.0 + last.1 - first.1)
    }
}

fn settings<'a>(options: &Options) -> Settings<'a> {
    let settings = Settings::new().tolerance(options.tolerance).threads(options.threads).holdout(0.0);
    options.time_limit.map_or_else(|| settings.clone(), |limit| settings.clone().time_limit(limit))
}

fn cold(folder: &Path, options: &Options) -> Result<Plan, Box<dyn Error>> {
    let Instance { problem, log, campaigns } = instance::load(folder)?;
    Ok(plan(&problem, &log, &campaigns, &settings(options))?)
}

/// A short name for the exact bits of all prices, of bound and value.
fn digest(plan: &Plan) -> String {
    let mut hasher = DefaultHasher::new();
    plan.prices().iter().for_each(|row| hasher.write_u64(row.price.to_bits()));
    hasher.write_u64(plan.certificate().value.to_bits());
    hasher.write_u64(plan.certificate().upper_bound.to_bits());
    format!("{:016x}", hasher.finish())
}

/// How many conflicts of each kind.
fn conflicts(plan: &Plan) -> Value {
    let mut counts = serde_json::Map::new();
    for conflict in plan.conflicts() {
        let count = counts.entry(conflict.kind.name()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    Value::Object(counts)
}
