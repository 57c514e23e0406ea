//! The relaxed problem over one packed sample, in the units of the problem: promises in, prices and deliveries out.

use super::certificate::Status;
use super::dual::{Dual, Membership, NONE, Row, Units};
use super::inputs::Inputs;
use super::recovery::{Point, Source};
use super::solve::{Limits, solve};
use crate::error::Result;
use crate::exchange::{Exchange, Layout, Local};
use crate::model::Scope;
use crate::utility::Promise;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Candidate rows up to which a problem is finished exactly where smoothing does not.
const SMALL: u64 = 20_000;

/// Smoothing, in inner score units, at which only exact ties are shared.
const NO_SMOOTHING: f64 = 1e-9;

/// One packed sample and what its goals are about.
pub(super) struct Relaxed<'i, 'l> {
    pub(super) inputs: &'i Inputs<'l>,
    pub(super) local: Local,
    /// Market and surface of each segment class.
    pub(super) classes: Vec<(u32, u32)>,
    /// Extra measure that breaks ties, with its breadth.
    pub(super) tie_breadth: Option<f64>,
    /// Mean worth of the best candidate of an opportunity, under the problem's own objectives.
    pub(super) best_worth: f64,
}

/// What a solve is asked beside its promises.
pub(super) struct Ask<'a> {
    pub(super) weights: &'a [f64],
    pub(super) promises: &'a [Promise],
    pub(super) tolerance: f64,
    pub(super) passes: f64,
    pub(super) started: Instant,
    pub(super) time: Option<Duration>,
    pub(super) cancelled: &'a dyn Fn() -> bool,
    /// Called with passes, bound and value.
    pub(super) observe: &'a dyn Fn(f64, f64, f64),
    /// Prices of the stated ledgers to start from.
    pub(super) start: Option<&'a [f64]>,
}

/// What a solve found.
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) bound: f64,
    pub(super) value: f64,
    pub(super) passes: f64,
    /// By stated ledger.
    pub(super) prices: Vec<f64>,
    /// By stated ledger.
    pub(super) delivered: Vec<f64>,
    pub(super) point: Point,
}

/// Which row carries a stated ledger, and which part of its price.
#[derive(Clone, Copy)]
enum Side {
    Both,
    Below,
    Above,
}

impl Relaxed<'_, '_> {
    pub(super) fn layout(&self) -> &Layout {
        self.local.layout()
    }

    fn membership(&self) -> Membership {
        let roster = &self.inputs.roster;
        let asks = |scope: Scope| self.inputs.goals.stated.iter().any(|s| s.ledger.scope == scope);
        let mut members = Membership::default();
        for scope in [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor] {
            let at = scope as usize;
            if !asks(scope) {
                members.campaign[at] = vec![NONE; roster.len()];
                continue;
            }
            members.keys[at] = roster.keys(scope);
            members.campaign[at] = (0..roster.len() as u32)
                .map(|k| if scope == Scope::Campaign { k } else { roster.party(scope, k) })
                .map(|k| if k == u32::MAX { NONE } else { k as usize })
                .collect();
        }
        for (at, scope) in [(0, Scope::Market), (1, Scope::Surface)] {
            members.keys[4 + at] = if asks(scope) { roster.keys(scope) } else { 0 };
            let log = self.inputs.log;
            members.class[at] = self
                .classes
                .iter()
                .map(|c| {
                    let (index, key) = if at == 0 {
                        (c.0, (c.0 != u32::MAX).then(|| roster.market(log.markets.name(c.0))).flatten())
                    } else {
                        (c.1, (c.1 != u32::MAX).then(|| roster.surface(log.surfaces.name(c.1))).flatten())
                    };
                    key.filter(|_| index != u32::MAX && members.keys[4 + at] > 0).map_or(NONE, |k| k as usize)
                })
                .collect();
        }
        members.keys[6] = 1;
        members
    }

