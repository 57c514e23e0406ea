//! From a problem, a log and a campaign table to a sample: names resolved, gaps filled, rows filtered, opportunities held out.

use super::PriceRow;
use super::account::Account;
use super::certificate::{self, Certificate, Status};
use super::goals::{Context, Goals};
use super::settings::{Settings, Unknown};
use crate::error::{Error, FAULTS_SHOWN, Faults, Result, codes, quote};
use crate::exchange::Sample;
use crate::model::organic::{Places, displacement, organic_value, reference};
use crate::model::{Campaigns, ORGANIC, Opportunities, Problem, RelativeTo, Scope, mix};
use crate::policy::{Draft, HEADER_LIMIT, Roster};
use crate::utility::{Fairness, Promise};
use indexmap::IndexMap;
use std::collections::HashMap;

/// Names, goals and gap-free columns of one log under one problem.
pub(super) struct Inputs<'a> {
    pub(super) log: &'a Opportunities,
    pub(super) roster: Roster,
    /// `exposure` first.
    pub(super) measures: Vec<String>,
    pub(super) weights: Vec<f64>,
    pub(super) goals: Goals,
    pub(super) needs_organic_value: bool,
    pub(super) notes: Vec<String>,
}

/// What every opportunity of a log stands for, after filling in and filtering.
pub(super) struct Prepared {
    /// Rank of the campaign of each candidate that is eligible, else [`ORGANIC`].
    pub(super) rank: Vec<u32>,
    /// Per measure without `exposure`: a filled column, or `None` where the log's own serves.
    filled: Vec<Option<Vec<f32>>>,
    pub(super) slots: Vec<u32>,
    pub(super) organic_value: Vec<f64>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(problem: &Problem, log: &'a Opportunities, campaigns: &Campaigns) -> Result<Self> {
        problem.check()?;
        let mut faults = Faults::new();
        if log.is_empty() {
            faults.push(codes::EMPTY, "log", None, || "there is no opportunity to plan on".to_owned());
        }
        let mut measures = vec!["exposure".to_owned()];
        let mut weights = vec![0.0];
        for (name, w) in &problem.objectives {
            if name == "exposure" {
                weights[0] = *w;
            } else {
                measures.push(name.clone());
                weights.push(*w);
            }
        }
        let stated = problem.goals.iter().map(|g| &g.measure).chain(campaigns.iter().flat_map(|c| c.goals.iter().map(|g| &g.measure)));
        for name in stated {
            if !measures.contains(name) {
                measures.push(name.clone());
                weights.push(0.0);
            }
        }
        for name in &measures[1..] {
            let computable = name == "displacement" && log.organic.is_some();
            if log.measure(name).is_none() && !computable {
                faults.push(codes::UNKNOWN_NAME, "problem", None, || {
                    let known: Vec<String> = log.measures.iter().map(|m| quote(&m.0)).collect();
                    format!("measure {} is no column of the log, which has: exposure, {}", quote(name), known.join(", "))
                });
            }
        }
        let displaces = measures.iter().any(|m| m == "displacement") && log.measure("displacement").is_none();
        let needs_reference = (displaces || problem.slate.relevance_floor_share.is_some()) && log.reference.is_none();
        let relative = problem.goals.iter().any(|g| g.relative_to == Some(RelativeTo::Organic));
        let needs_organic_value = relative && log.organic_value.is_none();
        if (needs_reference || needs_organic_value) && problem.slate.visible.is_none() {
            faults.push(codes::MISSING, "slate.visible", None, || {
                "a relative guardrail or a computed reference needs the number of visible places".to_owned()
            });
        }
        if problem.slate.has_relevance_floor() && log.organic.is_none() {
            faults.push(codes::MISSING, "organic", None, || "a relevance floor needs the column organic".to_owned());
        }
        if needs_organic_value && log.organic.is_none() {
            faults.push(codes::MISSING, "organic", None, || {
                "a guardrail relative to organic value needs the column organic or organic_value".to_owned()
            });
        }
        let (markets, surfaces) = (log.markets.as_slice(), log.surfaces.as_slice());
        let roster = Roster::new(campaigns, markets, surfaces);
        let context = Context { measures: &measures, roster: &roster, markets: markets.len(), surfaces: surfaces.len() };
        let goals = Goals::new(problem, campaigns, &context, &mut faults);
        faults.finish()?;
        let mut notes = Vec::new();
        if log.time.is_none() && campaigns.iter().any(|c| c.start.is_some() || c.end.is_some()) {
            notes.push("the log has no time: flights are not checked in planning".to_owned());
        }
        Ok(Self { log, roster, measures, weights, goals, needs_organic_value, notes })
    }

