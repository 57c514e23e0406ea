//! The opportunity log as columns.

use super::names::Names;

/// The campaign index of an organic candidate.
pub const ORGANIC: u32 = u32::MAX;

/// A checked log of opportunities: one entry per opportunity, one per candidate, the candidates of an opportunity together.
///
/// Optional columns are `None` when the log lacks them. Indices point into the log's own name tables.
#[derive(Debug, Clone, Default)]
pub struct Opportunities {
    /// Candidates of opportunity `t` are `starts[t]..starts[t + 1]`; length is the number of opportunities plus one.
    pub(crate) starts: Vec<u64>,
    /// Hash of `opportunity_id`; used for hold-outs, and as the key where there is no column `key`.
    pub(crate) id_hash: Vec<u64>,
    pub(crate) key: Option<Vec<u64>>,
    pub(crate) weight: Option<Vec<f64>>,
    pub(crate) slots: Option<Vec<u32>>,
    /// Microseconds since 1970 UTC.
    pub(crate) time: Option<Vec<i64>>,
    pub(crate) market: Option<Vec<u32>>,
    pub(crate) surface: Option<Vec<u32>>,
    pub(crate) reference: Option<Vec<f32>>,
    pub(crate) organic_value: Option<Vec<f64>>,
    /// Per candidate: index into `campaigns`, or [`ORGANIC`].
    pub(crate) campaign: Vec<u32>,
    pub(crate) organic: Option<Vec<f32>>,
    /// Names and columns, in the order in which they were asked for.
    pub(crate) measures: Vec<(String, Vec<f32>)>,
    pub(crate) item: Option<Vec<u32>>,
    pub(crate) artist: Option<Vec<u32>>,
    pub(crate) campaigns: Names,
    pub(crate) markets: Names,
    pub(crate) surfaces: Names,
    pub(crate) artists: Names,
}

impl Opportunities {
    /// How many opportunities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many candidate rows there are.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.campaign.len()
    }
}
