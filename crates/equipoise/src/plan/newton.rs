//! One semismooth Newton direction: conjugate gradients on the free prices, inside a few rounds of a primal-dual active set.

use super::dense::dot;
use super::dual::{Dual, Eval, NONE};
use super::model::Model;
use super::precondition::Preconditioner;
use super::system::{Reached, System, conjugate};
use super::tied::Tied;
use std::borrow::Cow;

/// Conjugate gradient steps at most.
const STEPS: usize = 100;

/// How far prices may move: by campaign in score units, by shared row in its own price.
#[derive(Debug, Clone)]
pub(super) struct Radius {
    pub(super) campaign: Vec<f64>,
    pub(super) row: Vec<f64>,
}

impl Radius {
    pub(super) fn new(campaign: f64, row: f64, campaigns: usize, rows: usize) -> Self {
        Self { campaign: vec![campaign; campaigns], row: vec![row; rows] }
    }

    /// After a step that failed.
    pub(super) fn shrink(&mut self) {
        self.campaign.iter_mut().chain(&mut self.row).for_each(|r| *r *= 0.3);
    }

    /// What a level of this smoothing starts with.
    pub(super) fn next_level(&mut self, gamma: f64) {
        self.campaign.iter_mut().for_each(|r| *r = r.min(0.5).max(4.0 * gamma));
        self.row.iter_mut().for_each(|r| *r = r.max(4.0 * gamma));
    }
}

/// What the Newton step is damped by, beside the radius.
#[derive(Debug, Clone)]
pub(super) struct Damping {
    /// Levenberg term, relative to the curvature.
    pub(super) mu: f64,
    /// The part counted of the curvature that opportunities near a kink would make if they were at it.
    pub(super) near: f64,
    /// Secant curvature learnt from rejected steps, by campaign.
    pub(super) campaign: Vec<f64>,
    /// The same by row.
    pub(super) row: Vec<f64>,
}

impl Damping {
    /// Nothing learnt yet.
    pub(super) fn new(near: f64, campaigns: usize, rows: usize) -> Self {
        Self { mu: 1e-3, near, campaign: vec![0.0; campaigns], row: vec![0.0; rows] }
    }

    /// Keeps a part of what was learnt.
    pub(super) fn forget(&mut self, kept: f64) {
        self.campaign.iter_mut().chain(&mut self.row).for_each(|learnt| *learnt *= kept);
    }
}

/// What a price does in the current round.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Moves; its bound is the upper one.
    Above,
    /// Moves; its bound is the lower one.
    Below,
    /// Moves; the price of a smooth utility.
    Smooth,
    /// Goes to this value: a kink or an end of its range.
    Fixed(f64),
}

/// What a direction is asked for: where the prices stand, and how exactly.
pub(super) struct Query<'q> {
    pub(super) e: &'q Eval,
    pub(super) y: &'q [f64],
    /// Slope of the smoothed dual at `y`.
    pub(super) g: &'q [f64],
    pub(super) radius: &'q Radius,
    /// Relative residual asked of the linear solves.
    pub(super) accuracy: f64,
}

/// The Newton direction; `rounds` of the active set at most, the best of which wins.
pub(super) fn direction(model: &Model<'_, '_>, q: &Query<'_>, damping: &Damping, rounds: usize) -> Vec<f64> {
    let dual = model.dual;
    let mut system = System::new(model, q.e, q.g, q.radius, damping);
    for (bend, (r, (bounds, y))) in system.bend.iter_mut().zip(dual.rows.iter().zip(q.e.bounds.iter().zip(q.y))) {
        *bend = r.bend(*bounds, *y);
    }
    let mut state = first_states(&system, q);
    let mut x = vec![0.0; q.y.len()];
    let mut best = (f64::INFINITY, vec![0.0; q.y.len()], state.clone());
    for round in 0..rounds {
        let solved = solve(&system, q, &state, &mut x);
        let clipped = clip(dual, q, &solved.step, &state);
        let worth = worth(&system, q, &clipped, (clipped == solved.step).then_some(&solved.pushed));
        if worth < best.0 {
            best = (worth, clipped, state.clone());
        }
        if round + 1 == rounds || !next_states(&mut system, q, &solved, &mut state) {
            break;
        }
    }
    let (_, step, state) = best;
    within_radius(model, step, &state, q)
}

