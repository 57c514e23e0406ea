//! What a policy is made of, before it is checked and folded.

use crate::model::{Campaigns, Ledger, Slate};
use indexmap::IndexMap;

/// What a policy is made of; [`super::Policy::new`] checks and folds it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Measure columns of a request, in the order of summation; never `exposure`, which is measure 0 of every ledger.
    pub measures: Vec<String>,
    /// Objective weights: of `exposure`, then of `measures`. Magnitude at most 1e12.
    pub weights: Vec<f64>,
    /// Slate rules. Places and slots are at most 255.
    pub slate: Slate,
    /// Campaigns with parties, flights and segments. Their own goals are not kept: what counts is in `ledgers`.
    pub campaigns: Campaigns,
    /// Markets whose ledgers were priced: those of the log; empty where it has no such column.
    pub markets: Vec<String>,
    /// Surfaces likewise.
    pub surfaces: Vec<String>,
    /// Names of the goals that `ledgers` point to.
    pub goals: Vec<String>,
    /// Ledgers and their prices, in the order of folding. Measures: 0 is `exposure`, then `measures`. Keys are those of
    /// `Roster::new(&campaigns, &markets, &surfaces)`: a campaign is the rank of its id, parties are sorted by name.
    pub ledgers: Vec<(Ledger, f64)>,
    /// Breadth of the tie-break term; 0 for none.
    pub tie_breadth: f64,
    /// The certificate and whatever else travels along, as text.
    pub metadata: IndexMap<String, String>,
    /// The policy this one came from.
    pub parent_id: Option<[u8; 16]>,
    /// Microseconds since 1970 UTC from which on this policy must not serve.
    pub valid_until: Option<i64>,
}
