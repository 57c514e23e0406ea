//! `ln` and `exp` by fixed polynomials: the same bits on every platform, where the system's own may differ in the last place.
//!
//! Relative errors are a few units in the last place: `exp` reduces to `|r| <= ln 2 / 2` and takes 14 terms of its series, `ln` reduces to
//! `|s| = |(m - 1)/(m + 1)| <= 0.172` and takes 11 terms of the area tangent's.

use std::f64::consts::{LN_2, SQRT_2};

/// `ln 2` in two parts, the first of which multiplies exponents exactly.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

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
    if x < -745.2 {
        return 0.0;
    }
    let k = (x / LN_2).round();
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    // In two factors, so that neither leaves the range of f64 before the product does.
    let half = (k / 2.0).trunc();
    (1.0 + series(r)) * power_of_two(half as i32) * power_of_two((k - half) as i32)
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
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if m > SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let k = f64::from(exponent + lift);
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
    use super::{exp, exp_m1, ln, ln_1p};

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
}
