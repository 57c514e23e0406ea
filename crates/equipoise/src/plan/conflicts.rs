//! What cannot be met, and why.

use super::account::Account;
use super::relaxed::{Answer, Ask, Relaxed};
use super::{Conflict, ConflictKind};
use crate::error::Result;
use crate::model::{GoalKind, Scope};
use crate::utility::Promise;

/// A conflict and the stated ledger it is about.
pub(super) struct Found {
    pub(super) stated: Option<usize>,
    pub(super) row: Conflict,
}

/// Misses below this part of the bound are rounding, not conflict.
const SHORT: f64 = 1e-6;
/// A hard share starves the whole if the bound rises by more than this part without it.
const STARVES: f64 = 0.01;
/// Gap asked of the auxiliary solves.
const TOLERANCE: f64 = 1e-6;

/// Lists the conflicts of an answer.
pub(super) fn find(relaxed: &mut Relaxed<'_, '_>, ask: &Ask<'_>, answer: &Answer, account: &Account) -> Result<Vec<Found>> {
    let inputs = relaxed.inputs;
    let mut found = no_supply(relaxed);
    let short: Vec<usize> = (0..ask.promises.len())
        .filter(|s| is_soft(&ask.promises[*s]) && account.violation(inputs, *s, &ask.promises[*s]) > SHORT)
        .collect();
    if !short.is_empty() {
        missed(relaxed, ask, account, &short, &mut found)?;
    }
    starving(relaxed, ask, answer, account, &mut found)?;
    Ok(found)
}

fn is_soft(p: &Promise) -> bool {
    [p.below, p.above].iter().flatten().any(|a| *a > 0.0 && a.is_finite())
}

fn describe(relaxed: &Relaxed<'_, '_>, s: usize) -> String {
    let inputs = relaxed.inputs;
    let l = &inputs.goals.stated[s].ledger;
    format!("{} {}", inputs.goals.names[l.goal as usize], inputs.scope_text(l.scope, l.key))
}

fn no_supply(relaxed: &Relaxed<'_, '_>) -> Vec<Found> {
    let inputs = relaxed.inputs;
    let mut supplied = vec![false; inputs.roster.len()];
    relaxed.layout().columns.iter().for_each(|c| supplied[c.campaign as usize] = true);
    let mut promised = vec![0f64; supplied.len()];
    for s in
        inputs.goals.stated.iter().filter(|s| s.ledger.scope == Scope::Campaign && s.promise.lower.is_finite() && s.ledger.outside == 0.0)
    {
        let own = &mut promised[s.ledger.key as usize];
        *own = own.max(s.promise.lower);
    }
    (0..supplied.len())
        .filter(|k| !supplied[*k])
        .map(|k| Found {
            stated: None,
            row: Conflict {
                kind: ConflictKind::NoSupply,
                goal: inputs.scope_text(Scope::Campaign, k as u32),
                asked: promised[k],
                reached: 0.0,
                least_relaxation: None,
                price: None,
            },
        })
        .collect()
}

