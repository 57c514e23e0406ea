//! Where every candidate is worth the same, prices alone cannot choose: the planned tie-break term must.

use equipoise::evaluate::replay;
use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow};
use equipoise::plan::{Settings, Status, Unknown, plan};
use equipoise::{Campaigns, Opportunities, Problem};

const OPPORTUNITIES: i64 = 4_000;
const CAMPAIGNS: usize = 4;
const CAP: f64 = 600.0;

fn log(value: impl Fn(i64, usize) -> f32) -> Opportunities {
    let mut log = Opportunities::builder(&["value"]);
    for t in 0..OPPORTUNITIES {
        log.opportunity(&OpportunityRow { id: Id::Int(t), ..Default::default() });
        for k in 0..CAMPAIGNS {
            log.candidate(&CandidateRow { campaign: Some(&format!("c{k}")), measures: &[value(t, k)], ..Default::default() });
        }
    }
    log.finish().expect("a log")
}

fn campaigns() -> Campaigns {
    let goal = || CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount: CAP, penalty: None };
    let one = |k| Campaign { id: format!("c{k}"), goals: vec![goal()], ..Default::default() };
    Campaigns::new((0..CAMPAIGNS).map(one).collect()).expect("campaigns")
}

/// Picks of each campaign when the plan's policy serves the log it was planned on.
fn served(log: &Opportunities) -> (Vec<usize>, bool) {
    let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n").expect("a problem");
    let plan = plan(&problem, log, &campaigns(), &Settings::new().holdout(0.0)).expect("a plan");
    assert_eq!(plan.status(), Status::Solved);
    let replay = replay(plan.policy(), log, Unknown::Error).expect("a replay");
    let mut picks = vec![0; CAMPAIGNS];
    for (i, picked) in replay.picked.iter().enumerate() {
        picks[i % CAMPAIGNS] += usize::from(*picked);
    }
    (picks, plan.notes().iter().any(|n| n.contains("tied")))
}

#[test]
fn equal_candidates_are_shared_out_up_to_the_caps() {
    let (picks, noted) = served(&log(|_, _| 0.5));
    assert!(noted, "the plan says that ties are broken");
    for p in picks {
        assert!((p as f64 - CAP).abs() <= 0.05 * CAP, "{p} picks against a cap of {CAP}");
    }
}

#[test]
fn distinct_candidates_need_no_term() {
    let (picks, noted) = served(&log(|t, k| 0.1 + equipoise::model::uniform(t as u64, k as u64)));
    assert!(!noted);
    for p in picks {
        assert!((p as f64 - CAP).abs() <= 0.05 * CAP, "{p} picks against a cap of {CAP}");
    }
}
