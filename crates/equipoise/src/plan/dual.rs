//! The dual problem: one price per row, deliveries as linear maps of the pass's cells.
//!
//! Inside, everything is in units that make numbers near 1: scores in `scale`, measures in their mean, weights in their mean.

use super::incidence::Incidence;
use super::model::Shape;
use super::warm::Pass;
use crate::error::Result;
use crate::exchange::{Ask, Exchange, Layout, Prices, Sums};
use crate::model::Scope;
use crate::utility::{AlphaFair, Bounded, Interval, MaxMin, Utility as _};
use std::sync::{Arc, OnceLock};

/// One row: what is promised on `a * D(members) + b * D(all)`, priced within `[price_min, price_max]`. Several goals of one ledger share a row where
/// one price serves them all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) measure: usize,
    pub(super) scope: Scope,
    pub(super) key: usize,
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) lo: f64,
    pub(super) hi: f64,
    /// Cost of a unit below `lo` and above `hi`: infinite where hard, 0 where there is no bound.
    pub(super) below: f64,
    pub(super) above: f64,
    pub(super) price_min: f64,
    pub(super) price_max: f64,
    /// A smooth utility of the same delivery.
    pub(super) fair: Option<AlphaFair>,
    /// A place in a `max_min` group: its weight. The row then has no `lo` of its own; the group's level sets it.
    pub(super) member: Option<f64>,
}

impl Row {
    /// The row's bounds, or others in their place.
    fn interval(&self, (lo, hi): (f64, f64)) -> Interval {
        Interval { lower: lo, upper: hi, below: self.below, above: self.above }
    }

    fn bounded(&self, bounds: (f64, f64)) -> Option<Bounded> {
        self.fair.map(|fair| Bounded { fair, interval: self.interval(bounds) })
    }

    /// Utility of a delivery: of the smooth part, minus the penalties; hard sides and groups are seen to elsewhere.
    pub(super) fn utility(&self, d: f64) -> f64 {
        // Rounding may leave a delivery of nothing a little below 0, where the smooth part ends.
        self.fair.map_or(0.0, |f| f.utility(d.max(0.0))) - self.interval((self.lo, self.hi)).penalty(d)
    }

    /// The conjugate at a price within its range, with these bounds: `hi p` above 0 and `lo p` below for an interval. A member's share of the
    /// group's is 0.
    pub(super) fn conjugate(&self, (lo, hi): (f64, f64), p: f64) -> f64 {
        match self.bounded((lo, hi)) {
            Some(both) => both.conjugate(p),
            None if p > 0.0 => hi * p,
            None if p < 0.0 && self.member.is_none() => lo * p,
            None => 0.0,
        }
    }

    /// A bound on the terms that the conjugate is added up from.
    fn size(&self, p: f64) -> f64 {
        match self.bounded((self.lo, self.hi)) {
            Some(both) => {
                let d = both.delivery(p);
                let worth = both.fair.utility(d).abs();
                worth + both.interval.penalty(d) + if p == 0.0 { 0.0 } else { (p * d).abs() }
            }
            None => self.conjugate((self.lo, self.hi), p).abs(),
        }
    }

    /// What the row would take at a price: the slope of the conjugate, for an interval on the side that a delivery of `d` pulls to.
    pub(super) fn wants(&self, bounds: (f64, f64), p: f64, d: f64) -> f64 {
        let (lo, hi) = bounds;
        match self.bounded(bounds) {
            Some(both) => both.delivery(p),
            None if p > 0.0 => hi,
            None if p < 0.0 => lo,
            None => d.clamp(lo, hi.max(lo)),
        }
    }

    /// The curvature of the conjugate: 0 for intervals.
    pub(super) fn bend(&self, bounds: (f64, f64), p: f64) -> f64 {
        self.bounded(bounds).map_or(0.0, |both| both.bend(p))
    }

    /// The part of a price that pays for bounds.
    pub(super) fn bounds_price(&self, p: f64) -> f64 {
        match self.bounded((self.lo, self.hi)) {
            Some(both) => both.split(p).1,
            None if self.member.is_some() => p.max(0.0),
            None => p,
        }
    }

