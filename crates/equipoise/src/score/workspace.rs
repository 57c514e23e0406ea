//! The memory of a request, and the view of its outcome.

use super::arrange::Arrangement;
use super::drop::Dropped;
use super::results::Results;
use super::seat::Seat;
use super::{Blend, DecisionRecord, Explanation, Recording, Request};
use crate::error::{Error, Result, codes};
use crate::memory::spared;
use crate::model::{Reason, organic};
use crate::policy::{PLACE_LIMIT, Policy};
use equipoise_kernel::{LANES, score::Bench};
use std::collections::TryReserveError;

/// About how many bytes a workspace takes for each candidate.
const EACH: usize = 32;

/// Results and scratch memory of one request at a time; used again and again, it stops allocating.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(super) scores: Results<f32>,
    pub(super) reasons: Vec<Reason>,
    pub(super) picks: Results<u32>,
    pub(super) positions: Results<u32>,
    /// Index of each candidate's campaign; the policy's number of campaigns where it has none.
    pub(super) campaigns: Vec<u32>,
    /// `V` of the segment.
    pub(super) values: Vec<f32>,
    /// Codes and prices on their way through the kernel.
    pub(super) bench: Bench,
    /// The numbers that break ties.
    pub(super) ties: Vec<f32>,
    /// The best candidates.
    pub(super) leaders: Vec<u32>,
    /// Most candidates so far, or as many as room was asked for.
    capacity: usize,
    /// What the scratch memory was last made for: candidates, prices, values, ties.
    reserved: [usize; 4],
    pub(super) heap: Vec<u128>,
    pub(super) places: organic::Places,
    pub(super) reference: Option<f32>,
    pub(super) known_segment: bool,
    /// The place at the scorer that it was last used with.
    pub(super) seat: Option<Box<Seat>>,
    pub(super) arrangement: Arrangement,
    pub(super) blend: Blend,
    pub(super) dropped: Dropped,
    /// The policy and the number of candidates of the outcome that is held.
    holds: Option<([u8; 16], usize)>,
}

impl Workspace {
    /// A workspace for requests of up to `n` candidates; it grows when more come.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        let places = PLACE_LIMIT as usize;
        Self {
            scores: Results::with_capacity(n),
            reasons: Vec::with_capacity(n),
            picks: Results::with_capacity(places),
            positions: Results::with_capacity(places),
            campaigns: Vec::with_capacity(n),
            values: Vec::with_capacity(16),
            leaders: Vec::with_capacity(n + LANES),
            capacity: n,
            heap: Vec::with_capacity(n),
            places: organic::Places::with_capacity(places),
            ..Self::default()
        }
    }

    /// The same, where the memory can be had.
    ///
    /// # Errors
    /// `resource_exhausted.memory`.
    pub fn try_with_capacity(n: usize) -> Result<Self> {
        spared("workspace", n.saturating_mul(EACH), || Ok(Self::with_capacity(n)))
    }

    /// From now on scores, picks and positions are written straight to this memory of the caller's, from its start on. A request may then have
    /// as many candidates as `scores` is long, and needs room for as many picks, at most 255; one that does not fit is `resource_exhausted.memory`.
    /// There are no results until the next request.
    pub fn write_to(&mut self, scores: &'static mut [f32], picks: &'static mut [u32], positions: &'static mut [u32]) {
        self.forget();
        (self.scores, self.picks, self.positions) = (Results::lent(scores), Results::lent(picks), Results::lent(positions));
    }

    /// Empties everything and makes room for `n` candidates of this policy.
    pub(super) fn reserve(&mut self, n: usize, policy: &Policy) -> Result<()> {
        let width = policy.folded().rows.width();
        self.picks.clear();
        self.positions.clear();
        // All at once: a second request of up to this size finds everything there.
        self.capacity = self.capacity.max(n);
        let (places, most) = (PLACE_LIMIT as usize, n.min(PLACE_LIMIT as usize));
        if !(self.scores.make_room(n, self.capacity) && self.picks.make_room(most, places) && self.positions.make_room(most, places)) {
            return Err(wanting(n));
        }
        room(&mut self.reasons, self.capacity)
            .and_then(|()| room(&mut self.leaders, self.capacity + LANES))
            .and_then(|()| self.reserve_scratch(policy))
            .map_err(|_| wanting(n))?;
        self.bench.begin(n, width);
        Ok(())
    }

    /// Makes room for what is needed on the way; nothing where the last request found as much.
    fn reserve_scratch(&mut self, policy: &Policy) -> std::result::Result<(), TryReserveError> {
        let ties = if policy.tie_breadth() > 0.0 { self.capacity } else { 0 };
        let need = [self.capacity, policy.folded().rows.width(), policy.measures().len() + 1, ties];
        if self.reserved == need {
            return Ok(());
        }
        let [n, width, values, ties] = need;
        room(&mut self.campaigns, n)
            .and_then(|()| room(&mut self.values, values))
            .and_then(|()| room(&mut self.ties, ties))
            .and_then(|()| room(&mut self.heap, n))
            .and_then(|()| self.bench.reserve(n, width))?;
        self.reserved = need;
        Ok(())
    }

    /// Candidates that fit without growing.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes of memory of its own, but for small change.
    pub(super) fn memory(&self) -> usize {
        fn bytes<T>(list: &Vec<T>) -> usize {
            list.capacity() * size_of::<T>()
        }
        let results = self.scores.bytes() + self.picks.bytes() + self.positions.bytes() + bytes(&self.reasons);
        let words = bytes(&self.campaigns) + bytes(&self.ties) + bytes(&self.leaders);
        results + words + bytes(&self.heap) + self.bench.memory() + self.dropped.memory()
    }

    pub(super) fn forget(&mut self) {
        self.holds = None;
        self.arrangement.clear();
        self.dropped.forget();
    }

    pub(super) fn scored_by(&mut self, policy: &Policy, n: usize) {
        self.holds = Some((policy.id(), n));
    }

    pub(super) fn check_holds(&self, policy: &Policy, n: usize) -> Result<()> {
        if self.holds == Some((policy.id(), n)) {
            return Ok(());
        }
        Err(Error::new(codes::NOT_BEGUN, "workspace", None, "the workspace does not hold the outcome of this request"))
    }

    fn if_held<T>(&self, list: &'_ [T]) -> usize {
        if self.holds.is_some() { list.len() } else { 0 }
    }

    /// Promotion scores, one per candidate: +0 where not scored, never NaN or infinite. Empty before the first request and after an error, as
    /// are the other lists.
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.scores[..self.if_held(&self.scores)]
    }

    /// Indices of the candidates that were picked, in the order in which they were.
    #[must_use]
    pub fn picks(&self) -> &[u32] {
        &self.picks[..self.if_held(&self.picks)]
    }

    /// The place of each pick, counted from 1; ascending.
    #[must_use]
    pub fn positions(&self) -> &[u32] {
        &self.positions[..self.if_held(&self.positions)]
    }

    /// What became of each candidate.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons[..self.if_held(&self.reasons)]
    }

    /// How probable each pick was, given the picks before it and the candidates that could stand at its place; empty where the policy's
    /// exploration did not act: every pick was then certain.
    #[must_use]
    pub fn propensities(&self) -> &[f64] {
        &self.arrangement.propensities[..self.if_held(&self.arrangement.propensities)]
    }

    /// How probable the slate was: the product of [`Workspace::propensities`]; 1 where nothing was drawn.
    #[must_use]
    pub fn slate_propensity(&self) -> f64 {
        self.propensities().iter().product()
    }

    /// What list terms and exploration cost: the sum of the scores that would have been picked without them, less that of the picks. Negative
    /// where they led to more by chance: neither slate is the best of all.
    #[must_use]
    pub fn given_up(&self) -> f64 {
        if self.holds.is_some() { self.arrangement.given_up } else { 0.0 }
    }

    /// The reference that was given or computed; `None` where nothing needed one.
    #[must_use]
    pub fn reference(&self) -> Option<f32> {
        self.reference
    }

    /// Whether the request's segment was priced; unknown segments take the highest known charge per measure, and hosts count them.
    #[must_use]
    pub fn known_segment(&self) -> bool {
        self.known_segment
    }
}

