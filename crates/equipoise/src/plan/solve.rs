//! The solve: smoothing is lowered level by level, Newton steps on the prices within each.

use super::certificate::Status;
use super::dual::{Dual, Eval, NONE, Row};
use super::exact;
use super::model::Model;
use super::newton::{Damping, Query, Radius, direction};
use super::parts;
use super::recovery::{Point, Recovery, Source};
use super::shifting::shifted;
use super::until::Until;
use super::warm::Pass;
use crate::error::Result;
use crate::exchange::{Ask, Packed};
use std::time::{Duration, Instant};

/// Smoothing of the first level, in inner score units, and its ratio from level to level. A wider first level costs dearer passes: more
/// opportunities are fractional.
const FIRST_GAMMA: f64 = 0.05;
const RATIO: f64 = 0.4;
/// Least smoothing: below it f64 sums of slopes carry no more information.
const LAST_GAMMA: f64 = 1e-7;
/// Smoothing from which a solve that stalled is tried again, each level until it is settled.
const SETTLED_GAMMA: f64 = 8e-3;
/// Steps of a level; of one whose steps still lower the dual by more than [`FALL`] times the smoothing, in parts of the dual: large prices of shares
/// are found sooner while the smoothing is wide; and of the last one before it is halved.
const STEPS: usize = 4;
const FALLING_STEPS: usize = 12;
const FALL: f64 = 0.01;
const LAST_STEPS: usize = 60;
/// How long a library solver may work at a time where the caller's limit is no less: longer than they take, so that plans do not depend on the pace of
/// a machine.
const LIBRARY: Duration = Duration::from_secs(600);
/// Decisions of a library solver that may mean none.
const NOTHING: [f64; 3] = [0.0, 1e-8, 1e-6];
/// Tolerance below which a solve is polished instead of smoothed ever less.
const POLISHED: f64 = 1e-6;
/// Gap from which prices are near enough to freeze what they decide.
const NEAR: f64 = 10.0 * POLISHED;
/// Rounds of polishing, and the candidates that the first leaves undecided.
const POLISHES: usize = 3;
const UNDECIDED: usize = 10_000;
/// Passes after which the tolerance that smoothing alone should reach is polished for, too.
const POLISH_AFTER: f64 = 300.0;
/// Passes after which a small problem is handed to an exact solver.
const EXACT_AFTER: f64 = 60.0;
/// Passes spent on meeting soft goals exactly once the value is good enough.
const PATIENCE: f64 = 40.0;
/// The most curvature that is learnt from one rejection, in parts of what all opportunities at or near a kink, before or after, would make; and what
/// remains of it after an accepted step. What lasts too long keeps prices from where they have to go, pass after pass.
const LEARNT: f64 = 0.3;
const FORGET: f64 = 0.4;
/// Relative residual asked of the linear solves of a step, and of one of the last level.
const ACCURACY: f64 = 3e-2;
const LAST_ACCURACY: f64 = 1e-3;
/// Trials of a step: the first ones learn curvature from each rejection, the later ones shorten.
const TRIALS: usize = 5;
/// Steps that fail in a row before a level is left.
const FAILURES: usize = 4;
/// How far, in smoothings, the first step of a warm start may move a campaign's scores: few have to move, but those far.
const WARM_REACH: f64 = 12.0;
/// Passes after which a warm start to 1e-4 is given up for a cold one, and as many more for each further digit.
const WARM_PASSES: f64 = 8.0;

/// What ends a solve.
pub(super) struct Limits<'a> {
    pub(super) tolerance: f64,
    pub(super) passes: f64,
    pub(super) started: Instant,
    pub(super) time: Option<Duration>,
    pub(super) cancelled: &'a dyn Fn() -> bool,
    /// Called after each pass with passes, bound and value in inner units.
    pub(super) observe: &'a dyn Fn(f64, f64, f64),
    /// The sample, where it is small enough to be finished exactly.
    pub(super) small: Option<&'a Packed>,
    /// The sample, where it may be looked at candidate by candidate.
    pub(super) sample: Option<&'a Packed>,
}

impl Limits<'_> {
    /// Until when a library solver may work.
    fn until(&self) -> Until<'_> {
        let left = self.time.map_or(LIBRARY, |t| t.saturating_sub(self.started.elapsed()).min(LIBRARY));
        Until::new(self.cancelled, left)
    }
}

