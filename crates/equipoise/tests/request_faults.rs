//! Requests with a fault: each is refused with its code, argument and index, and leaves nothing behind.

mod serving;
mod soak;

use equipoise::policy::{Policy, UNKNOWN};
use equipoise::score::{Measures, Request, Workspace};
use serving::{Random, ask, draft};

const FAULTS: usize = 100_000;

#[test]
fn every_fault_is_refused_and_named() {
    let mut random = Random(41);
    let mut workspace = Workspace::default();
    let mut executed = 0;
    let mut kinds = [0; 12];
    while executed < soak::times(FAULTS) {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        let other = policy.with_valid_until(77 + executed as i64).expect("a good policy");
        for _ in 0..60 {
            let ask = ask(&mut random, &draft);
            let (mut rows, mut flat, n, m) = (ask.rows(&policy), ask.flat(), ask.who.len(), ask.measures.len());
            let mut organic = ask.organic.clone().unwrap_or_else(|| vec![0.5; n]);
            let item = vec![1_u32; n + 1];
            let kind = random.below(12);
            let i = random.below(n.max(1));
            let j = random.below(m);
            let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 1.1e12, f32::MAX][random.below(6)];
            let bad_code = if bad.is_finite() { "invalid_input.range" } else { "invalid_input.not_finite" };
            let signed = if bad == -1.0 { -1.1e12 } else { bad };
            let foreign = other.campaigns().next().map_or(UNKNOWN, |c| other.row(c.id));
            if kind > 4 && kind < 10 && n == 0 || kind == 8 && foreign == UNKNOWN || kind == 9 && policy.roster().is_empty() {
                continue;
            }
            match kind {
                5 => flat[j * n + i] = bad,
                6 | 7 => organic[i] = signed,
                8 => rows[i] = foreign,
                // The tag of this policy, an index that it does not have.
                9 => rows[i] = (policy.row(policy.campaigns().next().expect("a campaign").id) & 0xff00_0000) + policy.roster().len() as u32,
                _ => {}
            }
            let mut request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: n });
            request.organic = Some(&organic);
            let short = organic.get(1..).unwrap_or(&[0.0]);
            let columns = vec![flat.as_slice(); m + 1];
            let (code, argument, index) = match kind {
                0 => {
                    request.organic = Some(short);
                    ("invalid_input.shape", "organic".to_owned(), None)
                }
                1 => {
                    request.item = Some(&item);
                    ("invalid_input.shape", "item".to_owned(), None)
                }
                2 => {
                    request.artist = Some(&item);
                    ("invalid_input.shape", "artist".to_owned(), None)
                }
                3 => {
                    request.measures = Measures::Slices { columns: &columns, offset: 0 };
                    ("invalid_input.shape", "measures".to_owned(), None)
                }
                4 => {
                    if n == 0 {
                        continue;
                    }
                    let less = &flat[..flat.len() - 1];
                    request.measures = [
                        Measures::Columns { values: less, stride: n },
                        Measures::Rows { values: less, stride: m },
                        Measures::Rows { values: &flat, stride: usize::MAX },
                        Measures::Columns { values: &flat, stride: if m > 1 { n - 1 } else { n + 1 } },
                    ][if n > 1 && m > 1 { random.below(4) } else { random.below(2) }];
                    ("invalid_input.shape", "measures".to_owned(), None)
                }
                5 => (bad_code, format!("measures[{j}]"), Some(i as u64)),
                6 | 7 => (bad_code, "organic".to_owned(), Some(i as u64)),
                8 => ("invalid_input.foreign_row", "campaign".to_owned(), Some(i as u64)),
                9 => ("invalid_input.row", "campaign".to_owned(), Some(i as u64)),
                10 => {
                    request.slots = Some([256, u32::MAX][random.below(2)]);
                    ("invalid_input.range", "slots".to_owned(), None)
                }
                _ => {
                    request.reference = Some(signed);
                    (bad_code, "reference".to_owned(), None)
                }
            };
            let error = policy.score(&request, &mut workspace).map(|_| ()).expect_err("a fault");
            assert_eq!((error.code(), error.argument(), error.index()), (code, argument.as_str(), index), "kind {kind}: {error}");
            assert!(workspace.scores().is_empty() && workspace.picks().is_empty() && workspace.positions().is_empty());
            kinds[kind] += 1;
            executed += 1;
        }
    }
    println!("executed {executed} faults, by kind {kinds:?}");
    assert!(kinds.iter().all(|k| *k > 100), "{kinds:?}");
}

