//! `equipoise check`.

use crate::world::World;
use serde_json::json;
use std::fs;

#[test]
fn a_good_policy_passes_and_is_described() {
    let world = World::new();
    let plan = world.plan("policy.safetensors", &[]);
    let (status, check) = world.json(&["check", "policy.safetensors"]);
    assert_eq!(status, 0, "{check:#}");
    assert_eq!(check["policy_id"], plan["policy_id"]);
    assert_eq!(check["measures"], json!(["stream", "displacement"]));
    assert_eq!(check["campaigns"], 3);
    assert_eq!(check["failed"], json!([]));
    let ledgers = &check["metadata"]["serving_ledgers"];
    assert_eq!(ledgers["row"].as_array().expect("rows").len(), ledgers["predicted"].as_array().expect("predictions").len());
}

#[test]
fn the_certificate_is_told_in_one_screen() {
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let text = String::from_utf8(world.run(&["check", "policy.safetensors"]).stdout).expect("UTF-8");
    for words in ["relaxed: value", "serving: value", "ledgers jointly at 95 %"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(text.lines().count() < 30 && !text.contains("serving_ledgers"), "{text}");
}

#[test]
fn a_damaged_policy_fails_with_its_code() {
    let world = World::new();
    world.plan("policy.safetensors", &[]);
    let path = world.path("policy.safetensors");
    let mut bytes = fs::read(&path).expect("the policy");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("the policy");
    let (status, check) = world.json(&["check", "policy.safetensors"]);
    assert_eq!(status, 1);
    assert_eq!(check["failed"][0]["code"], "policy.corrupt");
}

#[test]
fn a_missing_file_is_bad_input() {
    let (status, check) = World::new().json(&["check", "nowhere.safetensors"]);
    assert_eq!(status, 2);
    assert_eq!(check["error"]["code"], "invalid_input.io");
}