/// What a solve found, in inner units.
pub(super) struct Solution {
    pub(super) status: Status,
    /// Prices at which the bound was taken.
    pub(super) prices: Vec<f64>,
    pub(super) bound: f64,
    pub(super) value: f64,
    pub(super) point: Point,
    /// What the next solve on the same sample may start from: answers, and the pass of the bound.
    pub(super) points: Vec<Point>,
    pub(super) pass: Option<Pass>,
}

/// Where a solve starts.
pub(super) struct Start {
    pub(super) y: Vec<f64>,
    /// Where `y` are prices of a similar problem: those to start from if they turn out not to be.
    pub(super) cold: Option<Vec<f64>>,
    /// Answers of an earlier solve on the same sample, and its pass at prices `y`.
    pub(super) points: Vec<Point>,
    pub(super) pass: Option<Pass>,
}

struct Search<'d, 'e, 'l> {
    dual: &'d mut Dual<'e>,
    limits: &'l Limits<'l>,
    recovery: Recovery,
    bound: (f64, Vec<f64>),
    /// The pass that gave the bound.
    pass: Option<Pass>,
    status: Option<Status>,
    /// Passes when an answer was first worth enough.
    enough_since: Option<f64>,
}

/// Solves.
pub(super) fn solve(dual: &mut Dual<'_>, start: Start, limits: &Limits<'_>) -> Result<Solution> {
    let Start { y, cold, points, pass } = start;
    dual.known = pass;
    let mut search = Search {
        dual,
        limits,
        recovery: Recovery::default(),
        bound: (f64::INFINITY, y.clone()),
        pass: None,
        status: None,
        enough_since: None,
    };
    search.recovery.offer_nothing(search.dual, &y);
    search.recovery.offer_earlier(search.dual, &y, &points);
    search.run(y, cold.is_some())?;
    if let Some(cold) = cold.filter(|_| !search.done()) {
        search.run(cold, false)?;
    }
    search.finish()?;
    let gap_ok = search.gap() <= limits.tolerance;
    let status = if gap_ok { Status::Solved } else { search.status.unwrap_or(Status::Stalled) };
    let points = search.recovery.points();
    let clean = search.recovery.clean.take().filter(|c| search.gap_of(c.0) <= limits.tolerance);
    let (value, point) = clean.or_else(|| search.recovery.best.take()).unwrap_or((f64::NEG_INFINITY, Point::default()));
    Ok(Solution { status, prices: search.bound.1, bound: search.bound.0, value, point, points, pass: search.pass })
}

