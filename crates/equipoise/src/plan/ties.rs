//! Ties: where many opportunities are undecided at the planned prices, a small random term decides them, and prices are planned with it.

use super::account::Account;
use super::inputs::{Inputs, Prepared};
use super::recovery::Point;
use super::relaxed::{Ask, Relaxed};
use crate::error::Result;
use crate::model::{ORGANIC, hash_text, uniform};
use crate::policy::{PRICE_LIMIT, Policy};
use crate::utility::Promise;

/// Breadth of the term, in parts of the mean best worth; above 1e-4 it would be refused.
const BREADTH: f64 = 5e-5;
/// Part of all places by which decisions must differ, beyond what a vertex leaves open anyway.
const MATTERS: f64 = 0.02;
/// Gap asked of the prices that decide ties: well inside the breadth.
const TOLERANCE: f64 = 1e-6;
/// Passes spent on them.
const PASSES: f64 = 200.0;

/// Prices that serve with a tie-break term, and its breadth.
pub(super) struct Broken {
    pub(super) prices: Vec<f64>,
    pub(super) breadth: f64,
}

/// The breadth of the term on a sample whose best candidates are worth so much.
pub(super) fn breadth(best_worth: f64) -> f64 {
    (BREADTH * best_worth).min(PRICE_LIMIT)
}

/// Plans the prices that decide ties, from `prices`; `tied` has the term as its last measure.
pub(super) fn break_ties(mut tied: Relaxed<'_, '_>, ask: &Ask<'_>, prices: &[f64]) -> Result<Broken> {
    let breadth = breadth(tied.best_worth);
    tied.tie_breadth = Some(breadth);
    let quiet = |_: f64, _: f64, _: f64| {};
    let answer =
        tied.solve(&Ask { tolerance: TOLERANCE, passes: PASSES, observe: &quiet, start: Some(prices), points: &[], pass: None, ..*ask })?;
    Ok(Broken { prices: answer.prices, breadth })
}

/// The prices and the policy that serve better, without the term or with it: those of less regret, what a policy serves on the planning sample
/// being held against the answer. A note says where it is the term.
pub(super) fn better(
    plain: (Broken, Policy),
    broken: Broken,
    policy_of: impl Fn(&Broken) -> Result<Policy>,
    regret: impl Fn(&Policy) -> Result<f64>,
    notes: &mut Vec<String>,
) -> Result<(Broken, Policy)> {
    let with_term = policy_of(&broken)?;
    if regret(&with_term)? >= regret(&plain.1)? {
        return Ok(plain);
    }
    notes.push(format!("many opportunities are tied at these prices: a random term of at most {:.3e} decides them", broken.breadth));
    Ok((broken, with_term))
}

/// Whether ties leave more undecided than prices do anyway.
pub(super) fn matter(relaxed: &mut Relaxed<'_, '_>, ask: &Ask<'_>, prices: &[f64], point: &Point) -> Result<bool> {
    if relaxed.best_worth <= 0.0 {
        return Ok(false);
    }
    let undecided = relaxed.undecided(ask.weights, ask.promises, prices, point)?;
    let layout = relaxed.layout();
    let priced = prices.iter().filter(|p| **p != 0.0).count() as f64;
    let mean = layout.weight / layout.opportunities.max(1) as f64;
    Ok(undecided > MATTERS * layout.places + 4.0 * mean * priced)
}

/// `u(key, campaign)` of every row of the log.
pub(super) fn noise(inputs: &Inputs<'_>, prepared: &Prepared) -> Vec<f32> {
    let log = inputs.log;
    let hashes: Vec<u64> = (0..inputs.roster.len() as u32).map(|k| hash_text(inputs.roster.id(k))).collect();
    let mut noise = vec![0.0; log.candidates()];
    for t in 0..log.len() {
        let key = log.key(t);
        for i in log.rows(t).filter(|i| prepared.rank[*i] != ORGANIC) {
            noise[i] = uniform(key, hashes[prepared.rank[i] as usize]);
        }
    }
    noise
}

/// How badly an account of served picks falls short of an answer worth `value`: the part of it that is missing, plus the largest miss of a goal.
pub(super) fn regret(inputs: &Inputs<'_>, promises: &[Promise], served: &Account, value: f64) -> f64 {
    (value - served.value(inputs, promises)).max(0.0) / value.abs().max(1.0) + served.worst(inputs, promises, |_| true).0
}
