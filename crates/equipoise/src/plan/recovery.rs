//! Feasible answers from sums alone: thinning, and blending with strictly feasible points.

use super::dual::{Dual, Eval, Row};
use super::linear::{Found, Program};
use super::thinning::{thin_own, thin_shared};
use super::until::Until;
use crate::exchange::Ask;
use std::collections::VecDeque;
use std::sync::Arc;

/// Strictly feasible points kept.
const KEPT: usize = 4;
/// Passes that a strictly feasible point is blended of, at most, before another may be blended with it.
const CHAIN: usize = 6;
/// Passes kept for mixing.
const RECENT: usize = 20;
/// By how much, in parts of the bound, a mixture is asked to stay inside hard goals: more than its solver's own error.
const INSIDE: f64 = 1e-8;

/// Where decisions come from.
#[derive(Debug)]
pub(super) enum Source {
    /// A pass.
    Pass(Ask),
    /// A pass with its fractional decisions moved by these charges, by column and measure, in scores per unit.
    Shifted(Ask, Vec<f64>),
    /// An exact solve of a small problem: by candidate of the sample.
    Given(Vec<f64>),
}

/// Decisions, thinned by column.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) source: Arc<Source>,
    pub(super) share: f64,
    pub(super) factor: Arc<Vec<f64>>,
}

/// An allocation known by its sums and by how to rebuild it.
#[derive(Debug, Clone, Default)]
pub(super) struct Point {
    pub(super) cells: Vec<f64>,
    pub(super) d: Vec<f64>,
    pub(super) parts: Vec<Part>,
    /// What `cells` are worth under the objectives alone.
    worth: f64,
}

impl Point {
    fn new(dual: &Dual<'_>, cells: Vec<f64>, parts: Vec<Part>) -> Self {
        Self { d: dual.deliveries(&cells), worth: dual.worth(&cells), cells, parts }
    }

    fn value(&self, dual: &Dual<'_>) -> f64 {
        dual.value(self.worth, |i| self.d[i])
    }
}

/// A point mixed with another, of which it takes the part `theta`. What it is worth is known before it is made.
struct Blend<'p> {
    x: &'p Point,
    inner: &'p Point,
    theta: f64,
}

impl<'p> Blend<'p> {
    /// The point as it is.
    fn none(x: &'p Point) -> Self {
        Self { x, inner: x, theta: 0.0 }
    }

    fn mix(&self, a: f64, b: f64) -> f64 {
        (1.0 - self.theta) * a + self.theta * b
    }

    fn value(&self, dual: &Dual<'_>) -> f64 {
        let (x, inner) = (self.x, self.inner);
        dual.value(self.mix(x.worth, inner.worth), |i| self.mix(x.d[i], inner.d[i]))
    }

    fn point(&self) -> Point {
        let (x, inner, theta) = (self.x, self.inner, self.theta);
        if theta == 0.0 {
            return x.clone();
        }
        let mix = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| self.mix(*a, *b)).collect();
        let part = |p: &Part, share: f64| Part { share: p.share * share, ..p.clone() };
        Point {
            cells: mix(&x.cells, &inner.cells),
            d: mix(&x.d, &inner.d),
            parts: x.parts.iter().map(|p| part(p, 1.0 - theta)).chain(inner.parts.iter().map(|p| part(p, theta))).collect(),
            worth: self.mix(x.worth, inner.worth),
        }
    }
}

/// Which sides of which rows an answer must keep.
pub(super) struct Required {
    pub(super) above: Vec<bool>,
    pub(super) below: Vec<bool>,
    /// By how much a row may be missed below and above and still count as kept.
    room: Vec<(f64, f64)>,
}

/// A soft goal missed by less than this part of its bound counts as met.
const MET: f64 = 5e-7;
/// The same for hard goals, and only for exact decisions where no answer keeps them strictly: promises without an inside, such as a share of
/// a party that has no supply, are met to rounding or not at all.
const ROUNDING: f64 = 1e-9;

