//! Prediction intervals: between which ends a sum over future opportunities falls, given the same sum over a sample.
//!
//! Sample and future are sums of independent contributions, few of which are not zero, so a sum is close to `shift + jump * N` with `N` Poisson.
//! Given the sum of a sample's count `X` and the future's `Y`, which expects `ratio` times as many, `X` is binomial whatever their rate is; the
//! interval holds every `y` for which neither tail of that binomial at the observed `x` is below the level (the conditional prediction interval
//! of Nelson 1970, exact for counts, conservative by less than one of them). Tails of the binomial: the normal approximation of Peizer and
//! Pratt 1968, good to 1e-3 in the quantile for all sizes, so that there are no special functions and no loss in far tails.
//!
//! Equal contributions fix `jump` and `shift`. Unequal ones are fitted twice: with mean, variance and third moment, where large contributions
//! reach far up; and with mean and variance and a `shift` of 0, where the sample may owe its sum to a few large ones that the future lacks. The
//! interval goes from the lower of the lower ends to the upper of the upper ones.

/// What is known about a sum from a sample, in units of the future's sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    /// What the sample predicts.
    pub(super) predicted: f64,
    /// Variance of the future's own sum.
    pub(super) own: f64,
    /// Variance of the prediction.
    pub(super) sampled: f64,
    /// Third moment of the contributions over their second: the size of a typical contribution; negative where the rare ones are losses.
    pub(super) jump: f64,
}

impl Known {
    /// The interval that leaves out a normal tail beyond `z` on each side.
    pub(super) fn interval(&self, z: f64) -> (f64, f64) {
        let (low, high) = self.fitted(self.jump, z);
        if self.predicted <= 0.0 {
            return (low, high);
        }
        let (other_low, other_high) = self.fitted(self.own / self.predicted, z);
        (low.min(other_low), high.max(other_high))
    }

    /// The interval by counts that are worth `jump` each.
    fn fitted(&self, jump: f64, z: f64) -> (f64, f64) {
        let ratio = self.sampled / self.own;
        if jump == 0.0 {
            let reach = z * (self.own + self.sampled).sqrt();
            return (self.predicted - reach, self.predicted + reach);
        }
        let expected = self.own / (jump * jump);
        let (low, high) = counts(expected / ratio, ratio, z);
        let (down, up) = (jump.abs() * (expected - low), jump.abs() * (high - expected));
        if jump > 0.0 { (self.predicted - down, self.predicted + up) } else { (self.predicted - up, self.predicted + down) }
    }

    /// The interval of a sum whose sample shows no variation: as after a count of 0, in contributions of `jump`, to either side.
    pub(super) fn unvaried(predicted: f64, jump: f64, ratio: f64, z: f64) -> (f64, f64) {
        let reach = jump * counts(0.0, ratio, z).1;
        (predicted - reach, predicted + reach)
    }

    /// By which factor the sample would have to grow for half the width; `None` where the future's own chance is too much for that.
    pub(super) fn growth(&self) -> Option<f64> {
        let left = (self.own + self.sampled) / 4.0 - self.own;
        (left > 0.0).then(|| self.sampled / left)
    }
}

/// The counts between which the future's falls, `x` having been counted where `ratio` times as many are expected.
fn counts(x: f64, ratio: f64, z: f64) -> (f64, f64) {
    let share = 1.0 / (1.0 + ratio);
    // Where the score statistic (y - ratio x) / sqrt(ratio (x + y)) is z: close to the ends.
    let reach = z * (ratio * x * (1.0 + ratio) + z * z * ratio * ratio / 4.0).sqrt();
    let middle = ratio * x + z * z * ratio / 2.0;
    let high = crossing(ratio * x + ratio.min(1.0), middle + reach, |y| binomial(x, x + y, share) + z);
    let low = if x < 1.0 {
        0.0
    } else {
        crossing(ratio * x, (middle - reach).max(0.0), |y| binomial(x - 1.0, x - 1.0 + y.max(0.0) + 1.0, share) - z)
    };
    (low, high)
}

/// Where a monotone function crosses zero, sought from a point on its near side towards a guess; the near side where it does not within reach.
fn crossing(near: f64, guess: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut fa) = (near, f(near));
    let (mut b, mut fb) = (guess, f(guess));
    let mut step = (guess - near).abs().max(1.0);
    let sign = if guess >= near { 1.0 } else { -1.0 };
    for _ in 0..64 {
        if fa * fb <= 0.0 {
            break;
        }
        if sign < 0.0 && b <= 0.0 {
            return 0.0;
        }
        (a, fa) = (b, fb);
        b = (b + sign * step).max(0.0);
        fb = f(b);
        step *= 2.0;
    }
    // Regula falsi, halving the weight of an end that stays (Illinois).
    let mut stayed = 0;
    for _ in 0..100 {
        if (b - a).abs() <= 1e-9 * (1.0 + a.abs()) || fb == fa {
            break;
        }
        let c = (a * fb - b * fa) / (fb - fa);
        let fc = f(c);
        if fc * fb < 0.0 {
            (a, fa) = (b, fb);
            stayed = 0;
        } else {
            stayed += 1;
            if stayed > 0 {
                fa /= 2.0;
            }
        }
        (b, fb) = (c, fc);
        if fc == 0.0 {
            break;
        }
    }
    b
}

