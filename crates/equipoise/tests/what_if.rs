//! What-if answers and frontiers: the same as planning anew, at the price of a few passes, with the plan left alone.

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties};
use equipoise::plan::{Changes, Plan, Session, Settings, Status, Vary, plan};
use equipoise::{Campaigns, Opportunities, Problem};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const COUNT: u32 = 30;

/// 1,500 opportunities of 8 candidates, in two markets.
fn log() -> Arc<Opportunities> {
    let mut log = Opportunities::builder(&["value", "displacement"]);
    let mut state = 88_172_645_463_325_252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    for t in 0..1500 {
        let market = if t % 3 == 0 { "SE" } else { "DE" };
        log.opportunity(&OpportunityRow { id: Id::Int(t), market: Some(market), ..OpportunityRow::default() });
        let from = (next() * COUNT as f32) as u32;
        for i in 0..8 {
            let id = format!("c{}", (from + 3 * i) % COUNT);
            let measures = [next() * (1.0 - 0.02 * i as f32), 0.3 * next()];
            log.candidate(&CandidateRow { campaign: Some(&id), measures: &measures, ..CandidateRow::default() });
        }
    }
    Arc::new(log.finish().expect("a log"))
}

fn campaigns() -> Campaigns {
    let goal = |kind, amount| CampaignGoal { kind, measure: "exposure".into(), amount, penalty: None };
    let one = |k: u32| {
        let mut goals = vec![goal(GoalKind::Cap, 40.0 + f64::from(k))];
        if k % 4 == 1 {
            goals.push(goal(GoalKind::Floor, 25.0));
        }
        let parties = Parties { licensor: Some(format!("g{}", k % 3)), label: Some(format!("l{}", k % 7)), ..Parties::default() };
        Campaign { id: format!("c{k}"), parties, goals, ..Campaign::default() }
    };
    Campaigns::new((0..COUNT).map(one).collect()).expect("campaigns")
}

const PROBLEM: &str = r#"
[objectives]
value = 1.0
[[goals]]
name = "listeners"
kind = "guardrail"
measure = "displacement"
per = "all"
at_most_total = 120.0
[[goals]]
kind = "share"
measure = "exposure"
of = { licensor = "g1" }
at_least = 0.3
at_most = 0.5
"#;

struct World {
    problem: Problem,
    log: Arc<Opportunities>,
    campaigns: Campaigns,
    plan: Plan,
    session: Session,
}

fn settings() -> Settings<'static> {
    Settings::new().holdout(0.0).threads(1)
}

fn world() -> World {
    let (problem, log, campaigns) = (Problem::from_toml(PROBLEM).expect("a problem"), log(), campaigns());
    let plan = plan(&problem, &log, &campaigns, &settings()).expect("a plan");
    assert_eq!(plan.status(), Status::Solved);
    let session = Session::new(problem.clone(), log.clone(), campaigns.clone(), &settings()).expect("a session");
    World { problem, log, campaigns, plan, session }
}

/// The plan of the changed problem from nothing.
fn anew(w: &World, changes: &Changes) -> Plan {
    let (problem, campaigns) = changes.apply(&w.problem, &w.campaigns).expect("changes");
    plan(&problem, &w.log, &campaigns, &settings()).expect("a plan")
}