#[test]
fn a_row_of_another_policy_is_never_scored() {
    let (mut random, mut workspace, mut executed) = (Random(43), Workspace::default(), 0);
    while executed < soak::times(FAULTS) {
        let draft = draft(&mut random);
        if draft.campaigns.is_empty() {
            continue;
        }
        let policy = Policy::new(&draft).expect("a good draft");
        // The same campaigns, one day later; and campaigns of another policy altogether.
        let later = policy.with_valid_until(86_400_000_000 + executed as i64).expect("a good policy");
        let other = Policy::new(&serving::draft(&mut random)).expect("a good draft");
        let foreign: Vec<u32> = [&later, &other].into_iter().flat_map(|p| p.campaigns().map(|c| p.row(c.id)).collect::<Vec<_>>()).collect();
        for _ in 0..200 {
            let ask = ask(&mut random, &draft);
            let (mut rows, flat, n) = (ask.rows(&policy), ask.flat(), ask.who.len());
            if n == 0 {
                continue;
            }
            let mut first = n;
            for _ in 0..=random.below(3) {
                let at = random.below(n);
                rows[at] = *random.pick(&foreign);
                first = first.min(at);
            }
            let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: n });
            let error = policy.score(&request, &mut workspace).map(|_| ()).expect_err("a foreign row");
            assert_eq!((error.code(), error.argument(), error.index()), ("invalid_input.foreign_row", "campaign", Some(first as u64)));
            assert!(workspace.scores().is_empty());
            executed += 1;
        }
    }
    println!("executed {executed} requests with rows of another policy");
}

#[test]
fn a_filled_displacement_needs_its_sources() {
    let draft = equipoise::policy::Draft {
        measures: vec!["displacement".into()],
        weights: vec![1.0, 0.0],
        campaigns: equipoise::Campaigns::new(vec![equipoise::model::Campaign { id: "a".into(), ..Default::default() }])
            .expect("a campaign"),
        ..Default::default()
    };
    let policy = Policy::new(&draft).expect("a good draft");
    let unwritten = [f32::from_bits(equipoise::score::UNWRITTEN)];
    let rows = [policy.row("a")];
    let organic = [0.5];
    let mut workspace = Workspace::default();
    let mut refused = |request: &Request<'_>| {
        let error = policy.score(request, &mut workspace).map(|_| ()).expect_err("something is missing");
        (error.code(), error.argument().to_owned())
    };
    let request = Request::new(&rows, Measures::Columns { values: &unwritten, stride: 1 });
    assert_eq!(refused(&request), ("invalid_input.missing", "organic".to_owned()));
    let request = Request { organic: Some(&organic), ..request };
    assert_eq!(refused(&request), ("invalid_input.missing", "reference".to_owned()), "the slate does not say what is visible");
    let request = Request { reference: Some(0.75), ..request };
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    assert_eq!(decision.reference(), Some(0.75));

    // The mark means something in the measure `displacement` only.
    let elsewhere = equipoise::policy::Draft { measures: vec!["stream".into()], ..draft };
    let policy = Policy::new(&elsewhere).expect("a good draft");
    let rows = [policy.row("a")];
    let request = Request { organic: Some(&organic), ..Request::new(&rows, Measures::Columns { values: &unwritten, stride: 1 }) };
    assert_eq!(policy.score(&request, &mut workspace).map(|_| ()).map_err(|e| e.code()), Err("invalid_input.not_finite"));
}
