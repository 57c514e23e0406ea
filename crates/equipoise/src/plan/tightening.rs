//! Bounds a little inside the rows' own, so that what smoothing and rounding leave wrong stays inside.

use super::dual::{Dual, Eval, Row};
use crate::model::Scope;

/// Bounds are taken inside their own by this part of them at most.
const MARGIN: f64 = 0.02;
impl Dual<'_> {
    /// Bounds of the first level: floors and shares a fixed part inside their own.
    pub(super) fn tighten(&mut self, floors: f64, others: f64) {
        let whole = self.layout().places / self.units.delivery[0];
        self.set_tight(floors, others, |_, r| others * -r.b * whole);
    }

    /// Bounds inside the rows' own by as much as a tenth of the gap asked for can pay.
    pub(super) fn tighten_by_budget(&mut self, y: &[f64], e: &Eval, tolerance: f64) {
        let m = self.measures();
        let mut totals = vec![0.0; m];
        e.cells.chunks_exact(m).for_each(|c| totals.iter_mut().zip(c).for_each(|(t, v)| *t += v));
        let budget = 0.1 * tolerance * e.bound.abs();
        let (mut floors, mut shares, mut caps) = (0.0, 0, 0.0);
        for (r, p) in self.rows.iter().zip(y).map(|(r, p)| (r, r.bounds_price(*p))) {
            if r.b != 0.0 {
                shares += usize::from(p != 0.0);
            } else if r.lo == r.hi {
                floors += (p * r.lo).abs();
            } else if p < 0.0 {
                floors -= p * r.lo;
            } else if p > 0.0 && r.scope != Scope::Campaign {
                caps += p * r.hi;
            }
        }
        let part = |cost: f64| if cost > 0.0 { (budget / cost).min(MARGIN) } else { MARGIN };
        let (floors, caps) = (part(floors), 0.5 * part(caps));
        // Every share the same part of the money, not of itself: else a single dear one leaves no room to all the others.
        let each = 0.5 * budget / shares.max(1) as f64;
        self.set_tight(floors, caps, |i, r| {
            let most = MARGIN * -r.b * totals[r.measure];
            let price = r.bounds_price(y[i]).abs();
            if price * most > each { each / price } else { most }
        });
    }

    /// Bounds inside the rows' own by parts of floors and of shared caps, and by a room for each share.
    fn set_tight(&mut self, floors: f64, caps: f64, share_room: impl Fn(usize, &Row) -> f64) {
        let tight = |(i, r): (usize, &Row)| {
            if r.lo == r.hi {
                // A target is passed a little: thinning takes it back exactly, and nothing would add what is missing.
                let passed = r.lo * (1.0 + floors);
                (passed, passed)
            } else if r.b != 0.0 {
                let room = share_room(i, r);
                (r.lo + room, r.hi - room)
            } else {
                let hi = if r.scope == Scope::Campaign { r.hi } else { r.hi * (1.0 - caps) };
                let lo = if r.lo > 0.0 { r.lo * (1.0 + floors) } else { r.lo };
                let most = if hi.is_finite() { hi * 0.9999 + 0.0001 * r.lo.max(0.0) } else { f64::INFINITY };
                (lo.min(most.max(r.lo)), hi)
            }
        };
        self.tight = self.rows.iter().enumerate().map(tight).collect();
    }
}