    /// Fills in and filters `log`, which is the planning log or one like it.
    pub(super) fn prepare(&self, problem: &Problem, log: &Opportunities, settings: &Settings<'_>) -> Result<Prepared> {
        let mut faults = Faults::new();
        let ranks: Vec<u32> = log
            .campaigns
            .as_slice()
            .iter()
            .enumerate()
            .map(|(i, id)| {
                self.roster.find(id).unwrap_or_else(|| {
                    if settings.unknown == Unknown::Error {
                        let row = log.campaign.iter().position(|c| *c == i as u32).map(|r| r as u64);
                        faults.push(codes::UNKNOWN_CAMPAIGN, "campaign", row, || format!("{} is not in the campaign table", quote(id)));
                    }
                    ORGANIC
                })
            })
            .collect();
        for name in &self.measures[1..] {
            if log.measure(name).is_none() && !(name == "displacement" && log.organic.is_some()) {
                faults.push(codes::MISSING, name, None, || "the log lacks this measure".to_owned());
            }
        }
        if problem.slate.has_relevance_floor() && log.organic.is_none() {
            faults.push(codes::MISSING, "organic", None, || "a relevance floor needs the column organic".to_owned());
        }
        std::mem::take(&mut faults).finish()?;
        let place = |names: &crate::model::Names, of: fn(&Roster, &str) -> Option<u32>| -> Vec<u32> {
            names.as_slice().iter().map(|n| of(&self.roster, n).unwrap_or(u32::MAX)).collect()
        };
        let (markets, surfaces) = (place(&log.markets, Roster::market), place(&log.surfaces, Roster::surface));
        let fills = self.measures[1..].iter().position(|m| m == "displacement").filter(|_| log.measure("displacement").is_none());
        let mut filled: Vec<Option<Vec<f32>>> = vec![None; self.measures.len() - 1];
        let mut lost = if fills.is_some() { vec![0.0f32; log.candidates()] } else { Vec::new() };
        let mut rank = vec![ORGANIC; log.candidates()];
        let mut slots = Vec::with_capacity(log.len());
        let mut organic_values = Vec::new();
        let visible = problem.slate.visible_places();
        let mut places = Places::with_capacity(visible as usize);
        for t in 0..log.len() {
            let span = log.rows(t);
            let k = problem.slate.slots_for(log.slots.as_ref().map(|s| s[t]));
            slots.push(k);
            let market = log.market.as_ref().map_or(u32::MAX, |m| markets[m[t] as usize]);
            let surface = log.surface.as_ref().map_or(u32::MAX, |s| surfaces[s[t] as usize]);
            let time = log.time.as_ref().map(|time| time[t].saturating_add(settings.shift));
            for i in span.clone() {
                if log.campaign[i] != ORGANIC {
                    let r = ranks[log.campaign[i] as usize];
                    if r != ORGANIC
                        && self.roster.reason(r, market, surface, time).is_none()
                        && !self.roster.is_sated(r, log.frequency.as_ref().map(|f| f[i]))
                    {
                        rank[i] = r;
                    }
                }
            }
            let mut given = log.reference.as_ref().map(|reference| reference[t]);
            let needs_reference = given.is_none() && (fills.is_some() || problem.slate.relevance_floor_share.is_some());
            if needs_reference || self.needs_organic_value {
                let organic = log.organic.as_ref().map_or(&[][..], |o| &o[span.clone()]);
                let item = log.item.as_ref().map(|o| &o[span.clone()]);
                let ranked = places.rank(organic, item, visible);
                if self.needs_organic_value {
                    let v = organic_value(ranked);
                    if v < 0.0 {
                        faults.push(codes::RANGE, "organic", Some(span.start as u64), || {
                            format!("the organic value of this opportunity is {v}, below 0")
                        });
                    }
                    organic_values.push(v);
                }
                if needs_reference {
                    given = Some(reference(ranked, k));
                }
            }
            if let (Some(given), Some(organic), true) = (given, &log.organic, fills.is_some()) {
                span.clone().for_each(|i| lost[i] = displacement(given, organic[i]));
            }
            if let (Some(organic), true) = (&log.organic, problem.slate.has_relevance_floor()) {
                let floor = problem.slate.relevance(given.unwrap_or_default());
                span.clone().filter(|i| !floor.is_met(organic[*i])).for_each(|i| rank[i] = ORGANIC);
            }
        }
        faults.finish()?;
        if let Some(at) = fills {
            filled[at] = Some(lost);
        }
        if let Some(given) = &log.organic_value {
            organic_values.clone_from(given);
        }
        Ok(Prepared { rank, filled, slots, organic_value: organic_values })
    }

