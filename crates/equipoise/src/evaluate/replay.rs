//! A log through a policy, opportunity by opportunity.

use crate::error::{Error, Result, codes, quote};
use crate::model::{self, Opportunities, Reason};
use crate::plan::Unknown;
use crate::policy::{NONE, ORGANIC, Policy, UNKNOWN};
use crate::score::{Gates, Measures, Request, Workspace};
use std::iter;
use std::num::NonZero;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

/// Fewer rows than this are not worth a thread.
const ROWS_A_THREAD: usize = 1 << 17;

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
    replay_gated(policy, None, log, unknown)
}

/// As [`replay`], under the switches and breakers of [`crate::score::Scorer::gates`].
///
/// # Errors
/// As [`replay`], and `invalid_input.foreign_row` for gates of another policy.
pub fn replay_gated(policy: &Policy, gates: Option<&Gates>, log: &Opportunities, unknown: Unknown) -> Result<Replay> {
    let mut rows = rows(policy, log, unknown)?;
    // Whatever is no campaign's number finds the last.
    rows.push(ORGANIC);
    let numbers =
        |names: &model::Names, find: &dyn Fn(&str) -> u32| -> Vec<u32> { names.as_slice().iter().map(|name| find(name)).collect() };
    let job = Job {
        policy,
        gates,
        log,
        columns: columns(policy, log)?,
        rows,
        markets: numbers(&log.markets, &|name| policy.market(name)),
        surfaces: numbers(&log.surfaces, &|name| policy.surface(name)),
    };
    let n = log.candidates();
    let mut outcome = Replay { scores: vec![0.0; n], picked: vec![false; n], positions: vec![0; n], reasons: vec![Reason::Picked; n] };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(n / ROWS_A_THREAD).max(1);
    let shares = outcome.shares(log, threads);
    let outcomes: Vec<Result<()>> = thread::scope(|scope| {
        let job = &job;
        let mut shares = shares.into_iter();
        let own = shares.next();
        let running: Vec<_> = shares.map(|share| scope.spawn(move || job.run(share))).collect();
        let own = own.map_or(Ok(()), |share| job.run(share));
        iter::once(own).chain(running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))).collect()
    });
    // The first fault in the order of the log.
    outcomes.into_iter().collect::<Result<()>>()?;
    Ok(outcome)
}

/// What every opportunity needs.
struct Job<'a> {
    policy: &'a Policy,
    gates: Option<&'a Gates>,
    log: &'a Opportunities,
    columns: Vec<&'a [f32]>,
    /// The policy's row of each campaign of the log, then that of organic candidates.
    rows: Vec<u32>,
    markets: Vec<u32>,
    surfaces: Vec<u32>,
}

/// Some opportunities in a row, and where what becomes of their rows goes.
struct Share<'a> {
    opportunities: Range<usize>,
    scores: &'a mut [f32],
    picked: &'a mut [bool],
    positions: &'a mut [u8],
    reasons: &'a mut [Reason],
}

impl Replay {
    /// Cuts the log into shares of about as many rows each.
    fn shares(&mut self, log: &Opportunities, count: usize) -> Vec<Share<'_>> {
        let (mut scores, mut picked) = (self.scores.as_mut_slice(), self.picked.as_mut_slice());
        let (mut positions, mut reasons) = (self.positions.as_mut_slice(), self.reasons.as_mut_slice());
        let mut from = 0;
        let cut = |i: usize| {
            let row = (log.candidates() * (i + 1) / count) as u64;
            let to = if i + 1 == count { log.len() } else { log.starts.partition_point(|start| *start < row) };
            let opportunities = from..to.max(from);
            let here = (log.starts[opportunities.end] - log.starts[from]) as usize;
            from = opportunities.end;
            Share {
                opportunities,
                scores: scores.split_off_mut(..here).unwrap_or_default(),
                picked: picked.split_off_mut(..here).unwrap_or_default(),
                positions: positions.split_off_mut(..here).unwrap_or_default(),
                reasons: reasons.split_off_mut(..here).unwrap_or_default(),
            }
        };
        (0..count).map(cut).collect()
    }
}

impl Job<'_> {
    fn run(&self, share: Share<'_>) -> Result<()> {
        let Self { policy, gates, log, .. } = *self;
        let segment = |column: &Option<Vec<u32>>, numbers: &[u32], t: usize| {
            column.as_ref().and_then(|column| numbers.get(column[t] as usize)).copied().unwrap_or(NONE)
        };
        let (base, organic) = (log.rows(share.opportunities.start).start, self.rows.len() - 1);
        let mut workspace = Workspace::default();
        let mut campaign = Vec::new();
        for t in share.opportunities {
            let here = log.rows(t);
            campaign.clear();
            // Without a branch: who is organic cannot be guessed.
            campaign.extend(log.campaign[here.clone()].iter().map(|c| self.rows[(*c as usize).min(organic)]));
            let request = Request {
                market: segment(&log.market, &self.markets, t),
                surface: segment(&log.surface, &self.surfaces, t),
                time: log.time.as_ref().map(|time| time[t]),
                slots: log.slots.as_ref().map(|slots| slots[t]),
                key: log.key(t),
                reference: log.reference.as_ref().map(|reference| reference[t]),
                organic: log.organic.as_ref().map(|organic| &organic[here.clone()]),
                item: log.item.as_ref().map(|item| &item[here.clone()]),
                artist: log.artist.as_ref().map(|artist| &artist[here.clone()]),
                frequency: log.frequency.as_ref().map(|frequency| &frequency[here.clone()]),
                gates,
                ..Request::new(&campaign, Measures::Slices { columns: &self.columns, offset: here.start })
            };
            let decision = policy.score(&request, &mut workspace)?;
            let own = here.start - base..here.end - base;
            share.scores[own.clone()].copy_from_slice(decision.scores());
            share.reasons[own.clone()].copy_from_slice(decision.reasons());
            for (pick, position) in decision.picks().iter().zip(decision.positions()) {
                share.picked[own.start + *pick as usize] = true;
                share.positions[own.start + *pick as usize] = *position as u8;
            }
        }
        Ok(())
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
