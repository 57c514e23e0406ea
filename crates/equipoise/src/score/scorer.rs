//! The live policy of a service, with everything that outlives it: switches, breakers, counters.

use super::control::{Control, Published};
use super::install::fresh;
use super::publication::Publication;
use super::seat::{Seat, unknown};
use super::{BreakerState, Breakers, Decision, Gates, Install, Request, Switches, Workspace};
use crate::error::{Error, Result, codes};
use crate::model::Scope;
use crate::observe::{self, Degraded, Metrics, Registry, Scored};
use crate::policy::Policy;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Policies kept to roll back to, the live one aside.
pub const KEPT: usize = 4;

/// Of how many requests one is timed, unless [`Scorer::time_every`] says otherwise.
const TIMED: u64 = 64;

/// Where the scorer has the time from, off the scoring path: microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The live policy of a service. Cheap to clone, shared by all threads: every clone is the same scorer.
///
/// Any thread may install, switch and record while others score. What is changed holds for every request that is scored after the call has
/// returned, on all threads. Scoring takes no lock, allocates nothing (once a workspace has been used with this scorer) and frees nothing: old
/// policies and gates are freed by the calls that change something, and by [`Scorer::metrics`], when nobody uses them any more.
///
/// ```
/// # use equipoise::model::{Campaign, Campaigns};
/// # use equipoise::policy::{Draft, Policy};
/// use equipoise::model::Scope;
/// use equipoise::score::{Install, Measures, Reason, Request, Scorer, Workspace};
///
/// # let campaigns = Campaigns::new(vec![Campaign { id: "a".into(), ..Campaign::default() }])?;
/// # let policy = Policy::new(&Draft { weights: vec![1.0], campaigns, ..Draft::default() })?;
/// let scorer = Scorer::empty();
/// scorer.install(&policy, Install::checked())?;
///
/// let mut workspace = Workspace::with_capacity(2000);
/// let live = scorer.policy(); // once per request: rows belong to one policy
/// let campaign = [live.row("a")];
/// let request = Request::new(&campaign, Measures::Columns { values: &[], stride: 1 });
/// assert_eq!(scorer.score(&live, &request, &mut workspace)?.scores(), [1.0]);
///
/// scorer.switch(Scope::Campaign, "a", false)?;
/// let decision = scorer.score(&live, &request, &mut workspace)?;
/// assert_eq!((decision.scores(), decision.reasons()), ([0.0].as_slice(), [Reason::SwitchedOff].as_slice()));
/// assert_eq!(scorer.metrics().get("equipoise.score.requests", ""), Some(2.0));
/// # Ok::<(), equipoise::Error>(())
/// ```
#[derive(Clone)]
pub struct Scorer(Arc<Shared>);

struct Shared {
    /// Tells scorers apart.
    number: u64,
    published: Publication<Published>,
    /// One request of this many is timed, a power of two; 0 for none.
    timed: AtomicU64,
    clock: Clock,
    control: Mutex<Control>,
    registry: Registry,
}

/// What an install has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installed {
    /// [`Policy::id`] of the live policy.
    pub id: [u8; 16],
    /// That of the policy that was live before; the same where nothing changed.
    pub previous: [u8; 16],
}

impl Installed {
    /// Whether another policy is live now.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.id != self.previous
    }
}

fn system_clock() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

