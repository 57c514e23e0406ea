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

#[test]
fn prices_beyond_what_a_policy_holds_end_in_a_status_with_a_note() {
    let guarded = |objectives: &str, bound: f64| {
        format!("{objectives}[[goals]]\nkind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most_total = {bound:?}\n")
    };
    let campaigns = || vec![campaign("a", "x", vec![]), campaign("b", "y", vec![goal(GoalKind::Floor, 30.0, None)])];
    for (objectives, value) in [(VALUE, 1e12), ("[objectives]\nvalue = 1e12\n", 1e12), ("[objectives]\nvalue = 1e12\n", 1.0)] {
        let name = format!("{objectives} of {value:e}");
        let rows = [[value, 0.01], [0.5 * value, 0.02]];
        let p = solve(&guarded(objectives, 1e-6), campaigns(), &uniform_log(40, 1, &rows), &whole());
        assert_certified(&name, &p);
        assert!(p.prices().iter().all(|row| row.price.abs() <= 1e12), "{name}: {:?}", p.prices());
        assert!(p.notes().iter().any(|n| n.contains("the largest that a policy can hold")), "{name}: {:?}", p.notes());
        // Nothing but the price is at its limit: a looser guardrail is no trouble.
        let p = solve(&guarded(objectives, 1e12), campaigns(), &uniform_log(40, 1, &rows), &whole());
        assert_certified(&name, &p);
    }
}

/// A bound at or above the value, hard goals kept, and a decision in [0, 1] for every row.
fn assert_certified(name: &str, p: &Plan) {
    let c = p.certificate();
    assert!(c.upper_bound >= c.value && c.worst_violation <= 1e-6, "{name}: {:?} {c:?}", p.status());
    assert!(p.decisions().iter().flatten().all(|x| (0.0..=1.0).contains(x)), "{name}");
    assert!(p.prices().iter().all(|r| r.price.is_finite() && r.delivered.is_finite()), "{name}: {:?}", p.prices());
}

/// `rows` of value and displacement in every opportunity, of campaigns `a`, `b`, ... in turn.
fn uniform_log(opportunities: i64, slots: u32, rows: &[[f32; 2]]) -> Opportunities {
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..opportunities {
        log.opportunity(&OpportunityRow { id: Id::Int(t), slots: Some(slots), ..OpportunityRow::default() });
        for (id, measures) in ["a", "b", "c"].iter().zip(rows) {
            log.candidate(&CandidateRow { campaign: Some(id), measures, ..CandidateRow::default() });
        }
    }
    log.finish().expect("a log")
}

#[test]
fn degenerate_samples_end_in_a_status_with_a_valid_certificate() {
    let capped = |cap: f64| {
        let goals = |k: usize| if k == 0 { vec![goal(GoalKind::Cap, cap, None)] } else { vec![] };
        ["a", "b", "c"].iter().enumerate().map(|(k, id)| campaign(id, "x", goals(k))).collect::<Vec<_>>()
    };
    let guarded = |bound: f64| {
        format!("{VALUE}[[goals]]\nkind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most_total = {bound:?}\n")
    };
    let one = |v: f32| [[v, 0.1]; 3];
    let mut solved = 0;
    let mut count = 0;
    for (n, slots) in [(1, 0), (1, 1), (1, 3), (40, 0), (40, 1), (40, 2)] {
        for value in [0.0, 1e-30, 1e-6, 0.5, 1e6, 1e9, 1e12] {
            for rows in [&one(value)[..], &one(value)[..1], &[[value, 0.0], [value, 0.0], [0.0, 0.2]]] {
                for cap in [0.0, 1e-9, 7.5, 1e12] {
                    for bound in [0.0, 1e-6, 2.0, 1e12] {
                        let campaigns = capped(cap);
                        let p = solve(&guarded(bound), campaigns, &uniform_log(n, slots, rows), &whole());
                        let name = format!("{n} x {slots} slots, value {value:e}, {} rows, cap {cap:e}, guardrail {bound:e}", rows.len());
                        assert_certified(&name, &p);
                        // Rounding alone, as the violation is measured: relative to the bound, or to 1 where it is less.
                        assert!(p.deliveries().columns[0][0] <= cap + 1e-9 * cap.max(1.0), "{name}");
                        if p.status() != Status::Solved {
                            println!("{name}: {:?} {:?}", p.status(), p.certificate());
                        }
                        solved += usize::from(p.status() == Status::Solved);
                        count += 1;
                    }
                }
            }
        }
    }
    println!("executed {count}, solved {solved}");
    // What is left are bounds a millionth of a millionth of what the places are worth: certified, but not always with a small gap.
    assert!(100 * solved >= 95 * count, "{solved} of {count} solved");
}

