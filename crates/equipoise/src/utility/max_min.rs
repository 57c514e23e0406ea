//! `max_min`: a group is worth what its worst member has.

/// `U(d) = a min_g d_g / t_g` over the members of a group, each with a weight `t_g > 0`.
///
/// Prices are at most 0 and share the weight: `sum of -p_g t_g = a`. They add nothing to the dual.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxMin {
    /// The weight `a > 0`.
    pub weight: f64,
    /// The members' weights.
    pub members: Vec<f64>,
}

impl MaxMin {
    /// What the worst member has of its weight: `min_g d_g / t_g`; infinite without members.
    pub fn level(&self, deliveries: impl IntoIterator<Item = f64>) -> f64 {
        deliveries.into_iter().zip(&self.members).map(|(d, t)| d / t).fold(f64::INFINITY, f64::min)
    }

    /// The utility of deliveries by member; 0 for a group without members.
    pub fn utility(&self, deliveries: impl IntoIterator<Item = f64>) -> f64 {
        if self.members.is_empty() { 0.0 } else { self.weight * self.level(deliveries) }
    }

    /// The conjugate `sup over d of U(d) + p d`: 0 for prices that share the weight, up to rounding, infinite for others.
    #[must_use]
    pub fn conjugate(&self, prices: &[f64]) -> f64 {
        let shared: f64 = prices.iter().zip(&self.members).map(|(p, t)| -p * t).sum();
        let fits = prices.iter().all(|p| *p <= 0.0) && (shared - self.weight).abs() <= 1e-12 * self.weight;
        if fits { 0.0 } else { f64::INFINITY }
    }

    /// The deliveries at which prices are worth most, given what the worst member has of its weight: a member with a price has just its part,
    /// others at least theirs.
    #[must_use]
    pub fn deliveries(&self, prices: &[f64], level: f64) -> Vec<(f64, f64)> {
        prices.iter().zip(&self.members).map(|(p, t)| (level * t, if *p < 0.0 { level * t } else { f64::INFINITY })).collect()
    }

    /// Prices at which deliveries are worth most: the weight is shared evenly among the worst members.
    #[must_use]
    pub fn prices(&self, deliveries: &[f64]) -> Vec<f64> {
        let level = self.level(deliveries.iter().copied());
        let worst = |(d, t): (&f64, &f64)| d / t <= level;
        let count = deliveries.iter().zip(&self.members).filter(|m| worst(*m)).count() as f64;
        deliveries.iter().zip(&self.members).map(|(d, t)| if worst((d, t)) { -self.weight / (t * count) } else { 0.0 }).collect()
    }

