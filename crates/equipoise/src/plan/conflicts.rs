//! What cannot be met, and why.

use super::account::Account;
use super::relaxed::{Answer, Ask, Relaxed, SMALL};
use super::{Conflict, ConflictKind, Status};
use crate::error::Result;
use crate::model::{GoalKind, Scope};
use crate::utility::Promise;
use std::cell::Cell;

/// What was found, and what ended the search where it was not searched to the end.
pub(super) struct Conflicts {
    pub(super) found: Vec<Found>,
    pub(super) cut: Option<Status>,
}

/// A conflict and the stated ledger it is about.
pub(super) struct Found {
    pub(super) stated: Option<usize>,
    pub(super) row: Conflict,
}

/// Misses below this part of the bound are rounding, not conflict.
const SHORT: f64 = 1e-6;
/// A goal missed by more than this part of its bound where as little as possible is missed cannot be met.
const FAR: f64 = 1e-4;
/// A hard share starves the whole if the bound rises by more than this part without it.
const STARVES: f64 = 0.01;
/// Part of a whole from which a price or a loss is worth naming, and how many are named.
const PRICED: f64 = 1e-6;
const NAMED: usize = 5;
/// Gap asked of the least relaxation: the second of samples of more candidates than are finished exactly anyway.
const TOLERANCES: (f64, f64) = (1e-6, 1e-5);
/// Passes that a second solve may take beyond the plan's own: prices are good long before the last misses are gone.
const PATIENCE: f64 = 100.0;

/// Lists the conflicts of an answer.
pub(super) fn find(relaxed: &mut Relaxed<'_, '_>, ask: &Ask<'_>, answer: &Answer, account: &Account) -> Result<Conflicts> {
    let inputs = relaxed.inputs;
    let short: Vec<usize> = (0..ask.promises.len())
        .filter(|s| is_soft(&ask.promises[*s]) && account.violation(inputs, *s, &ask.promises[*s]) > SHORT)
        .collect();
    let mut search = Search { found: no_supply(relaxed), relaxed, ask, answer, account, spent: 0.0, cut: None };
    if !short.is_empty() {
        search.missed(&short)?;
    }
    search.starving()?;
    Ok(Conflicts { found: search.found, cut: search.cut })
}

/// A search under way: second solves tell conflicts apart.
struct Search<'s, 'i, 'l> {
    relaxed: &'s mut Relaxed<'i, 'l>,
    ask: &'s Ask<'s>,
    answer: &'s Answer,
    account: &'s Account,
    found: Vec<Found>,
    /// Passes of the second solves so far.
    spent: f64,
    cut: Option<Status>,
}

/// What a second solve is asked.
struct Question<'q> {
    weights: &'q [f64],
    promises: &'q [Promise],
    tolerance: f64,
    /// Passes that it may take, beyond those that the plan took.
    patience: f64,
    /// Whether it starts from where the plan ended.
    near: bool,
    /// Where its optimum is below this, that is all there is to know.
    hopeless_below: f64,
}

/// What came of a second solve.
enum Told {
    Answer(Box<Answer>),
    Hopeless,
    /// The caller or the clock has ended it.
    Cut,
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

/// What is bounded: the lower side, else the upper.
fn bound(p: &Promise) -> f64 {
    if p.lower.is_finite() { p.lower } else { p.upper }
}

/// How far a delivery is from what is promised.
fn distance(p: &Promise, d: f64) -> f64 {
    (p.lower - d).max(d - p.upper).max(0.0)
}

/// Whether a distance is more than solves leave open.
fn is_far(p: &Promise, distance: f64) -> bool {
    is_soft(p) && distance > FAR * bound(p).abs().max(1.0)
}

impl Search<'_, '_, '_> {
    /// A second solve, told to the observer as passes after the plan's own.
    fn solve(&mut self, question: &Question<'_>) -> Result<Told> {
        let (ask, answer) = (self.ask, self.answer);
        let before = answer.passes + self.spent;
        let hopeless = Cell::new(false);
        let observe = |passes: f64, bound: f64, _: f64| {
            hopeless.set(bound < question.hopeless_below);
            (ask.observe)(before + passes, answer.bound, answer.value);
        };
        let found = self.relaxed.solve(&Ask {
            weights: question.weights,
            promises: question.promises,
            tolerance: question.tolerance,
            passes: ask.passes.min(answer.passes + question.patience),
            cancelled: &|| hopeless.get() || (ask.cancelled)(),
            observe: &observe,
            start: question.near.then_some(answer.prices.as_slice()),
            points: if question.near { &answer.points } else { &[] },
            pass: None,
            ..*ask
        })?;
        self.spent += found.passes;
        Ok(match found.status {
            _ if found.bound < question.hopeless_below => Told::Hopeless,
            Status::Cancelled | Status::TimeLimit => {
                self.cut = Some(found.status);
                Told::Cut
            }
            _ => Told::Answer(Box::new(found)),
        })
    }