impl Search<'_, '_, '_> {
    fn gap_of(&self, value: f64) -> f64 {
        (self.bound.0 - value) / (1.0 / self.dual.units.value()).max(self.bound.0.abs())
    }

    fn gap(&self) -> f64 {
        self.recovery.best.as_ref().map_or(f64::INFINITY, |b| self.gap_of(b.0))
    }

    /// Whether to stop: solved, or a limit.
    fn done(&mut self) -> bool {
        let tolerance = self.limits.tolerance;
        if self.solved() {
            return true;
        }
        if self.gap() <= tolerance {
            // Worth enough, but some soft goal is missed by a little: worth some passes to meet, not all.
            let since = *self.enough_since.get_or_insert(self.dual.passes);
            if self.dual.passes > since + PATIENCE {
                return true;
            }
        }
        self.stopped() || (self.limits.small.is_some() && self.dual.passes > EXACT_AFTER)
    }

    /// Whether a limit is reached.
    fn stopped(&mut self) -> bool {
        if (self.limits.cancelled)() {
            self.status = Some(Status::Cancelled);
        } else if self.limits.time.is_some_and(|t| self.limits.started.elapsed() >= t) {
            self.status = Some(Status::TimeLimit);
        } else if self.dual.passes >= self.limits.passes {
            self.status = Some(Status::IterationLimit);
        }
        self.status.is_some()
    }

    /// Whether an answer that also meets the soft goals is worth enough.
    fn solved(&self) -> bool {
        self.recovery.clean.as_ref().is_some_and(|c| self.gap_of(c.0) <= self.limits.tolerance)
    }

    /// Finishes a small problem that smoothing did not: its vertices are too few and too far apart.
    fn finish(&mut self) -> Result<()> {
        let Some(packed) = self.limits.small.filter(|_| !self.solved() && self.status.is_none_or(|s| s == Status::Stalled)) else {
            return Ok(());
        };
        if let Some((y, x)) = exact::solve(self.dual, packed, self.recovery.best.as_ref().map(|b| b.1.d.as_slice()), &self.limits.until()) {
            self.evaluate(&y, LAST_GAMMA)?;
            // What an interior point leaves a little above nothing may be what a promise without an inside forbids.
            for nothing in NOTHING {
                let x: Vec<f64> = x.iter().map(|x| if *x < nothing { 0.0 } else { *x }).collect();
                let cells = exact::cells(self.dual, packed, &x)?;
                self.recovery.offer_decisions(self.dual, &y, Source::Given(x), &cells);
            }
        } else {
            self.stopped();
        }
        Ok(())
    }

    /// Freezes what the best prices decide for good and solves the rest exactly; a pass at the prices found tells whether too much was frozen.
    fn polish(&mut self) -> Result<()> {
        let Some(packed) = self.limits.sample else { return Ok(()) };
        let mut most = UNDECIDED;
        for _ in 0..POLISHES {
            let before = self.gap();
            let near = self.bound.1.clone();
            let Some(d) = self.recovery.best.as_ref().map(|b| b.1.d.as_slice()) else { return Ok(()) };
            let inside = 0.01 * self.limits.tolerance;
            let Some((y, x)) = exact::polish(self.dual, packed, (&near, d), most, inside, &self.limits.until()) else {
                return Ok(());
            };
            let e = self.evaluate(&y, LAST_GAMMA)?;
            let cells = exact::cells(self.dual, packed, &x)?;
            self.recovery.offer_decisions(self.dual, &y, Source::Given(x), &cells);
            self.offer(&y, &e);
            if self.done() {
                return Ok(());
            }
            if self.gap() > 0.5 * before {
                most *= 3;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, y: &[f64], gamma: f64) -> Result<Eval> {
        let e = self.dual.evaluate(y, gamma)?;
        if e.bound < self.bound.0 {
            self.bound = (e.bound, y.to_vec());
            self.pass = self.dual.latest.take();
        }
        Ok(e)
    }

    /// Looks for answers in a pass's sums, and tells the observer what is known by now.
    fn offer(&mut self, y: &[f64], e: &Eval) {
        self.recovery.offer(self.dual, y, e);
        self.observe();
    }

    /// The same; meanwhile, the model is made that the next step needs unless an answer is found.
    fn offer_and_model(&mut self, y: &[f64], e: &Eval, gamma: f64) {
        let (dual, recovery) = (&*self.dual, &mut self.recovery);
        let model = || {
            Model::new(dual, e, gamma);
        };
        parts::both(&*dual.exchange, model, || recovery.offer(dual, y, e));
        self.observe();
    }

    fn observe(&self) {
        (self.limits.observe)(self.dual.passes, self.bound.0, self.recovery.best.as_ref().map_or(f64::NEG_INFINITY, |b| b.0));
    }

    /// Looks for answers around a pass of the last level, where its own decisions are not good enough yet and its prices may be.
    fn offer_shifted(&mut self, y: &[f64], e: &Eval, gamma: f64, last: bool) {
        if last
            && !self.solved()
            && let Some((source, cells)) = shifted(self.dual, e, y, gamma)
        {
            self.recovery.offer_decisions(self.dual, y, source, &cells);
        }
    }

    fn run(&mut self, mut y: Vec<f64>, mut warm: bool) -> Result<()> {
        let tolerance = self.limits.tolerance;
        let smoothed = tolerance.max(POLISHED);
        let mut last_gamma = (0.8 * smoothed.sqrt()).min(300.0 * smoothed);
        let mut gamma = if warm { last_gamma } else { FIRST_GAMMA.max(last_gamma) };
        if let Some(known) = self.dual.known.as_ref().and_then(|k| k.gamma(self.dual.units.score)) {
            // Where the earlier solve ended, so that its pass need not be run again.
            gamma = known.max(LAST_GAMMA);
            last_gamma = last_gamma.min(gamma);
        }
        if !warm {
            self.offer_uniform(&y)?;
        }
        let patience = WARM_PASSES * (1.0 + (1e-4 / tolerance).log10().max(0.0));
        let (campaigns, rows) = (self.dual.campaigns(), y.len());
        let scale: f64 = self.dual.layout().places / self.dual.units.delivery[0];
        let reach = if warm { WARM_REACH } else { 4.0 } * gamma;
        let mut radius = Radius::new(reach, 4.0 * gamma, campaigns, rows);
        let mut damping = Damping::new(1.0, campaigns, rows);
        let mut previous = vec![0.0; rows];
        let (mut failures, mut steps_in_all, mut settled) = (0, 0, false);
        self.dual.tighten(0.02, 0.004);
        let mut e = self.evaluate(&y, gamma)?;
        if warm {
            self.retighten(&y, &mut e, tolerance.max(0.01 * gamma));
            // The smoothing that these prices need: the part of all places that they leave wrong.
            let wrong: f64 = self.dual.slope(&y, &e).iter().map(|g| g.abs()).sum();
            let wide = (wrong / scale).min(FIRST_GAMMA);
            if wide > 2.0 * gamma {
                // Too much has changed for the narrow smoothing that the earlier solve ended with.
                self.offer(&y, &e);
                (warm, gamma) = (false, wide);
                e = self.evaluate(&y, gamma)?;
                radius = Radius::new(4.0 * gamma, 4.0 * gamma, campaigns, rows);
            }
        }
        loop {
            let last = gamma <= last_gamma * 1.0001;
            let (mut steps, mut fall) = (0, 0.0);
            loop {
                self.offer_and_model(&y, &e, gamma);
                self.offer_shifted(&y, &e, gamma, last);
                if self.done() || (warm && self.dual.passes > patience) {
                    return Ok(());
                }
                let g = self.dual.slope(&y, &e);
                let residual = self.own_residual(&g) / scale;
                let looking = steps_in_all < 12 && self.recovery.inner() < 2;
                let level_done = if last {
                    steps >= LAST_STEPS || (residual < 2e-4 * gamma && steps > 0 && self.on_target(&g))
                } else {
                    let falling = steps < FALLING_STEPS && fall > FALL * gamma;
                    !looking && !falling && (residual < 0.1 * gamma || steps >= STEPS)
                };
                if level_done {
                    break;
                }
                self.adapt(&mut radius, &mut previous, &g, gamma);
                let before = e.smoothed;
                let accepted = self.step(&mut y, &mut e, &g, gamma, last, &mut radius, &mut damping)?;
                steps += 1;
                steps_in_all += 1;
                fall = (before - e.smoothed) / e.smoothed.abs();
                failures = if accepted { 0 } else { failures + 1 };
                if failures >= FAILURES {
                    break;
                }
            }
            if self.stopped() {
                return Ok(());
            }
            if last {
                self.narrow(&y)?;
                if self.solved() {
                    return Ok(());
                }
                if gamma <= LAST_GAMMA {
                    if settled {
                        self.status = Some(Status::Stalled);
                        return Ok(());
                    }
                    // The levels were left too early for this problem: once more from the best prices, each level until it is settled.
                    settled = true;
                    y.clone_from(&self.bound.1);
                    (gamma, last_gamma, failures) = (SETTLED_GAMMA, SETTLED_GAMMA, 0);
                    radius = Radius::new(4.0 * gamma, 4.0 * gamma, campaigns, rows);
                    damping = Damping::new(1.0, campaigns, rows);
                    self.dual.tighten_by_budget(&y, &e, tolerance.max(0.01 * gamma));
                    e = self.evaluate(&y, gamma)?;
                    continue;
                }
                last_gamma *= 0.5;
            }
            failures = 0;
            if !last {
                // The step that this level would take next: a pass where the prices stand already would tell little.
                let g = self.dual.slope(&y, &e);
                let step = newton_step(self.dual, &Query { e: &e, y: &y, g: &g, radius: &radius, accuracy: ACCURACY }, gamma, &damping);
                y = self.landed(&y, &e, &g, &step);
            }
            gamma = (gamma * RATIO).max(last_gamma);
            damping.forget(0.0);
            self.dual.tighten_by_budget(&y, &e, tolerance.max(0.01 * gamma));
            e = self.evaluate(&y, gamma)?;
            radius.next_level(gamma);
        }
    }

    /// Tightens by budget around a pass that need not be run again: a fixed tightening, meant for a first look, would move prices that are good
    /// already.
    fn retighten(&mut self, y: &[f64], e: &mut Eval, tolerance: f64) {
        let loose = self.dual.tight.clone();
        self.dual.tighten_by_budget(y, e, tolerance);
        let tight = std::mem::replace(&mut self.dual.tight, loose);
        self.dual.retighten(tight, y, e);
    }

    /// What the narrowest smoothing allows: a mixture of the answers so far, and freeze and polish for the narrow tolerances.
    fn narrow(&mut self, y: &[f64]) -> Result<()> {
        self.recovery.mix(self.dual, y, &self.limits.until());
        let is_narrow = self.limits.tolerance < POLISHED || self.dual.passes > POLISH_AFTER;
        if !self.solved() && is_narrow && self.gap() <= NEAR {
            self.polish()?;
        }
        Ok(())
    }

    /// Looks for an answer before the first prices: the uniform split. It is no pass: packing has tallied it, and only a log that stays in its file
    /// is read once more; passes are counted alike for both, so that what depends on them is the same.
    fn offer_uniform(&mut self, y: &[f64]) -> Result<()> {
        let sums = self.dual.exchange.pass(&Ask::Uniform)?;
        let cells = self.dual.cells(&sums);
        self.recovery.offer_uniform(self.dual, y, &cells);
        Ok(())
    }

    /// Sum of the slopes of the campaigns' own prices; shared ones count little beside them.
    fn own_residual(&self, g: &[f64]) -> f64 {
        let own: f64 = self.dual.own.iter().filter(|i| **i != NONE).map(|i| g[*i].abs()).sum();
        let shared: f64 = self.dual.shared.iter().map(|i| g[*i].abs()).sum();
        if own == 0.0 { shared } else { own + 0.01 * shared }
    }

    /// Whether every target whose price is inside its range is met, or passed by what thinning takes back: no repair could mend a miss.
    fn on_target(&self, g: &[f64]) -> bool {
        let passed = |i: usize, r: &Row| self.dual.tight[i].0 - r.lo + self.dual.room(r, 1e-7);
        self.dual.rows.iter().enumerate().zip(g).all(|((i, r), g)| r.lo != r.hi || g.abs() <= passed(i, r))
    }

    /// Radii grow while a slope keeps its sign and shrink when it flips.
    fn adapt(&self, radius: &mut Radius, previous: &mut [f64], g: &[f64], gamma: f64) {
        let m = self.dual.priced.len();
        for (k, r) in radius.campaign.iter_mut().enumerate() {
            let agreement: f64 = (0..m).map(|j| self.dual.own[k * m + j]).filter(|i| *i != NONE).map(|i| previous[i] * g[i]).sum();
            if agreement < 0.0 {
                *r = (*r * 0.5).max(0.5 * gamma);
            } else if agreement > 0.0 {
                *r = (*r * 2.0).min(1.0);
            }
        }
        for i in &self.dual.shared {
            let agreement = previous[*i] * g[*i];
            if agreement < 0.0 {
                radius.row[*i] = (radius.row[*i] * 0.5).max(0.5 * gamma);
            } else if agreement > 0.0 {
                radius.row[*i] = (radius.row[*i] * 4.0).min(1e4);
            }
        }
        previous.copy_from_slice(g);
    }

    /// One step: trials until one lowers the smoothed dual enough. Each rejection teaches curvature, and a new direction needs no pass.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &mut self,
        y: &mut Vec<f64>,
        e: &mut Eval,
        g: &[f64],
        gamma: f64,
        last: bool,
        radius: &mut Radius,
        damping: &mut Damping,
    ) -> Result<bool> {
        let accuracy = if last { LAST_ACCURACY } else { ACCURACY };
        let mut step = newton_step(self.dual, &Query { e, y, g, radius, accuracy }, gamma, damping);
        for trial in 0..TRIALS {
            let next = self.landed(y, e, g, &step);
            let tried = self.evaluate(&next, gamma)?;
            let moved: Vec<f64> = next.iter().zip(y.iter()).map(|(n, y)| n - y).collect();
            let promised: f64 = moved.iter().zip(g).map(|(s, g)| s * g).sum();
            if tried.smoothed <= e.smoothed + 1e-4 * promised.min(0.0) + 1e-12 * e.smoothed.abs() {
                *y = next;
                *e = tried;
                damping.mu = (damping.mu * 0.3).max(1e-3);
                damping.forget(FORGET);
                // Shared prices move little and many at once: what was missed beside such a move is hardly theirs, and would hold them for many passes.
                self.dual.shared.iter().for_each(|i| damping.row[*i] = 0.0);
                return Ok(true);
            }
            self.offer(&next, &tried);
            if self.done() {
                return Ok(false);
            }
            if trial >= 3 {
                let by = if trial == 3 { 0.3 } else { 0.2 };
                for s in &mut step {
                    *s *= by;
                }
                damping.mu = (damping.mu * 4.0).min(10.0);
                continue;
            }
            learn(&Model::new(self.dual, e, gamma), e, &tried, &moved, damping);
            step = newton_step(self.dual, &Query { e, y, g, radius, accuracy }, gamma, damping);
        }
        radius.shrink();
        Ok(false)
    }

    /// Where a step from `y` lands.
    fn landed(&self, y: &[f64], e: &Eval, g: &[f64], step: &[f64]) -> Vec<f64> {
        let mut next: Vec<f64> = (0..y.len()).map(|i| land(&self.dual.rows[i], e.bounds[i], y[i], step[i], g[i])).collect();
        self.dual.project(&mut next);
        next
    }
}

