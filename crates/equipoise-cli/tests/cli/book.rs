//! `equipoise book`.

use crate::world::{World, input_words};
use serde_json::{Value, json};

fn book(world: &World, more: &[&str]) -> (i32, Value) {
    world.json(&[&["book"][..], &input_words(), &["--replicates", "20"], more].concat())
}

#[test]
fn the_goal_of_the_table_is_booked_with_probability_and_price() {
    let world = World::new();
    let (status, answer) = book(&world, &["--campaign", "embers"]);
    assert_eq!(status, 0, "{answer:#}");
    assert_eq!((&answer["amount"], &answer["measure"], &answer["status"]), (&json!(60.0), &json!("exposure"), &json!("solved")));
    let replicates = answer["replicates"].as_array().expect("rows");
    assert_eq!(replicates.len(), 20);
    let met = replicates.iter().filter(|r| r["deliverable"].as_f64().expect("a number") >= 60.0 * (1.0 - 1e-6)).count();
    assert_eq!(answer["probability"], json!(met as f64 / 20.0));
    let interval = &answer["probability_interval"];
    assert!(interval[0].as_f64() <= answer["probability"].as_f64() && answer["probability"].as_f64() <= interval[1].as_f64());
}

#[test]
fn more_is_never_likelier_and_a_seed_repeats_itself() {
    let world = World::new();
    let probability = |amount: &str| {
        let (status, answer) = book(&world, &["--campaign", "waves", "--amount", amount, "--penalty", "0.5", "--seed", "3"]);
        assert_eq!(status, 0, "{answer:#}");
        answer["probability"].as_f64().expect("a probability")
    };
    // The campaign's own cap is 40.
    let (little, some, much) = (probability("1"), probability("38"), probability("41"));
    assert!(little >= some && some >= much, "{little} {some} {much}");
    assert_eq!((little, much), (1.0, 0.0));
    assert_eq!(book(&world, &["--campaign", "embers", "--seed", "3"]).1, book(&world, &["--campaign", "embers", "--seed", "3"]).1);
}

#[test]
fn a_measure_of_its_own_is_read_from_the_log() {
    let world = World::new();
    let (status, answer) = book(&world, &["--campaign", "embers", "--measure", "organic_streams", "--amount", "5"]);
    assert!(status == 2 && answer.to_string().contains("organic_streams"), "{answer:#}");
    let (status, answer) = book(&world, &["--campaign", "embers", "--measure", "stream", "--amount", "5"]);
    assert_eq!(status, 0, "{answer:#}");
    assert_eq!(answer["measure"], "stream");
}

#[test]
fn who_is_not_there_cannot_be_booked_and_a_limit_has_status_1() {
    let world = World::new();
    let (status, answer) = book(&world, &["--campaign", "nobody", "--amount", "1"]);
    assert_eq!((status, &answer["error"]["code"]), (2, &json!("invalid_input.unknown_campaign")), "{answer:#}");
    let (status, answer) = book(&world, &["--campaign", "embers", "--time-limit", "0"]);
    assert_eq!((status, &answer["status"]), (1, &json!("time_limit")), "{answer:#}");
    let output = world.run(&[&["book"][..], &input_words(), &["--campaign", "embers", "--replicates", "5"]].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("booking of 60.000000 exposure for embers") && text.contains("5 replicates (solved)"), "{text}");
}
