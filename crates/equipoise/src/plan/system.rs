//! The linear system of a Newton step: curvature and regularisation.

use super::dense::{dot, factorise, substitute};
use super::dual::{Eval, NONE};
use super::model::Model;
use super::newton::{Damping, Radius};

/// Most request-side rows whose coupling to the campaigns is taken exactly.
const COUPLED: usize = 48;
/// Curvature of a campaign without fractional opportunities.
const NOTHING: f64 = 1e-12;
/// Where opportunities near a kink lie evenly within three smoothings, the nearest kink is a part of them away: into how many parts more a step
/// divides that.
const KINK: f64 = 2.0;

/// A request-side row seen from the campaigns' price space.
pub(super) struct Coupled {
    pub(super) row: usize,
    /// By campaign and charged measure: how campaign prices would answer a unit of the row's price.
    pub(super) image: Vec<f64>,
    /// Curvature of the row that the campaigns do not explain.
    pub(super) left: f64,
}

/// The model's matrix, regularised so that every step is bounded.
pub(super) struct System<'m, 'a, 'e> {
    pub(super) model: &'m Model<'a, 'e>,
    /// By campaign, charged x charged: regularisation in price space.
    held: Vec<f64>,
    /// By row: regularisation of its own.
    pub(super) ry: Vec<f64>,
    /// By row: curvature of its smooth utility's conjugate.
    pub(super) bend: Vec<f64>,
    /// By campaign, charged x charged: curvature and regularisation.
    pub(super) matrix: Vec<f64>,
    /// Request-side rows whose coupling to the campaigns is taken exactly.
    pub(super) coupled: Vec<Coupled>,
}

/// Where conjugate gradients are: at `x` the matrix gives `product`, and `residual` is left of what it should give.
pub(super) struct Reached {
    pub(super) x: Vec<f64>,
    pub(super) product: Vec<f64>,
    pub(super) residual: Vec<f64>,
}

/// Conjugate gradients on the free prices: `steps` at most, until the residual in the preconditioner's measure is `least`. The preconditioner may
/// move a residual to where it has to stay.
pub(super) fn conjugate(
    system: &System<'_, '_, '_>,
    at: &mut Reached,
    free: &[bool],
    (steps, least): (usize, f64),
    mut precondition: impl FnMut(&mut [f64]) -> Vec<f64>,
) {
    let Reached { x, product, residual: r } = at;
    let mut z = precondition(r);
    let mut p = z.clone();
    let mut rz = dot(r, &z);
    for _ in 0..steps {
        if rz <= least || rz <= 1e-300 {
            break;
        }
        let t = system.times(&p);
        let alpha = rz / dot(&p, &t).max(1e-300);
        x.iter_mut().zip(&p).for_each(|(x, p)| *x += alpha * p);
        product.iter_mut().zip(&t).for_each(|(product, t)| *product += alpha * t);
        r.iter_mut().zip(&t).zip(free).for_each(|((r, t), free)| *r -= if *free { alpha * t } else { 0.0 });
        z = precondition(r);
        let next = dot(r, &z);
        let beta = next / rz;
        rz = next;
        p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + beta * *p);
    }
}