/// A Newton step that goes downhill.
fn newton_step(dual: &Dual<'_>, q: &Query<'_>, gamma: f64, damping: &Damping) -> Vec<f64> {
    if q.y.is_empty() {
        return Vec::new();
    }
    let model = Model::new(dual, q.e, gamma);
    let step = direction(&model, q, damping, 3);
    // The rounds can end in a step that goes uphill; a single round cannot.
    if downhill(dual, q, &step) > 0.0 { direction(&model, q, damping, 1) } else { step }
}

/// Where a price lands: it stops at 0, where its bound changes, and at the ends of its range.
fn land(r: &Row, bounds: (f64, f64), y: f64, step: f64, g: f64) -> f64 {
    let v = y + step;
    if r.fair.is_some() {
        return r.reach(bounds, y, v);
    }
    let side = if y == 0.0 { -g } else { y };
    if v * side < 0.0 { 0.0 } else { v.clamp(r.price_min, r.price_max) }
}

/// The slope of the smoothed dual along a step, as far as its prices go.
fn downhill(dual: &Dual<'_>, q: &Query<'_>, step: &[f64]) -> f64 {
    (0..step.len()).map(|i| q.g[i] * (land(&dual.rows[i], q.e.bounds[i], q.y[i], step[i], q.g[i]) - q.y[i])).sum()
}

