//! `equipoise explain`.

use crate::world::{PROBLEM, World};
use serde_json::{Value, json};
use std::fs;

fn request() -> Value {
    json!({
        "market": "SE",
        "time": "2026-03-01T12:00:00Z",
        "key": 17,
        "candidates": [
            {"organic": 0.9, "measures": {"stream": 0.2}},
            {"campaign": "waves", "organic": 0.8, "measures": {"stream": 0.9}},
            {"campaign": "embers", "organic": 0.7, "item": "a song", "measures": {"stream": 0.8}},
            {"campaign": "nobody's", "organic": 0.6, "measures": {"stream": 0.9}},
        ],
    })
}

fn explain(world: &World, request: &Value) -> (i32, Value) {
    fs::write(world.path("request.json"), request.to_string()).expect("the request");
    world.json(&["explain", "policy.safetensors", "--request", "request.json"])
}

#[test]
fn every_candidate_is_explained_and_its_terms_sum_to_its_score() {
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let (status, answer) = explain(&world, &request());
    assert_eq!(status, 0, "{answer:#}");
    let candidates = answer["candidates"].as_array().expect("candidates");
    assert_eq!(candidates.len(), 4);
    for candidate in candidates {
        let terms = candidate["terms"].as_array().expect("terms");
        let sum = terms.iter().fold(0.0, |sum, term| sum + term["amount"].as_f64().expect("an amount"));
        assert_eq!(sum, candidate["score"].as_f64().expect("a score"), "{candidate:#}");
    }
    assert_eq!(candidates[0]["reason"], "organic");
    assert_eq!(candidates[3]["reason"], "unknown");
    assert!(candidates[1]["terms"].as_array().expect("terms").iter().any(|term| term["name"] == "stream"));
    for candidate in candidates {
        let cause = &candidate["cause"];
        assert_eq!(cause.is_null(), candidate["reason"] == "picked", "{candidate:#}");
        assert!(cause.is_null() || cause["text"].as_str().is_some_and(|text| !text.is_empty()), "{candidate:#}");
    }
    assert_eq!(candidates[3]["cause"]["name"], "unknown");
    assert_eq!(answer["propensity"], 1.0);
    let picked: Vec<_> = candidates.iter().filter(|c| c["reason"] == "picked").collect();
    assert!(picked.iter().all(|c| c["position"].is_u64()));
}

/// Three candidates of equal organic score, best first, and a slate of two places with these rules.
fn three_for_two(world: &World, rules: &str) -> Value {
    let problem = PROBLEM.replace("slots = 1\n", &format!("slots = 2\n{rules}\n"));
    fs::write(world.path("problem.toml"), problem).expect("the problem");
    world.plan("policy.safetensors", &[]);
    let candidate = |campaign: &str, stream: f64| json!({"campaign": campaign, "organic": 0.9, "measures": {"stream": stream}});
    let mut request =
        json!({"market": "SE", "candidates": [candidate("waves", 3.0), candidate("embers", 3.0), candidate("\u{1b}[31mred", 3.0)]});
    let (status, answer) = explain(world, &request);
    assert_eq!(status, 0, "{answer:#}");
    let score = |i: usize| answer["candidates"][i]["score"].as_f64().expect("a score");
    assert!((0..3).all(|i| score(i) > 0.0), "all could be picked: {answer:#}");
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
    request["candidates"] = order.iter().map(|i| request["candidates"][*i].clone()).collect();
    assert_eq!(places(world, &request), [1, 2, 0], "without the data the term is off");
    request
}

/// The place of each candidate among the picks, from 1; 0 for none.
fn places(world: &World, request: &Value) -> Vec<u64> {
    let (status, answer) = explain(world, request);
    assert_eq!(status, 0, "{answer:#}");
    let candidates = answer["candidates"].as_array().expect("candidates");
    let positions: Vec<Option<u64>> = candidates.iter().map(|c| c["position"].as_u64()).collect();
    positions.iter().map(|p| p.map_or(0, |p| 1 + positions.iter().flatten().filter(|q| **q < p).count() as u64)).collect()
}

