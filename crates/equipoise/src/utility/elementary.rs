//! `ln` and `exp` by fixed polynomials: the same bits on every platform, where the system's own may differ in the last place.
//!
//! Relative errors are a few units in the last place: `exp` reduces to `|r| <= ln 2 / 2` and takes 14 terms of its series, `ln` reduces to
//! `|s| = |(m - 1)/(m + 1)| <= 0.172` and takes 11 terms of the area tangent's.

use std::f64::consts::{LN_2, SQRT_2};

/// `ln 2` in two parts, the first of which multiplies exponents exactly.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Below this `exp` is zero.
const LEAST_EXP: f64 = -745.2;

/// `exp(x) - 1` for `|x| <= ln 2 / 2`.
fn series(x: f64) -> f64 {
    let mut sum = 0.0;
    for n in (1..=14).rev() {
        sum = (1.0 + sum) * x / f64::from(n);
    }
    sum
}

/// `e` to the power of `x`.
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() || x > 709.8 {
        return if x.is_nan() { x } else { f64::INFINITY };
    }
    if x < LEAST_EXP {
        return 0.0;
    }
    let (k, r) = reduced(x);
    scaled(1.0 + series(r), k)
}

/// The nearest multiple of `ln 2`, away from zero where two are as near, and what is left; for what fits an exponent.
#[inline]
fn reduced(x: f64) -> (i32, f64) {
    // The greatest number below a half: a half would turn what is just below it into one.
    let k = (x / LN_2 + 0.499_999_999_999_999_94_f64.copysign(x)) as i32;
    let whole = f64::from(k);
    (k, (x - whole * LN_2_HIGH) - whole * LN_2_LOW)
}

/// `x` times two to the power of `k`, in two factors, so that neither leaves the range of f64 before the product does.
#[inline]
fn scaled(x: f64, k: i32) -> f64 {
    let half = k / 2;
    x * power_of_two(half) * power_of_two(k - half)
}

/// Numbers that are worked on side by side.
const ABREAST: usize = 8;

/// [`exp`] of each, none of which is above 709, written over it: the same bits.
pub(crate) fn exp_each(values: &mut [f64]) {
    let (groups, rest) = values.as_chunks_mut::<ABREAST>();
    for group in groups {
        let (mut powers, mut rests, mut sums) = ([0; ABREAST], [0.0; ABREAST], [0.0; ABREAST]);
        for ((x, k), r) in group.iter().zip(&mut powers).zip(&mut rests) {
            (*k, *r) = reduced(x.max(LEAST_EXP));
        }
        for n in (1..=14).rev() {
            for (sum, r) in sums.iter_mut().zip(&rests) {
                *sum = (1.0 + *sum) * r / f64::from(n);
            }
        }
        for ((x, k), sum) in group.iter_mut().zip(powers).zip(sums) {
            let power = scaled(1.0 + sum, k);
            let small = if x.is_nan() { *x } else { 0.0 };
            *x = if *x >= LEAST_EXP { power } else { small };
        }
    }
    for x in rest {
        *x = exp(*x);
    }
}

/// [`ln`] of each, all of which are positive, finite and no subnormals, written over it: the same bits.
pub(crate) fn ln_each(values: &mut [f64]) {
    let (groups, rest) = values.as_chunks_mut::<ABREAST>();
    for group in groups {
        for x in group {
            *x = ln_of_normal(*x, 0);
        }
    }
    for x in rest {
        *x = ln_of_normal(*x, 0);
    }
}

/// `exp(x) - 1` without cancellation.
pub(crate) fn exp_m1(x: f64) -> f64 {
    if x.abs() <= 0.5 * LN_2 { series(x) } else { exp(x) - 1.0 }
}

/// The area tangent's series: `ln((1 + s)/(1 - s))`.
fn area(s: f64) -> f64 {
    let square = s * s;
    let mut sum = 0.0;
    for n in (1..=11).rev() {
        sum = sum * square + 1.0 / f64::from(2 * n - 1);
    }
    2.0 * s * sum
}

