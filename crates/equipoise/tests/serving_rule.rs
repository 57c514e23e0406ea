//! The serving rule against a plain reference, bit for bit, on random requests; every layout of the measures; edges.

mod serving;
mod soak;

use equipoise::policy::{Draft, Policy};
use equipoise::score::{Decision, Measures, Workspace};
use serving::{Ask, Outcome, Random, ask, draft, limited, reference_outcome, with_limits};

const REQUESTS: usize = 100_000;

fn outcome(decision: Decision<'_>) -> Outcome {
    Outcome {
        scores: decision.scores().iter().map(|s| s.to_bits()).collect(),
        picks: decision.picks().to_vec(),
        positions: decision.positions().to_vec(),
        reasons: decision.reasons().iter().map(|r| r.name()).collect(),
    }
}

fn score(policy: &Policy, ask: &Ask, measures: Measures<'_>, workspace: &mut Workspace) -> Outcome {
    let rows = ask.rows(policy);
    outcome(policy.score(&ask.request(policy, &rows, measures), workspace).expect("a good request"))
}

#[test]
fn equals_the_reference_by_bits() {
    let mut random = Random(1);
    let mut workspace = Workspace::default();
    let mut reasons = std::collections::BTreeMap::new();
    let (mut executed, mut scored, mut picked) = (0, 0, 0);
    while executed < soak::times(REQUESTS) {
        let draft = draft(&mut random);
        // Half with the limits that a policy may add, half without.
        let draft = if random.chance(50) { with_limits(&mut random, draft) } else { draft };
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..20 {
            let ask = ask(&mut random, &draft);
            let ask = limited(&mut random, &draft, ask);
            let expected = reference_outcome(&draft, &ask);
            let n = ask.who.len();
            let found = score(&policy, &ask, Measures::Columns { values: &ask.flat(), stride: n }, &mut workspace);
            assert_eq!(found, expected, "request {executed}: {ask:?}\nof {draft:?}");
            assert!(found.scores.iter().all(|s| f32::from_bits(*s).is_finite() && *s != (-0.0_f32).to_bits()));
            for reason in found.reasons {
                *reasons.entry(reason).or_insert(0) += 1;
                scored += usize::from(!matches!(
                    reason,
                    "organic" | "unknown" | "market" | "surface" | "flight" | "expired" | "frequency" | "relevance"
                ));
            }
            picked += found.picks.len();
            executed += 1;
        }
    }
    println!("executed {executed} requests: {scored} candidates scored, {picked} picked, {reasons:?}");
    assert_eq!(reasons.len(), 15, "every reason occurs: {reasons:?}");
}

#[test]
fn every_layout_gives_the_same_bits() {
    let mut random = Random(2);
    let mut workspace = Workspace::default();
    for _ in 0..500 {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        let ask = ask(&mut random, &draft);
        let (n, m) = (ask.who.len(), ask.measures.len());
        let expected = score(&policy, &ask, Measures::Columns { values: &ask.flat(), stride: n }, &mut workspace);

        // Gaps between columns and rows hold NaN, which nobody may read.
        let wide: Vec<f32> = ask.measures.iter().flat_map(|c| c.iter().copied().chain([f32::NAN; 3])).collect();
        assert_eq!(score(&policy, &ask, Measures::Columns { values: &wide, stride: n + 3 }, &mut workspace), expected);
        let rows: Vec<f32> = (0..n).flat_map(|i| ask.measures.iter().map(move |c| c[i]).chain([f32::NAN; 2])).collect();
        assert_eq!(score(&policy, &ask, Measures::Rows { values: &rows, stride: m + 2 }, &mut workspace), expected);
        let long: Vec<Vec<f32>> = ask.measures.iter().map(|c| [&[f32::NAN; 5], c.as_slice(), &[f32::NAN]].concat()).collect();
        let slices: Vec<&[f32]> = long.iter().map(Vec::as_slice).collect();
        assert_eq!(score(&policy, &ask, Measures::Slices { columns: &slices, offset: 5 }, &mut workspace), expected);
    }
}

#[test]
fn an_unwritten_column_may_be_left_out() {
    let mut random = Random(3);
    let mut workspace = Workspace::default();
    let mut executed = 0;
    while executed < 200 {
        let draft = draft(&mut random);
        let mut ask = ask(&mut random, &draft);
        let Some(j) = draft.measures.iter().position(|m| m == "displacement") else { continue };
        if ask.organic.is_none() || (ask.reference.is_none() && draft.slate.visible.is_none()) {
            continue;
        }
        ask.measures[j] = vec![f32::from_bits(equipoise::score::UNWRITTEN); ask.who.len()];
        let policy = Policy::new(&draft).expect("a good draft");
        let expected = reference_outcome(&draft, &ask);
        let slices: Vec<&[f32]> = ask.measures.iter().enumerate().map(|(i, c)| if i == j { &[] } else { c.as_slice() }).collect();
        assert_eq!(score(&policy, &ask, Measures::Slices { columns: &slices, offset: 0 }, &mut workspace), expected);
        executed += 1;
    }
}

#[test]
fn no_candidates_no_slots_and_the_empty_policy() {
    let mut workspace = Workspace::default();
    let empty = Policy::empty();
    let request = equipoise::score::Request::new(&[], Measures::Columns { values: &[], stride: 0 });
    let decision = empty.score(&request, &mut workspace).expect("a good request");
    assert!(decision.scores().is_empty() && decision.picks().is_empty());

    let rows = empty.rows(&["a", "b"]);
    let request = equipoise::score::Request::new(&rows, Measures::Columns { values: &[], stride: 0 });
    let decision = empty.score(&request, &mut workspace).expect("a good request");
    assert_eq!(outcome(decision).reasons, ["unknown", "unknown"]);

    let policy = Policy::new(&Draft { measures: vec!["stream".into()], weights: vec![1.0, 1.0], ..serving::draft(&mut campaigns_only()) })
        .expect("a good draft");
    let rows: Vec<u32> = policy.campaigns().map(|c| policy.row(c.id)).collect();
    let amounts = vec![1.0; rows.len()];
    let mut request = equipoise::score::Request::new(&rows, Measures::Columns { values: &amounts, stride: rows.len() });
    request.slots = Some(0);
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    assert!(decision.picks().is_empty());
    assert!(decision.reasons().iter().all(|r| *r != equipoise::score::Reason::Picked));
}

/// A generator whose next draft has campaigns, and no ledgers that could refer to measures that it lacks.
fn campaigns_only() -> Random {
    let fits = |seed: &u64| {
        let draft = draft(&mut Random(*seed));
        !draft.campaigns.is_empty() && draft.ledgers.is_empty()
    };
    Random((0..10_000).find(fits).expect("some draft is like that"))
}
