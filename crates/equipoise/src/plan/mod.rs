//! Planning: prices for a sample of opportunities, with the certificate that says how good they are.

mod account;
mod book;
mod booking;
mod certificate;
mod changes;
mod checkpoint;
mod conflicts;
mod dense;
mod dual;
mod exact;
mod fractional;
mod frontier;
mod goals;
mod incidence;
mod inputs;
mod interval;
mod judged;
mod linear;
mod model;
mod newton;
mod packed;
mod parts;
mod precondition;
mod recovery;
mod relaxed;
mod served;
mod serving;
mod session;
mod settings;
#[cfg(test)]
mod sharded;
mod shifting;
mod solve;
mod spread;
mod system;
mod thinning;
mod tied;
mod ties;
mod tightening;
mod undecided;
mod until;
mod warm;
mod what_if;

pub use book::{Wish, book};
pub use booking::{Booking, Quantiles, Replicate};
pub use certificate::{Certificate, Status};
pub use changes::{Amount, CampaignChange, Changes, GoalChange};
pub use frontier::{Frontier, FrontierPoint, Vary};
pub use packed::{PackedDecisions, PackedLog, Packer, pack, plan_packed};
pub use served::{Outlook, ServedLedger, Serving, Side};
pub use session::Session;
pub use settings::{Progress, Settings, Unknown};
pub use what_if::{Shift, WhatIf};

use crate::error::Result;
use crate::exchange::Local;
use crate::model::{Campaigns, GoalKind, Opportunities, Problem};
use crate::policy::Policy;
use checkpoint::{Journal, Recorded};
use inputs::Inputs;
use judged::Judged;
use relaxed::{Ask, Relaxed};
use std::sync::Arc;
use std::time::Instant;

/// The outcome of [`plan`].
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) status: Status,
    pub(crate) certificate: Certificate,
    pub(crate) prices: Vec<PriceRow>,
    pub(crate) deliveries: Deliveries,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) decisions: Vec<Option<f64>>,
    /// Of a packed log: how to rebuild its decisions.
    answered: Option<packed::Answered>,
    pub(crate) policy: Policy,
    pub(crate) notes: Vec<String>,
    pub(crate) warm: Arc<warm::Warm>,
}

/// One ledger with its price: a row of `plan.prices`.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceRow {
    /// Name of the goal.
    pub goal: String,
    /// What the goal asks.
    pub kind: GoalKind,
    /// The measure counted.
    pub measure: String,
    /// Over what: `campaign=c1`, `market=SE`, `all`.
    pub scope: String,
    /// The price: positive charges, negative subsidises; per unit of the measure.
    pub price: f64,
    /// What the certified relaxed answer delivers; for a share the fraction of the whole.
    pub delivered: f64,
    /// The bound asked for; for a share the fraction; `None` for fairness, which asks no amount.
    pub bound: Option<f64>,
    /// How far inside the bound the delivery is; negative where it is missed.
    pub slack: Option<f64>,
}

/// What the certified relaxed answer delivers: rows campaigns in the order of their ids, columns `exposure` and the measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deliveries {
    /// Campaign ids, sorted.
    pub campaigns: Vec<String>,
    /// Measure names, `exposure` first.
    pub measures: Vec<String>,
    /// One column per measure.
    pub columns: Vec<Vec<f64>>,
}

/// Why a goal is not met: a row of `plan.conflicts`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The finding.
    pub kind: ConflictKind,
    /// The goal, with its scope.
    pub goal: String,
    /// What was asked.
    pub asked: f64,
    /// What the plan reaches.
    pub reached: f64,
    /// `unreachable`: the least relaxation of the bound with which all are feasible together; for a share in units of its measure.
    pub least_relaxation: Option<f64>,
    /// `outbid`: the price that would meet the goal.
    pub price: Option<f64>,
    /// `unreachable`: the goals that stand against this one, those that have a price where as little as possible is missed. `outbid` and
    /// `starves`: the campaigns that pay for it in exposures, who loses most first. At most 5.
    pub against: Vec<String>,
}

