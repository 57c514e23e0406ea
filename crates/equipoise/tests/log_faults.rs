//! What a log written row by row is, and every fault that `finish` finds at once.
#![allow(clippy::unwrap_used)]

use equipoise::Opportunities;
use equipoise::model::{CandidateRow, Id, ORGANIC, OpportunitiesBuilder, OpportunityRow, hash_integer, hash_text};

fn opportunity(id: i64) -> OpportunityRow<'static> {
    OpportunityRow { id: Id::Int(id), ..OpportunityRow::default() }
}

const PLAIN: CandidateRow<'static> =
    CandidateRow { campaign: Some("c"), organic: None, measures: &[1.0], item: None, artist: None, frequency: None };

/// Code, argument and index of each fault.
fn faults(log: OpportunitiesBuilder) -> Vec<(&'static str, String, Option<u64>)> {
    log.finish().unwrap_err().faults().iter().map(|f| (f.code, f.argument.clone(), f.index)).collect()
}

/// The faults of a log of one good and one other candidate.
fn candidate(row: &CandidateRow<'_>) -> Vec<(&'static str, String, Option<u64>)> {
    let mut log = Opportunities::builder(&["stream"]);
    log.opportunity(&opportunity(1)).candidate(&CandidateRow { organic: row.organic.map(|_| 0.0), ..PLAIN }).candidate(row);
    faults(log)
}

#[test]
fn a_good_log_holds_what_was_written() {
    let mut log = Opportunities::builder(&["stream", "save"]);
    let first = OpportunityRow {
        id: "t\u{1f3b5}".into(),
        market: Some("SE"),
        surface: Some("radio"),
        time: Some(-5),
        slots: Some(0),
        weight: Some(2.5),
        reference: Some(-0.5),
        organic_value: Some(3.0),
        key: Some(u64::MAX),
        listener: None,
    };
    log.opportunity(&first);
    log.candidate(&CandidateRow {
        campaign: Some("b"),
        organic: Some(0.5),
        measures: &[1.0, -0.0],
        item: Some(7.into()),
        artist: Some("x"),
        frequency: Some(3),
    });
    log.candidate(&CandidateRow {
        campaign: None,
        organic: Some(0.5),
        measures: &[2.0, 4.0],
        item: Some(7.into()),
        artist: Some("x"),
        frequency: Some(0),
    });
    log.opportunity(&OpportunityRow { id: 9.into(), market: Some("NO"), key: Some(1), ..first });
    log.candidate(&CandidateRow {
        campaign: Some("a"),
        organic: Some(-1.0),
        measures: &[1e12, 1e-40],
        item: Some("7".into()),
        artist: Some("y"),
        frequency: Some(1),
    });
    let log = log.finish().unwrap();

    assert_eq!((log.len(), log.candidates(), log.starts()), (2, 3, &[0, 2, 3][..]));
    assert_eq!((log.rows(0), log.rows(1)), (0..2, 2..3));
    assert_eq!(log.measure_names(), ["stream", "save"]);
    assert_eq!(log.measure("stream").unwrap(), [1.0, 2.0, 1e12]);
    assert_eq!(log.measure("save").unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [0.0, 4.0, 1e-40_f32].map(f32::to_bits));
    assert_eq!(log.measure("none"), None);
    assert_eq!((log.campaign(), log.campaigns().as_slice()), (&[0, ORGANIC, 1][..], &["b".to_owned(), "a".to_owned()][..]));
    assert_eq!((log.market().unwrap(), log.markets().as_slice()), (&[0, 1][..], &["SE".to_owned(), "NO".to_owned()][..]));
    assert_eq!((log.surface().unwrap(), log.surfaces().len()), (&[0, 0][..], 1));
    assert_eq!((log.time().unwrap(), log.slots().unwrap(), log.weight().unwrap()), (&[-5, -5][..], &[0, 0][..], &[2.5, 2.5][..]));
    assert_eq!(log.organic().unwrap(), [0.5, 0.5, -1.0]);
    assert_eq!((log.key(0), log.key(1)), (u64::MAX, 1));
}

#[test]
fn columns_that_no_row_has_are_absent_and_the_key_is_the_hash_of_the_id() {
    let mut log = Opportunities::builder(&["stream"]);
    log.opportunity(&opportunity(-3)).candidate(&PLAIN);
    log.opportunity(&OpportunityRow { id: "t".into(), ..opportunity(0) }).candidate(&PLAIN);
    let log = log.finish().unwrap();
    assert_eq!((log.market(), log.surface(), log.time(), log.slots(), log.weight(), log.organic()), (None, None, None, None, None, None));
    assert_eq!((log.key(0), log.key(1)), (hash_integer(-3), hash_text("t")));
}