    /// Tells apart what no allocation meets from what is merely not worth its price.
    fn missed(&mut self, short: &[usize]) -> Result<()> {
        let promises = self.ask.promises;
        // At a penalty that nothing outbids all is met that can be; often that is all there is.
        let mut met = match self.eager(short, &[], self.least_worth())? {
            Told::Cut => return Ok(()),
            Told::Hopeless => None,
            Told::Answer(met) => Some(met),
        };
        let is_met = |met: &Answer| !(0..promises.len()).any(|s| is_far(&promises[s], distance(&promises[s], met.delivered[s])));
        let mut nearest = None;
        let mut relaxation = vec![0.0; promises.len()];
        if !met.as_deref().is_some_and(is_met) {
            let Told::Answer(least) = self.nearest()? else { return Ok(()) };
            for (s, p) in promises.iter().enumerate().filter(|(_, p)| is_soft(p)) {
                relaxation[s] = distance(p, least.delivered[s]);
            }
            nearest = Some(least);
        }
        let unreachable = |s: usize| is_far(&promises[s], relaxation[s]);
        let outbid: Vec<usize> = short.iter().copied().filter(|s| !unreachable(*s)).collect();
        if !outbid.is_empty() && (met.is_none() || (0..promises.len()).any(unreachable)) {
            // The price that would meet the others: with the relaxed bounds.
            let room: Vec<f64> = (0..promises.len()).map(|s| if unreachable(s) { relaxation[s] * 1.001 } else { 0.0 }).collect();
            let Told::Answer(again) = self.eager(&outbid, &room, f64::NEG_INFINITY)? else { return Ok(()) };
            met = Some(again);
        }
        for s in short {
            let (kind, least, price, against) = match (&nearest, &met) {
                (Some(nearest), _) if unreachable(*s) => {
                    (ConflictKind::Unreachable, Some(relaxation[*s]), None, opponents(self.relaxed, nearest, *s))
                }
                (_, Some(met)) => (ConflictKind::Outbid, None, Some(met.prices[*s]), payers(self.relaxed, self.answer, met)),
                (_, None) => continue,
            };
            self.found_goal(*s, kind, least, price, against);
        }
        // What the least relaxation asks of goals that this plan happens to meet.
        if let Some(nearest) = &nearest {
            for s in (0..promises.len()).filter(|s| unreachable(*s) && !short.contains(s)) {
                let against = opponents(self.relaxed, nearest, s);
                self.found_goal(s, ConflictKind::Unreachable, Some(relaxation[s]), None, against);
            }
        }
        Ok(())
    }

    /// No allocation that meets all soft goals is worth less.
    fn least_worth(&self) -> f64 {
        let worth = self.ask.weights.iter().zip(&self.relaxed.layout().totals).map(|(w, total)| w.min(0.0) * total).sum::<f64>();
        worth * (1.0 + 1e-9) - 1e-9 * self.answer.bound.abs().max(1.0)
    }

    /// A solve at penalties of `goals` that nothing outbids; where `room` is given the bounds are apart by as much.
    fn eager(&mut self, goals: &[usize], room: &[f64], hopeless_below: f64) -> Result<Told> {
        let stretch = |a: Option<f64>| a.map(|a| if a > 0.0 && a.is_finite() { a * 1e3 } else { a });
        let mut promises = self.ask.promises.to_vec();
        for (p, room) in promises.iter_mut().zip(room) {
            p.lower -= room;
            p.upper += room;
        }
        for s in goals {
            let p = &mut promises[*s];
            (p.below, p.above) = (stretch(p.below), stretch(p.above));
        }
        let (weights, tolerance) = (self.ask.weights, self.ask.tolerance);
        self.solve(&Question { weights, promises: &promises, tolerance, patience: PATIENCE, near: false, hopeless_below })
    }

