//! The quadratic model of the smoothed dual around one evaluation: what the fractional opportunities say of its curvature.

use super::dual::{Dual, Eval};
use super::fractional::Fractional;
use std::ops::Deref;

/// The quadratic model around an evaluation.
pub(super) struct Model<'a, 'e> {
    pub(super) dual: &'a Dual<'e>,
    pub(super) gamma: f64,
    shape: &'a Shape,
}

/// What a model is made of, which lasts as long as its evaluation.
pub(super) struct Shape {
    /// Measures that campaign-side rows charge.
    pub(super) charged: Vec<usize>,
    fractional: Fractional,
    /// By campaign: curvature of its exposure price.
    pub(super) flat: Vec<f64>,
    /// By campaign, charged x charged: curvature in price space.
    pub(super) block: Vec<f64>,
    /// By campaign and charged measure: amount of a typical fractional candidate.
    pub(super) typical: Vec<f64>,
    pub(super) spread: Vec<f64>,
}

impl Deref for Model<'_, '_> {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        self.shape
    }
}

impl Shape {
    fn new(dual: &Dual<'_>, e: &Eval, gamma: f64) -> Self {
        let m = dual.priced.len();
        let mut is_charged = vec![false; m];
        dual.rows.iter().filter(|r| r.scope.is_campaign_side()).for_each(|r| is_charged[dual.slot(r.measure)] = true);
        let charged: Vec<usize> = (0..m).filter(|j| is_charged[*j]).collect();
        let n = charged.len();
        let u = &dual.units;
        let units: Vec<f64> = dual.priced.iter().map(|j| u.weight / u.delivery[*j]).collect();
        let fractional = Fractional::new(&e.sums, dual.measures(), &dual.priced, u.weight * gamma, &units, &*dual.exchange);
        let (campaigns, layout) = (dual.campaigns(), dual.layout());
        // By campaign: its curvature, by charged measure its first moments, and by pairs of them its second.
        let width = 1 + n + n * n;
        let moments = fractional.sum(campaigns * width, &*dual.exchange, |kind, sums| {
            let part = if kind.binds { 1.0 - 1.0 / kind.len as f64 } else { 1.0 };
            let mut y = vec![0.0; n];
            for (r, (stiff, columns)) in kind.stiff.iter().zip(kind.column.chunks_exact(kind.len)).enumerate() {
                let h = stiff * part;
                for (i, c) in columns.iter().enumerate() {
                    y.iter_mut().zip(&charged).for_each(|(y, j)| *y = fractional.amount(kind, r * kind.len + i, *j));
                    let sums = &mut sums[layout.columns[*c as usize].campaign as usize * width..][..width];
                    sums[0] += h;
                    for (a, ya) in y.iter().enumerate() {
                        sums[1 + a] += h * ya;
                        for (b, yb) in y.iter().enumerate() {
                            sums[1 + n + a * n + b] += h * ya * yb;
                        }
                    }
                }
            }
        });
        let of = |from: usize, len: usize| -> Vec<f64> {
            moments.chunks_exact(width).flat_map(|sums| &sums[from..from + len]).copied().collect()
        };
        let (flat, first, block) = (of(0, 1), of(1, n), of(1 + n, n * n));
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
        Self { charged, fractional, flat, block, typical, spread }
    }
}

impl<'a, 'e> Model<'a, 'e> {
    /// The model around `e`, which was evaluated at this smoothing.
    pub(super) fn new(dual: &'a Dual<'e>, e: &'a Eval, gamma: f64) -> Self {
        Self { dual, gamma, shape: e.shape.get_or_init(|| Shape::new(dual, e, gamma)) }
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
