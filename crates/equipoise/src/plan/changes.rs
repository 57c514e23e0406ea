//! What a plan might be asked with: changes to a problem and its campaign table that leave the log as it is.

use super::goals::plain_name;
use crate::error::{Error, Faults, Result, codes, escape, quote};
use crate::model::{Campaign, CampaignGoal, Campaigns, Goal, GoalKind, Problem};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};

/// Changes to a problem and its campaigns, by name.
///
/// As a JSON document: `{"objectives": {"stream": 2.0}, "goals": {"listeners": {"at_most": 0.02}}, "campaigns": {"c1": {"cap": 500.0},
/// "c2": {"paused": true}}}`. A goal of the problem is named as in [`crate::plan::Plan::prices`], or by its place: `goals[0]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// New weights of objectives that the problem has.
    #[serde(default)]
    pub objectives: IndexMap<String, f64>,
    /// New numbers of the problem's goals.
    #[serde(default)]
    pub goals: IndexMap<String, GoalChange>,
    /// New goals of campaigns.
    #[serde(default)]
    pub campaigns: IndexMap<String, CampaignChange>,
}

/// New numbers of a goal; those left out stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of Goal")]
pub struct GoalChange {
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub at_most_total: Option<f64>,
    pub target: Option<f64>,
    pub penalty: Option<f64>,
    pub weight: Option<f64>,
    pub alpha: Option<f64>,
    pub offset: Option<f64>,
}

/// What becomes of an amount.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Amount {
    /// It stays.
    #[default]
    Kept,
    /// The goal is taken away; null in a document.
    Removed,
    /// This is asked instead.
    Asked(f64),
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(value: D) -> std::result::Result<Self, D::Error> {
        Ok(Option::deserialize(value)?.map_or(Self::Removed, Self::Asked))
    }
}

/// New goals of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignChange {
    /// Takes the campaign out: it gets nothing and is promised nothing.
    #[serde(default)]
    pub paused: bool,
    /// The measure that the amounts below count; `exposure` if left out.
    pub goal_measure: Option<String>,
    /// At most this much.
    #[serde(default)]
    pub cap: Amount,
    /// At least this much.
    #[serde(default)]
    pub floor: Amount,
    /// Cost of a unit missing to the floor.
    pub floor_penalty: Option<f64>,
    /// Exactly this much.
    #[serde(default)]
    pub target: Amount,
    /// Cost of a unit of deviation from the target.
    pub target_penalty: Option<f64>,
}

impl Changes {
    /// Reads a JSON document.
    ///
    /// # Errors
    /// `invalid_input.syntax`, with the field that is unknown or of a wrong type.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::new(codes::SYNTAX, "changes", None, escape(&e.to_string(), 400)))
    }

    /// One number by its path: `objectives.stream`, `goals.NAME.at_most`, `goals[0].penalty`, `campaigns.ID.cap`.
    ///
    /// # Errors
    /// `invalid_input.syntax` for anything else.
    pub fn from_path(path: &str, value: f64) -> Result<Self> {
        let mut changes = Self::default();
        changes.set(path, value)?;
        Ok(changes)
    }

    /// Sets one more number by its path.
    ///
    /// # Errors
    /// As [`Changes::from_path`].
    pub fn set(&mut self, path: &str, value: f64) -> Result<()> {
        let wrong = || {
            let wanted = "objectives.NAME, goals.NAME.FIELD, goals[INDEX].FIELD or campaigns.ID.FIELD";
            Error::new(codes::SYNTAX, "vary", None, format!("found {}, wanted {wanted}", quote(path)))
        };
        if let Some(name) = path.strip_prefix("objectives.") {
            self.objectives.insert(name.to_owned(), value);
            return Ok(());
        }
        let (owner, field) = path.rsplit_once('.').ok_or_else(wrong)?;
        if let Some(id) = owner.strip_prefix("campaigns.") {
            let c = self.campaigns.entry(id.to_owned()).or_default();
            match field {
                "cap" => c.cap = Amount::Asked(value),
                "floor" => c.floor = Amount::Asked(value),
                "floor_penalty" => c.floor_penalty = Some(value),
                "target" => c.target = Amount::Asked(value),
                "target_penalty" => c.target_penalty = Some(value),
                _ => return Err(wrong()),
            }
            return Ok(());
        }
        let name = owner.strip_prefix("goals.").or_else(|| owner.starts_with("goals[").then_some(owner)).ok_or_else(wrong)?;
        let g = self.goals.entry(name.to_owned()).or_default();
        let slot = match field {
            "at_most" => &mut g.at_most,
            "at_least" => &mut g.at_least,
            "at_most_total" => &mut g.at_most_total,
            "target" => &mut g.target,
            "penalty" => &mut g.penalty,
            "weight" => &mut g.weight,
            "alpha" => &mut g.alpha,
            "offset" => &mut g.offset,
            _ => return Err(wrong()),
        };
        *slot = Some(value);
        Ok(())
    }

    /// The changed problem and campaigns.
    ///
    /// # Errors
    /// Names that the problem or the table lacks, and whatever is wrong with the changed problem and campaigns.
    pub fn apply(&self, problem: &Problem, campaigns: &Campaigns) -> Result<(Problem, Campaigns)> {
        let mut faults = Faults::new();
        let mut problem = problem.clone();
        for (name, weight) in &self.objectives {
            match problem.objectives.get_mut(name) {
                Some(own) => *own = *weight,
                None => faults.push(codes::UNKNOWN_NAME, "changes.objectives", None, || {
                    let known: Vec<String> = problem.objectives.keys().map(|k| quote(k)).collect();
                    format!("{} is no objective of the problem, which has: {}", quote(name), known.join(", "))
                }),
            }
        }
        for (name, change) in &self.goals {
            if let Some(at) = find(&problem.goals, name, &mut faults) {
                change.apply(&mut problem.goals[at]);
            }
        }
        let mut list: Vec<Campaign> = campaigns.iter().cloned().collect();
        let index: std::collections::HashMap<&str, usize> = campaigns.iter().enumerate().map(|(i, c)| (c.id.as_str(), i)).collect();
        for (id, change) in &self.campaigns {
            match index.get(id.as_str()) {
                Some(at) => change.apply(&mut list[*at]),
                None => faults
                    .push(codes::UNKNOWN_CAMPAIGN, "changes.campaigns", None, || format!("{} is not in the campaign table", quote(id))),
            }
        }
        faults.finish()?;
        problem.check()?;
        Ok((problem, Campaigns::new(list)?))
    }

    /// The ids of paused campaigns.
    pub(super) fn paused(&self) -> impl Iterator<Item = &str> {
        self.campaigns.iter().filter(|(_, c)| c.paused).map(|(id, _)| id.as_str())
    }
}

