//! Switches and breakers as the scoring path reads them: a byte per campaign of one policy, and a flag per market and surface.

use super::{Breakers, Request, Switches};
use crate::model::{Reason, Scope, mix, uniform};
use crate::policy::{NONE, Policy};
use equipoise_kernel::reserve;

/// A campaign that takes part: the default of a byte.
const OPEN: u8 = 0;
/// A campaign that a switch keeps out.
const SWITCHED_OFF: u8 = 1;
/// A campaign that a breaker keeps out; the numbers above it are those it lets through in a share of the requests, `(gate - STOPPED) / STEPS`.
const STOPPED: u8 = 2;
const STEPS: u8 = u8::MAX - STOPPED + 1;

/// Draws of breakers differ from those of ties.
const DRAW: u64 = 0x6272_6561_6b65_7273;

/// What switches and breakers say about one policy.
///
/// A market or surface that is off but not in the policy has no number in requests: it is one of the unknown ones, and so all requests with an
/// unknown market (or surface), or none, are off. [`super::Scorer::unmatched_switches`] lists such switches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gates {
    policy: [u8; 16],
    all: bool,
    markets: Closed,
    surfaces: Closed,
    /// Empty where every campaign is open.
    campaigns: Vec<u8>,
}

/// Which numbers of markets or surfaces are off.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Closed {
    /// Numbers below this are known.
    count: u32,
    /// Empty where all known ones are on.
    known: Vec<bool>,
    unknown: bool,
}

impl Closed {
    fn none_of(count: usize) -> Self {
        Self { count: count as u32, known: Vec::new(), unknown: false }
    }

    /// As [`mark`].
    fn close(&mut self, number: Option<u32>) -> bool {
        self.unknown |= number.is_none();
        number.is_none_or(|number| mark(&mut self.known, self.count as usize, number, true))
    }

    fn holds(&self, number: u32) -> bool {
        if number < self.count { self.known.get(number as usize).copied().unwrap_or(false) } else { self.unknown }
    }

    fn is_none(&self) -> bool {
        self.known.is_empty() && !self.unknown
    }
}

impl Gates {
    /// The gates of `policy`. `O(campaigns)` where something is off.
    #[must_use]
    pub fn new(policy: &Policy, switches: &Switches, breakers: &Breakers) -> Self {
        let roster = policy.roster();
        let (markets, surfaces) = (Closed::none_of(roster.markets()), Closed::none_of(roster.surfaces()));
        let mut gates = Self { policy: policy.id(), all: false, markets, surfaces, campaigns: Vec::new() };
        for (campaign, share) in breakers.engaged() {
            if let Some(c) = roster.find(campaign) {
                gates.set(roster.len(), c, gate_of(share));
            }
        }
        let mut parties: [Vec<bool>; 3] = Default::default();
        for (scope, id) in switches.off() {
            match scope {
                Scope::All => gates.all = true,
                Scope::Market => gates.all |= !gates.markets.close(roster.market(id)),
                Scope::Surface => gates.all |= !gates.surfaces.close(roster.surface(id)),
                Scope::Campaign => {
                    if let Some(c) = roster.find(id) {
                        gates.set(roster.len(), c, SWITCHED_OFF);
                    }
                }
                Scope::Artist | Scope::Label | Scope::Licensor => {
                    if let Some(party) = roster.key(scope, id) {
                        let off = &mut parties[scope as usize - Scope::Artist as usize];
                        gates.all |= !mark(off, roster.keys(scope), party, true);
                    }
                }
            }
        }
        for (scope, off) in [Scope::Artist, Scope::Label, Scope::Licensor].into_iter().zip(&parties) {
            for c in (0..roster.len() as u32).filter(|_| !off.is_empty()) {
                let party = roster.party(scope, c);
                if party != NONE && off[party as usize] {
                    gates.set(roster.len(), c, SWITCHED_OFF);
                }
            }
        }
        gates
    }

    /// What is switched off stays off whatever happens: where there is no memory even in a [`crate::memory::Reserve`], everything is.
    fn set(&mut self, campaigns: usize, campaign: u32, gate: u8) {
        self.all |= !mark(&mut self.campaigns, campaigns, campaign, gate);
    }

    /// [`Policy::id`] of the policy that these gates are for; a request with gates of another policy is refused.
    #[must_use]
    pub fn policy_id(&self) -> [u8; 16] {
        self.policy
    }

    /// Whether nothing is off or damped.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.all && self.markets.is_none() && self.surfaces.is_none() && self.campaigns.is_empty()
    }

    /// Whether all promotion is off for requests of this segment; numbers as in [`super::Request`].
    #[inline]
    #[must_use]
    pub fn closes(&self, market: u32, surface: u32) -> bool {
        self.all || self.markets.holds(market) || self.surfaces.holds(surface)
    }

    /// Turns admitted candidates that these gates keep out into ones that are not scored: `codes` are `scored` or the numbers of reasons,
    /// `campaigns` ranks, `nobody` the one of candidates that are not scored.
    pub(super) fn apply(&self, request: &Request<'_>, scored: u8, codes: &mut [u8], campaigns: &mut [u32], nobody: u32) {
        let closed = self.closes(request.market, request.surface);
        for (code, campaign) in codes.iter_mut().zip(campaigns).filter(|(code, _)| **code == scored) {
            let refused = if closed { Some(Reason::SwitchedOff) } else { self.refuse(*campaign, request.key) };
            if let Some(refused) = refused {
                (*code, *campaign) = (refused as u8, nobody);
            }
        }
    }

    /// Why the campaign of rank `campaign` takes no part in the request of this key, in a segment that is not closed; `None` means that it may.
    /// Damped campaigns are drawn by key, so that a decision can be replayed.
    #[inline]
    #[must_use]
    pub fn refuse(&self, campaign: u32, key: u64) -> Option<Reason> {
        match self.campaigns.get(campaign as usize).copied().unwrap_or(OPEN) {
            OPEN => None,
            SWITCHED_OFF => Some(Reason::SwitchedOff),
            gate => {
                let share = f32::from(gate - STOPPED) / f32::from(STEPS);
                (uniform(key ^ DRAW, mix(u64::from(campaign))) >= share).then_some(Reason::Breaker)
            }
        }
    }
}

/// Sets an entry of a list of `n`, which is empty as long as none is set; says whether there was memory for it.
fn mark<T: Clone + Default>(list: &mut Vec<T>, n: usize, at: u32, value: T) -> bool {
    let had = list.len() == n || reserve::open(|| list.try_reserve_exact(n - list.len())).0.is_ok();
    if had {
        list.resize(n, T::default());
        list[at as usize] = value;
    }
    had
}

/// The byte of a campaign that a breaker lets through in this share of requests; only a share of 0 is none at all.
fn gate_of(share: f64) -> u8 {
    if share <= 0.0 { STOPPED } else { STOPPED + (share * f64::from(STEPS)).round().clamp(1.0, f64::from(STEPS - 1)) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_to_the_nearest_step() {
        assert_eq!(gate_of(0.0), STOPPED);
        for share in [1e-9, 0.003, 0.05, 0.5, 0.9, 1.0] {
            let gate = gate_of(share);
            assert!(gate > STOPPED);
            assert!((f64::from(gate - STOPPED) / f64::from(STEPS) - share).abs() <= 1.0 / f64::from(STEPS), "{share}");
        }
    }
}