    /// The column of measure `j` (not `exposure`) of a prepared log.
    pub(super) fn column<'p>(&self, log: &'p Opportunities, prepared: &'p Prepared, j: usize) -> &'p [f32] {
        prepared.filled[j - 1].as_deref().unwrap_or_else(|| log.measure(&self.measures[j]).unwrap_or_default())
    }

    /// The segment classes that the goals tell apart: by opportunity, and each class's market and surface (`u32::MAX` where no goal asks).
    pub(super) fn classes(&self) -> (Vec<u32>, Vec<(u32, u32)>) {
        let asks = |scope: Scope| self.goals.stated.iter().any(|s| s.ledger.scope == scope);
        let (by_market, by_surface) = (asks(Scope::Market), asks(Scope::Surface));
        let mut list: Vec<(u32, u32)> = Vec::new();
        let mut index = std::collections::HashMap::new();
        let of = (0..self.log.len())
            .map(|t| {
                let market = self.log.market.as_ref().filter(|_| by_market).map_or(u32::MAX, |m| m[t]);
                let surface = self.log.surface.as_ref().filter(|_| by_surface).map_or(u32::MAX, |s| s[t]);
                *index.entry((market, surface)).or_insert_with(|| {
                    list.push((market, surface));
                    list.len() as u32 - 1
                })
            })
            .collect();
        (of, list)
    }

    /// What the bound of a stated ledger is over a set of weighted opportunities.
    pub(super) fn relative_bound(&self, stated: usize, log: &Opportunities, prepared: &Prepared, weight: &[f64]) -> f64 {
        let s = &self.goals.stated[stated];
        let inside = |t: usize| match s.ledger.scope {
            Scope::Market => log.market.as_ref().is_some_and(|m| self.roster.market(log.markets.name(m[t])) == Some(s.ledger.key)),
            Scope::Surface => log.surface.as_ref().is_some_and(|m| self.roster.surface(log.surfaces.name(m[t])) == Some(s.ledger.key)),
            _ => true,
        };
        let size = |t: usize| if s.relative_to == Some(RelativeTo::Organic) { prepared.organic_value[t] } else { 1.0 };
        s.promise.upper * (0..log.len()).filter(|t| weight[*t] > 0.0 && inside(*t)).map(|t| weight[t] * size(t)).sum::<f64>()
    }

    /// The promises with every bound and penalty filled in, in outer units, for opportunities of these weights.
    pub(super) fn promises(
        &self,
        log: &Opportunities,
        prepared: &Prepared,
        weight: &[f64],
        notes: Option<&mut Vec<String>>,
    ) -> Vec<Promise> {
        self.promises_from(
            &|i| self.relative_bound(i, log, prepared, weight),
            &|j| self.default_penalty(log, prepared, j),
            &|| self.supplied(log, prepared, weight),
            notes,
        )
    }