/// Tells apart what no allocation meets from what is merely not worth its price.
fn missed(relaxed: &mut Relaxed<'_, '_>, ask: &Ask<'_>, account: &Account, short: &[usize], found: &mut Vec<Found>) -> Result<()> {
    // Least relaxation: nothing is worth anything but meeting the soft goals, each in parts of its bound.
    let bounds = |p: &Promise| if p.lower.is_finite() { p.lower } else { p.upper };
    let feasibility: Vec<Promise> = ask
        .promises
        .iter()
        .map(|p| {
            let unit = 1.0 / bounds(p).abs().max(1.0);
            let soft = |a: Option<f64>| a.map(|a| if a > 0.0 && a.is_finite() { unit } else { a });
            Promise { below: soft(p.below), above: soft(p.above), fair: None, ..p.clone() }
        })
        .collect();
    let silent = vec![0.0; ask.weights.len()];
    let quiet = |_: f64, _: f64, _: f64| {};
    let nearest = relaxed.solve(&Ask {
        weights: &silent,
        promises: &feasibility,
        tolerance: TOLERANCE,
        observe: &quiet,
        start: None,
        points: &[],
        ..*ask
    })?;
    let distance = |s: usize, d: f64| (feasibility[s].lower - d).max(d - feasibility[s].upper).max(0.0);
    let relaxation: Vec<f64> =
        (0..feasibility.len()).map(|s| if is_soft(&feasibility[s]) { distance(s, nearest.delivered[s]) } else { 0.0 }).collect();
    let unreachable = |s: usize| relaxation[s] > 1e-4 * bounds(&feasibility[s]).abs().max(1.0);
    // The price that would meet the others: with the relaxed bounds, at a penalty that nothing outbids.
    let outbid: Vec<usize> = short.iter().copied().filter(|s| !unreachable(*s)).collect();
    let mut met: Option<Answer> = None;
    if !outbid.is_empty() {
        let eager: Vec<Promise> = ask
            .promises
            .iter()
            .enumerate()
            .map(|(s, p)| {
                let stretch = |a: Option<f64>| a.map(|a| if a > 0.0 && a.is_finite() { a * 1e3 } else { a });
                let mut p = p.clone();
                if unreachable(s) {
                    p.lower -= relaxation[s] * 1.001;
                    p.upper += relaxation[s] * 1.001;
                }
                if outbid.contains(&s) { Promise { below: stretch(p.below), above: stretch(p.above), ..p } } else { p }
            })
            .collect();
        met = Some(relaxed.solve(&Ask { promises: &eager, observe: &quiet, start: None, points: &[], pass: None, ..*ask })?);
    }
    for s in short {
        let p = &ask.promises[*s];
        let l = &relaxed.inputs.goals.stated[*s].ledger;
        let (reached, asked) = account.shown(l, bounds(p));
        let (kind, least_relaxation, price) = if unreachable(*s) {
            (ConflictKind::Unreachable, Some(relaxation[*s]), None)
        } else {
            (ConflictKind::Outbid, None, met.as_ref().map(|m| m.prices[*s]))
        };
        found
            .push(Found { stated: Some(*s), row: Conflict { kind, goal: describe(relaxed, *s), asked, reached, least_relaxation, price } });
    }
    // What the least relaxation asks of goals that this plan happens to meet.
    for s in (0..relaxation.len()).filter(|s| unreachable(*s) && !short.contains(s)) {
        let p = &ask.promises[s];
        let l = &relaxed.inputs.goals.stated[s].ledger;
        let (reached, asked) = account.shown(l, bounds(p));
        let row = Conflict {
            kind: ConflictKind::Unreachable,
            goal: describe(relaxed, s),
            asked,
            reached,
            least_relaxation: Some(relaxation[s]),
            price: None,
        };
        found.push(Found { stated: Some(s), row });
    }
    Ok(())
}

/// Hard `at_least` shares without which the bound would be much higher.
fn starving(relaxed: &mut Relaxed<'_, '_>, ask: &Ask<'_>, answer: &Answer, account: &Account, found: &mut Vec<Found>) -> Result<()> {
    let hard_share = |s: usize| {
        relaxed.inputs.goals.stated[s].ledger.kind == GoalKind::Share
            && ask.promises[s].below == Some(f64::INFINITY)
            && answer.prices[s] < 0.0
    };
    let list: Vec<usize> = (0..ask.promises.len()).filter(|s| hard_share(*s)).collect();
    for s in list {
        let l = relaxed.inputs.goals.stated[s].ledger.clone();
        // Weak duality: without the share the bound rises by at most what its price takes from the rest.
        let most = answer.prices[s].abs() * -l.outside * relaxed.layout().places * relaxed.layout().largest[l.measure as usize];
        if most <= STARVES * answer.bound.abs().max(1.0) {
            continue;
        }
        let mut without = ask.promises.to_vec();
        (without[s].lower, without[s].below) = (f64::NEG_INFINITY, Some(0.0));
        let quiet = |_: f64, _: f64, _: f64| {};
        let free = relaxed.solve(&Ask {
            promises: &without,
            observe: &quiet,
            start: Some(&answer.prices),
            points: &answer.points,
            pass: None,
            ..*ask
        })?;
        // The value without it is certified, so the rise is real.
        if free.value > answer.bound + STARVES * answer.bound.abs().max(1.0) {
            let (reached, asked) = account.shown(&l, 0.0);
            found.push(Found {
                stated: Some(s),
                row: Conflict {
                    kind: ConflictKind::Starves,
                    goal: describe(relaxed, s),
                    asked,
                    reached,
                    least_relaxation: None,
                    price: Some(answer.prices[s]),
                },
            });
        }
    }
    Ok(())
}