    fn units(&self, weights: &[f64], promises: &[Promise]) -> Units {
        let layout = self.layout();
        let weight = if layout.opportunities > 0 { layout.weight / layout.opportunities as f64 } else { 1.0 };
        let weight = if weight > 0.0 { weight } else { 1.0 };
        let mean = |j: usize| if layout.totals[j] > 0.0 && layout.totals[0] > 0.0 { layout.totals[j] / layout.totals[0] } else { 1.0 };
        let delivery: Vec<f64> = (0..layout.measures).map(|j| mean(j) * weight).collect();
        // The worth of a typical pick; where objectives are silent, what a typical promise would pay for one.
        let worth = if weights.iter().any(|w| *w != 0.0) { self.best_worth } else { 0.0 };
        let score = if worth > 0.0 {
            worth
        } else {
            let paid = promises.iter().zip(&self.inputs.goals.stated).filter_map(|(p, s)| {
                let (least, most) = p.price_range();
                let end = if least < 0.0 && least.is_finite() {
                    -least
                } else if most > 0.0 && most.is_finite() {
                    most
                } else {
                    return None;
                };
                Some(end * mean(s.ledger.measure as usize))
            });
            let (n, sum) = paid.fold((0.0, 0.0), |(n, s), p| (n + 1.0, s + p));
            if n > 0.0 { sum / n } else { 1.0 }
        };
        Units { score, delivery, weight }
    }

    /// Rows for promises, and where each stated ledger went.
    fn rows(&self, promises: &[Promise], units: &Units) -> (Vec<Row>, Vec<(usize, Side)>) {
        let mut rows: Vec<Row> = Vec::new();
        let mut place = Vec::with_capacity(promises.len());
        let mut open: HashMap<(Scope, u32, u32), usize> = HashMap::new();
        for (s, promise) in self.inputs.goals.stated.iter().zip(promises) {
            let l = &s.ledger;
            let j = l.measure as usize;
            let (least, most) = promise.price_range();
            // A bound in deliveries' inner units; sums of shares are bounds of 0.
            let (lo, hi) = (promise.lower / units.delivery[j], promise.upper / units.delivery[j]);
            let (price_min, price_max) = (least / units.price(j), most / units.price(j));
            let row = Row {
                measure: j,
                scope: l.scope,
                key: l.key as usize,
                a: l.inside - l.outside,
                b: l.outside,
                lo: if price_min < 0.0 { lo } else { f64::NEG_INFINITY },
                hi: if price_max > 0.0 { hi } else { f64::INFINITY },
                price_min,
                price_max,
            };
            // A cap and a floor of one ledger share a row: only one of them can bind.
            if row.b == 0.0 {
                if let Some(at) = open.get(&(l.scope, l.key, l.measure)).copied() {
                    let other: &mut Row = &mut rows[at];
                    if row.hi.is_infinite() && other.lo.is_infinite() && row.lo <= other.hi {
                        (other.lo, other.price_min) = (row.lo, row.price_min);
                        let owner = open_owner(&place, at);
                        place[owner] = (at, Side::Above);
                        place.push((at, Side::Below));
                        continue;
                    }
                    if row.lo.is_infinite() && other.hi.is_infinite() && other.lo <= row.hi {
                        (other.hi, other.price_max) = (row.hi, row.price_max);
                        let owner = open_owner(&place, at);
                        place[owner] = (at, Side::Below);
                        place.push((at, Side::Above));
                        continue;
                    }
                } else {
                    open.insert((l.scope, l.key, l.measure), rows.len());
                }
            }
            place.push((rows.len(), Side::Both));
            rows.push(row);
        }
        (rows, place)
    }

