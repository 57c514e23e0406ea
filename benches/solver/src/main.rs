//! What the solver bench runs: `equipoise-bench-solver COMMAND FOLDER [--option value ...]`; each command prints one JSON object.
//!
//! | command | does | options |
//! |---|---|---|
//! | `plan` | plans a stored instance | `--tolerance` 1e-4, `--threads` 1, `--x FILE.npy` for the relaxed answer, `--time-limit` seconds, `--watch yes`, `--warm FOLDER` to start from the plan of another instance |
//! | `agd` | solves it by accelerated gradient over the same passes | `--tolerance`, `--threads`, `--x`, `--time-limit` |
//! | `limit` | times a pass and a bare sum over as many bytes | `--threads`, `--repeats` |
//! | `memory` | packs it and says what that keeps resident | |

mod agd;
mod instance;
mod limit;

mod npy;
mod options;
mod process;
mod sample;
mod solve;

use options::Options;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: equipoise-bench-solver plan|agd|limit|memory FOLDER [--option value ...]".into());
    };
    let (folder, options) = (Path::new(folder), Options::parse(rest)?);
    let report = match command.as_str() {
        "plan" => solve::run(folder, &options)?,
        "agd" => agd::run(folder, &options)?,
        "memory" => limit::memory(folder)?,
        "limit" => limit::run(folder, &options)?,
        other => return Err(format!("no command {other}").into()),
    };
    println!("{report}");
    Ok(())
}