impl Required {
    /// The hard sides, and the soft ones whose price is inside its range: those that the plan means to meet.
    pub(super) fn meant(dual: &Dual<'_>, y: &[f64]) -> Self {
        let inside = |p: f64, end: f64| p.abs() < 0.999 * end;
        let y: Vec<f64> = dual.rows.iter().zip(y).map(|(r, p)| r.bounds_price(*p)).collect();
        Self {
            above: dual.rows.iter().zip(&y).map(|(r, p)| r.hi.is_finite() && (!r.soft_above() || inside(*p, r.above))).collect(),
            below: dual.rows.iter().zip(&y).map(|(r, p)| r.lo.is_finite() && (!r.soft_below() || inside(*p, r.below))).collect(),
            room: rooms(dual, 0.0),
        }
    }

    /// The hard sides alone.
    pub(super) fn hard(dual: &Dual<'_>) -> Self {
        Self {
            above: dual.rows.iter().map(|r| r.hi.is_finite() && !r.soft_above()).collect(),
            below: dual.rows.iter().map(|r| r.lo.is_finite() && !r.soft_below()).collect(),
            room: rooms(dual, 0.0),
        }
    }
}

impl Required {
    /// The same sides, kept with a part of their bound to spare; a share of what all places could deliver.
    fn within(&self, dual: &Dual<'_>, margin: f64) -> Self {
        let layout = dual.layout();
        let most: Vec<f64> = (0..dual.measures()).map(|j| layout.places * layout.largest[j] / dual.units.delivery[j]).collect();
        let spare = |r: &Row, bound: f64| {
            if r.lo == r.hi || bound == 0.0 && r.b == 0.0 {
                0.0
            } else if r.b == 0.0 {
                -margin * bound.abs()
            } else {
                margin * r.b * most[r.measure].min(layout.totals[r.measure] / dual.units.delivery[r.measure])
            }
        };
        let room = dual.rows.iter().map(|r| (spare(r, r.lo), spare(r, r.hi))).collect();
        Self { above: self.above.clone(), below: self.below.clone(), room }
    }
}

/// Room below and above each row: of soft sides [`MET`], of hard ones `hard`, in parts of the bound.
fn rooms(dual: &Dual<'_>, hard: f64) -> Vec<(f64, f64)> {
    let room = |r: &Row, soft: bool| dual.room(r, if soft { MET } else { hard });
    dual.rows.iter().map(|r| (room(r, r.soft_below()), room(r, r.soft_above()))).collect()
}

/// Strictly feasible points found so far, and the best answer.
#[derive(Default)]
pub(super) struct Recovery {
    inner: Vec<Point>,
    /// The best answer, and the best of those that also meet every soft goal that the prices of its time meant to meet.
    pub(super) best: Option<(f64, Point)>,
    pub(super) clean: Option<(f64, Point)>,
    /// The latest passes' decisions as they were, for [`Recovery::mix`].
    recent: VecDeque<Point>,
}

impl Recovery {
    /// How many strictly feasible points there are.
    pub(super) fn inner(&self) -> usize {
        self.inner.len()
    }

    /// Offers promoting nothing.
    pub(super) fn offer_nothing(&mut self, dual: &Dual<'_>, y: &[f64]) {
        let nothing = nothing(dual);
        let clean = blend(dual, &Required::meant(dual, y), &nothing, &nothing).is_some();
        self.consider(dual, &Blend::none(&nothing), clean);
    }

    /// Offers answers of an earlier solve on the same sample: as they are, thinned to the bounds of now, and as strictly feasible points.
    pub(super) fn offer_earlier(&mut self, dual: &Dual<'_>, y: &[f64], points: &[Point]) {
        for p in points {
            let p = Point::new(dual, p.cells.clone(), p.parts.clone());
            for (required, clean) in [(Required::meant(dual, y), true), (Required::hard(dual), false)] {
                let kept = [0.03, 0.01, 0.003].iter().find_map(|margin| inside(dual, &required, &p, *margin));
                if let Some(inner) = kept.filter(|_| self.inner.len() < KEPT) {
                    self.inner.push(inner);
                }
                if self.consider_thinned(dual, &required, &p, clean) {
                    break;
                }
            }
            self.recent.push_back(p);
        }
    }

