//! One semismooth Newton direction: conjugate gradients on the free prices, inside a few rounds of a primal-dual active set.

use super::dense::Cholesky;
use super::dual::{Dual, Eval, NONE};

/// Most shared rows that the preconditioner couples densely; further ones count by their diagonal.
const DENSE: usize = 1000;
/// Most request-side rows whose coupling to the campaigns is taken exactly.
const COUPLED: usize = 48;
/// Conjugate gradient steps at most.
const STEPS: usize = 100;

/// How far prices may move: by campaign in score units, by shared row in its own price.
#[derive(Debug, Clone)]
pub(super) struct Radius {
    pub(super) campaign: Vec<f64>,
    pub(super) row: Vec<f64>,
}

/// What the Newton step is damped by, beside the radius.
#[derive(Debug, Clone)]
pub(super) struct Damping {
    /// Levenberg term, relative to the curvature.
    pub(super) mu: f64,
    /// Secant curvature learnt from rejected steps, by campaign.
    pub(super) campaign: Vec<f64>,
    /// The same by row.
    pub(super) row: Vec<f64>,
}

/// The quadratic model around an evaluation.
pub(super) struct Model<'a, 'e> {
    dual: &'a Dual<'e>,
    gamma: f64,
    /// Measures that campaign-side rows charge.
    charged: Vec<usize>,
    /// Fractional rows in inner units.
    starts: &'a [u32],
    binds: &'a [bool],
    column: &'a [u32],
    weight: Vec<f64>,
    y: Vec<f64>,
    /// By campaign: curvature of its exposure price.
    pub(super) flat: Vec<f64>,
    /// By campaign, charged x charged: curvature in price space.
    block: Vec<f64>,
    /// By campaign and charged measure: amount of a typical fractional candidate.
    pub(super) typical: Vec<f64>,
    spread: Vec<f64>,
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
        for r in 0..active.rows() {
            let span = active.starts[r] as usize..active.starts[r + 1] as usize;
            let part = if active.binds[r] { 1.0 - 1.0 / span.len() as f64 } else { 1.0 };
            let h = weight[r] * part / gamma;
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
            starts: &active.starts,
            binds: &active.binds,
            column: &active.column,
            weight,
            y,
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

    /// Curvature times `v`, by column and priced measure.
    fn curve_cells(&self, v: &[f64]) -> Vec<f64> {
        // The loops over measures unroll where their number is a constant.
        match self.dual.priced.len() {
            1 => self.curve_cells_of(v, 1),
            2 => self.curve_cells_of(v, 2),
            3 => self.curve_cells_of(v, 3),
            m => self.curve_cells_of(v, m),
        }
    }

    #[inline(always)]
    fn curve_cells_of(&self, v: &[f64], m: usize) -> Vec<f64> {
        let charges = self.dual.column_charges(v);
        let mut cells = vec![0.0; charges.len()];
        let mut moved = Vec::new();
        for (r, binds) in self.binds.iter().enumerate() {
            let span = self.starts[r] as usize..self.starts[r + 1] as usize;
            let (columns, y) = (&self.column[span.clone()], &self.y[span.start * m..span.end * m]);
            moved.resize(columns.len().max(moved.len()), 0.0);
            let mut sum = 0.0;
            for ((c, y), w) in columns.iter().zip(y.chunks_exact(m)).zip(&mut moved) {
                let charge = &charges[*c as usize * m..][..m];
                *w = 0.0;
                for j in 0..m {
                    *w += charge[j] * y[j];
                }
                sum += *w;
            }
            let mean = if *binds { sum / columns.len() as f64 } else { 0.0 };
            let h = self.weight[r] / self.gamma;
            for ((c, y), w) in columns.iter().zip(y.chunks_exact(m)).zip(&moved) {
                let x = (w - mean) * h;
                let cell = &mut cells[*c as usize * m..][..m];
                for j in 0..m {
                    cell[j] += x * y[j];
                }
            }
        }
        cells
    }

    /// Curvature times `v`, without regularisation.
    pub(super) fn curve(&self, v: &[f64]) -> Vec<f64> {
        self.dual.column_deliveries(&self.curve_cells(v))
    }
}

/// A direction and what it took.
pub(super) struct Direction {
    pub(super) step: Vec<f64>,
}

/// What a price does in the current round.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Moves; its bound is the upper one.
    Above,
    /// Moves; its bound is the lower one.
    Below,
    /// Goes to this value: a kink or an end of its range.
    Fixed(f64),
}