    /// The promises from the bound of a stated goal that is relative, the default penalty of a measure, and the account of all that is supplied.
    pub(super) fn promises_from(
        &self,
        relative_bound: &dyn Fn(usize) -> f64,
        default_penalty: &dyn Fn(usize) -> f64,
        all_supplied: &dyn Fn() -> Account,
        notes: Option<&mut Vec<String>>,
    ) -> Vec<Promise> {
        let mut defaults: Vec<Option<f64>> = vec![None; self.measures.len()];
        let mut supplied = None;
        let mut left_out: IndexMap<u32, Vec<String>> = IndexMap::new();
        let promises = (0..self.goals.stated.len())
            .map(|i| {
                let s = &self.goals.stated[i];
                let mut p = s.promise.clone();
                if s.relative_to.is_some() {
                    p.upper = relative_bound(i);
                }
                if p.wants_default() {
                    let j = s.ledger.measure as usize;
                    let penalty = *defaults[j].get_or_insert_with(|| default_penalty(j));
                    p = p.with_default(penalty);
                }
                if p.fair.is_some() && !supplied.get_or_insert_with(all_supplied).holds(&s.ledger) {
                    // A group is worth what its worst member has: one that can have nothing would leave the others nothing to gain.
                    if matches!(p.fair, Some(Fairness::Member { .. })) {
                        left_out.entry(s.ledger.goal).or_default().push(self.scope_text(s.ledger.scope, s.ledger.key));
                    }
                    p.fair = None;
                }
                p
            })
            .collect();
        if let Some(notes) = notes {
            for (goal, members) in &left_out {
                let shown = members.iter().take(FAULTS_SHOWN).cloned().collect::<Vec<_>>().join(", ");
                let more = if members.len() > FAULTS_SHOWN { format!(" and {} more", members.len() - FAULTS_SHOWN) } else { String::new() };
                notes.push(format!("{} leaves out members without supply: {shown}{more}", self.goals.names[*goal as usize]));
            }
            for (name, penalty) in self.measures.iter().zip(&defaults) {
                if let Some(p) = penalty {
                    notes.push(format!("floors and targets on {name} without a penalty have {p:.6} per unit: 10 times the largest value of a candidate over the mean amount"));
                }
            }
        }
        promises
    }

    /// Which ledgers can hold anything at all.
    fn supplied(&self, log: &Opportunities, prepared: &Prepared, weight: &[f64]) -> Account {
        let everything: Vec<bool> = (0..log.len()).flat_map(|t| log.rows(t).map(move |_| t)).map(|t| prepared.slots[t] > 0).collect();
        Account::of_picks(self, log, prepared, &everything, weight)
    }

    /// Prices of the stated ledgers from an earlier plan's table; 0 where it has none of that name and scope.
    pub(super) fn start(&self, earlier: &[PriceRow]) -> Vec<f64> {
        let known: HashMap<(&str, &str), f64> = earlier.iter().map(|r| ((r.goal.as_str(), r.scope.as_str()), r.price)).collect();
        self.goals
            .stated
            .iter()
            .map(|s| {
                known
                    .get(&(self.goals.names[s.ledger.goal as usize].as_str(), self.scope_text(s.ledger.scope, s.ledger.key).as_str()))
                    .copied()
                    .unwrap_or(0.0)
            })
            .collect()
    }

    /// A ledger's scope as tables show it: `campaign=c1`, `all`.
    pub(super) fn scope_text(&self, scope: Scope, key: u32) -> String {
        if scope == Scope::All { "all".to_owned() } else { format!("{}={}", scope.name(), self.roster.key_name(scope, key)) }
    }

