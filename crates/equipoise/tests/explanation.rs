//! Explanations: their terms sum to the score exactly, their rounding is bounded, and they say what they should.

mod serving;

use equipoise::policy::Policy;
use equipoise::score::{Measures, TermKind, Workspace};
use serving::{Random, ask, draft};

#[test]
fn terms_sum_to_the_score_exactly() {
    let mut random = Random(11);
    let mut workspace = Workspace::default();
    let (mut executed, mut terms) = (0, 0);
    while executed < 20_000 {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..10 {
            let ask = ask(&mut random, &draft);
            let (rows, flat) = (ask.rows(&policy), ask.flat());
            let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            for i in 0..rows.len() {
                let why = decision.explain(i).expect("a candidate");
                let score = f64::from(decision.scores()[i]);
                assert_eq!(why.total.to_bits(), score.to_bits());
                assert_eq!(why.reason, decision.reasons()[i]);
                let sum = why.terms.iter().fold(0.0, |sum, t| sum + t.amount);
                assert_eq!(sum.to_bits(), score.to_bits(), "{why:?}");
                if !why.reason.is_scored() {
                    assert!(why.terms.is_empty());
                    continue;
                }
                assert_eq!(why.terms.last().map(|t| t.kind), Some(TermKind::Rounding));
                let is_rounding = |t: &&equipoise::score::Term| t.kind == TermKind::Rounding;
                let rounding: f64 = why.terms.iter().filter(is_rounding).map(|t| t.amount).sum();
                let size: f64 = why.terms.iter().filter(|t| !is_rounding(t)).map(|t| t.amount.abs()).sum();
                let m = draft.measures.len() as f64 + 7.0;
                // Below the normal numbers of f32 an error is not relative: half a step of 2^-149 in V, P and each product.
                let largest = ask.measures.iter().map(|c| f64::from(c[i])).filter(|y| y.is_finite()).fold(1.0, f64::max);
                let underflow = m * largest * 2_f64.powi(-149);
                assert!(rounding.abs() <= m * 2_f64.powi(-23) * size + underflow, "rounding {rounding:e} of {size:e}: {why:?}");
                executed += 1;
                terms += why.terms.len();
            }
        }
    }
    println!("executed {executed} explanations of {terms} terms");
}

#[test]
fn one_line_per_priced_ledger() {
    let mut random = Random(12);
    let mut workspace = Workspace::default();
    for _ in 0..300 {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        let ask = ask(&mut random, &draft);
        let (rows, flat) = (ask.rows(&policy), ask.flat());
        let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
        let decision = policy.score(&request, &mut workspace).expect("a good request");
        for i in (0..rows.len()).filter(|i| decision.reasons()[*i].is_scored()) {
            let why = decision.explain(i).expect("a candidate");
            let objectives = why.terms.iter().filter(|t| t.kind == TermKind::Objective).count();
            assert_eq!(objectives, draft.weights.iter().filter(|w| **w != 0.0).count());
            let goals = why.terms.iter().filter(|t| matches!(t.kind, TermKind::Goal(_))).count();
            assert!(goals <= draft.ledgers.len());
            // Shares charge everybody, whoever the campaign is.
            let everywhere = draft.ledgers.iter().filter(|(l, p)| l.outside != 0.0 && l.inside != 0.0 && *p != 0.0).count();
            assert!(goals >= everywhere, "{why:?}");
            let breaks = why.terms.iter().filter(|t| t.kind == TermKind::TieBreak).count();
            assert_eq!(breaks, usize::from(draft.tie_breadth > 0.0));
        }
    }
}

#[test]
fn only_what_the_workspace_holds_is_explained() {
    let mut random = Random(13);
    let (mut held, mut other) = (Workspace::default(), Workspace::default());
    let draft = draft(&mut random);
    let policy = Policy::new(&draft).expect("a good draft");
    let later = policy.with_valid_until(1_000_000).expect("a good policy");
    assert_ne!(policy.id(), later.id());
    let ask = ask(&mut random, &draft);
    let (rows, flat) = (ask.rows(&policy), ask.flat());
    let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
    policy.score(&request, &mut held).expect("a good request");
    let code = |outcome: equipoise::Result<_>| outcome.map(|_: equipoise::score::Explanation| ()).map_err(|e| e.code());
    assert_eq!(code(policy.explain(&request, &other, 0)), Err("usage.not_begun"));
    assert_eq!(code(later.explain(&request, &held, 0)), Err("usage.not_begun"));
    assert_eq!(code(policy.explain(&request, &held, rows.len())), Err("invalid_input.row"));

    // A request that fails leaves nothing behind that looks like an outcome.
    policy.score(&request, &mut other).expect("a good request");
    let too_long = vec![0.0; rows.len() + 1];
    let wrong = equipoise::score::Request { organic: Some(&too_long), ..request };
    assert_eq!(policy.score(&wrong, &mut other).map(|_| ()).map_err(|e| e.code()), Err("invalid_input.shape"));
    assert_eq!(code(policy.explain(&request, &other, 0)), Err("usage.not_begun"));
    assert!(other.scores().is_empty() && other.picks().is_empty() && other.reasons().is_empty());
}
