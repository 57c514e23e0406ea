//! Booking: how likely a new campaign's goal is to be met, and what meeting it costs, by bootstrap over the opportunities of a sample.

use super::booking::{Booking, Replicate};
use super::certificate::Status;
use super::checkpoint::Recorded;
use super::inputs::{self, Inputs, Prepared};
use super::recovery::Point;
use super::relaxed::{Answer, Ask, Relaxed};
use super::settings::{Progress, Settings};
use crate::error::{Error, Result, codes, quote};
use crate::exchange::Local;
use crate::model::{Campaign, CampaignGoal, Campaigns, GoalKind, Opportunities, Problem, Scope, mix};
use crate::utility::Promise;
use std::time::Instant;

/// What is asked for whom, see [`book`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Wish {
    campaign: String,
    measure: String,
    amount: Option<f64>,
    penalty: Option<f64>,
    replicates: u32,
}

impl Wish {
    /// The floor, else the target, that `campaign` has in the campaign table; on `exposure`, by 200 replicates.
    #[must_use]
    pub fn new(campaign: impl Into<String>) -> Self {
        Self { campaign: campaign.into(), measure: "exposure".to_owned(), amount: None, penalty: None, replicates: 200 }
    }

    /// The measure that is counted.
    #[must_use]
    pub fn measure(mut self, measure: impl Into<String>) -> Self {
        self.measure = measure.into();
        self
    }

    /// At least so much of it over the flight, instead of what the campaign table says.
    #[must_use]
    pub fn amount(mut self, amount: f64) -> Self {
        self.amount = Some(amount);
        self
    }

    /// The most that a unit may cost, in organic-score units, instead of what the campaign table says.
    #[must_use]
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.penalty = Some(penalty);
        self
    }

    /// How often opportunities are drawn anew; 1 to 100,000.
    #[must_use]
    pub fn replicates(mut self, replicates: u32) -> Self {
        self.replicates = replicates;
        self
    }
}

/// Says how likely a campaign of the table is to get what it is wished, all other goals being kept as a plan keeps them, and what that costs.
///
/// Every replicate draws the log's opportunities anew (listeners, where it names them): each counts as often as a Poisson variable of mean 1 from
/// its id, `seed` and the replicate says, and weights are scaled to the flight's. On it three relaxed problems are solved, starting from the
/// prices of the same problem on the log as it is: without the wish; with every unit subsidised by the penalty, which gives the most that can be
/// delivered at that price; and with the wish as a floor, unless it comes true by itself. The wish is met where the most is enough, so that the
/// probability never rises with the amount. Item and slate rules are not seen, as in any relaxed plan.
///
/// Of the settings `tolerance`, `traffic`, `shift`, `unknown`, `seed`, `threads`, `time_limit`, `cancel` and `warm_start` (a plan of the same log,
/// whose prices are the start of the first solve) count; nothing is held out. The observer is told replicates as
/// `passes`, the probability so far as `value` and the part that is still to come as `gap`. Amounts are good to
/// [`Booking::resolution`]. Cost: three solves of a few passes for each replicate, and packing the log once.
///
/// # Errors
/// As [`plan`](super::plan()); `invalid_input.unknown_campaign` where the table lacks the campaign, `.missing` where neither the table nor the wish
/// has an amount, `.range` for numbers of the wish.
pub fn book(problem: &Problem, log: &Opportunities, campaigns: &Campaigns, wish: &Wish, settings: &Settings<'_>) -> Result<Booking> {
    inputs::check(settings)?;
    inputs::check_sample(log)?;
    let (campaigns, amount, asked_penalty) = with_wish(campaigns, wish)?;
    let settings = &Settings { holdout: 0.0, fresh: None, ..settings.clone() };
    let inputs = Inputs::new(problem, log, &campaigns)?;
    let prepared = inputs.prepare(problem, log, settings)?;
    let key = inputs.roster.find(&wish.campaign).unwrap_or(u32::MAX);
    let stated = inputs.goals.stated.iter().position(|s| {
        let l = &s.ledger;
        l.kind == GoalKind::Floor && l.scope == Scope::Campaign && l.key == key && inputs.measures[l.measure as usize] == wish.measure
    });
    let Some(stated) = stated else {
        return Err(Error::new(codes::UNKNOWN_NAME, "measure", None, format!("{} is not a measure of the problem", quote(&wish.measure))));
    };
    let (weight, _) = inputs::split(log, settings);
    let measure = inputs.goals.stated[stated].ledger.measure as usize;
    let penalty = asked_penalty.unwrap_or_else(|| inputs.default_penalty(log, &prepared, measure));
    let threads = settings.thread_count();
    let (class, classes) = inputs.classes();
    let mut desk = Desk {
        inputs: &inputs,
        log,
        prepared: &prepared,
        settings,
        class,
        classes,
        threads,
        stated,
        amount,
        penalty,
        started: Instant::now(),
        starts: [None, None, None],
    };
    let earlier = settings.warm_start.map(|plan| inputs.start(&plan.prices));
    desk.starts = [earlier.clone(), earlier.clone(), earlier];
    let Some((expected, prices)) = desk.solve(&weight)? else {
        return Ok(Booking::unfinished(wish.campaign.clone(), wish.measure.clone(), amount, penalty, desk.ended()));
    };
    desk.starts = prices.map(Some);
    let mut replicates = Vec::new();
    let mut met = 0;
    for number in 0..wish.replicates {
        let Some((replicate, _)) = desk.solve(&drawn(log, &weight, settings.seed, number))? else { break };
        met += usize::from(replicate.deliverable >= amount);
        replicates.push(replicate);
        if let Some(observer) = settings.observer {
            observer(&Progress {
                passes: replicates.len() as f64,
                upper_bound: 1.0,
                value: met as f64 / replicates.len() as f64,
                gap: 1.0 - replicates.len() as f64 / f64::from(wish.replicates),
                tolerance: settings.tolerance,
                seconds: desk.started.elapsed().as_secs_f64(),
            });
        }
    }
    let status = if replicates.len() == wish.replicates as usize { Status::Solved } else { desk.ended() };
    Ok(Booking { campaign: wish.campaign.clone(), measure: wish.measure.clone(), amount, penalty, expected, replicates, status })
}

