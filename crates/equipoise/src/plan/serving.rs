//! The serving certificate: the serving rule on opportunities that the plan has not seen.

use super::account::Account;
use super::inputs::{Inputs, Prepared};
use super::interval::joint_quantile;
use super::served::{Outlook, ServedLedger, Serving, Side};
use super::settings::Unknown;
use super::spread::{Spread, Subject};
use crate::error::Result;
use crate::evaluate::{Replay, replay};
use crate::model::{Ledger, Opportunities};
use crate::policy::Policy;
use crate::utility::{Fairness, MaxMin, Promise};
use indexmap::IndexMap;
use std::collections::HashMap;

/// The probability with which all intervals hold together.
const LEVEL: f64 = 0.95;

/// Replays the opportunities of positive weight through `policy`; `None` where there is no row to certify on.
pub(super) fn certify(
    inputs: &Inputs<'_>,
    policy: &Policy,
    log: &Opportunities,
    prepared: &Prepared,
    weight: &[f64],
    bound: f64,
    shift: i64,
) -> Result<Option<Serving>> {
    let opportunities = weight.iter().filter(|w| **w > 0.0).count() as u64;
    if opportunities == 0 {
        return Ok(None);
    }
    let replay = replayed(policy, log, shift)?;
    let account = Account::of_picks(inputs, log, prepared, &replay.picked, weight);
    let spread = Spread::new(inputs, log, prepared, &replay.picked, weight);
    // A relative guardrail takes its bound from the sample it is applied to.
    let promises = inputs.promises(log, prepared, weight, None);
    let hard = |s: usize| promises[s].below.is_none_or(f64::is_infinite) || promises[s].above.is_none_or(f64::is_infinite);
    let (worst_violation, worst) = account.worst(inputs, &promises, hard);
    let value = account.value(inputs, &promises);
    let worst_goal = worst.map_or_else(String::new, |s| {
        let l = &inputs.goals.stated[s].ledger;
        format!("{} {}", inputs.goals.names[l.goal as usize], inputs.scope_text(l.scope, l.key))
    });
    let worth = spread.predict_value(value, &slopes(inputs, &promises, &account), joint_quantile(LEVEL, 1));
    let (ledgers, quantile) = ledgers(inputs, &promises, &spread, opportunities as f64);
    let count = |outlook: Outlook| ledgers.iter().filter(|l| l.outlook == outlook).count() as u64;
    Ok(Some(Serving {
        opportunities,
        listeners: log.listener.is_some().then(|| spread.units() as u64),
        weight: spread.weight(),
        flight: weight.iter().sum(),
        value,
        value_lower: worth.lower,
        value_upper: worth.upper,
        value_ratio: if bound == 0.0 { 1.0 } else { value / bound },
        worst_violation,
        worst_goal,
        level: LEVEL,
        quantile,
        outlooks: [Outlook::Kept, Outlook::AtRisk, Outlook::Missed].map(count),
        ledgers,
    }))
}

/// What a unit more of delivery is worth to each goal that is not content: soft ones that are missed, and fairness.
fn slopes<'a>(inputs: &'a Inputs<'_>, promises: &[Promise], account: &Account) -> Vec<(&'a Ledger, f64)> {
    let mut slopes = Vec::new();
    let mut groups: IndexMap<u32, (MaxMin, Vec<&Ledger>)> = IndexMap::new();
    for (s, p) in inputs.goals.stated.iter().zip(promises) {
        let d = account.delivered(&s.ledger);
        let soft = |penalty: f64| if penalty.is_finite() { penalty } else { 0.0 };
        let interval = p.interval();
        match p.fair {
            Some(Fairness::Alpha(fair)) => slopes.push((&s.ledger, fair.slope(d))),
            Some(Fairness::Member { weight, t }) => {
                let group = groups.entry(s.ledger.goal).or_insert_with(|| (MaxMin { weight, members: Vec::new() }, Vec::new()));
                group.0.members.push(t);
                group.1.push(&s.ledger);
            }
            None if d < interval.lower => slopes.push((&s.ledger, soft(interval.below))),
            None if d > interval.upper => slopes.push((&s.ledger, -soft(interval.above))),
            None => {}
        }
    }
    for (group, members) in groups.into_values() {
        let held: Vec<f64> = members.iter().map(|l| account.delivered(l)).collect();
        slopes.extend(members.into_iter().zip(group.prices(&held)).map(|(l, price)| (l, -price)));
    }
    slopes.retain(|s| s.1 != 0.0 && s.1.is_finite());
    slopes
}

