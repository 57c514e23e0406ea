//! Ctrl-C stops whatever solves.
#![cfg(unix)]

use crate::world::{PROBLEM, World, input_words, plan_words};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;

/// Runs a command that is interrupted before it has read its problem; the status and the one object printed.
fn interrupted(world: &World, words: &[&str]) -> (Option<i32>, serde_json::Value) {
    // The program waits for the problem to come through a pipe, so that the interrupt arrives while it runs, every time.
    let path = world.path("problem.toml");
    let _ = fs::remove_file(&path);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let child = world.command(&[words, &["--json"]].concat()).stdout(Stdio::piped()).spawn().expect("the program runs");
    let mut problem = OpenOptions::new().write(true).open(&path).expect("the program opens the other end");
    kill_process(Pid::from_child(&child), Signal::INT).expect("the interrupt is sent");
    problem.write_all(PROBLEM.as_bytes()).expect("the problem is sent");
    drop(problem);
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("one JSON object"))
}

#[test]
fn an_interrupted_plan_ends_cancelled_with_status_1_and_no_policy() {
    let world = World::new();
    let (status, document) = interrupted(&world, &plan_words("policy.safetensors"));
    assert_eq!((status, &document["status"]), (Some(1), &json!("cancelled")));
    assert!(!world.path("policy.safetensors").exists());
}

#[test]
fn whatever_solves_ends_when_it_is_interrupted() {
    let world = World::new();
    let inputs = input_words();
    let (status, document) = interrupted(&world, &[&["what-if"][..], &inputs, &["--set", "campaigns.waves.cap=80"]].concat());
    assert_eq!((status, &document["status"]), (Some(1), &json!("cancelled")));
    let (status, document) = interrupted(&world, &[&["frontier"][..], &inputs, &["--vary", "objectives.stream=1,2"]].concat());
    assert_eq!((status, &document["points"]), (Some(1), &json!([])));
    let (status, document) = interrupted(&world, &[&["book"][..], &inputs, &["--campaign", "embers"]].concat());
    assert_eq!((status, &document["status"], &document["replicates"]), (Some(1), &json!("cancelled"), &json!([])));
}