impl Scorer {
    /// A scorer that serves `policy`, whatever its validity: past it, the organic order.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self::with_clock(policy, Switches::default(), Arc::new(system_clock))
    }

    /// A scorer with switches as they were before a restart.
    #[must_use]
    pub fn with_switches(policy: &Policy, switches: Switches) -> Self {
        Self::with_clock(policy, switches, Arc::new(system_clock))
    }

    /// A scorer without a policy: every id is unknown, every request keeps its organic order.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(&Policy::empty())
    }

    /// As [`Scorer::with_switches`], by another clock than the system's.
    #[must_use]
    pub fn with_clock(policy: &Policy, switches: Switches, clock: Clock) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let mut control = Control::new(switches, clock());
        let first = control.edition(vec![policy.clone()]);
        Self(Arc::new(Shared {
            number: COUNT.fetch_add(1, Ordering::Relaxed),
            published: Publication::new(first),
            timed: AtomicU64::new(TIMED),
            clock,
            control: Mutex::new(control),
            registry: Registry::new(),
        }))
    }

    /// The live policy. Ask once per request and use it throughout: rows, scores and explanations belong to one policy. Costs a few
    /// nanoseconds, and a shared count: a thread that scores all the time asks [`Scorer::reader`] instead.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.0.published.load().live().clone()
    }

    /// The live policy as one thread sees it, again and again, without touching anything shared. It keeps the policy that it saw last alive.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let (shared, edition) = (self.clone(), self.0.published.edition());
        Reader { policy: self.policy(), edition, scorer: shared }
    }

    /// The policies that [`Scorer::rollback`] can go back to, the latest first; at most [`KEPT`].
    #[must_use]
    pub fn kept(&self) -> Vec<Policy> {
        self.0.published.load().policies[1..].to_vec()
    }

    /// Scores a request by `policy`, which is one that this scorer gave or any other whose rows the request holds, under the switches and
    /// breakers of this moment; counts what came of it. As [`Policy::score`] but for that; `request.gates` is not read.
    ///
    /// A workspace may be used with any scorer; used with another one than before it allocates once. A policy that is neither live nor kept is
    /// scored all the same, but while something is off its gates are made by the scoring thread.
    ///
    /// # Errors
    /// As [`Policy::score`].
    pub fn score<'a>(&self, policy: &'a Policy, request: &'a Request<'a>, workspace: &'a mut Workspace) -> Result<Decision<'a>> {
        let mut seat = self.seat(workspace);
        self.refresh(&mut seat, policy);
        let every = self.0.timed.load(Ordering::Relaxed);
        let started = (every > 0 && seat.counters.requests() & (every - 1) == 0).then(Instant::now);
        let gates = seat.gates.as_deref();
        let outcome = match (gates, request.gates) {
            (None, None) => policy.decide(request, workspace),
            _ => policy.decide(&Request { gates, ..*request }, workspace),
        };
        match &outcome {
            Ok(()) => seat.counters.scored(&Scored {
                candidates: request.len(),
                unknown: unknown(workspace.reasons()),
                dropped: workspace.dropped.candidates.len(),
                picks: workspace.picks().len(),
                known_segment: workspace.known_segment(),
                degraded: degraded(policy, request, gates),
            }),
            Err(error) => seat.counters.failed(error.code()),
        }
        if let Some(started) = started {
            seat.counters.took(started.elapsed());
        }
        seat.note_memory(workspace);
        workspace.seat = Some(seat);
        outcome.map(|()| Decision { policy, request, workspace })
    }

    /// The switches and breakers of this moment as `policy` needs them; `None` where nothing is off or damped. For replays: a request takes
    /// them as [`Request::gates`].
    #[must_use]
    pub fn gates(&self, policy: &Policy) -> Option<Arc<Gates>> {
        let published = self.0.published.load();
        if published.open {
            return None;
        }
        match published.policies.iter().position(|p| p.id() == policy.id()) {
            Some(at) => published.gates[at].clone(),
            None => self.control().gates_of(policy),
        }
    }

    /// Counts a request that failed before it could be scored.
    pub fn count_failure(&self, workspace: &mut Workspace, error: &Error) {
        let seat = self.seat(workspace);
        seat.counters.failed(error.code());
        workspace.seat = Some(seat);
    }

    /// The workspace's place at this scorer, taken out of it; made where it has none.
    #[expect(clippy::unnecessary_box_returns, reason = "the box itself goes back and forth")]
    #[inline]
    fn seat(&self, workspace: &mut Workspace) -> Box<Seat> {
        match workspace.seat.take() {
            Some(seat) if seat.scorer == self.0.number => seat,
            _ => self.new_seat(),
        }
    }

    #[expect(clippy::unnecessary_box_returns, reason = "as above")]
    #[cold]
    fn new_seat(&self) -> Box<Seat> {
        Box::new(Seat::new(self.0.number, self.0.registry.register()))
    }

    /// Brings the seat's gates up to this moment and to `policy`.
    #[inline]
    fn refresh(&self, seat: &mut Seat, policy: &Policy) {
        let edition = self.0.published.edition();
        if seat.edition != edition || seat.policy != policy.id() {
            seat.gates = self.gates(policy);
            (seat.edition, seat.policy) = (edition, policy.id());
        }
    }

    /// Makes `policy` the live one; requests that have begun go on with theirs. The one before is kept, to roll back to. Installing the live
    /// policy again changes nothing. `O(campaigns)` where something is switched off.
    ///
    /// # Errors
    /// Unless forced, with the live policy left as it is and the refusal counted: `policy.stale` where its `valid_until` has passed;
    /// `policy.foreign` where the live policy names another programme, or, if a successor is asked for, is not its parent; `policy.older` where
    /// its epoch is smaller; `policy.worse` where it is less well certified: it violates a hard goal by more (beyond 1e-6), or is not solved
    /// where the live one is, or is neither and has the wider gap, or carries no certificate where the live one does.
    pub fn install(&self, policy: &Policy, install: Install) -> Result<Installed> {
        let now = (self.0.clock)();
        let mut control = self.control();
        let live = self.policy();
        if live.id() == policy.id() {
            return Ok(control.unchanged(&live));
        }
        // What force had to do with it is counted apart.
        let refusal = Install { force: false, ..install }.check(&live, policy, now).err();
        match refusal {
            Some(refusal) if !install.force => Err(control.refused(refusal)),
            refusal => {
                let result = if refusal.is_some() { "forced" } else { "installed" };
                Ok(self.replace(&mut control, &live, policy, result, now))
            }
        }
    }

    /// Reads a policy file and installs it.
    ///
    /// # Errors
    /// As [`Policy::load`] and [`Scorer::install`]; the live policy stays.
    pub fn install_file(&self, path: impl AsRef<Path>, install: Install) -> Result<Installed> {
        let policy = Policy::load(path).map_err(|error| self.count_refusal(error))?;
        self.install(&policy, install)
    }

    /// Makes one of the kept policies live again, older and worse though it may be; the live one is kept in its place.
    ///
    /// # Errors
    /// `policy.not_kept` where there is none of this id, `policy.stale` where its `valid_until` has passed; the live policy stays.
    pub fn rollback(&self, id: [u8; 16]) -> Result<Installed> {
        let now = (self.0.clock)();
        let mut control = self.control();
        let live = self.policy();
        if live.id() == id {
            return Ok(control.unchanged(&live));
        }
        let Some(policy) = self.kept().into_iter().find(|p| p.id() == id) else {
            let message = format!("{:032x} is not among the policies kept", u128::from_be_bytes(id));
            return Err(control.refused(Error::new(codes::NOT_KEPT, "id", None, message)));
        };
        fresh(&policy, now).map_err(|refusal| control.refused(refusal))?;
        Ok(self.replace(&mut control, &live, &policy, "rolled_back", now))
    }

    /// Why the last install or rollback that failed did; `None` where none has failed since the last that did not.
    #[must_use]
    pub fn last_refusal(&self) -> Option<Error> {
        self.control().refusal.clone()
    }

    /// Switches promotion of a campaign, a party, a market, a surface or everything on or off (`id` is empty for [`Scope::All`]), for every
    /// request scored after this call has returned, whatever its policy. Returns whether that changed anything.
    ///
    /// # Errors
    /// As [`Switches::set`].
    pub fn switch(&self, scope: Scope, id: &str, on: bool) -> Result<bool> {
        let mut control = self.control();
        let changed = control.switches.set(scope, id, on)?;
        if changed {
            self.republish(&mut control);
        }
        Ok(changed)
    }

    /// What is switched off.
    #[must_use]
    pub fn switches(&self) -> Switches {
        self.control().switches.clone()
    }

    /// Takes over all switches, in place of those that were.
    pub fn set_switches(&self, switches: Switches) {
        let mut control = self.control();
        control.switches = switches;
        self.republish(&mut control);
    }

    /// Switches that are off and name nothing that the live policy knows: not yet there, or misspelt. For a market or surface see [`Gates`].
    #[must_use]
    pub fn unmatched_switches(&self) -> Vec<(Scope, String)> {
        let policy = self.policy();
        let roster = policy.roster();
        let is_known = |scope: Scope, id: &str| match scope {
            Scope::Market => roster.market(id).is_some(),
            Scope::Surface => roster.surface(id).is_some(),
            _ => roster.key(scope, id).is_some(),
        };
        let control = self.control();
        control.switches.off().filter(|(scope, id)| !is_known(*scope, id)).map(|(scope, id)| (scope, id.to_owned())).collect()
    }

    /// The rules of breakers and how every campaign stands.
    #[must_use]
    pub fn breakers(&self) -> Breakers {
        self.control().breakers.clone()
    }

    /// Takes over rules and accounts, in place of those that were.
    pub fn set_breakers(&self, breakers: Breakers) {
        self.change_breakers(|own| {
            *own = breakers;
            true
        });
    }

    /// As [`Breakers::set_rule`].
    ///
    /// # Errors
    /// `invalid_input.range` for a number outside its range; nothing is then changed.
    pub fn set_breaker(&self, campaign: Option<&str>, rule: Option<super::Breaker>) -> Result<()> {
        let mut outcome = Ok(());
        self.change_breakers(|own| match own.set_rule(campaign, rule) {
            Ok(changed) => changed,
            Err(error) => {
                outcome = Err(error);
                false
            }
        });
        outcome
    }

    /// Counts `events` of a campaign, `responses` of them bad, at `now` (microseconds since 1970 UTC; `None` reads the clock). A campaign of
    /// none of the policies (live, kept) is not counted. Returns how the campaign stands then; `None` where it is not counted.
    ///
    /// # Errors
    /// `invalid_input.range` where there are more responses than events; nothing is then counted.
    pub fn record_response(&self, campaign: &str, events: u64, responses: u64, now: Option<i64>) -> Result<Option<BreakerState>> {
        let now = now.unwrap_or_else(|| (self.0.clock)());
        let mut control = self.control();
        let is_known = control.breakers.account(campaign).is_some()
            || self.0.published.load().policies.iter().any(|p| p.roster().find(campaign).is_some());
        // Numbers are judged even where they are not counted.
        let (own, mut nobody) = (&mut control.breakers, Breakers::default());
        let mut changed = (if is_known { own } else { &mut nobody }).record(campaign, events, responses, now)?;
        let state = control.breakers.account(campaign).map(|a| a.state);
        if changed && state == Some(BreakerState::Tripped) {
            control.trips += 1;
        }
        changed |= control.tick(now);
        if changed {
            self.breakers_changed(&mut control);
        }
        Ok(state)
    }

    /// Resets a campaign's breaker by hand; returns whether it had been tripped.
    #[must_use = "a campaign that was not tripped may be misspelt"]
    pub fn reset_breaker(&self, campaign: &str) -> bool {
        let mut was = false;
        self.change_breakers(|own| {
            was = own.reset(campaign);
            was
        });
        was
    }

    /// Lets breakers back whose time has come, by the clock, and frees what nobody uses any more. Every call that changes something or reads the
    /// metrics does so too.
    pub fn tick(&self) {
        let now = (self.0.clock)();
        let mut control = self.control();
        if control.tick(now) {
            self.breakers_changed(&mut control);
        }
        control.free();
    }

    /// Times one request in `every` (rounded up to a power of two; 64 at first); 0 times none. A timed request reads a clock twice.
    pub fn time_every(&self, every: u32) {
        let every = if every == 0 { 0 } else { u64::from(every).next_power_of_two() };
        self.0.timed.store(every, Ordering::Relaxed);
    }

    /// Every number of [`observe::series`], by one call. Costs a few microseconds, and some nanoseconds per workspace.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.tick();
        let (sums, workspaces) = self.0.registry.sums();
        let mut metrics = Metrics::new(&sums);
        let control = self.control();
        for (result, n) in &control.installs {
            metrics.set(observe::result_at(result), *n as f64);
        }
        metrics.set(observe::POLICY_AGE, (self.0.clock)().saturating_sub(control.installed_at).max(0) as f64 / 1e6);
        metrics.set(observe::SWITCHES_OFF, control.switches.off().count() as f64);
        metrics.set(observe::BREAKERS_ENGAGED, control.breakers.engaged().count() as f64);
        metrics.set(observe::BREAKER_TRIPS, control.trips as f64);
        metrics.set(observe::MEMORY_POLICIES, control.policies.iter().map(Policy::memory).sum::<usize>() as f64);
        metrics.set(observe::MEMORY_WORKSPACES, workspaces as f64);
        metrics
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        // Nothing in `Control` is ever half changed where a panic could leave it.
        self.0.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, control: &mut Control, live: &Policy, next: &Policy, result: &'static str, now: i64) -> Installed {
        let before = self.0.published.load();
        let mut policies = vec![next.clone()];
        if !live.roster().is_empty() {
            policies.push(live.clone());
        }
        policies.extend(before.policies[1..].iter().filter(|p| p.id() != next.id()).cloned());
        policies.truncate(KEPT + 1);
        drop(before);
        control.breakers.forget(|campaign| policies.iter().any(|p| p.roster().find(campaign).is_some()));
        control.tick(now);
        control.installed_at = now;
        control.refusal = None;
        control.count(result);
        self.publish(control, policies);
        Installed { id: next.id(), previous: live.id() }
    }

    fn change_breakers(&self, change: impl FnOnce(&mut Breakers) -> bool) {
        let mut control = self.control();
        let changed = change(&mut control.breakers);
        if changed {
            self.breakers_changed(&mut control);
        } else {
            control.due = control.breakers.next_due();
        }
    }

    fn breakers_changed(&self, control: &mut Control) {
        control.due = control.breakers.next_due();
        self.republish(control);
    }

    /// The same policies under other switches or breakers.
    fn republish(&self, control: &mut Control) {
        let policies = self.0.published.load().policies.clone();
        self.publish(control, policies);
    }

    fn publish(&self, control: &mut Control, policies: Vec<Policy>) {
        self.0.published.publish(control.edition(policies));
        control.free();
    }

    /// Counts an install that failed before it reached the scorer; gives the error back.
    pub(super) fn count_refusal(&self, refusal: Error) -> Error {
        self.control().refused(refusal)
    }
}

impl fmt::Debug for Scorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scorer({})", self.policy().id_hex())
    }
}

/// Why the whole request kept its organic order, where it did.
fn degraded(policy: &Policy, request: &Request<'_>, gates: Option<&Gates>) -> Option<Degraded> {
    if policy.roster().is_empty() {
        return Some(Degraded::NoPolicy);
    }
    if matches!((request.time, policy.valid_until()), (Some(time), Some(until)) if time >= until) {
        return Some(Degraded::Expired);
    }
    gates.is_some_and(|g| g.closes(request.market, request.surface)).then_some(Degraded::SwitchedOff)
}

/// The live policy as one thread sees it: [`Scorer::reader`].
#[derive(Debug, Clone)]
pub struct Reader {
    scorer: Scorer,
    edition: u64,
    policy: Policy,
}

impl Reader {
    /// The live policy of this moment; about a nanosecond where nothing was published since the last call.
    #[inline]
    pub fn policy(&mut self) -> &Policy {
        let edition = self.scorer.0.published.edition();
        if edition != self.edition {
            (self.policy, self.edition) = (self.scorer.policy(), edition);
        }
        &self.policy
    }

    /// Whose policy this is.
    #[must_use]
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }
}
