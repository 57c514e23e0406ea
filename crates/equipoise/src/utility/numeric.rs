//! Numerical oracles for the tests of the goals.

use super::Utility;

/// The largest of a concave function on `[from, to]`, by golden sections between the given kinks.
fn largest(f: impl Fn(f64) -> f64, from: f64, to: f64, kinks: &[f64]) -> f64 {
    let mut ends = vec![from, to];
    ends.extend(kinks.iter().copied().filter(|k| *k > from && *k < to));
    ends.sort_by(f64::total_cmp);
    let mut best = ends.iter().map(|d| f(*d)).fold(f64::NEG_INFINITY, f64::max);
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for pair in ends.windows(2) {
        let (mut a, mut b) = (pair[0], pair[1]);
        for _ in 0..200 {
            let (x, y) = (b - golden * (b - a), a + golden * (b - a));
            if f(x) < f(y) { a = x } else { b = y }
        }
        best = best.max(f(0.5 * (a + b)));
    }
    best
}

/// Checks conjugate, price map and projection of a utility whose deliveries lie in `[from, to]` at price `p`, to 1e-10.
pub(super) fn agrees(u: &impl Utility, p: f64, from: f64, to: f64, kinks: &[f64]) {
    let worth = |d: f64| u.utility(d) + p * d;
    let conjugate = u.conjugate(p);
    if conjugate.is_infinite() {
        // Outside the range something at the edge is worth ever more, and the projection is another price.
        let edge = worth(from).max(worth(to));
        assert!(edge > worth(0.5 * (from + to)) || edge > 0.0, "nothing grows at {p}");
        assert!((u.project(p) - p).abs() > 0.0, "{p} is outside its range and projects on itself");
        return;
    }
    let found = largest(worth, from, to, kinks);
    assert!((found - conjugate).abs() <= 1e-10 * (1.0 + conjugate.abs() + (p * to.min(1e3)).abs()), "{found:e} {conjugate:e} at {p}");
    // Price -> delivery: both ends of the range are worth as much.
    let (least, most) = u.deliveries(p);
    assert!(least <= most, "{least} {most}");
    for d in [least, most] {
        if d.is_finite() {
            assert!((worth(d) - conjugate).abs() <= 1e-10 * (1.0 + conjugate.abs() + (p * d).abs()), "delivery {d} at {p}");
            // Delivery -> price: the price is among those of its delivery.
            let (low, high) = u.prices(d);
            let room = 1e-9 * p.abs().max(1e-300);
            assert!(low - room <= p && p <= high + room, "{p} is not in {low}..{high} at {d}");
        }
    }
    // Projecting twice is projecting once, and no price of the range moves.
    let q = u.project(p);
    assert!(u.project(q) == q || (u.project(q) - q).abs() <= 1e-15 * q.abs());
}
