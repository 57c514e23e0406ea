//! A log through a policy, opportunity by opportunity.

use crate::error::{Error, Result, codes, quote};
use crate::model::{self, Opportunities, Reason};
use crate::plan::Unknown;
use crate::policy::{NONE, ORGANIC, Policy, UNKNOWN};
use crate::score::{Gates, Measures, Request, Workspace};

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
/// against no flight.
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
    let columns = columns(policy, log)?;
    let rows = rows(policy, log, unknown)?;
    let numbers =
        |names: &model::Names, find: &dyn Fn(&str) -> u32| -> Vec<u32> { names.as_slice().iter().map(|name| find(name)).collect() };
    let markets = numbers(&log.markets, &|name| policy.market(name));
    let surfaces = numbers(&log.surfaces, &|name| policy.surface(name));
    let segment = |column: &Option<Vec<u32>>, numbers: &[u32], t: usize| {
        column.as_ref().and_then(|column| numbers.get(column[t] as usize)).copied().unwrap_or(NONE)
    };

    let mut outcome = Replay::default();
    outcome.scores.reserve_exact(log.candidates());
    outcome.reasons.reserve_exact(log.candidates());
    outcome.picked.resize(log.candidates(), false);
    outcome.positions.resize(log.candidates(), 0);
    let mut workspace = Workspace::default();
    let mut campaign = Vec::new();
    for t in 0..log.len() {
        let here = log.rows(t);
        campaign.clear();
        campaign.extend(log.campaign[here.clone()].iter().map(|c| if *c == model::ORGANIC { ORGANIC } else { rows[*c as usize] }));
        let request = Request {
            market: segment(&log.market, &markets, t),
            surface: segment(&log.surface, &surfaces, t),
            time: log.time.as_ref().map(|time| time[t]),
            slots: log.slots.as_ref().map(|slots| slots[t]),
            key: log.key(t),
            reference: log.reference.as_ref().map(|reference| reference[t]),
            organic: log.organic.as_ref().map(|organic| &organic[here.clone()]),
            item: log.item.as_ref().map(|item| &item[here.clone()]),
            artist: log.artist.as_ref().map(|artist| &artist[here.clone()]),
            frequency: log.frequency.as_ref().map(|frequency| &frequency[here.clone()]),
            gates,
            ..Request::new(&campaign, Measures::Slices { columns: &columns, offset: here.start })
        };
        let decision = policy.score(&request, &mut workspace)?;
        outcome.scores.extend_from_slice(decision.scores());
        outcome.reasons.extend_from_slice(decision.reasons());
        for (pick, position) in decision.picks().iter().zip(decision.positions()) {
            outcome.picked[here.start + *pick as usize] = true;
            outcome.positions[here.start + *pick as usize] = *position as u8;
        }
    }
    Ok(outcome)
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
