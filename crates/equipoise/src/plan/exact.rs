//! Small problems, exactly: the relaxed problem as a linear program, with cones for fairness. A problem is small as a whole, or because all but
//! the candidates that prices leave undecided are frozen.

use super::dual::{Dual, Row};
use super::linear::{Program, Sides};
use super::undecided::Undecided;
use super::until::Until;
use crate::error::Result;
use crate::exchange::Packed;

/// Rounds of tangents, each of which adds those at the deliveries that the one before ends at.
const ROUNDS: usize = 5;
/// First tangents stand at the supply and at this many further deliveries, each a third of the one before.
const FIRST: i32 = 20;

/// Prices of the rows and decisions by candidate; `None` where the solver does not get there. `typical` is about what each row will hold.
pub(super) fn solve(dual: &Dual<'_>, packed: &Packed, typical: Option<&[f64]>, until: &Until<'_>) -> Option<(Vec<f64>, Vec<f64>)> {
    let small = Small::whole(dual, packed).ok()?;
    let none = vec![0.0; dual.rows.len()];
    let curved = dual.rows.iter().any(|r| r.fair.is_some());
    let (mut lp, sides) = small.program(dual, 0.0);
    let members = lp.value_fairly(dual, small.variables(), typical.unwrap_or(&none), |i, r, v| small.delivery(dual, i, r, v));
    match lp.solve(until) {
        Some(found) if found.solved || !curved => {
            let x = small.decisions(packed, &found.x).ok()?;
            let d = dual.deliveries(&cells(dual, packed, &x).ok()?);
            let fair = |i: usize, r: &Row| r.fair.map_or(0.0, |f| f.slope(d[i].max(0.0)));
            Some((prices(dual, &found.z, &sides, &members, fair), x))
        }
        None if !curved => None,
        _ => by_tangents(dual, packed, &small, until),
    }
}

/// The same near prices `y` and deliveries `d`: all candidates are frozen but about `most` that are the closest to being decided otherwise, prices
/// move as little, and fairness is quadratic. Hard bounds are taken `inside` of themselves by that part.
///
/// What is found is best for the frozen problem; whether it is for the whole one, a pass at the prices tells.
pub(super) fn polish(
    dual: &Dual<'_>,
    packed: &Packed,
    (y, d): (&[f64], &[f64]),
    most: usize,
    inside: f64,
    until: &Until<'_>,
) -> Option<(Vec<f64>, Vec<f64>)> {
    let small = Small::near(dual, y, Undecided::at(dual, packed, y, most).ok()??);
    let (mut lp, sides) = small.program(dual, inside);
    let members = lp.value_groups(dual, small.variables(), |i, r, v| small.delivery(dual, i, r, v));
    let mut near = vec![None; dual.rows.len()];
    for (i, r) in dual.rows.iter().enumerate() {
        if let Some(fair) = r.fair.filter(|f| f.slope(d[i]).is_finite()) {
            near[i] = Some(lp.value_near(&fair, d[i], (0..small.variables()).map(|v| (v, small.delivery(dual, i, r, v)))));
        }
    }
    let found = lp.solve(until)?;
    let x = small.decisions(packed, &found.x).ok()?;
    Some((prices(dual, &found.z, &sides, &members, |i, _| near[i].map_or(0.0, |row: usize| found.z[row])), x))
}