/// Where each price stands before the first round.
fn first_states(system: &System<'_, '_, '_>, q: &Query<'_>) -> Vec<State> {
    let model = system.model;
    let dual = model.dual;
    let (m, n) = (dual.priced.len(), model.charged.len());
    let (y, g) = (q.y, q.g);
    let mut state: Vec<State> = (0..y.len())
        .map(|i| {
            let r = &dual.rows[i];
            if g[i] == 0.0 && ((y[i] == 0.0 && r.fair.is_none()) || y[i] >= r.price_max || y[i] <= r.price_min) {
                State::Fixed(y[i])
            } else if r.fair.is_some() {
                State::Smooth
            } else if y[i] > 0.0 || (y[i] == 0.0 && g[i] < 0.0) {
                State::Above
            } else {
                State::Below
            }
        })
        .collect();
    for k in 0..model.flat.len() {
        for (a, j) in model.charged.iter().enumerate() {
            let i = dual.own[k * m + j];
            if i != NONE && y[i] != 0.0 && matches!(state[i], State::Above | State::Below) && dual.rows[i].member.is_none() {
                let step = -g[i] / system.matrix[(k * n + a) * n + a].max(1e-300);
                if (y[i] + step) * y[i] <= 0.0 && y[i].abs() < q.radius.campaign[k] {
                    state[i] = State::Fixed(0.0);
                }
            }
        }
    }
    state
}

/// What a round found.
struct Solved {
    step: Vec<f64>,
    /// What the step takes from deliveries.
    pushed: Vec<f64>,
    /// By how much the levels of the groups rise.
    levels: Vec<f64>,
}

/// The step of a round: conjugate gradients on the free prices, from `x`, the others going where they are fixed.
fn solve(system: &System<'_, '_, '_>, q: &Query<'_>, state: &[State], x: &mut Vec<f64>) -> Solved {
    let dual = system.model.dual;
    let free: Vec<bool> = state.iter().map(|s| !matches!(s, State::Fixed(_))).collect();
    let mut step: Vec<f64> = state.iter().zip(q.y).map(|(s, y)| if let State::Fixed(v) = s { v - y } else { 0.0 }).collect();
    let mut levels = vec![0.0; dual.groups.len()];
    // What the matrix gives for a vector: most often nothing for nothing.
    let product = |v: &[f64]| if v.iter().any(|v| *v != 0.0) { system.times(v) } else { vec![0.0; v.len()] };
    let mut pushed = product(&step);
    if !free.contains(&true) {
        return Solved { step, pushed, levels };
    }
    let masked = |v: &[f64]| v.iter().zip(&free).map(|(v, free)| if *free { *v } else { 0.0 }).collect::<Vec<f64>>();
    let slope = |i: usize| match state[i] {
        State::Above => q.e.d[i] - q.e.bounds[i].1,
        State::Below => q.e.d[i] - q.e.bounds[i].0,
        State::Smooth => q.e.d[i] - dual.rows[i].wants(q.e.bounds[i], q.y[i], q.e.d[i]),
        State::Fixed(_) => 0.0,
    };
    let mut b: Vec<f64> = (0..state.len()).map(slope).collect();
    b.iter_mut().zip(masked(&pushed)).for_each(|(b, moved)| *b -= moved);
    x.iter_mut().zip(&free).filter(|(_, f)| !**f).for_each(|(x, _)| *x = 0.0);
    let precondition = Preconditioner::new(system, &free);
    let tied = Tied::new(dual, q, &free, &step, |v| precondition.apply(v));
    tied.restore(x);
    let mut at = Reached { product: product(x), x: std::mem::take(x), residual: b.clone() };
    at.residual.iter_mut().zip(masked(&at.product)).for_each(|(r, t)| *r -= t);
    let mut answer = precondition.apply(&b);
    tied.project(&mut b, &mut answer, &mut levels);
    let scale = dot(&b, &answer);
    levels.fill(0.0);
    let least = q.accuracy * q.accuracy * scale;
    conjugate(system, &mut at, &free, (STEPS, least), |r| {
        let mut z = precondition.apply(r);
        tied.project(r, &mut z, &mut levels);
        z
    });
    step.iter_mut().zip(&free).zip(&at.x).filter(|((_, f), _)| **f).for_each(|((s, _), x)| *s = *x);
    pushed.iter_mut().zip(&at.product).for_each(|(pushed, more)| *pushed += more);
    *x = at.x;
    Solved { step, pushed, levels }
}

