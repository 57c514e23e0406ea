//! One request: scores, the serving rule, the slate and explanations. One implementation for requests, replay and the certificate.
//!
//! A [`Request`] borrows the caller's columns, a [`Workspace`] holds the results and all scratch memory: after warm-up nothing is allocated and
//! nothing is locked.
//!
//! ```
//! use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Scope};
//! use equipoise::policy::{Draft, ORGANIC, Policy};
//! use equipoise::score::{Measures, Reason, Request, Workspace};
//!
//! let cap = Ledger { goal: 0, kind: GoalKind::Cap, measure: 0, scope: Scope::Campaign, key: 0, inside: 1.0, outside: 0.0 };
//! let policy = Policy::new(&Draft {
//!     measures: vec!["stream".into()],
//!     weights: vec![0.0, 1.0],
//!     campaigns: Campaigns::new(["a", "b"].map(|id| Campaign { id: id.into(), ..Campaign::default() }).into())?,
//!     goals: vec!["cap".into()],
//!     ledgers: vec![(cap, 0.25)],
//!     ..Draft::default()
//! })?;
//! let campaign = [policy.row("a"), policy.row("b"), ORGANIC];
//! let request = Request::new(&campaign, Measures::Columns { values: &[0.75, 0.375, 0.9], stride: 3 });
//! let mut workspace = Workspace::with_capacity(3);
//! let decision = policy.score(&request, &mut workspace)?;
//! assert_eq!(decision.scores(), [0.5, 0.375, 0.0]);
//! assert_eq!((decision.picks(), decision.positions()), ([0].as_slice(), [1].as_slice()));
//! assert_eq!(decision.reasons(), [Reason::Picked, Reason::Outscored, Reason::Organic]);
//! let why = decision.explain(0)?;
//! let told: Vec<_> = why.terms.iter().map(|t| (t.name.as_str(), t.kind.name(), t.amount)).collect();
//! assert_eq!(told, [("stream", "objective", 0.75), ("cap exposure campaign=a", "cap", -0.25), ("rounding", "rounding", 0.0)]);
//! # Ok::<(), equipoise::Error>(())
//! ```

mod explain;
mod refuse;
mod request;
mod rows;
mod slate;
mod workspace;

pub use crate::model::Reason;
pub use crate::policy::{ORGANIC, UNKNOWN};
pub use explain::{Explanation, Term, TermKind};
pub use request::{Measures, Request, UNWRITTEN};
pub use workspace::{Decision, Workspace};

use crate::error::{Error, Result, codes};
use crate::model::organic;
use crate::policy::{INDEX_BITS, NONE, Policy};
use request::{AMOUNT_LIMIT, Columns};

impl Policy {
    /// Scores every candidate of a request and picks by the serving rule; `workspace` keeps the outcome until it is used again.
    ///
    /// Costs `O(candidates * measures + picks * log candidates)`. Neither allocates (once the workspace has seen a request of this size) nor
    /// locks nor reads a clock.
    ///
    /// # Errors
    /// `invalid_input.*`, naming argument and index: columns that do not fit together, numbers out of range, rows of another policy.
    /// `resource_exhausted.memory` where the workspace cannot grow.
    pub fn score<'a>(&'a self, request: &'a Request<'a>, workspace: &'a mut Workspace) -> Result<Decision<'a>> {
        workspace.forget();
        self.evaluate(request, workspace)?;
        workspace.scored_by(self, request.len());
        Ok(Decision { policy: self, request, workspace })
    }

    fn evaluate(&self, request: &Request<'_>, ws: &mut Workspace) -> Result<()> {
        let n = request.len();
        let columns = request.check(self)?;
        ws.reserve(n, self.measures().len() + 1)?;
        ws.reference = request.reference;
        self.admit(request, ws)?;
        let slots = self.slate().slots_for(request.slots);
        if self.may_refuse(request) {
            self.refuse(request, slots, ws)?;
        }
        let fills = self.displace(request, &columns, slots, ws)?;
        ws.known_segment = self.folded().segments.knows(request.market, request.surface);
        self.folded().segments.values(request.market, request.surface, &mut ws.values);
        if !rows::score(self, &columns, request.key, fills, ws) {
            rows::check(&columns, n, fills)?;
        }
        slate::pick(self, request, slots, ws);
        Ok(())
    }

