//! What may take the place of the live policy, what may not, and the way back.

mod lineup;

use equipoise::error::Result;
use equipoise::policy::{Draft, Lineage, Policy};
use equipoise::score::{FileWatch, Install, Installed, KEPT, Scorer};
use lineup::{Hands, campaign, draft, policy, reasons};
use std::fs;

fn of(lineage: &Lineage) -> Policy {
    policy(&["a"], 1.0).with_lineage(lineage).expect("there is room")
}

fn named(programme: Option<&str>, epoch: Option<u64>) -> Policy {
    of(&Lineage { programme: programme.map(str::to_owned), epoch, parent: None })
}

fn certified(status: &str, gap: f64, violation: f64) -> Policy {
    let certificate =
        format!(r#"{{"status":"{status}","upper_bound":1.0,"value":1.0,"gap":{gap},"worst_violation":{violation},"passes":3.0}}"#);
    let metadata = [("certificate".to_owned(), certificate)].into_iter().collect();
    Policy::new(&Draft { metadata, ..draft(vec![campaign("a", [""; 3])], 1.0) }).expect("a good draft")
}

fn code(outcome: Result<Installed>) -> &'static str {
    outcome.map_or_else(|e| e.code(), |_| "installed")
}

/// `next` in the place of `live`: what happens unforced; forced it is always installed.
fn offered(live: &Policy, next: &Policy, now: i64) -> &'static str {
    let hands = Hands::default();
    hands.set(now);
    let scorer = hands.scorer(live);
    let told = code(scorer.install(next, Install::checked()));
    let (refused, id) = (told != "installed", scorer.policy().id());
    assert_eq!(id, if refused { live.id() } else { next.id() }, "{told}");
    assert_eq!(scorer.last_refusal().map(|e| e.code()), refused.then_some(told));
    let label = if refused { told.trim_start_matches("policy.") } else { "installed" };
    assert_eq!(scorer.metrics().get("equipoise.policy.installs", label), Some(1.0));
    if refused {
        let forced = scorer.install(next, Install::forced()).expect("forced");
        assert_eq!((forced.previous, forced.id, scorer.policy().id()), (live.id(), next.id(), next.id()));
        assert_eq!(scorer.metrics().get("equipoise.policy.installs", "forced"), Some(1.0));
        assert!(scorer.last_refusal().is_none());
    }
    told
}

#[test]
fn stale() {
    let next = policy(&["a"], 2.0).with_valid_until(100).expect("there is room");
    let live = policy(&["a"], 1.0);
    assert_eq!(offered(&live, &next, 99), "installed");
    assert_eq!(offered(&live, &next, 100), "policy.stale");
    assert_eq!(offered(&Policy::empty(), &next, 100), "policy.stale", "even where nothing is live");
}

#[test]
fn foreign() {
    let none = named(None, None);
    let (radio, mixes) = (named(Some("radio"), None), named(Some("mixes"), None));
    assert_eq!(offered(&none, &radio, 0), "installed", "the first one to be named");
    assert_eq!(offered(&radio, &mixes, 0), "policy.foreign");
    assert_eq!(offered(&radio, &none, 0), "policy.foreign");
    assert_eq!(offered(&radio, &named(Some("radio"), Some(1)), 0), "installed");
    assert_eq!(offered(&Policy::empty(), &mixes, 0), "installed");
}

#[test]
fn a_successor_comes_from_the_live_policy() {
    let live = policy(&["a"], 1.0);
    let child = of(&Lineage { parent: Some(live.id()), ..Lineage::default() });
    let scorer = Scorer::new(&live);
    assert_eq!(code(scorer.install(&named(Some("x"), None), Install::checked().successor())), "policy.foreign");
    assert_eq!(code(scorer.install(&child, Install::checked().successor())), "installed");
    assert_eq!(code(scorer.install(&live, Install::checked().successor())), "policy.foreign", "its parent does not come from it");
    assert_eq!(code(Scorer::empty().install(&live, Install::checked().successor())), "installed");
}

#[test]
fn older() {
    let (five, six) = (named(None, Some(5)), named(None, Some(6)));
    assert_eq!(offered(&five, &six, 0), "installed");
    assert_eq!(offered(&six, &five, 0), "policy.older");
    assert_eq!(offered(&five, &named(Some("x"), Some(5)), 0), "installed", "of the same epoch");
    assert_eq!(offered(&five, &named(Some("x"), None), 0), "policy.older", "of none");
    assert_eq!(offered(&named(None, None), &five, 0), "installed");
}

#[test]
fn worse() {
    let solved = certified("solved", 5e-5, 1e-7);
    assert_eq!(offered(&solved, &certified("solved", 9e-5, 9e-7), 0), "installed", "solved is solved");
    assert_eq!(offered(&solved, &certified("stalled", 1e-5, 0.0), 0), "policy.worse");
    assert_eq!(offered(&solved, &policy(&["b"], 1.0), 0), "policy.worse", "without a certificate");
    assert_eq!(offered(&solved, &certified("solved", 5e-5, 1e-3), 0), "policy.worse", "a broken promise");
    let limited = certified("time_limit", 1e-2, 1e-3);
    assert_eq!(offered(&limited, &solved, 0), "installed");
    assert_eq!(offered(&limited, &certified("stalled", 9e-3, 1e-3), 0), "installed");
    assert_eq!(offered(&limited, &certified("stalled", 2e-2, 0.0), 0), "policy.worse");
    assert_eq!(offered(&limited, &certified("stalled", 1e-3, 2e-3), 0), "policy.worse");
    assert_eq!(offered(&policy(&["a"], 1.0), &limited, 0), "installed", "any certificate against none");
}

