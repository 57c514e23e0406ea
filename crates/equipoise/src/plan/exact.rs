//! Small problems, exactly: the relaxed problem as a linear program, with cones for fairness.

use super::dual::{Dual, Row};
use super::linear::Program;
use crate::exchange::Packed;

/// Prices of the rows and decisions by candidate; `None` where the solver does not get there. `typical` is about what each row will hold.
pub(super) fn solve(dual: &Dual<'_>, packed: &Packed, typical: Option<&[f64]>, seconds: f64) -> Option<(Vec<f64>, Vec<f64>)> {
    let candidates = packed.layout().rows as usize;
    let mut lp = Program::default();
    // Candidates that no slot can take stay worth nothing.
    let mut delivered = vec![vec![0.0; dual.measures()]; candidates];
    let mut column_of = vec![0; candidates];
    let mut opportunity = vec![None; candidates];
    packed.each_candidate(|row, i, column, y| {
        delivered[i] = amounts(dual, row.weight, y);
        column_of[i] = column;
        opportunity[i] = Some((row.opportunity, f64::from(row.slots)));
    });
    let mut last = None;
    for (i, amounts) in delivered.iter().enumerate() {
        let x = lp.variable(-amounts.iter().zip(&dual.weights).map(|(a, w)| a * w).sum::<f64>());
        let most = lp.row(1.0);
        lp.enter(most, x, 1.0);
        if let Some((t, slots)) = opportunity[i] {
            let row = match last {
                Some((u, row)) if u == t => row,
                _ => lp.row(slots),
            };
            last = Some((t, row));
            lp.enter(row, x, 1.0);
        }
    }
    let delivery =
        |_: usize, r: &Row, i: usize| ((if dual.is_member(r, column_of[i]) { r.a } else { 0.0 }) + r.b) * delivered[i][r.measure];
    let sides = lp.promise(dual, candidates, 0.0, delivery);
    let none = vec![0.0; dual.rows.len()];
    let members = lp.value_fairly(dual, candidates, typical.unwrap_or(&none), delivery);
    let (x, z) = lp.solve(seconds)?;
    let x = within_slots(packed, &x[..candidates]);
    let d = dual.deliveries(&cells(dual, packed, &x));
    let multiplier = |row: Option<usize>| row.map_or(0.0, |r| z[r].max(0.0));
    let price = |(i, r): (usize, &Row)| {
        let fair = r.fair.map_or(0.0, |f| f.slope(d[i].max(0.0)));
        (multiplier(sides[i].0) - multiplier(sides[i].1) - multiplier(members[i]) - fair).clamp(r.price_min, r.price_max)
    };
    let mut prices: Vec<f64> = dual.rows.iter().enumerate().map(price).collect();
    dual.project(&mut prices);
    Some((prices, x))
}

/// Sums of decisions by column and measure, in inner units.
pub(super) fn cells(dual: &Dual<'_>, packed: &Packed, x: &[f64]) -> Vec<f64> {
    let m = dual.measures();
    let mut cells = vec![0.0; packed.layout().columns.len() * m];
    packed.each_candidate(|row, i, column, y| {
        if x[i] > 0.0 {
            cells[column * m..][..m].iter_mut().zip(amounts(dual, row.weight, y)).for_each(|(c, a)| *c += x[i] * a);
        }
    });
    cells
}

/// What taking a candidate whole delivers, in inner units.
fn amounts(dual: &Dual<'_>, weight: f64, y: &[f32]) -> Vec<f64> {
    std::iter::once(1.0).chain(y.iter().map(|y| f64::from(*y))).zip(&dual.units.delivery).map(|(y, unit)| weight * y / unit).collect()
}

/// Decisions brought back into their box and slots, which an interior point solver keeps only to its tolerance.
fn within_slots(packed: &Packed, solved: &[f64]) -> Vec<f64> {
    let mut taken: Vec<f64> = Vec::new();
    packed.each_candidate(|row, i, _, _| {
        let t = row.opportunity as usize;
        if taken.len() <= t {
            taken.resize(t + 1, 0.0);
        }
        taken[t] += solved[i].clamp(0.0, 1.0);
    });
    let mut x = vec![0.0; solved.len()];
    packed.each_candidate(|row, i, _, _| {
        let (slots, sum) = (f64::from(row.slots), taken[row.opportunity as usize]);
        x[i] = solved[i].clamp(0.0, 1.0) * if sum > slots { slots / sum * (1.0 - 1e-15) } else { 1.0 };
    });
    x
}