    /// Where a price may go in one step towards `to`: the model of a smooth utility holds as long as the delivery that it stands for changes a few
    /// times, not to nothing or to everything.
    pub(super) fn reach(&self, bounds: (f64, f64), from: f64, to: f64) -> f64 {
        let to = to.clamp(self.price_min, self.price_max);
        let Some(both) = self.bounded(bounds) else { return to };
        let wide = WIDE_STEP.powf(both.fair.alpha().recip().max(1.0));
        let (offset, d) = (both.fair.offset(), both.delivery(from));
        let (least, most) = ((d + offset) / wide - offset, (d + offset) * wide - offset);
        if to > from && most < both.fair.supply() {
            to.min(both.prices(most).1.max(from))
        } else if to < from && least > 0.0 {
            to.max(both.prices(least).0.min(from))
        } else {
            to
        }
    }

    /// Whether missing the side above costs a penalty rather than feasibility.
    pub(super) fn soft_above(&self) -> bool {
        self.above.is_finite()
    }

    /// The same below.
    pub(super) fn soft_below(&self) -> bool {
        self.below.is_finite()
    }

    /// Whether only one price is possible.
    pub(super) fn is_pinned(&self) -> bool {
        self.price_min == self.price_max
    }
}

/// By how much a step may multiply or divide the delivery that the price of a smooth utility stands for, and the price itself at small exponents.
const WIDE_STEP: f64 = 5.0;

/// A `max_min` group: its members' prices keep `sum of -p t = weight`, or `<=` where the level stands at its top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) goal: MaxMin,
    /// The members' rows.
    pub(super) rows: Vec<usize>,
    /// No member can have more than this of its weight.
    pub(super) top: f64,
    /// Whether some member's row also has a cap: then the level may stand at the top, and a part of the weight may go unpaid.
    pub(super) capped: bool,
}

impl Group {
    /// The part of the weight that no member's price pays for.
    pub(super) fn unpaid(&self, y: &[f64]) -> f64 {
        self.goal.weight + self.rows.iter().zip(&self.goal.members).map(|(i, t)| t * y[*i].min(0.0)).sum::<f64>()
    }

    /// Moves the members' prices to the nearest that share the weight. Those above 0 pay for caps and stay; those at 0 stay while others can pay.
    pub(super) fn project(&self, y: &mut [f64]) {
        if self.capped && self.unpaid(y) > 0.0 {
            return;
        }
        let members = |keep: &dyn Fn(f64) -> bool| -> Vec<usize> { (0..self.rows.len()).filter(|g| keep(y[self.rows[*g]])).collect() };
        let mut paying = members(&|p| p < 0.0);
        if paying.is_empty() {
            paying = members(&|p| p <= 0.0);
        }
        if paying.is_empty() {
            return;
        }
        let part = MaxMin { weight: self.goal.weight, members: paying.iter().map(|g| self.goal.members[*g]).collect() };
        let mut prices: Vec<f64> = paying.iter().map(|g| y[self.rows[*g]]).collect();
        part.project(&mut prices);
        paying.iter().zip(prices).for_each(|(g, p)| y[self.rows[*g]] = p);
    }

    /// The level that the members' deliveries say, each counted by what its price pays.
    fn level(&self, y: &[f64], d: &[f64]) -> f64 {
        if self.capped && self.unpaid(y) > 1e-9 * self.goal.weight {
            return self.top;
        }
        let (mut held, mut paid) = (0.0, 0.0);
        for (i, t) in self.rows.iter().zip(&self.goal.members).filter(|(i, _)| y[**i] < 0.0) {
            held -= y[*i] * d[*i];
            paid -= y[*i] * t;
        }
        if paid > 0.0 { (held / paid).min(self.top) } else { self.top }
    }

    /// Whether the prices of the next step have to keep sharing the weight.
    pub(super) fn binds(&self, e: &Eval, g: usize, y: &[f64]) -> bool {
        !self.capped || (self.unpaid(y) <= 1e-9 * self.goal.weight && e.levels[g] < self.top)
    }
}

