//! Campaigns, their parties, flights, segments and own goals.

use super::goal::GoalKind;
use super::names::Names;

/// The parties a campaign can belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parties {
    /// Artist.
    pub artist: Option<String>,
    /// Label.
    pub label: Option<String>,
    /// Licensor.
    pub licensor: Option<String>,
}

/// A goal of one campaign: a `cap`, `floor` or `target` on one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignGoal {
    /// [`GoalKind::Cap`], [`GoalKind::Floor`] or [`GoalKind::Target`].
    pub kind: GoalKind,
    /// The measure counted.
    pub measure: String,
    /// The bound.
    pub amount: f64,
    /// Cost of a missing or excess unit; `None` takes the default of the plan. Not for caps.
    pub penalty: Option<f64>,
}

/// One promoted thing with its goals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Campaign {
    /// Unique id.
    pub id: String,
    /// Whose it is.
    pub parties: Parties,
    /// Where it may run; `None` means every surface.
    pub surfaces: Option<Vec<String>>,
    /// Where it may run; `None` means every market.
    pub markets: Option<Vec<String>>,
    /// Start of the flight, microseconds since 1970 UTC, included; `None` means always.
    pub start: Option<i64>,
    /// End of the flight, excluded.
    pub end: Option<i64>,
    /// Own goals.
    pub goals: Vec<CampaignGoal>,
}

/// A checked campaign table.
#[derive(Debug, Clone, Default)]
pub struct Campaigns {
    pub(crate) list: Vec<Campaign>,
    pub(crate) ids: Names,
}
