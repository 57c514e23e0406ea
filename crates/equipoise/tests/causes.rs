//! Why candidates were not picked: the pick they lost to, the price that charged most, what was found and what it was held against.

mod arranged;
mod serving;

use arranged::World;
use equipoise::model::Reason;
use equipoise::policy::{NONE, Policy};
use equipoise::score::{Measures, Workspace};
use serving::{Random, Who};
use std::collections::BTreeMap;

#[test]
fn every_cause_fits_the_request() {
    let mut random = Random(51);
    let mut workspace = Workspace::default();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..600 {
        let draft = serving::draft(&mut random);
        let draft = serving::with_limits(&mut random, draft);
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..10 {
            let ask = serving::ask(&mut random, &draft);
            let ask = serving::limited(&mut random, &draft, ask);
            let (rows, flat) = (ask.rows(&policy), ask.flat());
            let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            for i in 0..rows.len() {
                let why = decision.explain(i).expect("a candidate");
                let Some(cause) = why.cause else {
                    assert_eq!(why.reason, Reason::Picked);
                    continue;
                };
                *seen.entry(cause.name).or_insert(0) += 1;
                assert!(!cause.text.is_empty() && !cause.text.contains('\0'), "{cause:?}");
                let campaign = match &ask.who[i] {
                    Who::Campaign(id) => draft.campaigns.iter().find(|c| c.id == *id),
                    Who::Organic => None,
                };
                let lost_to = cause.lost_to.map(|p| p as usize);
                assert!(lost_to.is_none_or(|p| decision.reasons()[p] == Reason::Picked));
                match why.reason {
                    Reason::Price => {
                        let charges = why.terms.iter().filter(|t| t.kind.name() != "objective" && t.amount < 0.0);
                        let most = charges.filter(|t| !matches!(t.kind.name(), "tie_break" | "rounding")).map(|t| t.amount);
                        let most = most.fold(0.0, f64::min);
                        assert_eq!(cause.term.map_or(0.0, |t| why.terms[t].amount), most);
                        let guardrail = cause.term.is_some_and(|t| why.terms[t].kind.name() == "guardrail");
                        assert_eq!(cause.name, if guardrail { "guardrail" } else { "price" });
                    }
                    Reason::Outscored if !decision.picks().is_empty() => {
                        let least = decision.picks().iter().map(|p| decision.scores()[*p as usize]).fold(f32::INFINITY, f32::min);
                        assert_eq!(lost_to.map(|p| decision.scores()[p]), Some(least));
                        assert!(decision.scores()[i] <= least);
                        assert_eq!((cause.found, cause.limit), (Some(f64::from(decision.scores()[i])), Some(f64::from(least))));
                    }
                    Reason::Item => {
                        let item = ask.item.as_ref().expect("items");
                        assert!(item[i] != NONE && item[lost_to.expect("a pick")] == item[i]);
                    }
                    Reason::Frequency => {
                        let cap = campaign.and_then(|c| c.frequency_cap).map(f64::from);
                        let count = ask.frequency.as_ref().map(|f| f64::from(f[i]));
                        assert_eq!((cause.found, cause.limit), (count, cap));
                        assert!(count >= cap);
                    }
                    Reason::Relevance => assert!(cause.found < cause.limit),
                    Reason::Expired => assert!(cause.found >= cause.limit),
                    _ => {}
                }
            }
        }
    }
    println!("executed {seen:?}");
    for name in [
        "price",
        "guardrail",
        "outscored",
        "item",
        "artist",
        "label",
        "no_place",
        "organic",
        "unknown",
        "market",
        "surface",
        "flight",
        "expired",
        "relevance",
        "frequency",
    ] {
        assert!(seen.contains_key(name), "{name} occurs in {seen:?}");
    }
}

#[test]
fn a_candidate_that_cannot_rise_is_told_its_rank() {
    let mut world = World::random(&mut arranged::Random(52), 1);
    world.scores = vec![0.0, 0.0, 0.0, 1.0];
    world.organic = vec![0.9, 0.8, 0.7, 0.6];
    world.slate = equipoise::model::Slate { visible: Some(2), max_positions_up: Some(1), ..equipoise::model::Slate::default() };
    let policy = world.policy();
    let rows = vec![policy.row("c"); 4];
    let request = equipoise::score::Request {
        organic: Some(&world.organic),
        ..equipoise::score::Request::new(&rows, Measures::Columns { values: &world.scores, stride: 4 })
    };
    let mut workspace = Workspace::default();
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    let cause = decision.explain(3).expect("a candidate").cause.expect("not picked");
    assert_eq!((cause.name, cause.found, cause.limit), ("rise", Some(4.0), Some(1.0)));
    assert!(cause.text.contains("rank is 4"), "{}", cause.text);
}
