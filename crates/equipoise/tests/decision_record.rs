//! A decision's record decides the same again, bit for bit, in memory and through Arrow, Parquet and JSON.
#![cfg(feature = "parquet")]

mod arranged;
mod serving;

use arranged::World;
use arrow_array::RecordBatchIterator;
use equipoise::model::Scope;
use equipoise::policy::Policy;
use equipoise::score::{Breakers, DecisionRecord, Gates, Measures, Recording, Request, Switches, Workspace};
use equipoise::table::{load_records, read_records, records_table, save_records};
use serving::Random;
use std::collections::HashMap;

const ALL: Recording = Recording { terms: true, candidates: true };

/// Records of random requests: by plain rules with everything that a policy may refuse for, and by every other rule.
fn records(seed: u64, count: usize) -> Vec<(Policy, DecisionRecord)> {
    let mut random = Random(seed);
    let mut workspace = Workspace::default();
    let mut list = Vec::new();
    while list.len() < count {
        let draft = serving::draft(&mut random);
        let draft = serving::with_limits(&mut random, draft);
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..4 {
            let ask = serving::ask(&mut random, &draft);
            let ask = serving::limited(&mut random, &draft, ask);
            let (rows, flat) = (ask.rows(&policy), ask.flat());
            let mut request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
            let mut switches = Switches::default();
            if random.chance(30) && !draft.campaigns.is_empty() {
                switches.set(Scope::Campaign, &draft.campaigns.get(0).id, false).expect("a good id");
            }
            let gates = Gates::new(&policy, &switches, &Breakers::default());
            request.gates = Some(&gates);
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            list.push((policy.clone(), decision.record(ALL).expect("just scored")));
        }
        let mut own = arranged::Random(random.next());
        let mut world = World::random(&mut own, 9);
        world.explores(&mut own);
        world.has_list_terms(&mut own);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let decision = policy.score(&request, &mut workspace).expect("a good request");
        list.push((policy.clone(), decision.record(ALL).expect("just scored")));
    }
    list
}

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

/// Every bit of every number, those of subnormal and signed ones among them.
#[test]
fn records_go_through_json_unchanged() {
    let mut random = Random(45);
    let (mut executed, mut drawn) = (0, 0);
    for (policy, mut record) in records(46, 300) {
        let text = record.to_json();
        let read = DecisionRecord::from_json(&text).expect("what was written");
        assert_eq!(read, record);
        assert_eq!(read.to_json(), text);
        assert_eq!(read.replay(&policy).expect("a whole record"), record);
        drawn += usize::from(record.propensity < 1.0);
        let finite = |random: &mut Random| std::iter::repeat_with(|| f32::from_bits(random.next() as u32)).find(|x| x.is_finite());
        record.score = (0..200).filter_map(|_| finite(&mut random)).collect();
        record.pick_propensity = (0..200).map(|_| f64::from_bits(random.next())).filter(|x| x.is_finite()).collect();
        let read = DecisionRecord::from_json(&record.to_json()).expect("what was written");
        assert!(read.score.iter().map(|x| x.to_bits()).eq(record.score.iter().map(|x| x.to_bits())));
        assert!(read.pick_propensity.iter().map(|x| x.to_bits()).eq(record.pick_propensity.iter().map(|x| x.to_bits())));
        executed += record.score.len();
    }
    println!("executed {executed} numbers of 32 bits");
    assert!(executed >= 60_000 && drawn > 10);
}

/// Whatever stands in a record, replaying it is a record or an error with a code.
#[test]
fn changed_records_are_errors_or_records() {
    let mut random = Random(47);
    let (mut executed, mut refused) = (0, 0);
    for (policy, record) in records(48, 400) {
        let whole = serde_json::to_value(&record).expect("a record");
        for _ in 0..25 {
            let mut changed = whole.clone();
            spoil(&mut changed, &mut random);
            let outcome = DecisionRecord::from_json(&changed.to_string()).and_then(|record| record.replay(&policy));
            if let Err(error) = outcome {
                assert!(["invalid_input", "usage"].contains(&error.code().split('.').next().expect("a kind")), "{error}: {changed}");
                refused += 1;
            }
            executed += 1;
        }
    }
    println!("executed {executed} changed records, {refused} refused");
    assert!(executed >= 10_000 && refused > executed / 4 && refused < executed);
}

/// Changes one value of the record, or of its candidates.
fn spoil(record: &mut serde_json::Value, random: &mut Random) {
    use serde_json::{Value, json};
    let pick = |random: &mut Random, n: usize| random.next() as usize % n.max(1);
    let within = if random.chance(70) { &mut record["candidates"] } else { record };
    let Some(fields) = within.as_object_mut() else { return };
    let at = pick(random, fields.len());
    let Some((_, value)) = fields.iter_mut().nth(at) else { return };
    let odd = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!(4_294_967_296_u64),
        json!(u64::MAX),
        json!("x"),
        json!([]),
        json!([null]),
        json!(true),
    ];
    let odd = odd[pick(random, odd.len())].clone();
    match value {
        Value::Array(list) if !list.is_empty() && random.chance(80) => {
            let at = pick(random, list.len());
            match pick(random, 4) {
                0 => list.truncate(at),
                1 => list.push(odd),
                2 => drop(list.remove(at)),
                _ => list[at] = odd,
            }
        }
        value => *value = odd,
    }
}