struct System<'m, 'a, 'e> {
    model: &'m Model<'a, 'e>,
    /// By campaign: isotropic regularisation in price space.
    rq: Vec<f64>,
    /// By row: regularisation of its own.
    ry: Vec<f64>,
    /// By campaign, charged x charged: curvature and regularisation.
    matrix: Vec<f64>,
    /// Request-side rows whose coupling is taken exactly, with the campaign-space image of each.
    coupled: Vec<(usize, Vec<f64>, f64)>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl System<'_, '_, '_> {
    /// The regularised model's matrix times `v`.
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let model = self.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let mut out = model.curve(v);
        let charges = dual.campaign_charges(v);
        let mut back = vec![0.0; charges.len()];
        for (k, rq) in self.rq.iter().enumerate() {
            let mut along = 0.0;
            for (a, j) in model.charged.iter().enumerate() {
                along += model.typical[k * n + a] * charges[k * m + j];
            }
            for (a, j) in model.charged.iter().enumerate() {
                back[k * m + j] = rq * (model.typical[k * n + a] * along + model.spread[k * n + a] * charges[k * m + j]);
            }
        }
        for (o, b) in out.iter_mut().zip(dual.campaign_deliveries(&back)) {
            *o += b;
        }
        for ((o, r), v) in out.iter_mut().zip(&self.ry).zip(v) {
            *o += r * v;
        }
        out
    }
}

/// Block elimination of the campaigns' own rows, dense on the shared ones.
struct Preconditioner<'s, 'm, 'a, 'e> {
    system: &'s System<'m, 'a, 'e>,
    /// Free own rows of each campaign, as indices into the charged measures.
    own: Vec<Vec<usize>>,
    local: Vec<Option<Cholesky>>,
    /// Free shared rows that are coupled densely, and the others with their diagonal.
    dense: Vec<usize>,
    diagonal: Vec<(usize, f64)>,
    factor: Cholesky,
}

