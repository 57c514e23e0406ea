//! The quadratic model of the smoothed dual around one evaluation: what the fractional opportunities say of its curvature.

use super::dual::{Dual, Eval};
use super::fractional::Fractional;

/// The quadratic model around an evaluation.
pub(super) struct Model<'a, 'e> {
    pub(super) dual: &'a Dual<'e>,
    pub(super) gamma: f64,
    /// Measures that campaign-side rows charge.
    pub(super) charged: Vec<usize>,
    fractional: Fractional<'a>,
    /// By campaign: curvature of its exposure price.
    pub(super) flat: Vec<f64>,
    /// By campaign, charged x charged: curvature in price space.
    pub(super) block: Vec<f64>,
    /// By campaign and charged measure: amount of a typical fractional candidate.
    pub(super) typical: Vec<f64>,
    pub(super) spread: Vec<f64>,
}

impl<'a, 'e> Model<'a, 'e> {
    pub(super) fn new(dual: &'a Dual<'e>, e: &'a Eval, gamma: f64) -> Self {
        let m = dual.priced.len();
        let mut is_charged = vec![false; m];
        dual.rows.iter().filter(|r| r.scope.is_campaign_side()).for_each(|r| is_charged[dual.slot(r.measure)] = true);
        let charged: Vec<usize> = (0..m).filter(|j| is_charged[*j]).collect();
        let n = charged.len();
        let active = &e.active;
        let u = &dual.units;
        let unit: Vec<f64> = dual.priced.iter().map(|j| u.weight / u.delivery[*j]).collect();
        let others = dual.measures() - 1;
        let mut y = Vec::with_capacity(active.column.len() * m);
        for e in 0..active.column.len() {
            y.extend(dual.priced.iter().zip(&unit).map(|(j, f)| if *j == 0 { 1.0 } else { f64::from(active.y[e * others + j - 1]) * f }));
        }
        let weight: Vec<f64> = active.weight.iter().map(|w| w / u.weight).collect();
        let campaigns = dual.campaigns();
        let layout = dual.layout();
        let mut flat = vec![0.0; campaigns];
        let mut first = vec![0.0; campaigns * n];
        let mut block = vec![0.0; campaigns * n * n];
        for (r, weight) in weight.iter().enumerate() {
            let span = active.starts[r] as usize..active.starts[r + 1] as usize;
            let part = if active.binds[r] { 1.0 - 1.0 / span.len() as f64 } else { 1.0 };
            let h = weight * part / gamma;
            for e in span {
                let k = layout.columns[active.column[e] as usize].campaign as usize;
                flat[k] += h;
                for (a, ja) in charged.iter().enumerate() {
                    first[k * n + a] += h * y[e * m + ja];
                    for (b, jb) in charged.iter().enumerate() {
                        block[(k * n + a) * n + b] += h * y[e * m + ja] * y[e * m + jb];
                    }
                }
            }
        }
        let all = dual.measures();
        let mut delivered = vec![0.0; campaigns * all];
        for (c, cell) in layout.columns.iter().zip(e.cells.chunks_exact(all)) {
            for (d, v) in delivered[c.campaign as usize * all..][..all].iter_mut().zip(cell) {
                *d += v;
            }
        }
        let mut typical = vec![1.0; campaigns * n];
        let mut spread = vec![0.0; campaigns * n];
        for k in 0..campaigns {
            for (a, j) in charged.iter().enumerate() {
                let measure = dual.priced[*j];
                if measure == 0 {
                    continue;
                }
                let at = k * n + a;
                if flat[k] > 1e-9 {
                    typical[at] = (first[at] / flat[k]).max(1e-6);
                    spread[at] = (block[(k * n + a) * n + a] / flat[k] - typical[at].powi(2)).max(0.02 * typical[at].powi(2));
                } else {
                    if delivered[k * all] > 1e-9 {
                        typical[at] = (delivered[k * all + measure] / delivered[k * all]).max(1e-6);
                    }
                    spread[at] = 0.1 * typical[at].powi(2);
                }
            }
        }
        Self {
            dual,
            gamma,
            charged,
            fractional: Fractional { starts: &active.starts, binds: &active.binds, weight, column: &active.column, y, measures: m, gamma },
            flat,
            block,
            typical,
            spread,
        }
    }

    /// How far the score of a typical candidate of each campaign moves when prices move by `v`.
    pub(super) fn moves(&self, v: &[f64]) -> Vec<f64> {
        let (m, n) = (self.dual.priced.len(), self.charged.len());
        let charges = self.dual.campaign_charges(v);
        (0..self.flat.len())
            .map(|k| self.charged.iter().enumerate().map(|(a, j)| self.typical[k * n + a] * charges[k * m + j]).sum())
            .collect()
    }

    /// Curvature times the prices that charge columns this, by column and priced measure.
    pub(super) fn curve_cells(&self, charges: &[f64]) -> Vec<f64> {
        self.fractional.curve(charges, &*self.dual.exchange)
    }

    /// Curvature times `v`, without regularisation.
    pub(super) fn curve(&self, v: &[f64]) -> Vec<f64> {
        self.dual.incidence.deliveries(&self.curve_cells(&self.dual.column_charges(v)), None)
    }
}