/// The step that stops where it crosses a kink or an end of its range, with groups sharing their weight.
fn clip(dual: &Dual<'_>, q: &Query<'_>, step: &[f64], state: &[State]) -> Vec<f64> {
    let land = |i: usize| {
        let (r, target) = (&dual.rows[i], q.y[i] + step[i]);
        let target = match state[i] {
            State::Above => target.max(0.0),
            State::Below => target.min(0.0),
            State::Smooth => r.reach(q.e.bounds[i], q.y[i], target),
            State::Fixed(v) => v,
        };
        target.clamp(r.price_min, r.price_max)
    };
    let mut to: Vec<f64> = (0..q.y.len()).map(land).collect();
    dual.project(&mut to);
    to.iter().zip(q.y).map(|(to, y)| to - y).collect()
}

/// The model's change of the smoothed dual by a step, which takes `pushed` from deliveries, if that is known.
fn worth(system: &System<'_, '_, '_>, q: &Query<'_>, step: &[f64], pushed: Option<&Vec<f64>>) -> f64 {
    let rows = &system.model.dual.rows;
    // A group's prices pay for its level together.
    let conjugate = |i: usize, v: f64| {
        let bounds = q.e.bounds[i];
        if rows[i].member.is_some() && v < 0.0 { v * bounds.0 } else { rows[i].conjugate(bounds, v) }
    };
    let pushed = pushed.map_or_else(|| Cow::Owned(system.times(step)), Cow::Borrowed);
    let one = |i: usize| {
        0.5 * step[i] * (pushed[i] - system.bend[i] * step[i]) + conjugate(i, q.y[i] + step[i]) - conjugate(i, q.y[i]) - q.e.d[i] * step[i]
    };
    (0..step.len()).filter(|i| step[*i] != 0.0).map(one).sum()
}

