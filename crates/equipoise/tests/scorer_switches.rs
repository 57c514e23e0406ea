//! Kill switches: by campaign, party, market, surface and for all; what is off keeps its organic order from the next request on.

mod lineup;

use equipoise::model::Scope;
use equipoise::policy::{NONE, Policy};
use equipoise::score::{Action, Breaker, Install, Measures, Recording, Request, Reset, Scorer, Switches, Workspace};
use lineup::{Hands, campaign, draft, policy, reasons};

const IDS: [&str; 3] = ["a", "b", "c"];

fn parties() -> Policy {
    let list = vec![campaign("a", ["x", "L1", "M"]), campaign("b", ["y", "L1", ""]), campaign("c", ["x", "", "M"])];
    Policy::new(&draft(list, 1.0)).expect("a good draft")
}

fn told(scorer: &Scorer) -> Vec<&'static str> {
    reasons(scorer, &IDS, |_, _| {})
}

#[test]
fn each_scope_stops_its_own() {
    let scorer = Scorer::new(&parties());
    let (on, off) = ("picked", "switched_off");
    for (scope, id, wanted) in [
        (Scope::Campaign, "b", [on, off, on]),
        (Scope::Artist, "x", [off, on, off]),
        (Scope::Label, "L1", [off, off, on]),
        (Scope::Licensor, "M", [off, on, off]),
        (Scope::All, "", [off, off, off]),
        (Scope::Campaign, "nobody", [on, on, on]),
        (Scope::Artist, "nobody", [on, on, on]),
    ] {
        assert!(scorer.switch(scope, id, false).expect("a good switch"));
        assert!(!scorer.switch(scope, id, false).expect("a good switch"), "it was off");
        assert_eq!(told(&scorer), wanted, "{scope:?} {id}");
        assert!(scorer.switch(scope, id, true).expect("a good switch"));
        assert_eq!(told(&scorer), [on; 3], "{scope:?} {id} again");
    }
}

#[test]
fn a_market_or_surface_is_off_for_its_requests_only() {
    let scorer = Scorer::new(&parties());
    scorer.switch(Scope::Market, "NO", false).expect("a good switch");
    scorer.switch(Scope::Surface, "radio", false).expect("a good switch");
    let by = |market: &str, surface: &str| {
        reasons(&scorer, &["a"], |policy, request| (request.market, request.surface) = (policy.market(market), policy.surface(surface)))[0]
    };
    assert_eq!(by("SE", "home"), "picked");
    assert_eq!(by("NO", "home"), "switched_off");
    assert_eq!(by("SE", "radio"), "switched_off");
    assert_eq!(by("XX", "home"), "picked", "an unknown market is not NO");
    assert_eq!(reasons(&scorer, &["a"], |_, _| {}), ["picked"], "nor is none");
}

#[test]
fn a_market_that_the_policy_does_not_know_is_off_with_all_unknown_ones() {
    let scorer = Scorer::new(&parties());
    scorer.switch(Scope::Market, "XX", false).expect("a good switch");
    let by = |market: u32| reasons(&scorer, &["a"], |_, request| request.market = market)[0];
    assert_eq!((by(0), by(1)), ("picked", "picked"));
    assert_eq!((by(2), by(NONE)), ("switched_off", "switched_off"));
    assert_eq!(scorer.unmatched_switches(), [(Scope::Market, "XX".to_owned())]);
}

#[test]
fn what_is_off_scores_plus_zero_and_nobody_is_picked() {
    let scorer = Scorer::new(&parties());
    scorer.switch(Scope::All, "", false).expect("a good switch");
    let live = scorer.policy();
    let rows = [live.row("a"), live.row("nobody"), equipoise::policy::ORGANIC];
    let request = Request::new(&rows, Measures::Columns { values: &[], stride: 3 });
    let mut workspace = Workspace::default();
    let decision = scorer.score(&live, &request, &mut workspace).expect("a good request");
    assert_eq!(decision.scores().iter().map(|s| s.to_bits()).collect::<Vec<_>>(), [0; 3]);
    assert!(decision.picks().is_empty());
    assert_eq!(decision.reasons().iter().map(|r| r.name()).collect::<Vec<_>>(), ["switched_off", "unknown", "organic"]);
    assert!(decision.explain(0).expect("an explanation").terms.is_empty());
    assert_eq!(scorer.metrics().get("equipoise.score.degraded", "switched_off"), Some(1.0));
}

#[test]
fn switches_survive_an_install_and_bind_requests_of_older_policies() {
    let scorer = Hands::default().scorer(&parties());
    let before = scorer.policy();
    scorer.switch(Scope::Campaign, "c", false).expect("a good switch");
    // Ranks move: "c" was the third and is the second.
    scorer.install(&policy(&["b", "c", "d"], 2.0), Install::checked()).expect("a good policy");
    assert_eq!(reasons(&scorer, &["b", "c", "d"], |_, _| {}), ["picked", "switched_off", "picked"]);

    scorer.switch(Scope::Campaign, "b", false).expect("a good switch");
    let stranger = policy(&["b", "d"], 3.0);
    let mut workspace = Workspace::default();
    for (policy, ids, wanted) in [
        (&before, IDS.as_slice(), ["picked", "switched_off", "switched_off"].as_slice()),
        (&stranger, &["b", "d"], &["switched_off", "picked"]),
        (&before, &IDS, &["picked", "switched_off", "switched_off"]),
    ] {
        let rows = policy.rows(ids);
        let request = Request::new(&rows, Measures::Columns { values: &[], stride: rows.len() });
        let decision = scorer.score(policy, &request, &mut workspace).expect("a good request");
        assert_eq!(decision.reasons().iter().map(|r| r.name()).collect::<Vec<_>>(), wanted, "of {policy:?}");
    }
}

