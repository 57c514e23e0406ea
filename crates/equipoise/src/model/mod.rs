//! What the world looks like to equipoise: problems, campaigns, opportunities, goals and the ledgers they keep.
//!
//! Knows nobody but [`crate::error`].

mod builder;
mod campaign;
mod distinct;
mod exploration;
mod goal;
mod id;
mod key;
mod ledger;
mod limits;
mod names;
mod opportunities;
pub mod organic;
mod problem;
mod reason;
mod relevance;

pub use builder::{CandidateRow, OpportunitiesBuilder, OpportunityRow};
pub use campaign::{Campaign, CampaignGoal, Campaigns, Parties};
pub use exploration::Exploration;
pub use goal::{Goal, GoalKind, Of, Per, RelativeTo};
pub use id::Id;
pub use key::{hash_integer, hash_text, mix, uniform};
pub use ledger::{Ledger, Scope};
pub use names::Names;
pub use opportunities::{ORGANIC, Opportunities};
pub use problem::{Problem, Slate};
pub use reason::Reason;
pub use relevance::Relevance;

pub(crate) use limits::PLACES;

#[cfg(feature = "arrow")]
pub(crate) use id::{Begun, Items};
#[cfg(feature = "arrow")]
pub(crate) use limits::{MAGNITUDE, Range, check_measures, check_text};