impl<'s, 'm, 'a, 'e> Preconditioner<'s, 'm, 'a, 'e> {
    fn new(system: &'s System<'m, 'a, 'e>, free: &[bool]) -> Self {
        let model = system.model;
        let dual = model.dual;
        let (m, n) = (dual.priced.len(), model.charged.len());
        let campaigns = model.flat.len();
        let free_shared: Vec<usize> = dual.shared.iter().copied().filter(|i| free[*i]).collect();
        let is_coupled = |i: usize| system.coupled.iter().any(|c| c.0 == i);
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
        let mut own = Vec::with_capacity(campaigns);
        let mut local = Vec::with_capacity(campaigns);
        let mut entries: Vec<(usize, Vec<f64>)> = Vec::new();
        for k in 0..campaigns {
            let matrix = &system.matrix[k * n * n..][..n * n];
            let mine: Vec<usize> = (0..n)
                .filter(|a| {
                    let i = dual.own[k * m + model.charged[*a]];
                    i != NONE && free[i]
                })
                .collect();
            let mut omega = matrix.to_vec();
            let factor = (!mine.is_empty()).then(|| {
                let f = mine.len();
                let mut part = vec![0.0; f * f];
                for (p, a) in mine.iter().enumerate() {
                    for (q, b) in mine.iter().enumerate() {
                        part[p * f + q] = matrix[a * n + b];
                    }
                    part[p * f + p] += system.ry[dual.own[k * m + model.charged[*a]]];
                }
                Cholesky::new(part, f)
            });
            if let Some(factor) = &factor {
                for c in 0..n {
                    let mut rhs: Vec<f64> = mine.iter().map(|a| matrix[a * n + c]).collect();
                    factor.solve(&mut rhs);
                    for r in 0..n {
                        omega[r * n + c] -= mine.iter().zip(&rhs).map(|(a, x)| matrix[r * n + a] * x).sum::<f64>();
                    }
                }
            }
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
                for (i, image, _) in &system.coupled {
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
            own.push(mine);
            local.push(factor);
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
            let left = system.coupled.iter().find(|c| c.0 == *i).map_or(0.0, |c| c.2);
            s[p * size + p] = (s[p * size + p] + left + system.ry[*i]) * (1.0 + 1e-9) + 1e-12;
        }
        let diagonal = rest
            .into_iter()
            .map(|i| {
                let r = &dual.rows[i];
                let a = charged_at(r.measure);
                let members = |k: usize| r.scope.is_campaign_side() && dual.members.campaign[r.scope as usize][k] == r.key;
                let sum: f64 =
                    a.map_or(0.0, |a| (0..campaigns).filter(|k| members(*k)).map(|k| r.a * r.a * system.matrix[(k * n + a) * n + a]).sum());
                (i, sum + system.ry[i] + 1e-9)
            })
            .collect();
        Self { system, own, local, dense, diagonal, factor: Cholesky::new(s, size) }
    }

    /// Solves the campaigns' own free rows for price-space forces; returns their prices.
    fn solve_own(&self, k: usize, r: &[f64], force: &[f64]) -> Vec<f64> {
        let model = self.system.model;
        let m = model.dual.priced.len();
        let mine = &self.own[k];
        let mut x: Vec<f64> = mine.iter().map(|a| r[model.dual.own[k * m + model.charged[*a]]] - force[*a]).collect();
        if let Some(f) = &self.local[k] {
            f.solve(&mut x);
        }
        x
    }

    fn apply(&self, r: &[f64]) -> Vec<f64> {
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
            let none = vec![0.0; n];
            for k in 0..campaigns {
                if !self.own[k].is_empty() {
                    let x = self.solve_own(k, r, &none);
                    for (a, j) in model.charged.iter().enumerate() {
                        forces[k * m + j] = self.own[k].iter().zip(&x).map(|(b, x)| matrix(k)[a * n + b] * x).sum();
                    }
                }
            }
            let back = dual.campaign_deliveries(&forces);
            let mut u: Vec<f64> =
                self.dense.iter().map(|i| if dual.rows[*i].scope.is_campaign_side() { r[*i] - back[*i] } else { r[*i] }).collect();
            for (i, image, _) in &self.system.coupled {
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
            for (i, image, _) in &self.system.coupled {
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
        for k in 0..campaigns {
            if self.own[k].is_empty() {
                continue;
            }
            for (a, f) in force.iter_mut().enumerate() {
                *f = model.charged.iter().enumerate().map(|(b, j)| matrix(k)[a * n + b] * charges[k * m + j]).sum();
            }
            let x = self.solve_own(k, r, &force);
            for (a, x) in self.own[k].iter().zip(x) {
                out[dual.own[k * m + model.charged[*a]]] = x;
            }
        }
        for (i, d) in &self.diagonal {
            out[*i] = r[*i] / d;
        }
        out
    }
}

/// The Newton direction at prices `y` with slope `g`; `accuracy` is the relative residual asked of the linear solves, `rounds` of the active set.
#[allow(clippy::too_many_arguments)]
pub(super) fn direction(
    model: &Model<'_, '_>,
    e: &Eval,
    y: &[f64],
    g: &[f64],
    radius: &Radius,
    damping: &Damping,
    accuracy: f64,
    rounds: usize,
) -> Direction {
    let dual = model.dual;
    let (m, n) = (dual.priced.len(), model.charged.len());
    let campaigns = model.flat.len();
    let gamma = model.gamma;
    let len = y.len();
    // Regularisation.
    let own_slope = |k: usize| -> f64 { (0..m).map(|j| dual.own[k * m + j]).filter(|i| *i != NONE).map(|i| g[i].abs()).sum() };
    let rq: Vec<f64> = (0..campaigns)
        .map(|k| {
            let h = model.flat[k];
            (1e-5 + damping.mu) * h
                + ((e.near[k] + h * gamma) / (4.0 * gamma) - h).max(0.0)
                + 0.02 * own_slope(k) / radius.campaign[k]
                + 1e-9
                + damping.campaign[k]
        })
        .collect();
    let mut matrix = model.block.clone();
    for k in 0..campaigns {
        for a in 0..n {
            for b in 0..n {
                matrix[(k * n + a) * n + b] += rq[k] * model.typical[k * n + a] * model.typical[k * n + b];
            }
            matrix[(k * n + a) * n + a] += rq[k] * model.spread[k * n + a];
        }
    }
    let mut ry = vec![0.0; len];
    for i in &dual.shared {
        ry[*i] = 0.3 * g[*i].abs() / radius.row[*i] + 1e-9 + damping.row[*i];
    }
    for k in 0..campaigns {
        for (a, j) in model.charged.iter().enumerate() {
            let i = dual.own[k * m + j];
            if i != NONE {
                ry[i] = 1e-6 * matrix[(k * n + a) * n + a] + damping.row[i] + 1e-12;
            }
        }
    }
    // Request-side rows: their image in the campaigns' price space, and the curvature that is left.
    let mut coupled = Vec::new();
    for i in &dual.shared {
        if dual.rows[*i].scope.is_campaign_side() {
            continue;
        }
        let mut unit = vec![0.0; len];
        unit[*i] = 1.0;
        let cells = model.curve_cells(&unit);
        let diagonal = dual.column_deliveries(&cells)[*i];
        ry[*i] += (1e-5 + damping.mu) * diagonal;
        if coupled.len() < COUPLED && diagonal > 0.0 {
            let mut image = vec![0.0; campaigns * n];
            for (c, cell) in dual.layout().columns.iter().zip(cells.chunks_exact(m)) {
                for (a, j) in model.charged.iter().enumerate() {
                    image[c.campaign as usize * n + a] += cell[*j];
                }
            }
            let mut explained = 0.0;
            for k in 0..campaigns {
                let part = &mut image[k * n..][..n];
                if part.iter().any(|v| *v != 0.0) {
                    let force = part.to_vec();
                    Cholesky::new(matrix[k * n * n..][..n * n].to_vec(), n).solve(part);
                    explained += dot(part, &force);
                }
            }
            coupled.push((*i, image, (diagonal - explained).max(0.05 * diagonal)));
        }
    }
    let system = System { model, rq, ry, matrix, coupled };
    // Where each price stands.
    let mut state: Vec<State> = (0..len)
        .map(|i| {
            let r = &dual.rows[i];
            if g[i] == 0.0 && (y[i] == 0.0 || y[i] >= r.price_max || y[i] <= r.price_min) {
                State::Fixed(y[i])
            } else if y[i] > 0.0 || (y[i] == 0.0 && g[i] < 0.0) {
                State::Above
            } else {
                State::Below
            }
        })
        .collect();
    for k in 0..campaigns {
        for (a, j) in model.charged.iter().enumerate() {
            let i = dual.own[k * m + j];
            if i != NONE && y[i] != 0.0 && !matches!(state[i], State::Fixed(_)) {
                let step = -g[i] / system.matrix[(k * n + a) * n + a].max(1e-300);
                if (y[i] + step) * y[i] <= 0.0 && y[i].abs() < radius.campaign[k] {
                    state[i] = State::Fixed(0.0);
                }
            }
        }
    }
    let bound = |i: usize, s: State| if s == State::Above { dual.tight[i].1 } else { dual.tight[i].0 };
    let conjugate = |i: usize, v: f64| {
        let (lo, hi) = dual.tight[i];
        if v > 0.0 {
            v * hi
        } else if v < 0.0 {
            v * lo
        } else {
            0.0
        }
    };
    let mut x = vec![0.0; len];
    let mut best = (f64::INFINITY, vec![0.0; len], state.clone());
    for round in 0..rounds {
        let free: Vec<bool> = state.iter().map(|s| !matches!(s, State::Fixed(_))).collect();
        let fixed: Vec<f64> = state.iter().zip(y).map(|(s, y)| if let State::Fixed(v) = s { v - y } else { 0.0 }).collect();
        let mut b: Vec<f64> = (0..len).map(|i| if free[i] { e.d[i] - bound(i, state[i]) } else { 0.0 }).collect();
        if fixed.iter().any(|v| *v != 0.0) {
            let moved = system.times(&fixed);
            (0..len).filter(|i| free[*i]).for_each(|i| b[i] -= moved[i]);
        }
        let mut d = fixed;
        if free.iter().any(|f| *f) {
            (0..len).filter(|i| !free[*i]).for_each(|i| x[i] = 0.0);
            let precondition = Preconditioner::new(&system, &free);
            let masked = |v: &[f64]| -> Vec<f64> { system.times(v).iter().zip(&free).map(|(v, f)| if *f { *v } else { 0.0 }).collect() };
            let mut r = b.clone();
            if round > 0 {
                r.iter_mut().zip(masked(&x)).for_each(|(r, t)| *r -= t);
            }
            let scale = dot(&b, &precondition.apply(&b));
            let mut z = precondition.apply(&r);
            let mut p = z.clone();
            let mut rz = dot(&r, &z);
            for _ in 0..STEPS {
                if rz <= accuracy * accuracy * scale || rz <= 1e-300 {
                    break;
                }
                let t = masked(&p);
                let alpha = rz / dot(&p, &t).max(1e-300);
                for i in 0..len {
                    x[i] += alpha * p[i];
                    r[i] -= alpha * t[i];
                }
                z = precondition.apply(&r);
                let next = dot(&r, &z);
                let beta = next / rz;
                rz = next;
                p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + beta * *p);
            }
            (0..len).filter(|i| free[*i]).for_each(|i| d[i] = x[i]);
        }
        // The model's value of the step, clipped where it crosses a kink or an end; the best round wins.
        let clipped: Vec<f64> = (0..len)
            .map(|i| {
                let (r, target) = (&dual.rows[i], y[i] + d[i]);
                let target = match state[i] {
                    State::Above => target.max(0.0),
                    State::Below => target.min(0.0),
                    State::Fixed(v) => v,
                };
                target.clamp(r.price_min, r.price_max) - y[i]
            })
            .collect();
        let pushed = system.times(&clipped);
        let worth: f64 = (0..len)
            .filter(|i| clipped[*i] != 0.0)
            .map(|i| 0.5 * clipped[i] * pushed[i] + conjugate(i, y[i] + clipped[i]) - conjugate(i, y[i]) - e.d[i] * clipped[i])
            .sum();
        if worth < best.0 {
            best = (worth, clipped, state.clone());
        }
        if round + 1 == rounds {
            break;
        }
        let pushed = system.times(&d);
        let mut changed = false;
        for i in 0..len {
            let r = &dual.rows[i];
            let target = y[i] + d[i];
            let next = match state[i] {
                State::Above if target < 0.0 => State::Fixed(0.0),
                State::Below if target > 0.0 => State::Fixed(0.0),
                State::Above if target > r.price_max => State::Fixed(r.price_max),
                State::Below if target < r.price_min => State::Fixed(r.price_min),
                State::Fixed(v) => {
                    let delivery = e.d[i] - pushed[i];
                    let slip = 1e-3 * g[i].abs().max(1e-9);
                    let (lo, hi) = dual.tight[i];
                    if delivery > hi + slip && v < r.price_max && v >= 0.0 {
                        State::Above
                    } else if delivery < lo - slip && v > r.price_min && v <= 0.0 {
                        State::Below
                    } else if v > 0.0 && delivery < hi - slip {
                        State::Above
                    } else if v < 0.0 && delivery > lo + slip {
                        State::Below
                    } else {
                        state[i]
                    }
                }
                s => s,
            };
            changed |= next != state[i];
            state[i] = next;
        }
        if !changed {
            break;
        }
    }
    let (_, step, state) = best;
    Direction { step: within_radius(model, step, &state, radius) }
}

/// Keeps the move of every campaign's score within its radius: shared prices are scaled, then own prices follow so that the move keeps its target.
fn within_radius(model: &Model<'_, '_>, mut step: Vec<f64>, state: &[State], radius: &Radius) -> Vec<f64> {
    let dual = model.dual;
    let (m, n) = (dual.priced.len(), model.charged.len());
    let campaigns = model.flat.len();
    let free_own = |k: usize, a: usize| {
        let i = dual.own[k * m + model.charged[a]];
        (i != NONE && !matches!(state[i], State::Fixed(_))).then_some(i)
    };
    let moves = model.moves(&step);
    let widest = radius.campaign.iter().fold(0.25f64, |a, b| a.max(*b));
    let mut factor = 1f64;
    for k in 0..campaigns {
        if (0..n).all(|a| free_own(k, a).is_none()) {
            factor = factor.max(moves[k].abs() / widest);
        }
    }
    for i in &dual.shared {
        step[*i] /= factor;
    }
    let mut shared_only = step.clone();
    dual.own.iter().filter(|i| **i != NONE).for_each(|i| shared_only[*i] = 0.0);
    let shared_moves = model.moves(&shared_only);
    for k in 0..campaigns {
        let r = radius.campaign[k];
        let target = (moves[k] / factor.min(4.0)).clamp(-r, r);
        let mut rest = target - shared_moves[k];
        // The first free own price takes up the difference; further ones keep their own clipped steps.
        let mut first = None;
        for a in 0..n {
            let i = dual.own[k * m + model.charged[a]];
            if i == NONE {
                continue;
            }
            let typical = model.typical[k * n + a].max(1e-3);
            if free_own(k, a).is_some() && first.is_none() {
                first = Some((i, typical));
                continue;
            }
            if free_own(k, a).is_some() {
                let reach = 3.0 * r / typical;
                step[i] = step[i].clamp(-reach, reach);
            }
            rest -= typical * step[i];
        }
        if let Some((i, typical)) = first {
            step[i] = rest / typical;
        }
    }
    step
}
