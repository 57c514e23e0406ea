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
        let q = u.project(p);
        assert!(u.conjugate(q).is_finite(), "{p} projects on {q}, outside its range");
        for part in BETWEEN {
            let nearer = p + part * (q - p);
            assert!(u.conjugate(nearer).is_infinite(), "{p} projects on {q}, but {nearer} is nearer");
        }
        is_nearest(u, p, q);
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
            let room = 1e-10 * p.abs().max(1e-300);
            assert!(low - room <= p && p <= high + room, "{p} is not in {low}..{high} at {d}");
        }
    }
    is_nearest(u, p, u.project(p));
}

/// Places between a point and its projection, in parts of the way.
const BETWEEN: [f64; 4] = [0.5, 0.9, 0.999, 1.0 - 1e-10];

/// Checks that `q` is the nearest to `p` of the prices that stay where they are: it stays, and whatever lies between goes to it.
fn is_nearest(u: &impl Utility, p: f64, q: f64) {
    let is_at = |a: f64, b: f64| (a - b).abs() <= 1e-15 * b.abs();
    assert!(is_at(u.project(q), q), "{q} moves to {}", u.project(q));
    if !is_at(p, q) {
        for part in BETWEEN {
            let between = p + part * (q - p);
            assert!(is_at(u.project(between), q), "{p} moves to {q}, but {between} to {}", u.project(between));
        }
    }
}
