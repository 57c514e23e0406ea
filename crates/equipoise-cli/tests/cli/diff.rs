//! `equipoise diff`.

use crate::world::World;

#[test]
fn equal_policies_do_not_differ() {
    let world = World::new();
    world.plan("a.safetensors", &[]);
    let (status, diff) = world.json(&["diff", "a.safetensors", "a.safetensors"]);
    assert_eq!(status, 0);
    assert_eq!(diff["equal"], true);
}

#[test]
fn a_tenth_of_the_traffic_changes_the_price_of_the_cap() {
    let world = World::new();
    world.plan("a.safetensors", &[]);
    world.plan("b.safetensors", &["--traffic", "0.1"]);
    let (status, diff) = world.json(&["diff", "a.safetensors", "b.safetensors"]);
    assert_eq!(status, 0);
    assert_eq!(diff["equal"], false);
    let prices = diff["prices"].as_array().expect("rows");
    let cap = prices.iter().find(|row| row["name"].as_str().expect("text").ends_with("campaign=waves")).expect("the cap binds before");
    assert!(cap["before"].as_f64().expect("a price") > cap["after"].as_f64().unwrap_or(0.0));
}