/// The natural logarithm; minus infinity at 0, NaN below.
pub(crate) fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return match x {
            0.0 => f64::NEG_INFINITY,
            f64::INFINITY => x,
            _ => f64::NAN,
        };
    }
    // Subnormals get an exponent first.
    let (x, lift) = if x < f64::MIN_POSITIVE { (x * 2f64.powi(54), -54) } else { (x, 0) };
    ln_of_normal(x, lift)
}

/// The logarithm of `x` times two to the power of `lift`.
#[inline]
fn ln_of_normal(x: f64, lift: i32) -> f64 {
    let bits = x.to_bits();
    let m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    let above = m > SQRT_2;
    let m = if above { m * 0.5 } else { m };
    let k = f64::from((bits >> 52) as i32 - 1023 + i32::from(above) + lift);
    k * LN_2_HIGH + (k * LN_2_LOW + area((m - 1.0) / (m + 1.0)))
}

/// `ln(1 + x)` without cancellation; minus infinity at -1.
pub(crate) fn ln_1p(x: f64) -> f64 {
    if x.abs() < 0.3 { area(x / (2.0 + x)) } else { ln(1.0 + x) }
}

fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::{exp, exp_each, exp_m1, ln, ln_1p, ln_each};

    #[test]
    fn agree_with_the_system() {
        let close = |own: f64, system: f64, what: &str| {
            assert!(own == system || (own - system).abs() <= 2e-15 * system.abs(), "{what}: {own:e} and {system:e}");
        };
        for i in -7400..=7095 {
            let x = f64::from(i) * 0.1 + 0.0137;
            if x > -700.0 {
                close(exp(x), x.exp(), "exp");
            }
            close(exp_m1(x * 1e-3), (x * 1e-3).exp_m1(), "exp_m1");
            let y = (f64::from(i) * 0.09).exp();
            close(ln(y), y.ln(), "ln");
            close(ln_1p(y), y.ln_1p(), "ln_1p");
            close(ln_1p(-1.0 / (1.0 + y)), (-1.0 / (1.0 + y)).ln_1p(), "ln_1p");
        }
        assert_eq!((exp(-800.0), exp(800.0), ln(0.0), ln_1p(-1.0)), (0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY));
        assert!(ln(-1.0).is_nan() && exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan());
        close(ln(f64::MIN_POSITIVE / 1024.0), (f64::MIN_POSITIVE / 1024.0).ln(), "ln of a subnormal");
    }
    #[test]
    fn many_at_once_have_the_bits_of_one() {
        for n in [0, 1, 7, 8, 9, 100, 3001] {
            let given: Vec<f64> = (0..n).map(|i| 1.3 - f64::from(i).powi(2) * 1e-4 - f64::from(i % 7) * 0.3).collect();
            let mut all = given.clone();
            exp_each(&mut all);
            assert!(all.iter().zip(&given).all(|(all, x)| all.to_bits() == exp(*x).to_bits()), "exp of {n}");
            let given: Vec<f64> = given.iter().map(|x| (x * 0.3).exp().max(f64::MIN_POSITIVE)).collect();
            let mut all = given.clone();
            ln_each(&mut all);
            assert!(all.iter().zip(&given).all(|(all, x)| all.to_bits() == ln(*x).to_bits()), "ln of {n}");
        }
        let mut ends = [f64::NEG_INFINITY, -800.0, -745.2, -745.0, -0.0, 0.0, 0.346_573_590_279_972_6, -0.346_573_590_279_972_7];
        let each = ends.map(|x| exp(x).to_bits());
        exp_each(&mut ends);
        assert_eq!(ends.map(f64::to_bits), each);
    }

    #[test]
    fn a_multiple_is_the_nearest() {
        use std::f64::consts::LN_2;
        for i in -100_000..100_000 {
            let x = f64::from(i) * 0.007_093;
            for x in [x, x.next_up(), x.next_down(), f64::from(i / 100).mul_add(LN_2, LN_2 / 2.0)] {
                if x.abs() < 745.0 {
                    assert_eq!(f64::from(super::reduced(x).0), (x / LN_2).round(), "{x}");
                }
            }
        }
    }
}