/// The key of every campaign and segment class in each scope; `usize::MAX` where it has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Membership {
    /// By scope (campaign, artist, label, licensor), by campaign.
    pub(super) campaign: [Vec<usize>; 4],
    /// By scope (market, surface), by class.
    pub(super) class: [Vec<usize>; 2],
    /// How many keys each of the seven scopes has.
    pub(super) keys: [usize; 7],
}

/// Units of the inner problem.
#[derive(Debug, Clone)]
pub(super) struct Units {
    /// One inner score unit, in scores.
    pub(super) score: f64,
    /// One inner delivery unit of each measure: mean amount times mean weight.
    pub(super) delivery: Vec<f64>,
    /// Mean weight of an opportunity.
    pub(super) weight: f64,
}

impl Units {
    /// One inner price unit of a measure, in scores per unit of it.
    pub(super) fn price(&self, measure: usize) -> f64 {
        self.score * self.weight / self.delivery[measure]
    }

    /// One inner unit of value.
    pub(super) fn value(&self) -> f64 {
        self.score * self.weight
    }
}

/// The whole dual problem, in inner units.
pub(super) struct Dual<'e> {
    pub(super) exchange: &'e mut dyn Exchange,
    pub(super) rows: Vec<Row>,
    /// Bounds of the current level, a little inside the rows' own so that rounding cannot leave them.
    pub(super) tight: Vec<(f64, f64)>,
    pub(super) groups: Vec<Group>,
    pub(super) members: Membership,
    pub(super) units: Units,
    /// Objective weight of each measure.
    pub(super) weights: Vec<f64>,
    /// Measures that some row prices; charges and own rows are kept by position in this list.
    pub(super) priced: Vec<usize>,
    /// Scopes that some row has, and each column's key in them.
    scopes: Vec<(usize, Vec<usize>)>,
    pub(super) incidence: Incidence,
    pub(super) passes: f64,
    /// A pass of an earlier solve on this sample: it is not run again.
    pub(super) known: Option<Pass>,
    /// The latest pass.
    pub(super) latest: Option<Pass>,
    /// `(row, a)` of the group rows of each campaign; own rows and request-side rows aside.
    pub(super) groups_of: Vec<Vec<usize>>,
    /// Own row of each campaign and priced measure.
    pub(super) own: Vec<usize>,
    /// Rows that are no campaign's own.
    pub(super) shared: Vec<usize>,
}

/// A pass seen from the rows.
pub(super) struct Eval {
    pub(super) ask: Ask,
    /// Deliveries by column and measure.
    pub(super) cells: Vec<f64>,
    /// Delivery of every row.
    pub(super) d: Vec<f64>,
    /// The level of every `max_min` group.
    pub(super) levels: Vec<f64>,
    /// The bounds that every row is held to: the tight ones, those of group members from the level.
    pub(super) bounds: Vec<(f64, f64)>,
    /// The smoothed dual with the tight bounds.
    pub(super) smoothed: f64,
    /// The bound: the exact dual with the rows' own bounds.
    pub(super) bound: f64,
    /// The pass itself.
    pub(super) sums: Arc<Sums>,
    /// The curvature around it, once a model was made.
    pub(super) shape: OnceLock<Shape>,
    /// By campaign: opportunities near a kink.
    pub(super) near: Vec<f64>,
}

pub(super) const NONE: usize = usize::MAX;