/// The kinds of [`Conflict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictKind {
    /// No allocation that keeps the hard goals meets all floors.
    Unreachable,
    /// Reachable, but the penalty is lower than the price of reaching it.
    Outbid,
    /// A hard `at_least` share that starves the whole.
    Starves,
    /// A campaign without an eligible row.
    NoSupply,
}

impl ConflictKind {
    /// The name used in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Outbid => "outbid",
            Self::Starves => "starves",
            Self::NoSupply => "no_supply",
        }
    }
}

impl Plan {
    /// How the solve ended.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
    /// How good the plan is.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    /// Every ledger with its price.
    #[must_use]
    pub fn prices(&self) -> &[PriceRow] {
        &self.prices
    }
    /// Campaign by measure.
    #[must_use]
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }
    /// What cannot be met, and why.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
    /// The certified relaxed answer, aligned with the rows of the log: `x` in `[0, 1]`; `None` on held-out opportunities. Empty for a
    /// packed log: see [`Plan::packed_decisions`].
    #[must_use]
    pub fn decisions(&self) -> &[Option<f64>] {
        &self.decisions
    }
    /// The same of a plan of a packed log, in parts that are read from its file one by one; `None` for a log in memory.
    #[must_use]
    pub fn packed_decisions(&self) -> Option<PackedDecisions> {
        self.answered.clone().map(PackedDecisions::new)
    }
    /// The policy that serves these prices.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
    /// What a careful reader should know, in sentences: defaults taken, flights ignored.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Plans prices for `problem` on the sample `log`.