impl<'m, 'a, 'e> System<'m, 'a, 'e> {
    /// The system at slope `g`: damped where curvature is small, where many opportunities are near a kink, and where steps were rejected.
    pub(super) fn new(model: &'m Model<'a, 'e>, e: &Eval, g: &[f64], radius: &Radius, damping: &Damping) -> Self {
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let campaigns = model.flat.len();
        let gamma = model.gamma;
        let len = g.len();
        let own_slope = |k: usize| -> f64 { (0..m).map(|j| dual.own[k * m + j]).filter(|i| *i != NONE).map(|i| g[i].abs()).sum() };
        let rq: Vec<f64> = (0..campaigns)
            .map(|k| {
                let h = model.flat[k];
                let near = ((e.near[k] + h * gamma) / (4.0 * gamma) - h).max(0.0);
                // Where nothing is fractional nothing gives way before the nearest kink, however little is missing: the step goes about there.
                let near = if h <= NOTHING { near.min(KINK * own_slope(k) * (e.near[k] + 1.0) / (3.0 * gamma)) } else { near };
                (1e-5 + damping.mu) * h + damping.near * near + 0.02 * own_slope(k) / radius.campaign[k] + 1e-9 + damping.campaign[k]
            })
            .collect();
        let mut held = vec![0.0; campaigns * n * n];
        for k in 0..campaigns {
            for a in 0..n {
                for b in 0..n {
                    held[(k * n + a) * n + b] = rq[k] * model.typical[k * n + a] * model.typical[k * n + b];
                }
                held[(k * n + a) * n + a] += rq[k] * model.spread[k * n + a];
            }
        }
        let matrix: Vec<f64> = model.block.iter().zip(&held).map(|(block, held)| block + held).collect();
        let mut ry = vec![0.0; len];
        for i in &dual.shared {
            ry[*i] = 0.3 * g[*i].abs() / radius.row[*i] + 1e-9 + damping.row[*i];
        }
        for k in 0..campaigns {
            let mut is_first = true;
            for (a, j) in model.charged.iter().enumerate() {
                let i = dual.own[k * m + j];
                if i != NONE {
                    ry[i] = 1e-6 * matrix[(k * n + a) * n + a] + damping.row[i] + 1e-12;
                    if !is_first {
                        // Prices of one campaign can trade places without moving its scores, which the radius does not see: the later ones
                        // are held to it by themselves.
                        ry[i] += g[i].abs() / radius.campaign[k] * model.typical[k * n + a].powi(2);
                    }
                    is_first = false;
                }
            }
        }
        let mut system = Self { model, held, ry, bend: vec![0.0; len], matrix, coupled: Vec::new() };
        system.couple(damping);
        system
    }

    /// Takes in the request-side rows: the image of each in the campaigns' price space, and the curvature that is left.
    fn couple(&mut self, damping: &Damping) {
        let model = self.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        for i in dual.shared.iter().copied().filter(|i| !dual.rows[*i].scope.is_campaign_side()) {
            let mut unit = vec![0.0; dual.rows.len()];
            unit[i] = 1.0;
            let cells = model.curve_cells(&dual.column_charges(&unit));
            let diagonal = dual.incidence.deliveries(&cells, None)[i];
            self.ry[i] += (1e-5 + damping.mu) * diagonal;
            if self.coupled.len() == COUPLED || diagonal <= 0.0 {
                continue;
            }
            let mut image = vec![0.0; model.flat.len() * n];
            for (c, cell) in dual.layout().columns.iter().zip(cells.chunks_exact(m)) {
                for (a, j) in model.charged.iter().enumerate() {
                    image[c.campaign as usize * n + a] += cell[*j];
                }
            }
            let mut explained = 0.0;
            let (mut force, mut factor) = (vec![0.0; n], vec![0.0; n * n]);
            for (part, matrix) in image.chunks_exact_mut(n.max(1)).zip(self.matrix.chunks_exact((n * n).max(1))) {
                if part.iter().any(|v| *v != 0.0) {
                    force.copy_from_slice(part);
                    factor.copy_from_slice(matrix);
                    factorise(&mut factor, n);
                    substitute(&factor, part);
                    explained += dot(part, &force);
                }
            }
            self.coupled.push(Coupled { row: i, image, left: (diagonal - explained).max(0.05 * diagonal) });
        }
    }

    /// What a row adds to its own diagonal.
    pub(super) fn stiffness(&self, row: usize) -> f64 {
        self.ry[row] + self.bend[row]
    }

    /// The regularised model's matrix times `v`.
    pub(super) fn times(&self, v: &[f64]) -> Vec<f64> {
        let model = self.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let all = dual.incidence.charges(v);
        let charges = dual.incidence.of_campaigns(&all);
        let mut back = vec![0.0; charges.len()];
        let campaigns = back.chunks_exact_mut(m.max(1)).zip(charges.chunks_exact(m.max(1)));
        for ((back, charges), held) in campaigns.zip(self.held.chunks_exact((n * n).max(1))) {
            for (j, held) in model.charged.iter().zip(held.chunks_exact(n.max(1))) {
                back[*j] = model.charged.iter().zip(held).map(|(j, held)| held * charges[*j]).sum();
            }
        }
        let cells = model.curve_cells(&dual.incidence.of_columns(charges, &all));
        let mut out = dual.incidence.deliveries(&cells, Some(back));
        for (((o, r), bend), v) in out.iter_mut().zip(&self.ry).zip(&self.bend).zip(v) {
            *o += (r + bend) * v;
        }
        out
    }
}
