//! `equipoise what-if`.

use crate::world::{World, input_words};
use serde_json::{Value, json};
use std::fs;

const WHAT_IF: [&str; 1] = ["what-if"];

fn what_if(world: &World, more: &[&str]) -> (i32, Value) {
    world.json(&[&WHAT_IF[..], &input_words(), &["--holdout", "0"], more].concat())
}

#[test]
fn a_raised_cap_says_who_gains_who_loses_and_what_it_is_worth() {
    let world = World::new();
    let (status, answer) = what_if(&world, &["--set", "campaigns.waves.cap=80"]);
    assert_eq!(status, 0, "{answer:#}");
    assert_eq!((&answer["status"], &answer["before"]["status"]), (&json!("solved"), &json!("solved")));
    let displaced = answer["displaced"].as_array().expect("rows");
    let waves = displaced.iter().find(|row| row["key"] == "waves").expect("it gains");
    let number = |row: &Value, name: &str| row[name].as_f64().expect("a number");
    assert!(number(waves, "before") <= 40.0 + 1e-4 && number(waves, "after") > 41.0, "{waves}");
    assert!((number(waves, "difference") - number(waves, "after") + number(waves, "before")).abs() < 1e-9);
    assert!(displaced.iter().any(|row| number(row, "difference") < 0.0), "places are taken from somebody: {displaced:?}");
    // A weaker goal is never worth less.
    assert!(number(&answer["value_difference"], "most") > 0.0);
    assert_eq!(answer["deliveries"].as_array().expect("rows").iter().filter(|row| row["measure"] == "exposure").count(), 3);
    assert!(fs::read_dir(world.path(".")).expect("a folder").count() == 3, "nothing is written");
}

#[test]
fn a_document_of_changes_may_pause_a_campaign() {
    let world = World::new();
    fs::write(world.path("changes.json"), r#"{"campaigns": {"embers": {"paused": true}}}"#).expect("the changes");
    let (status, answer) = what_if(&world, &["--changes", "changes.json"]);
    assert_eq!(status, 0, "{answer:#}");
    let rows = answer["deliveries"].as_array().expect("rows");
    let embers = rows.iter().find(|row| row["key"] == "embers" && row["measure"] == "exposure").expect("a row");
    assert!(embers["before"].as_f64().expect("a number") > 1.0 && embers["after"].as_f64().expect("a number") < 1e-6, "{embers}");
    let output = world.run(&[&WHAT_IF[..], &input_words(), &["--changes", "changes.json"]].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("displaced, in exposures") && text.contains("embers") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn what_is_not_there_cannot_change() {
    let world = World::new();
    let (status, answer) = what_if(&world, &["--set", "campaigns.nobody.cap=1"]);
    assert_eq!((status, &answer["error"]["code"]), (2, &json!("invalid_input.unknown_campaign")), "{answer:#}");
    let (status, answer) = what_if(&world, &["--set", "campaigns.waves.colour=1"]);
    assert_eq!((status, &answer["error"]["code"]), (2, &json!("invalid_input.syntax")), "{answer:#}");
}

#[test]
fn at_its_limit_it_has_status_1_and_says_what_it_knows() {
    let world = World::new();
    let (status, answer) = what_if(&world, &["--set", "campaigns.waves.cap=80", "--time-limit", "0"]);
    assert_eq!((status, &answer["status"]), (1, &json!("time_limit")), "{answer:#}");
    let certificate = &answer["certificate"];
    assert!(certificate["upper_bound"].as_f64() >= certificate["value"].as_f64(), "{answer:#}");
}
