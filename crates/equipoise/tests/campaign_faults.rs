//! What `Campaigns::new` finds: every fault, at once, each with the campaign it is in.
#![allow(clippy::unwrap_used)]

mod serving;
mod soak;

use equipoise::Campaigns;
use equipoise::model::{Campaign, CampaignGoal, GoalKind, Parties};
use serving::Random;

/// Random tables.
const TABLES: usize = 10_000;

fn campaign(id: &str) -> Campaign {
    Campaign { id: id.to_owned(), ..Campaign::default() }
}

fn goal(kind: GoalKind, amount: f64) -> CampaignGoal {
    CampaignGoal { kind, measure: "exposure".to_owned(), amount, penalty: None }
}

/// Code, argument and index of each fault.
fn faults(list: Vec<Campaign>) -> Vec<(&'static str, String, Option<u64>)> {
    Campaigns::new(list).unwrap_err().faults().iter().map(|f| (f.code, f.argument.clone(), f.index)).collect()
}

fn with_goals(goals: Vec<CampaignGoal>) -> Vec<(&'static str, String, Option<u64>)> {
    faults(vec![campaign("fine"), Campaign { goals, ..campaign("c") }])
}

#[test]
fn a_good_table_keeps_its_order() {
    let ids = ["z", "a", "nul\0inside", "ünï", "\u{1f3b5}"];
    let campaigns = Campaigns::new(ids.map(campaign).to_vec()).unwrap();
    assert_eq!(campaigns.len(), 5);
    assert_eq!(campaigns.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ids);
    for (i, id) in ids.into_iter().enumerate() {
        assert_eq!(campaigns.get(i).id, id);
        assert_eq!(campaigns.ids().get(id), Some(i as u32));
    }
    assert!(Campaigns::new(Vec::new()).unwrap().is_empty());
}

#[test]
fn all_faults_come_at_once() {
    let list = vec![
        campaign("a"),
        Campaign { markets: Some(Vec::new()), surfaces: Some(vec![String::new()]), ..campaign("b") },
        Campaign { start: Some(10), end: Some(10), ..campaign("a") },
        Campaign { parties: Parties { label: Some(String::new()), ..Parties::default() }, ..campaign("") },
        Campaign { goals: vec![goal(GoalKind::Cap, -1.0), goal(GoalKind::Floor, f64::NAN)], ..campaign("c") },
    ];
    let expected = [
        ("invalid_input.empty", "surfaces", 1),
        ("goal.empty_list", "markets", 1),
        ("invalid_input.duplicate", "campaign", 2),
        ("goal.flight", "end", 2),
        ("invalid_input.empty", "campaign", 3),
        ("invalid_input.empty", "label", 3),
        ("invalid_input.range", "goals[0].amount", 4),
        ("invalid_input.not_finite", "goals[1].amount", 4),
    ];
    assert_eq!(faults(list), expected.map(|(code, argument, at)| (code, argument.to_owned(), Some(at))));
}

#[test]
fn messages_name_the_value_escaped() {
    let error = Campaigns::new(vec![campaign("\u{1b}[31m"), campaign("\u{1b}[31m")]).unwrap_err();
    assert_eq!(error.to_string(), "invalid_input.duplicate: campaign[1]: \"\\u{1b}[31m\" stands at 0 already");
    let error = Campaigns::new(vec![Campaign { goals: vec![goal(GoalKind::Cap, -2.5)], ..campaign("c") }]).unwrap_err();
    assert_eq!(error.to_string(), "invalid_input.range: goals[0].amount[0]: -2.5 is not between 0 and 1e12");
}

#[test]
fn ids_have_a_length() {
    assert!(Campaigns::new(vec![campaign(&"x".repeat(1 << 20))]).is_ok());
    assert_eq!(faults(vec![campaign(&"x".repeat((1 << 20) + 1))]), [("invalid_input.too_large", "campaign".to_owned(), Some(0))]);
}

#[test]
fn numbers_are_finite_and_in_range() {
    for amount in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(with_goals(vec![goal(GoalKind::Target, amount)]), [("invalid_input.not_finite", "goals[0].amount".to_owned(), Some(1))]);
    }
    for amount in [-1e-300, 1.000_001e12, 1e308] {
        assert_eq!(with_goals(vec![goal(GoalKind::Cap, amount)]), [("invalid_input.range", "goals[0].amount".to_owned(), Some(1))]);
    }
    for penalty in [0.0, -0.0, -1.0, 1e13] {
        let floor = CampaignGoal { penalty: Some(penalty), ..goal(GoalKind::Floor, 1.0) };
        assert_eq!(with_goals(vec![floor]), [("invalid_input.range", "goals[0].penalty".to_owned(), Some(1))]);
    }
    let fine = vec![goal(GoalKind::Cap, 1e12), CampaignGoal { penalty: Some(1e-300), ..goal(GoalKind::Floor, 0.0) }];
    assert!(Campaigns::new(vec![Campaign { goals: fine, ..campaign("c") }]).is_ok());
}

