//! Planning from a packed file.

use super::bytes::corrupt;
use super::manifest::campaigns_digest;
use super::read::PackedLog;
use crate::error::{Error, Result, codes, quote};
use crate::exchange::{BLOCK, Column, Local, Packed, Source, Survey};
use crate::model::{Campaigns, Opportunities, Problem, RelativeTo, Scope};
use crate::plan::account::Account;
use crate::plan::checkpoint::{Journal, Recorded};
use crate::plan::inputs::{self, Inputs};
use crate::plan::judged::Judged;
use crate::plan::recovery::Point;
use crate::plan::relaxed::{Ask, Relaxed};
use crate::plan::settings::Settings;
use crate::plan::{Certificate, Plan, serving, ties, warm};
use crate::policy::Policy;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Plans prices for `problem` on a packed log: the same bits as [`crate::plan::plan`] on the log itself, but for what is said below.
///
/// Memory: `settings.memory` bytes of blocks, beside them a block for each thread, 8 bytes for each opportunity, the opportunities held out,
/// and what the solve needs for each column. Blocks beyond that are read again in each pass. `holdout`, `seed`, `shift` and `unknown` are as they
/// were at packing. [`Plan::decisions`] is empty; [`crate::plan::plan`] alone breaks ties by a random term: here a note says where it would have.
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
    let Judged { answer, account, conflicts, mut certificate, status } =
        Judged::solve(&mut relaxed, &ask, |relaxed, answer| account(relaxed, packed, &answer.point))?;
    if ties::matter(&mut relaxed, &ask, &answer.prices, &answer.point)? {
        notes.push("many opportunities are tied at these prices; a plan of a packed log has no random term to decide them".to_owned());
    }
    let policy_of = |certificate: &Certificate| Policy::new(&inputs.draft(problem, campaigns, &answer.prices, 0.0, certificate, status));
    let mut policy = policy_of(&certificate)?;
    let total = settings.traffic * manifest.total;
    certificate.serving = match &fresh {
        Some((fresh, prepared)) => {
            serving::certify(&inputs, &policy, fresh, prepared, &inputs::stand_in(fresh, total), answer.bound, settings.shift)?
        }
        None => match packed.held_out()? {
            Some(held) => {
                let at_packing = settings.clone().shift(manifest.shift).unknown(crate::plan::Unknown::Organic);
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
        policy = policy_of(&certificate)?;
    }
    Journal::close(journal)?;
    let prices = account.price_rows(&inputs, &promises, &answer.prices);
    Ok(Plan {
        status,
        certificate,
        deliveries: account.table(&inputs),
        conflicts: conflicts.into_iter().map(|c| c.row).collect(),
        decisions: Vec::new(),
        policy,
        notes,
        warm: Arc::new(warm::Warm { key, prices: prices.clone(), points: answer.points, pass: answer.pass }),
        prices,
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

/// What one reading of the whole file gives.
struct Gathered {
    packed: Packed,
    best_worth: f64,
    /// The bound of each stated goal that is relative.
    relative: Vec<f64>,
    /// The account of all that is supplied, where some goal is fair.
    supplied: Option<Account>,
}

/// Reads the file once: checks it, adds up what a plan needs to know beforehand, and keeps blocks as far as memory allows.
#[expect(clippy::too_many_lines, reason = "one look at the file for all that is added up")]
fn gather(inputs: &Inputs<'_>, packed: &PackedLog, settings: &Settings<'_>) -> Result<Gathered> {
    let manifest = &packed.manifest;
    let foreign = |what: &str| Error::new(codes::FOREIGN_FILE, "packed", None, format!("{what}; pack the log anew"));
    if manifest.campaigns != campaigns_digest(inputs) {
        return Err(foreign("the log was packed with other campaigns"));
    }
    let asks = |scope: Scope| inputs.goals.stated.iter().any(|s| s.ledger.scope == scope);
    if (asks(Scope::Market) && !manifest.by_market) || (asks(Scope::Surface) && !manifest.by_surface) {
        return Err(foreign("the log was packed for goals that tell no markets or surfaces apart"));
    }
    if inputs.goals.stated.iter().any(|s| s.relative_to == Some(RelativeTo::Organic)) && !manifest.has_organic_value {
        return Err(foreign("the log was packed without organic values"));
    }
    let mut pick = Vec::new();
    for name in &inputs.measures[1..] {
        let at = manifest.measures.iter().position(|m| m == name);
        pick.push(at.ok_or_else(|| foreign(&format!("the log was packed without the measure {}", quote(name))))?);
    }
    let (campaigns, classes) = (inputs.roster.len(), manifest.classes.len());
    let mut order: Vec<u32> = (0..manifest.columns.len() as u32).collect();
    order.sort_unstable_by_key(|c| manifest.columns[*c as usize]);
    let columns: Vec<Column> =
        order.iter().map(|c| manifest.columns[*c as usize]).map(|(campaign, class)| Column { campaign, class }).collect();
    if columns.windows(2).any(|w| w[0] == w[1]) || columns.iter().any(|c| c.campaign as usize >= campaigns) {
        return Err(corrupt("the columns of the manifest are not those of its campaigns"));
    }
    let mut renamed = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, from)| renamed[*from as usize] = to as u32);

    let factor = settings.traffic * manifest.total / manifest.kept;
    let source = packed.fetch(pick, renamed, factor);
    let measures = inputs.measures.len();
    let stated = &inputs.goals.stated;
    let mut survey = Survey::new(measures);
    let mut starts = vec![0u64];
    let mut kept = Vec::with_capacity(manifest.blocks.len());
    let mut room = settings.memory;
    let (mut best, mut best_weight) = (0.0, 0.0);
    let mut relative = vec![0.0; stated.len()];
    let is_relative: Vec<usize> = (0..stated.len()).filter(|i| stated[*i].relative_to.is_some()).collect();
    let mut supplied = stated.iter().any(|s| s.promise.fair.is_some()).then(|| Account::new(inputs));
    let key =
        |scope: Scope, names: &[String]| -> Vec<u32> { names.iter().map(|n| inputs.roster.key(scope, n).unwrap_or(u32::MAX)).collect() };
    let (markets, surfaces) = (key(Scope::Market, &manifest.markets), key(Scope::Surface, &manifest.surfaces));
    let mut weight_in_log = 0.0;
    let mut row_of = Vec::new();
    let mut amounts = vec![0.0; measures];
    for index in 0..manifest.blocks.len() {
        if settings.is_cancelled() {
            return Err(Error::new(codes::CANCELLED, "packed", None, "the plan was cancelled before its first pass"));
        }
        let block = source.block(index)?;
        let facts = packed.opportunities_of(index)?;
        let contradicts = || corrupt("the rows and the opportunities of a block contradict each other");
        row_of.clear();
        row_of.resize(facts.len.len(), None);
        for (r, row) in block.rows() {
            let t = row.opportunity as usize - index * BLOCK;
            let same = facts.len[t] == row.len && facts.slots[t] == row.slots && facts.weight[t] * factor == row.weight;
            if !same || row_of[t].replace(r).is_some() {
                return Err(contradicts());
            }
        }
        for (t, row) in row_of.iter().enumerate() {
            weight_in_log += facts.weight[t];
            if row.is_some() != (facts.len[t] > 0) {
                return Err(contradicts());
            }
            let (weight, slots, len) = (facts.weight[t] * factor, facts.slots[t], facts.len[t] as usize);
            let r = row.unwrap_or(0);
            let ys = |i: usize| block.amounts(block.at(r, i));
            survey.add(weight, slots, len, |j| (0..len).filter_map(move |i| ys(i).nth(j)));
            let (market, surface) = (named(&markets, facts.market[t]), named(&surfaces, facts.surface[t]));
            for i in &is_relative {
                let s = &stated[*i];
                let inside = match s.ledger.scope {
                    Scope::Market => market == s.ledger.key,
                    Scope::Surface => surface == s.ledger.key,
                    _ => true,
                };
                if inside {
                    relative[*i] += weight * if s.relative_to == Some(RelativeTo::Organic) { facts.organic_value[t] } else { 1.0 };
                }
            }
            starts.push(starts[starts.len() - 1] + len as u64);
            if len == 0 {
                continue;
            }
            let worth = |i: usize| inputs.weights[0] + inputs.weights[1..].iter().zip(ys(i)).map(|(w, y)| w * f64::from(y)).sum::<f64>();
            best += weight * (0..len).map(worth).fold(0.0, f64::max);
            best_weight += weight;
            if let Some(account) = supplied.as_mut().filter(|_| slots > 0) {
                for i in 0..len {
                    amounts[0] = weight;
                    amounts[1..].iter_mut().zip(ys(i)).for_each(|(a, y)| *a = weight * f64::from(y));
                    account.add(columns[block.column(block.at(r, i))].campaign, (market, surface), &amounts);
                }
            }
        }
        let bytes = block.bytes();
        kept.push((bytes <= room).then(|| {
            room -= bytes;
            block
        }));
    }
    if starts[starts.len() - 1] >= u64::from(u32::MAX) {
        return Err(Error::new(codes::TOO_LARGE, "packed", None, format!("a plan takes fewer than {} eligible rows", u32::MAX)));
    }
    // Exact, since the same numbers were added up in the same order; the whole was added up in another.
    let apart = (manifest.total - manifest.kept - manifest.held).abs();
    if weight_in_log != manifest.kept || apart > 1e-6 * manifest.total || (manifest.held_out.is_none() && manifest.held != 0.0) {
        return Err(corrupt("the weights of the manifest are not those of its opportunities"));
    }
    if let Some(account) = &mut supplied {
        account.close(inputs);
    }
    relative.iter_mut().zip(stated).for_each(|(sum, s)| *sum *= s.promise.upper);
    let packed = Packed::fetched(survey.layout(columns, campaigns, classes), starts, kept, Box::new(source));
    Ok(Gathered { packed, best_worth: if best_weight > 0.0 { best / best_weight } else { 0.0 }, relative, supplied })
}

fn named(keys: &[u32], index: u32) -> u32 {
    keys.get(index as usize).copied().unwrap_or(u32::MAX)
}

/// The account of an answer, opportunity by opportunity in the order of the log.
fn account(relaxed: &Relaxed<'_, '_>, file: &PackedLog, point: &Point) -> Result<Account> {
    let inputs = relaxed.inputs;
    let packed = relaxed.local.packed();
    let measures = inputs.measures.len();
    let key =
        |scope: Scope, names: &[String]| -> Vec<u32> { names.iter().map(|n| inputs.roster.key(scope, n).unwrap_or(u32::MAX)).collect() };
    let (markets, surfaces) = (key(Scope::Market, &file.manifest.markets), key(Scope::Surface, &file.manifest.surfaces));
    let mut account = Account::new(inputs);
    let mut amounts = vec![0.0; measures];
    for block in 0..packed.blocks() {
        let x = relaxed.decisions_of(block, point)?;
        let facts = file.opportunities_of(block)?;
        let span = packed.span(block);
        let mut ys = vec![0f32; span.len() * (measures - 1)];
        let mut of = vec![(0u32, 0.0); span.len()];
        packed.each_candidate_of(block..block + 1, |row, i, column, y| {
            let at = i - span.start;
            ys[at * y.len()..][..y.len()].copy_from_slice(y);
            of[at] = (packed.layout().columns[column].campaign, row.weight);
        })?;
        for (t, candidates) in packed.opportunities(block) {
            let segment = (named(&markets, facts.market[t - block * BLOCK]), named(&surfaces, facts.surface[t - block * BLOCK]));
            for at in candidates.map(|i| i - span.start).filter(|at| x[*at] != 0.0) {
                let (campaign, weight) = of[at];
                let w = weight * x[at];
                amounts[0] = w;
                let own = &ys[at * (measures - 1)..][..measures - 1];
                amounts[1..].iter_mut().zip(own).for_each(|(a, y)| *a = w * f64::from(*y));
                account.add(campaign, segment, &amounts);
            }
        }
    }
    account.close(inputs);
    Ok(account)
}
