//! The equipoise command line: plans prices, says what would be, books, checks, explains, compares and replays policies.
//!
//! Exit status: 0 good, 1 a goal of the command not met (a plan at its limit, a failed check), 2 bad input.

#![forbid(unsafe_code)]

mod book;
mod check;
mod diff;
mod explain;
mod frontier;
mod inputs;
mod metadata;
mod output;
mod pack;
mod plan;
mod progress;
mod replay;
mod request;
mod rows;
mod solving;
mod what_if;

use clap::{Parser, Subcommand};
use output::Report;
use std::process::ExitCode;

/// Plans promotion prices and looks into the policies that serve them.
///
/// Exit status: 0 good; 1 a goal of the command was not met (limit reached, check failed); 2 bad input.
#[derive(Parser)]
#[command(name = "equipoise", version, propagate_version = true)]
struct Cli {
    /// Print one JSON object instead of text, also on errors.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Pack(pack::Arguments),
    Plan(plan::Arguments),
    WhatIf(what_if::Arguments),
    Frontier(frontier::Arguments),
    Book(book::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Diff(diff::Arguments),
    Replay(replay::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Pack(arguments) => pack::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::WhatIf(arguments) => what_if::run(&arguments),
        Command::Frontier(arguments) => frontier::run(&arguments),
        Command::Book(arguments) => book::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
    };
    result.unwrap_or_else(|error| Report::of_error(&error)).print(cli.json)
}
