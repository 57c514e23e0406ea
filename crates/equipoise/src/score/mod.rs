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
//! let told: Vec<_> = why.terms.iter().map(|t| (policy.term_name(t), t.amount)).collect();
//! assert_eq!(told, [("stream".into(), 0.75), ("cap exposure campaign=a".into(), -0.25), ("rounding".into(), 0.0)]);
//! # Ok::<(), equipoise::Error>(())
//! ```

mod arrange;
mod blend;
mod breakers;
mod cause;
mod control;
mod diversity;
mod drop;
mod explain;
mod explore;
mod gates;
mod install;
mod lottery;
mod publication;
mod record;
mod record_text;
mod refuse;
mod request;
mod results;
mod rows;
mod scorer;
mod seat;
mod slate;
mod switches;
mod sync;
mod watch;
mod workspace;

pub use crate::model::Reason;
pub use crate::policy::{ORGANIC, UNKNOWN};
pub use blend::Blend;
pub use breakers::{Action, BREAKERS_LIMIT, Breaker, BreakerAccount, BreakerState, Breakers, Reset};
pub use cause::Cause;
pub use diversity::{Mix, Similarity};
pub use equipoise_kernel::score::Measures;
pub use explain::{Explanation, Term, TermKind};
pub use gates::Gates;
pub use install::Install;
pub use record::{DecisionRecord, RecordedCandidates, Recording};
pub use request::{Request, UNWRITTEN};
pub use scorer::{Clock, Installed, KEPT, Reader, Scorer};
pub use switches::{SWITCHES_LIMIT, Switches};
pub use watch::{FileWatch, Watcher, hold_watchers, resume_watchers};
pub use workspace::{Decision, Workspace};

use crate::error::{Error, Result, codes};
use crate::model::organic;
use crate::policy::{INDEX_BITS, NONE, Policy, Reach};
use equipoise_kernel::score::{self as kernel, Admission, Codes};
use request::{AMOUNT_LIMIT, Columns};

