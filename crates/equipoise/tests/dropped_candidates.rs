//! Candidates with numbers that cannot be used, dropped where that is asked for: the others fare as if those were organic and ranked last.

mod serving;
mod soak;

use equipoise::policy::{ORGANIC, Policy};
use equipoise::score::{Measures, Reason, Recording, Request, Scorer, Workspace};
use serving::{Random, ask, draft};

const CASES: usize = 100_000;

/// What a caller had better not send.
const BAD: [f32; 7] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, -1e-45, 1.1e12, f32::MAX];

#[test]
fn the_others_fare_as_if_it_were_organic_and_last() {
    let mut random = Random(311);
    let (mut own, mut model) = (Workspace::default(), Workspace::default());
    let (mut executed, mut dropped, mut replayed, mut by_organic) = (0, 0, 0, 0);
    while executed < soak::times(CASES) {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..60 {
            let ask = ask(&mut random, &draft);
            let (rows, mut flat, n, m) = (ask.rows(&policy), ask.flat(), ask.who.len(), ask.measures.len());
            let mut organic = ask.organic.clone();
            let mut uncertainty = random.chance(30).then(|| vec![0.25; n]);
            let (mut mended, mut mended_organic, mut mended_rows) = (flat.clone(), organic.clone(), rows.clone());
            let mut gone = vec![false; n];
            for _ in 0..if n == 0 { 0 } else { random.below(4) } {
                let i = random.below(n);
                let bad = *random.pick(&BAD);
                match (random.below(3), &mut organic, &mut uncertainty) {
                    (0, Some(organic), _) => {
                        organic[i] = if bad.abs() <= 1.0 { f32::NAN } else { bad };
                        mended_organic.as_mut().expect("organic scores")[i] = -1e12;
                        by_organic += 1;
                    }
                    (1, _, Some(uncertainty)) => uncertainty[i] = bad,
                    _ if m > 0 => flat[random.below(m) * n + i] = bad,
                    _ => continue,
                }
                gone[i] = true;
                mended_rows[i] = ORGANIC;
                (0..m).for_each(|j| mended[j * n + i] = 0.0);
            }
            let request = Request {
                organic: organic.as_deref(),
                uncertainty: uncertainty.as_deref(),
                drop_invalid: true,
                ..ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: n })
            };
            let good = vec![0.25; n];
            let stand_in = Request {
                organic: mended_organic.as_deref(),
                uncertainty: uncertainty.as_ref().map(|_| good.as_slice()),
                ..ask.request(&policy, &mended_rows, Measures::Columns { values: &mended, stride: n })
            };
            executed += 1;
            let expected = match policy.score(&stand_in, &mut model) {
                Ok(_) => policy.blend(&stand_in, &mut model).expect("an outcome").to_vec(),
                Err(expected) => {
                    let error = policy.score(&request, &mut own).map(|_| ()).expect_err("the same fault");
                    assert_eq!((error.code(), error.argument(), error.index()), (expected.code(), expected.argument(), expected.index()));
                    continue;
                }
            };
            policy.score(&request, &mut own).unwrap_or_else(|error| panic!("{error}: {ask:?}"));
            assert_eq!((own.picks(), own.positions()), (model.picks(), model.positions()), "{ask:?}");
            assert!(own.scores().iter().zip(model.scores()).all(|(a, b)| a.to_bits() == b.to_bits()), "{ask:?}");
            assert_eq!(own.reference(), model.reference());
            for (i, is_gone) in gone.iter().enumerate() {
                let reason = if *is_gone { Reason::Invalid } else { model.reasons()[i] };
                assert_eq!(own.reasons()[i], reason, "candidate {i} of {ask:?}");
                if *is_gone {
                    let why = policy.explain(&request, &own, i).expect("a candidate");
                    let cause = why.cause.expect("not picked");
                    assert_eq!((cause.name, why.terms.len(), why.total), ("invalid", 0, 0.0));
                    assert!(
                        cause.text.contains("measures[") || cause.text.contains("organic") || cause.text.contains("uncertainty"),
                        "{cause:?}"
                    );
                    dropped += 1;
                }
            }
            assert_eq!(policy.blend(&request, &mut own).expect("an outcome"), expected);
            if executed % 8 == 0 {
                let record = policy.record(&request, &own, Recording { terms: true, candidates: true }).expect("an outcome");
                assert_eq!(record.replay(&policy).expect("a replay"), record);
                replayed += usize::from(gone.contains(&true));
            }
            if gone.contains(&true) && executed % 4 == 0 {
                let refused = policy.score(&Request { drop_invalid: false, ..request }, &mut own).map(|_| ()).expect_err("a bad number");
                assert!(["invalid_input.not_finite", "invalid_input.range"].contains(&refused.code()), "{refused}");
            }
        }
    }
    println!("executed {executed}: {dropped} dropped, {by_organic} for their organic scores, {replayed} replayed");
    assert!(dropped > CASES / 4 && replayed > CASES / 40 && by_organic > CASES / 20);
}

#[test]
fn what_is_no_candidates_number_is_refused_as_ever() {
    let mut random = Random(317);
    let mut workspace = Workspace::default();
    let mut executed = 0;
    while executed < 1_000 {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        let ask = ask(&mut random, &draft);
        let (rows, mut flat, n, m) = (ask.rows(&policy), ask.flat(), ask.who.len(), ask.measures.len());
        let Some(other) = policy.with_valid_until(77_000).ok().filter(|_| n > 1 && m > 0) else { continue };
        let Some(foreign) = other.campaigns().next().map(|c| other.row(c.id)) else { continue };
        flat[0] = f32::NAN;
        let request = Request { drop_invalid: true, ..ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: n }) };
        let mut strangers = rows.clone();
        strangers[1] = foreign;
        for (request, argument) in [
            (Request { campaign: &strangers, ..request }, "campaign"),
            (Request { slots: Some(256), ..request }, "slots"),
            (Request { reference: Some(f32::NAN), ..request }, "reference"),
            (Request { measures: Measures::Columns { values: &flat[..1], stride: n }, ..request }, "measures"),
        ] {
            let error = policy.score(&request, &mut workspace).map(|_| ()).expect_err("a fault");
            assert_eq!(error.argument(), argument, "{error}");
            assert!(workspace.scores().is_empty() && workspace.reasons().is_empty());
        }
        executed += 1;
    }
}

#[test]
fn a_scorer_counts_them() {
    let mut random = Random(331);
    let (draft, policy) = loop {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        if !policy.measures().is_empty() && !policy.roster().is_empty() {
            break (draft, policy);
        }
    };
    let scorer = Scorer::new(&policy);
    let mut workspace = Workspace::default();
    let mut expected = 0.0;
    for _ in 0..200 {
        let ask = ask(&mut random, &draft);
        let (rows, mut flat, n) = (ask.rows(&policy), ask.flat(), ask.who.len());
        if n < 2 {
            continue;
        }
        (flat[0], flat[1]) = (f32::NAN, -3.0);
        let request = Request { drop_invalid: true, ..ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: n }) };
        if scorer.score(&policy, &request, &mut workspace).is_ok() {
            expected += 2.0;
        }
    }
    assert!(expected > 100.0);
    assert_eq!(scorer.metrics().get("equipoise.score.dropped", ""), Some(expected));
}
