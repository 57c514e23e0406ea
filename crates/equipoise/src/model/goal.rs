//! Goals as a problem states them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Fairness among ledgers by a concave utility; not planned by this version.
    AlphaFair,
    /// Fairness by the worst ledger; not planned by this version.
    MaxMin,
    /// A fraction of the whole, `at_least` and/or `at_most`; hard unless `penalty` is given.
    Share,
    /// Bounds harm to listeners; hard.
    Guardrail,
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

/// One entry of a problem's `goals`. Which fields a kind needs and takes is checked by [`crate::Problem::check`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// Weight of a fairness utility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Exponent of `alpha_fair`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Offset of `alpha_fair`, 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// Weights of the members of `max_min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<IndexMap<String, f64>>,
}