/// The goal of that name or place.
fn find(goals: &[Goal], name: &str, faults: &mut Faults) -> Option<usize> {
    let place = name.strip_prefix("goals[").and_then(|n| n.strip_suffix(']')).and_then(|n| n.parse::<usize>().ok());
    if let Some(at) = place.filter(|at| *at < goals.len()) {
        return Some(at);
    }
    let known: Vec<String> = goals.iter().map(plain_name).collect();
    let is = |own: &String| own == name || name.strip_prefix(own.as_str()).is_some_and(|side| side == " at least" || side == " at most");
    let found: Vec<usize> = (0..goals.len()).filter(|i| is(&known[*i])).collect();
    if let [at] = found[..] {
        return Some(at);
    }
    faults.push(codes::UNKNOWN_NAME, "changes.goals", None, || {
        if found.is_empty() {
            let known: Vec<String> = known.iter().map(|k| quote(k)).collect();
            format!("{} is no goal of the problem, which has: {}", quote(name), known.join(", "))
        } else {
            let places: Vec<String> = found.iter().map(|i| format!("goals[{i}]")).collect();
            format!("{} is the name of several goals; say which: {}", quote(name), places.join(", "))
        }
    });
    None
}

impl GoalChange {
    fn apply(&self, goal: &mut Goal) {
        let new = [
            (&mut goal.at_most, self.at_most),
            (&mut goal.at_least, self.at_least),
            (&mut goal.at_most_total, self.at_most_total),
            (&mut goal.target, self.target),
            (&mut goal.penalty, self.penalty),
            (&mut goal.weight, self.weight),
            (&mut goal.alpha, self.alpha),
            (&mut goal.offset, self.offset),
        ];
        for (own, new) in new {
            *own = new.or(*own);
        }
    }
}

impl CampaignChange {
    fn apply(&self, campaign: &mut Campaign) {
        let exposure = "exposure".to_owned();
        if self.paused {
            campaign.goals = vec![CampaignGoal { kind: GoalKind::Cap, measure: exposure, amount: 0.0, penalty: None }];
            return;
        }
        let measure = self.goal_measure.clone().unwrap_or(exposure);
        let new = [
            (GoalKind::Cap, self.cap, None),
            (GoalKind::Floor, self.floor, self.floor_penalty),
            (GoalKind::Target, self.target, self.target_penalty),
        ];
        for (kind, amount, penalty) in new {
            let at = campaign.goals.iter().position(|g| g.kind == kind && g.measure == measure);
            match (amount, at) {
                (Amount::Removed, Some(at)) => drop(campaign.goals.remove(at)),
                (Amount::Asked(amount), Some(at)) => campaign.goals[at].amount = amount,
                (Amount::Asked(amount), None) => campaign.goals.push(CampaignGoal { kind, measure: measure.clone(), amount, penalty }),
                (Amount::Removed | Amount::Kept, _) => {}
            }
            if let (Some(_), Some(g)) = (penalty, campaign.goals.iter_mut().find(|g| g.kind == kind && g.measure == measure)) {
                g.penalty = penalty;
            }
        }
    }
}