#[test]
fn answers_agree_with_planning_anew() {
    let w = world();
    let before = w.plan.policy().id_hex();
    for text in [
        r#"{"campaigns": {"c3": {"cap": 30.0}}}"#,
        r#"{"campaigns": {"c3": {"cap": null}, "c5": {"floor": 35, "floor_penalty": 2.5}}}"#,
        r#"{"campaigns": {"c9": {"paused": true}}}"#,
        r#"{"campaigns": {"c4": {"cap": 20, "goal_measure": "value"}}}"#,
        r#"{"goals": {"listeners": {"at_most_total": 100.0}}}"#,
        r#"{"goals": {"share exposure of licensor=g1 at least": {"at_least": 0.36}}}"#,
        r#"{"goals": {"goals[1]": {"at_most": 0.4, "penalty": 0.1}}, "objectives": {"value": 2.0}}"#,
        "{}",
    ] {
        let changes = Changes::from_json(text).expect("changes");
        let answer = w.session.what_if(&w.plan, &changes, &settings()).expect("an answer");
        let cold = anew(&w, &changes);
        let (a, c) = (answer.certificate(), cold.certificate());
        println!("{text}: {} passes, from nothing {}", a.passes, c.passes);
        assert_eq!((answer.status(), cold.status()), (Status::Solved, Status::Solved), "{text}: {a:?}");
        assert!(a.value <= c.upper_bound && c.value <= a.upper_bound, "{text}: {a:?}, {c:?}");
        assert!(a.gap <= 1e-4 && a.worst_violation <= 1e-6, "{text}: {a:?}");
        assert_eq!(answer.prices().len(), cold.prices().len());
        let (least, most) = answer.value_difference();
        let b = w.plan.certificate();
        assert!(least <= c.upper_bound - b.value && most >= c.value - b.upper_bound, "{text}");
    }
    assert_eq!(w.plan.policy().id_hex(), before, "the plan is not touched");
}

