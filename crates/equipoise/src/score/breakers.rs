//! Breakers: a campaign whose listeners respond badly is stopped or damped until it is reset.

use super::switches::object;
use crate::error::{Error, Result, codes, quote};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest JSON document of breakers, in bytes.
pub const BREAKERS_LIMIT: usize = 1 << 28;
/// Most events and seconds: up to here they are exact as `f64`.
const COUNT_LIMIT: u64 = 1 << 52;

/// When a campaign's responses stop it, what that means, and how it comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// What is counted as a response, for people: `skip`.
    pub measure: String,
    /// The breaker trips where responses per event are above this; from 0 to below 1.
    pub threshold: f64,
    /// Events before it may trip, at least 1.
    pub least_events: u64,
    /// Events that count: beyond this many, older ones weigh less, exponentially. At least `least_events`.
    pub window: u64,
    /// What a tripped breaker does.
    pub action: Action,
    /// How it is reset, besides by hand.
    pub reset: Reset,
}

/// What a tripped breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The campaign takes no part.
    Stop,
    /// The campaign takes part in a share of the requests, drawn by their keys.
    Damp {
        /// Above 0 and below 1; kept to the nearest of 254 steps.
        share: f64,
    },
}

/// How a tripped breaker is reset, besides by hand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reset {
    /// By hand only.
    Manual,
    /// After a time, with nothing counted.
    After {
        /// From the moment it tripped.
        seconds: u64,
    },
    /// After a time the campaign is tried in a share of the requests; as many events at or below the threshold reset the breaker, any others trip
    /// it again.
    Probe {
        /// From the moment it tripped.
        seconds: u64,
        /// Above 0 and below 1; kept to the nearest of 254 steps.
        share: f64,
        /// Events that decide, at least 1.
        events: u64,
    },
}

/// How a campaign's breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Responses are counted; the campaign takes part.
    Closed,
    /// Tripped: the action applies, responses are not counted.
    Tripped,
    /// Tried in a share of the requests; responses are counted.
    Probing,
}

impl BreakerState {
    /// The name used in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Tripped => "tripped",
            Self::Probing => "probing",
        }
    }
}

/// What is known about one campaign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerAccount {
    /// How it stands.
    pub state: BreakerState,
    /// Since when (microseconds since 1970 UTC); 0 before it first changed.
    pub since: i64,
    /// Events that count, by the window.
    pub events: f64,
    /// Responses among them.
    pub responses: f64,
}

const FRESH: BreakerAccount = BreakerAccount { state: BreakerState::Closed, since: 0, events: 0.0, responses: 0.0 };

/// The rules, and how every campaign stands: keyed by id, so that it all outlives a policy.
///
/// ```
/// use equipoise::score::{Action, Breaker, BreakerState, Breakers, Reset};
///
/// let rule = Breaker { measure: "skip".into(), threshold: 0.5, least_events: 100, window: 1000, action: Action::Stop, reset: Reset::Manual };
/// let mut breakers = Breakers::new(Some(rule))?;
/// assert!(!breakers.record("c1", 99, 99, 0)?, "too few events");
/// assert!(breakers.record("c1", 1, 0, 7)?, "99 of 100");
/// let account = breakers.account("c1").expect("it was counted");
/// assert_eq!((account.state, account.since), (BreakerState::Tripped, 7));
/// # Ok::<(), equipoise::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breakers {
    /// The rule of campaigns without one of their own.
    every: Option<Breaker>,
    own: BTreeMap<String, Breaker>,
    accounts: BTreeMap<String, BreakerAccount>,
}

impl Breaker {
    fn check(&self, argument: &str) -> Result<()> {
        let share = |share: f64| (!(share > 0.0 && share < 1.0)).then(|| format!("share = {share} is not between 0 and 1"));
        let count = |name: &str, n: u64, least: u64| {
            (!(least..=COUNT_LIMIT).contains(&n)).then(|| format!("{name} = {n} is not in {least}..={COUNT_LIMIT}"))
        };
        let fault = (!(0.0..1.0).contains(&self.threshold))
            .then(|| format!("threshold = {} is not in 0..1", self.threshold))
            .or_else(|| count("least_events", self.least_events, 1))
            .or_else(|| count("window", self.window, self.least_events))
            .or_else(|| match self.action {
                Action::Stop => None,
                Action::Damp { share: s } => share(s),
            })
            .or_else(|| match self.reset {
                Reset::Manual => None,
                Reset::After { seconds } => count("seconds", seconds, 0),
                Reset::Probe { seconds, share: s, events } => {
                    count("seconds", seconds, 0).or_else(|| share(s)).or_else(|| count("events", events, 1))
                }
            });
        fault.map_or(Ok(()), |message| Err(Error::new(codes::RANGE, argument, None, message)))
    }