#[test]
fn goals_fit_together() {
    let floor_above_cap = vec![goal(GoalKind::Cap, 1.0), goal(GoalKind::Floor, 2.0)];
    assert_eq!(with_goals(floor_above_cap), [("goal.floor_above_cap", "goals[1].amount".to_owned(), Some(1))]);
    let other_measure = CampaignGoal { measure: "stream".to_owned(), ..goal(GoalKind::Floor, 2.0) };
    assert!(Campaigns::new(vec![Campaign { goals: vec![goal(GoalKind::Cap, 1.0), other_measure], ..campaign("c") }]).is_ok());
    let twice = vec![goal(GoalKind::Cap, 1.0), goal(GoalKind::Cap, 1.0)];
    assert_eq!(with_goals(twice), [("invalid_input.duplicate", "goals[1].kind".to_owned(), Some(1))]);
    let penalty_of_cap = vec![CampaignGoal { penalty: Some(1.0), ..goal(GoalKind::Cap, 1.0) }];
    assert_eq!(with_goals(penalty_of_cap), [("goal.limit", "goals[0].penalty".to_owned(), Some(1))]);
    for kind in [GoalKind::Share, GoalKind::Guardrail, GoalKind::AlphaFair, GoalKind::MaxMin] {
        assert_eq!(with_goals(vec![goal(kind, 1.0)]), [("goal.unsupported", "goals[0].kind".to_owned(), Some(1))]);
    }
    assert_eq!(with_goals(vec![goal(GoalKind::Cap, 1.0); 257]), [("invalid_input.too_large", "goals".to_owned(), Some(1))]);
}

#[test]
fn a_hundred_thousand_faults_are_counted() {
    let error = Campaigns::new(vec![campaign("same"); 100_000]).unwrap_err();
    assert_eq!(error.faults().len(), 20);
    assert!(error.to_string().ends_with("invalid_input.duplicate: and 99979 more"));
}

/// A campaign without a fault, with whatever it may have.
fn sound(random: &mut Random, id: &str) -> Campaign {
    let start = random.chance(50).then(|| random.below(100) as i64 - 50);
    let cap = [0.0, 5e-324, 1.0, 1e12][random.below(4)];
    let floor = CampaignGoal { penalty: random.chance(50).then_some(1e-300), ..goal(GoalKind::Floor, cap * random.unit()) };
    let target = CampaignGoal { measure: "stream".into(), ..goal(GoalKind::Target, 1e12 * random.unit()) };
    let mut goals = vec![goal(GoalKind::Cap, cap), floor, target];
    goals.truncate(random.below(4));
    Campaign { start, end: random.chance(50).then(|| start.unwrap_or(-50) + 1 + random.below(9) as i64), goals, ..campaign(id) }
}

/// Puts one fault into a campaign, and says what has to be told of it.
fn spoil(random: &mut Random, campaign: &mut Campaign) -> (&'static str, String) {
    let wrong = |random: &mut Random| {
        let amount = [-1.0, -5e-324, 1.1e12, 1e308, f64::NAN, f64::INFINITY, f64::NEG_INFINITY][random.below(7)];
        (amount, if amount.is_finite() { "invalid_input.range" } else { "invalid_input.not_finite" })
    };
    let at = |goals: &[CampaignGoal], field: &str| format!("goals[{}].{field}", goals.len() - 1);
    // None of these goals is there already: measures of their own.
    let own = |goal: CampaignGoal| CampaignGoal { measure: "save".into(), ..goal };
    match random.below(7) {
        0 => {
            let end = random.below(100) as i64;
            (campaign.start, campaign.end) = (Some(end + random.below(3) as i64), Some(end));
            ("goal.flight", "end".into())
        }
        1 => {
            let (amount, code) = wrong(random);
            campaign.goals.push(own(goal([GoalKind::Cap, GoalKind::Floor, GoalKind::Target][random.below(3)], amount)));
            (code, at(&campaign.goals, "amount"))
        }
        2 => {
            let (penalty, code) = if random.chance(30) { (0.0, "invalid_input.range") } else { wrong(random) };
            campaign.goals.push(own(CampaignGoal { penalty: Some(penalty), ..goal(GoalKind::Floor, 1.0) }));
            (code, at(&campaign.goals, "penalty"))
        }
        3 => {
            let cap = random.unit() * 1e6;
            campaign.goals.push(own(goal(GoalKind::Cap, cap)));
            campaign.goals.push(own(goal(GoalKind::Floor, cap.next_up())));
            ("goal.floor_above_cap", at(&campaign.goals, "amount"))
        }
        4 => {
            campaign.frequency_cap = Some([0, u32::MAX][random.below(2)]);
            ("invalid_input.range", "frequency_cap".into())
        }
        5 => {
            campaign.surfaces = Some(Vec::new());
            ("goal.empty_list", "surfaces".into())
        }
        _ => {
            campaign.goals.push(own(goal(GoalKind::Target, 2.0)));
            campaign.goals.push(own(goal(GoalKind::Target, 3.0)));
            ("invalid_input.duplicate", at(&campaign.goals, "kind"))
        }
    }
}

#[test]
fn every_fault_of_a_random_table_is_told_and_no_other() {
    let (mut random, tables, mut spoilt) = (Random(3), soak::times(TABLES), 0);
    for _ in 0..tables {
        let mut expected = Vec::new();
        let list: Vec<Campaign> = (0..random.below(12))
            .map(|i| {
                let mut campaign = sound(&mut random, &format!("c{i}"));
                if random.chance(40) {
                    let (code, argument) = spoil(&mut random, &mut campaign);
                    expected.push((code, argument, Some(i as u64)));
                }
                campaign
            })
            .collect();
        spoilt += expected.len();
        let mut found = match Campaigns::new(list.clone()) {
            Ok(_) => Vec::new(),
            Err(error) => error.faults().iter().map(|f| (f.code, f.argument.clone(), f.index)).collect(),
        };
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{list:?}");
    }
    println!("executed {tables} tables with {spoilt} faults");
    assert!(spoilt > tables);
}