#[test]
fn switches_travel_as_json() {
    let scorer = Scorer::new(&parties());
    for (scope, id) in [(Scope::Market, "NO"), (Scope::Campaign, "ü\u{0}\""), (Scope::Campaign, "a"), (Scope::Licensor, "M")] {
        scorer.switch(scope, id, false).expect("a good switch");
    }
    let text = scorer.switches().to_json();
    assert_eq!(text, r#"{"all":false,"campaign":["a","ü\u0000\""],"artist":[],"label":[],"licensor":["M"],"market":["NO"],"surface":[]}"#);
    let again = Scorer::with_switches(&parties(), Switches::from_json(&text).expect("good switches"));
    assert_eq!(again.switches(), scorer.switches());
    assert_eq!(told(&again), ["switched_off", "picked", "switched_off"]);
    assert_eq!(Switches::from_json("{}").expect("good switches"), Switches::default());
    assert_eq!(again.metrics().get("equipoise.switches.off", ""), Some(4.0));
    again.set_switches(Switches::default());
    assert_eq!(told(&again), ["picked"; 3]);
}

#[test]
fn bad_switches_are_refused() {
    let mut switches = Switches::default();
    assert_eq!(switches.set(Scope::Campaign, "", false).map_err(|e| e.code()), Err("invalid_input.empty"));
    assert_eq!(switches.set(Scope::All, "x", false).map_err(|e| e.code()), Err("invalid_input.range"));
    for (text, code) in [
        ("", "invalid_input.syntax"),
        ("[]", "invalid_input.syntax"),
        (r#"{"campaigns":[]}"#, "invalid_input.syntax"),
        (r#"{"all":1}"#, "invalid_input.syntax"),
        (r#"{"market":[""]}"#, "invalid_input.empty"),
    ] {
        assert_eq!(Switches::from_json(text).map_err(|e| e.code()), Err(code), "{text}");
    }
    let deep = "[".repeat(1 << 20);
    assert_eq!(Switches::from_json(&deep).map_err(|e| e.code()), Err("invalid_input.syntax"));
    assert!(switches.is_empty());
}

#[test]
fn gates_of_another_policy_are_refused() {
    let (own, other) = (parties(), policy(&IDS, 1.0));
    let scorer = Scorer::new(&other);
    scorer.switch(Scope::Campaign, "a", false).expect("a good switch");
    let gates = scorer.gates(&other).expect("something is off");
    let rows = own.rows(&IDS);
    let mut request = Request::new(&rows, Measures::Columns { values: &[], stride: 3 });
    request.gates = Some(&gates);
    let error = own.score(&request, &mut Workspace::default()).map(|_| ()).expect_err("foreign gates");
    assert_eq!((error.code(), error.argument()), ("invalid_input.foreign_row", "gates"));
}

/// Whoever asks why not is told that it was a switch or a breaker, and of which campaign; the record says so too and decides the same again.
#[test]
fn causes_and_records_say_what_kept_out() {
    let live = policy(&["a", "b", "c"], 1.0);
    let scorer = Scorer::new(&live);
    scorer.switch(Scope::Campaign, "a", false).expect("a good id");
    let rule = Breaker { measure: "skip".into(), threshold: 0.5, least_events: 1, window: 10, action: Action::Stop, reset: Reset::Manual };
    scorer.set_breaker(Some("b"), Some(rule)).expect("a good rule");
    scorer.record_response("b", 1, 1, None).expect("good counts");
    let rows = live.rows(&["a", "b", "c"]);
    let request = Request::new(&rows, Measures::Columns { values: &[], stride: 3 });
    let mut workspace = Workspace::default();
    let decision = scorer.score(&live, &request, &mut workspace).expect("a good request");
    let cause = |i| decision.explain(i).expect("a candidate").cause.map(|cause| (cause.name, cause.text));
    assert!(cause(0).is_some_and(|(name, text)| name == "switched_off" && text.contains("campaign \"a\"")), "{:?}", cause(0));
    assert!(cause(1).is_some_and(|(name, text)| name == "breaker" && text.contains("campaign \"b\"")), "{:?}", cause(1));
    assert_eq!(cause(2), None);
    let record = decision.record(Recording { terms: false, candidates: true }).expect("just scored");
    assert_eq!(record.candidates.as_ref().expect("candidates").reason, ["switched_off", "breaker", "picked"]);
    assert_eq!(record.replay(&live).expect("a whole record"), record);
}