    /// The dual problem of promises, prices to start from, and where each stated ledger went.
    fn dual(&mut self, weights: &[f64], promises: &[Promise], start: Option<&[f64]>) -> (Dual<'_>, Vec<f64>, Vec<(usize, Side)>) {
        let units = self.units(weights, promises);
        let members = self.membership();
        let (rows, place) = self.rows(promises, &units);
        let inner = |w: f64, j: usize| w * units.delivery[j] / (units.weight * units.score);
        let measures = self.layout().measures;
        let mut weights: Vec<f64> = weights.iter().enumerate().map(|(j, w)| inner(*w, j)).collect();
        let mut tie = vec![0.0; measures];
        if let Some(breadth) = self.tie_breadth {
            weights.push(0.0);
            tie[measures - 1] = inner(breadth, measures - 1);
        }
        let mut y = vec![0.0; rows.len()];
        if let Some(start) = start {
            for ((p, (at, _)), s) in start.iter().zip(&place).zip(&self.inputs.goals.stated) {
                let r = &rows[*at];
                y[*at] = (y[*at] + p / units.price(s.ledger.measure as usize)).clamp(r.price_min, r.price_max);
            }
        }
        (Dual::new(&mut self.local, rows, members, units, weights, tie), y, place)
    }

    /// By how many exposures, over all columns, the decisions that these prices make by themselves differ from an answer's.
    pub(super) fn undecided(&mut self, weights: &[f64], promises: &[Promise], prices: &[f64], point: &Point) -> Result<f64> {
        let (mut dual, y, _) = self.dual(weights, promises, Some(prices));
        let e = dual.evaluate(&y, NO_SMOOTHING)?;
        let exposures = |cells: &[f64]| -> Vec<f64> { cells.iter().step_by(dual.measures()).copied().collect() };
        let (alone, meant) = (exposures(&e.cells), exposures(&point.cells));
        Ok(alone.iter().zip(&meant).map(|(a, m)| (a - m).abs()).sum::<f64>() * dual.units.delivery[0])
    }

    /// Solves the relaxed problem.
    pub(super) fn solve(&mut self, ask: &Ask<'_>) -> Result<Answer> {
        let stated = &self.inputs.goals.stated;
        let packed = self.local.packed().clone();
        let (mut dual, y, place) = self.dual(ask.weights, ask.promises, ask.start);
        let value_unit = dual.units.value();
        let observe = |passes: f64, bound: f64, value: f64| (ask.observe)(passes, bound * value_unit, value * value_unit);
        let limits = Limits {
            tolerance: ask.tolerance,
            passes: ask.passes,
            started: ask.started,
            time: ask.time,
            cancelled: ask.cancelled,
            observe: &observe,
            small: (packed.layout().rows <= SMALL).then_some(packed.as_ref()),
        };
        let solution = solve(&mut dual, y, ask.start.is_some(), &limits)?;
        let units = &dual.units;
        let prices = place
            .iter()
            .zip(stated)
            .map(|((at, side), s)| {
                let p = solution.prices[*at] * units.price(s.ledger.measure as usize);
                match side {
                    Side::Both => p,
                    Side::Below => p.min(0.0),
                    Side::Above => p.max(0.0),
                }
            })
            .collect();
        let delivered = place.iter().zip(stated).map(|((at, _), s)| solution.point.d[*at] * units.delivery[s.ledger.measure as usize]);
        Ok(Answer {
            status: solution.status,
            bound: solution.bound * value_unit,
            value: solution.value * value_unit,
            passes: dual.passes,
            prices,
            delivered: delivered.collect(),
            point: solution.point,
        })
    }

    /// The decisions of an answer, by candidate of the sample.
    pub(super) fn decisions(&self, point: &Point) -> Vec<f64> {
        let packed = self.local.packed();
        let mut x = vec![0.0; self.layout().rows as usize];
        let column_of = packed.columns_of();
        for part in &point.parts {
            let mut add = |i: usize, v: f64| x[i] += part.share * part.factor[column_of[i] as usize] * v;
            match part.source.as_ref() {
                Source::Pass(ask) => self.local.decide(ask, add),
                Source::Given(given) => given.iter().enumerate().for_each(|(i, v)| add(i, *v)),
            }
        }
        x
    }
}

/// The stated ledger that opened a row.
fn open_owner(place: &[(usize, Side)], row: usize) -> usize {
    place.iter().rposition(|p| p.0 == row).unwrap_or(0)
}