#[test]
fn a_paused_campaign_has_nothing_and_others_take_its_place() {
    let w = world();
    let answer = w
        .session
        .what_if(&w.plan, &Changes::from_json(r#"{"campaigns": {"c9": {"paused": true}}}"#).expect("changes"), &settings())
        .expect("an answer");
    let own = answer.deliveries().iter().find(|s| s.key == "c9" && s.measure == "exposure").expect("a row");
    assert!(own.before > 10.0 && own.after.abs() < 1e-9, "{own:?}");
    assert_eq!(answer.displaced()[0].key, "c9", "who loses most comes first: {:?}", answer.displaced());
    let gained: f64 =
        answer.displaced().iter().filter(|s| s.scope == own.scope && s.difference() > 0.0).map(equipoise::plan::Shift::difference).sum();
    assert!(gained > 0.5 * own.before, "others take most of {}: {gained}", own.before);
    // Parties add up to their campaigns.
    for licensor in ["g0", "g1", "g2"] {
        let of = |c: &&Campaign| c.parties.licensor.as_deref() == Some(licensor);
        let ids: Vec<&str> = w.campaigns.iter().filter(of).map(|c| c.id.as_str()).collect();
        let exposures = answer.deliveries().iter().filter(|s| s.measure == "exposure" && ids.contains(&s.key.as_str()));
        let sum: f64 = exposures.map(equipoise::plan::Shift::difference).sum();
        let listed = answer.displaced().iter().find(|s| s.key == licensor).map_or(0.0, equipoise::plan::Shift::difference);
        assert!((sum - listed).abs() < 1e-3 * 500.0 + 1.0, "{licensor}: {sum} is listed as {listed}");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let w = world();
    let changes = Changes::from_path("campaigns.c3.cap", 30.0).expect("a path");
    let [one, two] = [1, 2].map(|threads| w.session.what_if(&w.plan, &changes, &settings().threads(threads)).expect("an answer"));
    assert_eq!(one.prices(), two.prices());
    assert_eq!(one.deliveries(), two.deliveries());
}

#[test]
fn errors_name_what_is_not_known() {
    let w = world();
    for (text, code, words) in [
        (r#"{"campaigns": {"c99": {"cap": 1}}}"#, "invalid_input.unknown_campaign", "\"c99\""),
        (r#"{"goals": {"listener": {"at_most": 1}}}"#, "invalid_input.unknown_name", "\"listeners\""),
        (r#"{"goals": {"goals[7]": {"at_most": 1}}}"#, "invalid_input.unknown_name", "goals[7]"),
        (r#"{"objectives": {"stream": 1}}"#, "invalid_input.unknown_name", "\"stream\""),
        (r#"{"campaigns": {"c5": {"cap": 1}}}"#, "goal.floor_above_cap", ""),
        (r#"{"goals": {"listeners": {"penalty": 1}}}"#, "goal.limit", "goals[0]"),
    ] {
        let refused = w.session.what_if(&w.plan, &Changes::from_json(text).expect("changes"), &settings()).expect_err(text);
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let typo = Changes::from_json(r#"{"campaigns": {"c1": {"caps": 1}}}"#).expect_err("an unknown field");
    assert_eq!(typo.code(), "invalid_input.syntax");
    let elsewhere = Session::new(w.problem.clone(), w.log.clone(), w.campaigns.clone(), &settings().holdout(0.3)).expect("a session");
    let refused = elsewhere.what_if(&w.plan, &Changes::default(), &settings()).expect_err("another sample");
    assert_eq!((refused.code(), refused.argument()), ("invalid_input.inconsistent", "plan"));
}

#[test]
fn a_frontier_is_monotone_concave_and_agrees_with_planning_anew() {
    let w = world();
    let levels: Vec<f64> = (0..9).map(|i| 10.0 * f64::from(i)).collect();
    let vary = Vary::new("goals.listeners.at_most_total", levels.clone());
    let frontier = w.session.frontier(&vary, &settings()).expect("a frontier");
    let displacement = frontier.measures().iter().position(|m| m == "displacement").expect("a measure");
    assert_eq!(frontier.points().len(), levels.len());
    for (p, level) in frontier.points().iter().zip(&levels) {
        assert_eq!(p.status, Status::Solved, "{:?}", p.certificate);
        assert!(p.totals[displacement] <= level + 1e-6, "{} over {level}", p.totals[displacement]);
        let cold = anew(&w, &Changes::from_path("goals.listeners.at_most_total", *level).expect("a path"));
        assert!(p.certificate.value <= cold.certificate().upper_bound && cold.certificate().value <= p.certificate.upper_bound);
    }
    let (value, bound): (Vec<f64>, Vec<f64>) = frontier.points().iter().map(|p| (p.certificate.value, p.certificate.upper_bound)).unzip();
    for i in 1..levels.len() {
        assert!(bound[i] >= value[i - 1], "more room is worth no less: {value:?}, {bound:?}");
        if i + 1 < levels.len() {
            assert!(bound[i] >= 0.5 * (value[i - 1] + value[i + 1]), "the middle is worth no less than the mean: {value:?}, {bound:?}");
        }
    }
    let passes: f64 = frontier.points()[1..].iter().map(|p| p.certificate.passes).sum();
    let (mean, first) = (passes / (levels.len() - 1) as f64, frontier.points()[0].certificate.passes);
    println!("{mean} passes a point after the first, which took {first}");
    assert!(mean < first, "{mean} passes a point from its neighbour, {first} from nothing");
}

#[test]
fn frontiers_between_two_objectives_and_their_limits() {
    let w = world();
    let vary = |n: usize| Vary::new("objectives.value", vec![1.0; n]).and("campaigns.c3.cap", vec![10.0; n]);
    let two = w.session.frontier(&vary(2), &settings()).expect("a frontier");
    assert_eq!(two.points()[1].certificate.passes, 0.0, "a neighbour that is the same needs no pass");
    let stopped = AtomicBool::new(true);
    assert!(w.session.frontier(&vary(3), &settings().cancel(&stopped)).expect("a frontier").points().is_empty());
    let late = w.session.frontier(&vary(2), &settings().tolerance(1e-9).time_limit(Duration::ZERO)).expect("a frontier");
    assert!(late.points().iter().all(|p| p.status == Status::TimeLimit && p.certificate.value <= p.certificate.upper_bound));
    for (vary, code) in [
        (Vary::new("objectives.value", vec![]), "invalid_input.empty"),
        (Vary::new("objectives.value", vec![1.0]).and("campaigns.c3.cap", vec![]), "invalid_input.shape"),
        (Vary::new("objectives.value", vec![f64::NAN]), "invalid_input.not_finite"),
        (Vary::new("value", vec![1.0]), "invalid_input.syntax"),
        (Vary::new("goals.nobody.at_most", vec![1.0]), "invalid_input.unknown_name"),
    ] {
        assert_eq!(w.session.frontier(&vary, &settings()).expect_err(code).code(), code);
    }
}