    /// What the next solve on the same sample may start from: the best answer, and the strictly feasible points.
    pub(super) fn points(&self) -> Vec<Point> {
        let best = self.clean.iter().chain(&self.best).next().map(|b| &b.1);
        let rebuildable = |p: &&Point| p.parts.iter().all(|part| !matches!(*part.source, Source::Given(_)));
        best.into_iter().chain(&self.inner).filter(rebuildable).cloned().collect()
    }

    /// Offers the uniform split, thinned with a margin, as a strictly feasible point.
    pub(super) fn offer_uniform(&mut self, dual: &Dual<'_>, y: &[f64], cells: &[f64]) {
        let source = Arc::new(Source::Pass(Ask::Uniform));
        for (required, clean) in [(Required::meant(dual, y), true), (Required::hard(dual), false)] {
            for margin in [0.05, 0.03, 0.01, 0.003] {
                if let Some(p) = strict(dual, &required, &source, cells, margin) {
                    self.consider(dual, &Blend::none(&p), clean);
                    self.inner.push(p);
                    return;
                }
            }
        }
    }

    /// Looks for answers in a pass's sums.
    pub(super) fn offer(&mut self, dual: &Dual<'_>, y: &[f64], e: &Eval) {
        self.offer_decisions(dual, y, Source::Pass(e.ask.clone()), &e.cells);
    }