/// Frees prices that the step would push on, fixes those that it would push past a kink, and takes smooth utilities' curvature over the step.
/// Returns whether any changed.
fn next_states(system: &mut System<'_, '_, '_>, q: &Query<'_>, solved: &Solved, state: &mut [State]) -> bool {
    let dual = system.model.dual;
    let Solved { step, pushed, levels } = solved;
    let mut changed = false;
    let mut bounds = q.e.bounds.clone();
    for (g, more) in dual.groups.iter().zip(levels) {
        g.rows.iter().zip(&g.goal.members).for_each(|(i, t)| bounds[*i].0 += t * more);
    }
    for (i, state) in state.iter_mut().enumerate() {
        let r = &dual.rows[i];
        let target = q.y[i] + step[i];
        let next = match *state {
            State::Above if target < 0.0 => State::Fixed(0.0),
            State::Below if target > 0.0 => State::Fixed(0.0),
            State::Above | State::Smooth if target > r.price_max => State::Fixed(r.price_max),
            State::Below | State::Smooth if target < r.price_min => State::Fixed(r.price_min),
            State::Smooth => {
                let to = r.reach(bounds[i], q.y[i], target);
                let moved = to - q.y[i];
                if moved.abs() > 1e-12 * to.abs() {
                    let grown = r.wants(bounds[i], to, q.e.d[i]) - r.wants(bounds[i], q.y[i], q.e.d[i]);
                    let bend = (grown / moved).max(0.0);
                    changed |= (bend - system.bend[i]).abs() > 0.1 * bend.max(system.bend[i]);
                    system.bend[i] = bend;
                }
                State::Smooth
            }
            State::Fixed(_) if r.is_pinned() => *state,
            State::Fixed(v) => {
                let delivery = q.e.d[i] - pushed[i] + system.bend[i] * step[i];
                let slip = 1e-3 * q.g[i].abs().max(1e-9);
                let (lo, hi) = bounds[i];
                if r.fair.is_some() {
                    let wants = r.wants(bounds[i], v, delivery);
                    let inward = if v >= r.price_max { delivery < wants - slip } else { delivery > wants + slip };
                    if inward { State::Smooth } else { *state }
                } else if (delivery > hi + slip && v < r.price_max && v >= 0.0) || (v > 0.0 && delivery < hi - slip) {
                    State::Above
                } else if (delivery < lo - slip && v > r.price_min && v <= 0.0) || (v < 0.0 && delivery > lo + slip) {
                    State::Below
                } else {
                    *state
                }
            }
            unchanged => unchanged,
        };
        changed |= next != *state;
        *state = next;
    }
    changed
}

/// Keeps the move of every campaign's score within its radius: shared prices are scaled, then own prices follow so that the move keeps its target.
fn within_radius(model: &Model<'_, '_>, mut step: Vec<f64>, state: &[State], q: &Query<'_>) -> Vec<f64> {
    let (dual, radius) = (model.dual, q.radius);
    let (m, n) = (dual.priced.len(), model.charged.len());
    let free_own = |k: usize, a: usize| {
        let i = dual.own[k * m + model.charged[a]];
        (i != NONE && !matches!(state[i], State::Fixed(_))).then_some(i)
    };
    let moves = model.moves(&step);
    let widest = radius.campaign.iter().fold(0.25f64, |a, b| a.max(*b));
    let mut factor = 1f64;
    let mut shared_only = step.clone();
    dual.own.iter().filter(|i| **i != NONE).for_each(|i| shared_only[*i] = 0.0);
    let mut shared_moves = model.moves(&shared_only);
    for (k, by) in moves.iter().enumerate() {
        let Some((i, typical)) = (0..n).find_map(|a| free_own(k, a).map(|i| (i, model.typical[k * n + a].max(1e-3)))) else {
            factor = factor.max(by.abs() / widest);
            continue;
        };
        // An own price makes up for shared ones as far as its kink at 0.
        let against = match state[i] {
            State::Above => shared_moves[k],
            State::Below => -shared_moves[k],
            State::Smooth | State::Fixed(_) => 0.0,
        };
        factor = factor.max(against / (typical * q.y[i].abs() + widest));
    }
    for i in &dual.shared {
        step[*i] /= factor;
    }
    for by in &mut shared_moves {
        *by /= factor;
    }
    for (k, by) in moves.iter().enumerate() {
        let r = radius.campaign[k];
        let target = (by / factor.min(4.0)).clamp(-r, r);
        let mut rest = target - shared_moves[k];
        // The first free own price takes up the difference; further ones keep their own clipped steps.
        let mut first = None;
        for a in 0..n {
            let i = dual.own[k * m + model.charged[a]];
            if i == NONE {
                continue;
            }
            let typical = model.typical[k * n + a].max(1e-3);
            if free_own(k, a).is_some() && first.is_none() {
                first = Some((i, typical));
                continue;
            }
            if free_own(k, a).is_some() {
                let reach = 3.0 * r / typical;
                step[i] = step[i].clamp(-reach, reach);
            }
            rest -= typical * step[i];
        }
        if let Some((i, typical)) = first {
            step[i] = dual.rows[i].reach(q.e.bounds[i], q.y[i], q.y[i] + rest / typical) - q.y[i];
        }
    }
    step
}
