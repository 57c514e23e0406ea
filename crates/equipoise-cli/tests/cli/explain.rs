//! `equipoise explain`.

use crate::world::World;
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
