//! The immutable policy: what a service loads.

mod column;
mod roster;

pub use roster::{NONE, Roster};

use crate::model::{Campaigns, Ledger, Slate};
use indexmap::IndexMap;

/// What a policy is made of; [`Policy::new`] checks and folds it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Measure columns of a request, in the order of summation; never `exposure`, which is measure 0 of every ledger.
    pub measures: Vec<String>,
    /// Objective weights: of `exposure`, then of `measures`.
    pub weights: Vec<f64>,
    /// Slate rules.
    pub slate: Slate,
    /// Campaigns with parties, flights and segments.
    pub campaigns: Campaigns,
    /// Markets whose ledgers were priced: those of the log.
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
    /// Microseconds since 1970 UTC after which this policy must not serve.
    pub valid_until: Option<i64>,
}

/// The immutable policy.
#[derive(Debug, Clone)]
pub struct Policy {
    _todo: (),
}
