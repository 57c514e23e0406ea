//! What a scorer's calls that change something work on, one at a time, and what they publish.

use super::install::result_of;
use super::publication::Held;
use super::{Breakers, Gates, Installed, Switches};
use crate::error::Error;
use crate::policy::Policy;
use std::sync::Arc;

/// What scoring threads see, whole.
pub(super) struct Published {
    /// The live policy, then those kept, the latest first.
    pub(super) policies: Vec<Policy>,
    /// The gates of each; none where nothing is off or damped.
    pub(super) gates: Vec<Option<Arc<Gates>>>,
    /// Nothing is off or damped in any policy.
    pub(super) open: bool,
}

/// What calls that change something change, one at a time.
pub(super) struct Control {
    pub(super) switches: Switches,
    pub(super) breakers: Breakers,
    /// When to look at the breakers again.
    pub(super) due: Option<i64>,
    pub(super) trips: u64,
    pub(super) installed_at: i64,
    pub(super) installs: Vec<(&'static str, u64)>,
    pub(super) refusal: Option<Error>,
    /// Everything that was ever published and may still be in use: held here, so that a scoring thread never frees it.
    editions: Held<Published>,
    gates: Held<Gates>,
    pub(super) policies: Vec<Policy>,
}

impl Published {
    pub(super) fn live(&self) -> &Policy {
        &self.policies[0]
    }
}

impl Control {
    /// Nothing published yet; the first policy counts as installed `now`.
    pub(super) fn new(switches: Switches, now: i64) -> Self {
        Self {
            switches,
            breakers: Breakers::default(),
            due: None,
            trips: 0,
            installed_at: now,
            installs: Vec::new(),
            refusal: None,
            editions: Held::new(),
            gates: Held::new(),
            policies: Vec::new(),
        }
    }

    pub(super) fn count(&mut self, result: &'static str) {
        match self.installs.iter_mut().find(|(r, _)| *r == result) {
            Some((_, n)) => *n += 1,
            None => self.installs.push((result, 1)),
        }
    }

    pub(super) fn unchanged(&mut self, live: &Policy) -> Installed {
        self.count("unchanged");
        self.refusal = None;
        Installed { id: live.id(), previous: live.id() }
    }

    pub(super) fn refused(&mut self, refusal: Error) -> Error {
        self.count(result_of(&refusal));
        self.refusal = Some(refusal.clone());
        refusal
    }

    pub(super) fn tick(&mut self, now: i64) -> bool {
        let changed = self.due.is_some_and(|due| due <= now) && self.breakers.tick(now);
        if changed {
            self.due = self.breakers.next_due();
        }
        changed
    }

    /// The gates of one policy, held until nobody uses them.
    pub(super) fn gates_of(&mut self, policy: &Policy) -> Option<Arc<Gates>> {
        if self.switches.is_empty() && self.breakers.engaged().next().is_none() {
            return None;
        }
        let gates = Gates::new(policy, &self.switches, &self.breakers);
        (!gates.is_open()).then(|| {
            let gates = Arc::new(gates);
            self.gates.keep(&gates);
            gates
        })
    }

    /// What is to be published, held until nobody uses it.
    pub(super) fn edition(&mut self, policies: Vec<Policy>) -> Arc<Published> {
        for policy in &policies {
            if !self.policies.iter().any(|held| held.is_same(policy)) {
                self.policies.push(policy.clone());
            }
        }
        let gates = policies.iter().map(|p| self.gates_of(p)).collect();
        // A switch that no policy here feels may be felt by one that a request still holds.
        let open = self.switches.is_empty() && self.breakers.engaged().next().is_none();
        let edition = Arc::new(Published { policies, gates, open });
        self.editions.keep(&edition);
        edition
    }

    /// Frees what only this list holds; nobody else can come by it any more.
    pub(super) fn free(&mut self) {
        self.editions.free();
        self.gates.free();
        self.policies.retain(|policy| !policy.is_only());
    }
}
