//! A population of opportunities to draw logs from, and what a log's picks hold, counted plainly.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties, mix};
use equipoise::plan::ServedLedger;
use equipoise::{Campaigns, Opportunities};
use std::collections::HashMap;

/// A small deterministic generator.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub fn unit(&mut self) -> f64 {
        self.0 = mix(self.0);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
}

/// Campaigns with a reach and a worth each, and listeners.
#[derive(Clone)]
pub struct Crowd {
    random: Random,
    /// Running sum of the campaigns' reach.
    reach: Vec<f64>,
    worth: Vec<f64>,
    next_id: i64,
    /// How many opportunities a listener has in a row; with more than one they are named, and each likes one licensor.
    pub visits: usize,
    /// The log's weights.
    pub weight: Option<f64>,
}

const LICENSORS: usize = 3;

impl Crowd {
    pub fn new(seed: u64, campaigns: usize) -> Self {
        let mut random = Random::new(seed);
        let mut sum = 0.0;
        let reach = (0..campaigns)
            .map(|k| {
                sum += (k as f64 + 1.0).powf(-0.7);
                sum
            })
            .collect();
        let worth = (0..campaigns).map(|_| random.unit()).collect();
        Self { random, reach, worth, next_id: 0, visits: 1, weight: None }
    }

    /// A log of `n` opportunities, one after another of the population.
    pub fn log(&mut self, n: usize) -> Opportunities {
        let mut log = Opportunities::builder(&["value", "stream"]);
        let mut taste = 0;
        for t in 0..n {
            if t % self.visits == 0 {
                taste = self.random.below(LICENSORS);
            }
            let listener = (self.visits > 1).then(|| Id::Int(self.next_id / self.visits as i64));
            let market = if self.random.unit() < 0.7 { "SE" } else { "NO" };
            let slots = Some(1 + u32::from(self.random.unit() < 0.3));
            log.opportunity(&OpportunityRow {
                id: Id::Int(self.next_id),
                market: Some(market),
                slots,
                listener,
                weight: self.weight,
                ..OpportunityRow::default()
            });
            self.next_id += 1;
            let organic = 0.3 + 0.5 * self.random.unit() as f32;
            for item in 0..4 {
                log.candidate(&CandidateRow {
                    campaign: None,
                    organic: Some(organic + 0.1 * item as f32),
                    measures: &[0.0, 0.0],
                    item: Some(Id::Int(1000 + item)),
                    artist: Some("someone"),
                    frequency: None,
                });
            }
            let last = self.reach[self.reach.len() - 1];
            let mut drawn: Vec<usize> = (0..6)
                .map(|_| {
                    let u = self.random.unit() * last;
                    self.reach.partition_point(|r| *r < u)
                })
                .collect();
            drawn.sort_unstable();
            drawn.dedup();
            for k in drawn {
                let liked = if self.visits > 1 && k % LICENSORS == taste { 2.0 } else { 0.0 };
                let value = (self.worth[k] + self.random.unit() + liked) as f32;
                // Most candidates bring few streams, some bring many.
                let stream = (self.random.unit().powi(6) * 4.0) as f32;
                let organic = Some(organic + 0.4 * self.random.unit() as f32 - 0.1);
                let (id, artist) = (format!("c{k}"), format!("a{}", k % 7));
                log.candidate(&CandidateRow {
                    campaign: Some(&id),
                    organic,
                    measures: &[value, stream],
                    item: Some(Id::Int(k as i64)),
                    artist: Some(&artist),
                    frequency: None,
                });
            }
        }
        log.finish().expect("a log")
    }

    fn of(&self, goals: impl Fn(usize) -> Vec<CampaignGoal>) -> Campaigns {
        let campaign = |k: usize| Campaign {
            id: format!("c{k}"),
            parties: Parties { licensor: Some(format!("l{}", k % LICENSORS)), ..Parties::default() },
            goals: goals(k),
            ..Campaign::default()
        };
        Campaigns::new((0..self.worth.len()).map(campaign).collect()).expect("campaigns")
    }

    /// The campaigns without goals of their own.
    pub fn free_campaigns(&self) -> Campaigns {
        self.of(|_| Vec::new())
    }

