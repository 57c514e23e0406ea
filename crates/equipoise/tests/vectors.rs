//! The shared vectors of `testdata/vectors`: what they say is what this library does. Python and Java read the same files.
//!
//! `EQUIPOISE_WRITE_VECTORS=1 cargo test -p equipoise --test vectors` writes `score.json` and the policies anew; `errors.json` is written by hand.

mod forge;
mod serving;
mod stated;

use equipoise::error::{CODES, codes};
use equipoise::model::Problem;
use equipoise::policy::Policy;
use equipoise::score::{Measures, Workspace};
use equipoise::{Error, Result};
use forge::Forged;
use serde_json::{Value, json};
use serving::{Ask, Random};
use stated::{Stated, check_fields, document, folder, list, outcome, policy, request_of};
use std::collections::{BTreeMap, BTreeSet};

/// Every file that is not written by hand.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut random = Random(2026);
    let mut cases = Vec::new();
    let mut policies = 0;
    while policies < 12 {
        let draft = serving::draft(&mut random);
        let asks: Vec<Ask> = (0..60)
            .map(|_| {
                let ask = serving::ask(&mut random, &draft);
                // Every face gives a time, and no column of artists.
                Ask { time: Some(ask.time.unwrap_or(40)), artist: None, ..ask }
            })
            .collect();
        let picks = |ask: &&Ask| serving::reference_outcome(&draft, ask).picks.len();
        let chosen: Vec<&Ask> = asks.iter().filter(|a| picks(a) > 1).take(3).chain(asks.iter().filter(|a| picks(a) == 1).take(2)).collect();
        if chosen.len() < 4 {
            continue;
        }
        let policy = Policy::new(&draft).expect("a good draft");
        let file = format!("policies/score-{policies:02}.safetensors");
        for (i, ask) in chosen.into_iter().chain(&asks[..1]).enumerate() {
            let columns: Vec<&[f32]> = ask.measures.iter().map(Vec::as_slice).collect();
            let rows = ask.rows(&policy);
            let request = ask.request(&policy, &rows, Measures::Slices { columns: &columns, offset: 0 });
            let mut expected = outcome(&policy, &request).expect("a good request");
            // What is expected comes from the plain reference, explanations aside.
            let plain = serving::reference_outcome(&draft, ask);
            expected["scores"] = json!(plain.scores);
            expected["picks"] = json!(plain.picks);
            expected["positions"] = json!(plain.positions);
            expected["reasons"] = json!(plain.reasons);
            cases.push(
                json!({"name": format!("{policies}.{i}"), "policy": file, "request": request_of(ask), "expected": expected}).to_string(),
            );
        }
        files.insert(file, policy.to_bytes().to_vec());
        policies += 1;
    }
    files.insert("score.json".to_owned(), format!("{{\"cases\": [\n{}\n]}}\n", cases.join(",\n")).into_bytes());

    let small = Policy::new(&forge::draft()).expect("a good draft");
    let mut too_new = Forged::of(small.to_bytes());
    too_new.metadata("format_version", "9");
    too_new.metadata("min_reader", "9");
    let mut damaged = small.to_bytes().to_vec();
    let last = damaged.len() - 100;
    damaged[last] ^= 1;
    files.insert("policies/other.safetensors".to_owned(), small.with_valid_until(1).expect("a good policy").to_bytes().to_vec());
    files.insert("policies/small.safetensors".to_owned(), small.to_bytes().to_vec());
    files.insert("policies/too-new.safetensors".to_owned(), too_new.seal());
    files.insert("policies/damaged.safetensors".to_owned(), damaged);
    files
}

#[test]
fn stored_files_are_current() {
    let write = std::env::var_os("EQUIPOISE_WRITE_VECTORS").is_some();
    for (name, bytes) in files() {
        let path = folder().join(&name);
        if write {
            std::fs::write(&path, &bytes).expect("written");
        }
        let stored = std::fs::read(&path).expect("the vectors are there");
        assert!(stored == bytes, "{name} is not what this version writes");
    }
}

