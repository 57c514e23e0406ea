//! How near a pass is to what memory allows: its time per candidate row beside a bare sum over as many bytes.

use crate::instance;
use crate::options::Options;
use crate::process::resident;
use crate::sample::{self, DISPLACEMENT, EXPOSURE, MEASURES, VALUE};
use equipoise::exchange::{Ask, Exchange, Local, Packed, Prices, Sample};
use equipoise::model::GoalKind;
use equipoise::plan::{Plan, Settings, plan};
use serde_json::{Value, json};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Smoothing of the pass that is timed: that of the last level at 1e-4.
const GAMMA: f64 = 0.008;

/// Packs the instance of `folder` with all measures that it has, and says what became resident by it once the columns that were packed
/// had been dropped.
pub(crate) fn memory(folder: &Path) -> Result<Value, Box<dyn Error>> {
    let (packed, rows, bytes) = pack(&|| sample::load_all(folder))?;
    let measures = packed.layout().measures - 1;
    Ok(json!({"rows": rows, "measures": measures, "packed_bytes": bytes, "packed_bytes_per_row": bytes as f64 / rows as f64}))
}

fn pack(load: &dyn Fn() -> Result<Sample, Box<dyn Error>>) -> Result<(Arc<Packed>, usize, u64), Box<dyn Error>> {
    let before = resident();
    let (packed, rows) = {
        let sample = load()?;
        (Arc::new(Packed::new(&sample)), sample.campaign.len())
    };
    Ok((packed, rows, resident().saturating_sub(before)))
}

/// Packs the instance of `folder`, plans it for prices, then times passes at them and sums over as many bytes, with 1 thread up to
/// `--threads`.
pub(crate) fn run(folder: &Path, options: &Options) -> Result<Value, Box<dyn Error>> {
    let (packed, rows, bytes) = pack(&|| sample::load(folder))?;
    let prices = prices(folder, options)?;
    let words = vec![1u64; bytes as usize / 8];
    let ask = Ask::Prices(prices);
    let mut threads = Vec::new();
    for n in 1..=options.threads {
        let mut local = Local::new(packed.clone(), n)?;
        let pass = least(options.repeats, || local.pass(&ask).map(|sums| sums.rows))?;
        let stream = least(options.repeats, || Ok(stream(&words, n)))?;
        threads.push(json!({
            "threads": n,
            "pass_seconds": pass,
            "pass_nanoseconds_per_row": pass * 1e9 / rows as f64,
            "stream_seconds": stream,
            "stream_nanoseconds_per_row": stream * 1e9 / rows as f64,
            "stream_bytes_per_second": words.len() as f64 * 8.0 / stream,
        }));
    }
    Ok(json!({"rows": rows, "packed_bytes": bytes, "packed_bytes_per_row": bytes as f64 / rows as f64, "threads": threads}))
}

/// The least time of a few runs: what the machine can do when others leave it alone.
fn least<T>(repeats: usize, mut run: impl FnMut() -> Result<T, equipoise::Error>) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let started = Instant::now();
        black_box(run()?);
        best = best.min(started.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Adds up all words on `threads` threads.
fn stream(words: &[u64], threads: usize) -> u64 {
    let sum = |part: &[u64]| {
        let mut lanes = [0u64; 16];
        let chunks = part.chunks_exact(16);
        let rest: u64 = chunks.remainder().iter().sum();
        chunks.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(lane, word)| *lane = lane.wrapping_add(*word)));
        lanes.iter().sum::<u64>() + rest
    };
    let part = words.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let (mine, others) = words.split_at(part.min(words.len()));
        let others: Vec<_> = others.chunks(part).map(|part| scope.spawn(move || sum(part))).collect();
        sum(mine) + others.into_iter().filter_map(|o| o.join().ok()).sum::<u64>()
    })
}

/// The prices of a pass from those of a plan.
fn prices(folder: &Path, options: &Options) -> Result<Prices, Box<dyn Error>> {
    let instance = instance::load(folder)?;
    let settings = Settings::new().tolerance(options.tolerance).threads(options.threads).holdout(0.0);
    let plan = plan(&instance.problem, &instance.log, &instance.campaigns, &settings)?;
    let list: Vec<_> = instance.campaigns.iter().collect();
    let mut v = vec![0.0; MEASURES];
    v[VALUE] = 1.0;
    let mut p = vec![0.0; list.len() * MEASURES];
    for row in Plan::prices(&plan) {
        match (row.kind, row.scope.split_once('=')) {
            (GoalKind::Share, Some((_, licensor))) => {
                // A share counts its members less the fraction of everybody.
                v[EXPOSURE] += row.bound.unwrap_or(0.0) * row.price;
                for (k, campaign) in list.iter().enumerate() {
                    if campaign.parties.licensor.as_deref() == Some(licensor) {
                        p[k * MEASURES + EXPOSURE] += row.price;
                    }
                }
            }
            (GoalKind::Guardrail, _) => v[DISPLACEMENT] -= row.price,
            (_, Some((_, id))) => {
                let k: usize = id.trim_start_matches('c').parse()?;
                p[k * MEASURES + EXPOSURE] += row.price;
            }
            (kind, None) => return Err(format!("a {} over all has no place here", kind.name()).into()),
        }
    }
    Ok(Prices { v, p, gamma: GAMMA, near: 3.0 * GAMMA })
}
