//! The command line as a user runs it: files in, exit status and JSON out.

mod bad_input;
mod book;
mod check;
mod diff;
mod explain;
mod frontier;
mod interrupt;
mod pack;
mod plan;
mod replay;
mod what_if;
mod world;