    /// A policy of these prices, ledger by ledger in the order of folding.
    pub(super) fn draft(
        &self,
        problem: &Problem,
        campaigns: &Campaigns,
        prices: &[f64],
        tie_breadth: f64,
        certificate: &Certificate,
        status: Status,
    ) -> Draft {
        let mut metadata = IndexMap::new();
        metadata.insert(certificate::METADATA.to_owned(), certificate.to_json(status).to_string());
        let problem_text = problem.to_json();
        // What a header holds beside a long problem; a ledger takes less than 100 bytes.
        let room = (HEADER_LIMIT / 2).saturating_sub(problem_text.len()) / 100;
        if let Some(serving) = certificate.serving.as_ref().filter(|_| room > 0) {
            metadata.insert(certificate::LEDGERS_METADATA.to_owned(), serving.ledgers_to_json(room).to_string());
        }
        metadata.insert("problem".to_owned(), problem_text);
        Draft {
            measures: self.measures[1..].to_vec(),
            weights: self.weights.clone(),
            slate: problem.slate.clone(),
            campaigns: campaigns.clone(),
            markets: self.log.markets.as_slice().to_vec(),
            surfaces: self.log.surfaces.as_slice().to_vec(),
            goals: self.goals.names.clone(),
            ledgers: self.goals.stated.iter().map(|s| s.ledger.clone()).zip(prices.iter().copied()).collect(),
            tie_breadth,
            metadata,
            parent_id: None,
            valid_until: None,
        }
    }

    /// The default penalty of a measure: 10 times the largest `|sum of w y|` of the log over the mean positive amount (1 for `exposure`).
    pub(super) fn default_penalty(&self, log: &Opportunities, prepared: &Prepared, measure: usize) -> f64 {
        let mut amounts = Amounts::new(self.measures.len());
        amounts.add(self, log, prepared);
        amounts.penalty(measure)
    }

    /// The sample of the opportunities that `weight` keeps (above 0), and the log's row of each of its candidates.
    pub(super) fn sample(
        &self,
        prepared: &Prepared,
        class: &[u32],
        classes: usize,
        weight: &[f64],
        tie: Option<&[f32]>,
    ) -> (Sample, Vec<u32>) {
        let log = self.log;
        let mut s = Sample { starts: vec![0], campaigns: self.roster.len(), classes: classes.max(1), ..Sample::default() };
        let mut rows = Vec::new();
        for t in (0..log.len()).filter(|t| weight[*t] > 0.0) {
            rows.extend(log.rows(t).filter(|i| prepared.rank[*i] != ORGANIC).map(|i| i as u32));
            s.starts.push(rows.len() as u64);
            s.slots.push(prepared.slots[t]);
            s.weight.push(weight[t]);
            s.class.push(class[t]);
        }
        s.campaign = rows.iter().map(|i| prepared.rank[*i as usize]).collect();
        s.measures = (1..self.measures.len())
            .map(|j| {
                let c = self.column(log, prepared, j);
                rows.iter().map(|i| c[*i as usize]).collect()
            })
            .collect();
        if let Some(tie) = tie {
            s.measures.push(rows.iter().map(|i| tie[*i as usize]).collect());
        }
        (s, rows)
    }
}

/// Whether opportunity `t` is among the part `holdout` that is kept out of planning.
pub(super) fn is_held_out(log: &Opportunities, t: usize, holdout: f64, seed: u64) -> bool {
    let threshold = (holdout * 2f64.powi(53)) as u64;
    mix(log.unit(t) ^ mix(seed)) >> 11 < threshold
}