    /// Looks for answers in decisions with these sums by column and measure.
    pub(super) fn offer_decisions(&mut self, dual: &Dual<'_>, y: &[f64], source: Source, cells: &[f64]) {
        let exact = matches!(source, Source::Given(_));
        let source = Arc::new(source);
        let meant = Required::meant(dual, y);
        let factor = Arc::new(vec![1.0; cells.len() / dual.measures()]);
        let plain = Point::new(dual, cells.to_vec(), vec![Part { source, share: 1.0, factor }]);
        self.keep_inside(dual, &meant, &plain);
        let hard = Required::hard(dual);
        for (required, clean) in [(&meant, true), (&hard, false)] {
            if self.consider_thinned(dual, required, &plain, clean) {
                break;
            }
        }
        if exact {
            // Prefer what rounding alone keeps from being strict to what blending had to give up.
            let rounding = |required: Required| Required { room: rooms(dual, ROUNDING), ..required };
            for (required, clean) in [(rounding(Required::meant(dual, y)), true), (rounding(Required::hard(dual)), false)] {
                if let Some(p) = blend(dual, &required, &plain, &plain) {
                    self.consider(dual, &p, clean);
                }
            }
        }
        self.recent.push_back(plain);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Looks for the best mixture of the latest passes' decisions and the strictly feasible points: a linear program with one variable each.
    /// Thinning lowers deliveries one goal at a time; a mixture can use what that leaves of the others.
    pub(super) fn mix(&mut self, dual: &Dual<'_>, y: &[f64], until: &Until<'_>) {
        let points: Vec<Point> = self.recent.iter().chain(&self.inner).chain(self.best.iter().map(|b| &b.1)).cloned().collect();
        let mut lp = Program::default();
        let whole: Vec<usize> = points.iter().map(|p| lp.variable(-p.worth)).collect();
        let one = lp.row(1.0);
        for v in &whole {
            lp.enter(one, *v, 1.0);
        }
        lp.promise(dual, points.len(), INSIDE, |i, _, v| points[v].d[i]);
        let typical = self.best.as_ref().map_or_else(|| vec![0.0; dual.rows.len()], |b| b.1.d.clone());
        lp.value_fairly(dual, points.len(), &typical, |i, _, v| points[v].d[i]);
        let Some(Found { x: shares, .. }) = lp.solve(until) else { return };
        let shares: Vec<f64> = shares[..points.len()].iter().map(|s| s.clamp(0.0, 1.0)).collect();
        let total = shares.iter().sum::<f64>().max(1.0);
        let (mut cells, mut parts) = (vec![0.0; points[0].cells.len()], Vec::new());
        for (p, share) in points.iter().zip(&shares).filter(|(_, s)| **s > 1e-12) {
            let share = share / total * (1.0 - 1e-15);
            cells.iter_mut().zip(&p.cells).for_each(|(m, c)| *m += share * c);
            parts.extend(p.parts.iter().map(|part| Part { share: part.share * share, ..part.clone() }));
        }
        let mixture = Point::new(dual, cells, parts);
        for (required, clean) in [(Required::meant(dual, y), true), (Required::hard(dual), false)] {
            let inner = std::mem::take(&mut self.inner);
            let found = std::iter::once(&mixture).chain(&inner).find_map(|inner| blend(dual, &required, &mixture, inner));
            let is_found = found.is_some();
            if let Some(p) = found {
                self.consider(dual, &p, clean);
            }
            self.inner = inner;
            if is_found {
                return;
            }
        }
    }

    /// Keeps a strictly feasible point near this one. What blending gives up later is its share of the difference in value: the better the points
    /// inside, the better every answer.
    fn keep_inside(&mut self, dual: &Dual<'_>, required: &Required, plain: &Point) {
        let margins: &[f64] = if self.inner.is_empty() { &[0.03, 0.01, 0.003] } else { &[0.003] };
        let mut found = margins.iter().find_map(|margin| inside(dual, required, plain, *margin));
        if found.is_none() {
            let margin = margins[margins.len() - 1];
            let own = scaled(dual, plain, &thin_own(dual, required, &plain.cells, 1.0 - margin));
            let within = required.within(dual, margin);
            let short = self.inner.iter().filter(|inner| inner.parts.len() < CHAIN);
            let blends = short.filter_map(|inner| blend(dual, &within, &own, inner));
            let valued = blends.map(|p| (p.value(dual), p));
            found = valued.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, p)| p.point());
        }
        let Some(p) = found else { return };
        if self.inner.len() < KEPT {
            self.inner.push(p);
            return;
        }
        // The first stays: it is the one with the most room.
        if let Some(least) = self.inner[1..].iter_mut().min_by(|a, b| a.value(dual).total_cmp(&b.value(dual)))
            && least.value(dual) < p.value(dual)
        {
            *least = p;
        }
    }

    /// Considers what thinning, and blending with strictly feasible points, make of a point; whether that keeps all that is required.
    fn consider_thinned(&mut self, dual: &Dual<'_>, required: &Required, plain: &Point, clean: bool) -> bool {
        let mut found = false;
        let own = scaled(dual, plain, &thin_own(dual, required, &plain.cells, 1.0 - 1e-12));
        let groups = thin_shared(dual, required, &own.cells, 0.0).map(|f| scaled(dual, &own, &f));
        // Nothing keeps every hard goal, so that there always is an answer.
        let last_resort = (!clean).then(|| nothing(dual));
        let inner = std::mem::take(&mut self.inner);
        for candidate in groups.iter().chain([&own]) {
            if let Some(p) = blend(dual, required, candidate, candidate) {
                found = true;
                self.consider(dual, &p, clean);
                continue;
            }
            for inner in inner.iter().chain(&last_resort) {
                if let Some(p) = blend(dual, required, candidate, inner) {
                    found = true;
                    self.consider(dual, &p, clean);
                }
            }
        }
        self.inner = inner;
        found
    }

    fn consider(&mut self, dual: &Dual<'_>, p: &Blend<'_>, clean: bool) {
        let value = p.value(dual);
        let is_better = |than: &Option<(f64, Point)>| than.as_ref().is_none_or(|b| value > b.0);
        let is_cleaner = clean && is_better(&self.clean);
        if is_cleaner {
            self.clean = Some((value, p.point()));
        }
        if is_better(&self.best) {
            self.best = Some((value, p.point()));
        }
    }
}

fn nothing(dual: &Dual<'_>) -> Point {
    let cells = vec![0.0; dual.layout().columns.len() * dual.measures()];
    Point { d: vec![0.0; dual.rows.len()], cells, parts: Vec::new(), worth: 0.0 }
}

