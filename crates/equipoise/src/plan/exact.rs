//! Small problems, exactly: the relaxed problem as a linear program, with cones for fairness.

use super::dual::{Dual, Row};
use super::linear::{Program, Sides};
use crate::error::Result;
use crate::exchange::Packed;

/// Rounds of tangents, each of which adds those at the deliveries that the one before ends at.
const ROUNDS: usize = 5;
/// First tangents stand at the supply and at this many further deliveries, each a third of the one before.
const FIRST: i32 = 20;

/// Prices of the rows and decisions by candidate; `None` where the solver does not get there. `typical` is about what each row will hold.
pub(super) fn solve(dual: &Dual<'_>, packed: &Packed, typical: Option<&[f64]>, seconds: f64) -> Option<(Vec<f64>, Vec<f64>)> {
    let small = Small::new(dual, packed).ok()?;
    let none = vec![0.0; dual.rows.len()];
    let curved = dual.rows.iter().any(|r| r.fair.is_some());
    let (mut lp, sides) = small.program(dual);
    let members = lp.value_fairly(dual, small.delivered.len(), typical.unwrap_or(&none), |_, r, i| small.delivery(dual, r, i));
    match lp.solve(seconds) {
        Some(found) if found.solved || !curved => {
            let x = small.within_slots(packed, &found.x).ok()?;
            let d = dual.deliveries(&cells(dual, packed, &x).ok()?);
            let fair = |i: usize, r: &Row| r.fair.map_or(0.0, |f| f.slope(d[i].max(0.0)));
            Some((prices(dual, &found.z, &sides, &members, fair), x))
        }
        None if !curved => None,
        _ => by_tangents(dual, packed, &small, seconds),
    }
}

/// The same with fairness as the least of tangents: where promises leave no inside, cones have no answer and a linear program has.
fn by_tangents(dual: &Dual<'_>, packed: &Packed, small: &Small, seconds: f64) -> Option<(Vec<f64>, Vec<f64>)> {
    let first = |r: &Row| r.fair.map_or_else(Vec::new, |f| (0..=FIRST).map(|n| f.supply() / 3f64.powi(n)).collect());
    let mut at: Vec<Vec<f64>> = dual.rows.iter().map(first).collect();
    let mut best = None;
    for _ in 0..ROUNDS {
        let (mut lp, sides) = small.program(dual);
        let delivery = |r: &Row, i: usize| small.delivery(dual, r, i);
        let members = lp.value_groups(dual, small.delivered.len(), |_, r, i| delivery(r, i));
        let mut tangents: Vec<Vec<(usize, f64)>> = vec![Vec::new(); dual.rows.len()];
        for (i, r) in dual.rows.iter().enumerate() {
            if let Some(fair) = &r.fair {
                let terms: Vec<(usize, f64)> = (0..small.delivered.len()).map(|v| (v, delivery(r, v))).filter(|t| t.1 != 0.0).collect();
                tangents[i] = lp.value_by_tangents(fair, &at[i], &terms);
            }
        }
        let found = lp.solve(seconds)?;
        let x = small.within_slots(packed, &found.x).ok()?;
        let d = dual.deliveries(&cells(dual, packed, &x).ok()?);
        let fair = |i: usize, _: &Row| tangents[i].iter().map(|(row, slope)| slope * found.z[*row].max(0.0)).sum();
        best = Some((prices(dual, &found.z, &sides, &members, fair), x));
        at.iter_mut().zip(&d).filter(|(at, d)| !at.is_empty() && **d > 0.0).for_each(|(at, d)| at.push(*d));
    }
    best
}

/// Prices from the multipliers of a program's rows, and from what a further unit is worth to fairness.
fn prices(dual: &Dual<'_>, z: &[f64], sides: &[Sides], members: &[Option<usize>], fair: impl Fn(usize, &Row) -> f64) -> Vec<f64> {
    let multiplier = |row: Option<usize>| row.map_or(0.0, |r| z[r].max(0.0));
    let price = |(i, r): (usize, &Row)| {
        (multiplier(sides[i].0) - multiplier(sides[i].1) - multiplier(members[i]) - fair(i, r)).clamp(r.price_min, r.price_max)
    };
    let mut prices: Vec<f64> = dual.rows.iter().enumerate().map(price).collect();
    dual.project(&mut prices);
    prices
}

