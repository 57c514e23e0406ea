//! Small policies of named campaigns, a clock that is set by hand, and one request over them, for tests of the scorer.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use equipoise::model::{Campaign, Campaigns, Parties};
use equipoise::policy::{Draft, Policy};
use equipoise::score::{Measures, Request, Scorer, Switches, Workspace};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A campaign `id` of artist, label and licensor (empty for none).
pub fn campaign(id: &str, [artist, label, licensor]: [&str; 3]) -> Campaign {
    let party = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    Campaign {
        id: id.to_owned(),
        parties: Parties { artist: party(artist), label: party(label), licensor: party(licensor) },
        ..Campaign::default()
    }
}

/// What a policy of these campaigns is made of; every exposure is worth `worth`.
pub fn draft(list: Vec<Campaign>, worth: f64) -> Draft {
    Draft {
        weights: vec![worth],
        campaigns: Campaigns::new(list).expect("good campaigns"),
        slate: equipoise::model::Slate { slots: 100, ..Default::default() },
        markets: vec!["SE".into(), "NO".into()],
        surfaces: vec!["radio".into(), "home".into()],
        ..Draft::default()
    }
}

/// A policy of campaigns without parties.
pub fn policy(ids: &[&str], worth: f64) -> Policy {
    Policy::new(&draft(ids.iter().map(|id| campaign(id, [""; 3])).collect(), worth)).expect("a good draft")
}

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
pub struct Hands(Arc<AtomicI64>);

impl Hands {
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    pub fn scorer(&self, policy: &Policy) -> Scorer {
        let hands = Arc::clone(&self.0);
        Scorer::with_clock(policy, Switches::default(), Arc::new(move || hands.load(Ordering::SeqCst)))
    }
}

/// The names of the reasons of one request over these campaigns, by the live policy.
pub fn reasons(scorer: &Scorer, ids: &[&str], change: impl FnOnce(&Policy, &mut Request<'_>)) -> Vec<&'static str> {
    let live = scorer.policy();
    let rows = live.rows(ids);
    let mut request = Request::new(&rows, Measures::Columns { values: &[], stride: rows.len() });
    change(&live, &mut request);
    let mut workspace = Workspace::default();
    let decision = scorer.score(&live, &request, &mut workspace).expect("a good request");
    assert_eq!(decision.policy_id(), live.id());
    decision.reasons().iter().map(|r| r.name()).collect()
}
