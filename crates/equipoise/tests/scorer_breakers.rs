//! Breakers: what trips one, what that does to the campaign, and how it comes back.

mod lineup;

use equipoise::score::{Action, Breaker, BreakerState, Breakers, Install, Reset, Scorer};
use lineup::{Hands, policy, reasons};

const SECOND: i64 = 1_000_000;

fn rule(action: Action, reset: Reset) -> Breaker {
    Breaker { measure: "skip".into(), threshold: 0.5, least_events: 100, window: 1_000, action, reset }
}

fn scorer(rule: Breaker) -> (Hands, Scorer) {
    let hands = Hands::default();
    let scorer = hands.scorer(&policy(&["a", "b"], 1.0));
    scorer.set_breaker(None, Some(rule)).expect("a good rule");
    (hands, scorer)
}

fn told(scorer: &Scorer) -> Vec<&'static str> {
    reasons(scorer, &["a", "b"], |_, _| {})
}

/// The share of a thousand requests in which each campaign takes part.
fn shares(scorer: &Scorer) -> [f64; 2] {
    let mut taken = [0_u32; 2];
    for key in 0..1_000 {
        let reasons = reasons(scorer, &["a", "b"], |_, request| request.key = key);
        assert!(reasons.iter().all(|r| ["picked", "breaker"].contains(r)), "{reasons:?}");
        taken.iter_mut().zip(reasons).for_each(|(n, r)| *n += u32::from(r == "picked"));
    }
    taken.map(|n| f64::from(n) / 1_000.0)
}

#[test]
fn a_bad_response_stops_the_campaign_from_the_next_request_on() {
    let (_, scorer) = scorer(rule(Action::Stop, Reset::Manual));
    let record = |events, responses| scorer.record_response("a", events, responses, Some(0)).expect("good counts");
    assert_eq!(record(99, 99), Some(BreakerState::Closed), "too few events");
    assert_eq!(told(&scorer), ["picked"; 2]);
    assert_eq!(record(1, 0), Some(BreakerState::Tripped));
    assert_eq!(told(&scorer), ["breaker", "picked"]);
    assert_eq!(record(10_000, 0), Some(BreakerState::Tripped), "answers to what was shown before");
    assert_eq!(scorer.metrics().get("equipoise.breakers.trips", ""), Some(1.0));
    assert_eq!(scorer.metrics().get("equipoise.breakers.engaged", ""), Some(1.0));
    assert!(scorer.reset_breaker("a"));
    assert!(!scorer.reset_breaker("a"));
    assert_eq!(told(&scorer), ["picked"; 2]);
    assert_eq!(scorer.metrics().get("equipoise.breakers.engaged", ""), Some(0.0));
}

#[test]
fn at_the_threshold_nothing_trips() {
    let (_, scorer) = scorer(rule(Action::Stop, Reset::Manual));
    assert_eq!(scorer.record_response("a", 200, 100, Some(0)).expect("good counts"), Some(BreakerState::Closed));
    assert_eq!(scorer.record_response("a", 1, 1, Some(0)).expect("good counts"), Some(BreakerState::Tripped));
}

#[test]
fn old_events_weigh_less() {
    let mut breakers = Breakers::new(Some(rule(Action::Stop, Reset::Manual))).expect("a good rule");
    assert!(!breakers.record("a", 1_000_000, 0, 0).expect("good counts"));
    assert!((breakers.account("a").expect("counted").events - 1_000.0).abs() < 1e-6);
    // From 1000 good ones on, more than half are bad after the 1000th bad one, as each one counted takes a share of the others with it.
    let mut bad = 0;
    while !breakers.record("a", 1, 1, 0).expect("good counts") {
        bad += 1;
    }
    let wanted = 1_000.0 * 2.0_f64.ln();
    assert!((f64::from(bad) - wanted).abs() < 3.0, "{bad} bad ones, wanted about {wanted}");
}

#[test]
fn a_damped_campaign_takes_part_in_its_share_by_key() {
    let (_, scorer) = scorer(rule(Action::Damp { share: 0.2 }, Reset::Manual));
    scorer.record_response("a", 100, 100, None).expect("good counts");
    let [a, b] = shares(&scorer);
    assert!((a - 0.2).abs() < 0.05, "{a}");
    assert_eq!(b, 1.0);
    assert_eq!(shares(&scorer), [a, b], "by key alone");
}

#[test]
fn time_brings_it_back() {
    let (hands, scorer) = scorer(rule(Action::Stop, Reset::After { seconds: 60 }));
    scorer.record_response("a", 100, 100, Some(SECOND)).expect("good counts");
    for (now, wanted) in [(0, "breaker"), (i64::MIN, "breaker"), (61 * SECOND - 1, "breaker"), (61 * SECOND, "picked")] {
        hands.set(now);
        scorer.tick();
        assert_eq!(told(&scorer), [wanted, "picked"], "at {now}");
    }
    assert_eq!(scorer.record_response("a", 99, 99, None).expect("good counts"), Some(BreakerState::Closed), "counted anew");
}

#[test]
fn a_probe_decides() {
    let (hands, scorer) = scorer(rule(Action::Stop, Reset::Probe { seconds: 60, share: 0.1, events: 50 }));
    let record = |events, responses| scorer.record_response("a", events, responses, None).expect("good counts");
    record(100, 100);
    assert_eq!(shares(&scorer)[0], 0.0);
    hands.set(60 * SECOND);
    scorer.tick();
    let share = shares(&scorer)[0];
    assert!((share - 0.1).abs() < 0.04, "{share}");
    assert_eq!(record(49, 49), Some(BreakerState::Probing));
    assert_eq!(record(1, 1), Some(BreakerState::Tripped));
    assert_eq!(shares(&scorer)[0], 0.0);
    hands.set(119 * SECOND);
    assert_eq!(record(0, 0), Some(BreakerState::Tripped), "not yet");
    hands.set(120 * SECOND);
    scorer.record_response("b", 1, 0, None).expect("good counts");
    assert!(shares(&scorer)[0] > 0.0, "any record lets time pass");
    assert_eq!(record(50, 25), Some(BreakerState::Closed));
    assert_eq!(shares(&scorer), [1.0, 1.0]);
    assert_eq!(scorer.metrics().get("equipoise.breakers.trips", ""), Some(2.0));
}

