//! A plan that starts from another: few passes after a small change, as good as from nothing after a large one, the same bits every time.

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

const COUNT: usize = 100;

/// 4,000 opportunities of 12 candidates.
fn log(seed: u64) -> Opportunities {
    let mut chance = Chance(seed * 7919 + 1);
    let appeal: Vec<f64> = (0..COUNT).map(|_| 0.5 + 0.5 * chance.next()).collect();
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..4000 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), slots: Some(1 + (t % 2) as u32), ..OpportunityRow::default() });
        let from = (chance.next() * COUNT as f64) as usize;
        for i in 0..12 {
            let k = (from + i * 7) % COUNT;
            let value = (appeal[k] * chance.next()) as f32;
            let campaign = format!("c{k}");
            let measures = [value, (0.3 * chance.next()) as f32];
            log.candidate(&CandidateRow { campaign: Some(&campaign), measures: &measures, ..CandidateRow::default() });
        }
    }
    log.finish().expect("a log")
}

/// Caps of 30 to 90, every third with a floor.
fn caps(seed: u64) -> Vec<f64> {
    let mut chance = Chance(seed * 104_729 + 3);
    (0..COUNT).map(|_| 30.0 + 60.0 * chance.next()).collect()
}

fn campaigns(caps: &[f64]) -> Campaigns {
    let goal = |kind, amount| CampaignGoal { kind, measure: "exposure".into(), amount, penalty: None };
    let one = |(k, cap): (usize, &f64)| {
        let mut goals = vec![goal(GoalKind::Cap, *cap)];
        if k % 3 == 0 {
            goals.push(goal(GoalKind::Floor, 20.0));
        }
        let parties = Parties { licensor: Some(format!("g{}", k % 5)), ..Parties::default() };
        Campaign { id: format!("c{k}"), parties, goals, ..Campaign::default() }
    };
    Campaigns::new(caps.iter().enumerate().map(one).collect()).expect("campaigns")
}

fn problem() -> Problem {
    let mut text = "[objectives]\nvalue = 1.0\n".to_owned();
    text += "[[goals]]\nkind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most_total = 700.0\n";
    text += "[[goals]]\nkind = \"share\"\nmeasure = \"exposure\"\nof = { licensor = \"g1\" }\nat_least = 0.1\nat_most = 0.22\n";
    Problem::from_toml(&text).expect("a problem")
}

fn settings() -> Settings<'static> {
    Settings::new().holdout(0.0).threads(1)
}

/// One cap in a hundred, by a fifth.
fn changed(caps: &[f64], seed: u64) -> Vec<f64> {
    let mut chance = Chance(seed + 11);
    let mut caps = caps.to_vec();
    let at = (chance.next() * COUNT as f64) as usize;
    caps[at] *= if chance.next() < 0.5 { 0.8 } else { 1.2 };
    caps
}

fn assert_agrees(warm: &Plan, cold: &Plan) {
    let (w, c) = (warm.certificate(), cold.certificate());
    assert_eq!(warm.status(), Status::Solved, "{w:?}");
    assert!(w.value <= c.upper_bound && c.value <= w.upper_bound, "each value lies below each bound: {w:?}, {c:?}");
    assert!(w.worst_violation <= 1e-6, "{w:?}");
}

#[test]
fn a_small_change_costs_a_few_passes() {
    let mut passes = Vec::new();
    for seed in 0..4 {
        let (log, caps, problem) = (log(seed), caps(seed), problem());
        let first = plan(&problem, &log, &campaigns(&caps), &settings()).expect("a plan");
        assert_eq!(first.status(), Status::Solved);
        for change in 0..3 {
            let campaigns = campaigns(&changed(&caps, 10 * seed + change));
            let warm = plan(&problem, &log, &campaigns, &settings().warm_start(&first)).expect("a plan");
            let cold = plan(&problem, &log, &campaigns, &settings()).expect("a plan");
            assert_agrees(&warm, &cold);
            passes.push((warm.certificate().passes, cold.certificate().passes));
        }
    }
    let median = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let mut list: Vec<f64> = passes.iter().map(of).collect();
        list.sort_by(f64::total_cmp);
        list[list.len() / 2]
    };
    assert!(median(&|p| p.0) <= 4.0, "{passes:?}");
    assert!(median(&|p| p.1) >= 8.0, "from nothing it takes longer: {passes:?}");
}

#[test]
fn nothing_changed_needs_no_pass() {
    let (log, campaigns, problem) = (log(1), campaigns(&caps(1)), problem());
    let first = plan(&problem, &log, &campaigns, &settings()).expect("a plan");
    let again = plan(&problem, &log, &campaigns, &settings().warm_start(&first)).expect("a plan");
    assert_agrees(&again, &first);
    assert_eq!(again.certificate().passes, 0.0);
    assert!(again.certificate().gap <= 1e-4);
}

#[test]
fn any_change_ends_as_well_as_from_nothing() {
    let (base, caps, problem) = (log(2), caps(2), problem());
    let first = plan(&problem, &base, &campaigns(&caps), &settings()).expect("a plan");
    let tripled: Vec<f64> = caps.iter().enumerate().map(|(k, c)| if k % 2 == 0 { 3.0 * c } else { 0.3 * c }.max(20.0)).collect();
    let other_goals = Problem::from_toml(
        "[objectives]\nvalue = 1000.0\n[[goals]]\nkind = \"floor\"\nmeasure = \"value\"\nper = \"licensor\"\nat_least = 100.0\npenalty = 3000.0\n",
    )
    .expect("a problem");
    let fewer = Campaigns::new(campaigns(&caps).iter().take(COUNT / 2).cloned().collect()).expect("campaigns");
    let elsewhere = log(3);
    for (name, problem, log, campaigns) in [
        ("caps", &problem, &base, campaigns(&tripled)),
        ("goals", &other_goals, &base, campaigns(&caps)),
        ("campaigns", &problem, &base, fewer),
        ("log", &problem, &elsewhere, campaigns(&caps)),
    ] {
        let settings = settings().unknown(equipoise::plan::Unknown::Organic);
        let warm = plan(problem, log, &campaigns, &settings.clone().warm_start(&first)).expect("a plan");
        let cold = plan(problem, log, &campaigns, &settings).expect("a plan");
        println!("{name}: {} passes, from nothing {}", warm.certificate().passes, cold.certificate().passes);
        assert_agrees(&warm, &cold);
    }
}

#[test]
fn threads_change_no_bit() {
    let (log, caps, problem) = (log(4), caps(4), problem());
    let first = plan(&problem, &log, &campaigns(&caps), &settings()).expect("a plan");
    let campaigns = campaigns(&changed(&caps, 1));
    let [one, two] = [1, 2].map(|n| plan(&problem, &log, &campaigns, &settings().threads(n).warm_start(&first)).expect("a plan"));
    assert_eq!(one.policy().id_hex(), two.policy().id_hex());
    assert_eq!(one.decisions(), two.decisions());
    let bits = |p: &Plan| (p.certificate().upper_bound.to_bits(), p.certificate().value.to_bits(), p.certificate().passes.to_bits());
    assert_eq!(bits(&one), bits(&two));
}
