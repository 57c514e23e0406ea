//! Small problems, exactly: the relaxed problem as a linear program for an interior point solver.

use super::dual::Dual;
use crate::exchange::Packed;
use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus};

/// Prices of the rows and decisions by candidate; `None` where the solver does not get there.
pub(super) fn solve(dual: &Dual<'_>, packed: &Packed) -> Option<(Vec<f64>, Vec<f64>)> {
    let candidates = packed.layout().rows as usize;
    let mut lp = Program::default();
    let mut slots_row = Vec::new();
    // Candidates that no slot can take keep a column of nothing.
    let mut columns = vec![Column { amounts: vec![0.0; dual.measures()], ..Column::default() }; candidates];
    packed.each_candidate(|row, i, column, y| {
        let t = row.opportunity as usize;
        if slots_row.len() <= t {
            slots_row.resize(t + 1, usize::MAX);
        }
        if slots_row[t] == usize::MAX {
            slots_row[t] = lp.row(f64::from(row.slots));
        }
        let amounts = amounts(dual, row.weight, y);
        let column = Column {
            cost: -amounts.iter().zip(&dual.weights).map(|(a, w)| a * w).sum::<f64>(),
            entries: vec![(slots_row[t], 1.0)],
            cell: column,
            amounts,
        };
        columns[i] = column;
    });
    for c in &mut columns {
        c.entries.push((lp.row(0.0), -1.0));
        // One slot bounds every decision by itself.
        c.entries.push((lp.row(1.0), 1.0));
    }
    let mut ledger_rows = Vec::with_capacity(dual.rows.len());
    let mut soft = Vec::new();
    for r in &dual.rows {
        let mut side = |bound: f64, sign: f64, penalty: f64| {
            bound.is_finite().then(|| {
                let row = lp.row(sign * bound);
                for c in &mut columns {
                    let coefficient = (if dual.is_member(r, c.cell) { r.a } else { 0.0 }) + r.b;
                    if coefficient != 0.0 && c.amounts[r.measure] != 0.0 {
                        c.entries.push((row, sign * coefficient * c.amounts[r.measure]));
                    }
                }
                if penalty.is_finite() {
                    let nonnegative = lp.row(0.0);
                    soft.push(Column { cost: penalty, entries: vec![(row, -1.0), (nonnegative, -1.0)], ..Column::default() });
                }
                row
            })
        };
        ledger_rows.push((side(r.hi, 1.0, r.price_max), side(r.lo, -1.0, -r.price_min)));
    }
    columns.extend(soft);
    let z = lp.solve(&columns)?;
    let price = |row: Option<usize>| row.map_or(0.0, |r| z.1[r].max(0.0));
    let prices =
        ledger_rows.iter().zip(&dual.rows).map(|((hi, lo), r)| (price(*hi) - price(*lo)).clamp(r.price_min, r.price_max)).collect();
    Some((prices, within_slots(packed, &z.0[..candidates])))
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

/// A variable: its cost, its coefficients by row, and for a candidate the column of its cell and its amounts.
#[derive(Clone, Default)]
struct Column {
    cost: f64,
    entries: Vec<(usize, f64)>,
    cell: usize,
    amounts: Vec<f64>,
}

/// `minimise cost x` subject to rows `a x <= bound`.
#[derive(Default)]
struct Program {
    bounds: Vec<f64>,
}

impl Program {
    fn row(&mut self, bound: f64) -> usize {
        self.bounds.push(bound);
        self.bounds.len() - 1
    }

    /// The solution and the multipliers of the rows.
    fn solve(&self, columns: &[Column]) -> Option<(Vec<f64>, Vec<f64>)> {
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for c in columns {
            let mut entries = c.entries.clone();
            entries.sort_unstable_by_key(|e| e.0);
            rows.extend(entries.iter().map(|e| e.0));
            values.extend(entries.iter().map(|e| e.1));
            starts.push(rows.len());
        }
        let (m, n) = (self.bounds.len(), columns.len());
        let a = CscMatrix::new(m, n, starts, rows, values);
        let cost: Vec<f64> = columns.iter().map(|c| c.cost).collect();
        let settings = DefaultSettings {
            verbose: false,
            max_iter: 200,
            tol_gap_abs: 1e-10,
            tol_gap_rel: 1e-10,
            tol_feas: 1e-10,
            ..DefaultSettings::default()
        };
        let mut solver = DefaultSolver::new(&CscMatrix::zeros((n, n)), &cost, &a, &self.bounds, &[NonnegativeConeT(m)], settings).ok()?;
        solver.solve();
        let usable =
            matches!(solver.solution.status, SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress);
        usable.then(|| (solver.solution.x.clone(), solver.solution.z.clone()))
    }
}