/// The normal quantile of `P(X <= k)`, X binomial of `n` trials with probability `p`; `k` and `n` need not be whole.
fn binomial(k: f64, n: f64, p: f64) -> f64 {
    let q = 1.0 - p;
    let rest = n - k;
    let d = k + 2.0 / 3.0 - (n + 1.0 / 3.0) * p + 0.02 * (q / (k + 1.0) - p / rest.max(0.5) + (q - 0.5) / (n + 1.0));
    let bend = 1.0 + q * bent((k + 0.5) / (n * p)) + p * bent((rest - 0.5).max(1e-9) / (n * q));
    d * (bend / ((n + 1.0 / 6.0) * p * q)).sqrt()
}

/// `(1 - x^2 + 2 x ln x) / (1 - x)^2`.
fn bent(x: f64) -> f64 {
    let h = x - 1.0;
    if h.abs() < 1e-3 {
        return h * (-1.0 / 3.0 + h * (1.0 / 6.0 - h / 10.0));
    }
    if x <= 0.0 {
        return 1.0;
    }
    (1.0 - x * x + 2.0 * x * x.ln()) / (h * h)
}

/// The normal quantile that `many` two-sided intervals together keep with probability `level` (Šidák 1967: exact for independent sums, and at
/// least `level` for jointly normal ones).
pub(super) fn joint_quantile(level: f64, many: usize) -> f64 {
    let outside = -(level.ln() / many.max(1) as f64).exp_m1();
    -normal_quantile(outside / 2.0)
}

/// The quantile of the standard normal, by Acklam's rational approximation; relative error below 1.2e-9.
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] =
        [-5.447_609_879_822_406e1, 1.615_858_368_580_409e2, -1.556_989_798_598_866e2, 6.680_131_188_771_972e1, -1.328_068_155_288_572e1];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let polynomial = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let x = (-2.0 * p.ln()).sqrt();
        polynomial(&C, x) / (polynomial(&D, x) * x + 1.0)
    };
    if p < 0.02425 {
        tail(p)
    } else if p > 1.0 - 0.02425 {
        -tail(1.0 - p)
    } else {
        let x = p - 0.5;
        let r = x * x;
        polynomial(&A, r) * x / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, counts, joint_quantile, normal_quantile};

    /// `P(X <= k)` of a binomial, term by term.
    fn tail(k: u32, n: u32, p: f64) -> f64 {
        let mut log = f64::from(n) * (1.0 - p).ln();
        let mut sum = log.exp();
        for i in 0..k.min(n) {
            log += (f64::from(n - i) / f64::from(i + 1)).ln() + (p / (1.0 - p)).ln();
            sum += log.exp();
        }
        sum
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        for (p, z) in [(0.025, -1.959_963_984_540_054), (0.5, 0.0), (0.999, 3.090_232_306_167_813), (1e-7, -5.199_337_582_192_817)] {
            assert!((normal_quantile(p) - z).abs() < 1e-8, "{p}");
        }
        assert!((joint_quantile(0.95, 1) - 1.959_963_984_540_054).abs() < 1e-8);
        // Šidák's is a little below Bonferroni's.
        let (ours, bonferroni) = (joint_quantile(0.95, 2_000), -normal_quantile(0.05 / 4_000.0));
        assert!(ours < bonferroni && ours > bonferroni - 0.01);
    }

    #[test]
    fn ends_are_those_of_the_exact_conditional_interval() {
        for ratio in [0.25, 1.0, 5.0, 40.0] {
            for many in [1, 20, 2_000] {
                let z = joint_quantile(0.95, many);
                let level = (1.0 - 0.95f64.powf(1.0 / many as f64)) / 2.0;
                let p = 1.0 / (1.0 + ratio);
                for x in [0u32, 1, 2, 3, 5, 10, 40, 300] {
                    let (low, high) = counts(f64::from(x), ratio, z);
                    // The whole counts that the exact interval holds.
                    let most = (0..100_000).take_while(|y| tail(x, x + y, p) > level).last();
                    let least = (0..100_000u32).find(|y| x == 0 || 1.0 - tail(x - 1, x + y, p) > level);
                    let (most, least) = (f64::from(most.unwrap_or(0)), f64::from(least.unwrap_or(0)));
                    let slack = 0.02 * (1.0 + (high - low) / 2.0);
                    assert!(high >= most - slack && high <= most + 1.0 + slack, "x {x} ratio {ratio} of {many}: {high}, exactly {most}");
                    assert!(low <= least + slack && low >= least - 1.0 - slack, "x {x} ratio {ratio} of {many}: {low}, exactly {least}");
                }
            }
        }
    }

    #[test]
    fn large_counts_are_normal() {
        let known = Known { predicted: 5e8, own: 1e8, sampled: 3e8, jump: 1.0 };
        let (low, high) = known.interval(2.0);
        assert!((low - 5e8 + 4e4).abs() < 100.0 && (high - 5e8 - 4e4).abs() < 100.0, "{low} {high}");
        assert!(known.growth().is_none());
        assert_eq!(Known { sampled: 4e8, ..known }.growth(), Some(4e8 / 2.5e7));
    }

    #[test]
    fn losses_are_the_mirror_image_of_gains() {
        let gains = Known { predicted: 10.0, own: 10.0, sampled: 20.0, jump: 1.0 };
        let (low, high) = gains.fitted(1.0, 3.0);
        let (mirrored_low, mirrored_high) = gains.fitted(-1.0, 3.0);
        assert!((high - 10.0 - (10.0 - mirrored_low)).abs() < 1e-9 && (10.0 - low - (mirrored_high - 10.0)).abs() < 1e-9);
        assert!(high - 10.0 > 10.0 - low);
    }
}
