//! Prices that together keep sharing a group's weight: the conjugate gradients of a Newton step stay on the plane of those that do.

use super::dense::{factorise, substitute};
use super::dual::Dual;
use super::newton::Query;

/// One plane: `sum of t step = rest` over free rows.
struct Plane {
    /// Index of the group.
    group: usize,
    members: Vec<(usize, f64)>,
    rest: f64,
    /// The preconditioner's answer to the plane's normal.
    answer: Vec<f64>,
}

/// The planes of all groups that bind, and the small system that projects on them.
pub(super) struct Tied {
    planes: Vec<Plane>,
    /// Factor of the planes' answers to each other.
    gram: Vec<f64>,
}

impl Tied {
    /// The planes for the free prices when the others make `fixed` steps; `precondition` applies the preconditioner.
    pub(super) fn new(dual: &Dual<'_>, q: &Query<'_>, free: &[bool], fixed: &[f64], precondition: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        let mut planes = Vec::new();
        for (group, g) in dual.groups.iter().enumerate().filter(|(at, g)| g.binds(q.e, *at, q.y)) {
            let mut plane = Plane { group, members: Vec::new(), rest: -g.unpaid(q.y), answer: Vec::new() };
            for (i, t) in g.rows.iter().zip(&g.goal.members) {
                if q.y[*i] > 0.0 {
                    continue;
                }
                if free[*i] {
                    plane.members.push((*i, *t));
                } else {
                    plane.rest -= t * fixed[*i];
                }
            }
            if plane.members.is_empty() {
                continue;
            }
            let mut normal = vec![0.0; free.len()];
            plane.members.iter().for_each(|(i, t)| normal[*i] = *t);
            plane.answer = precondition(&normal);
            planes.push(plane);
        }
        let n = planes.len();
        let mut gram = vec![0.0; n * n];
        for (p, a) in planes.iter().enumerate() {
            for (q, b) in planes.iter().enumerate() {
                gram[p * n + q] = a.along(&b.answer);
            }
        }
        factorise(&mut gram, n);
        Self { planes, gram }
    }

    /// Moves a step onto the planes.
    pub(super) fn restore(&self, x: &mut [f64]) {
        if self.planes.is_empty() {
            return;
        }
        let mut by: Vec<f64> = self.planes.iter().map(|p| p.rest - p.along(x)).collect();
        substitute(&self.gram, &mut by);
        for (plane, by) in self.planes.iter().zip(by) {
            x.iter_mut().zip(&plane.answer).for_each(|(x, a)| *x += by * a);
        }
    }

    /// Takes out of a residual `r` and the preconditioner's answer `z` to it what would leave the planes, and adds to `levels` what the groups'
    /// levels rise by instead.
    pub(super) fn project(&self, r: &mut [f64], z: &mut [f64], levels: &mut [f64]) {
        if self.planes.is_empty() {
            return;
        }
        let mut by: Vec<f64> = self.planes.iter().map(|p| p.along(z)).collect();
        substitute(&self.gram, &mut by);
        for (plane, by) in self.planes.iter().zip(by) {
            z.iter_mut().zip(&plane.answer).for_each(|(z, a)| *z -= by * a);
            plane.members.iter().for_each(|(i, t)| r[*i] -= by * t);
            levels[plane.group] += by;
        }
    }
}

impl Plane {
    fn along(&self, v: &[f64]) -> f64 {
        self.members.iter().map(|(i, t)| t * v[*i]).sum()
    }
}
