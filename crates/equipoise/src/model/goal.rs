//! Goals as a problem states them.

use super::ledger::Scope;
use super::limits::{Range, check_text};
use crate::error::{Faults, codes, quote};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a goal asks of its ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GoalKind {
    /// At most `at_most`; hard.
    Cap,
    /// At least `at_least`; each missing unit costs `penalty`.
    Floor,
    /// Exactly `target`; each unit of deviation costs `penalty`.
    Target,
    /// Fairness among ledgers: the more one has, the less a further unit is worth to it, `weight ((d + offset)^(1 - alpha) - offset^(1 -
    /// alpha))/(1 - alpha)`, the logarithm at `alpha = 1`.
    AlphaFair,
    /// Fairness by the worst ledger: `weight` times the least delivery over the ledger's own of `weights`.
    MaxMin,
    /// A fraction of the whole, `at_least` and/or `at_most`; hard unless `penalty` is given.
    Share,
    /// Bounds harm to listeners; hard.
    Guardrail,
}

impl GoalKind {
    /// The name used in documents and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Floor => "floor",
            Self::Target => "target",
            Self::AlphaFair => "alpha_fair",
            Self::MaxMin => "max_min",
            Self::Share => "share",
            Self::Guardrail => "guardrail",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Cap, Self::Floor, Self::Target, Self::AlphaFair, Self::MaxMin, Self::Share, Self::Guardrail];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Fields of [`Goal`] that this kind reads, beside kind, name, measure and scope.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Cap => &["at_most"],
            Self::Floor => &["at_least", "penalty"],
            Self::Target => &["target", "penalty"],
            Self::AlphaFair => &["weight", "alpha", "offset"],
            Self::MaxMin => &["weight", "weights"],
            Self::Share => &["at_most", "at_least", "penalty"],
            Self::Guardrail => &["at_most", "at_most_total", "relative_to"],
        }
    }
}

/// One ledger for each value of this attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each campaign.
    Campaign,
    /// Each artist.
    Artist,
    /// Each label.
    Label,
    /// Each licensor.
    Licensor,
    /// Each market.
    Market,
    /// Each surface.
    Surface,
    /// Everything together.
    All,
}

impl From<Per> for Scope {
    fn from(per: Per) -> Self {
        match per {
            Per::Campaign => Self::Campaign,
            Per::Artist => Self::Artist,
            Per::Label => Self::Label,
            Per::Licensor => Self::Licensor,
            Per::Market => Self::Market,
            Per::Surface => Self::Surface,
            Per::All => Self::All,
        }
    }
}

/// One ledger, of one key: `{ licensor = "L3" }`. More than one entry is `goal.scope_intersection`.
pub type Of = IndexMap<String, String>;

/// What a guardrail's fraction is a fraction of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelativeTo {
    /// The weighted organic value of all opportunities of the scope.
    Organic,
    /// The weighted number of opportunities of the scope.
    Opportunities,
}

/// One entry of a problem's `goals`. Which fields a kind needs and takes is checked with the problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["per"]}, {"required": ["of"]}]))]
pub struct Goal {
    /// What is asked.
    pub kind: GoalKind,
    /// A name of your own, shown in tables and explanations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The measure that is counted; `exposure` counts picks.
    pub measure: String,
    /// One ledger for each value of this attribute. Exactly one of `per` and `of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// One ledger, of this key.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::distinct::optional_map")]
    pub of: Option<Of>,
    /// Upper limit: a number; a fraction for `share` and `guardrail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// Lower limit: a number; a fraction for `share`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Absolute upper limit of a guardrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most_total: Option<f64>,
    /// The wanted amount of a `target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// What a guardrail's `at_most` is a fraction of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_to: Option<RelativeTo>,
    /// Cost of one missing (or excess) unit, in organic-score units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<f64>,
    /// Weight of a fairness utility: for `max_min` what a unit of the worst member is worth, for `alpha_fair` what a unit is worth at a delivery
    /// of `1 - offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Exponent of `alpha_fair`, at most 100: 0 counts units, 1 takes the logarithm, 2 the inverse, larger ones look at the worst ever more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Offset of `alpha_fair`, in units of the measure, 1 if absent; 0 only for `alpha` below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// Weights of the members of `max_min` by key, 1 for those that are not named: a member of weight 2 is to have twice as much.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::distinct::optional_map")]
    pub weights: Option<IndexMap<String, f64>>,
}