#[test]
fn scores_equal_by_bits() {
    let document = document("score.json");
    let mut reasons = BTreeSet::new();
    for case in list(&document, "cases") {
        check_fields(case, &["name", "policy", "request", "expected"]);
        let policy = policy(&case["policy"]);
        let read = Stated::read(&case["request"], &policy);
        let columns: Vec<&[f32]> = read.measures.iter().map(Vec::as_slice).collect();
        let found = outcome(&policy, &read.request(&case["request"], &policy, &columns)).expect("a good request");
        assert_eq!(found, case["expected"], "case {}", case["name"]);
        reasons.extend(list(&found, "reasons").iter().map(|r| r.as_str().expect("a reason").to_owned()));
    }
    println!("executed {} requests, reasons {reasons:?}", list(&document, "cases").len());
    for reason in ["picked", "price", "outscored", "item", "no_place", "organic", "unknown", "market", "surface", "flight"] {
        assert!(reasons.contains(reason), "{reason} occurs");
    }
}

fn text_of(input: &Value) -> String {
    input["text"].as_str().expect("a text").repeat(input["repeat"].as_u64().unwrap_or(1) as usize)
}

/// Makes the call that a case states; `None` where this build lacks the feature that it needs.
fn call(case: &Value) -> Option<Result<()>> {
    let input = &case["input"];
    Some(match case["call"].as_str().expect("a call") {
        "problem.from_json" => Problem::from_json(&text_of(input)).map(|_| ()),
        "problem.from_toml" => Problem::from_toml(&text_of(input)).map(|_| ()),
        "problem.load" => Problem::load(folder().join(input["path"].as_str().expect("a path"))).map(|_| ()),
        "policy.load" => Policy::load(folder().join(input["path"].as_str().expect("a path"))).map(|_| ()),
        "policy.from_bytes" => {
            let hex = input["hex"].as_str().expect("hexadecimal digits");
            let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("a byte");
            let mut bytes: Vec<u8> = (0..hex.len() / 2).map(byte).collect();
            bytes.resize(bytes.len() + input["spaces"].as_u64().unwrap_or(0) as usize, b' ');
            Policy::from_bytes(&bytes).map(|_| ())
        }
        "score" | "explain" => score_or_explain(case["call"] == "explain", input),
        "campaigns" | "opportunities" | "plan" => return tables::call(case),
        other => panic!("no such call: {other}"),
    })
}

fn score_or_explain(explain: bool, input: &Value) -> Result<()> {
    let policy = policy(&input["policy"]);
    let resolver = if input["rows_of"].is_null() { policy.clone() } else { self::policy(&input["rows_of"]) };
    let read = Stated::read(&input["request"], &resolver);
    let columns: Vec<&[f32]> = read.measures.iter().map(Vec::as_slice).collect();
    let request = read.request(&input["request"], &policy, &columns);
    let mut workspace = Workspace::default();
    if !explain {
        return policy.score(&request, &mut workspace).map(|_| ());
    }
    if input["scored"] == true {
        policy.score(&request, &mut workspace).expect("a good request");
    }
    policy.explain(&request, &workspace, input["i"].as_u64().expect("an index") as usize).map(|_| ())
}

#[test]
fn every_error_has_its_code_argument_and_index() {
    let document = document("errors.json");
    let (mut executed, mut skipped) = (0, 0);
    for case in list(&document, "cases").iter().filter(|c| list(c, "faces").contains(&json!("rust"))) {
        let Some(found) = call(case) else {
            skipped += 1;
            continue;
        };
        let error: Error = found.expect_err(&format!("{case} is refused"));
        let found = json!([error.code(), error.argument(), error.index()]);
        assert_eq!(found, json!([case["code"], case["argument"], case["index"]]), "{case}\n{error}");
        executed += 1;
    }
    println!("executed {executed} faults, {skipped} skipped: they need the feature arrow");
    assert!(executed > 0);
}

#[test]
fn every_code_has_a_vector() {
    // These take a layout of memory, an order of calls, a full memory or a bug: each face tests those it can raise.
    let only_faces = [codes::LAYOUT, codes::CLOSED, codes::CONCURRENT, codes::MEMORY, codes::PANIC, codes::LIBRARY];
    // These a scorer with a live policy: scorer_install.rs, and the tests of each face's scorer.
    let only_scorers = [codes::STALE, codes::FOREIGN, codes::OLDER, codes::WORSE, codes::NOT_KEPT];
    // And these a checkpoint or a packed log, which plan_checkpoint.rs and plan_packed.rs write, damage and swap.
    let only_files = [codes::FILE_CORRUPT, codes::FILE_VERSION, codes::FOREIGN_FILE];
    let only_faces: BTreeSet<&str> = only_faces.into_iter().chain(only_scorers).chain(only_files).chain([codes::CANCELLED]).collect();
    let document = document("errors.json");
    let covered: BTreeSet<&str> = list(&document, "cases").iter().map(|c| c["code"].as_str().expect("a code")).collect();
    for (code, _, _) in CODES {
        assert_ne!(covered.contains(code), only_faces.contains(code), "{code} has either a vector or a face that tests it");
    }
    for code in covered {
        assert!(CODES.iter().any(|(known, _, _)| *known == code), "{code} is a code");
    }
}