#[test]
fn a_stop_survives_installs_and_restarts() {
    let (_, scorer) = scorer(rule(Action::Stop, Reset::Manual));
    scorer.record_response("b", 100, 100, Some(7)).expect("good counts");
    scorer.record_response("a", 10, 1, Some(7)).expect("good counts");
    let without = policy(&["c"], 1.0);
    scorer.install(&without, Install::checked()).expect("a good policy");
    scorer.install(&policy(&["b", "c"], 2.0), Install::checked()).expect("a good policy");
    assert_eq!(reasons(&scorer, &["b", "c"], |_, _| {}), ["breaker", "picked"]);

    let text = scorer.breakers().to_json();
    let again = Scorer::new(&policy(&["a", "b"], 1.0));
    again.set_breakers(Breakers::from_json(&text).expect("good breakers"));
    assert_eq!(again.breakers(), scorer.breakers());
    assert_eq!(told(&again), ["picked", "breaker"]);
}

#[test]
fn campaigns_that_no_policy_knows_are_not_counted_or_forgotten_with_it() {
    let (_, scorer) = scorer(rule(Action::Stop, Reset::Manual));
    assert_eq!(scorer.record_response("nobody", 100, 100, None).expect("good counts"), None);
    scorer.record_response("a", 10, 1, None).expect("good counts");
    for i in 0..=equipoise::score::KEPT {
        scorer.install(&policy(&["c"], 2.0 + i as f64), Install::checked()).expect("a good policy");
    }
    assert_eq!(scorer.breakers().accounts().count(), 0);
}

#[test]
fn a_campaign_may_have_a_rule_of_its_own() {
    let (_, scorer) = scorer(rule(Action::Stop, Reset::Manual));
    let own = Breaker { threshold: 0.9, ..rule(Action::Stop, Reset::Manual) };
    scorer.set_breaker(Some("a"), Some(own)).expect("a good rule");
    for campaign in ["a", "b"] {
        scorer.record_response(campaign, 100, 80, None).expect("good counts");
    }
    assert_eq!(told(&scorer), ["picked", "breaker"]);
    scorer.set_breaker(None, None).expect("no rule");
    assert_eq!(told(&scorer), ["picked"; 2], "without a rule there is no breaker");
    assert_eq!(scorer.record_response("b", 100, 100, None).expect("good counts"), None);
}

#[test]
fn bad_rules_and_counts_are_refused() {
    let good = rule(Action::Stop, Reset::Manual);
    let stop = Action::Stop;
    for (bad, name) in [
        (Breaker { threshold: 1.0, ..good.clone() }, "threshold"),
        (Breaker { threshold: f64::NAN, ..good.clone() }, "threshold"),
        (Breaker { threshold: -0.1, ..good.clone() }, "threshold"),
        (Breaker { least_events: 0, ..good.clone() }, "least_events"),
        (Breaker { window: 99, ..good.clone() }, "window"),
        (rule(Action::Damp { share: 0.0 }, Reset::Manual), "share"),
        (rule(Action::Damp { share: 1.0 }, Reset::Manual), "share"),
        (rule(Action::Damp { share: f64::NAN }, Reset::Manual), "share"),
        (rule(stop, Reset::After { seconds: u64::MAX }), "seconds"),
        (rule(stop, Reset::Probe { seconds: 1, share: 2.0, events: 1 }), "share"),
        (rule(stop, Reset::Probe { seconds: 1, share: 0.1, events: 0 }), "events"),
    ] {
        let error = Breakers::new(Some(bad)).expect_err(name);
        assert_eq!(error.code(), "invalid_input.range");
        assert!(error.to_string().contains(name), "{error}");
    }
    let (_, scorer) = scorer(good);
    for (events, responses) in [(1, 2), (u64::MAX, 1)] {
        let code = |campaign| scorer.record_response(campaign, events, responses, None).map_err(|e| e.code());
        assert_eq!((code("a"), code("nobody")), (Err("invalid_input.range"), Err("invalid_input.range")));
    }
    let base = r#"{"every":null,"own":{},"accounts":{"a":{"state":"closed","since":0,"events":1.0,"responses":2.0}}}"#;
    for (text, code) in [("[]", "syntax"), (r#"{"x":1}"#, "syntax"), (base, "range")] {
        let found = Breakers::from_json(text).map_err(|e| e.code());
        assert_eq!(found, Err(format!("invalid_input.{code}").as_str()), "{text}");
    }
}

#[test]
fn a_rule_as_json() {
    let text = r#"{"measure":"skip","threshold":0.5,"least_events":100,"window":1000,"action":{"kind":"damp","share":0.2},
        "reset":{"kind":"probe","seconds":600,"share":0.05,"events":50}}"#;
    let wanted = rule(Action::Damp { share: 0.2 }, Reset::Probe { seconds: 600, share: 0.05, events: 50 });
    assert_eq!(Breaker::from_json(text).expect("a good rule"), wanted);
    assert_eq!(Breaker::from_json(&text.replace("600", "-1")).map_err(|e| e.code()), Err("invalid_input.syntax"));
    assert_eq!(Breaker::from_json(&text.replace("0.2", "2")).map_err(|e| e.code()), Err("invalid_input.range"));
}
