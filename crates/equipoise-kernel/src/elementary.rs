//! `ln` and `exp` by fixed polynomials: the same bits on every platform, where the system's own may differ in the last place.
//!
//! Relative errors are a few units in the last place: `exp` reduces to `|r| <= ln 2 / 2` and takes 14 terms of its series, `ln` reduces to
//! `|s| = |(m - 1)/(m + 1)| <= 0.172` and takes 11 terms of the area tangent's. What is done to each of many is written so that every step is
//! one instruction over lanes.

use std::f64::consts::{LN_2, LOG2_E, SQRT_2};

/// `ln 2` in two parts, the first of which multiplies exponents exactly.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Below this `exp` is zero.
const LEAST_EXP: f64 = -745.2;

/// Added to a number and taken off again, it leaves the nearest integer, which is then in the low bits of the sum.
const TO_INTEGER: f64 = 6_755_399_441_055_744.0;
/// `2^52`: its bits and those of a small integer are the sum of the two.
const FROM_INTEGER: f64 = 4_503_599_627_370_496.0;

/// `1 / n!`.
const TERMS: [f64; 15] = {
    let (mut terms, mut factorial, mut n) = ([1.0; 15], 1.0, 1);
    while n < terms.len() {
        // Exact, up to 14!.
        factorial *= n as f64;
        terms[n] = 1.0 / factorial;
        n += 1;
    }
    terms
};

/// `1 / (2 n + 1)`.
const ODD_TERMS: [f64; 11] = {
    let (mut terms, mut n) = ([1.0; 11], 1);
    while n < terms.len() {
        terms[n] = 1.0 / (2 * n + 1) as f64;
        n += 1;
    }
    terms
};

/// `exp(x) - 1` for `|x| <= ln 2 / 2`.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn series(x: f64) -> f64 {
    let mut sum = TERMS[14];
    for term in TERMS[1..14].iter().rev() {
        sum = sum * x + term;
    }
    sum * x
}

/// `e` to the power of `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    if x.is_nan() || x > 709.8 {
        return if x.is_nan() { x } else { f64::INFINITY };
    }
    if x < LEAST_EXP {
        return 0.0;
    }
    exp_within(x)
}

/// `e` to the power of `x`, from [`LEAST_EXP`] to 709.8.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn exp_within(x: f64) -> f64 {
    let (k, r) = reduced(x);
    scaled(1.0 + series(r), k)
}

/// The nearest multiple of `ln 2`, plus `2^32`, and what is left; for what fits an exponent.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn reduced(x: f64) -> (u64, f64) {
    let sum = x * LOG2_E + TO_INTEGER;
    let whole = sum - TO_INTEGER;
    let k = sum.to_bits().wrapping_sub(TO_INTEGER.to_bits()).wrapping_add(1 << 32);
    (k, (x - whole * LN_2_HIGH) - whole * LN_2_LOW)
}

/// `x` times two to the power of `k - 2^32`, in two factors, so that neither leaves the range of f64 before the product does.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn scaled(x: f64, k: u64) -> f64 {
    let half = k >> 1;
    // Each is lifted by half of what `k` is.
    let power = |k: u64| f64::from_bits((k + 1023 - (1 << 31)) << 52);
    x * power(half) * power(k - half)
}

/// Numbers that are worked on side by side.
pub(crate) const ABREAST: usize = 8;

/// [`exp`] of each, none of which is above 709 or NaN, with its bits.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
pub(crate) fn exp_each(group: &mut [f64; ABREAST]) {
    for x in group {
        let power = exp_within(if *x > LEAST_EXP { *x } else { LEAST_EXP });
        *x = if *x >= LEAST_EXP { power } else { 0.0 };
    }
}

/// [`ln`] of each, all of which are positive, finite and no subnormals, with its bits.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
pub(crate) fn ln_each(group: &mut [f64; ABREAST]) {
    for x in group {
        *x = ln_of_normal(*x, 0.0);
    }
}

/// `exp(x) - 1` without cancellation.
#[must_use]
pub fn exp_m1(x: f64) -> f64 {
    if x.abs() <= 0.5 * LN_2 { series(x) } else { exp(x) - 1.0 }
}

/// The area tangent's series: `ln((1 + s)/(1 - s))`.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn area(s: f64) -> f64 {
    let square = s * s;
    let mut sum = ODD_TERMS[10];
    for term in ODD_TERMS[..10].iter().rev() {
        sum = sum * square + term;
    }
    2.0 * s * sum
}

/// The natural logarithm; minus infinity at 0, NaN below.
#[must_use]
pub fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return match x {
            0.0 => f64::NEG_INFINITY,
            f64::INFINITY => x,
            _ => f64::NAN,
        };
    }
    // Subnormals get an exponent first.
    let (x, lift) = if x < f64::MIN_POSITIVE { (x * 2f64.powi(54), -54.0) } else { (x, 0.0) };
    ln_of_normal(x, lift)
}

/// The logarithm of `x` times two to the power of `lift`.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
fn ln_of_normal(x: f64, lift: f64) -> f64 {
    let bits = x.to_bits();
    let m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    let above = m > SQRT_2;
    let m = if above { m * 0.5 } else { m };
    let exponent = f64::from_bits(FROM_INTEGER.to_bits() | bits >> 52) - FROM_INTEGER;
    let k = exponent - (if above { 1022.0 } else { 1023.0 }) + lift;
    k * LN_2_HIGH + (k * LN_2_LOW + area((m - 1.0) / (m + 1.0)))
}

/// `ln(1 + x)` without cancellation; minus infinity at -1.
#[must_use]
pub fn ln_1p(x: f64) -> f64 {
    if x.abs() < 0.3 { area(x / (2.0 + x)) } else { ln(1.0 + x) }
}

#[cfg(test)]
mod tests {
    use super::{ABREAST, LEAST_EXP, exp, exp_each, exp_m1, ln, ln_1p, ln_each};
    use std::f64::consts::LN_2;

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
        let same = |each: &dyn Fn(&mut [f64; ABREAST]), one: &dyn Fn(f64) -> f64, given: [f64; ABREAST]| {
            let mut all = given;
            each(&mut all);
            assert_eq!(all.map(f64::to_bits), given.map(|x| one(x).to_bits()), "{given:?}");
        };
        for i in 0..3_000 {
            let given = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| 1.3 - f64::from(i).powi(2) * 8e-5 - f64::from(n) * 0.3);
            same(&|group| exp_each(group), &exp, given);
            same(&|group| ln_each(group), &ln, given.map(|x| (x * 0.3).exp().max(f64::MIN_POSITIVE)));
        }
        let ends = [f64::NEG_INFINITY, -800.0, LEAST_EXP, LEAST_EXP.next_down(), -745.0, -0.0, 0.346_573_590_279_972_6, 709.0];
        same(&|group| exp_each(group), &exp, ends);
    }

    #[test]
    fn what_is_left_of_a_multiple_is_little() {
        for i in -100_000..100_000 {
            let x = f64::from(i) * 0.007_093;
            for x in [x, x.next_up(), x.next_down(), f64::from(i / 100).mul_add(LN_2, LN_2 / 2.0)] {
                if x.abs() < 745.0 {
                    let (k, rest) = super::reduced(x);
                    let multiple = (k as f64 - 4_294_967_296.0) * LN_2;
                    assert!(rest.abs() <= 0.5 * LN_2 * (1.0 + 1e-12) && (multiple + rest - x).abs() <= 1e-12, "{x}");
                }
            }
        }
    }
}
