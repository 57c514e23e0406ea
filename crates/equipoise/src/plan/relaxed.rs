//! The relaxed problem over one packed sample, in the units of the problem: promises in, prices and deliveries out.

use super::certificate::Status;
use super::checkpoint::Recorded;
use super::dual::{Dual, Group, Membership, NONE, Row, Units};
use super::inputs::Inputs;
use super::parts;
use super::recovery::{Point, Source};
use super::settings::Settings;
use super::solve::{Limits, Start, solve};
use super::warm::{Earlier, Pass};
use crate::error::Result;
use crate::exchange::{Exchange, Layout, Local};
use crate::model::{Ledger, Scope};
use crate::policy::PRICE_LIMIT;
use crate::utility::{Bounded, Fairness, Interval, MaxMin, Promise};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Candidate rows up to which a problem is finished exactly where smoothing does not.
pub(super) const SMALL: u64 = 20_000;

/// Candidate rows up to which the undecided ones of a problem are looked for.
const POLISHED: u64 = 4_000_000;

/// Blocks whose decisions are rebuilt together.
const WAVE: usize = 64;

/// Smoothing, in inner score units, at which only exact ties are shared.
const NO_SMOOTHING: f64 = 1e-9;

/// One packed sample and what its goals are about.
pub(super) struct Relaxed<'i, 'l> {
    pub(super) inputs: &'i Inputs<'l>,
    pub(super) local: Recorded,
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
    /// Answers of an earlier solve on this sample to start from, and its pass at these prices.
    pub(super) points: &'a [Point],
    pub(super) pass: Option<&'a Pass>,
}

impl<'a> Ask<'a> {
    /// What a caller's settings ask, from where an earlier solve ended.
    pub(super) fn new(
        inputs: &'a Inputs<'_>,
        promises: &'a [Promise],
        settings: &Settings<'_>,
        earlier: &'a Earlier<'_>,
        started: Instant,
        cancelled: &'a dyn Fn() -> bool,
        observe: &'a dyn Fn(f64, f64, f64),
    ) -> Self {
        Self {
            weights: &inputs.weights,
            promises,
            tolerance: settings.tolerance,
            passes: f64::from(settings.pass_limit),
            started,
            time: settings.time_limit,
            cancelled,
            observe,
            start: earlier.prices.as_deref(),
            points: earlier.points,
            pass: earlier.pass,
        }
    }
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
    /// What the point delivers, by column and measure.
    pub(super) cells: Vec<f64>,
    /// What the next solve on this sample may start from.
    pub(super) points: Vec<Point>,
    pub(super) pass: Option<Pass>,
}

