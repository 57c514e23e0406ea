//! Reading what the commands are given: logs and campaign tables from Parquet, times and lengths of time.

use arrow_array::RecordBatchReader;
use equipoise::error::{codes, quote};
use equipoise::model::{Campaigns, Opportunities, Problem};
use equipoise::table::{self, ReadOptions};
use equipoise::{Error, Result};
use indexmap::IndexSet;
use std::path::Path;

/// How the columns of a log are read.
#[derive(clap::Args)]
pub(crate) struct ReadArguments {
    /// Read times without a zone as this zone; only `utc` is known.
    #[arg(long, value_name = "ZONE", value_parser = ["utc"])]
    naive: Option<String>,
    /// Value for the nulls of a column; may be repeated.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = fill)]
    fill: Vec<(String, f64)>,
}

impl ReadArguments {
    /// Reads a log, a Parquet file or a glob, with the measures of `wanted`. A log without a column `displacement` has it
    /// computed from `organic` and `reference`.
    pub(crate) fn log(&self, pattern: &str, wanted: &[String]) -> Result<Opportunities> {
        table::load_opportunities(pattern, &measures_there(pattern, wanted)?, &self.options())
    }

    /// Reads a log as [`ReadArguments::log`] does, in parts of about `rows` rows.
    pub(crate) fn parts(
        &self,
        pattern: &str,
        wanted: &[String],
        rows: usize,
        take: impl FnMut(&Opportunities) -> Result<()>,
    ) -> Result<()> {
        table::load_opportunities_in_parts(pattern, &measures_there(pattern, wanted)?, &self.options(), rows, take)
    }

    /// Reads a campaign table, a Parquet file or a glob.
    pub(crate) fn campaigns(&self, pattern: &str) -> Result<Campaigns> {
        table::load_campaigns(pattern, &self.options())
    }

    fn options(&self) -> ReadOptions {
        ReadOptions { naive_utc: self.naive.is_some(), fill: self.fill.iter().cloned().collect() }
    }
}

/// The wanted measures, without `displacement` where the log lacks the column.
fn measures_there(pattern: &str, wanted: &[String]) -> Result<Vec<String>> {
    let schema = table::open_parquet(pattern)?.schema();
    let is_there = |name: &str| name != "displacement" || schema.column_with_name(name).is_some();
    Ok(wanted.iter().filter(|name| is_there(name)).cloned().collect())
}

fn fill(text: &str) -> std::result::Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("want COLUMN=VALUE")?;
    Ok((name.to_owned(), value.parse().map_err(|e| format!("{value:?}: {e}"))?))
}

/// The measures that a problem and its campaigns value or count, in the order of the problem, without `exposure`.
pub(crate) fn measures(problem: &Problem, campaigns: &Campaigns) -> Vec<String> {
    let objectives = problem.objectives.keys();
    let goals = problem.goals.iter().map(|goal| &goal.measure);
    let own = campaigns.iter().flat_map(|campaign| campaign.goals.iter().map(|goal| &goal.measure));
    let names: IndexSet<&String> = objectives.chain(goals).chain(own).filter(|name| *name != "exposure").collect();
    names.into_iter().cloned().collect()
}

/// A length of time such as `7d`, `-36h` or `P1DT12H`, in microseconds; a day has 24 hours.
pub(crate) fn length(text: &str) -> std::result::Result<i64, String> {
    let span: jiff::Span = text.parse().map_err(|e: jiff::Error| e.to_string())?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|e| e.to_string())?;
    i64::try_from(length.as_micros()).map_err(|e| e.to_string())
}

/// Reads a whole text file of at most 16 MiB.
pub(crate) fn read_text(path: &Path, argument: &str) -> Result<String> {
    const MOST: u64 = 16 << 20;
    let refused = |e: std::io::Error| Error::new(codes::IO, argument, None, format!("{}: {e}", quote(&path.to_string_lossy())));
    let size = std::fs::metadata(path).map_err(refused)?.len();
    if size > MOST {
        return Err(Error::new(codes::TOO_LARGE, argument, None, format!("{size} bytes; at most {MOST} are read")));
    }
    std::fs::read_to_string(path).map_err(refused)
}
