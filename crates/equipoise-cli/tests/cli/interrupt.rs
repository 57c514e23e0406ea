//! Ctrl-C stops a plan.
#![cfg(unix)]

use crate::world::{PROBLEM, World, plan_words};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;

#[test]
fn an_interrupted_plan_ends_cancelled_with_status_1_and_no_policy() {
    let world = World::new();
    // The program waits for the problem to come through a pipe, so that the interrupt arrives while it runs, every time.
    let path = world.path("problem.toml");
    fs::remove_file(&path).expect("the file makes room");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let words = [plan_words("policy.safetensors"), vec!["--json"]].concat();
    let child = world.command(&words).stdout(Stdio::piped()).spawn().expect("the program runs");
    let mut problem = OpenOptions::new().write(true).open(&path).expect("the program opens the other end");
    kill_process(Pid::from_child(&child), Signal::INT).expect("the interrupt is sent");
    problem.write_all(PROBLEM.as_bytes()).expect("the problem is sent");
    drop(problem);

    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(document["status"], "cancelled");
    assert!(!world.path("policy.safetensors").exists());
}