/// Which part of its row's price is a stated ledger's.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    Both,
    Below,
    Above,
    Fair,
    Member,
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
            let stated = &self.inputs.goals.stated;
            // Of many promises that pay differently, those for many picks are what prices have to work on.
            let paid = promises.iter().zip(stated).filter_map(|(p, s)| {
                let (least, most) = p.price_range();
                let mean = mean(s.ledger.measure as usize);
                let share = || layout.places * mean / stated.iter().filter(|o| o.ledger.goal == s.ledger.goal).count() as f64;
                let bound = |b: f64| if b.is_finite() { b.abs().max(1.0) } else { 1.0 };
                let (end, amount) = match p.fair {
                    Some(Fairness::Alpha(fair)) => (fair.slope(0.5 * share()), share()),
                    Some(Fairness::Member { weight, t }) => (weight / t, share()),
                    None if least < 0.0 && least.is_finite() => (-least, bound(p.lower)),
                    None if most > 0.0 && most.is_finite() => (most, bound(p.upper)),
                    None => return None,
                };
                Some((end * mean, amount / mean))
            });
            let (picks, sum) = paid.fold((0.0, 0.0), |(n, s), (end, amount)| (n + amount, s + amount * end));
            if picks > 0.0 { sum / picks } else { 1.0 }
        };
        Units { score, delivery, weight }
    }

    /// Rows for promises, the groups among them, and where each stated ledger went.
    fn rows(&self, promises: &[Promise], units: &Units) -> (Vec<Row>, Vec<Group>, Vec<(usize, Part)>) {
        let mut rows: Vec<Row> = Vec::new();
        let mut place: Vec<(usize, Part)> = Vec::with_capacity(promises.len());
        let mut groups: Vec<(u32, Group)> = Vec::new();
        let mut open: HashMap<(Scope, u32, u32), usize> = HashMap::new();
        for (s, promise) in self.inputs.goals.stated.iter().zip(promises) {
            let l = &s.ledger;
            let (row, part) = self.row(l, promise, units);
            // Goals of one ledger share a row where one price serves them all.
            let mut at = None;
            if row.b == 0.0 && !row.is_pinned() {
                at = open.get(&(l.scope, l.key, l.measure)).copied().filter(|at| share(&mut rows[*at], &row));
                if at.is_none() {
                    open.entry((l.scope, l.key, l.measure)).or_insert(rows.len());
                }
            }
            let at = at.unwrap_or_else(|| {
                rows.push(row);
                rows.len() - 1
            });
            place.push((at, part));
            if let Some(Fairness::Member { weight, t }) = promise.fair {
                let own = groups.iter().position(|g| g.0 == l.goal).unwrap_or_else(|| {
                    let goal = MaxMin { weight: member(weight, 1.0, l.measure, units).0, members: Vec::new() };
                    groups.push((l.goal, Group { goal, rows: Vec::new(), top: f64::INFINITY, capped: false }));
                    groups.len() - 1
                });
                groups[own].1.rows.push(at);
                groups[own].1.goal.members.push(t);
            }
        }
        for (_, g) in &mut groups {
            let supply = |r: &Row| self.supply(r.measure) / units.delivery[r.measure];
            let tops = g.rows.iter().zip(&g.goal.members).map(|(i, t)| rows[*i].hi.min(supply(&rows[*i])) / t);
            g.top = tops.fold(f64::INFINITY, f64::min);
            g.capped = g.rows.iter().any(|i| rows[*i].hi.is_finite());
        }
        for r in &mut rows {
            limit(r, PRICE_LIMIT / units.price(r.measure));
        }
        (rows, groups.into_iter().map(|g| g.1).collect(), place)
    }

    /// The row of one promise, in inner units.
    fn row(&self, l: &Ledger, promise: &Promise, units: &Units) -> (Row, Part) {
        let j = l.measure as usize;
        let interval = promise.interval();
        // A bound in deliveries' inner units; sums of shares are bounds of 0.
        let (lo, hi) = (interval.lower / units.delivery[j], interval.upper / units.delivery[j]);
        let (below, above) = (interval.below / units.price(j), interval.above / units.price(j));
        let mut row = Row {
            measure: j,
            scope: l.scope,
            key: l.key as usize,
            a: l.inside - l.outside,
            b: l.outside,
            lo: if below > 0.0 { lo } else { f64::NEG_INFINITY },
            hi: if above > 0.0 { hi } else { f64::INFINITY },
            below,
            above,
            price_min: -below,
            price_max: above,
            fair: None,
            member: None,
        };
        let part = match promise.fair {
            Some(Fairness::Alpha(fair)) => {
                row.fair = Some(fair.with_supply(self.supply(j)).in_units(units.delivery[j], units.value()));
                Part::Fair
            }
            Some(Fairness::Member { weight, t }) => {
                row.member = Some(t);
                // The group's prices keep to their range together.
                row.price_min = -1.001 * member(weight, t, l.measure, units).1;
                Part::Member
            }
            None if row.hi.is_infinite() => Part::Below,
            None if row.lo.is_infinite() => Part::Above,
            None => Part::Both,
        };
        price(&mut row);
        (row, part)
    }

    /// No ledger of this measure can hold more.
    fn supply(&self, measure: usize) -> f64 {
        let layout = self.layout();
        let places = layout.places * layout.largest.get(measure).copied().unwrap_or(1.0);
        // Fixed-point sums may exceed it by their rounding.
        places.min(layout.totals[measure]) * (1.0 + 1e-9)
    }

    /// The dual problem of promises, prices to start from, and where each stated ledger went.
    #[allow(clippy::type_complexity)]
    pub(super) fn dual(
        &mut self,
        weights: &[f64],
        promises: &[Promise],
        start: Option<&[f64]>,
    ) -> (Dual<'_>, Vec<f64>, Option<Vec<f64>>, Vec<(usize, Part)>) {
        let units = self.units(weights, promises);
        let members = self.membership();
        let (rows, groups, place) = self.rows(promises, &units);
        let inner = |w: f64, j: usize| w * units.delivery[j] / (units.weight * units.score);
        let measures = self.layout().measures;
        let mut weights: Vec<f64> = weights.iter().enumerate().map(|(j, w)| inner(*w, j)).collect();
        // What breaks ties counts as worth here, so that bound and value meet; nobody else sees this value.
        weights.extend(self.tie_breadth.map(|breadth| inner(breadth, measures - 1)));
        let y = self.first_prices(&rows, &groups, &place, &units, start);
        let cold = start.is_some().then(|| self.first_prices(&rows, &groups, &place, &units, None));
        (Dual::new(&mut self.local, rows, groups, members, units, weights), y, cold, place)
    }

    /// Prices to start from: those of another plan, and for fairness where there are none.
    fn first_prices(&self, rows: &[Row], groups: &[Group], place: &[(usize, Part)], units: &Units, start: Option<&[f64]>) -> Vec<f64> {
        let mut y = vec![0.0; rows.len()];
        if let Some(start) = start {
            for ((p, (at, _)), s) in start.iter().zip(place).zip(&self.inputs.goals.stated) {
                y[*at] += p / units.price(s.ledger.measure as usize);
            }
        }
        let mut sharing: HashMap<u32, usize> = HashMap::new();
        place
            .iter()
            .zip(&self.inputs.goals.stated)
            .filter(|(p, _)| p.1 == Part::Fair)
            .for_each(|(_, s)| *sharing.entry(s.ledger.goal).or_default() += 1);
        for ((at, part), s) in place.iter().zip(&self.inputs.goals.stated) {
            // Fairness starts from half an equal share.
            if let (Part::Fair, Some(fair), true) = (*part, &rows[*at].fair, y[*at] == 0.0) {
                let l = &s.ledger;
                let share = self.layout().places * units.delivery[l.measure as usize] / units.delivery[0] / sharing[&l.goal] as f64;
                y[*at] = -fair.slope(0.5 * share / units.delivery[l.measure as usize]);
            }
        }
        y.iter_mut().zip(rows).for_each(|(y, r)| *y = y.clamp(r.price_min, r.price_max));
        for g in groups {
            if g.rows.iter().all(|i| y[*i] == 0.0) {
                g.rows.iter().zip(&g.goal.members).for_each(|(i, t)| y[*i] = -g.goal.weight / (t * g.rows.len() as f64));
            }
            g.project(&mut y);
        }
        y
    }

    /// By how many exposures, over all columns, the decisions that these prices make by themselves differ from an answer's.
    pub(super) fn undecided(&mut self, weights: &[f64], promises: &[Promise], prices: &[f64], point: &Point) -> Result<f64> {
        let (mut dual, y, _, _) = self.dual(weights, promises, Some(prices));
        let e = dual.evaluate(&y, NO_SMOOTHING)?;
        let exposures = |cells: &[f64]| -> Vec<f64> { cells.iter().step_by(dual.measures()).copied().collect() };
        let (alone, meant) = (exposures(&e.cells), exposures(&point.cells));
        Ok(alone.iter().zip(&meant).map(|(a, m)| (a - m).abs()).sum::<f64>() * dual.units.delivery[0])
    }

    /// Solves the relaxed problem.
    pub(super) fn solve(&mut self, ask: &Ask<'_>) -> Result<Answer> {
        let stated = &self.inputs.goals.stated;
        let packed = self.local.packed().clone();
        let (mut dual, y, cold, place) = self.dual(ask.weights, ask.promises, ask.start);
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
            sample: (packed.layout().rows <= POLISHED).then_some(packed.as_ref()),
        };
        let start = Start { y, cold, points: ask.points.to_vec(), pass: ask.pass.cloned() };
        let solution = solve(&mut dual, start, &limits)?;
        let units = &dual.units;
        let prices = place
            .iter()
            .zip(stated)
            .map(|((at, part), s)| {
                let (row, p) = (&dual.rows[*at], solution.prices[*at]);
                let bounds = row.bounds_price(p);
                let own = match part {
                    Part::Both => bounds,
                    Part::Below => bounds.min(0.0),
                    Part::Above => bounds.max(0.0),
                    Part::Fair => p - bounds,
                    Part::Member => p.min(0.0),
                };
                (own * units.price(s.ledger.measure as usize)).clamp(-PRICE_LIMIT, PRICE_LIMIT)
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
            cells: solution.point.cells.iter().enumerate().map(|(i, v)| v * units.delivery[i % units.delivery.len()]).collect(),
            point: solution.point,
            points: solution.points,
            pass: solution.pass,
        })
    }

    /// The decisions of an answer, by candidate of the sample.
    pub(super) fn decisions(&self, point: &Point) -> Result<Vec<f64>> {
        let blocks = self.local.packed().blocks();
        let mut x = Vec::with_capacity(self.layout().rows as usize);
        // Some at a time: no more than those are there twice.
        for some in (0..blocks).step_by(WAVE).map(|first| first..(first + WAVE).min(blocks)) {
            for block in parts::each(&self.local, some.len(), |i| decisions_of(&self.local, some.start + i, point)) {
                x.extend(block?);
            }
        }
        Ok(x)
    }
}

