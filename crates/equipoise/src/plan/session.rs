//! A log packed once, for many solves.

use super::account::Account;
use super::changes::Changes;
use super::checkpoint::Recorded;
use super::inputs::{self, Inputs, Prepared};
use super::judged::Judged;
use super::relaxed::{Ask, Relaxed};
use super::warm::{self, Earlier, Warm};
use super::{Certificate, Conflict, Deliveries, Plan, PriceRow, Settings, Status};
use crate::error::{Error, Result, codes};
use crate::exchange::{Local, Packed};
use crate::model::{Campaigns, Opportunities, Problem, Scope};
use crate::policy::Policy;
use crate::utility::{Interval, Promise};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// A problem, its campaigns and its log, packed once: what [`Session::what_if`] and [`Session::frontier`] ask again and again.
///
/// Memory: beside the log, about 8 bytes a candidate row and 4 more per measure, for as long as the session lives.
///
/// ```
/// use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow};
/// use equipoise::plan::{Changes, Session, Settings, plan};
/// use equipoise::{Campaigns, Opportunities, Problem};
/// use std::sync::Arc;
///
/// let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n")?;
/// let cap = vec![CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount: 1.0, penalty: None }];
/// let campaigns = Campaigns::new(vec![Campaign { id: "a".into(), goals: cap, ..Default::default() }, Campaign { id: "b".into(), ..Default::default() }])?;
/// let mut log = Opportunities::builder(&["value"]);
/// for id in 0..4 {
///     log.opportunity(&OpportunityRow { id: Id::Int(id), ..Default::default() });
///     log.candidate(&CandidateRow { campaign: Some("a"), measures: &[0.9], ..Default::default() });
///     log.candidate(&CandidateRow { campaign: Some("b"), measures: &[0.5], ..Default::default() });
/// }
/// let (log, settings) = (Arc::new(log.finish()?), Settings::new().holdout(0.0));
/// let plan = plan(&problem, &log, &campaigns, &settings)?;
///
/// let session = Session::new(problem, log, campaigns, &settings)?;
/// let answer = session.what_if(&plan, &Changes::from_path("campaigns.a.cap", 3.0)?, &settings)?;
/// let gained = answer.displaced().iter().find(|s| s.key == "a").expect("it gains");
/// assert!((gained.difference() - 2.0).abs() < 1e-3);
/// # Ok::<(), equipoise::Error>(())
/// ```
pub struct Session {
    pub(super) problem: Problem,
    pub(super) campaigns: Campaigns,
    log: Arc<Opportunities>,
    /// Those that choose the sample.
    chosen: Settings<'static>,
    packing: Packing,
}

/// The sample of a log under some names, packed.
struct Packing {
    measures: Vec<String>,
    /// Whether goals tell markets and surfaces apart.
    by_segment: (bool, bool),
    weights: Vec<f64>,
    best_worth: f64,
    prepared: Prepared,
    weight: Vec<f64>,
    classes: Vec<(u32, u32)>,
    packed: Arc<Packed>,
    key: blake3::Hash,
}

/// A solve of a session.
pub(super) struct Solved {
    pub(super) status: Status,
    pub(super) certificate: Certificate,
    pub(super) prices: Vec<PriceRow>,
    pub(super) deliveries: Deliveries,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) policy: Policy,
    pub(super) warm: Warm,
}

fn by_segment(inputs: &Inputs<'_>) -> (bool, bool) {
    let asks = |scope: Scope| inputs.goals.stated.iter().any(|s| s.ledger.scope == scope);
    (asks(Scope::Market), asks(Scope::Surface))
}

impl Packing {
    fn new(inputs: &Inputs<'_>, problem: &Problem, log: &Opportunities, chosen: &Settings<'_>) -> Result<Self> {
        let prepared = inputs.prepare(problem, log, chosen)?;
        let (weight, _) = inputs::split(log, chosen);
        let (class, classes) = inputs.classes();
        let (sample, _) = inputs.sample(&prepared, &class, classes.len(), &weight, None);
        Ok(Self {
            measures: inputs.measures.clone(),
            by_segment: by_segment(inputs),
            weights: inputs.weights.clone(),
            best_worth: sample.best_worth(&inputs.weights),
            key: warm::key(inputs, &sample),
            packed: Local::pack(&sample, chosen.thread_count())?.packed().clone(),
            prepared,
            weight,
            classes,
        })
    }

    fn fits(&self, inputs: &Inputs<'_>) -> bool {
        self.measures == inputs.measures && self.by_segment == by_segment(inputs)
    }