    /// The nearest prices that share the weight: `p_g = min(0, q_g - theta t_g)`, theta in closed form. O(n log n).
    pub fn project(&self, prices: &mut [f64]) {
        // A member has a price once theta passes q_g / t_g.
        let mut order: Vec<usize> = (0..prices.len()).collect();
        order.sort_by(|a, b| (prices[*a] / self.members[*a]).total_cmp(&(prices[*b] / self.members[*b])));
        let (mut owed, mut squares, mut theta) = (self.weight, 0.0, 0.0);
        for (rank, g) in order.iter().enumerate() {
            let t = self.members[*g];
            owed += t * prices[*g];
            squares += t * t;
            theta = owed / squares;
            if order.get(rank + 1).is_none_or(|next| theta <= prices[*next] / self.members[*next]) {
                break;
            }
        }
        for (p, t) in prices.iter_mut().zip(&self.members) {
            *p = (*p - theta * t).min(0.0);
        }
        // What rounding left over.
        let shared: f64 = prices.iter().zip(&self.members).map(|(p, t)| -p * t).sum();
        if shared > 0.0 {
            for p in prices {
                *p *= self.weight / shared;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MaxMin;
    use proptest::prelude::*;

    fn groups() -> impl Strategy<Value = (MaxMin, Vec<f64>, Vec<f64>)> {
        (0.01..100.0f64, proptest::collection::vec((0.1..10.0f64, -20.0..20.0f64, 0.0..50.0f64), 1..12)).prop_map(|(weight, list)| {
            let members = list.iter().map(|m| m.0).collect();
            (MaxMin { weight, members }, list.iter().map(|m| m.1).collect(), list.iter().map(|m| m.2).collect())
        })
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    }

    /// Least distance by a ternary search over theta, then nothing closed.
    fn searched(u: &MaxMin, q: &[f64]) -> Vec<f64> {
        let at = |theta: f64| -> Vec<f64> { q.iter().zip(&u.members).map(|(q, t)| (q - theta * t).min(0.0)).collect() };
        let shared = |p: &[f64]| -> f64 { p.iter().zip(&u.members).map(|(p, t)| -p * t).sum() };
        let (mut low, mut high) = (-1e6, 1e6);
        for _ in 0..200 {
            let theta = 0.5 * (low + high);
            if shared(&at(theta)) > u.weight { high = theta } else { low = theta }
        }
        at(0.5 * (low + high))
    }

    proptest! {
        #[test]
        fn projection_is_the_nearest_point((u, q, _) in groups(), other in proptest::collection::vec(0.0..1.0f64, 12)) {
            let mut p = q.clone();
            u.project(&mut p);
            prop_assert_eq!(u.conjugate(&p), 0.0, "{:?}", p);
            let found = searched(&u, &q);
            prop_assert!(p.iter().zip(&found).all(|(a, b)| (a - b).abs() <= 1e-10 * (1.0 + b.abs())), "{p:?} {found:?}");
            // No other point of the set is nearer.
            let part: f64 = other[..q.len()].iter().sum::<f64>().max(1e-9);
            let rival: Vec<f64> = other.iter().zip(&u.members).map(|(o, t)| -u.weight * o / part / t).collect();
            prop_assert!(distance(&p, &q) <= distance(&rival, &q) + 1e-9);
        }

        /// At prices of the set nothing beats 0, and the deliveries of the price map reach it; off the set, going far along some ray is worth ever more.
        #[test]
        fn conjugate_agrees_with_a_search((u, q, d) in groups(), level in 0.0..50.0f64) {
            let mut p = q.clone();
            u.project(&mut p);
            let worth = |p: &[f64], d: &[f64]| u.utility(d.iter().copied()) + p.iter().zip(d).map(|(p, d)| p * d).sum::<f64>();
            let size = 1e-10 * (1.0 + u.weight * 500.0);
            prop_assert!(worth(&p, &d) <= size, "{}", worth(&p, &d));
            let best: Vec<f64> = u.deliveries(&p, level).iter().map(|d| d.0).collect();
            prop_assert!(worth(&p, &best).abs() <= size, "{}", worth(&p, &best));
            let raised: Vec<f64> = p.iter().map(|p| p + 0.01).collect();
            if u.conjugate(&raised).is_infinite() {
                let ray: Vec<f64> = u.members.iter().map(|t| t * 1e6).collect();
                prop_assert!(worth(&raised, &ray) > 1.0);
            }
        }

        #[test]
        fn prices_of_deliveries_are_worth_most_there((u, _, d) in groups(), step in proptest::collection::vec(-1.0..1.0f64, 12)) {
            let p = u.prices(&d);
            prop_assert_eq!(u.conjugate(&p), 0.0);
            let worth = |d: &[f64]| u.utility(d.iter().copied()) + p.iter().zip(d).map(|(p, d)| p * d).sum::<f64>();
            let moved: Vec<f64> = d.iter().zip(&step).map(|(d, s)| d + s).collect();
            prop_assert!(worth(&moved) <= worth(&d) + 1e-9);
            prop_assert!(worth(&d).abs() <= 1e-9 * (1.0 + u.weight * 500.0));
        }
    }

    #[test]
    fn a_single_member_takes_all() {
        let u = MaxMin { weight: 3.0, members: vec![2.0] };
        let mut p = [0.7];
        u.project(&mut p);
        assert!((p[0] + 1.5).abs() < 1e-15);
        assert!(MaxMin { weight: 1.0, members: vec![] }.utility([]) == 0.0);
    }
}
