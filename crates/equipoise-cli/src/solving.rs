//! What all commands that solve are given: the three inputs, and how to solve.

use crate::inputs::{self, ReadArguments};
use crate::progress::Line;
use clap::ValueEnum;
use equipoise::error::codes;
use equipoise::model::{Campaigns, Opportunities, Problem};
use equipoise::plan::{Settings, Unknown};
use equipoise::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

/// A problem, a log and a campaign table.
#[derive(clap::Args)]
pub(crate) struct InputArguments {
    /// The problem: objectives, slate rules and goals, as .toml or .json.
    #[arg(long, value_name = "FILE")]
    pub(crate) problem: PathBuf,
    /// The opportunity log: a Parquet file, or a glob such as 'log/*.parquet'.
    #[arg(long, value_name = "PARQUET")]
    pub(crate) log: String,
    #[command(flatten)]
    pub(crate) read: ReadArguments,
    /// The campaign table, a Parquet file or glob.
    #[arg(long, value_name = "PARQUET")]
    pub(crate) campaigns: String,
}

impl InputArguments {
    /// Reads all three; the log with `more`, a measure beside those of problem and campaigns.
    pub(crate) fn read(&self, more: Option<&str>, line: &Line) -> Result<(Problem, Opportunities, Campaigns)> {
        line.say("reading");
        let problem = Problem::load(&self.problem)?;
        let campaigns = self.read.campaigns(&self.campaigns)?;
        let mut measures = inputs::measures(&problem, &campaigns);
        measures.extend(more.filter(|name| *name != "exposure" && !measures.iter().any(|m| m == name)).map(str::to_owned));
        let log = self.read.log(&self.log, &measures)?;
        Ok((problem, log, campaigns))
    }
}

/// How a command solves.
#[derive(clap::Args)]
pub(crate) struct SolveArguments {
    /// Relative gap at which the plan counts as solved.
    #[arg(long, default_value_t = 1e-4)]
    pub(crate) tolerance: f64,
    /// Multiplies all weights: a 10 % sample has traffic 10.
    #[arg(long, default_value_t = 1.0)]
    traffic: f64,
    /// Moves the log's times before flights are checked, such as 28d.
    #[arg(long, value_name = "TIME", value_parser = inputs::length, allow_hyphen_values = true)]
    shift: Option<i64>,
    /// What to do with campaigns of the log that the campaign table lacks.
    #[arg(long, value_enum, default_value_t = UnknownArgument::Error)]
    unknown: UnknownArgument,
    /// Draws the hold-out, and a booking's opportunities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Worker threads, all processors if not given; the result has the same bits for every number.
    #[arg(long)]
    threads: Option<usize>,
    /// Seconds after which the command stops with what it has.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
}

impl SolveArguments {
    /// The settings that they are.
    pub(crate) fn settings<'a>(&self) -> Result<Settings<'a>> {
        let mut settings = Settings::new()
            .tolerance(self.tolerance)
            .traffic(self.traffic)
            .shift(self.shift.unwrap_or(0))
            .unknown(self.unknown.into())
            .seed(self.seed);
        if let Some(threads) = self.threads {
            settings = settings.threads(threads);
        }
        if let Some(limit) = self.time_limit()? {
            settings = settings.time_limit(limit);
        }
        Ok(settings)
    }

    /// After how long to stop.
    pub(crate) fn time_limit(&self) -> Result<Option<Duration>> {
        let told =
            |seconds, e| Error::new(codes::RANGE, "time_limit", None, format!("{seconds:?} is not a length of time in seconds: {e}"));
        self.time_limit.map(|seconds| Duration::try_from_secs_f64(seconds).map_err(|e| told(seconds, e))).transpose()
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum UnknownArgument {
    /// Refuse the log.
    Error,
    /// Treat their candidates as organic.
    Organic,
}

impl From<UnknownArgument> for Unknown {
    fn from(argument: UnknownArgument) -> Self {
        match argument {
            UnknownArgument::Error => Self::Error,
            UnknownArgument::Organic => Self::Organic,
        }
    }
}