/// The decisions of an answer, by candidate of a block.
pub(super) fn decisions_of(local: &Local, block: usize, point: &Point) -> Result<Vec<f64>> {
    let packed = local.packed();
    let span = packed.span(block);
    let mut x = vec![0.0; span.len()];
    let mut column_of = vec![0; span.len()];
    packed.each_candidate_of(block..block + 1, |_, i, column, _| column_of[i - span.start] = column)?;
    for part in &point.parts {
        let mut add = |i: usize, v: f64| x[i - span.start] += part.share * part.factor[column_of[i - span.start]] * v;
        match part.source.as_ref() {
            Source::Pass(ask) => local.decide_some(block..block + 1, ask, add)?,
            Source::Shifted(ask, charges) => local.decide_shifted(block..block + 1, ask, Some(charges), add)?,
            Source::Given(given) => span.clone().for_each(|i| add(i, given[i])),
        }
    }
    Ok(x)
}

/// A `max_min` weight in inner units, and the most that the price of a member can be.
fn member(weight: f64, t: f64, measure: u32, units: &Units) -> (f64, f64) {
    let weight = weight / units.price(measure as usize);
    (weight, weight / t)
}

/// The prices that a row can have.
fn price(row: &mut Row) {
    if let Some(fair) = row.fair {
        let bounds = Interval { lower: row.lo, upper: row.hi, below: row.below, above: row.above };
        (row.price_min, row.price_max) = Bounded { fair, interval: bounds }.price_range();
        if row.above == 0.0 && fair.alpha() > 0.0 {
            // A worth that f64 cannot hold is none.
            row.price_max = row.price_max.min(-f64::MIN_POSITIVE);
            row.price_min = row.price_min.min(row.price_max);
        }
    }
}

