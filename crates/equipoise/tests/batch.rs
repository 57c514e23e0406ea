//! A batch comes to what its requests come to one by one, and its errors say where in it they are.

mod serving;

use equipoise::error::codes;
use equipoise::evaluate::{Batch, Each, Outcome};
use equipoise::policy::{NONE, Policy};
use equipoise::score::{Measures, Request, UNWRITTEN, Workspace};
use serving::{Random, ask, draft};

/// What a batch comes to.
fn outcome(batch: &Batch<'_>, policy: &Policy) -> equipoise::Result<(Vec<u32>, Vec<u8>, Vec<u8>)> {
    let n = batch.campaign.len();
    // What was there before is overwritten.
    let (mut scores, mut positions, mut reasons) = (vec![f32::NAN; n], vec![9; n], vec![200; n]);
    batch.score(policy, Outcome { scores: &mut scores, positions: &mut positions, reasons: &mut reasons }, &mut || true)?;
    Ok((scores.iter().map(|s| s.to_bits()).collect(), positions, reasons))
}

#[test]
fn equals_its_requests_one_by_one() {
    let mut random = Random(77);
    let (mut requests, mut picked) = (0, 0);
    while requests < 3_000 {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        let m = draft.measures.len();
        let asks: Vec<_> = (0..15).map(|_| ask(&mut random, &draft)).collect();
        let campaign: Vec<u32> = asks.iter().flat_map(|ask| ask.rows(&policy)).collect();
        let n = campaign.len();
        let mut starts = vec![0];
        for ask in &asks {
            starts.push(starts[starts.len() - 1] + ask.who.len() as u64);
        }
        let organic: Vec<f32> = asks.iter().flat_map(|a| a.organic.clone().unwrap_or_else(|| vec![0.25; a.who.len()])).collect();
        let item: Vec<u32> = asks.iter().flat_map(|a| a.item.clone().unwrap_or_else(|| vec![NONE; a.who.len()])).collect();
        let columns: Vec<Vec<f32>> = (0..m).map(|j| asks.iter().flat_map(|a| a.measures[j].clone()).collect()).collect();
        let columns: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
        let rows: Vec<f32> = (0..n).flat_map(|i| columns.iter().map(move |column| column[i])).collect();
        let side_by_side = columns.concat();
        let market: Vec<u32> = asks.iter().map(|a| a.market.as_ref().map_or(NONE, |name| policy.market(name))).collect();
        let key: Vec<u64> = asks.iter().map(|a| a.key).collect();
        let reference: Vec<f32> = asks.iter().map(|a| a.reference.unwrap_or(0.5)).collect();
        let slots: Vec<u32> = asks.iter().map(|a| a.slots.unwrap_or(2)).collect();
        let layouts = [
            Measures::Slices { columns: &columns, offset: 0 },
            Measures::Columns { values: &side_by_side, stride: n },
            Measures::Rows { values: &rows, stride: m },
        ];
        let mut outcomes = Vec::new();
        for measures in layouts {
            let batch = Batch {
                organic: Some(&organic),
                item: Some(&item),
                market: Each::Own(&market),
                surface: Each::All(policy.surface("surface1")),
                time: Some(Each::All(25)),
                slots: Some(Each::Own(&slots)),
                key: Some(Each::Own(&key)),
                reference: Some(Each::Own(&reference)),
                ..Batch::new(&starts, &campaign, measures)
            };
            outcomes.push(outcome(&batch, &policy).expect("good columns"));
        }
        assert!(outcomes.iter().all(|other| *other == outcomes[0]));
        let (scores, positions, reasons) = &outcomes[0];
        let mut workspace = Workspace::default();
        for t in 0..asks.len() {
            let here = starts[t] as usize..starts[t + 1] as usize;
            let request = Request {
                organic: Some(&organic[here.clone()]),
                item: Some(&item[here.clone()]),
                market: market[t],
                surface: policy.surface("surface1"),
                time: Some(25),
                slots: Some(slots[t]),
                key: key[t],
                reference: Some(reference[t]),
                ..Request::new(&campaign[here.clone()], Measures::Slices { columns: &columns, offset: here.start })
            };
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            let wanted: Vec<u32> = decision.scores().iter().map(|s| s.to_bits()).collect();
            assert_eq!(scores[here.clone()], wanted);
            assert!(decision.reasons().iter().zip(&reasons[here.clone()]).all(|(reason, code)| *reason as u8 == *code));
            for (i, position) in positions[here].iter().enumerate() {
                let pick = decision.picks().iter().position(|p| *p as usize == i);
                assert_eq!(u32::from(*position), pick.map_or(0, |k| decision.positions()[k]));
            }
            (requests, picked) = (requests + 1, picked + decision.picks().len());
        }
    }
    assert!(picked > 500, "{picked}");
}