#[test]
fn all_faults_come_at_once() {
    let mut log = Opportunities::builder(&["stream", "exposure", "stream", ""]);
    log.candidate(&CandidateRow { measures: &[0.0; 4], ..PLAIN });
    log.opportunity(&opportunity(1)).candidate(&CandidateRow { measures: &[-1.0, f32::NAN, f32::INFINITY, 2e12], ..PLAIN });
    log.opportunity(&OpportunityRow { slots: Some(256), weight: Some(0.0), ..opportunity(2) });
    log.opportunity(&OpportunityRow { reference: Some(f32::NAN), organic_value: Some(-1.0), market: Some(""), ..opportunity(1) });
    log.candidate(&PLAIN);
    let expected = [
        ("invalid_input.duplicate", "measures", 1),
        ("invalid_input.duplicate", "measures", 2),
        ("invalid_input.empty", "measures", 3),
        ("invalid_input.missing", "opportunity_id", 0),
        ("invalid_input.range", "stream", 1),
        ("invalid_input.not_finite", "exposure", 1),
        ("invalid_input.not_finite", "stream", 1),
        ("invalid_input.range", "", 1),
        ("invalid_input.range", "slots", 2),
        ("invalid_input.range", "weight", 2),
        ("invalid_input.empty", "opportunity_id", 2),
        ("invalid_input.scattered", "opportunity_id", 2),
        ("invalid_input.empty", "market", 2),
        ("invalid_input.not_finite", "reference", 2),
        ("invalid_input.range", "organic_value", 2),
        ("invalid_input.shape", "measures", 2),
        ("invalid_input.null", "weight", 1),
        ("invalid_input.null", "weight", 2),
        ("invalid_input.null", "slots", 1),
        ("invalid_input.null", "slots", 2),
        ("invalid_input.null", "market", 1),
        ("invalid_input.null", "market", 2),
        ("invalid_input.null", "reference", 1),
        ("invalid_input.null", "reference", 2),
        ("invalid_input.null", "organic_value", 1),
        ("invalid_input.null", "organic_value", 2),
    ];
    assert_eq!(faults(log), expected.map(|(code, argument, at)| (code, argument.to_owned(), Some(at))));
}

#[test]
fn an_empty_log_is_an_error() {
    assert_eq!(faults(Opportunities::builder(&["stream"])), [("invalid_input.empty", "opportunity_id".to_owned(), None)]);
    let mut log = Opportunities::builder(&["stream"]);
    log.opportunity(&opportunity(1));
    assert_eq!(faults(log), [("invalid_input.empty", "opportunity_id".to_owned(), Some(0))]);
}

#[test]
fn numbers_are_finite_and_in_range() {
    for measure in [-f32::MIN_POSITIVE, 1.1e12, f32::MAX] {
        assert_eq!(candidate(&CandidateRow { measures: &[measure], ..PLAIN }), [("invalid_input.range", "stream".to_owned(), Some(1))]);
    }
    for organic in [f32::NAN, f32::NEG_INFINITY] {
        assert_eq!(
            candidate(&CandidateRow { organic: Some(organic), ..PLAIN }),
            [("invalid_input.not_finite", "organic".to_owned(), Some(1))]
        );
    }
    assert_eq!(candidate(&CandidateRow { organic: Some(-1.1e12), ..PLAIN }), [("invalid_input.range", "organic".to_owned(), Some(1))]);
}

#[test]
fn texts_have_a_length() {
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(candidate(&CandidateRow { campaign: Some(&long), ..PLAIN }), [("invalid_input.too_large", "campaign".to_owned(), Some(1))]);
    assert_eq!(candidate(&CandidateRow { campaign: Some(""), ..PLAIN }), [("invalid_input.empty", "campaign".to_owned(), Some(1))]);
}

#[test]
fn an_item_agrees_with_itself() {
    let mut log = Opportunities::builder(&["stream"]);
    let row = |item, organic, campaign| CandidateRow { campaign, organic: Some(organic), item: Some(Id::Text(item)), ..PLAIN };
    log.opportunity(&opportunity(1));
    log.candidate(&row("i", 0.5, Some("c")))
        .candidate(&row("j", 0.6, Some("c")))
        .candidate(&row("i", 0.5, Some("d")))
        .candidate(&row("i", 0.5, None));
    log.opportunity(&opportunity(2));
    log.candidate(&row("i", 0.7, Some("c")))
        .candidate(&row("i", 0.8, Some("d")))
        .candidate(&row("j", 0.7, None))
        .candidate(&row("j", 0.7, None));
    log.opportunity(&opportunity(3));
    log.candidate(&row("i", 0.7, Some("c"))).candidate(&row("k", 0.8, Some("d"))).candidate(&row("i", 0.7, Some("c")));
    let error = log.finish().unwrap_err();
    let expected = "invalid_input.inconsistent: organic[5]: 0.8 differs from 0.7 at row 4, which holds the same item\n\
        invalid_input.duplicate: item[7]: row 6 holds the same item without a campaign, too\n\
        invalid_input.duplicate: item[10]: row 8 holds the same item for the same campaign, \"c\"";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn one_opportunity_may_have_a_million_rows_of_one_item() {
    let mut log = Opportunities::builder::<&str>(&[]);
    log.opportunity(&opportunity(1));
    for i in 0..1_000_000 {
        let campaign = format!("c{i}");
        log.candidate(&CandidateRow { campaign: Some(&campaign), item: Some(Id::Int(1)), ..CandidateRow::default() });
    }
    assert_eq!(log.finish().unwrap().candidates(), 1_000_000);
}

#[test]
fn a_fault_in_every_row_is_counted() {
    let mut log = Opportunities::builder(&["stream"]);
    log.opportunity(&opportunity(1));
    for _ in 0..100_000 {
        log.candidate(&CandidateRow { measures: &[f32::NAN], ..PLAIN });
    }
    let error = log.finish().unwrap_err();
    assert_eq!(error.faults().len(), 20);
    assert!(error.to_string().ends_with("invalid_input.not_finite: and 99980 more"));
}