/// Every ledger that has a bound, and the quantile at which their intervals hold together.
fn ledgers(inputs: &Inputs<'_>, promises: &[Promise], spread: &Spread<'_>, opportunities: f64) -> (Vec<ServedLedger>, f64) {
    let mut intervals = HashMap::new();
    let mut bounded = Vec::new();
    for (row, (s, p)) in inputs.goals.stated.iter().zip(promises).enumerate() {
        let (side, bound) = match (p.lower.is_finite(), p.upper.is_finite()) {
            (true, true) => (Side::Exactly, p.upper),
            (true, false) => (Side::AtLeast, p.lower),
            (false, true) => (Side::AtMost, p.upper),
            (false, false) => continue,
        };
        let subject = Subject::new(&s.ledger, s.relative_to);
        // Fractions are bounded by fractions.
        let bound = match (subject.is_relative(), s.relative_to) {
            (true, Some(_)) => s.promise.upper,
            (true, None) => -s.ledger.outside,
            (false, _) => bound,
        };
        intervals.insert(subject, None);
        bounded.push((row, subject, side, bound));
    }
    // Ledgers of one account move together: they count once.
    let quantile = joint_quantile(LEVEL, intervals.len());
    for (subject, interval) in &mut intervals {
        *interval = spread.predict(subject, quantile);
    }
    let ledgers = bounded.into_iter().map(|(row, subject, side, bound)| {
        let l = &inputs.goals.stated[row].ledger;
        let known = intervals[&subject];
        // Amounts are never negative, and no share is above 1.
        let most = if subject.is_share() { 1.0 } else { f64::INFINITY };
        let (lower, upper) = known.map_or((0.0, most), |k| (k.lower.max(0.0), k.upper.min(most)));
        ServedLedger {
            row: row as u32,
            goal: inputs.goals.names[l.goal as usize].clone(),
            kind: l.kind,
            measure: inputs.measures[l.measure as usize].clone(),
            scope: inputs.scope_text(l.scope, l.key),
            side,
            bound,
            predicted: known.map_or(0.0, |k| k.predicted),
            lower,
            upper,
            needed: known.and_then(|k| k.growth).map(|g| (g * opportunities).ceil()),
            outlook: Outlook::of(lower, upper, side, bound),
        }
    });
    (ledgers.collect(), quantile)
}

/// Adds what `policy` serves on the opportunities of positive weight to an account, which is then to be closed.
pub(super) fn add_served(
    account: &mut Account,
    inputs: &Inputs<'_>,
    policy: &Policy,
    log: &Opportunities,
    prepared: &Prepared,
    weight: &[f64],
    shift: i64,
) -> Result<()> {
    let replay = replayed(policy, log, shift)?;
    account.add_picks(inputs, log, prepared, &replay.picked, weight);
    Ok(())
}

/// What `policy` does with a log whose times are moved by `shift`.
fn replayed(policy: &Policy, log: &Opportunities, shift: i64) -> Result<Replay> {
    let moved = (shift != 0 && log.time.is_some()).then(|| {
        let mut moved = log.clone();
        moved.time.iter_mut().flatten().for_each(|t| *t = t.saturating_add(shift));
        moved
    });
    replay(policy, moved.as_ref().unwrap_or(log), Unknown::Organic)
}
