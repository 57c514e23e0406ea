//! One opportunity: the projection on the capped simplex.

/// Maximises `<w, x> - gamma/2 |x|^2` over `0 <= x <= 1`, `sum x <= slots`; that is `x = clip(w / gamma - theta, 0, 1)` with the least `theta >= 0`
/// that keeps the sum within `slots`. `w` holds positive net scores divided by `gamma`, sorted descending; `x` is written to `out`.
/// Returns whether the slots bind. O(n) steps of Newton on the piecewise linear sum, safeguarded by bisection.
pub fn project(w: &[f64], slots: u32, out: &mut Vec<f64>) -> bool {
    out.clear();
    if slots == 0 || w.is_empty() {
        out.resize(w.len(), 0.0);
        return false;
    }
    let total = f64::from(slots);
    let binds = w.iter().map(|v| v.min(1.0)).sum::<f64>() > total;
    let mut theta = 0.0;
    if binds {
        let (mut low, mut high) = (0.0, w[0]);
        theta = (w[(slots as usize).min(w.len()) - 1] - 1.0).max(0.0);
        for _ in 0..80 {
            let (mut sum, mut slope) = (0.0, 0.0);
            for v in w {
                let z = v - theta;
                if z <= 0.0 {
                    break;
                }
                if z >= 1.0 {
                    sum += 1.0;
                } else {
                    sum += z;
                    slope += 1.0;
                }
            }
            let excess: f64 = sum - total;
            if excess.abs() < 1e-14 * total {
                break;
            }
            if excess > 0.0 {
                low = theta;
            } else {
                high = theta;
            }
            let next = theta + excess / slope;
            theta = if next > low && next < high { next } else { 0.5 * (low + high) };
        }
    }
    out.extend(w.iter().map(|v| (v - theta).clamp(0.0, 1.0)));
    binds
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
    }
}
