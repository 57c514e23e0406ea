//! The preconditioner of a Newton step's linear system.

use super::dense::Cholesky;
use super::dual::NONE;
use super::system::{Coupled, System, dot};

/// Most shared rows that are coupled densely; further ones count by their diagonal.
const DENSE: usize = 1000;

/// A campaign's free own rows.
struct Own {
    campaign: usize,
    /// Each as its place among the charged measures and its row.
    rows: Vec<(usize, usize)>,
    factor: Cholesky,
}

/// Block elimination of the campaigns' own rows, dense on the shared ones.
pub(super) struct Preconditioner<'s, 'm, 'a, 'e> {
    system: &'s System<'m, 'a, 'e>,
    /// The campaigns that have free own rows.
    own: Vec<Own>,
    /// Free shared rows that are coupled densely, and the others with their diagonal.
    dense: Vec<usize>,
    diagonal: Vec<(usize, f64)>,
    factor: Cholesky,
}

impl Own {
    /// Solves the rows for price-space forces; their prices go to `x`.
    #[inline]
    fn solve(&self, r: &[f64], force: &[f64], x: &mut Vec<f64>) {
        x.clear();
        x.extend(self.rows.iter().map(|(a, i)| r[*i] - force[*a]));
        self.factor.solve(x);
    }
}

impl<'s, 'm, 'a, 'e> Preconditioner<'s, 'm, 'a, 'e> {
    pub(super) fn new(system: &'s System<'m, 'a, 'e>, free: &[bool]) -> Self {
        let model = system.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let campaigns = model.flat.len();
        let free_shared: Vec<usize> = dual.shared.iter().copied().filter(|i| free[*i]).collect();
        let is_coupled = |i: usize| system.coupled.iter().any(|c| c.row == i);
        let (mut dense, mut rest): (Vec<usize>, Vec<usize>) =
            free_shared.into_iter().partition(|i| dual.rows[*i].scope.is_campaign_side() || is_coupled(*i));
        if dense.len() > DENSE {
            rest.extend(dense.split_off(DENSE));
        }
        let mut position = vec![NONE; dual.rows.len()];
        dense.iter().enumerate().for_each(|(p, i)| position[*i] = p);
        let size = dense.len();
        let mut s = vec![0.0; size * size];
        let charged_at = |measure: usize| model.charged.iter().position(|c| dual.priced[*c] == measure);
        let everybody: Vec<(usize, f64)> = dense
            .iter()
            .map(|i| {
                let r = &dual.rows[*i];
                if r.scope.is_campaign_side() { (charged_at(r.measure).unwrap_or(0), r.b) } else { (0, 0.0) }
            })
            .collect();
        let some_b = everybody.iter().any(|e| e.1 != 0.0);
        let mut weighted = vec![0.0; size * n];
        let mut total = vec![0.0; n * n];
        let mut own = Vec::new();
        let mut entries: Vec<(usize, Vec<f64>)> = Vec::new();
        for k in 0..campaigns {
            let matrix = &system.matrix[k * n * n..][..n * n];
            let mine: Vec<usize> = (0..n)
                .filter(|a| {
                    let i = dual.own[k * m + model.charged[*a]];
                    i != NONE && free[i]
                })
                .collect();
            let ry: Vec<f64> = mine.iter().map(|a| system.stiffness(dual.own[k * m + model.charged[*a]])).collect();
            let (factor, omega) = eliminate(matrix, n, &mine, &ry);
            if size > 0 {
                entries.clear();
                for i in &dual.groups_of[k] {
                    if position[*i] < size {
                        let r = &dual.rows[*i];
                        let mut v = vec![0.0; n];
                        v[charged_at(r.measure).unwrap_or(0)] = r.a;
                        entries.push((position[*i], v));
                    }
                }
                for Coupled { row: i, image, .. } in &system.coupled {
                    if position[*i] < size {
                        entries.push((position[*i], image[k * n..][..n].to_vec()));
                    }
                }
                for (p, v) in &entries {
                    let mut ov = vec![0.0; n];
                    for r in 0..n {
                        ov[r] = dot(&omega[r * n..][..n], v);
                        weighted[p * n + r] += ov[r];
                    }
                    for (q, w) in &entries {
                        s[p * size + q] += dot(&ov, w);
                    }
                }
                total.iter_mut().zip(&omega).for_each(|(t, o)| *t += o);
            }
            if let Some(factor) = factor {
                let rows = mine.into_iter().map(|a| (a, dual.own[k * m + model.charged[a]])).collect();
                own.push(Own { campaign: k, rows, factor });
            }
        }
        if some_b {
            for p in 0..size {
                let (jp, bp) = everybody[p];
                for q in 0..size {
                    let (jq, bq) = everybody[q];
                    s[p * size + q] += weighted[p * n + jq] * bq + bp * weighted[q * n + jp] + bp * bq * total[jp * n + jq];
                }
            }
        }
        for (p, i) in dense.iter().enumerate() {
            let left = system.coupled.iter().find(|c| c.row == *i).map_or(0.0, |c| c.left);
            s[p * size + p] = (s[p * size + p] + left + system.stiffness(*i)) * (1.0 + 1e-9) + 1e-12;
        }
        let diagonal = rest
            .into_iter()
            .map(|i| {
                let r = &dual.rows[i];
                let a = charged_at(r.measure);
                let members = |k: usize| r.scope.is_campaign_side() && dual.members.campaign[r.scope as usize][k] == r.key;
                let sum: f64 =
                    a.map_or(0.0, |a| (0..campaigns).filter(|k| members(*k)).map(|k| r.a * r.a * system.matrix[(k * n + a) * n + a]).sum());
                (i, sum + system.stiffness(i) + 1e-9)
            })
            .collect();
        Self { system, own, dense, diagonal, factor: Cholesky::new(s, size) }
    }

