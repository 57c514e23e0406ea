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
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Plans the instance of `folder` and says what it took. `seconds` is from packed columns in memory to the certificate, `whole_seconds` from the
/// caller's log to the plan, `busy_seconds` what of it was spent running; `first_certificate` counts passes until the first certified value; `solver_bytes` is what became resident
/// between the call and the first pass: what the plan keeps beside the caller's log.
pub(crate) fn run(folder: &Path, options: &Options) -> Result<Value, Box<dyn Error>> {
    let instance = instance::load(folder)?;
    let earlier = options.warm.as_deref().map(|folder| cold(folder, options)).transpose()?;
    let (first, grown) = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
    let before = resident();
    let observer = |progress: &Progress| {
        grown.fetch_max(resident().saturating_sub(before), Ordering::Relaxed);
        if progress.value.is_finite() {
            // The bits of positive numbers are in the order of the numbers.
            first.fetch_min(progress.passes.to_bits(), Ordering::Relaxed);
        }
    };
    let mut settings = settings(options).observer(&observer);
    if let Some(earlier) = &earlier {
        settings = settings.warm_start(earlier);
    }
    let (started, busy) = (Instant::now(), busy_seconds());
    let plan = plan(&instance.problem, &instance.log, &instance.campaigns, &settings)?;
    let (whole, busy) = (started.elapsed().as_secs_f64(), busy_seconds() - busy);
    if let Some(path) = &options.x {
        let x: Vec<f64> = plan.decisions().iter().map(|x| x.unwrap_or(0.0)).collect();
        npy::write(path, &x)?;
    }
    let certificate = plan.certificate();
    let first = f64::from_bits(first.into_inner());
    Ok(json!({
        "status": plan.status().name(),
        "seconds": certificate.seconds,
        "whole_seconds": whole,
        "busy_seconds": busy,
        "passes": certificate.passes,
        "first_certificate": first.is_finite().then_some(first),
        "gap": certificate.gap,
        "value": certificate.value,
        "upper_bound": certificate.upper_bound,
        "worst_violation": certificate.worst_violation,
        "conflicts": conflicts(&plan),
        "rows": instance.log.candidates(),
        "prices": digest(&plan),
        "solver_bytes": grown.into_inner(),
    }))
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