/// Diagonal secant information from a rejected trial.
fn learn(model: &Model<'_, '_>, e: &Eval, tried: &Eval, moved: &[f64], damping: &mut Damping) {
    let (dual, gamma) = (model.dual, model.gamma);
    let m = dual.priced.len();
    let predicted = model.curve(moved);
    for (k, by) in model.moves(moved).iter().enumerate() {
        let most = LEARNT * (model.flat[k] * gamma + e.near[k].max(tried.near[k]) + 1.0) / gamma;
        let mut own = (0..m).map(|j| dual.own[k * m + j]).filter(|i| *i != NONE);
        let missed = |i: usize| e.d[i] - tried.d[i] - predicted[i];
        if let Some(i) = own.next()
            && by.abs() > 1e-9
        {
            damping.campaign[k] = damping.campaign[k].max((missed(i) / by).min(most));
        }
        // Prices of one campaign can trade places without moving its scores: what that bends is a matter of the later ones alone.
        for i in own.filter(|i| moved[*i].abs() > 1e-9) {
            damping.row[i] = damping.row[i].max((missed(i) / moved[i]).min(most));
        }
    }
    for i in &dual.shared {
        if moved[*i].abs() > 1e-9 {
            damping.row[*i] = damping.row[*i].max((e.d[*i] - tried.d[*i] - predicted[*i]) / moved[*i]);
        }
    }
}