/// The campaign table with the wish as the campaign's only floor or target on its measure; the amount and the penalty.
fn with_wish(campaigns: &Campaigns, wish: &Wish) -> Result<(Campaigns, f64, Option<f64>)> {
    if !(1..=100_000).contains(&wish.replicates) {
        return Err(Error::new(codes::RANGE, "replicates", None, format!("{} is not between 1 and 100000", wish.replicates)));
    }
    let mut list: Vec<Campaign> = campaigns.iter().cloned().collect();
    let Some(own) = list.iter_mut().find(|c| c.id == wish.campaign) else {
        return Err(Error::new(
            codes::UNKNOWN_CAMPAIGN,
            "campaign",
            None,
            format!("{} is not in the campaign table", quote(&wish.campaign)),
        ));
    };
    let is_asked = |g: &&CampaignGoal, kind| g.kind == kind && g.measure == wish.measure;
    let stated = [GoalKind::Floor, GoalKind::Target].into_iter().find_map(|kind| own.goals.iter().find(|g| is_asked(g, kind)));
    let Some(amount) = wish.amount.or(stated.map(|g| g.amount)) else {
        let message = format!("campaign {} has neither a floor nor a target on {}", quote(&wish.campaign), quote(&wish.measure));
        return Err(Error::new(codes::MISSING, "amount", None, message));
    };
    let penalty = wish.penalty.or(stated.and_then(|g| g.penalty));
    if !(0.0..=1e12).contains(&amount) {
        return Err(Error::new(codes::RANGE, "amount", None, format!("{amount} is not in [0, 1e12]")));
    }
    if let Some(penalty) = penalty.filter(|p| !(*p > 0.0 && *p <= 1e12)) {
        return Err(Error::new(codes::RANGE, "penalty", None, format!("{penalty} is not above 0 and at most 1e12")));
    }
    own.goals.retain(|g| g.measure != wish.measure || !matches!(g.kind, GoalKind::Floor | GoalKind::Target));
    // Amount and penalty are set per solve; a floor of 0 lies below every cap.
    own.goals.push(CampaignGoal { kind: GoalKind::Floor, measure: wish.measure.clone(), amount: 0.0, penalty: Some(1.0) });
    Ok((Campaigns::new(list)?, amount, penalty))
}

/// The flight's weights, each opportunity (or listener) drawn anew.
fn drawn(log: &Opportunities, weight: &[f64], seed: u64, replicate: u32) -> Vec<f64> {
    let stream = mix(mix(seed) ^ (u64::from(replicate) + 1));
    let mut drawn: Vec<f64> = (0..log.len()).map(|t| weight[t] * poisson(mix(log.unit(t) ^ stream))).collect();
    let (before, after): (f64, f64) = (weight.iter().sum(), drawn.iter().sum());
    if after > 0.0 {
        for w in &mut drawn {
            *w *= before / after;
        }
    }
    drawn
}