/// That a request of `n` candidates does not fit.
pub(super) fn wanting(n: usize) -> Error {
    Error::new(codes::MEMORY, "workspace", None, format!("no memory for {n} candidates"))
}

/// Makes room for `n` entries.
pub(super) fn room<T>(list: &mut Vec<T>, n: usize) -> std::result::Result<(), TryReserveError> {
    list.try_reserve(n.saturating_sub(list.len()))
}

/// The outcome of one request.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    pub(super) policy: &'a Policy,
    pub(super) request: &'a Request<'a>,
    pub(super) workspace: &'a Workspace,
}

impl<'a> Decision<'a> {
    /// The policy that decided.
    #[must_use]
    pub fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// [`Policy::id`] of the policy that decided.
    #[must_use]
    pub fn policy_id(&self) -> [u8; 16] {
        self.policy.id()
    }

    /// As [`Workspace::scores`].
    #[must_use]
    pub fn scores(&self) -> &'a [f32] {
        self.workspace.scores()
    }

    /// As [`Workspace::picks`].
    #[must_use]
    pub fn picks(&self) -> &'a [u32] {
        self.workspace.picks()
    }

    /// As [`Workspace::positions`].
    #[must_use]
    pub fn positions(&self) -> &'a [u32] {
        self.workspace.positions()
    }

    /// As [`Workspace::reasons`].
    #[must_use]
    pub fn reasons(&self) -> &'a [Reason] {
        self.workspace.reasons()
    }

    /// As [`Workspace::propensities`].
    #[must_use]
    pub fn propensities(&self) -> &'a [f64] {
        self.workspace.propensities()
    }

    /// As [`Workspace::slate_propensity`].
    #[must_use]
    pub fn slate_propensity(&self) -> f64 {
        self.workspace.slate_propensity()
    }

    /// As [`Workspace::given_up`].
    #[must_use]
    pub fn given_up(&self) -> f64 {
        self.workspace.given_up()
    }

    /// As [`Workspace::reference`].
    #[must_use]
    pub fn reference(&self) -> Option<f32> {
        self.workspace.reference()
    }

    /// As [`Workspace::known_segment`].
    #[must_use]
    pub fn known_segment(&self) -> bool {
        self.workspace.known_segment()
    }

    /// As [`Policy::record`].
    ///
    /// # Errors
    /// None: the workspace holds this decision.
    pub fn record(&self, what: Recording) -> Result<DecisionRecord> {
        self.policy.record(self.request, self.workspace, what)
    }

    /// As [`Policy::explain`].
    ///
    /// # Errors
    /// `invalid_input.row` where there is no candidate `i`.
    pub fn explain(&self, i: usize) -> Result<Explanation> {
        self.policy.explain(self.request, self.workspace, i)
    }

    /// As [`Policy::explain_into`].
    ///
    /// # Errors
    /// As [`Decision::explain`].
    pub fn explain_into(&self, i: usize, explanation: &mut Explanation) -> Result<()> {
        self.policy.explain_into(self.request, self.workspace, i, explanation)
    }
}