    /// Reads a rule from JSON: its fields by name, `action` and `reset` with their `kind`.
    ///
    /// # Errors
    /// `invalid_input.syntax`, and `invalid_input.range` for a number outside its range.
    pub fn from_json(text: &str) -> Result<Self> {
        let rule: Self = object("breaker", text)?;
        rule.check("breaker")?;
        Ok(rule)
    }

    fn is_due(&self, account: &BreakerAccount, now: i64) -> bool {
        let (Reset::After { seconds } | Reset::Probe { seconds, .. }) = self.reset else { return false };
        account.state == BreakerState::Tripped && now.saturating_sub(account.since) / 1_000_000 >= seconds as i64
    }
}

impl BreakerAccount {
    fn turn(&mut self, state: BreakerState, now: i64) {
        *self = Self { state, since: now, ..FRESH };
    }

    /// Counts, and changes state where that is due; returns whether it did.
    fn count(&mut self, rule: &Breaker, events: u64, responses: u64, now: i64) -> bool {
        if self.state == BreakerState::Tripped {
            // Answers to what was shown before it tripped.
            return false;
        }
        self.events += events as f64;
        self.responses += responses as f64;
        let bad = self.responses > rule.threshold * self.events;
        match (self.state, rule.reset) {
            (BreakerState::Probing, Reset::Probe { events, .. }) if self.events >= events as f64 => {
                self.turn(if bad { BreakerState::Tripped } else { BreakerState::Closed }, now);
                return true;
            }
            (BreakerState::Closed, _) if bad && self.events >= rule.least_events as f64 => {
                self.turn(BreakerState::Tripped, now);
                return true;
            }
            _ => {}
        }
        let kept = rule.window as f64 / self.events;
        if kept < 1.0 {
            self.events *= kept;
            self.responses *= kept;
        }
        false
    }
}

impl Breakers {
    /// Breakers by one rule for every campaign that gets none of its own; `None`: only those have one.
    ///
    /// # Errors
    /// `invalid_input.range` for a number outside its range.
    pub fn new(every: Option<Breaker>) -> Result<Self> {
        if let Some(rule) = &every {
            rule.check("breaker")?;
        }
        Ok(Self { every, ..Self::default() })
    }

    /// Changes the rule of every campaign without one of its own, or that of one campaign, which loses its own by `None`. What was counted stays;
    /// a campaign that is left without a rule is reset. Returns whether gates have to be made anew.
    ///
    /// # Errors
    /// `invalid_input.range` for a number outside its range; nothing is then changed.
    pub fn set_rule(&mut self, campaign: Option<&str>, rule: Option<Breaker>) -> Result<bool> {
        if let Some(rule) = &rule {
            rule.check("breaker")?;
        }
        let before = self.engaged().next().is_some();
        match (campaign, rule) {
            (None, rule) => self.every = rule,
            (Some(campaign), Some(rule)) => {
                self.own.insert(campaign.to_owned(), rule);
            }
            (Some(campaign), None) => {
                self.own.remove(campaign);
            }
        }
        let (every, own) = (self.every.is_some(), &self.own);
        self.accounts.retain(|campaign, _| every || own.contains_key(campaign));
        Ok(before || self.engaged().next().is_some())
    }

    /// The rule of a campaign.
    #[must_use]
    pub fn rule(&self, campaign: &str) -> Option<&Breaker> {
        self.own.get(campaign).or(self.every.as_ref())
    }

    /// How a campaign stands; `None` where nothing was counted.
    #[must_use]
    pub fn account(&self, campaign: &str) -> Option<&BreakerAccount> {
        self.accounts.get(campaign)
    }

