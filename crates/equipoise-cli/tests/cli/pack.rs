//! `equipoise pack`, and plans of what it packs.

use crate::world::{OPPORTUNITIES, World};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use std::fs;

const PACK: [&str; 9] =
    ["pack", "--problem", "problem.toml", "--log", "log.parquet", "--campaigns", "campaigns.parquet", "--out", "log.packed"];
const PLAN: [&str; 9] =
    ["plan", "--problem", "problem.toml", "--packed", "log.packed", "--campaigns", "campaigns.parquet", "--out", "packed.safetensors"];

/// The column of decisions in a file.
fn decisions(world: &World, name: &str) -> Vec<Option<f64>> {
    let reader = equipoise::table::open_parquet(world.path(name).to_str().expect("a name")).expect("a file");
    let column =
        |batch: RecordBatch| batch.column_by_name("x").expect("decisions").as_primitive::<Float64Type>().iter().collect::<Vec<_>>();
    reader.flat_map(|batch| column(batch.expect("rows"))).collect()
}

#[test]
fn a_packed_log_plans_to_the_same_policy() {
    let world = World::new();
    for holdout in ["0", "0.25"] {
        let from_log = world.plan("policy.safetensors", &["--holdout", holdout, "--decisions", "whole.parquet"]);
        let decided = decisions(&world, "whole.parquet");
        assert_eq!(decided.len(), 4 * OPPORTUNITIES);
        assert_eq!(decided.iter().any(Option::is_none), holdout != "0");
        let (status, packed) = world.json(&[&PACK[..], &["--holdout", holdout]].concat());
        assert_eq!(status, 0, "{packed:#}");
        for memory in [&[][..], &["--memory", "0"]] {
            let (status, from_packed) = world.json(&[&PLAN[..], memory, &["--decisions", "packed.parquet"]].concat());
            assert_eq!(status, 0, "{from_packed:#}");
            for number in ["upper_bound", "value", "passes"] {
                assert_eq!(from_packed["certificate"][number], from_log["certificate"][number], "{number}");
            }
            assert_eq!(decisions(&world, "packed.parquet"), decided);
            assert_eq!(
                fs::read(world.path("packed.safetensors")).expect("a policy"),
                fs::read(world.path("policy.safetensors")).expect("a policy")
            );
        }
    }
}

#[test]
fn a_damaged_packed_log_is_refused() {
    let world = World::new();
    assert_eq!(world.json(&PACK).0, 0);
    let mut bytes = fs::read(world.path("log.packed")).expect("a packed log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(world.path("log.packed"), bytes).expect("a damaged file");
    let (status, report) = world.json(&PLAN);
    assert_eq!(status, 2, "{report:#}");
    assert!(!world.path("packed.safetensors").exists());
}

#[test]
fn a_plan_that_stopped_goes_on_from_its_checkpoint() {
    let world = World::new();
    let whole = world.plan("policy.safetensors", &["--holdout", "0"]);
    let more = ["--holdout", "0", "--checkpoint", "plan.checkpoint"];
    let (status, stopped) =
        world.json(&[&crate::world::plan_words("stopped.safetensors"), &more[..], &["--time-limit", "0.000001"]].concat());
    assert_eq!(status, 1, "{stopped:#}");
    assert_eq!(stopped["status"], "time_limit");
    let resumed = world.plan("resumed.safetensors", &more);
    assert_eq!(resumed["certificate"]["upper_bound"], whole["certificate"]["upper_bound"]);
    assert_eq!(
        fs::read(world.path("resumed.safetensors")).expect("a policy"),
        fs::read(world.path("policy.safetensors")).expect("a policy")
    );
}
