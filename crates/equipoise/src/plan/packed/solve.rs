//! Planning from a packed file.

use super::bytes::corrupt;
use super::decisions::{Answered, account};
use super::gather::{gather, with_noise};
use super::read::PackedLog;
use crate::error::{Error, Result, codes};
use crate::exchange::{Exchange as _, Local};
use crate::model::{Campaigns, Opportunities, Problem};
use crate::plan::account::Account;
use crate::plan::checkpoint::{Journal, Recorded};
use crate::plan::inputs::{self, Inputs};
use crate::plan::judged::{CUT, Judged};
use crate::plan::relaxed::{Ask, Relaxed, note_of_limit};
use crate::plan::settings::Settings;
use crate::plan::{Certificate, Plan, Unknown, serving, ties, warm};
use crate::policy::Policy;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Plans prices for `problem` on a packed log: the same bits as [`crate::plan::plan`] on the log itself.
///
/// Memory: `settings.memory` bytes of blocks, beside them a block for each thread, 8 bytes for each opportunity, the opportunities held out,
/// and what the solve needs for each column. Blocks beyond that are read again in each pass. `holdout`, `seed`, `shift` and `unknown` are as they
/// were at packing. [`Plan::packed_decisions`] are read from the file block by block. Where ties are broken by a random term, the opportunities
/// planned on are replayed in chunks, twice.
///
/// # Errors
/// Every fault of problem, campaigns and settings; `invalid_input.foreign_file` where the file was packed with other campaigns or without what
/// the problem asks; `invalid_input.corrupt` and `invalid_input.io` of the file, at any time. Limits and cancellation are a [`Status`](crate::plan::Status).
pub fn plan_packed(problem: &Problem, packed: &PackedLog, campaigns: &Campaigns, settings: &Settings<'_>) -> Result<Plan> {
    inputs::check(settings)?;
    let manifest = &packed.manifest;
    let skeleton = skeleton(packed);
    let inputs = Inputs::new(problem, &skeleton, campaigns)?;
    let fresh = settings.fresh.map(|fresh| inputs.prepare(problem, fresh, settings).map(|p| (fresh, p))).transpose()?;
    let mut gathered = gather(&inputs, packed, settings)?;
    let mut notes = manifest.notes.clone();
    let default_penalty = |j: usize| {
        let packed = if j == 0 { Some(0) } else { manifest.measures.iter().position(|m| *m == inputs.measures[j]).map(|at| at + 1) };
        manifest.amounts.penalty(packed.unwrap_or(0))
    };
    let supplied = Mutex::new(gathered.supplied.take());
    let all_supplied = || supplied.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| Account::new(&inputs));
    let promises = inputs.promises_from(&|i| gathered.relative[i], &default_penalty, &all_supplied, Some(&mut notes));
    let same_objectives = inputs.measures[1..] == manifest.measures && inputs.weights == manifest.weights;
    if !same_objectives && inputs.goals.stated.iter().any(|s| s.promise.wants_default()) {
        let message =
            "floors and targets without a penalty take it from the objectives that the log was packed with; state penalties or pack anew";
        return Err(Error::new(codes::FOREIGN_FILE, "packed", None, message));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&packed.digest).update(&settings.traffic.to_le_bytes()).update(inputs.measures.join("\n").as_bytes());
    let key = hasher.finalize();
    let journal = Journal::of(settings, problem, campaigns, &inputs, &promises, &key)?;
    let local = Recorded::new(Local::new(Arc::new(gathered.packed), settings.thread_count())?, journal.clone());
    let mut relaxed =
        Relaxed { inputs: &inputs, local, classes: manifest.classes.clone(), tie_breadth: None, best_worth: gathered.best_worth };

    let started = Instant::now();
    let (cancelled, observe) = (|| settings.is_cancelled(), settings.reporter(started));
    let earlier = warm::Earlier::new(&inputs, settings.warm_start.map(|plan| &*plan.warm), &key);
    let ask = Ask::new(&inputs, &promises, settings, &earlier, started, &cancelled, &observe);
    let Judged { answer, account, conflicts, cut, mut certificate, status } =
        Judged::solve(&mut relaxed, &ask, |relaxed, answer| account(&inputs, &relaxed.local, packed, &answer.point))?;
    notes.extend(cut.then(|| CUT.to_owned()));
    notes.extend(note_of_limit(&answer.prices));
    let policy_of = |served: &ties::Broken, certificate: &Certificate| {
        Policy::new(&inputs.draft(problem, campaigns, &served.prices, served.breadth, certificate, status))
    };
    let at_packing = settings.clone().shift(manifest.shift).unknown(Unknown::Organic);
    let warm = warm::Warm { key, prices: account.price_rows(&inputs, &promises, &answer.prices), points: answer.points, pass: answer.pass };
    let answered = Answered::new(packed, relaxed.local.packed(), &gathered.source, answer.point.clone());
    let plain = ties::Broken { prices: answer.prices, breadth: 0.0 };
    let policy = policy_of(&plain, &certificate)?;
    let matters = ties::matter(&mut relaxed, &ask, &plain.prices, &answer.point)?;
    let Relaxed { local, classes, best_worth, .. } = relaxed;
    let layout = local.layout().clone();
    // Makes room for the blocks with the term.
    drop(local);
    let tied = if matters { with_noise(&inputs, packed, layout, gathered.source, settings)? } else { None };
    let (served, mut policy) = if let Some(tied) = tied {
        let local = Recorded::new(Local::new(Arc::new(tied), settings.thread_count())?, journal.clone());
        let tied = Relaxed { inputs: &inputs, local, classes, tie_breadth: None, best_worth };
        let broken = ties::break_ties(tied, &ask, &plain.prices)?;
        let regret = |policy: &Policy| {
            let served = replayed(&inputs, problem, packed, policy, &at_packing)?;
            Ok(served.map_or(f64::INFINITY, |served| ties::regret(&inputs, &promises, &served, certificate.value)))
        };
        ties::better((plain, policy), broken, |b| policy_of(b, &certificate), regret, &mut notes)?
    } else {
        (plain, policy)
    };
    let total = settings.traffic * manifest.total;
    certificate.serving = match &fresh {
        Some((fresh, prepared)) => {
            serving::certify(&inputs, &policy, fresh, prepared, &inputs::stand_in(fresh, total), answer.bound, settings.shift)?
        }
        None => match packed.held_out()? {
            Some(held) => {
                let prepared = inputs.prepare(problem, &held, &at_packing)?;
                let in_log = (0..held.len()).fold(0.0, |sum, t| sum + held.weight.as_ref().map_or(1.0, |w| w[t]));
                if in_log != manifest.held {
                    return Err(corrupt("the weights of the manifest are not those of the opportunities held out"));
                }
                let factor = settings.traffic * manifest.total / manifest.held;
                let weight: Vec<f64> = (0..held.len()).map(|t| held.weight.as_ref().map_or(1.0, |w| w[t]) * factor).collect();
                serving::certify(&inputs, &policy, &held, &prepared, &weight, answer.bound, manifest.shift)?
            }
            None => None,
        },
    };
    if certificate.serving.is_some() {
        policy = policy_of(&served, &certificate)?;
    }
    Journal::close(journal)?;
    Ok(Plan {
        status,
        certificate,
        deliveries: account.table(&inputs),
        conflicts: conflicts.into_iter().map(|c| c.row).collect(),
        decisions: Vec::new(),
        answered: Some(answered),
        policy,
        notes,
        warm: Arc::new(warm),
        prices: account.price_rows(&inputs, &promises, &served.prices),
    })
}

