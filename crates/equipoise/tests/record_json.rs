//! Records of decisions as JSON: every bit comes back, and whatever else stands there is an error or a record.

mod arranged;
mod recorded;
mod serving;

use equipoise::score::DecisionRecord;
use recorded::records;
use serde_json::{Value, json};
use serving::Random;

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
fn spoil(record: &mut Value, random: &mut Random) {
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
