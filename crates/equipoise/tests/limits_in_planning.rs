//! The relevance floor, frequency caps and `max_promoted` hold in planning as in serving: nothing is planned that serving would refuse.

use equipoise::evaluate::replay;
use equipoise::model::{Campaign, CandidateRow, Id, OpportunityRow, Reason};
use equipoise::plan::{Settings, Unknown, plan};
use equipoise::{Campaigns, Opportunities, Problem};

const CAMPAIGNS: usize = 4;

/// Two hundred opportunities of eight candidates, half of them promoted; scores below and above every floor, counts below and above every cap.
fn log(counts: bool) -> Opportunities {
    let mut log = Opportunities::builder(&["value"]);
    let ids: Vec<String> = (0..CAMPAIGNS).map(|c| format!("c{c}")).collect();
    for t in 0..200_usize {
        log.opportunity(&OpportunityRow { id: Id::Int(t as i64), slots: Some(3), ..OpportunityRow::default() });
        for i in 0..8 {
            let campaign = (i % 2 == 0).then(|| ids[i / 2].as_str());
            let organic = ((t * 7 + i * 13) % 17) as f32 / 17.0 - 0.1;
            log.candidate(&CandidateRow {
                campaign,
                organic: Some(organic),
                measures: &[0.5 + ((t + i) % 5) as f32 / 10.0],
                frequency: counts.then_some(((t / 3 + i) % 4) as u32),
                ..CandidateRow::default()
            });
        }
    }
    log.finish().expect("a log")
}

fn campaigns() -> Campaigns {
    let caps = [None, Some(1), Some(2), Some(3)];
    Campaigns::new((0..CAMPAIGNS).map(|c| Campaign { id: format!("c{c}"), frequency_cap: caps[c], ..Campaign::default() }).collect())
        .expect("campaigns")
}

#[test]
fn what_serving_refuses_is_not_planned() {
    let slates = [
        ("relevance_floor = 0.3", "relevance"),
        ("relevance_floor_share = 0.75", "relevance"),
        ("relevance_floor = 0.1\nrelevance_floor_share = 0.5\nmax_promoted = 1", "relevance"),
        ("max_promoted = 2", "frequency"),
    ];
    for (rules, reason) in slates {
        let problem = Problem::from_toml(&format!("[objectives]\nvalue = 1.0\n[slate]\nvisible = 6\n{rules}\n")).expect("a problem");
        let log = log(true);
        let plan = plan(&problem, &log, &campaigns(), &Settings::new().holdout(0.0).threads(1)).expect("a plan");
        let served = replay(plan.policy(), &log, Unknown::Error).expect("a replay");
        let mut refused = 0;
        for (x, why) in plan.decisions().iter().zip(&served.reasons) {
            if matches!(why, Reason::Relevance | Reason::Frequency) {
                refused += usize::from(why.name() == reason);
                assert_eq!(x.unwrap_or(0.0), 0.0, "{rules}: planned, though {why:?}");
            }
        }
        assert!(refused > 20, "{rules}: {refused} of {reason}");
        // Nothing binds but eligibility and slots: what is planned is what is served.
        let planned: f64 = plan.decisions().iter().flatten().sum();
        let picked = served.picked.iter().filter(|p| **p).count();
        assert!((planned - picked as f64).abs() < 1e-6, "{rules}: {planned} planned, {picked} picked");
    }
}

#[test]
fn without_counts_caps_are_not_checked_and_without_scores_a_floor_is_an_error() {
    let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n[slate]\nvisible = 6\n").expect("a problem");
    let settings = Settings::new().holdout(0.0).threads(1);
    let unknown = plan(&problem, &log(false), &campaigns(), &settings).expect("a plan");
    let served = replay(unknown.policy(), &log(false), Unknown::Error).expect("a replay");
    assert!(!served.reasons.contains(&Reason::Frequency));

    let floor = Problem::from_toml("[objectives]\nvalue = 1.0\n[slate]\nrelevance_floor = 0.3\n").expect("a problem");
    let mut blind = Opportunities::builder(&["value"]);
    blind.opportunity(&OpportunityRow { id: Id::Int(1), ..OpportunityRow::default() });
    blind.candidate(&CandidateRow { campaign: Some("c0"), measures: &[1.0], ..CandidateRow::default() });
    let error = plan(&floor, &blind.finish().expect("a log"), &campaigns(), &settings).expect_err("no organic scores");
    assert_eq!((error.code(), error.argument()), ("invalid_input.missing", "organic"));
}