///
/// Cost: a few tens of passes over the log's eligible rows, each a few nanoseconds a row and thread. Memory: about 22 bytes a row and 8 more per
/// measure beside the log (46 with three measures, by `scripts/bench solver memory`). Blocking; `settings.cancel` stops it within one pass. Safe to call from any thread.
///
/// # Errors
/// Every fault of the three inputs and the settings at once. Limits and cancellation are a [`Status`], not an error.
///
/// ```
/// use equipoise::model::{Campaign, CampaignGoal, GoalKind, CandidateRow, Id, OpportunityRow};
/// use equipoise::plan::{Settings, Status, plan};
/// use equipoise::{Campaigns, Opportunities, Problem};
///
/// let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n")?;
/// let cap = |amount| vec![CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount, penalty: None }];
/// let campaigns = Campaigns::new(vec![Campaign { id: "a".into(), goals: cap(1.0), ..Default::default() }, Campaign { id: "b".into(), ..Default::default() }])?;
/// let mut log = Opportunities::builder(&["value"]);
/// for id in 0..4 {
///     log.opportunity(&OpportunityRow { id: Id::Int(id), ..Default::default() });
///     log.candidate(&CandidateRow { campaign: Some("a"), measures: &[0.9], ..Default::default() });
///     log.candidate(&CandidateRow { campaign: Some("b"), measures: &[0.5], ..Default::default() });
/// }
/// let plan = plan(&problem, &log.finish()?, &campaigns, &Settings::new().holdout(0.0))?;
/// assert_eq!(plan.status(), Status::Solved);
/// assert!((plan.certificate().value - (0.9 + 3.0 * 0.5)).abs() < 1e-3); // campaign a once, campaign b three times
/// # Ok::<(), equipoise::Error>(())
/// ```
pub fn plan(problem: &Problem, log: &Opportunities, campaigns: &Campaigns, settings: &Settings<'_>) -> Result<Plan> {
    inputs::check(settings)?;
    inputs::check_sample(log)?;
    let inputs = Inputs::new(problem, log, campaigns)?;
    let prepared = inputs.prepare(problem, log, settings)?;
    let fresh = settings.fresh.map(|fresh| inputs.prepare(problem, fresh, settings).map(|p| (fresh, p))).transpose()?;
    let (weight, held) = inputs::split(log, settings);
    let mut notes = inputs.notes.clone();
    let promises = inputs.promises(log, &prepared, &weight, Some(&mut notes));
    let (class, classes) = inputs.classes();
    let (mut sample, rows) = inputs.sample(&prepared, &class, classes.len(), &weight, None);
    let threads = settings.thread_count();
    let sample_key = warm::key(&inputs, &sample);
    let journal = Journal::of(settings, problem, campaigns, &inputs, &promises, &sample_key)?;
    let local = Recorded::new(Local::pack(&sample, threads)?, journal.clone());
    let mut relaxed = Relaxed { inputs: &inputs, local, classes, tie_breadth: None, best_worth: sample.best_worth(&inputs.weights) };
    // Packed they are there once more, and most of the sample.
    sample.measures = Vec::new();

    let started = Instant::now();
    let (cancelled, observe) = (|| settings.is_cancelled(), settings.reporter(started));
    let earlier = warm::Earlier::new(&inputs, settings.warm_start.map(|plan| &*plan.warm), &sample_key);
    let ask = Ask::new(&inputs, &promises, settings, &earlier, started, &cancelled, &observe);
    let mut x = Vec::new();
    let Judged { answer, account, conflicts, cut, mut certificate, status } = Judged::solve(&mut relaxed, &ask, |relaxed, answer| {
        x = relaxed.decisions(&answer.point)?;
        Ok(account::Account::of_decisions(&inputs, &prepared, &rows, &sample, &x))
    })?;
    let value = certificate.value;
    notes.extend(cut.then(|| judged::CUT.to_owned()));
    notes.extend(relaxed::note_of_limit(&answer.prices));

    let policy_of = |prices: &[f64], breadth: f64, certificate: &Certificate| {
        Policy::new(&inputs.draft(problem, campaigns, prices, breadth, certificate, status))
    };
    let warm = warm::Warm {
        key: sample_key,
        prices: account.price_rows(&inputs, &promises, &answer.prices),
        points: answer.points,
        pass: answer.pass,
    };
    let plain = ties::Broken { prices: answer.prices, breadth: 0.0 };
    let policy = policy_of(&plain.prices, 0.0, &certificate)?;
    let (served, mut policy) = if ties::matter(&mut relaxed, &ask, &plain.prices, &answer.point)? {
        let noise = ties::noise(&inputs, &prepared);
        let (sample, _) = inputs.sample(&prepared, &class, relaxed.classes.len(), &weight, Some(&noise));
        let local = Recorded::new(Local::pack(&sample, threads)?, journal.clone());
        let broken = ties::break_ties(Relaxed { local, ..relaxed }, &ask, &plain.prices)?;
        let regret = |policy: &Policy| {
            let mut served = account::Account::new(&inputs);
            serving::add_served(&mut served, &inputs, policy, log, &prepared, &weight, settings.shift)?;
            served.close(&inputs);
            Ok(ties::regret(&inputs, &promises, &served, value))
        };
        ties::better((plain, policy), broken, |b| policy_of(&b.prices, b.breadth, &certificate), regret, &mut notes)?
    } else {
        (plain, policy)
    };
    certificate.serving = match &fresh {
        Some((fresh, prepared)) => {
            let weight = inputs::stand_in(fresh, weight.iter().sum());
            serving::certify(&inputs, &policy, fresh, prepared, &weight, answer.bound, settings.shift)?
        }
        None => serving::certify(&inputs, &policy, log, &prepared, &held, answer.bound, settings.shift)?,
    };
    if certificate.serving.is_some() {
        policy = policy_of(&served.prices, served.breadth, &certificate)?;
    }

    Journal::close(journal)?;

    let mut decisions: Vec<Option<f64>> =
        (0..log.len()).flat_map(|t| log.rows(t).map(move |_| t)).map(|t| (weight[t] > 0.0).then_some(0.0)).collect();
    rows.iter().zip(&x).for_each(|(i, x)| decisions[*i as usize] = Some(*x));
    Ok(Plan {
        status,
        certificate,
        prices: account.price_rows(&inputs, &promises, &served.prices),
        deliveries: account.table(&inputs),
        conflicts: conflicts.into_iter().map(|c| c.row).collect(),
        decisions,
        answered: None,
        policy,
        notes,
        warm: Arc::new(warm),
    })
}
