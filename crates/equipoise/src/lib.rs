//! Promotion scoring and allocation: which promotions to show to whom, and how strongly.
//!
//! See the repository's `DESIGN.md` for the words, the mathematics and the contracts between the modules.
//!
//! ```
//! use equipoise::model::{Campaign, CandidateRow, OpportunityRow};
//! use equipoise::score::Measures;
//! use equipoise::{Campaigns, Opportunities, Problem, Request, Settings, Workspace};
//!
//! let mut log = Opportunities::builder(&["stream"]);
//! log.opportunity(&OpportunityRow { id: 1.into(), ..OpportunityRow::default() });
//! log.candidate(&CandidateRow { campaign: Some("waves"), measures: &[0.4], ..CandidateRow::default() });
//! log.candidate(&CandidateRow { measures: &[0.3], ..CandidateRow::default() });
//! let campaigns = Campaigns::new(vec![Campaign { id: "waves".to_owned(), ..Campaign::default() }])?;
//! let problem = Problem::from_toml("[objectives]\nstream = 1.0")?;
//! let plan = equipoise::plan(&problem, &log.finish()?, &campaigns, &Settings::new().tolerance(1e-4).holdout(0.0))?;
//!
//! let policy = plan.policy();
//! let campaign = [policy.row("waves")];
//! let request = Request::new(&campaign, Measures::Slices { columns: &[&[0.5]], offset: 0 });
//! let mut workspace = Workspace::with_capacity(2000);
//! assert_eq!(policy.score(&request, &mut workspace)?.scores(), [0.5]);
//! # Ok::<(), equipoise::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod error;
pub mod evaluate;
pub mod exchange;
pub mod memory;
pub mod model;
pub mod observe;
pub mod plan;
pub mod policy;
mod publish;
pub mod score;
#[cfg(feature = "arrow")]
pub mod table;
pub mod utility;

pub use error::{Error, Fault, Kind, Result};
pub use model::{Campaigns, Opportunities, Problem};
pub use plan::{Plan, Settings, plan};
pub use policy::Policy;
pub use score::{Decision, Request, Scorer, Workspace};
