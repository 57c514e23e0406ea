//! The preconditioner of a Newton step's linear system.

use super::dense::{dot, factorise, substitute};
use super::dual::NONE;
use super::system::{Coupled, System};
use std::ops::Range;

/// Most shared rows that are coupled densely; further ones count by their diagonal.
const DENSE: usize = 1000;

/// The free own rows of all campaigns that have some, and the factors of their blocks.
#[derive(Default)]
struct Own {
    blocks: Vec<Block>,
    /// Each as its place among the charged measures and its row.
    rows: Vec<(usize, usize)>,
    factors: Vec<f64>,
}

/// A campaign's free own rows.
struct Block {
    campaign: usize,
    rows: Range<usize>,
    /// Where its factor starts.
    factor: usize,
}

/// Block elimination of the campaigns' own rows, dense on the shared ones.
pub(super) struct Preconditioner<'s, 'm, 'a, 'e> {
    system: &'s System<'m, 'a, 'e>,
    own: Own,
    /// Free shared rows that are coupled densely, and the others with their diagonal.
    dense: Vec<usize>,
    diagonal: Vec<(usize, f64)>,
    factor: Vec<f64>,
}

impl Own {
    /// Takes in the rows of a campaign and factors their block of its `n` x `n` matrix, regularised by `ry`. What is left of the matrix for
    /// everybody else goes to `left`.
    fn eliminate(&mut self, campaign: usize, matrix: &[f64], rows: &[(usize, usize)], ry: impl Fn(usize) -> f64, left: &mut [f64]) {
        left.copy_from_slice(matrix);
        if rows.is_empty() {
            return;
        }
        let (n, size, start) = (matrix.len().isqrt(), rows.len(), self.factors.len());
        for (p, (a, i)) in rows.iter().enumerate() {
            self.factors.extend(rows.iter().map(|(b, _)| matrix[a * n + b]));
            self.factors[start + p * size + p] += ry(*i);
        }
        let factor = &mut self.factors[start..];
        factorise(factor, size);
        let mut answer = Vec::with_capacity(size);
        for c in 0..n {
            answer.clear();
            answer.extend(rows.iter().map(|(a, _)| matrix[a * n + c]));
            substitute(factor, &mut answer);
            for r in 0..n {
                left[r * n + c] -= rows.iter().zip(&answer).map(|((a, _), x)| matrix[r * n + a] * x).sum::<f64>();
            }
        }
        let first = self.rows.len();
        self.rows.extend_from_slice(rows);
        self.blocks.push(Block { campaign, rows: first..self.rows.len(), factor: start });
    }

    /// Solves every campaign's rows for residuals `r` less the `force(campaign, place)` on them; `give` gets each campaign with its rows and their
    /// prices.
    #[inline]
    fn solve(&self, r: &[f64], force: impl Fn(usize, usize) -> f64, mut give: impl FnMut(usize, &[(usize, usize)], &[f64])) {
        let mut x = Vec::new();
        for Block { campaign, rows, factor } in &self.blocks {
            let rows = &self.rows[rows.clone()];
            x.clear();
            x.extend(rows.iter().map(|(a, i)| r[*i] - force(*campaign, *a)));
            substitute(&self.factors[*factor..][..rows.len() * rows.len()], &mut x);
            give(*campaign, rows, &x);
        }
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
        let mut own = Own::default();
        let (mut mine, mut omega, mut ov) = (Vec::with_capacity(n), vec![0.0; n * n], vec![0.0; n]);
        // The dense rows that a campaign counts in, each with a row of `n` amounts.
        let (mut entries, mut amounts) = (Vec::new(), Vec::new());
        for k in 0..campaigns {
            mine.clear();
            mine.extend((0..n).map(|a| (a, dual.own[k * m + model.charged[a]])).filter(|(_, i)| *i != NONE && free[*i]));
            own.eliminate(k, &system.matrix[k * n * n..][..n * n], &mine, |i| system.stiffness(i), &mut omega);
            if size == 0 {
                continue;
            }
            entries.clear();
            amounts.clear();
            for i in dual.groups_of[k].iter().filter(|i| position[**i] < size) {
                let r = &dual.rows[*i];
                entries.push(position[*i]);
                amounts.resize(entries.len() * n, 0.0);
                amounts[(entries.len() - 1) * n + charged_at(r.measure).unwrap_or(0)] = r.a;
            }
            for Coupled { row, image, .. } in system.coupled.iter().filter(|c| position[c.row] < size) {
                entries.push(position[*row]);
                amounts.extend_from_slice(&image[k * n..][..n]);
            }
            for (p, v) in entries.iter().zip(amounts.chunks_exact(n.max(1))) {
                for (r, ov) in ov.iter_mut().enumerate() {
                    *ov = dot(&omega[r * n..][..n], v);
                    weighted[p * n + r] += *ov;
                }
                for (q, w) in entries.iter().zip(amounts.chunks_exact(n.max(1))) {
                    s[p * size + q] += dot(&ov, w);
                }
            }
            total.iter_mut().zip(&omega).for_each(|(t, o)| *t += o);
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
        factorise(&mut s, size);
        Self { system, own, dense, diagonal, factor: s }
    }

    pub(super) fn apply(&self, r: &[f64]) -> Vec<f64> {
        let model = self.system.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let campaigns = model.flat.len();
        let mut out = vec![0.0; r.len()];
        let matrix = |k: usize| &self.system.matrix[k * n * n..][..n * n];
        let mut charges = vec![0.0; campaigns * m];
        if !self.dense.is_empty() {
            // Forces of the own rows' first solution on the shared rows.
            let mut forces = vec![0.0; campaigns * m];
            self.own.solve(
                r,
                |_, _| 0.0,
                |k, rows, x| {
                    for (a, j) in model.charged.iter().enumerate() {
                        forces[k * m + j] = rows.iter().zip(x).map(|((b, _), x)| matrix(k)[a * n + b] * x).sum();
                    }
                },
            );
            let back = dual.incidence.by_campaigns(&forces);
            let left = |i: &usize| if dual.rows[*i].scope.is_campaign_side() { r[*i] - back[*i] } else { r[*i] };
            let mut u: Vec<f64> = self.dense.iter().map(left).collect();
            for Coupled { row: i, image, .. } in &self.system.coupled {
                if let Some(p) = self.dense.iter().position(|d| d == i) {
                    u[p] -= (0..campaigns)
                        .map(|k| model.charged.iter().enumerate().map(|(a, j)| image[k * n + a] * forces[k * m + j]).sum::<f64>())
                        .sum::<f64>();
                }
            }
            substitute(&self.factor, &mut u);
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
        let force = |k: usize, a: usize| model.charged.iter().enumerate().map(|(b, j)| matrix(k)[a * n + b] * charges[k * m + j]).sum();
        self.own.solve(r, force, |_, rows, x| rows.iter().zip(x).for_each(|((_, i), x)| out[*i] = *x));
        for (i, d) in &self.diagonal {
            out[*i] = r[*i] / d;
        }
        out
    }
}