#[test]
fn the_live_policy_again_changes_nothing() {
    let live = policy(&["a"], 1.0);
    let scorer = Scorer::new(&live);
    let same = Policy::from_bytes(live.to_bytes()).expect("a good file");
    let installed = scorer.install(&same, Install::checked()).expect("the live policy");
    assert!(!installed.is_change());
    assert!(scorer.kept().is_empty());
    assert_eq!(scorer.metrics().get("equipoise.policy.installs", "unchanged"), Some(1.0));
}

#[test]
fn rollback_reaches_the_last_few() {
    let hands = Hands::default();
    let policies: Vec<_> = (0..KEPT + 3).map(|i| named(Some("p"), Some(i as u64))).collect();
    let scorer = hands.scorer(&policies[0]);
    policies[1..].iter().for_each(|p| assert_eq!(code(scorer.install(p, Install::checked())), "installed"));
    let kept = |scorer: &Scorer| scorer.kept().iter().map(Policy::id_hex).collect::<Vec<_>>();
    let wanted: Vec<_> = policies.iter().rev().skip(1).take(KEPT).map(Policy::id_hex).collect();
    assert_eq!(kept(&scorer), wanted);
    assert_eq!(code(scorer.rollback(policies[0].id())), "policy.not_kept");

    let back = &policies[KEPT];
    assert_eq!(code(scorer.rollback(back.id())), "installed", "of an older epoch");
    assert_eq!(scorer.policy().id(), back.id());
    assert_eq!(kept(&scorer)[0], policies[KEPT + 2].id_hex(), "and forward again");
    assert_eq!(kept(&scorer).len(), KEPT);
    assert_eq!(code(scorer.rollback(back.id())), "installed", "it is live already");
    assert_eq!(scorer.metrics().get("equipoise.policy.installs", "rolled_back"), Some(1.0));
    assert_eq!(scorer.metrics().get("equipoise.policy.installs", "not_kept"), Some(1.0));

    let short = named(Some("p"), Some(90)).with_valid_until(50).expect("there is room");
    assert_eq!(code(scorer.install(&short, Install::checked())), "installed");
    assert_eq!(code(scorer.install(&named(Some("p"), Some(91)), Install::checked())), "installed");
    hands.set(50);
    assert_eq!(code(scorer.rollback(short.id())), "policy.stale");
}

#[test]
fn past_its_validity_a_policy_serves_the_organic_order() {
    let live = policy(&["a"], 1.0).with_valid_until(100).expect("there is room");
    let scorer = Scorer::new(&live);
    assert_eq!(reasons(&scorer, &["a"], |_, request| request.time = Some(99)), ["picked"]);
    assert_eq!(reasons(&scorer, &["a"], |_, request| request.time = Some(100)), ["expired"]);
    assert_eq!(reasons(&Scorer::empty(), &["a"], |_, _| {}), ["unknown"]);
    assert_eq!(scorer.metrics().get("equipoise.score.degraded", "expired"), Some(1.0));
}

#[test]
fn a_file_is_checked_before_it_is_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, scorer) = (folder.path().join("policy.safetensors"), Scorer::empty());
    assert_eq!(code(scorer.install_file(&path, Install::checked())), "invalid_input.io");
    let next = policy(&["a"], 1.0);
    next.save(&path).expect("saved");
    assert_eq!(scorer.install_file(&path, Install::checked()).expect("a good file").id, next.id());
    let mut bytes = next.to_bytes().to_vec();
    bytes[40] ^= 1;
    fs::write(&path, bytes).expect("written");
    assert_eq!(code(scorer.install_file(&path, Install::forced())), "policy.corrupt", "force is no help");
    assert_eq!(scorer.policy().id(), next.id());
    let metrics = scorer.metrics();
    let count = |result| metrics.get("equipoise.policy.installs", result);
    assert_eq!((count("installed"), count("corrupt"), count("failed")), (Some(1.0), Some(1.0), Some(1.0)));
}

#[test]
fn a_watched_file_is_installed_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, scorer) = (folder.path().join("policy.safetensors"), Scorer::empty());
    let mut watch = FileWatch::new(&path, Install::checked());
    let poll = |watch: &mut FileWatch| watch.poll(&scorer).map(|done| done.map(|i| i.id)).map_err(|e| e.code());
    assert_eq!(poll(&mut watch), Err("invalid_input.io"), "told once");
    assert_eq!(poll(&mut watch), Ok(None));

    let (first, second, third) = (named(None, Some(1)), named(None, Some(2)), named(None, Some(3)));
    second.save(&path).expect("saved");
    assert_eq!(poll(&mut watch), Ok(Some(second.id())));
    assert_eq!(poll(&mut watch), Ok(None));
    first.save(&path).expect("saved");
    assert_eq!(poll(&mut watch), Err("policy.older"), "the same size, perhaps the same time, another inode");
    assert_eq!(poll(&mut watch), Ok(None), "not tried again");
    fs::write(&path, &third.to_bytes()[..1000]).expect("written");
    assert_eq!(poll(&mut watch), Err("policy.corrupt"));
    assert_eq!(scorer.policy().id(), second.id());
    third.save(&path).expect("saved");
    assert_eq!(poll(&mut watch), Ok(Some(third.id())));
    assert_eq!(scorer.rollback(second.id()).expect("kept").id, second.id());
    assert_eq!(poll(&mut watch), Ok(None), "a rollback stays until the file changes");
}