/// A small problem's candidates: what each delivers, its column, and its opportunity with the slots.
struct Small {
    delivered: Vec<Vec<f64>>,
    column_of: Vec<usize>,
    opportunity: Vec<Option<(u32, f64)>>,
}

impl Small {
    fn new(dual: &Dual<'_>, packed: &Packed) -> Result<Self> {
        let candidates = packed.layout().rows as usize;
        // Candidates that no slot can take stay worth nothing.
        let mut small = Self {
            delivered: vec![vec![0.0; dual.measures()]; candidates],
            column_of: vec![0; candidates],
            opportunity: vec![None; candidates],
        };
        packed.each_candidate(|row, i, column, y| {
            if row.slots > 0 {
                small.delivered[i] = amounts(dual, row.weight, y);
                small.column_of[i] = column;
                small.opportunity[i] = Some((row.opportunity, f64::from(row.slots)));
            }
        })?;
        Ok(small)
    }

    /// What taking a candidate whole delivers to a row.
    fn delivery(&self, dual: &Dual<'_>, r: &Row, i: usize) -> f64 {
        ((if dual.is_member(r, self.column_of[i]) { r.a } else { 0.0 }) + r.b) * self.delivered[i][r.measure]
    }

    /// The program of all candidates under the bounds, fairness aside, and where the bounds went.
    fn program(&self, dual: &Dual<'_>) -> (Program, Vec<Sides>) {
        let mut lp = Program::default();
        let mut last = None;
        for (amounts, opportunity) in self.delivered.iter().zip(&self.opportunity) {
            let x = lp.variable(-amounts.iter().zip(&dual.weights).map(|(a, w)| a * w).sum::<f64>());
            let most = lp.row(1.0);
            lp.enter(most, x, 1.0);
            if let Some((t, slots)) = *opportunity {
                let row = match last {
                    Some((u, row)) if u == t => row,
                    _ => lp.row(slots),
                };
                last = Some((t, row));
                lp.enter(row, x, 1.0);
            }
        }
        let sides = lp.promise(dual, self.delivered.len(), 0.0, |_, r, i| self.delivery(dual, r, i));
        (lp, sides)
    }

    /// A program's decisions, brought back into their box and slots.
    fn within_slots(&self, packed: &Packed, x: &[f64]) -> Result<Vec<f64>> {
        within_slots(packed, &x[..self.delivered.len()])
    }
}

/// Sums of decisions by column and measure, in inner units.
pub(super) fn cells(dual: &Dual<'_>, packed: &Packed, x: &[f64]) -> Result<Vec<f64>> {
    let m = dual.measures();
    let mut cells = vec![0.0; packed.layout().columns.len() * m];
    packed.each_candidate(|row, i, column, y| {
        if x[i] > 0.0 {
            cells[column * m..][..m].iter_mut().zip(amounts(dual, row.weight, y)).for_each(|(c, a)| *c += x[i] * a);
        }
    })?;
    Ok(cells)
}

/// What taking a candidate whole delivers, in inner units.
fn amounts(dual: &Dual<'_>, weight: f64, y: &[f32]) -> Vec<f64> {
    std::iter::once(1.0).chain(y.iter().map(|y| f64::from(*y))).zip(&dual.units.delivery).map(|(y, unit)| weight * y / unit).collect()
}

/// Decisions brought back into their box and slots, which an interior point solver keeps only to its tolerance.
fn within_slots(packed: &Packed, solved: &[f64]) -> Result<Vec<f64>> {
    let mut taken: Vec<f64> = Vec::new();
    packed.each_candidate(|row, i, _, _| {
        let t = row.opportunity as usize;
        if taken.len() <= t {
            taken.resize(t + 1, 0.0);
        }
        taken[t] += solved[i].clamp(0.0, 1.0);
    })?;
    let mut x = vec![0.0; solved.len()];
    packed.each_candidate(|row, i, _, _| {
        let (slots, sum) = (f64::from(row.slots), taken[row.opportunity as usize]);
        x[i] = solved[i].clamp(0.0, 1.0) * if sum > slots { slots / sum * (1.0 - 1e-15) } else { 1.0 };
    })?;
    Ok(x)
}