    /// The least relaxation: nothing is worth anything but meeting the soft goals, each in parts of its bound.
    fn nearest(&mut self) -> Result<Told> {
        let one = |p: &Promise| {
            let unit = 1.0 / bound(p).abs().max(1.0);
            let soft = |a: Option<f64>| a.map(|a| if a > 0.0 && a.is_finite() { unit } else { a });
            Promise { below: soft(p.below), above: soft(p.above), fair: None, ..p.clone() }
        };
        let promises: Vec<Promise> = self.ask.promises.iter().map(one).collect();
        let silent = vec![0.0; self.ask.weights.len()];
        self.solve(&Question {
            weights: &silent,
            promises: &promises,
            tolerance: if self.relaxed.layout().rows <= SMALL { TOLERANCES.0 } else { TOLERANCES.1 },
            patience: 3.0 * PATIENCE,
            near: false,
            hopeless_below: f64::NEG_INFINITY,
        })
    }

    /// Lists a conflict about a goal.
    fn found_goal(&mut self, s: usize, kind: ConflictKind, least_relaxation: Option<f64>, price: Option<f64>, against: Vec<String>) {
        let bound = if kind == ConflictKind::Starves { 0.0 } else { bound(&self.ask.promises[s]) };
        let (reached, asked) = self.account.shown(&self.relaxed.inputs.goals.stated[s].ledger, bound);
        let row = Conflict { kind, goal: describe(self.relaxed, s), asked, reached, least_relaxation, price, against };
        self.found.push(Found { stated: Some(s), row });
    }

    /// The hard `at_least` shares that starve the whole: each without which alone the bound would be much higher, or else all of them together.
    fn starving(&mut self) -> Result<()> {
        let (ask, answer) = (self.ask, self.answer);
        let stated = &self.relaxed.inputs.goals.stated;
        let hard_share =
            |s: usize| stated[s].ledger.kind == GoalKind::Share && ask.promises[s].below == Some(f64::INFINITY) && answer.prices[s] < 0.0;
        // Weak duality: without the share the bound rises by at most what its price takes from the rest.
        let layout = self.relaxed.layout();
        let most = |s: usize| {
            let l = &stated[s].ledger;
            answer.prices[s].abs() * -l.outside * layout.places * layout.largest[l.measure as usize]
        };
        let threshold = STARVES * answer.bound.abs().max(1.0);
        let all: Vec<(usize, f64)> = (0..ask.promises.len()).filter(|s| hard_share(*s)).map(|s| (s, most(s))).collect();
        let before = self.found.len();
        for (s, _) in all.iter().filter(|(_, most)| *most > threshold) {
            self.starved(&[*s])?;
        }
        if self.found.len() == before && all.len() > 1 && all.iter().map(|(_, most)| most).sum::<f64>() > threshold {
            let together: Vec<usize> = all.iter().map(|(s, _)| *s).collect();
            self.starved(&together)?;
        }
        Ok(())
    }

    /// Lists these shares if without them the certified value is much above the bound.
    fn starved(&mut self, shares: &[usize]) -> Result<()> {
        let mut without = self.ask.promises.to_vec();
        for s in shares {
            (without[*s].lower, without[*s].below) = (f64::NEG_INFINITY, Some(0.0));
        }
        let starves = self.answer.bound + STARVES * self.answer.bound.abs().max(1.0);
        let question = Question {
            weights: self.ask.weights,
            promises: &without,
            tolerance: self.ask.tolerance.max(0.1 * STARVES),
            patience: PATIENCE,
            near: true,
            hopeless_below: starves,
        };
        let Told::Answer(free) = self.solve(&question)? else { return Ok(()) };
        // The value without them is certified, so the rise is real.
        if free.value > starves {
            let against = payers(self.relaxed, &free, self.answer);
            for s in shares {
                self.found_goal(*s, ConflictKind::Starves, None, Some(self.answer.prices[*s]), against.clone());
            }
        }
        Ok(())
    }
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
