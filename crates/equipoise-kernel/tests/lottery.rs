//! The noise and the weights of a lottery: every path has the bits of one number at a time.

use equipoise_kernel::elementary::exp;
use equipoise_kernel::lottery::{Sum, gumbel, gumbels_on, weigh_on};
use equipoise_kernel::score::positives_on;
use equipoise_kernel::{LANES, Path, mix};

fn unit(seed: &mut u64) -> f64 {
    *seed = mix(*seed);
    (*seed >> 11) as f64 / (1_u64 << 53) as f64
}

#[test]
fn noise_of_many_is_that_of_each() {
    let mut executed = 0;
    for path in Path::available() {
        for n in (0..70).chain([1000, 1001]) {
            let indices: Vec<u32> = (0..n).map(|i| i * 7).collect();
            for (key, draw) in [(0, 0), (u64::MAX, 3), (17, u32::MAX)] {
                let mut all = vec![1.0; indices.len()];
                gumbels_on(*path, key, draw, &indices, &mut all);
                assert!(all.iter().zip(&indices).all(|(g, i)| g.to_bits() == gumbel(key, draw, *i).to_bits()), "{path:?}, {n}");
                executed += all.len();
            }
        }
    }
    println!("executed {executed} on {:?}", Path::available());
}

#[test]
fn weights_are_those_of_each_and_their_sum_that_of_the_lanes() {
    let mut seed = 5;
    for case in 0..2_000 {
        let n = 1 + (unit(&mut seed) * 70.0) as usize;
        let logits: Vec<f64> =
            (0..n).map(|i| if i > 0 && unit(&mut seed) < 0.1 { f64::NEG_INFINITY } else { 900.0 * unit(&mut seed) - 100.0 }).collect();
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logits.iter().map(|logit| exp(logit - largest)).collect();
        let mut sum = Sum::default();
        for weight in &weights {
            sum.add(*weight);
        }
        for path in Path::available() {
            let mut all = logits.clone();
            let found = weigh_on(*path, &mut all);
            assert_eq!(found.0.to_bits(), largest.to_bits(), "case {case}, {path:?}");
            assert_eq!(found.1.to_bits(), sum.total().to_bits(), "case {case}, {path:?}");
            assert!(all.iter().zip(&weights).all(|(a, b)| a.to_bits() == b.to_bits()), "case {case}, {path:?}");
        }
    }
}

#[test]
fn those_of_positive_scores_are_found_in_order() {
    let mut seed = 6;
    for case in 0..2_000 {
        let n = (unit(&mut seed) * 200.0) as usize;
        let scores: Vec<f32> = (0..n).map(|_| [0.0, f32::from_bits(1), -1.0, 1e12, 0.5, -0.0][(unit(&mut seed) * 6.0) as usize]).collect();
        let expected: Vec<u32> = (0..n as u32).filter(|i| scores[*i as usize] > 0.0).collect();
        for path in Path::available() {
            let mut found = Vec::with_capacity(n + LANES);
            positives_on(*path, &scores, &mut found);
            assert_eq!(found, expected, "case {case}, {path:?}");
        }
    }
}
