//! A log through a policy, opportunity by opportunity.

use super::{Batch, Each, Outcome};
use crate::error::{Error, Result, codes, quote};
use crate::model::{Names, Opportunities, Reason};
use crate::plan::Unknown;
use crate::policy::{NONE, ORGANIC, Policy, UNKNOWN};
use crate::score::{Gates, Measures};

/// What the serving rule does with every row of a log, in the log's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    /// Promotion scores; +0 where not scored.
    pub scores: Vec<f32>,
    /// Whether the row was picked.
    pub picked: Vec<bool>,
    /// The place of a pick, counted from 1; 0 where not picked.
    pub positions: Vec<u8>,
    /// What became of the row.
    pub reasons: Vec<Reason>,
}

/// Replays `log` through `policy`: the arithmetic and the slate of a request, opportunity by opportunity.
///
/// Slots come from the log's column, else from the slate. Campaigns that the policy does not know are organic under [`Unknown::Organic`] (their
/// reason is `unknown`). A log without a column `displacement` has it filled from `organic` and `reference`; one without times is checked
/// against no flight. Long logs are shared out to all processors by threads that end with the call; the outcome does not depend on how many.
///
/// # Errors
/// `invalid_input.missing` for a measure (or a reference) that the log lacks and `invalid_input.unknown_campaign` under [`Unknown::Error`].
pub fn replay(policy: &Policy, log: &Opportunities, unknown: Unknown) -> Result<Replay> {
    replay_gated(policy, None, log, unknown, &mut || true)
}

/// As [`replay`], under the switches and breakers of [`crate::score::Scorer::gates`], as long as `go_on` says so: it is asked by the calling thread
/// now and then.
///
/// # Errors
/// As [`replay`], `invalid_input.foreign_row` for gates of another policy, and `usage.cancelled`.
pub fn replay_gated(
    policy: &Policy,
    gates: Option<&Gates>,
    log: &Opportunities,
    unknown: Unknown,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Replay> {
    let (columns, mut rows) = (columns(policy, log)?, rows(policy, log, unknown)?);
    // Whatever is no campaign's number finds the last.
    rows.push(ORGANIC);
    let market = numbers(log.market.as_deref(), &log.markets, |name| policy.market(name));
    let surface = numbers(log.surface.as_deref(), &log.surfaces, |name| policy.surface(name));
    let batch = Batch {
        rows: Some(&rows),
        market: each(market.as_deref()).unwrap_or(Each::All(NONE)),
        surface: each(surface.as_deref()).unwrap_or(Each::All(NONE)),
        gates,
        ..of_log(log, Measures::Slices { columns: &columns, offset: 0 })
    };
    Replay::fill(log.candidates(), |outcome| batch.score(policy, outcome, go_on))
}

/// The columns of a log as requests, but for what has to be told by names: campaigns are numbers of the log, segments none.
pub(crate) fn of_log<'a>(log: &'a Opportunities, measures: Measures<'a>) -> Batch<'a> {
    Batch {
        organic: log.organic.as_deref(),
        item: log.item.as_deref(),
        artist: log.artist.as_deref(),
        frequency: log.frequency.as_deref(),
        time: each(log.time.as_deref()),
        slots: each(log.slots.as_deref()),
        key: each(Some(log.key.as_deref().unwrap_or(&log.id_hash))),
        reference: each(log.reference.as_deref()),
        ..Batch::new(if log.starts.is_empty() { &[0] } else { &log.starts }, &log.campaign, measures)
    }
}

pub(crate) fn each<T: Copy>(column: Option<&[T]>) -> Option<Each<'_, T>> {
    column.map(Each::Own)
}

/// The policy's number of the name of every opportunity.
fn numbers(column: Option<&[u32]>, names: &Names, find: impl Fn(&str) -> u32) -> Option<Vec<u32>> {
    let numbers: Vec<u32> = names.as_slice().iter().map(|name| find(name)).collect();
    column.map(|column| column.iter().map(|name| numbers.get(*name as usize).copied().unwrap_or(NONE)).collect())
}

impl Replay {
    /// What `score` makes of `n` rows.
    pub(crate) fn fill(n: usize, score: impl FnOnce(Outcome<'_>) -> Result<()>) -> Result<Self> {
        let (mut scores, mut positions, mut reasons) = (vec![0.0; n], vec![0; n], vec![0; n]);
        score(Outcome { scores: &mut scores, positions: &mut positions, reasons: &mut reasons })?;
        let picked = positions.iter().map(|position| *position > 0).collect();
        Ok(Self { scores, picked, positions, reasons: reasons.into_iter().map(Reason::of_code).collect() })
    }
}

/// The policy's measures as columns of the log; an empty one where `displacement` is to be filled.
fn columns<'a>(policy: &Policy, log: &'a Opportunities) -> Result<Vec<&'a [f32]>> {
    let column = |(j, name): (usize, &String)| match log.measure(name) {
        Some(column) => Ok(column),
        None if policy.displacement() == Some(j) => Ok([].as_slice()),
        None => Err(Error::new(
            codes::MISSING,
            name.as_str(),
            None,
            format!("the policy needs the measure {}, which the log lacks", quote(name)),
        )),
    };
    policy.measures().iter().enumerate().map(column).collect()
}

/// The policy's row of each of the log's campaigns.
fn rows(policy: &Policy, log: &Opportunities, unknown: Unknown) -> Result<Vec<u32>> {
    let rows = policy.rows(log.campaigns.as_slice());
    if unknown == Unknown::Error
        && let Some(at) = rows.iter().position(|row| *row == UNKNOWN)
    {
        let index = log.campaign.iter().position(|c| *c as usize == at).map(|i| i as u64);
        let message = format!("the policy has no campaign {}", quote(log.campaigns.name(at as u32)));
        return Err(Error::new(codes::UNKNOWN_CAMPAIGN, "campaign", index, message));
    }
    Ok(rows)
}