fn with(request: &Value, field: &str, values: [Value; 3]) -> Value {
    let mut request = request.clone();
    for (i, value) in values.into_iter().enumerate() {
        request["candidates"][i][field] = value;
    }
    request
}

#[test]
fn what_list_terms_need_is_read_from_the_request() {
    let world = World::new();
    let plain = three_for_two(&world, "diversity = 100.0");
    let alike = [json!([1.0, 0.0]), json!([2.0, 0.0]), json!([0.0, 1.0])];
    assert_eq!(places(&world, &with(&plain, "embedding", alike.clone())), [1, 0, 2]);
    let mut pairs = plain.clone();
    pairs["similarity"] = json!([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert_eq!(places(&world, &pairs), [1, 0, 2]);
    let both = with(&pairs, "embedding", alike);
    assert_eq!(explain(&world, &both).1["error"]["code"], "invalid_input.duplicate");
    let (_, answer) = explain(&world, &with(&plain, "embedding", [json!([1.0]), json!([1.0, 2.0]), Value::Null]));
    let faults: Vec<_> = answer["error"]["faults"].as_array().expect("faults").iter().map(|f| (&f["code"], &f["argument"])).collect();
    let wanted = [("invalid_input.shape", "candidates[1].embedding"), ("invalid_input.missing", "candidates[2].embedding")];
    assert!(faults.iter().zip(wanted).all(|(f, w)| (f.0, f.1) == (&json!(w.0), &json!(w.1))) && faults.len() == 2, "{answer:#}");
}

#[test]
fn categories_and_their_target_are_read_from_the_request() {
    let world = World::new();
    let plain = three_for_two(&world, "calibration = 100.0");
    let mut mixed = with(&plain, "category", [json!("rock"), json!("rock"), json!("jazz")]);
    mixed["target"] = json!({"rock": 1, "jazz": 1});
    assert_eq!(places(&world, &mixed), [1, 0, 2]);
    mixed["target"] = json!({"rock": 1});
    let (status, answer) = explain(&world, &mixed);
    assert_eq!((status, &answer["error"]["argument"]), (2, &json!("candidates[2].category")), "{answer:#}");
}

#[test]
fn an_uncertainty_is_read_from_the_request() {
    let world = World::new();
    let plain = three_for_two(&world, "exploration = { bonus = 100.0 }");
    assert_eq!(places(&world, &with(&plain, "uncertainty", [Value::Null, Value::Null, json!(1.0)])), [2, 0, 1]);
}

#[test]
fn a_missing_measure_of_a_promoted_candidate_is_named() {
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let mut request = request();
    request["candidates"][1]["measures"] = json!({});
    let (status, answer) = explain(&world, &request);
    assert_eq!(status, 2);
    assert_eq!(answer["error"]["code"], "invalid_input.missing");
    assert_eq!(answer["error"]["argument"], "candidates[1].measures.stream");
}

#[test]
fn an_unknown_field_is_refused_with_its_line() {
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let (status, answer) = explain(&world, &json!({"markt": "SE", "candidates": []}));
    assert_eq!(status, 2);
    assert_eq!(answer["error"]["code"], "invalid_input.syntax");
    let message = answer["error"]["message"].as_str().expect("text");
    assert!(message.contains("markt") && message.contains("line 1"), "{message}");
}

#[test]
fn the_text_escapes_what_came_from_outside() {
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let request = json!({"candidates": [{"campaign": "\u{1b}[31mred", "organic": 0.5, "measures": {"stream": 0.5}}]});
    fs::write(world.path("request.json"), request.to_string()).expect("the request");
    let output = world.run(&["explain", "policy.safetensors", "--request", "request.json"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("\\u{1b}[31mred") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn the_request_on_the_front_page_is_one() {
    let page = include_str!("../../../../README.md");
    let (_, rest) = page.split_once("```json\n").expect("a JSON block");
    let (block, _) = rest.split_once("```").expect("its end");
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let (status, answer) = explain(&world, &serde_json::from_str(block).expect("JSON"));
    assert_eq!(status, 0, "{answer:#}");
    assert_eq!(answer["candidates"].as_array().expect("candidates").len(), 2);
}