/// Keeps a row's prices to what a policy can hold: at any prices the bound is one, though maybe not the least. Members of a group share its weight.
fn limit(row: &mut Row, most: f64) {
    row.price_max = row.price_max.min(most);
    if row.member.is_none() {
        row.price_min = row.price_min.max(-most).min(row.price_max);
    }
}

/// A note where prices are as large as a policy can hold.
pub(super) fn note_of_limit(prices: &[f64]) -> Option<String> {
    let count = prices.iter().filter(|p| p.abs() >= PRICE_LIMIT * (1.0 - 1e-9)).count();
    (count > 0).then(|| {
        format!(
            "{count} prices are the largest that a policy can hold, {PRICE_LIMIT:e}: objectives are worth too much beside what goals allow"
        )
    })
}

/// Takes the goal of another row of the same ledger into this one, if one price serves both. Of a floor, a cap and a place in a group only one
/// can bind; a smooth utility goes with bounds, and its price is then told apart by the delivery.
fn share(own: &mut Row, other: &Row) -> bool {
    let below = |r: &Row| r.lo.is_finite() || r.member.is_some();
    let sides = (below(own) && below(other)) || (own.hi.is_finite() && other.hi.is_finite());
    let fair = (own.fair.is_some() || other.fair.is_some()) && (own.member.is_some() || other.member.is_some());
    if sides || fair || (own.fair.is_some() && other.fair.is_some()) || own.lo.max(other.lo) > own.hi.min(other.hi) {
        return false;
    }
    (own.lo, own.hi) = (own.lo.max(other.lo), own.hi.min(other.hi));
    (own.below, own.above) = (own.below.max(other.below), own.above.max(other.above));
    (own.price_min, own.price_max) = (own.price_min.min(other.price_min), own.price_max.max(other.price_max));
    own.fair = own.fair.or(other.fair);
    own.member = own.member.or(other.member);
    price(own);
    true
}
