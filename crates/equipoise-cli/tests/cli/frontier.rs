//! `equipoise frontier`.

use crate::world::{World, input_words};
use serde_json::{Value, json};

fn frontier(world: &World, more: &[&str]) -> (i32, Value) {
    world.json(&[&["frontier"][..], &input_words(), &["--holdout", "0"], more].concat())
}

fn values(answer: &Value) -> Vec<f64> {
    answer["points"].as_array().expect("points").iter().map(|p| p["certificate"]["value"].as_f64().expect("a value")).collect()
}

#[test]
fn a_looser_guardrail_is_worth_no_less_at_every_point() {
    let world = World::new();
    let (status, answer) = frontier(&world, &["--vary", "goals[0].at_most=0.01:0.05", "--points", "5"]);
    assert_eq!(status, 0, "{answer:#}");
    let points = answer["points"].as_array().expect("points");
    let levels: Vec<f64> = points.iter().map(|p| p["levels"][0].as_f64().expect("a level")).collect();
    assert_eq!((levels[0], levels[4], levels.len()), (0.01, 0.05, 5));
    assert!((levels[2] - 0.03).abs() < 1e-12, "{levels:?}");
    assert!(points.iter().all(|p| p["status"] == "solved" && p["certificate"]["gap"].as_f64().expect("a gap") <= 1e-4));
    let values = values(&answer);
    assert!(values.windows(2).all(|w| w[1] >= w[0] * (1.0 - 1e-4)), "{values:?}");
    assert!(values[4] > values[0], "{values:?}");
    assert_eq!(answer["measures"][0], "exposure");
}

#[test]
fn listed_levels_of_two_numbers_move_together() {
    let world = World::new();
    let (status, answer) = frontier(&world, &["--vary", "objectives.stream=1,2", "--vary", "campaigns.waves.cap=40,30"]);
    assert_eq!(status, 0, "{answer:#}");
    assert_eq!(answer["points"][1]["levels"], json!([2.0, 30.0]));
    let output = world.run(&[&["frontier"][..], &input_words(), &["--vary", "objectives.stream=1,2"]].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("objectives.stream") && text.contains("total exposure") && text.lines().count() == 3, "{text}");
}

#[test]
fn levels_that_do_not_fit_are_refused_before_anything_is_solved() {
    let world = World::new();
    for (words, code) in [
        (&["--vary", "objectives.stream=0:1"][..], "invalid_input.inconsistent"),
        (&["--vary", "objectives.stream=0,1", "--points", "3"], "invalid_input.inconsistent"),
        (&["--vary", "objectives.stream=1,2", "--vary", "goals[0].at_most=0.1"], "invalid_input.shape"),
        (&["--vary", "objectives.nothing=1,2"], "invalid_input.unknown_name"),
    ] {
        let (status, answer) = frontier(&world, words);
        assert_eq!((status, &answer["error"]["code"]), (2, &json!(code)), "{words:?}: {answer:#}");
    }
}

#[test]
fn points_that_the_time_limit_reaches_are_certified_with_status_1() {
    let world = World::new();
    let (status, answer) = frontier(&world, &["--vary", "objectives.stream=1,2", "--time-limit", "0"]);
    assert_eq!(status, 1, "{answer:#}");
    let points = answer["points"].as_array().expect("points");
    assert!(points.len() == 2 && points.iter().all(|p| p["status"] == "time_limit"), "{answer:#}");
    assert!(points.iter().all(|p| p["certificate"]["upper_bound"].as_f64() >= p["certificate"]["value"].as_f64()));
}