#[test]
fn without_keys_requests_are_numbered() {
    let mut random = Random(3);
    let draft = loop {
        let draft = draft(&mut random);
        if draft.tie_breadth > 0.001 && !draft.campaigns.is_empty() && draft.valid_until.is_none() {
            break draft;
        }
    };
    let policy = Policy::new(&draft).expect("a good draft");
    let campaign: Vec<u32> = policy.campaigns().map(|c| policy.row(c.id)).collect::<Vec<_>>().into_iter().cycle().take(60).collect();
    let columns: Vec<Vec<f32>> = draft.measures.iter().map(|_| vec![0.5; 60]).collect();
    let columns: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
    let numbered = Batch { organic: None, ..Batch::new(&[0, 20, 40, 60], &campaign, Measures::Slices { columns: &columns, offset: 0 }) };
    let keys = Batch { key: Some(Each::Own(&[0, 1, 2])), ..numbered };
    assert_eq!(outcome(&numbered, &policy).expect("good"), outcome(&keys, &policy).expect("good"));
}

#[test]
fn errors_say_where() {
    let mut random = Random(1);
    let draft = loop {
        let draft = draft(&mut random);
        if draft.measures.iter().all(|m| m != "displacement") && !draft.measures.is_empty() {
            break draft;
        }
    };
    let policy = Policy::new(&draft).expect("a good draft");
    let campaign = [equipoise::score::ORGANIC; 6];
    let values: Vec<Vec<f32>> = draft.measures.iter().map(|_| vec![0.5; 6]).collect();
    let columns: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
    let mut wrong = values.clone();
    wrong[0][4] = f32::from_bits(UNWRITTEN);
    let wrong: Vec<&[f32]> = wrong.iter().map(Vec::as_slice).collect();
    let starts = [0, 2, 2, 6];
    let good = Batch::new(&starts, &campaign, Measures::Slices { columns: &columns, offset: 0 });
    outcome(&good, &policy).expect("a good batch");
    let foreign = [0, 0, 0, 0, 0, 0x7f00_0000];
    let refused = |batch: Batch<'_>| {
        let error = outcome(&batch, &policy).expect_err("something is wrong");
        (error.code(), error.argument().to_owned(), error.index())
    };
    let at = |code, argument: &str, index| (code, argument.to_owned(), index);
    let other = |starts| Batch { starts, ..good };
    assert_eq!(refused(other(&[])), at(codes::EMPTY, "starts", None));
    assert_eq!(refused(other(&[1, 6])), at(codes::RANGE, "starts", Some(0)));
    assert_eq!(refused(other(&[0, 4, 3, 6])), at(codes::RANGE, "starts", Some(2)));
    assert_eq!(refused(other(&[0, 4, 5])), at(codes::RANGE, "starts", Some(2)));
    assert_eq!(refused(Batch { organic: Some(&[0.5; 5]), ..good }), at(codes::SHAPE, "organic", None));
    assert_eq!(refused(Batch { organic: Some(&[0.5, 0.5, 0.5, f32::NAN, 0.5, 0.5]), ..good }), at(codes::NOT_FINITE, "organic", Some(3)));
    assert_eq!(
        refused(Batch { measures: Measures::Slices { columns: &wrong, offset: 0 }, ..good }),
        at(codes::NOT_FINITE, "measures[0]", Some(4))
    );
    assert_eq!(refused(Batch { measures: Measures::Columns { values: &values[0][..5], stride: 6 }, ..good }).0, codes::SHAPE);
    assert_eq!(refused(Batch { market: Each::Own(&[0, 0]), ..good }), at(codes::SHAPE, "market", None));
    assert_eq!(refused(Batch { slots: Some(Each::Own(&[1, 1, 256])), ..good }), at(codes::RANGE, "slots", Some(2)));
    assert_eq!(refused(Batch { reference: Some(Each::Own(&[0.5, f32::NAN, 0.5])), ..good }), at(codes::NOT_FINITE, "reference", Some(1)));
    assert_eq!(refused(Batch { rows: Some(&[]), ..good }), at(codes::EMPTY, "rows", None));
    assert_eq!(refused(Batch { rows: Some(&foreign), campaign: &[0, 1, 2, 3, 5, 4], ..good }).1, "campaign");
    let mut none: [f32; 0] = [];
    let short = Outcome { scores: &mut none, positions: &mut [0; 6], reasons: &mut [0; 6] };
    let error = good.score(&policy, short, &mut || true).expect_err("no room");
    assert_eq!((error.code(), error.argument()), (codes::SHAPE, "scores"));
}
