//! Contenders in turn, and the line that says what each took.

use std::time::Instant;

const ROUNDS: usize = 101;
/// What one round of one contender takes, about.
const ROUND_NS: f64 = 2e5;

/// Median nanoseconds per call of each contender, timed in turn so that whatever else runs hits all alike, and the spread of the first.
pub(crate) fn race(contenders: &mut [&mut dyn FnMut()]) -> (Vec<f64>, f64) {
    let mut repetitions = vec![0; contenders.len()];
    for (contender, repetitions) in contenders.iter_mut().zip(&mut repetitions) {
        let started = Instant::now();
        let mut warm = 0;
        while started.elapsed().as_nanos() < 2_000_000 {
            contender();
            warm += 1;
        }
        let each = started.elapsed().as_nanos() as f64 / f64::from(warm);
        *repetitions = (ROUND_NS / each) as u32 + 1;
    }
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, repetitions), times) in contenders.iter_mut().zip(&repetitions).zip(&mut times) {
            let started = Instant::now();
            for _ in 0..*repetitions {
                contender();
            }
            times.push(started.elapsed().as_nanos() as f64 / f64::from(*repetitions));
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    let spread = (times[0][ROUNDS * 3 / 4] - times[0][ROUNDS / 4]) / times[0][ROUNDS / 2];
    (times.iter().map(|t| t[ROUNDS / 2]).collect(), spread)
}

/// Prints one comparison; times are in nanoseconds, `unit` is `ns` or `ms`.
pub(crate) fn print(case: &str, peer: &str, ours: f64, theirs: f64, unit: &str, spread: f64) {
    let (scale, digits) = if unit == "ms" { (1e-6, 100.0) } else { (1.0, 1.0) };
    let round = |v: f64, digits: f64| (v * digits).round() / digits;
    let line = serde_json::json!({
        "bench": "scoring",
        "case": case,
        "subject": "rust",
        "peer": peer,
        "ours": round(ours * scale, digits),
        "theirs": round(theirs * scale, digits),
        "ratio": round(theirs / ours, 1_000.0),
        "unit": unit,
        "repeats": ROUNDS,
        "spread": round(spread, 1_000.0),
    });
    println!("{line}");
}