    pub(super) fn apply(&self, r: &[f64]) -> Vec<f64> {
        let model = self.system.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let campaigns = model.flat.len();
        let mut out = vec![0.0; r.len()];
        let matrix = |k: usize| &self.system.matrix[k * n * n..][..n * n];
        let mut charges = vec![0.0; campaigns * m];
        let (none, mut x) = (vec![0.0; n], Vec::with_capacity(n));
        if !self.dense.is_empty() {
            // Forces of the own rows' first solution on the shared rows.
            let mut forces = vec![0.0; campaigns * m];
            for own in &self.own {
                let k = own.campaign;
                own.solve(r, &none, &mut x);
                for (a, j) in model.charged.iter().enumerate() {
                    forces[k * m + j] = own.rows.iter().zip(&x).map(|((b, _), x)| matrix(k)[a * n + b] * x).sum();
                }
            }
            let back = dual.incidence.by_campaigns(&forces);
            let mut u: Vec<f64> =
                self.dense.iter().map(|i| if dual.rows[*i].scope.is_campaign_side() { r[*i] - back[*i] } else { r[*i] }).collect();
            for Coupled { row: i, image, .. } in &self.system.coupled {
                if let Some(p) = self.dense.iter().position(|d| d == i) {
                    u[p] -= (0..campaigns)
                        .map(|k| model.charged.iter().enumerate().map(|(a, j)| image[k * n + a] * forces[k * m + j]).sum::<f64>())
                        .sum::<f64>();
                }
            }
            self.factor.solve(&mut u);
            let mut v = vec![0.0; r.len()];
            for (i, x) in self.dense.iter().zip(&u) {
                out[*i] = *x;
                if dual.rows[*i].scope.is_campaign_side() {
                    v[*i] = *x;
                }
            }
            charges = dual.campaign_charges(&v);
            for Coupled { row: i, image, .. } in &self.system.coupled {
                let x = out[*i];
                if x != 0.0 {
                    for k in 0..campaigns {
                        for (a, j) in model.charged.iter().enumerate() {
                            charges[k * m + j] += image[k * n + a] * x;
                        }
                    }
                }
            }
        }
        let mut force = vec![0.0; n];
        for own in &self.own {
            let k = own.campaign;
            for (a, f) in force.iter_mut().enumerate() {
                *f = model.charged.iter().enumerate().map(|(b, j)| matrix(k)[a * n + b] * charges[k * m + j]).sum();
            }
            own.solve(r, &force, &mut x);
            for ((_, i), x) in own.rows.iter().zip(&x) {
                out[*i] = *x;
            }
        }
        for (i, d) in &self.diagonal {
            out[*i] = r[*i] / d;
        }
        out
    }
}

/// Eliminates the rows `mine` of a campaign's `n` x `n` matrix: the factor of their own block, regularised by `ry`, and what is left of the
/// matrix for everybody else.
fn eliminate(matrix: &[f64], n: usize, mine: &[usize], ry: &[f64]) -> (Option<Cholesky>, Vec<f64>) {
    let mut left = matrix.to_vec();
    if mine.is_empty() {
        return (None, left);
    }
    let size = mine.len();
    let mut block = vec![0.0; size * size];
    for (p, a) in mine.iter().enumerate() {
        for (q, b) in mine.iter().enumerate() {
            block[p * size + q] = matrix[a * n + b];
        }
        block[p * size + p] += ry[p];
    }
    let factor = Cholesky::new(block, size);
    for c in 0..n {
        let mut answer: Vec<f64> = mine.iter().map(|a| matrix[a * n + c]).collect();
        factor.solve(&mut answer);
        for r in 0..n {
            left[r * n + c] -= mine.iter().zip(&answer).map(|(a, x)| matrix[r * n + a] * x).sum::<f64>();
        }
    }
    (Some(factor), left)
}