fn scaled(dual: &Dual<'_>, p: &Point, factor: &[f64]) -> Point {
    let m = dual.measures();
    let cells: Vec<f64> = p.cells.iter().enumerate().map(|(i, v)| v * factor[i / m]).collect();
    let parts = p
        .parts
        .iter()
        .map(|part| Part { factor: Arc::new(part.factor.iter().zip(factor).map(|(a, b)| a * b).collect()), ..part.clone() })
        .collect();
    Point::new(dual, cells, parts)
}

fn strict(dual: &Dual<'_>, required: &Required, source: &Arc<Source>, cells: &[f64], margin: f64) -> Option<Point> {
    let factor = Arc::new(vec![1.0; cells.len() / dual.measures()]);
    let plain = Point::new(dual, cells.to_vec(), vec![Part { source: source.clone(), share: 1.0, factor }]);
    inside(dual, required, &plain, margin)
}

/// A point thinned until it is inside every required side by a part of `margin`, if that can be done.
fn inside(dual: &Dual<'_>, required: &Required, plain: &Point, margin: f64) -> Option<Point> {
    let own = scaled(dual, plain, &thin_own(dual, required, &plain.cells, 1.0 - margin));
    let p = thin_shared(dual, required, &own.cells, margin).map(|f| scaled(dual, &own, &f))?;
    (slack(dual, required, &p) > 0.2 * margin).then_some(p)
}

/// Least relative room of a required side.
fn slack(dual: &Dual<'_>, required: &Required, p: &Point) -> f64 {
    let m = dual.measures();
    let mut total = vec![0.0; m];
    p.cells.chunks_exact(m).for_each(|c| total.iter_mut().zip(c).for_each(|(t, v)| *t += v));
    let mut least = 1f64;
    for (i, r) in dual.rows.iter().enumerate() {
        let size = |bound: f64| if r.b == 0.0 { bound.abs().max(1e-9) } else { (-r.b * total[r.measure]).max(1e-9) };
        // A cap of nothing is kept by nothing alone, and a target has no inside: neither can be strict.
        if r.lo == r.hi || (r.hi == 0.0 && r.b == 0.0) {
            continue;
        }
        if required.above[i] {
            least = least.min((r.hi - p.d[i]) / size(r.hi));
        }
        if required.below[i] && (r.lo > 0.0 || r.b != 0.0) {
            least = least.min((p.d[i] - r.lo) / size(r.lo));
        }
    }
    least
}

/// The least part of `inner` that makes `x` keep every required side; `None` if `inner` has no room where `x` is over.
fn blend<'p>(dual: &Dual<'_>, required: &Required, x: &'p Point, inner: &'p Point) -> Option<Blend<'p>> {
    let mut theta = 0f64;
    // Whether the other point has room where this one is over.
    let mut has_room = |over: f64, inner_over: f64| {
        if over > 0.0 && inner_over < 0.0 {
            theta = theta.max(over / (over - inner_over));
        }
        over <= 0.0 || inner_over < 0.0
    };
    for (i, r) in dual.rows.iter().enumerate() {
        if required.above[i] {
            let hi = r.hi + required.room[i].1;
            if !has_room(x.d[i] - hi, inner.d[i] - hi) {
                return None;
            }
        }
        if required.below[i] {
            let lo = r.lo - required.room[i].0;
            if !has_room(lo - x.d[i], lo - inner.d[i]) {
                return None;
            }
        }
    }
    if theta == 0.0 {
        return Some(Blend::none(x));
    }
    let theta = (theta * (1.0 + 1e-9) + 1e-15).min(1.0);
    let blend = Blend { x, inner, theta };
    // Targets have no inside: blending with a point that misses one would miss it too.
    let misses = |(i, r): (usize, &Row)| {
        let (d, room) = (blend.mix(x.d[i], inner.d[i]), required.room[i]);
        r.lo == r.hi && ((required.above[i] && d > r.hi + room.1) || (required.below[i] && d < r.lo - room.0))
    };
    (!dual.rows.iter().enumerate().any(misses)).then_some(blend)
}
