//! Plans one stored instance and prints a JSON object: status, seconds, passes, gap, value and bound.
//!
//! `equipoise-bench-solver FOLDER TOLERANCE THREADS [X.npy]`; the relaxed answer goes to `X.npy`, so that a judge can check it.

mod instance;
mod npy;

use equipoise::plan::{Settings, plan};
use serde_json::json;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, tolerance, threads, rest @ ..] = arguments.as_slice() else {
        return Err("usage: equipoise-bench-solver FOLDER TOLERANCE THREADS [X.npy]".into());
    };
    let instance = instance::load(Path::new(folder))?;
    let settings = Settings::new().tolerance(tolerance.parse()?).threads(threads.parse()?).holdout(0.0);
    let plan = plan(&instance.problem, &instance.log, &instance.campaigns, &settings)?;
    if let Some(path) = rest.first() {
        let x: Vec<f64> = plan.decisions().iter().map(|x| x.unwrap_or(0.0)).collect();
        npy::write(Path::new(path), &x)?;
    }
    let certificate = plan.certificate();
    println!(
        "{}",
        json!({
            "status": plan.status().name(),
            "seconds": certificate.seconds,
            "passes": certificate.passes,
            "gap": certificate.gap,
            "value": certificate.value,
            "upper_bound": certificate.upper_bound,
            "worst_violation": certificate.worst_violation,
            "conflicts": plan.conflicts().len(),
        })
    );
    Ok(())
}