/// The kernel's codes are the numbers of reasons. A candidate that is admitted is not worth its price, until a score says otherwise.
const CODES: Codes = Codes {
    scored: Reason::Price as u8,
    positive: Reason::Outscored as u8,
    organic: Reason::Organic as u8,
    unknown: Reason::Unknown as u8,
    market: Reason::Market as u8,
    surface: Reason::Surface as u8,
    flight: Reason::Flight as u8,
};

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
        self.decide(request, workspace)?;
        Ok(Decision { policy: self, request, workspace })
    }

    /// Scores into the workspace.
    fn decide(&self, request: &Request<'_>, workspace: &mut Workspace) -> Result<()> {
        workspace.forget();
        match self.evaluate(request, &[], workspace) {
            Err(error) if request.drop_invalid && drop::is_of_a_candidate(&error) => self.decide_without(request, workspace)?,
            outcome => outcome?,
        }
        workspace.scored_by(self, request.len());
        Ok(())
    }

    /// `dropped` are candidates that take no part.
    fn evaluate(&self, request: &Request<'_>, dropped: &[u32], ws: &mut Workspace) -> Result<()> {
        let columns = request.check(self)?;
        ws.reserve(request.len(), self)?;
        ws.reference = request.reference;
        self.admit(request, ws)?;
        if let Some(gates) = request.gates {
            gates.apply(request, CODES.scored, ws.bench.codes_mut(), &mut ws.campaigns, self.roster().len() as u32);
        }
        for i in dropped {
            ws.bench.codes_mut()[*i as usize] = Reason::Invalid as u8;
            ws.campaigns[*i as usize] = self.roster().len() as u32;
        }
        let slots = self.slate().slots_for(request.slots);
        if self.may_refuse(request) {
            ws.reasons.resize(request.len(), Reason::Expired);
            Reason::of_codes(ws.bench.codes(), &mut ws.reasons);
            self.refuse(request, slots, ws)?;
            for (code, reason) in ws.bench.codes_mut().iter_mut().zip(&ws.reasons) {
                *code = *reason as u8;
            }
        }
        self.displace(request, &columns, slots, ws)?;
        ws.known_segment = self.folded().segments.knows(request.market, request.surface);
        rows::score(self, request, &columns, ws)?;
        ws.reasons.resize(request.len(), Reason::Expired);
        Reason::of_codes(ws.bench.codes(), &mut ws.reasons);
        if arrange::is_needed(self, request) {
            return arrange::pick(self, request, slots, ws);
        }
        slate::pick(self, request, slots, ws);
        Ok(())
    }

    /// Finds each candidate's campaign and prices, and why it is not scored where it is not.
    fn admit(&self, request: &Request<'_>, ws: &mut Workspace) -> Result<()> {
        let prices = self.folded();
        let (markets, surfaces) = Reach::bits(prices.reach.as_ref(), request.market, request.surface);
        let admission = Admission {
            rows: &prices.rows,
            tag: u32::from(self.tag()) << INDEX_BITS,
            organic: ORGANIC,
            unknown: UNKNOWN,
            markets,
            surfaces,
            time: request.time,
            codes: CODES,
        };
        ws.campaigns.resize(request.len(), 0);
        if !kernel::admit(request.campaign, &admission, &mut ws.campaigns, &mut ws.bench) {
            return Err(self.refuse_rows(request));
        }
        let campaigns = prices.rows.campaigns();
        if matches!((request.time, self.valid_until()), (Some(time), Some(until)) if time >= until) {
            ws.bench.codes_mut().fill(Reason::Expired as u8);
            ws.campaigns.fill(campaigns);
        } else if prices.reach.is_none() {
            // The rows know flights only.
            let eligibility = self.roster().eligibility(request.market, request.surface, request.time);
            for ((code, campaign), row) in ws.bench.codes_mut().iter_mut().zip(&mut ws.campaigns).zip(request.campaign) {
                if (*code == CODES.scored || *code == CODES.flight)
                    && let Some(reason) = eligibility.reason(row & ((1 << INDEX_BITS) - 1))
                {
                    (*code, *campaign) = (reason as u8, campaigns);
                }
            }
        }
        Ok(())
    }

    /// What is wrong with the first candidate that no row of this policy can be.
    #[cold]
    fn refuse_rows(&self, request: &Request<'_>) -> Error {
        let (campaigns, tag) = (self.roster().len() as u32, u32::from(self.tag()));
        let foreign = |row: u32| row >> INDEX_BITS != tag;
        let index = |row: u32| row & ((1 << INDEX_BITS) - 1);
        let bad = |row: &u32| !matches!(*row, UNKNOWN | ORGANIC) && (foreign(*row) || index(*row) >= campaigns);
        let i = request.campaign.iter().position(bad).unwrap_or(0);
        let row = request.campaign[i];
        let (code, message) = if foreign(row) {
            (codes::FOREIGN_ROW, format!("row {row:#010x} belongs to another policy than {}", self.id_hex()))
        } else {
            (codes::ROW, format!("row {row:#010x} is campaign {} of {campaigns}", index(row)))
        };
        Error::new(code, "campaign", Some(i as u64), message)
    }

    /// Finds the reference where displacements of scored candidates are to be filled and none was given.
    fn displace(&self, request: &Request<'_>, columns: &Columns<'_>, slots: u32, ws: &mut Workspace) -> Result<()> {
        let Some(j) = self.displacement() else { return Ok(()) };
        if request.organic.is_some() && ws.reference.is_some() {
            return Ok(());
        }
        let to_fill = |(i, code): (usize, &u8)| *code == CODES.scored && columns.get(i, j).to_bits() == UNWRITTEN;
        if !ws.bench.codes().iter().enumerate().any(to_fill) {
            return Ok(());
        }
        let Some(organic) = request.organic else {
            let message = "displacement is not given, and without organic scores it cannot be found";
            return Err(Error::new(codes::MISSING, "organic", None, message));
        };
        self.refer(request, organic, slots, "displacement is not given", ws).map(|_| ())
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
    shared::<Scorer>();
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
