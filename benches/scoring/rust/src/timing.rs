//! Contenders in turn, and the line that says what each took.

use std::time::Instant;

const ROUNDS: usize = 101;
/// Rounds where a single call takes longer than ten of them.
const FEW_ROUNDS: usize = 11;
/// What one round of one contender takes, about.
const ROUND_NS: f64 = 2e5;

/// What a race found.
pub(crate) struct Race {
    /// Median nanoseconds per call of each contender.
    pub(crate) times: Vec<f64>,
    /// Between the quartiles of the first, over its median.
    pub(crate) spread: f64,
    pub(crate) rounds: usize,
}

/// Times contenders in turn, so that whatever else runs hits all alike.
pub(crate) fn race(contenders: &mut [&mut dyn FnMut()]) -> Race {
    let (mut repetitions, mut rounds) = (vec![0; contenders.len()], ROUNDS);
    for (contender, repetitions) in contenders.iter_mut().zip(&mut repetitions) {
        let started = Instant::now();
        let mut warm = 0;
        while started.elapsed().as_nanos() < 2_000_000 {
            contender();
            warm += 1;
        }
        let each = started.elapsed().as_nanos() as f64 / f64::from(warm);
        *repetitions = (ROUND_NS / each) as u32 + 1;
        if each > 10.0 * ROUND_NS {
            rounds = FEW_ROUNDS;
        }
    }
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
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
    let spread = (times[0][rounds * 3 / 4] - times[0][rounds / 4]) / times[0][rounds / 2];
    Race { times: times.iter().map(|t| t[rounds / 2]).collect(), spread, rounds }
}

/// Prints one comparison of two contenders; `unit` is `ns` or `ms`.
pub(crate) fn print(case: &str, peer: &str, race: &Race, [ours, theirs]: [usize; 2], unit: &str) {
    let (ours, theirs) = (race.times[ours], race.times[theirs]);
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
        "repeats": race.rounds,
        "spread": round(race.spread, 1_000.0),
    });
    println!("{line}");
}
