//! Linear programs with a ledger's promises among their rows, and cones for its fairness, for an interior point solver.

use super::dual::{Dual, Row};
use super::until::Until;
use crate::utility::{AlphaFair, Utility as _, exp};
use clarabel::algebra::CscMatrix;
use clarabel::solver::SupportedConeT::{self, ExponentialConeT, NonnegativeConeT, PowerConeT};
use clarabel::solver::{DefaultInfo, DefaultSettings, DefaultSolver, IPSolver, SolverStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `minimise cost x + x bend x / 2` subject to `x >= 0`, rows `a x <= bound` and cones; `bend` is a diagonal.
#[derive(Default)]
pub(super) struct Program {
    bounds: Vec<f64>,
    costs: Vec<f64>,
    bends: Vec<f64>,
    /// By variable: its coefficients by row.
    entries: Vec<Vec<(usize, f64)>>,
    cones: Vec<(SupportedConeT<f64>, [Affine; 3])>,
}

/// `constant + sum of coefficient * variable`.
struct Affine {
    constant: f64,
    terms: Vec<(usize, f64)>,
}

impl Affine {
    fn constant(constant: f64) -> Self {
        Self { constant, terms: Vec::new() }
    }

    fn variable(variable: usize) -> Self {
        Self { constant: 0.0, terms: vec![(variable, 1.0)] }
    }
}

/// What a solver found.
pub(super) struct Found {
    pub(super) x: Vec<f64>,
    /// Multipliers of the rows.
    pub(super) z: Vec<f64>,
    /// Whether it got to its tolerance.
    pub(super) solved: bool,
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
        self.bends.push(0.0);
        self.entries.push(vec![(nonnegative, -1.0)]);
        self.costs.len() - 1
    }

    /// Adds a variable of any sign.
    fn free_variable(&mut self, cost: f64) -> usize {
        self.costs.push(cost);
        self.bends.push(0.0);
        self.entries.push(Vec::new());
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

    /// Adds the worth of groups; arguments as for [`Program::promise`]. Returns the members' rows by row of the dual.
    pub(super) fn value_groups(
        &mut self,
        dual: &Dual<'_>,
        variables: usize,
        delivery: impl Fn(usize, &Row, usize) -> f64,
    ) -> Vec<Option<usize>> {
        let mut members = vec![None; dual.rows.len()];
        for g in &dual.groups {
            let level = self.variable(-g.goal.weight);
            for (i, t) in g.rows.iter().zip(&g.goal.members) {
                let row = self.row(0.0);
                self.enter(row, level, *t);
                for v in 0..variables {
                    self.enter(row, v, -delivery(*i, &dual.rows[*i], v));
                }
                members[*i] = Some(row);
            }
        }
        members
    }

    /// Adds the worth of fairness; arguments as for [`Program::promise`]. `typical` is about what each row will hold: cones want numbers near 1.
    /// Returns the rows of group members by row of the dual.
    pub(super) fn value_fairly(
        &mut self,
        dual: &Dual<'_>,
        variables: usize,
        typical: &[f64],
        delivery: impl Fn(usize, &Row, usize) -> f64,
    ) -> Vec<Option<usize>> {
        let members = self.value_groups(dual, variables, &delivery);
        for (i, (r, typical)) in dual.rows.iter().zip(typical).enumerate() {
            if let Some(fair) = &r.fair {
                let terms: Vec<(usize, f64)> = (0..variables).map(|v| (v, delivery(i, r, v))).filter(|t| t.1 != 0.0).collect();
                self.value(fair, *typical, terms);
            }
        }
        members
    }

    /// Adds the worth of one ledger that holds the sum of `terms` as the least of its tangents at some deliveries: never too little. Returns the
    /// tangents' rows and slopes.
    pub(super) fn value_by_tangents(&mut self, fair: &AlphaFair, at: &[f64], terms: &[(usize, f64)]) -> Vec<(usize, f64)> {
        let gained = self.free_variable(-1.0);
        let one = |program: &mut Self, t: f64| {
            let slope = fair.slope(t);
            let row = program.row(fair.utility(t) - slope * t);
            program.enter(row, gained, 1.0);
            for (v, a) in terms {
                program.enter(row, *v, -slope * a);
            }
            (row, slope)
        };
        at.iter().map(|t| one(self, *t)).collect()
    }

    /// Adds the worth of one ledger that holds the sum of `terms` by its slope and curvature at a delivery: right to the
    /// second order in how far it ends from there. Returns the row whose multiplier is what a further unit is worth.
    pub(super) fn value_near(&mut self, fair: &AlphaFair, delivery: f64, terms: impl Iterator<Item = (usize, f64)>) -> usize {
        let slope = fair.slope(delivery);
        // Deliveries are counted in units in which the curvature is about the slope: solvers want numbers near 1.
        let unit = delivery + fair.offset();
        let further = self.free_variable(-slope * unit);
        self.bends[further] = fair.alpha() * slope * unit;
        let row = self.row(-delivery);
        self.enter(row, further, unit);
        for (v, a) in terms {
            self.enter(row, v, -a);
        }
        row
    }

    /// Adds the worth of one ledger that holds the sum of `terms`.
    fn value(&mut self, fair: &AlphaFair, typical: f64, terms: Vec<(usize, f64)>) {
        let (alpha, offset) = (fair.alpha(), fair.offset());
        if alpha == 0.0 {
            for (v, a) in terms {
                self.costs[v] -= fair.slope(0.0) * a;
            }
            return;
        }
        let unit = (typical + offset).max(1e-6 * (fair.supply() + offset)).max(f64::MIN_POSITIVE);
        let held = Affine { constant: offset / unit, terms: terms.into_iter().map(|(v, a)| (v, a / unit)).collect() };
        // What the ledger is worth at one unit, up to the factor 1 - alpha.
        let worth = fair.slope(unit - offset) * unit;
        if alpha == 1.0 {
            let gained = self.free_variable(-exp(fair.ln_weight()));
            self.cones.push((ExponentialConeT(), [Affine::variable(gained), Affine::constant(1.0), held]));
        } else if alpha < 1.0 {
            let gained = self.variable(-worth / (1.0 - alpha));
            self.cones.push((PowerConeT(1.0 - alpha), [held, Affine::constant(1.0), Affine::variable(gained)]));
        } else {
            let lost = self.variable(worth / (alpha - 1.0));
            self.cones.push((PowerConeT((alpha - 1.0) / alpha), [held, Affine::variable(lost), Affine::constant(1.0)]));
        }
    }

    /// The solution and the multipliers of the rows; `None` where the solver does not get there until then. It stops between two of its steps.
    pub(super) fn solve(self, until: &Until<'_>) -> Option<Found> {
        until.run(|stop| self.solve_until(stop))?
    }

    fn solve_until(mut self, stop: Arc<AtomicBool>) -> Option<Found> {
        let mut cones = vec![NonnegativeConeT(self.bounds.len())];
        for (cone, parts) in std::mem::take(&mut self.cones) {
            cones.push(cone);
            for part in parts {
                let row = self.row(part.constant);
                part.terms.iter().for_each(|(v, a)| self.enter(row, *v, -a));
            }
        }
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
            tol_gap_abs: 1e-10,
            tol_gap_rel: 1e-10,
            tol_feas: 1e-10,
            ..DefaultSettings::default()
        };
        let bent: Vec<usize> = (0..n).filter(|v| self.bends[*v] != 0.0).collect();
        let bends = CscMatrix::new_from_triplets(n, n, bent.clone(), bent.clone(), bent.iter().map(|v| self.bends[*v]).collect());
        let mut solver = DefaultSolver::new(&bends, &self.costs, &a, &self.bounds, &cones, settings).ok()?;
        solver.set_termination_callback(move |_: &DefaultInfo<f64>| stop.load(Ordering::Relaxed));
        solver.solve();
        let usable =
            matches!(solver.solution.status, SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress);
        let solved = solver.solution.status == SolverStatus::Solved;
        usable.then_some(Found { x: solver.solution.x, z: solver.solution.z, solved })
    }
}

