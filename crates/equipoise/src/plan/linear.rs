//! Linear programs with a ledger's promises among their rows, for an interior point solver.

use super::dual::{Dual, Row};
use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus};

/// `minimise cost x` subject to `x >= 0` and rows `a x <= bound`.
#[derive(Default)]
pub(super) struct Program {
    bounds: Vec<f64>,
    costs: Vec<f64>,
    /// By variable: its coefficients by row.
    entries: Vec<Vec<(usize, f64)>>,
}

/// Where the promises of a ledger's row went: its upper and its lower side.
pub(super) type Sides = (Option<usize>, Option<usize>);

impl Program {
    /// Adds a row.
    pub(super) fn row(&mut self, bound: f64) -> usize {
        self.bounds.push(bound);
        self.bounds.len() - 1
    }

    /// Adds a variable that is at least 0.
    pub(super) fn variable(&mut self, cost: f64) -> usize {
        let nonnegative = self.row(0.0);
        self.costs.push(cost);
        self.entries.push(vec![(nonnegative, -1.0)]);
        self.costs.len() - 1
    }

    /// Adds a variable's coefficient in a row.
    pub(super) fn enter(&mut self, row: usize, variable: usize, coefficient: f64) {
        if coefficient != 0.0 {
            self.entries[variable].push((row, coefficient));
        }
    }

    /// Adds the promises of every ledger row; a unit of the first `variables` variables delivers `delivery(row, variable)`. Hard bounds are
    /// taken `inside` of themselves by that part of what violations are measured in.
    pub(super) fn promise(
        &mut self,
        dual: &Dual<'_>,
        variables: usize,
        inside: f64,
        delivery: impl Fn(usize, &Row, usize) -> f64,
    ) -> Vec<Sides> {
        let mut sides = Vec::with_capacity(dual.rows.len());
        for (i, r) in dual.rows.iter().enumerate() {
            let mut side = |bound: f64, sign: f64, penalty: f64| {
                bound.is_finite().then(|| {
                    let room = if penalty.is_finite() { 0.0 } else { dual.room(r, inside) };
                    let row = self.row(sign * bound - room);
                    for v in 0..variables {
                        self.enter(row, v, sign * delivery(i, r, v));
                    }
                    if penalty.is_finite() {
                        let missed = self.variable(penalty);
                        self.enter(row, missed, -1.0);
                    }
                    row
                })
            };
            sides.push((side(r.hi, 1.0, r.above), side(r.lo, -1.0, r.below)));
        }
        sides
    }

    /// The solution and the multipliers of the rows; `None` where the solver does not get there in `seconds`.
    pub(super) fn solve(mut self, seconds: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for entries in &mut self.entries {
            entries.sort_unstable_by_key(|e| e.0);
            rows.extend(entries.iter().map(|e| e.0));
            values.extend(entries.iter().map(|e| e.1));
            starts.push(rows.len());
        }
        let (m, n) = (self.bounds.len(), self.costs.len());
        let a = CscMatrix::new(m, n, starts, rows, values);
        let settings = DefaultSettings {
            verbose: false,
            max_iter: 200,
            time_limit: seconds,
            tol_gap_abs: 1e-10,
            tol_gap_rel: 1e-10,
            tol_feas: 1e-10,
            ..DefaultSettings::default()
        };
        let mut solver =
            DefaultSolver::new(&CscMatrix::zeros((n, n)), &self.costs, &a, &self.bounds, &[NonnegativeConeT(m)], settings).ok()?;
        solver.solve();
        let usable =
            matches!(solver.solution.status, SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress);
        usable.then_some((solver.solution.x, solver.solution.z))
    }
}