#[test]
fn shares_that_cannot_all_be_kept_starve_the_whole() {
    let share = |licensor: &str, least: f64| {
        format!("[[goals]]\nkind = \"share\"\nmeasure = \"exposure\"\nof = {{ licensor = \"{licensor}\" }}\nat_least = {least}\n")
    };
    let campaigns = || vec![campaign("a", "x", vec![]), campaign("b", "y", vec![]), campaign("c", "z", vec![])];
    let log = uniform_log(40, 1, &[[0.9, 0.1], [0.8, 0.1], [0.7, 0.1]]);
    for shares in [[0.6, 0.6, 0.0], [0.5, 0.4, 0.3], [0.9, 0.9, 0.9]] {
        let text: String = ["x", "y", "z"].iter().zip(shares).filter(|s| s.1 > 0.0).map(|(l, s)| share(l, s)).collect();
        let p = solve(&format!("{VALUE}{text}"), campaigns(), &log, &whole());
        assert_certified(&text, &p);
        assert_eq!(p.status(), Status::Solved);
        assert!(taken(&p) < 1e-3, "nothing is all that keeps {shares:?}");
        let starves = p.conflicts().iter().filter(|c| c.kind == ConflictKind::Starves).count();
        assert_eq!(starves, shares.iter().filter(|s| **s > 0.0).count(), "{shares:?}: {:?}", p.conflicts());
    }
    // A party without supply.
    let nobody = Campaign { markets: Some(vec!["SE".into()]), ..campaign("c", "z", vec![]) };
    let p =
        solve(&format!("{VALUE}{}", share("z", 0.1)), vec![campaign("a", "x", vec![]), campaign("b", "y", vec![]), nobody], &log, &whole());
    assert_certified("a party without supply", &p);
    let kinds: Vec<_> = p.conflicts().iter().map(|c| c.kind).collect();
    assert!(kinds.contains(&ConflictKind::Starves) && kinds.contains(&ConflictKind::NoSupply), "{:?}", p.conflicts());
}

#[test]
fn conflicts_say_who_stands_against_and_who_pays() {
    // Two floors of 30 of 40 places: each stands against the other.
    let floors = || {
        let floor = |amount| vec![goal(GoalKind::Floor, amount, Some(2.0))];
        vec![campaign("a", "x", floor(30.0)), campaign("b", "y", floor(30.0))]
    };
    let p = solve(VALUE, floors(), &log(1), &whole());
    let unreachable: Vec<_> = p.conflicts().iter().filter(|c| c.kind == ConflictKind::Unreachable).collect();
    let total: f64 = unreachable.iter().filter_map(|c| c.least_relaxation).sum();
    assert!((total - 20.0).abs() < 1e-3, "{unreachable:?}");
    let named: Vec<&str> = unreachable.iter().flat_map(|c| &c.against).map(String::as_str).collect();
    assert!(named.contains(&"floor exposure campaign=b") || named.contains(&"floor exposure campaign=a"), "{unreachable:?}");
    // Meeting a dear floor takes exposures from the other campaign.
    let dear = vec![campaign("a", "x", vec![goal(GoalKind::Floor, 35.0, Some(0.1))]), campaign("b", "y", vec![])];
    let p = solve(VALUE, dear, &log(1), &whole());
    let [c] = p.conflicts() else { panic!("one conflict: {:?}", p.conflicts()) };
    assert!(c.against.iter().any(|a| a.starts_with("campaign=b -")), "{c:?}");
}