/// A Poisson variable of mean 1, from 64 uniform bits by its distribution function.
fn poisson(bits: u64) -> f64 {
    let u = (bits >> 11) as f64 / (1u64 << 53) as f64;
    let mut term = (-1.0f64).exp();
    let (mut sum, mut k) = (term, 0.0);
    while u >= sum && k < 30.0 {
        k += 1.0;
        term /= k;
        sum += term;
    }
    k
}

/// One problem, solved again and again under other weights.
struct Desk<'i, 'l> {
    inputs: &'i Inputs<'l>,
    log: &'i Opportunities,
    prepared: &'i Prepared,
    settings: &'i Settings<'i>,
    class: Vec<u32>,
    classes: Vec<(u32, u32)>,
    threads: usize,
    stated: usize,
    amount: f64,
    penalty: f64,
    started: Instant,
    /// Prices to start from: without the wish, subsidised, with the wish.
    starts: [Option<Vec<f64>>; 3],
}

impl Desk<'_, '_> {
    fn stopped(&self) -> bool {
        let cancelled = self.settings.is_cancelled();
        cancelled || self.settings.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// Why it ended early.
    fn ended(&self) -> Status {
        if self.settings.is_cancelled() { Status::Cancelled } else { Status::TimeLimit }
    }

    /// The three problems on these weights, and their prices; `None` where time ran out in between.
    fn solve(&self, weight: &[f64]) -> Result<Option<(Replicate, [Vec<f64>; 3])>> {
        let inputs = self.inputs;
        let mut promises = inputs.promises(self.log, self.prepared, weight, None);
        let (sample, _) = inputs.sample(self.prepared, &self.class, self.classes.len(), weight, None);
        let local = Recorded::new(Local::pack(&sample, self.threads)?, None);
        let best_worth = sample.best_worth(&inputs.weights);
        let mut relaxed = Relaxed { inputs, local, classes: self.classes.clone(), tie_breadth: None, best_worth };
        let mut solve = |promises: &[Promise], start: usize, points: &[Point]| -> Result<Option<Answer>> {
            let answer = relaxed.solve(&Ask {
                weights: &inputs.weights,
                promises,
                tolerance: self.settings.tolerance,
                passes: f64::from(self.settings.pass_limit),
                started: self.started,
                time: self.settings.time_limit,
                cancelled: &|| self.stopped(),
                observe: &|_, _, _| {},
                start: self.starts[start].as_deref(),
                points,
                pass: None,
            })?;
            Ok((!self.stopped()).then_some(answer))
        };
        promises[self.stated] = Promise::floor(0.0, Some(self.penalty));
        let Some(free) = solve(&promises, 0, &[])? else { return Ok(None) };
        // More than there is: every unit is worth the penalty.
        let supply = sample.weight.iter().zip(&sample.slots).map(|(w, s)| w * f64::from(*s)).sum::<f64>()
            * largest(inputs, self.log, self.prepared, self.stated);
        promises[self.stated] = Promise::floor(2.0 * supply.max(self.amount) + 1.0, Some(self.penalty));
        let Some(most) = solve(&promises, 1, &free.points)? else { return Ok(None) };
        let natural = free.delivered[self.stated].max(0.0);
        let deliverable = most.delivered[self.stated].max(natural);
        let resolution = (most.bound - most.value).max(free.bound - free.value).max(0.0) / self.penalty.max(f64::MIN_POSITIVE);
        let mut replicate = Replicate { natural, deliverable, price: 0.0, cost: 0.0, resolution };
        let mut asked_prices = most.prices.clone();
        if natural < self.amount {
            promises[self.stated] = Promise::floor(self.amount, Some(self.penalty));
            let Some(asked) = solve(&promises, 2, &most.points)? else { return Ok(None) };
            let short = (self.amount - asked.delivered[self.stated]).max(0.0);
            replicate.price = (-asked.prices[self.stated]).clamp(0.0, self.penalty);
            // Duality: giving up a unit never costs more than its price at the end.
            let most = replicate.price * (self.amount.min(deliverable) - natural).max(0.0);
            replicate.cost = (free.value - (asked.value + self.penalty * short)).clamp(0.0, most);
            asked_prices = asked.prices;
        }
        Ok(Some((replicate, [free.prices, most.prices, asked_prices])))
    }
}

/// The largest amount of a ledger's measure in a row of the log.
fn largest(inputs: &Inputs<'_>, log: &Opportunities, prepared: &Prepared, stated: usize) -> f64 {
    match inputs.goals.stated[stated].ledger.measure as usize {
        0 => 1.0,
        j => inputs.column(log, prepared, j).iter().fold(0.0, |most, y| f64::from(*y).max(most)),
    }
}