    /// Finds each candidate's campaign, and why it is not scored where it is not.
    fn admit(&self, request: &Request<'_>, ws: &mut Workspace) -> Result<()> {
        let campaigns = self.roster().len() as u32;
        let tag = u32::from(self.tag());
        let eligibility = self.roster().eligibility(request.market, request.surface, request.time);
        let expired = matches!((request.time, self.valid_until()), (Some(time), Some(until)) if time >= until);
        ws.campaigns.resize(request.len(), campaigns);
        ws.reasons.resize(request.len(), Reason::Expired);
        for (i, ((row, own_campaign), own_reason)) in request.campaign.iter().zip(&mut ws.campaigns).zip(&mut ws.reasons).enumerate() {
            let (campaign, reason) = match *row {
                UNKNOWN => (campaigns, Reason::Unknown),
                ORGANIC => (campaigns, Reason::Organic),
                row if row >> INDEX_BITS != tag => {
                    let message = format!("row {row:#010x} belongs to another policy than {}", self.id_hex());
                    return Err(Error::new(codes::FOREIGN_ROW, "campaign", Some(i as u64), message));
                }
                row => {
                    let campaign = row & ((1 << INDEX_BITS) - 1);
                    if campaign >= campaigns {
                        let message = format!("row {row:#010x} is campaign {campaign} of {campaigns}");
                        return Err(Error::new(codes::ROW, "campaign", Some(i as u64), message));
                    }
                    // Scored candidates are told apart later: not worth its price, until a score says otherwise.
                    let refused = eligibility.reason(campaign);
                    (if refused.is_some() { campaigns } else { campaign }, refused.unwrap_or(Reason::Price))
                }
            };
            if !expired {
                (*own_campaign, *own_reason) = (campaign, reason);
            }
        }
        Ok(())
    }

    /// Fills unwritten displacements of scored candidates from `organic` and `reference`; returns the measure that was filled.
    fn displace(&self, request: &Request<'_>, columns: &Columns<'_>, slots: u32, ws: &mut Workspace) -> Result<Option<usize>> {
        let Some(j) = self.displacement() else { return Ok(None) };
        let n = request.len();
        if (0..n).all(|i| columns.get(i, j).to_bits() != UNWRITTEN) {
            return Ok(None);
        }
        let needed = (0..n).any(|i| ws.reasons[i].is_scored() && columns.get(i, j).to_bits() == UNWRITTEN);
        if needed {
            let Some(organic) = request.organic else {
                return Err(Error::new(
                    codes::MISSING,
                    "organic",
                    None,
                    "displacement is not given, and without organic scores it cannot be found",
                ));
            };
            self.refer(request, organic, slots, "displacement is not given", ws)?;
        }
        let reference = ws.reference.unwrap_or(0.0);
        for i in 0..n {
            let given = columns.get(i, j);
            ws.displacement.push(match request.organic {
                _ if given.to_bits() != UNWRITTEN => given,
                Some(organic) if ws.reasons[i].is_scored() => organic::displacement(reference, organic[i]),
                _ => 0.0,
            });
        }
        Ok(Some(j))
    }

    /// Finds the request's reference where none was given; `why` says who needs it.
    fn refer(&self, request: &Request<'_>, organic: &[f32], slots: u32, why: &str, ws: &mut Workspace) -> Result<f32> {
        if let Some(reference) = ws.reference {
            return Ok(reference);
        }
        let Some(visible) = self.slate().visible else {
            let message = format!("{why}, and a computed reference needs `visible` in the slate");
            return Err(Error::new(codes::MISSING, "reference", None, message));
        };
        let reference = organic::reference(ws.places.rank(organic, request.item, visible), slots);
        ws.reference = Some(reference);
        Ok(reference)
    }

    /// The artist that a pick counts against: the request's own column where it has one, else the campaign's; [`NONE`] for none.
    fn artist_of(&self, request: &Request<'_>, ws: &Workspace, i: usize) -> u32 {
        match request.artist {
            Some(artist) => artist[i],
            None => self.roster().parties[0].of.get(ws.campaigns[i] as usize),
        }
    }

    fn label_of(&self, ws: &Workspace, i: usize) -> u32 {
        self.roster().parties[1].of.get(ws.campaigns[i] as usize)
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Policy>();
    shared::<Workspace>();
    shared::<Error>();
};

/// `what`, refused with its index and value, if it is not finite or its magnitude is above the limit.
fn check_amount(argument: &str, index: Option<u64>, value: f32) -> Result<()> {
    if !value.is_finite() {
        return Err(Error::new(codes::NOT_FINITE, argument, index, format!("{value} is not finite")));
    }
    if value.abs() > AMOUNT_LIMIT {
        return Err(Error::new(codes::RANGE, argument, index, format!("{value:e} is not of magnitude at most {AMOUNT_LIMIT:e}")));
    }
    Ok(())
}

const _: () = assert!(NONE == organic::NO_ITEM);
