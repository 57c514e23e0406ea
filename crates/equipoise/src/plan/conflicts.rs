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
/// Part of a whole from which a price or a loss is worth naming, and how many are named.
const PRICED: f64 = 1e-6;
const NAMED: usize = 5;
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
        missed(relaxed, ask, answer, account, &short, &mut found)?;
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
                against: Vec::new(),
            },
        })
        .collect()
}

/// Tells apart what no allocation meets from what is merely not worth its price.
fn missed(
    relaxed: &mut Relaxed<'_, '_>,
    ask: &Ask<'_>,
    answer: &Answer,
    account: &Account,
    short: &[usize],
    found: &mut Vec<Found>,
) -> Result<()> {
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
        pass: None,
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
        let (kind, least_relaxation, price, against) = if unreachable(*s) {
            (ConflictKind::Unreachable, Some(relaxation[*s]), None, opponents(relaxed, &nearest, *s))
        } else {
            let price = met.as_ref().map(|m| m.prices[*s]);
            (ConflictKind::Outbid, None, price, met.as_ref().map_or_else(Vec::new, |m| payers(relaxed, answer, m)))
        };
        let goal = describe(relaxed, *s);
        found.push(Found { stated: Some(*s), row: Conflict { kind, goal, asked, reached, least_relaxation, price, against } });
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
            against: opponents(relaxed, &nearest, s),
        };
        found.push(Found { stated: Some(s), row });
    }
    Ok(())
}

/// The goals that have a price where as little as possible is missed, dearest first, but for the goal itself.
fn opponents(relaxed: &Relaxed<'_, '_>, nearest: &Answer, own: usize) -> Vec<String> {
    let inputs = relaxed.inputs;
    let cost = |s: usize| {
        let promise = &inputs.goals.stated[s];
        // Of a share what a whole would be charged; of a bound what it is worth.
        let size = if promise.ledger.outside == 0.0 {
            nearest.delivered[s].abs()
        } else {
            relaxed.layout().totals[promise.ledger.measure as usize]
        };
        nearest.prices[s].abs() * size
    };
    let mut list: Vec<(f64, usize)> = (0..nearest.prices.len()).filter(|s| *s != own).map(|s| (cost(s), s)).collect();
    list.retain(|(cost, _)| *cost > PRICED);
    list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    list.iter().take(NAMED).map(|(_, s)| describe(relaxed, *s)).collect()
}

/// The campaigns that have fewer exposures in `after` than in `before`, who loses most first.
fn payers(relaxed: &Relaxed<'_, '_>, before: &Answer, after: &Answer) -> Vec<String> {
    let layout = relaxed.layout();
    let measures = before.cells.len() / layout.columns.len().max(1);
    let mut lost = vec![0.0; layout.campaigns];
    for (c, (b, a)) in layout.columns.iter().zip(before.cells.chunks_exact(measures.max(1)).zip(after.cells.chunks_exact(measures.max(1))))
    {
        lost[c.campaign as usize] += b[0] - a[0];
    }
    let total: f64 = before.cells.iter().step_by(measures.max(1)).sum();
    let mut list: Vec<(f64, u32)> = lost.into_iter().zip(0..).filter(|(lost, _)| *lost > PRICED * total.max(1.0)).collect();
    list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    list.iter().take(NAMED).map(|(lost, k)| format!("{} -{lost:.3}", relaxed.inputs.scope_text(Scope::Campaign, *k))).collect()
}

/// The hard `at_least` shares that starve the whole: each without which alone the bound would be much higher, or else all of them together.
fn starving(relaxed: &mut Relaxed<'_, '_>, ask: &Ask<'_>, answer: &Answer, account: &Account, found: &mut Vec<Found>) -> Result<()> {
    let inputs = relaxed.inputs;
    let hard_share = |s: usize| {
        inputs.goals.stated[s].ledger.kind == GoalKind::Share && ask.promises[s].below == Some(f64::INFINITY) && answer.prices[s] < 0.0
    };
    // Weak duality: without the share the bound rises by at most what its price takes from the rest.
    let most = |s: usize| {
        let l = &inputs.goals.stated[s].ledger;
        let layout = relaxed.layout();
        answer.prices[s].abs() * -l.outside * layout.places * layout.largest[l.measure as usize]
    };
    let threshold = STARVES * answer.bound.abs().max(1.0);
    let all: Vec<(usize, f64)> = (0..ask.promises.len()).filter(|s| hard_share(*s)).map(|s| (s, most(s))).collect();
    let before = found.len();
    for (s, _) in all.iter().filter(|(_, most)| *most > threshold) {
        starved(relaxed, ask, answer, account, &[*s], found)?;
    }
    if found.len() == before && all.len() > 1 && all.iter().map(|(_, most)| most).sum::<f64>() > threshold {
        let together: Vec<usize> = all.iter().map(|(s, _)| *s).collect();
        starved(relaxed, ask, answer, account, &together, found)?;
    }
    Ok(())
}

/// Lists these shares if without them the certified value is much above the bound.
fn starved(
    relaxed: &mut Relaxed<'_, '_>,
    ask: &Ask<'_>,
    answer: &Answer,
    account: &Account,
    shares: &[usize],
    found: &mut Vec<Found>,
) -> Result<()> {
    let mut without = ask.promises.to_vec();
    for s in shares {
        (without[*s].lower, without[*s].below) = (f64::NEG_INFINITY, Some(0.0));
    }
    let quiet = |_: f64, _: f64, _: f64| {};
    let free = relaxed.solve(&Ask {
        promises: &without,
        observe: &quiet,
        start: Some(&answer.prices),
        points: &answer.points,
        pass: None,
        ..*ask
    })?;
    // The value without them is certified, so the rise is real.
    if free.value > answer.bound + STARVES * answer.bound.abs().max(1.0) {
        let against = payers(relaxed, &free, answer);
        for s in shares {
            let (reached, asked) = account.shown(&relaxed.inputs.goals.stated[*s].ledger, 0.0);
            let row = Conflict {
                kind: ConflictKind::Starves,
                goal: describe(relaxed, *s),
                asked,
                reached,
                least_relaxation: None,
                price: Some(answer.prices[*s]),
                against: against.clone(),
            };
            found.push(Found { stated: Some(*s), row });
        }
    }
    Ok(())
}
