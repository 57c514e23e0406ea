//! Problems at the edge: nothing to promote, nothing allowed, nothing wanted, promises that cannot be kept, limits of time.

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties};
use equipoise::plan::{ConflictKind, Plan, Settings, Status, plan};
use equipoise::{Campaigns, Opportunities, Problem};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn goal(kind: GoalKind, amount: f64, penalty: Option<f64>) -> CampaignGoal {
    CampaignGoal { kind, measure: "exposure".into(), amount, penalty }
}

fn campaign(id: &str, licensor: &str, goals: Vec<CampaignGoal>) -> Campaign {
    Campaign { id: id.into(), parties: Parties { licensor: Some(licensor.into()), ..Parties::default() }, goals, ..Campaign::default() }
}

/// Forty opportunities of two candidates: `a` is worth more than `b` in three of four.
fn log(slots: u32) -> Opportunities {
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..40u8 {
        log.opportunity(&OpportunityRow { id: Id::Int(t.into()), slots: Some(slots), ..OpportunityRow::default() });
        let a = if t % 4 == 0 { 0.2 } else { 0.9 };
        for (id, value) in [("a", a), ("b", 0.5 + f32::from(t) * 1e-3)] {
            log.candidate(&CandidateRow { campaign: Some(id), measures: &[value, 0.1], ..CandidateRow::default() });
        }
    }
    log.finish().expect("a log")
}

fn solve(problem: &str, campaigns: Vec<Campaign>, log: &Opportunities, settings: &Settings<'_>) -> Plan {
    let problem = Problem::from_toml(problem).expect("a problem");
    plan(&problem, log, &Campaigns::new(campaigns).expect("campaigns"), settings).expect("a plan")
}

fn whole() -> Settings<'static> {
    Settings::new().holdout(0.0).threads(1)
}

fn taken(plan: &Plan) -> f64 {
    plan.decisions().iter().flatten().sum()
}

const VALUE: &str = "[objectives]\nvalue = 1.0\n";

#[test]
fn without_goals_everything_of_worth_is_taken() {
    let p = solve(VALUE, vec![campaign("a", "x", vec![]), campaign("b", "y", vec![])], &log(2), &whole());
    assert_eq!(p.status(), Status::Solved);
    assert!((taken(&p) - 80.0).abs() < 1e-9);
}

#[test]
fn no_slots_no_eligible_rows_and_no_objective_are_plans_of_nothing() {
    let both = || vec![campaign("a", "x", vec![]), campaign("b", "y", vec![])];
    let none = solve(VALUE, both(), &log(0), &whole());
    assert_eq!((none.status(), taken(&none)), (Status::Solved, 0.0));
    let nowhere = |id: &str| Campaign { markets: Some(vec!["SE".into()]), ..campaign(id, "x", vec![]) };
    let ineligible = solve(VALUE, vec![nowhere("a"), nowhere("b")], &log(1), &whole());
    assert_eq!((ineligible.status(), taken(&ineligible)), (Status::Solved, 0.0));
    let supply: Vec<_> = ineligible.conflicts().iter().map(|c| (c.kind, c.goal.as_str())).collect();
    assert_eq!(supply, [(ConflictKind::NoSupply, "campaign=a"), (ConflictKind::NoSupply, "campaign=b")]);
    let unwanted = solve("", both(), &log(1), &whole());
    assert_eq!((unwanted.status(), taken(&unwanted)), (Status::Solved, 0.0));
}

#[test]
fn caps_and_guardrails_of_nothing_allow_nothing() {
    let p = solve(VALUE, vec![campaign("a", "x", vec![goal(GoalKind::Cap, 0.0, None)]), campaign("b", "y", vec![])], &log(1), &whole());
    assert_eq!(p.status(), Status::Solved);
    assert_eq!(p.deliveries().columns[0][0], 0.0);
    assert!((p.deliveries().columns[0][1] - 40.0).abs() < 1e-6);
    let guarded = format!("{VALUE}[[goals]]\nkind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most_total = 0.0\n");
    let p = solve(&guarded, vec![campaign("a", "x", vec![]), campaign("b", "y", vec![])], &log(1), &whole());
    assert_eq!((p.status(), taken(&p)), (Status::Solved, 0.0));
}