/// The scopes that `of` can name.
const OF: [Scope; 6] = [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface];

impl Goal {
    /// A goal of this kind without scope or limits, to be filled in: `Goal { per: Some(Per::All), ..Goal::new(..) }`.
    #[must_use]
    pub fn new(kind: GoalKind, measure: impl Into<String>) -> Self {
        Self {
            kind,
            name: None,
            measure: measure.into(),
            per: None,
            of: None,
            at_most: None,
            at_least: None,
            at_most_total: None,
            target: None,
            relative_to: None,
            penalty: None,
            weight: None,
            alpha: None,
            offset: None,
            weights: None,
        }
    }

    /// Over what this goal counts, and the one key where it has one; without a key it keeps one ledger per value of the scope.
    /// `None` where the scope is not well formed, which [`crate::Problem::check`] reports.
    #[must_use]
    pub fn scope(&self) -> Option<(Scope, Option<&str>)> {
        match (self.per, &self.of) {
            (Some(per), None) => Some((per.into(), None)),
            (None, Some(of)) if of.len() == 1 => {
                let (attribute, key) = of.first()?;
                OF.into_iter().find(|scope| scope.name() == attribute).map(|scope| (scope, Some(key.as_str())))
            }
            _ => None,
        }
    }

    fn numbers(&self) -> [(&'static str, Option<f64>); 8] {
        [
            ("at_most", self.at_most),
            ("at_least", self.at_least),
            ("at_most_total", self.at_most_total),
            ("target", self.target),
            ("penalty", self.penalty),
            ("weight", self.weight),
            ("alpha", self.alpha),
            ("offset", self.offset),
        ]
    }

    /// Reports everything that is wrong with this goal alone; `path` is where it stands.
    pub(super) fn check(&self, path: &str, faults: &mut Faults) {
        if let Some(name) = &self.name {
            check_text(name, faults, &format!("{path}.name"), None);
        }
        check_text(&self.measure, faults, &format!("{path}.measure"), None);
        self.check_scope(path, faults);
        self.check_fields(path, faults);
        for (field, value) in self.numbers() {
            let range = match (self.kind, field) {
                (_, "alpha") => Range::Exponent,
                (GoalKind::Share, "at_most" | "at_least") => Range::Fraction,
                (_, "penalty" | "weight") => Range::Positive,
                _ => Range::NonNegative,
            };
            if let Some(value) = value {
                range.check(value, faults, &format!("{path}.{field}"), None);
            }
        }
        for (name, weight) in self.weights.iter().flatten() {
            Range::Positive.check(*weight, faults, &format!("{path}.weights.{}", quote(name)), None);
        }
    }

    fn check_scope(&self, path: &str, faults: &mut Faults) {
        let mut wrong = |what: &str| faults.push(codes::GOAL_SCOPE, path, None, || what.to_owned());
        match (self.per, &self.of) {
            (None, None) => wrong("has neither `per` nor `of`; one of them says over what it counts"),
            (Some(_), Some(_)) => wrong("has both `per` and `of`; a goal has one scope"),
            (None, Some(of)) => check_of(of, &format!("{path}.of"), faults),
            (Some(_), None) => {}
        }
        let Some((scope, _)) = self.scope() else { return };
        let wrong = match self.kind {
            GoalKind::Guardrail => scope.is_campaign_side(),
            GoalKind::Share => scope == Scope::All,
            _ => false,
        };
        if wrong {
            faults.push(codes::GOAL_SCOPE, path, None, || match self.kind {
                GoalKind::Guardrail => format!("a guardrail counts over a market, a surface or all, not over a {}", scope.name()),
                _ => "a share of everything is always 1; it needs a campaign, artist, label, licensor, market or surface".to_owned(),
            });
        }
    }

    fn check_fields(&self, path: &str, faults: &mut Faults) {
        let kind = self.kind.name();
        let mut given: Vec<_> = self.numbers().iter().filter(|n| n.1.is_some()).map(|n| n.0).collect();
        given.extend(self.relative_to.map(|_| "relative_to"));
        given.extend(self.weights.as_ref().map(|_| "weights"));
        for field in given.iter().filter(|field| !self.kind.fields().contains(field)) {
            faults.push(codes::GOAL_LIMIT, &format!("{path}.{field}"), None, || format!("a {kind} does not have `{field}`"));
        }
        let mut lacks = |what: &str| faults.push(codes::GOAL_LIMIT, path, None, || format!("a {kind} needs {what}"));
        match self.kind {
            GoalKind::Cap if self.at_most.is_none() => lacks("`at_most`"),
            GoalKind::Floor if self.at_least.is_none() => lacks("`at_least`"),
            GoalKind::Target if self.target.is_none() => lacks("`target`"),
            GoalKind::Share if self.at_most.is_none() && self.at_least.is_none() => lacks("`at_most`, `at_least` or both"),
            GoalKind::Guardrail => match (self.at_most, self.at_most_total, self.relative_to) {
                (Some(_), None, Some(_)) | (None, Some(_), None) => {}
                (Some(_), None, None) => lacks("`relative_to` beside `at_most`: \"organic\" or \"opportunities\""),
                (Some(_), Some(_), _) => lacks("one of `at_most` and `at_most_total`, not both"),
                (None, Some(_), Some(_)) => lacks("no `relative_to` beside `at_most_total`, which is absolute"),
                (None, None, _) => lacks("`at_most` with `relative_to`, or `at_most_total`"),
            },
            GoalKind::AlphaFair if self.weight.is_none() || self.alpha.is_none() => lacks("`weight` and `alpha`"),
            GoalKind::AlphaFair if self.offset == Some(0.0) && self.alpha.is_some_and(|alpha| alpha >= 1.0) => {
                lacks("a positive `offset` for an `alpha` of 1 or more: without one, nothing delivered would be infinitely bad");
            }
            GoalKind::MaxMin if self.weight.is_none() => lacks("`weight`"),
            _ => {}
        }
    }
}

fn check_of(of: &Of, path: &str, faults: &mut Faults) {
    if of.is_empty() {
        faults.push(codes::GOAL_SCOPE, path, None, || "names no key, such as { label = \"L1\" }".to_owned());
    }
    if of.len() > 1 {
        faults.push(codes::GOAL_INTERSECTION, path, None, || {
            format!("names {} keys; split the campaign into one line per market under the same parties instead", of.len())
        });
    }
    for (attribute, key) in of {
        if !OF.iter().any(|scope| scope.name() == attribute) {
            faults.push(codes::GOAL_SCOPE, path, None, || {
                format!("{} is not campaign, artist, label, licensor, market or surface", quote(attribute))
            });
        }
        check_text(key, faults, &format!("{path}.{}", quote(attribute)), None);
    }
}

/// Reports floors above caps of the same ledgers, across goals and within one share. Linear in the number of goals.
pub(super) fn check_bounds(goals: &[Goal], faults: &mut Faults) {
    // A ledger is met by goals `of` its key and by goals `per` its attribute, so each is compared with its own kind and with the other.
    let mut caps = HashMap::<_, (f64, usize)>::new();
    let mut lowest = HashMap::<_, (f64, usize)>::new();
    let limits = |goal: &Goal| match goal.kind {
        GoalKind::Cap => (None, goal.at_most, false),
        GoalKind::Floor => (goal.at_least, None, false),
        GoalKind::Share => (goal.at_least, goal.at_most, true),
        _ => (None, None, false),
    };
    for (i, goal) in goals.iter().enumerate() {
        let (Some((scope, key)), (_, Some(cap), share)) = (goal.scope(), limits(goal)) else { continue };
        let ledger = (share, goal.measure.as_str(), scope);
        let keep_least = |at: &mut (f64, usize)| {
            if cap < at.0 {
                *at = (cap, i);
            }
        };
        keep_least(caps.entry((ledger, key)).or_insert((cap, i)));
        keep_least(lowest.entry(ledger).or_insert((cap, i)));
    }
    for (i, goal) in goals.iter().enumerate() {
        let (Some((scope, key)), (Some(floor), _, share)) = (goal.scope(), limits(goal)) else { continue };
        let ledger = (share, goal.measure.as_str(), scope);
        let met = match key {
            Some(_) => [caps.get(&(ledger, key)), caps.get(&(ledger, None))],
            None => [lowest.get(&ledger), None],
        };
        if let Some((cap, by)) = met.into_iter().flatten().find(|(cap, _)| floor > *cap) {
            faults.push(codes::FLOOR_ABOVE_CAP, &format!("goals[{i}].at_least"), None, || {
                format!("{floor:?} lies above {cap:?}, which goals[{by}].at_most asks of the same ledger")
            });
        }
    }
}
