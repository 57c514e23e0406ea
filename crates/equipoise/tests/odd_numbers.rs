//! Subnormals, signed zeros, 1e308 and the largest numbers allowed, in prices and in requests: scores are finite and never -0, the sums of
//! explanations are the scores, and a policy with a number out of range is refused.

mod serving;
mod soak;

use equipoise::policy::Policy;
use equipoise::score::{Measures, Workspace};
use serving::{Random, ask, draft};

const CASES: usize = 100_000;

#[test]
fn no_number_makes_a_score_that_is_none() {
    let cases = soak::times(CASES);
    let mut random = Random(77);
    let mut workspace = Workspace::default();
    let odd32 = [-0.0, 1e-45, f32::MIN_POSITIVE, 1e12, f32::NAN, f32::INFINITY, -1e-45, 3e38, -0.0, 0.0];
    let odd64 = [-0.0, 5e-324, f64::MIN_POSITIVE, 1e12, -1e12, 1e308, f64::NAN, f64::NEG_INFINITY, 0.0, 1e-300];
    let (mut executed, mut decided, mut refused, mut no_policy) = (0, 0, 0, 0);
    while executed < cases {
        let mut draft = draft(&mut random);
        for _ in 0..random.below(3) {
            let value = *random.pick(&odd64);
            if random.chance(50) && !draft.ledgers.is_empty() {
                let at = random.below(draft.ledgers.len());
                draft.ledgers[at].1 = value;
            } else {
                let at = random.below(draft.weights.len());
                draft.weights[at] = value;
            }
        }
        let policy = match Policy::new(&draft) {
            Ok(policy) => policy,
            Err(error) => {
                assert!(["invalid_input.not_finite", "invalid_input.range"].contains(&error.code()), "{error}");
                (executed, no_policy) = (executed + 1, no_policy + 1);
                continue;
            }
        };
        for _ in 0..30 {
            let ask = ask(&mut random, &draft);
            let (rows, mut flat, n) = (ask.rows(&policy), ask.flat(), ask.who.len());
            if !flat.is_empty() {
                for _ in 0..random.below(4) {
                    let at = random.below(flat.len());
                    flat[at] = *random.pick(&odd32);
                }
            }
            let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: n });
            executed += 1;
            match policy.score(&request, &mut workspace) {
                Ok(decision) => {
                    decided += 1;
                    for (i, score) in decision.scores().iter().enumerate() {
                        assert!(score.is_finite() && (*score != 0.0 || score.is_sign_positive()), "{score} in {ask:?}");
                        if executed % 16 == 0 {
                            let why = decision.explain(i).expect("a candidate");
                            assert_eq!(why.terms.iter().fold(0.0, |sum, term| sum + term.amount), f64::from(*score), "{ask:?}");
                        }
                    }
                }
                Err(error) => {
                    refused += 1;
                    assert!(["invalid_input.not_finite", "invalid_input.range"].contains(&error.code()), "{error}");
                    assert!(error.argument().starts_with("measures["), "{error}");
                    assert!(workspace.scores().is_empty());
                }
            }
        }
    }
    println!("executed {executed}: {decided} decided, {refused} refused, {no_policy} were no policy");
    assert!(decided > cases / 10 && refused > cases / 10 && no_policy > cases / 1_000);
}
