//! `equipoise plan`.

use crate::world::{World, plan_words};
use serde_json::json;
use std::fs;

#[test]
fn plans_within_the_goals_and_writes_the_policy() {
    let world = World::new();
    let plan = world.plan("policy.safetensors", &["--holdout", "0"]);
    assert_eq!(plan["status"], "solved");
    let certificate = &plan["certificate"];
    assert!(certificate["gap"].as_f64().expect("a gap") <= 1e-4);
    assert!(certificate["worst_violation"].as_f64().expect("a violation") <= 1e-6);
    assert_eq!(certificate["serving"], json!(null));
    assert_eq!(plan["conflicts"], json!([]));
    let cap = plan["tightest"].as_array().expect("rows").iter().find(|row| row["kind"] == "cap").expect("the cap binds");
    assert_eq!(cap["scope"], "campaign=waves");
    assert!(cap["price"].as_f64().expect("a price") > 0.0);
    assert!(cap["delivered"].as_f64().expect("a delivery") <= 40.0 * (1.0 + 1e-6));
    assert!(world.path("policy.safetensors").exists());
}

#[test]
fn certifies_the_serving_rule_on_opportunities_kept_out() {
    let world = World::new();
    let serving = world.plan("policy.safetensors", &["--holdout", "0.25", "--seed", "3"])["certificate"]["serving"].clone();
    let kept_out = serving["opportunities"].as_u64().expect("a count");
    assert!((40..=160).contains(&kept_out), "{kept_out} of 400 at a quarter");
    let tightest = serving["tightest"].as_array().expect("ledgers");
    assert!(!tightest.is_empty());
    for ledger in tightest {
        let number = |name: &str| ledger[name].as_f64().expect("a number");
        assert!(number("lower") <= number("predicted") && number("predicted") <= number("upper"), "{ledger}");
    }
}

#[test]
fn equal_plans_are_equal_files_for_every_number_of_threads() {
    let world = World::new();
    world.plan("one.safetensors", &["--threads", "1"]);
    world.plan("three.safetensors", &["--threads", "3"]);
    assert_eq!(fs::read(world.path("one.safetensors")).expect("a file"), fs::read(world.path("three.safetensors")).expect("a file"));
}

#[test]
fn traffic_multiplies_what_a_cap_allows() {
    let world = World::new();
    let plan = world.plan("policy.safetensors", &["--traffic", "10", "--top", "100", "--holdout", "0"]);
    let cap = plan["tightest"].as_array().expect("rows").iter().find(|row| row["kind"] == "cap").expect("the cap binds");
    assert!(cap["delivered"].as_f64().expect("a delivery") <= 40.0 * (1.0 + 1e-6), "40 picks of a flight ten times the log");
}

#[test]
fn a_plan_at_its_limit_has_status_1_and_writes_no_policy() {
    let world = World::new();
    let words = [plan_words("policy.safetensors"), vec!["--time-limit", "0"]].concat();
    let (status, plan) = world.json(&words);
    assert_eq!(status, 1);
    assert_eq!(plan["status"], "time_limit");
    assert_eq!(plan["out"], json!(null));
    assert!(!world.path("policy.safetensors").exists());

    let (status, plan) = world.json(&[words, vec!["--force"]].concat());
    assert_eq!(status, 1);
    assert_eq!(plan["out"], "policy.safetensors");
    assert!(world.path("policy.safetensors").exists());
}

#[test]
fn a_floor_beyond_the_supply_is_a_conflict_and_no_error() {
    let world = World::new();
    let problem = fs::read_to_string(world.path("problem.toml")).expect("the problem")
        + "[[goals]]\nkind = \"floor\"\nmeasure = \"exposure\"\nof = { campaign = \"waves\" }\nat_least = 1e6\n";
    fs::write(world.path("problem.toml"), problem).expect("the problem");
    let plan = world.plan("policy.safetensors", &["--holdout", "0"]);
    let conflicts = plan["conflicts"].as_array().expect("rows");
    assert!(conflicts.iter().any(|row| row["kind"] == "unreachable" && row["asked"] == 1e6), "{conflicts:?}");
}

#[test]
fn the_text_names_status_goals_and_policy_and_escapes_ids() {
    let world = World::new();
    let output = world.run(&plan_words("policy.safetensors"));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("solved: gap "), "{text}");
    assert!(text.contains("campaign=waves"), "{text}");
    assert!(text.contains("written to policy.safetensors"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(output.stderr.is_empty(), "progress is for terminals only: {:?}", String::from_utf8_lossy(&output.stderr));
}