impl<'e> Dual<'e> {
    pub(super) fn new(
        exchange: &'e mut dyn Exchange,
        rows: Vec<Row>,
        groups: Vec<Group>,
        members: Membership,
        units: Units,
        weights: Vec<f64>,
    ) -> Self {
        let layout = exchange.layout();
        let priced: Vec<usize> = (0..layout.measures).filter(|j| rows.iter().any(|r| r.measure == *j)).collect();
        let m = priced.len();
        let slot = |measure: usize| priced.iter().position(|j| *j == measure).unwrap_or(NONE);
        let scopes: Vec<(usize, Vec<usize>)> = (0..7)
            .filter(|s| rows.iter().any(|r| r.scope as usize == *s))
            .map(|s| {
                let key = |c: &crate::exchange::Column| match s {
                    0..4 => members.campaign[s][c.campaign as usize],
                    4 | 5 => members.class[s - 4][c.class as usize],
                    _ => 0,
                };
                (s, layout.columns.iter().map(key).collect())
            })
            .collect();
        let campaigns = layout.campaigns;
        let mut own = vec![NONE; campaigns * m];
        let mut by_key: Vec<Vec<(usize, usize)>> = vec![Vec::new(); 4];
        let mut shared = Vec::new();
        for (i, r) in rows.iter().enumerate() {
            if r.scope == Scope::Campaign && r.b == 0.0 && !r.is_pinned() && own[r.key * m + slot(r.measure)] == NONE {
                own[r.key * m + slot(r.measure)] = i;
            } else {
                shared.push(i);
                if r.scope.is_campaign_side() {
                    by_key[r.scope as usize].push((r.key, i));
                }
            }
        }
        let mut groups_of = vec![Vec::new(); campaigns];
        for (s, mut list) in by_key.into_iter().enumerate() {
            list.sort_unstable();
            for (k, groups) in groups_of.iter_mut().enumerate() {
                let key = members.campaign[s][k];
                let from = list.partition_point(|e| e.0 < key);
                groups.extend(list[from..].iter().take_while(|e| e.0 == key).map(|e| e.1));
            }
        }
        let tight = rows.iter().map(|r| (r.lo, r.hi)).collect();
        let slots: Vec<usize> = rows.iter().map(|r| slot(r.measure)).collect();
        let incidence = Incidence::new(&rows, &slots, m, &members, &scopes.iter().map(|s| s.0).collect::<Vec<_>>(), layout);
        Self {
            exchange,
            rows,
            tight,
            groups,
            members,
            units,
            weights,
            priced,
            scopes,
            incidence,
            passes: 0.0,
            known: None,
            latest: None,
            groups_of,
            own,
            shared,
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        self.exchange.layout()
    }

    /// The scopes that some row has, and each column's key in them.
    pub(super) fn scopes(&self) -> &[(usize, Vec<usize>)] {
        &self.scopes
    }

    /// Whether column `k` counts as a member of a row.
    pub(super) fn is_member(&self, r: &Row, k: usize) -> bool {
        self.scopes.iter().any(|(s, keys)| *s == r.scope as usize && keys[k] == r.key)
    }

    pub(super) fn measures(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn campaigns(&self) -> usize {
        self.layout().campaigns
    }

    /// The position of a measure among the priced ones.
    pub(super) fn slot(&self, measure: usize) -> usize {
        self.priced.iter().position(|j| *j == measure).unwrap_or(NONE)
    }

    /// The charge of every column and priced measure at prices `y`; linear in `y`.
    pub(super) fn column_charges(&self, y: &[f64]) -> Vec<f64> {
        let charges = self.incidence.charges(y);
        self.incidence.of_columns(self.incidence.of_campaigns(&charges), &charges)
    }

    /// The charge of every campaign and priced measure by campaign-side rows alone, what everybody is charged included.
    pub(super) fn campaign_charges(&self, y: &[f64]) -> Vec<f64> {
        self.incidence.of_campaigns(&self.incidence.charges(y))
    }

    /// The delivery of every row from deliveries by column and measure.
    pub(super) fn deliveries(&self, cells: &[f64]) -> Vec<f64> {
        let amounts: Vec<f64> = cells.chunks_exact(self.measures()).flat_map(|cell| self.priced.iter().map(|j| cell[*j])).collect();
        self.incidence.deliveries(&amounts, None)
    }

    /// The prices of a pass, in outer units.
    pub(super) fn ask(&self, y: &[f64], gamma: f64, near: f64) -> Ask {
        let m = self.measures();
        let charges = self.incidence.charges(y);
        let u = &self.units;
        let mut p = vec![0.0; self.campaigns() * m];
        for (s, _) in self.scopes.iter().filter(|(s, _)| *s < 4) {
            for (p, key) in p.chunks_exact_mut(m).zip(&self.members.campaign[*s]) {
                for (at, j) in self.priced.iter().enumerate() {
                    p[*j] += self.incidence.of_key(&charges, *s, *key, at) * u.price(*j);
                }
            }
        }
        let mut v = Vec::with_capacity(self.layout().classes * m);
        for q in 0..self.layout().classes {
            let worth = v.len();
            v.extend((0..m).map(|j| self.weights[j] * u.price(j)));
            for (at, j) in self.priced.iter().enumerate() {
                let by_class = |s: usize| self.incidence.of_key(&charges, s, self.members.class[s - 4][q], at);
                v[worth + j] -= (charges.all[at] + by_class(4) + by_class(5)) * u.price(*j);
            }
        }
        Ask::Prices(Prices { v, p, gamma: gamma * u.score, near: near * u.score })
    }

    /// Deliveries of a pass in inner units.
    pub(super) fn cells(&self, sums: &Sums) -> Vec<f64> {
        let m = self.measures();
        let scales = &self.layout().scales;
        let factor: Vec<f64> = (0..m).map(|j| scales[j].value(1) / self.units.delivery[j]).collect();
        sums.cells.iter().enumerate().map(|(i, s)| *s as f64 * factor[i % m]).collect()
    }

    /// Runs a pass at prices `y`.
    pub(super) fn evaluate(&mut self, y: &[f64], gamma: f64) -> Result<Eval> {
        let ask = self.ask(y, gamma, 3.0 * gamma);
        let known = self.known.take().and_then(|known| known.drift(&ask, self.layout()).map(|drift| (known, drift)));
        let (Pass { ask, sums }, drift, evaluated) = if let Some((known, drift)) = known {
            (known, drift, 0)
        } else {
            let sums = self.exchange.pass(&ask)?;
            let evaluated = sums.rows;
            (Pass { ask, sums: Arc::new(sums) }, 0.0, evaluated)
        };
        self.latest = Some(Pass { ask: ask.clone(), sums: sums.clone() });
        let layout = self.layout();
        let rows = layout.rows.max(1) as f64;
        let m = self.measures();
        let cells = self.cells(&sums);
        let d = self.deliveries(&cells);
        let charges = self.column_charges(y);
        let (mut net, mut size) = (0.0, 0.0);
        for cell in cells.chunks_exact(m) {
            for (v, w) in cell.iter().zip(&self.weights) {
                net += w * v;
                size += w.abs() * v;
            }
        }
        if !self.priced.is_empty() {
            for (cell, charge) in cells.chunks_exact(m).zip(charges.chunks_exact(self.priced.len())) {
                for (j, c) in self.priced.iter().zip(charge) {
                    net -= c * cell[*j];
                    size += c.abs() * cell[*j];
                }
            }
        }
        let value_unit = self.units.value();
        let Ask::Prices(prices) = &ask else { unreachable!("asked with prices") };
        let exposure_unit = self.units.delivery[0];
        let slack = sums.slack as f64 / slack_factor(layout, prices) / value_unit;
        let taken: f64 = cells.iter().step_by(m).sum();
        let squares = taken - layout.scales[0].value(sums.ridge) / exposure_unit;
        // What the groups' prices leave unpaid is worth the most that the level can be.
        let unpaid: f64 = self.groups.iter().map(|g| g.top * g.unpaid(y).max(0.0)).sum();
        let conjugate = |bounds: &dyn Fn(usize) -> (f64, f64)| -> f64 {
            unpaid + y.iter().zip(&self.rows).enumerate().map(|(i, (p, r))| r.conjugate(bounds(i), *p)).sum::<f64>()
        };
        let smoothed = net - 0.5 * gamma * squares + conjugate(&|i| self.tight[i]);
        let own = conjugate(&|i| (self.rows[i].lo, self.rows[i].hi));
        // Fixed-point and f64 rounding, generously: the bound is never below the true one.
        let paid: f64 = self.groups.iter().map(|g| g.top * g.goal.weight).sum();
        let rounding = 1e-12 * (size + paid + y.iter().zip(&self.rows).map(|(p, r)| r.size(*p)).sum::<f64>());
        let bound = net + slack + own + rounding + drift / value_unit;
        let mut near = vec![0.0; layout.campaigns];
        for (c, n) in layout.columns.iter().zip(&sums.near) {
            near[c.campaign as usize] += layout.scales[0].value(i128::from(*n)) / exposure_unit;
        }
        let passes = evaluated as f64 / rows;
        self.passes += passes;
        let levels: Vec<f64> = self.groups.iter().map(|g| g.level(y, &d)).collect();
        let bounds = self.bounds(&levels);
        Ok(Eval { ask, cells, d, levels, bounds, smoothed, bound, sums, shape: OnceLock::new(), near })
    }

    /// The bounds that rows are held to: the tight ones, those of group members from their level.
    fn bounds(&self, levels: &[f64]) -> Vec<(f64, f64)> {
        let mut bounds = self.tight.clone();
        for (g, level) in self.groups.iter().zip(levels) {
            g.rows.iter().zip(&g.goal.members).for_each(|(i, t)| bounds[*i].0 = (t * level).min(bounds[*i].1));
        }
        bounds
    }

    /// Replaces the bounds of the current level after a pass at `y`, which need not be run again.
    pub(super) fn retighten(&mut self, tight: Vec<(f64, f64)>, y: &[f64], e: &mut Eval) {
        let cost = |dual: &Self| -> f64 { dual.rows.iter().zip(&dual.tight).zip(y).map(|((r, bounds), p)| r.conjugate(*bounds, *p)).sum() };
        let before = cost(self);
        self.tight = tight;
        e.smoothed += cost(self) - before;
        e.bounds = self.bounds(&e.levels);
    }

    /// `part` of what a row's violation is measured in: `max(1, |bound|)` in outer units.
    pub(super) fn room(&self, r: &Row, part: f64) -> f64 {
        let bound = if r.b != 0.0 {
            0.0
        } else if r.lo.is_finite() {
            r.lo
        } else {
            r.hi
        };
        part * bound.abs().max(1.0 / self.units.delivery[r.measure])
    }

    /// What deliveries are worth under the objectives alone.
    pub(super) fn worth(&self, cells: &[f64]) -> f64 {
        cells.chunks_exact(self.measures()).map(|c| c.iter().zip(&self.weights).map(|(v, w)| v * w).sum::<f64>()).sum()
    }

    /// The objective of an allocation that is worth this and delivers `d` to each row, penalties and fairness included.
    pub(super) fn value(&self, worth: f64, d: impl Fn(usize) -> f64) -> f64 {
        let groups = self.groups.iter().map(|g| g.goal.utility(g.rows.iter().map(|i| d(*i)))).sum::<f64>();
        worth + groups + self.rows.iter().enumerate().map(|(i, r)| r.utility(d(i))).sum::<f64>()
    }

    /// Slope of the smoothed dual in each price, 0 where the price cannot move downhill.
    pub(super) fn slope(&self, y: &[f64], e: &Eval) -> Vec<f64> {
        let one = |i: usize| {
            let (r, y, d) = (&self.rows[i], y[i], e.d[i]);
            let g = r.wants(e.bounds[i], y, d) - d;
            // At an end of the range, going further is not allowed.
            if (y >= r.price_max && g < 0.0) || (y <= r.price_min && g > 0.0) { 0.0 } else { g }
        };
        (0..y.len()).map(one).collect()
    }

    /// Moves prices to where every group's share its weight.
    pub(super) fn project(&self, y: &mut [f64]) {
        self.groups.iter().for_each(|g| g.project(y));
    }
}

/// The factor of the pass's own scale: from the largest price and measure.
fn slack_factor(layout: &Layout, prices: &Prices) -> f64 {
    prices.slack_scale(layout).factor()
}