/// The same with fairness as the least of tangents: where promises leave no inside, cones have no answer and a linear program has.
fn by_tangents(dual: &Dual<'_>, packed: &Packed, small: &Small, until: &Until<'_>) -> Option<(Vec<f64>, Vec<f64>)> {
    let first = |r: &Row| r.fair.map_or_else(Vec::new, |f| (0..=FIRST).map(|n| f.supply() / 3f64.powi(n)).collect());
    let mut at: Vec<Vec<f64>> = dual.rows.iter().map(first).collect();
    let mut best = None;
    for _ in 0..ROUNDS {
        let (mut lp, sides) = small.program(dual, 0.0);
        let members = lp.value_groups(dual, small.variables(), |i, r, v| small.delivery(dual, i, r, v));
        let mut tangents: Vec<Vec<(usize, f64)>> = vec![Vec::new(); dual.rows.len()];
        for (i, r) in dual.rows.iter().enumerate() {
            if let Some(fair) = &r.fair {
                let delivery = |v: usize| (v, small.delivery(dual, i, r, v));
                let terms: Vec<(usize, f64)> = (0..small.variables()).map(delivery).filter(|t| t.1 != 0.0).collect();
                tangents[i] = lp.value_by_tangents(fair, &at[i], &terms);
            }
        }
        let found = lp.solve(until)?;
        let x = small.decisions(packed, &found.x).ok()?;
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

/// The candidates that a program decides on, and what frozen ones are worth.
#[derive(Default)]
struct Small {
    /// What each delivers, and its column.
    delivered: Vec<Vec<f64>>,
    column_of: Vec<usize>,
    /// Its opportunity with the slots that are left, where it competes.
    opportunity: Vec<Option<(u32, f64)>>,
    /// Its place in the sample.
    index: Vec<usize>,
    /// Frozen candidates that are taken, by place in the sample; what they are worth, and deliver to each row.
    taken: Vec<usize>,
    worth: f64,
    deliveries: Vec<f64>,
    /// Between what prices are looked for, by row; empty for any prices. A row that no undecided candidate delivers to says nothing of its price.
    boxes: Vec<(f64, f64)>,
}

impl Small {
    /// All candidates.
    fn whole(dual: &Dual<'_>, packed: &Packed) -> Result<Self> {
        let mut small = Self::default();
        packed.each_candidate(|row, i, column, y| {
            // Candidates that no slot can take stay worth nothing.
            let slots = (row.slots > 0).then(|| (row.opportunity, f64::from(row.slots)));
            let amounts = if slots.is_some() { amounts(dual, row.weight, y) } else { vec![0.0; dual.measures()] };
            small.push(i, column, slots, amounts);
        })?;
        Ok(small)
    }

    /// Those that prices `y` leave undecided, for prices as close to `y` as they are to being decided.
    fn near(dual: &Dual<'_>, y: &[f64], undecided: Undecided) -> Self {
        let Undecided { open, taken, cells, reach } = undecided;
        let mut small = Self { worth: dual.worth(&cells), deliveries: dual.deliveries(&cells), taken, ..Self::default() };
        small.boxes = y.iter().map(|y| (y - reach, y + reach)).collect();
        for c in open {
            small.push(c.index, c.column, Some((c.opportunity, c.slots as f64)), c.amounts);
        }
        small
    }

    fn push(&mut self, index: usize, column: usize, opportunity: Option<(u32, f64)>, amounts: Vec<f64>) {
        self.index.push(index);
        self.column_of.push(column);
        self.opportunity.push(opportunity);
        self.delivered.push(amounts);
    }

    /// The first of the variables by which rows miss what they are delivered: two by row, one for each direction.
    fn first_miss(&self) -> usize {
        self.delivered.len() + usize::from(!self.taken.is_empty())
    }

    /// Variables of the program that deliver: the candidates, what is frozen, if anything, as one that is 1, and misses that cost as much as the
    /// ends of the boxes.
    fn variables(&self) -> usize {
        self.first_miss() + 2 * self.boxes.len()
    }

    /// What variable `v` delivers to row `i`.
    fn delivery(&self, dual: &Dual<'_>, i: usize, r: &Row, v: usize) -> f64 {
        match self.delivered.get(v) {
            Some(delivered) => ((if dual.is_member(r, self.column_of[v]) { r.a } else { 0.0 }) + r.b) * delivered[r.measure],
            None if v < self.first_miss() => self.deliveries[i],
            None => match (v - self.first_miss()).checked_sub(2 * i) {
                Some(0) => -1.0,
                Some(1) => 1.0,
                _ => 0.0,
            },
        }
    }

    /// The program of all candidates under the bounds, fairness aside, and where the bounds went.
    fn program(&self, dual: &Dual<'_>, inside: f64) -> (Program, Vec<Sides>) {
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
        if !self.taken.is_empty() {
            let frozen = lp.variable(-self.worth);
            for sign in [1.0, -1.0] {
                let row = lp.row(sign);
                lp.enter(row, frozen, sign);
            }
        }
        for (low, high) in &self.boxes {
            lp.variable(*high);
            lp.variable(-low);
        }
        let sides = lp.promise(dual, self.variables(), inside, |i, r, v| self.delivery(dual, i, r, v));
        (lp, sides)
    }

    /// A program's decisions by candidate of the sample, brought back into their box and slots.
    fn decisions(&self, packed: &Packed, x: &[f64]) -> Result<Vec<f64>> {
        let mut all = vec![0.0; packed.layout().rows as usize];
        self.index.iter().zip(x).for_each(|(i, x)| all[*i] = *x);
        self.taken.iter().for_each(|i| all[*i] = 1.0);
        within_slots(packed, &all)
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
pub(super) fn amounts(dual: &Dual<'_>, weight: f64, y: &[f32]) -> Vec<f64> {
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
