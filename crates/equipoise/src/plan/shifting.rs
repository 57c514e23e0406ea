//! Answers around a pass that cost no other: its fractional opportunities are moved against each other until deliveries are where prices hold them.
//!
//! Prices are good long before every delivery is exact. Thinning throws away what is over a bound and leaves what is under one; fractional
//! opportunities can give the one to the other, at next to no cost, since their candidates are worth the same within the smoothing.

use super::dense::dot;
use super::dual::{Dual, Eval, Row};
use super::model::Model;
use super::newton::{Damping, Radius};
use super::parts;
use super::precondition::Preconditioner;
use super::recovery::Source;
use super::system::{Reached, System, conjugate};

/// Rounds: each moves what the ends of decisions kept from moving in the one before.
const ROUNDS: usize = 3;
/// Conjugate gradient steps of a round, and the residual that ends it.
const STEPS: usize = 60;
const ACCURACY: f64 = 1e-2;
/// Deliveries nearer to their bounds than this part of where they were need no further round.
const NEAR: f64 = 0.02;
/// How far scores may be thought to move, in smoothings, where nearly nothing is fractional.
const REACH: f64 = 4.0;

/// Decisions around the pass `e` at prices `y`, and their sums by column and measure: those of the round whose deliveries are nearest to the bounds
/// that priced rows are held to. `None` where no round is nearer than the pass.
pub(super) fn shifted(dual: &Dual<'_>, e: &Eval, y: &[f64], gamma: f64) -> Option<(Source, Vec<f64>)> {
    if y.is_empty() {
        return None;
    }
    let model = Model::new(dual, e, gamma);
    // A soft goal that is missed at its penalty is held to nothing.
    let is_free = |(r, p): (&Row, &f64)| *p != 0.0 && *p > r.price_min && *p < r.price_max && r.fair.is_none();
    let free: Vec<bool> = dual.rows.iter().zip(y).map(is_free).collect();
    let held = |i: usize| if y[i] > 0.0 { e.bounds[i].1 } else { e.bounds[i].0 };
    let over =
        |d: &[f64]| -> Vec<f64> { (0..y.len()).map(|i| if free[i] && held(i).is_finite() { d[i] - held(i) } else { 0.0 }).collect() };
    let size = |over: &[f64]| over.iter().map(|o| o.abs()).sum::<f64>();
    let mut left = over(&e.d);
    let first = size(&left);
    // What cannot move is not to be pushed: the regularisation of a Newton step, but for kinks that only a pass would find. Of a radius it takes 0.02.
    let radius = Radius::new(0.02 * REACH * gamma, f64::INFINITY, dual.campaigns(), y.len());
    let damping = Damping::new(0.0, dual.campaigns(), y.len());
    let system = System::new(&model, e, &left, &radius, &damping);
    let precondition = Preconditioner::new(&system, &free);
    let mut prices = vec![0.0; y.len()];
    let mut best = (first, None);
    for _ in 0..ROUNDS {
        let least = ACCURACY * ACCURACY * dot(&left, &precondition.apply(&left));
        let mut at = Reached { x: vec![0.0; y.len()], product: vec![0.0; y.len()], residual: left };
        conjugate(&system, &mut at, &free, (STEPS, least), |r| precondition.apply(r));
        prices.iter_mut().zip(at.x).for_each(|(p, more)| *p += more);
        let charges = charges(dual, &prices);
        if !charges.iter().all(|charge| charge.is_finite()) {
            break;
        }
        let cells = cells(dual, e, &charges, gamma);
        left = over(&dual.deliveries(&cells));
        let now = size(&left);
        if now < best.0 {
            best = (now, Some((Source::Shifted(e.ask.clone(), charges), cells)));
        }
        if now < NEAR * first {
            break;
        }
    }
    best.1
}

/// What prices charge a column for a unit of each measure, in scores.
fn charges(dual: &Dual<'_>, prices: &[f64]) -> Vec<f64> {
    let m = dual.measures();
    let mut charges = vec![0.0; dual.layout().columns.len() * m];
    for (own, priced) in charges.chunks_exact_mut(m).zip(dual.column_charges(prices).chunks_exact(dual.priced.len())) {
        dual.priced.iter().zip(priced).for_each(|(j, charge)| own[*j] = charge * dual.units.price(*j));
    }
    charges
}

/// The sums of a pass with its fractional opportunities moved, in inner units.
fn cells(dual: &Dual<'_>, e: &Eval, charges: &[f64], gamma: f64) -> Vec<f64> {
    let m = dual.measures();
    let (units, blocks) = (&dual.units, &e.sums.active);
    let ranges = parts::of_blocks(blocks, e.cells.len());
    let mut cells = parts::sum(&*dual.exchange, ranges.len(), e.cells.len(), |i, more| {
        for (_, active) in &blocks[ranges[i].clone()] {
            active.shifted(charges, m, gamma * units.score, |column, measure, amount| {
                more[column * m + measure] += amount / units.delivery[measure];
            });
        }
    });
    cells.iter_mut().zip(&e.cells).for_each(|(more, cell)| *more += cell);
    cells
}