    /// Every campaign that was counted, in order of ids.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &BreakerAccount)> {
        self.accounts.iter().map(|(id, account)| (id.as_str(), account))
    }

    /// Counts `events` of a campaign, `responses` of them bad, at `now` (microseconds since 1970 UTC). Returns whether its breaker changed state,
    /// so that gates have to be made anew. A campaign without a rule is not counted.
    ///
    /// # Errors
    /// `invalid_input.range` where there are more responses than events, or more than 2^52 events.
    pub fn record(&mut self, campaign: &str, events: u64, responses: u64, now: i64) -> Result<bool> {
        if responses > events || events > COUNT_LIMIT {
            let message = format!("{responses} responses of {events} events of campaign {}", quote(campaign));
            return Err(Error::new(codes::RANGE, "responses", None, message));
        }
        let Some(rule) = self.own.get(campaign).or(self.every.as_ref()) else { return Ok(false) };
        if events == 0 {
            return Ok(false);
        }
        if let Some(account) = self.accounts.get_mut(campaign) {
            return Ok(account.count(rule, events, responses, now));
        }
        Ok(self.accounts.entry(campaign.to_owned()).or_insert(FRESH).count(rule, events, responses, now))
    }

    /// Lets campaigns back, or tries them, whose time has come; returns whether any changed state. `O(campaigns counted)`.
    pub fn tick(&mut self, now: i64) -> bool {
        let mut changed = false;
        for (campaign, account) in &mut self.accounts {
            let Some(rule) = self.own.get(campaign).or(self.every.as_ref()) else { continue };
            if rule.is_due(account, now) {
                let probes = matches!(rule.reset, Reset::Probe { .. });
                account.turn(if probes { BreakerState::Probing } else { BreakerState::Closed }, now);
                changed = true;
            }
        }
        changed
    }

    /// The earliest instant at which [`Breakers::tick`] would change anything; `None` for never.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        let due = |(campaign, account): (&str, &BreakerAccount)| match self.rule(campaign)?.reset {
            Reset::After { seconds } | Reset::Probe { seconds, .. } if account.state == BreakerState::Tripped => {
                Some(account.since.saturating_add((seconds as i64).saturating_mul(1_000_000)))
            }
            _ => None,
        };
        self.accounts().filter_map(due).min()
    }

    /// Resets a campaign's breaker by hand; returns whether it had been tripped.
    pub fn reset(&mut self, campaign: &str) -> bool {
        self.accounts.remove(campaign).is_some_and(|account| account.state != BreakerState::Closed)
    }

    /// Campaigns that are stopped or damped, with the share of requests that they take part in.
    pub fn engaged(&self) -> impl Iterator<Item = (&str, f64)> {
        self.accounts().filter_map(|(campaign, account)| {
            let rule = self.rule(campaign)?;
            let share = match (account.state, rule.action, rule.reset) {
                (BreakerState::Closed, ..) => return None,
                (BreakerState::Probing, _, Reset::Probe { share, .. }) | (_, Action::Damp { share }, _) => share,
                (_, Action::Stop, _) => 0.0,
            };
            Some((campaign, share))
        })
    }

    /// Forgets campaigns that `keep` does not want and whose breaker is closed.
    pub(super) fn forget(&mut self, keep: impl Fn(&str) -> bool) {
        self.accounts.retain(|campaign, account| account.state != BreakerState::Closed || keep(campaign));
    }

    /// Rules and accounts as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Finite numbers and strings: nothing that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Breakers::to_json`] writes.
    ///
    /// # Errors
    /// `invalid_input.syntax`, `invalid_input.range` and `invalid_input.too_large` past [`BREAKERS_LIMIT`].
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > BREAKERS_LIMIT {
            let message = format!("{} bytes, the limit is {BREAKERS_LIMIT}", text.len());
            return Err(Error::new(codes::TOO_LARGE, "breakers", None, message));
        }
        let breakers: Self = object("breakers", text)?;
        breakers.every.iter().chain(breakers.own.values()).try_for_each(|rule| rule.check("breakers"))?;
        let limit = COUNT_LIMIT as f64;
        if let Some((campaign, a)) =
            breakers.accounts().find(|(_, a)| !(0.0..=limit).contains(&a.events) || !(0.0..=a.events).contains(&a.responses))
        {
            let message = format!("{} responses of {} events of campaign {}", a.responses, a.events, quote(campaign));
            return Err(Error::new(codes::RANGE, "breakers", None, message));
        }
        Ok(breakers)
    }
}