    /// Two of three capped so that a flight of `n` opportunities feels it, some with a floor, some with hardly any room at all.
    pub fn campaigns(&self, n: usize) -> Campaigns {
        let goal = |kind, amount, penalty| CampaignGoal { kind, measure: "exposure".into(), amount, penalty };
        self.of(|k| {
            let reach = (self.reach[k] - if k > 0 { self.reach[k - 1] } else { 0.0 }) / self.reach[self.reach.len() - 1];
            let natural = n as f64 * 1.3 * reach;
            match k % 6 {
                0 | 3 => vec![goal(GoalKind::Cap, 0.6 * natural, None)],
                1 => vec![goal(GoalKind::Cap, natural, None), goal(GoalKind::Floor, 0.5 * natural, Some(1.0))],
                4 => vec![goal(GoalKind::Cap, 2.0, None)],
                2 => vec![goal(GoalKind::Target, 0.8 * natural, Some(0.5))],
                _ => Vec::new(),
            }
        })
    }
}

/// Campaigns of these names, without goals.
pub fn named(names: &[&str]) -> Campaigns {
    Campaigns::new(names.iter().map(|id| Campaign { id: (*id).into(), ..Campaign::default() }).collect()).expect("campaigns")
}

/// The same log, which does not say whose its opportunities are.
pub fn without_listeners(log: &Opportunities) -> Opportunities {
    let mut copy = Opportunities::builder(&log.measure_names());
    for t in 0..log.len() {
        let name = |at: Option<&[u32]>, names: &equipoise::model::Names| at.map(|at| names.as_slice()[at[t] as usize].clone());
        let market = name(log.market(), log.markets());
        copy.opportunity(&OpportunityRow {
            id: Id::Int(t as i64),
            market: market.as_deref(),
            slots: log.slots().map(|s| s[t]),
            ..OpportunityRow::default()
        });
        for row in log.rows(t) {
            let campaign = log.campaigns().as_slice().get(log.campaign()[row] as usize);
            let measures: Vec<f32> = log.measure_names().iter().map(|m| log.measure(m).expect("a column")[row]).collect();
            copy.candidate(&CandidateRow {
                campaign: campaign.map(String::as_str),
                organic: log.organic().map(|o| o[row]),
                measures: &measures,
                ..CandidateRow::default()
            });
        }
    }
    copy.finish().expect("a log")
}

/// What picks hold of a ledger, by its names alone: a total, a share of all, or a fraction of organic value or opportunities.
pub fn held(log: &Opportunities, picked: &[bool], ledger: &ServedLedger) -> f64 {
    let (scope, key) = ledger.scope.split_once('=').unwrap_or(("all", ""));
    let mut displaced: HashMap<usize, f32> = HashMap::new();
    let (mut members, mut whole, mut organic, mut count) = (0.0, 0.0, 0.0, 0.0);
    for t in 0..log.len() {
        let weight = log.weight().map_or(1.0, |w| w[t]);
        let here = log.market().map_or("", |m| &log.markets().as_slice()[m[t] as usize]);
        let inside = scope != "market" || here == key;
        // Organic value and reference by sorting: the first four places, the last `slots` of which are given up.
        let mut scores: Vec<f32> = log.organic().map_or(Vec::new(), |o| o[log.rows(t)].to_vec());
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(4);
        let slots = log.slots().map_or(1, |s| s[t]) as usize;
        let given: f32 = scores.iter().rev().take(slots).sum::<f32>() / slots as f32;
        if inside {
            organic += weight * scores.iter().map(|s| f64::from(*s)).sum::<f64>();
            count += weight;
        }
        for row in log.rows(t).filter(|row| picked[*row]) {
            let k = log.campaign()[row] as usize;
            let name = &log.campaigns().as_slice()[k];
            let licensor = || format!("l{}", name[1..].parse::<usize>().expect("a number") % LICENSORS);
            displaced.insert(row, log.organic().map_or(0.0, |o| (given - o[row]).max(0.0)));
            let amount = weight
                * match ledger.measure.as_str() {
                    "exposure" => 1.0,
                    "displacement" => f64::from(displaced[&row]),
                    measure => f64::from(log.measure(measure).expect("a column")[row]),
                };
            let member = match scope {
                "campaign" => name == key,
                "licensor" => licensor() == key,
                "market" => inside,
                _ => true,
            };
            members += if member { amount } else { 0.0 };
            whole += amount;
        }
    }
    match ledger.goal.split_whitespace().next() {
        Some("share") => members / whole,
        Some("guardrail") if ledger.scope == "all" && ledger.bound < 0.025 => members / count,
        Some("guardrail") => members / organic,
        _ => members,
    }
}
