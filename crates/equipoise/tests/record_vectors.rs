//! The shared vectors of decision records: `testdata/vectors/records.json`, records of requests of the other vectors. Python and Java read the same
//! file: each makes the same records, and decides those that another language made again, to the same bits.
//!
//! `EQUIPOISE_WRITE_VECTORS=1 cargo test -p equipoise --test record_vectors` writes it anew, after the other vectors.

mod serving;
mod stated;

use equipoise::policy::Policy;
use equipoise::score::{Breakers, DecisionRecord, Gates, Recording, Switches, Workspace};
use serde_json::{Value, json};
use stated::{Stated, check_fields, document, folder, list, policy};

/// Requests of more candidates are no better records.
const CANDIDATES: usize = 13;
/// One case in so many has its first campaign switched off.
const SWITCHED: usize = 5;

/// What is switched off for the request, as JSON.
fn switches_of(case: usize, request: &Value) -> Value {
    let first = list(request, "campaign").iter().find(|id| id.as_str().is_some_and(|id| !id.is_empty()));
    first.filter(|_| case.is_multiple_of(SWITCHED)).map_or_else(|| json!({}), |id| json!({"campaign": [id]}))
}

fn record_of(policy: &Policy, request: &Value, switches: &Value) -> DecisionRecord {
    let read = Stated::read(request, policy);
    let columns: Vec<&[f32]> = read.measures.iter().map(Vec::as_slice).collect();
    let mut stated = read.request(request, policy, &columns);
    let switches = Switches::from_json(&switches.to_string()).expect("good switches");
    let gates = Gates::new(policy, &switches, &Breakers::default());
    stated.gates = Some(&gates);
    let mut workspace = Workspace::default();
    let decision = policy.score(&stated, &mut workspace).expect("a good request");
    decision.record(Recording { terms: true, candidates: true }).expect("just scored")
}

/// The records of the requests of both files.
fn cases() -> Vec<Value> {
    let mut cases = Vec::new();
    for file in ["score.json", "rules.json"] {
        for case in list(&document(file), "cases") {
            let request = &case["request"];
            // Every face gives a time, and none of them tells an empty column from none.
            let n = list(request, "campaign").len();
            if n > 0 && n <= CANDIDATES && !request["time"].is_null() {
                let switches = switches_of(cases.len(), request);
                let record = record_of(&policy(&case["policy"]), request, &switches);
                cases.push(json!({"of": file, "name": case["name"], "switches": switches, "record": record.to_json()}));
            }
        }
    }
    cases
}

#[test]
fn stored_records_are_current() {
    let lines: Vec<String> = cases().iter().map(Value::to_string).collect();
    let text = format!("{{\"cases\": [\n{}\n]}}\n", lines.join(",\n"));
    let path = folder().join("records.json");
    if std::env::var_os("EQUIPOISE_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let stored = std::fs::read_to_string(&path).expect("the vectors are there");
    assert!(stored == text, "records.json is not what this version writes");
}

#[test]
fn records_decide_the_same_again() {
    let (files, mut executed, mut drawn, mut off) = (["score.json", "rules.json"].map(|name| (name, document(name))), 0, 0, 0);
    for case in list(&document("records.json"), "cases") {
        check_fields(case, &["of", "name", "switches", "record"]);
        let (_, file) = files.iter().find(|(name, _)| case["of"] == *name).expect("one of the files");
        let of = list(file, "cases").iter().find(|c| c["name"] == case["name"]).expect("a case of the file");
        let text = case["record"].as_str().expect("a text");
        let record = DecisionRecord::from_json(text).expect("a record");
        assert_eq!(record.to_json(), text, "{}", case["name"]);
        assert_eq!(record.replay(&policy(&of["policy"])).expect("a whole record").to_json(), text, "{}", case["name"]);
        executed += 1;
        drawn += usize::from(record.propensity < 1.0);
        off += usize::from(record.candidates.expect("candidates").reason.iter().any(|reason| reason == "switched_off"));
    }
    println!("executed {executed} records, {drawn} of them drawn, {off} with a campaign switched off");
    assert!(executed >= 100 && drawn >= 15 && off >= 20);
}
