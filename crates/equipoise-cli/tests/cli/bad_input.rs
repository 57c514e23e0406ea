//! Bad input: exit status 2, a code, and where the fault is.

use crate::world::{World, campaigns, plan_words, write_parquet};
use std::fs;

#[test]
fn a_problem_that_names_no_column_says_which() {
    let world = World::new();
    fs::write(world.path("problem.toml"), "[objectives]\nsave = 1.0\n").expect("the problem");
    let (status, document) = world.json(&plan_words("policy.safetensors"));
    assert_eq!(status, 2);
    assert_eq!(document["error"]["argument"], "save", "{document:#}");
    assert!(!world.path("policy.safetensors").exists());
}

#[test]
fn every_fault_of_a_problem_is_listed() {
    let world = World::new();
    let text = "[objectives]\nstream = inf\n[[goals]]\nkind = \"cap\"\nmeasure = \"exposure\"\n";
    fs::write(world.path("problem.toml"), text).expect("the problem");
    let (status, document) = world.json(&plan_words("policy.safetensors"));
    assert_eq!(status, 2);
    let faults = document["error"]["faults"].as_array().expect("faults");
    let codes: Vec<_> = faults.iter().map(|f| f["code"].as_str().expect("a code")).collect();
    assert!(codes.contains(&"invalid_input.not_finite") && codes.contains(&"goal.scope") && codes.contains(&"goal.limit"), "{codes:?}");
}

#[test]
fn a_campaign_that_the_table_lacks_is_an_error_unless_organic() {
    let world = World::new();
    write_parquet(&world.path("campaigns.parquet"), &campaigns(["waves", "embers", "other"]));
    let (status, document) = world.json(&plan_words("policy.safetensors"));
    assert_eq!(status, 2);
    assert_eq!(document["error"]["code"], "invalid_input.unknown_campaign");
    world.plan("policy.safetensors", &["--unknown", "organic"]);
}

#[test]
fn text_errors_go_to_the_standard_error_with_ids_escaped() {
    let world = World::new();
    write_parquet(&world.path("campaigns.parquet"), &campaigns(["waves", "embers", "other"]));
    let output = world.run(&plan_words("policy.safetensors"));
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.contains("\\u{1b}[31mred") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_log_that_is_not_there_or_not_parquet_is_named() {
    let world = World::new();
    fs::remove_file(world.path("log.parquet")).expect("the log goes");
    let (status, document) = world.json(&plan_words("policy.safetensors"));
    assert_eq!((status, document["error"]["code"].as_str()), (2, Some("invalid_input.io")));
    fs::write(world.path("log.parquet"), "no Parquet").expect("a file");
    let (status, document) = world.json(&plan_words("policy.safetensors"));
    assert_eq!(status, 2);
    assert!(document["error"]["message"].as_str().expect("text").contains("log.parquet"), "{document:#}");
}

#[test]
fn a_wrong_flag_is_bad_input() {
    assert_eq!(World::new().run(&["plan", "--tolerance"]).status.code(), Some(2));
}

#[test]
fn a_setting_outside_its_range_is_bad_input() {
    let (status, document) = World::new().json(&[plan_words("p.safetensors"), vec!["--tolerance", "-1"]].concat());
    assert_eq!((status, document["error"]["argument"].as_str()), (2, Some("tolerance")));
}
