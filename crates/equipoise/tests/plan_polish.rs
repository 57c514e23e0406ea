//! Plans below 1e-6: what smoothing leaves is finished exactly, for goals of every kind together.

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties};
use equipoise::plan::{Plan, Settings, Status, plan};
use equipoise::{Campaigns, Opportunities, Problem};

/// A fixed sequence of numbers in `[0, 1)`.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / 2f64.powi(53)
    }
}

const COUNT: usize = 60;

/// 3,000 opportunities of 12 candidates: too many for a solver of whole problems. With `levels`, values are equal in large groups.
fn log(seed: u64, levels: Option<f64>) -> Opportunities {
    let mut chance = Chance(seed * 7919 + 1);
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..3000 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), slots: Some(1 + (t % 3) as u32), ..OpportunityRow::default() });
        let from = (chance.next() * COUNT as f64) as usize;
        for i in 0..12 {
            let campaign = format!("c{}", (from + i * 7) % COUNT);
            let value = levels.map_or(chance.next(), |n| (chance.next() * n).ceil() / n);
            let measures = [value as f32, (0.3 * chance.next()) as f32];
            log.candidate(&CandidateRow { campaign: Some(&campaign), measures: &measures, ..CandidateRow::default() });
        }
    }
    log.finish().expect("a log")
}

fn campaigns(seed: u64) -> Campaigns {
    let mut chance = Chance(seed * 104_729 + 3);
    let goal = |kind, amount| CampaignGoal { kind, measure: "exposure".into(), amount, penalty: None };
    let one = |k: usize| {
        let mut goals = vec![goal(GoalKind::Cap, 40.0 + 80.0 * chance.next())];
        if k.is_multiple_of(3) {
            goals.push(goal(GoalKind::Floor, 20.0));
        }
        let parties = Parties { licensor: Some(format!("g{}", k % 5)), ..Parties::default() };
        Campaign { id: format!("c{k}"), parties, goals, ..Campaign::default() }
    };
    Campaigns::new((0..COUNT).map(one).collect()).expect("campaigns")
}

const GUARDRAIL: &str = "[[goals]]\nkind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most_total = 500.0\n";
const SHARE: &str = "[[goals]]\nkind = \"share\"\nmeasure = \"exposure\"\nof = { licensor = \"g1\" }\nat_least = 0.1\nat_most = 0.22\n";
const FAIR: &str =
    "[[goals]]\nkind = \"alpha_fair\"\nmeasure = \"exposure\"\nper = \"licensor\"\nalpha = 1.0\nweight = 30.0\noffset = 1.0\n";
const LEAST: &str = "[[goals]]\nkind = \"max_min\"\nmeasure = \"value\"\nper = \"licensor\"\nweight = 0.5\n";

fn planned(goals: &[&str], log: &Opportunities, seed: u64, tolerance: f64) -> Plan {
    let text = format!("[objectives]\nvalue = 1.0\n{}", goals.concat());
    let problem = Problem::from_toml(&text).expect("a problem");
    let settings = Settings::new().holdout(0.0).threads(1).tolerance(tolerance);
    plan(&problem, log, &campaigns(seed), &settings).expect("a plan")
}

/// The certificate is checked by a coarser one's interval: both bounds hold for the same problem, so each value is below the other's bound.
fn check(goals: &[&str], log: &Opportunities, seed: u64) {
    let fine = planned(goals, log, seed, 1e-9);
    assert_eq!(fine.status(), Status::Solved, "{goals:?}: gap {:e}", fine.certificate().gap);
    let fine = fine.certificate();
    assert!(fine.gap <= 1e-9 && fine.worst_violation <= 1e-9, "{goals:?}: gap {:e}, violation {:e}", fine.gap, fine.worst_violation);
    let coarse = planned(goals, log, seed, 1e-5);
    let coarse = coarse.certificate();
    let room = 1e-9 * fine.upper_bound.abs();
    assert!(fine.value >= coarse.value - room, "{goals:?}: {} after {}", fine.value, coarse.value);
    assert!(fine.value <= coarse.upper_bound + room && coarse.value <= fine.upper_bound + room, "{goals:?}");
    assert!(fine.passes < 400.0, "{goals:?}: {} passes", fine.passes);
}

#[test]
fn linear_goals_are_met_to_1e_9() {
    for seed in 1..=3 {
        check(&[GUARDRAIL, SHARE], &log(seed, None), seed);
    }
}

#[test]
fn fairness_and_the_least_party_are_met_to_1e_9() {
    for seed in 1..=2 {
        check(&[GUARDRAIL, SHARE, FAIR, LEAST], &log(seed, None), seed);
    }
}

#[test]
fn equal_values_are_no_trouble() {
    check(&[GUARDRAIL], &log(4, Some(4.0)), 4);
}
