//! A decision's record decides the same again, bit for bit, in memory and through Arrow and Parquet.
#![cfg(feature = "parquet")]

mod arranged;
mod recorded;
mod serving;

use arrow_array::RecordBatchIterator;
use equipoise::policy::Policy;
use equipoise::score::{DecisionRecord, Measures, Request, Workspace};
use equipoise::table::{load_records, read_records, records_table, save_records};
use recorded::{ALL, records};
use std::collections::HashMap;

#[test]
fn a_record_decides_the_same_again() {
    let mut reasons: HashMap<String, usize> = HashMap::new();
    let records = records(41, 4_000);
    let mut drawn = 0;
    for (policy, record) in &records {
        let again = record.replay(policy).expect("a whole record");
        assert_eq!(again, *record);
        assert_eq!(again.propensity.to_bits(), record.propensity.to_bits());
        drawn += usize::from(record.propensity < 1.0);
        for reason in &record.candidates.as_ref().expect("candidates").reason {
            *reasons.entry(reason.clone()).or_insert(0) += 1;
        }
    }
    println!("executed {} replays, {drawn} of them drawn at random: {reasons:?}", records.len());
    assert!(drawn > 100);
    for reason in ["switched_off", "relevance", "frequency", "rise", "unknown", "expired", "picked"] {
        assert!(reasons.contains_key(reason), "{reason}");
    }
}

#[test]
fn records_go_through_arrow_and_parquet_unchanged() {
    let (policies, mut records): (Vec<Policy>, Vec<DecisionRecord>) = records(42, 300).into_iter().unzip();
    records.push(DecisionRecord { policy_id: Policy::empty().id_hex(), ..DecisionRecord::default() });
    let batch = records_table(&records);
    let schema = batch.schema();
    let parts = [batch.slice(0, 7), batch.slice(7, batch.num_rows() - 7)];
    let read = read_records(RecordBatchIterator::new(parts.map(Ok), schema)).expect("what was written");
    assert_eq!(read, records);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("decisions.parquet");
    save_records(&path, &records).expect("written");
    let loaded = load_records(&path.to_string_lossy()).expect("what was written");
    assert_eq!(loaded, records);
    for (policy, record) in policies.iter().zip(&loaded) {
        assert_eq!(record.replay(policy).expect("a whole record"), *record);
    }
}

#[test]
fn a_record_says_on_whose_behalf_and_why() {
    let records = records(43, 500);
    let mut picked = 0;
    for (policy, record) in &records {
        let k = record.pick.len();
        assert_eq!([record.place.len(), record.campaign.len(), record.label.len(), record.main_parameters.len()], [k; 4]);
        for (i, id) in record.campaign.iter().enumerate() {
            let campaign = policy.campaigns().find(|c| c.id == *id).expect("a campaign of the policy");
            assert_eq!((record.artist[i].as_deref(), record.label[i].as_deref()), (campaign.artist, campaign.label));
            assert_eq!(record.licensor[i].as_deref(), campaign.licensor);
            let terms = record.term_pick.iter().zip(&record.term_amount).filter(|(pick, _)| **pick as usize == i);
            let sum = terms.fold(0.0, |sum, (_, amount)| sum + amount);
            assert_eq!(sum, f64::from(record.score[i]), "the terms of a pick sum to its score");
            assert!(record.main_parameters[i].split("; ").count() <= 3 && !record.main_parameters[i].is_empty());
            picked += 1;
        }
        let product: f64 = record.pick_propensity.iter().product();
        assert_eq!(product, record.propensity);
    }
    assert!(picked > 200);
}

#[test]
fn what_cannot_be_replayed_is_an_error() {
    let (policy, record) = records(44, 1).remove(0);
    let code =
        |record: &DecisionRecord, policy: &Policy| record.replay(policy).map(|_| ()).map_err(|e| (e.code(), e.argument().to_owned()));
    assert_eq!(code(&record, &Policy::empty()), Err(("invalid_input.foreign_file", "policy".into())));
    let bare = DecisionRecord { candidates: None, ..record.clone() };
    assert_eq!(code(&bare, &policy), Err(("invalid_input.missing", "candidates".into())));
    let mut short = record.clone();
    short.candidates.as_mut().expect("candidates").reason.push("picked".to_owned());
    assert_eq!(code(&short, &policy), Err(("invalid_input.shape", "reason".into())));
    let mut wrong = record;
    let n = wrong.candidates.as_ref().expect("candidates").campaign.len();
    wrong.candidates.as_mut().expect("candidates").item = Some(vec![Some(-1); n]);
    if n > 0 {
        assert_eq!(code(&wrong, &policy), Err(("invalid_input.range", "item".into())));
    }
    let request = Request::new(&[], Measures::Columns { values: &[], stride: 0 });
    let error = policy.record(&request, &Workspace::default(), ALL).expect_err("nothing was scored");
    assert_eq!(error.code(), "usage.not_begun");
}