    /// As [`crate::exchange::Sample::best_worth`].
    fn best_worth(&self, weights: &[f64]) -> Result<f64> {
        if weights == self.weights {
            return Ok(self.best_worth);
        }
        let (mut sum, mut total) = (0.0, 0.0);
        let mut latest: (Option<u32>, f64, f64) = (None, 0.0, 0.0);
        self.packed.each_candidate(|row, _, _, y| {
            let worth = weights[0] + weights[1..].iter().zip(y).map(|(w, y)| w * f64::from(*y)).sum::<f64>();
            if latest.0 != Some(row.opportunity) {
                sum += latest.1 * latest.2;
                total += latest.1;
                latest = (Some(row.opportunity), row.weight, 0.0);
            }
            latest.2 = latest.2.max(worth);
        })?;
        (sum, total) = (sum + latest.1 * latest.2, total + latest.1);
        Ok(if total > 0.0 { sum / total } else { 0.0 })
    }
}

impl Session {
    /// Packs a log. Of `settings` those that choose the sample are kept: traffic, shift, unknown, holdout (0 if there is `fresh`) and seed. To
    /// ask about a plan they must be the plan's own.
    ///
    /// # Errors
    /// As [`crate::plan::plan`].
    pub fn new(problem: Problem, log: Arc<Opportunities>, campaigns: Campaigns, settings: &Settings<'_>) -> Result<Self> {
        inputs::check(settings)?;
        inputs::check_sample(&log)?;
        let chosen = Settings {
            traffic: settings.traffic,
            shift: settings.shift,
            unknown: settings.unknown,
            holdout: if settings.fresh.is_some() { 0.0 } else { settings.holdout },
            seed: settings.seed,
            ..Settings::default()
        };
        let packing = Packing::new(&Inputs::new(&problem, &log, &campaigns)?, &problem, &log, &chosen)?;
        Ok(Self { problem, campaigns, log, chosen, packing })
    }

    /// Refuses a plan that was not made on this sample.
    pub(super) fn check(&self, plan: &Plan) -> Result<()> {
        if plan.warm.is_on(&self.packing.key) {
            return Ok(());
        }
        let message = "was planned on another sample: other opportunities, campaigns, measures, or settings that choose the sample";
        Err(Error::new(codes::INCONSISTENT, "plan", None, message))
    }

    /// Solves the changed problem, from where another solve ended.
    pub(super) fn solve(&self, changes: &Changes, warm: Option<&Warm>, settings: &Settings<'_>) -> Result<Solved> {
        let started = Instant::now();
        let (problem, campaigns) = changes.apply(&self.problem, &self.campaigns)?;
        let inputs = Inputs::new(&problem, &self.log, &campaigns)?;
        let anew = if self.packing.fits(&inputs) { None } else { Some(Packing::new(&inputs, &problem, &self.log, &self.chosen)?) };
        let packing = anew.as_ref().unwrap_or(&self.packing);
        let mut promises = inputs.promises(&self.log, &packing.prepared, &packing.weight, None);
        let paused: HashSet<u32> = changes.paused().filter_map(|id| inputs.roster.find(id)).collect();
        for (s, p) in inputs.goals.stated.iter().zip(&mut promises) {
            // What is left of a paused campaign's goals is the cap of 0 that pauses it.
            if s.ledger.scope == Scope::Campaign && paused.contains(&s.ledger.key) && p.upper != 0.0 {
                *p = Promise::from(Interval::FREE);
            }
        }
        let mut relaxed = Relaxed {
            inputs: &inputs,
            local: Recorded::new(Local::new(packing.packed.clone(), settings.thread_count())?, None),
            classes: packing.classes.clone(),
            tie_breadth: None,
            best_worth: packing.best_worth(&inputs.weights)?,
        };
        let (cancelled, observe) = (|| settings.is_cancelled(), settings.reporter(started));
        let earlier = Earlier::new(&inputs, warm, &packing.key);
        let ask = Ask::new(&inputs, &promises, settings, &earlier, started, &cancelled, &observe);
        let Judged { answer, account, conflicts, certificate, status, .. } = Judged::solve(&mut relaxed, &ask, |relaxed, answer| {
            Ok(Account::of_cells(&inputs, &relaxed.layout().columns, &relaxed.classes, &answer.cells))
        })?;
        let policy = Policy::new(&inputs.draft(&problem, &campaigns, &answer.prices, 0.0, &certificate, status))?;
        let prices = account.price_rows(&inputs, &promises, &answer.prices);
        let warm = Warm { key: packing.key, prices: prices.clone(), points: answer.points, pass: answer.pass };
        let conflicts = conflicts.into_iter().map(|c| c.row).collect();
        Ok(Solved { status, certificate, prices, deliveries: account.table(&inputs), conflicts, policy, warm })
    }
}