#[cfg(not(feature = "arrow"))]
mod tables {
    pub(super) fn call(_case: &serde_json::Value) -> Option<equipoise::Result<()>> {
        None
    }
}

#[cfg(feature = "arrow")]
mod tables {
    use super::{Problem, Result, Value, list};
    use arrow_array::builder::{Float64Builder, ListBuilder, StringBuilder, StructBuilder};
    use arrow_array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, StringArray, TimestampMicrosecondArray,
    };
    use arrow_schema::{DataType, Field};
    use equipoise::plan::Settings;
    use equipoise::table::{ReadOptions, read_campaigns, read_opportunities};
    use equipoise::{Campaigns, Opportunities};
    use std::sync::Arc;

    fn number(value: &Value) -> Option<f64> {
        value.as_f64().or_else(|| value.as_str().map(|text| text.parse().expect("a number")))
    }

    fn array(column: &Value) -> ArrayRef {
        let values = list(column, "values");
        let instants = || values.iter().map(Value::as_i64).collect::<TimestampMicrosecondArray>();
        match column["type"].as_str().expect("a type") {
            "utf8" => Arc::new(values.iter().map(Value::as_str).collect::<StringArray>()),
            "f64" => Arc::new(values.iter().map(number).collect::<Float64Array>()),
            "i64" => Arc::new(values.iter().map(Value::as_i64).collect::<Int64Array>()),
            "bool" => Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>()),
            "instant" => Arc::new(instants().with_timezone("UTC")),
            "naive" => Arc::new(instants()),
            "list" => {
                let mut builder = ListBuilder::new(StringBuilder::new());
                for value in values {
                    builder.append_option(value.as_array().map(|names| names.iter().map(Value::as_str).collect::<Vec<_>>()));
                }
                Arc::new(builder.finish())
            }
            "goals" => {
                let field = |name: &str, kind| Field::new(name, kind, true);
                let fields = [field("kind", DataType::Utf8), field("measure", DataType::Utf8), field("amount", DataType::Float64)];
                let mut builder = ListBuilder::new(StructBuilder::from_fields(fields.to_vec(), 1));
                for value in values {
                    for goal in value.as_array().into_iter().flatten() {
                        let own = builder.values();
                        for (at, name) in ["kind", "measure"].iter().enumerate() {
                            own.field_builder::<StringBuilder>(at).expect("a text").append_option(goal[name].as_str());
                        }
                        own.field_builder::<Float64Builder>(2).expect("a number").append_option(number(&goal["amount"]));
                        own.append(true);
                    }
                    builder.append(value.is_array());
                }
                Arc::new(builder.finish())
            }
            other => panic!("no such type: {other}"),
        }
    }

    fn batch(input: &Value) -> RecordBatch {
        let columns = list(input, "columns").iter().map(|c| (c["name"].as_str().expect("a name"), array(c), true));
        RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
    }

    fn campaigns(input: &Value) -> Result<Campaigns> {
        let batch = batch(input);
        let schema = batch.schema();
        read_campaigns(RecordBatchIterator::new([Ok(batch)], schema), &ReadOptions::default())
    }

    fn opportunities(input: &Value) -> Result<Opportunities> {
        let batch = batch(input);
        let schema = batch.schema();
        let measures: Vec<&str> = list(input, "measures").iter().map(|m| m.as_str().expect("a name")).collect();
        read_opportunities(RecordBatchIterator::new([Ok(batch)], schema), &measures, &ReadOptions::default())
    }

    #[allow(clippy::unnecessary_wraps, reason = "the twin of a build without arrow has nothing to return")]
    pub(super) fn call(case: &Value) -> Option<Result<()>> {
        let input = &case["input"];
        Some(match case["call"].as_str() {
            Some("campaigns") => campaigns(input).map(|_| ()),
            Some("opportunities") => opportunities(input).map(|_| ()),
            _ => {
                let problem = Problem::from_json(&super::text_of(&input["problem"])).expect("a good problem");
                let log = opportunities(&input["opportunities"]).expect("a good log");
                let campaigns = campaigns(&input["campaigns"]).expect("good campaigns");
                equipoise::plan::plan(&problem, &log, &campaigns, &Settings::new()).map(|_| ())
            }
        })
    }
}