/// Weights of the log for planning and for certifying, each scaled to stand for the whole.
pub(super) fn split(log: &Opportunities, settings: &Settings<'_>) -> (Vec<f64>, Vec<f64>) {
    let weight = |t: usize| log.weight.as_ref().map_or(1.0, |w| w[t]);
    let total: f64 = (0..log.len()).map(weight).sum();
    let holdout = if settings.fresh.is_some() { 0.0 } else { settings.holdout };
    let held = |t: usize| is_held_out(log, t, holdout, settings.seed);
    let scaled = |keep: &dyn Fn(usize) -> bool| -> Vec<f64> {
        let kept: f64 = (0..log.len()).filter(|t| keep(*t)).map(weight).sum();
        let factor = if kept > 0.0 { settings.traffic * total / kept } else { 0.0 };
        (0..log.len()).map(|t| if keep(t) { weight(t) * factor } else { 0.0 }).collect()
    };
    let planning = scaled(&|t| !held(t));
    // A log so small that everything would be held out is planned whole.
    if planning.iter().all(|w| *w == 0.0) { (scaled(&|_| true), vec![0.0; log.len()]) } else { (planning, scaled(&held)) }
}

/// Weights of a log of fresh opportunities, scaled to stand for a whole of `total`.
pub(super) fn stand_in(fresh: &Opportunities, total: f64) -> Vec<f64> {
    let weight = |t: usize| fresh.weight.as_ref().map_or(1.0, |w| w[t]);
    let own: f64 = (0..fresh.len()).map(weight).sum();
    (0..fresh.len()).map(|t| if own > 0.0 { weight(t) * total / own } else { 0.0 }).collect()
}

/// Every fault of the settings.
pub(super) fn check(settings: &Settings<'_>) -> Result<()> {
    let mut faults = Faults::new();
    let mut range = |name: &str, v: f64, ok: bool, wanted: &str| {
        if !ok {
            faults.push(if v.is_finite() { codes::RANGE } else { codes::NOT_FINITE }, name, None, || format!("{v} is not {wanted}"));
        }
    };
    range("tolerance", settings.tolerance, (1e-9..=0.5).contains(&settings.tolerance), "in [1e-9, 0.5]");
    range("traffic", settings.traffic, settings.traffic > 0.0 && settings.traffic <= 1e12, "positive and at most 1e12");
    range("holdout", settings.holdout, (0.0..=0.9).contains(&settings.holdout), "in [0, 0.9]");
    if let Some(n) = settings.threads {
        range("threads", n as f64, (1..=1024).contains(&n), "in [1, 1024]");
    }
    faults.finish()
}

/// An error for a sample that cannot be planned on.
pub(super) fn check_sample(log: &Opportunities) -> Result<()> {
    if log.candidates() >= u32::MAX as usize {
        return Err(Error::new(codes::TOO_LARGE, "log", None, format!("{} rows are more than {}", log.candidates(), u32::MAX - 1)));
    }
    Ok(())
}

/// What default penalties are made of: the largest worth of a candidate, and the mean positive amount of each measure.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Amounts {
    pub(super) largest: f64,
    /// Sum and count of the positive amounts, by measure.
    pub(super) positive: Vec<(f64, u64)>,
}

impl Amounts {
    pub(super) fn new(measures: usize) -> Self {
        Self { largest: 0.0, positive: vec![(0.0, 0); measures] }
    }

    /// Adds every candidate of a log, eligible or not.
    pub(super) fn add(&mut self, inputs: &Inputs<'_>, log: &Opportunities, prepared: &Prepared) {
        let columns: Vec<&[f32]> = (1..inputs.measures.len()).map(|j| inputs.column(log, prepared, j)).collect();
        for i in 0..log.candidates() {
            let worth = inputs.weights[0] + columns.iter().zip(&inputs.weights[1..]).map(|(y, w)| w * f64::from(y[i])).sum::<f64>();
            self.largest = self.largest.max(worth.abs());
            for (y, (sum, count)) in columns.iter().zip(&mut self.positive[1..]) {
                if y[i] > 0.0 {
                    *sum += f64::from(y[i]);
                    *count += 1;
                }
            }
        }
    }

    pub(super) fn penalty(&self, measure: usize) -> f64 {
        let (sum, count) = self.positive[measure];
        let mean = if measure == 0 || count == 0 { 1.0 } else { sum / count as f64 };
        if self.largest > 0.0 { 10.0 * self.largest / mean } else { 10.0 / mean }
    }
}