/// A log with the columns and names of the packed one, and a single opportunity without candidates.
fn skeleton(packed: &PackedLog) -> Opportunities {
    let m = &packed.manifest;
    Opportunities {
        starts: vec![0, 0],
        id_hash: vec![0],
        time: m.has_time.then(Vec::new),
        organic: m.has_organic.then(Vec::new),
        organic_value: m.gives_organic_value.then(Vec::new),
        measures: m.measures.iter().map(|name| (name.clone(), Vec::new())).collect(),
        markets: m.markets.iter().collect(),
        surfaces: m.surfaces.iter().collect(),
        ..Opportunities::default()
    }
}

/// The account of what `policy` serves on the opportunities planned on; `None` if the plan was cancelled.
fn replayed(
    inputs: &Inputs<'_>,
    problem: &Problem,
    file: &PackedLog,
    policy: &Policy,
    at_packing: &Settings<'_>,
) -> Result<Option<Account>> {
    let factor = file.factor(at_packing);
    let mut served = Account::new(inputs);
    let mut opportunities = 0;
    for log in file.logs() {
        if at_packing.is_cancelled() {
            return Ok(None);
        }
        let log = log?;
        let prepared = inputs.prepare(problem, &log, at_packing)?;
        let weight: Vec<f64> = (0..log.len()).map(|t| log.weight.as_ref().map_or(1.0, |w| w[t]) * factor).collect();
        serving::add_served(&mut served, inputs, policy, &log, &prepared, &weight, at_packing.shift)?;
        opportunities += log.len() as u64;
    }
    if opportunities != file.opportunities() {
        return Err(corrupt("the logs of the file have other opportunities than its blocks"));
    }
    served.close(inputs);
    Ok(Some(served))
}