#[test]
fn a_floor_beyond_supply_is_unreachable_by_what_is_missing() {
    let p =
        solve(VALUE, vec![campaign("a", "x", vec![goal(GoalKind::Floor, 50.0, Some(2.0))]), campaign("b", "y", vec![])], &log(1), &whole());
    assert_eq!(p.status(), Status::Solved);
    let [c] = p.conflicts() else { panic!("one conflict: {:?}", p.conflicts()) };
    assert_eq!(c.kind, ConflictKind::Unreachable);
    assert!((c.least_relaxation.expect("a relaxation") - 10.0).abs() < 1e-3, "{c:?}");
    assert!((c.reached - 40.0).abs() < 1e-3, "{c:?}");
}

#[test]
fn a_floor_dearer_than_its_penalty_is_outbid_at_that_price() {
    // The last of 35 exposures of `a` displaces b = 0.504 where a is worth 0.2: a price of about -0.3.
    let p =
        solve(VALUE, vec![campaign("a", "x", vec![goal(GoalKind::Floor, 35.0, Some(0.1))]), campaign("b", "y", vec![])], &log(1), &whole());
    assert_eq!(p.status(), Status::Solved);
    let [c] = p.conflicts() else { panic!("one conflict: {:?}", p.conflicts()) };
    assert_eq!(c.kind, ConflictKind::Outbid);
    let price = c.price.expect("a price");
    assert!((-0.35..-0.29).contains(&price), "{c:?}");
    let paid = solve(
        VALUE,
        vec![campaign("a", "x", vec![goal(GoalKind::Floor, 35.0, Some(-1.05 * price))]), campaign("b", "y", vec![])],
        &log(1),
        &whole(),
    );
    assert!(paid.conflicts().is_empty(), "a penalty above the price meets the floor: {:?}", paid.conflicts());
}

#[test]
fn a_share_that_cannot_grow_starves_the_whole() {
    let shares = format!("{VALUE}[[goals]]\nkind = \"share\"\nmeasure = \"exposure\"\nof = {{ licensor = \"x\" }}\nat_least = 0.5\n");
    let p = solve(&shares, vec![campaign("a", "x", vec![goal(GoalKind::Cap, 4.0, None)]), campaign("b", "y", vec![])], &log(1), &whole());
    assert_eq!(p.status(), Status::Solved);
    assert!((taken(&p) - 8.0).abs() < 1e-3, "four of the capped party allow four of the others");
    assert!(p.conflicts().iter().any(|c| c.kind == ConflictKind::Starves), "{:?}", p.conflicts());
}

#[test]
fn limits_and_cancellation_are_statuses_with_a_certified_plan() {
    let campaigns = || vec![campaign("a", "x", vec![goal(GoalKind::Cap, 7.3, None)]), campaign("b", "y", vec![])];
    let cancel = AtomicBool::new(true);
    for (settings, want) in [
        (whole().tolerance(1e-9).time_limit(Duration::ZERO), Status::TimeLimit),
        (whole().tolerance(1e-9).pass_limit(1), Status::IterationLimit),
        (whole().tolerance(1e-9).cancel(&cancel), Status::Cancelled),
    ] {
        let p = solve(VALUE, campaigns(), &log(1), &settings);
        assert_eq!(p.status(), want);
        let c = p.certificate();
        assert!(c.upper_bound >= c.value && c.worst_violation <= 1e-9, "{c:?}");
        assert!(p.deliveries().columns[0][0] <= 7.3 + 1e-9);
    }
}

#[test]
fn a_warm_start_from_its_own_plan_takes_a_few_passes() {
    let campaigns =
        || vec![campaign("a", "x", vec![goal(GoalKind::Cap, 7.3, None)]), campaign("b", "y", vec![goal(GoalKind::Cap, 20.0, None)])];
    let first = solve(VALUE, campaigns(), &log(1), &whole());
    let again = solve(VALUE, campaigns(), &log(1), &whole().warm_start(&first));
    assert_eq!(again.status(), Status::Solved);
    assert!(again.certificate().passes <= first.certificate().passes, "{} then {}", first.certificate().passes, again.certificate().passes);
}
