//! Cancelling takes effect wherever a plan works: also in a library's solver, and while conflicts are told apart.

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties, mix};
use equipoise::plan::{Plan, Progress, Settings, Status, plan};
use equipoise::{Campaigns, Opportunities, Problem};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Passes after which a small problem is handed to a library's solver.
const EXACT_AFTER: f64 = 60.0;
const COUNT: usize = 40;

fn unit(seed: &mut u64) -> f64 {
    *seed = mix(*seed);
    (*seed >> 11) as f64 / 2f64.powi(53)
}

/// 1,500 opportunities of 12 candidates: few enough for a solver of whole problems.
fn log(mut seed: u64) -> Opportunities {
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..1_500 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), slots: Some(1 + (t % 3) as u32), ..OpportunityRow::default() });
        let from = (unit(&mut seed) * COUNT as f64) as usize;
        for i in 0..12 {
            let campaign = format!("c{}", (from + i * 7) % COUNT);
            let measures = [unit(&mut seed) as f32, (0.3 * unit(&mut seed)) as f32];
            log.candidate(&CandidateRow { campaign: Some(&campaign), measures: &measures, ..CandidateRow::default() });
        }
    }
    log.finish().expect("a log")
}

/// Caps, and floors of so much for every third campaign.
fn campaigns(mut seed: u64, floor: f64) -> Campaigns {
    let goal =
        |kind, amount| CampaignGoal { kind, measure: "exposure".into(), amount, penalty: Some(0.8).filter(|_| kind == GoalKind::Floor) };
    let one = |k: usize| {
        let mut goals = vec![goal(GoalKind::Cap, floor.max(30.0) + 40.0 * unit(&mut seed))];
        if k.is_multiple_of(3) {
            goals.push(goal(GoalKind::Floor, floor));
        }
        let parties = Parties { licensor: Some(format!("g{}", k % 5)), ..Parties::default() };
        Campaign { id: format!("c{k}"), parties, goals, ..Campaign::default() }
    };
    Campaigns::new((0..COUNT).map(one).collect()).expect("campaigns")
}

fn problem() -> Problem {
    let share = "[[goals]]\nkind = \"share\"\nmeasure = \"exposure\"\nof = { licensor = \"g1\" }\nat_least = 0.1\nat_most = 0.22\n";
    let guardrail = "[[goals]]\nkind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most_total = 300.0\n";
    Problem::from_toml(&format!("[objectives]\nvalue = 1.0\n{share}{guardrail}")).expect("a problem")
}

fn settings() -> Settings<'static> {
    Settings::new().holdout(0.0).threads(1)
}

fn assert_certified(plan: &Plan) {
    let c = plan.certificate();
    assert!(c.upper_bound >= c.value && c.value.is_finite(), "{c:?}");
}

#[test]
fn a_plan_that_a_library_would_finish_can_be_cancelled_instead() {
    let mut executed = 0;
    for seed in 0..6 {
        let (log, campaigns) = (log(seed), campaigns(seed, 20.0));
        let settings = settings().tolerance(1e-6);
        let whole = plan(&problem(), &log, &campaigns, &settings).expect("a plan");
        if whole.certificate().passes <= EXACT_AFTER || whole.status() != Status::Solved {
            continue;
        }
        executed += 1;
        let cancel = AtomicBool::new(false);
        // From here on passes do not look at the flag: the library does.
        let observer = |p: &Progress| cancel.store(p.passes > EXACT_AFTER, Ordering::Relaxed);
        let stopped = plan(&problem(), &log, &campaigns, &settings.clone().cancel(&cancel).observer(&observer)).expect("a plan");
        assert_eq!(stopped.status(), Status::Cancelled, "seed {seed}");
        assert!(stopped.certificate().worst_violation <= 1e-6 && stopped.certificate().gap < 0.01, "{:?}", stopped.certificate());
        assert_certified(&stopped);
    }
    println!("executed {executed}");
    assert!(executed > 0, "no problem was handed to a library");
}

#[test]
fn conflicts_are_told_apart_under_the_observers_eyes_and_can_be_cancelled() {
    let (log, campaigns) = (log(7), campaigns(7, 400.0));
    let seen = Mutex::new(Vec::new());
    let observer = |p: &Progress| seen.lock().expect("no panic").push((p.passes, p.gap));
    let whole = plan(&problem(), &log, &campaigns, &settings().observer(&observer)).expect("a plan");
    assert!(!whole.conflicts().is_empty() && whole.status() == Status::Solved, "{:?}", whole.status());
    let seen = seen.into_inner().expect("no panic");
    let own = whole.certificate().passes;
    let last = seen.last().expect("looks");
    assert!(last.0 > own + 1.0 && last.1 <= 1e-4, "passes go on while conflicts are looked for: {last:?} after {own}");
    assert!(seen.windows(2).all(|w| w[1].0 >= w[0].0), "passes never go back");

    let cancel = AtomicBool::new(false);
    let observer = |p: &Progress| cancel.store(p.passes > own + 1.0, Ordering::Relaxed);
    let stopped = plan(&problem(), &log, &campaigns, &settings().cancel(&cancel).observer(&observer)).expect("a plan");
    assert_eq!(stopped.status(), Status::Cancelled);
    assert_eq!(stopped.certificate().upper_bound, whole.certificate().upper_bound, "the plan itself was made");
    assert!(stopped.notes().iter().any(|n| n.contains("conflicts were not looked for to the end")), "{:?}", stopped.notes());
    assert!(stopped.conflicts().is_empty(), "nothing is said that is not known: {:?}", stopped.conflicts());
    assert_certified(&stopped);
}