#[cfg(test)]
mod tests {
    use super::{Program, Until};
    use std::cell::Cell;
    use std::time::Duration;

    /// Many variables that share some scarce rows: for a solver the work of some tenths of a second.
    fn program() -> Program {
        let mut lp = Program::default();
        let shared: Vec<usize> = (0..60).map(|k| lp.row(3.0 + f64::from(k))).collect();
        for i in 0..6_000u64 {
            let draw = |n: u64| ((i * 2_654_435 + n * 40_503) % 1_009) as f64 / 1_009.0;
            let x = lp.variable(-draw(0));
            let most = lp.row(1.0);
            lp.enter(most, x, 1.0);
            shared.iter().zip(1..).for_each(|(row, n)| lp.enter(*row, x, draw(n)));
        }
        lp
    }

    #[test]
    fn a_solver_stops_where_the_caller_has_enough() {
        let patient = Until::new(&|| false, Duration::from_secs(1_000));
        assert!(program().solve(&patient).is_some_and(|found| found.solved));
        let looks = Cell::new(0);
        let soon = || looks.replace(looks.get() + 1) >= 2;
        assert!(program().solve(&Until::new(&soon, Duration::from_secs(1_000))).is_none());
        assert!(program().solve(&Until::new(&|| false, Duration::from_millis(4))).is_none());
    }
}
