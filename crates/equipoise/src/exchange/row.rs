//! One opportunity: the projection on the capped simplex.

/// Maximises `<w, x> - gamma/2 |x|^2` over `0 <= x <= 1`, `sum x <= slots`; that is `x = clip(w / gamma - theta, 0, 1)` with the least `theta >= 0`
/// that keeps the sum within `slots`. `w` holds positive net scores divided by `gamma`, sorted descending; `x` is written to `out`.
/// Returns whether the slots bind.
///
/// Newton steps on the piecewise linear sum, safeguarded by bisection, end on the piece that holds the answer: a few times O(n).
pub fn project(w: &[f64], slots: u32, out: &mut Vec<f64>) -> bool {
    out.clear();
    if slots == 0 || w.is_empty() {
        out.resize(w.len(), 0.0);
        return false;
    }
    let total = f64::from(slots);
    let binds = w.iter().map(|v| v.min(1.0)).sum::<f64>() > total;
    if binds {
        // From the last that can be taken, so that large scores lose no digits.
        let base = w[(slots as usize).min(w.len()) - 1];
        let theta = threshold(w, base, total, 0.0);
        out.extend(w.iter().map(|v| (v - base - theta).clamp(0.0, 1.0)));
    } else {
        out.extend(w.iter().map(|v| v.min(1.0)));
    }
    binds
}

/// The `theta` at which `clip(w - base - theta, 0, 1)` sums to `total`, where it lies so that `base + theta` is at least `least`; `w` is sorted
/// descending.
pub(super) fn threshold(w: &[f64], base: f64, total: f64, least: f64) -> f64 {
    let (mut low, mut high) = (least - base, w[0] - base);
    let mut theta = (-1f64).max(low);
    let mut piece = (usize::MAX, usize::MAX);
    for _ in 0..100 {
        let (mut whole, mut parts, mut sum) = (0, 0, 0.0);
        for v in w {
            let z = v - base - theta;
            if z <= 0.0 {
                break;
            }
            if z >= 1.0 {
                whole += 1;
            } else {
                parts += 1;
                sum += v - base;
            }
        }
        let excess = whole as f64 - total + sum - parts as f64 * theta;
        if (whole, parts) == piece || excess == 0.0 {
            break;
        }
        if excess > 0.0 {
            low = theta;
        } else {
            high = theta;
        }
        let next = (sum + whole as f64 - total) / parts as f64;
        if parts > 0 && next > low && next < high {
            (theta, piece) = (next, (whole, parts));
        } else {
            (theta, piece) = (0.5 * (low + high), (usize::MAX, usize::MAX));
            if theta <= low || theta >= high {
                break;
            }
        }
    }
    theta
}

#[cfg(test)]
mod tests {
    use super::project;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_the_nearest_point(mut w in prop::collection::vec(0.001f64..4.0, 1..9), slots in 1u32..4, trial in prop::collection::vec(0f64..1.0, 9)) {
            w.sort_by(|a, b| b.total_cmp(a));
            let mut x = Vec::new();
            project(&w, slots, &mut x);
            prop_assert!(x.iter().sum::<f64>() <= f64::from(slots) + 1e-12);
            // Any other feasible point is no nearer.
            let mut other: Vec<f64> = trial[..w.len()].to_vec();
            let sum: f64 = other.iter().sum();
            if sum > f64::from(slots) { for v in &mut other { *v *= f64::from(slots) / sum; } }
            let distance = |p: &[f64]| p.iter().zip(&w).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            prop_assert!(distance(&x) <= distance(&other) + 1e-9);
        }

        #[test]
        fn fills_the_slots_to_rounding(mut w in prop::collection::vec(0.0f64..1.0, 1..40), scale in 0i32..12, ties in 1u32..50, slots in 1u32..6) {
            for v in &mut w { *v = (*v * f64::from(ties)).ceil() / f64::from(ties) * 10f64.powi(scale); }
            w.sort_by(|a, b| b.total_cmp(a));
            let mut x = Vec::new();
            let binds = project(&w, slots, &mut x);
            let sum: f64 = x.iter().sum();
            prop_assert!(!binds || (sum - f64::from(slots)).abs() <= 1e-15 * w[0].max(10.0) * w.len() as f64, "{sum} of {slots}");
            prop_assert!(binds || x.iter().zip(&w).all(|(x, w)| *x == w.min(1.0)));
        }
    }
}
