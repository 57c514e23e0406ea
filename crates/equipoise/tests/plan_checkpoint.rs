//! A plan that was stopped, however and wherever, and goes on from its checkpoint has the bits of one that was never stopped.

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties, mix};
use equipoise::plan::{Plan, Progress, Settings, Status, plan};
use equipoise::{Campaigns, Opportunities, Problem};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

struct Inputs {
    problem: Problem,
    log: Opportunities,
    campaigns: Campaigns,
}

/// Caps, floors that cannot all be met, a share and a guardrail; where `tied`, every candidate is worth the same.
fn inputs(seed: u64, tied: bool) -> Inputs {
    let mut state = seed;
    let mut draw = || {
        state = mix(state);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let problem = "
        [objectives]
        value = 1.0
        [[goals]]
        kind = 'share'
        measure = 'exposure'
        of = { licensor = 'l1' }
        at_least = 0.3
        [[goals]]
        kind = 'guardrail'
        measure = 'displacement'
        per = 'market'
        at_most_total = 12.0
    ";
    let goal = |kind, amount| CampaignGoal { kind, measure: "exposure".into(), amount, penalty: None };
    let campaigns = (0..8).map(|k| Campaign {
        id: format!("c{k}"),
        parties: Parties { licensor: Some(format!("l{}", k % 3)), ..Parties::default() },
        goals: if k == 0 { vec![goal(GoalKind::Floor, 90.0)] } else { vec![goal(GoalKind::Cap, 12.0 + 4.0 * f64::from(k))] },
        ..Campaign::default()
    });
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..240 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), market: Some(["SE", "NO"][(t % 2) as usize]), ..OpportunityRow::default() });
        for _ in 0..6 {
            let campaign = format!("c{}", (draw() * 8.0) as usize);
            let measures = if tied { [0.5, 0.1] } else { [draw() as f32, 0.3 * draw() as f32] };
            log.candidate(&CandidateRow { campaign: Some(&campaign), measures: &measures, ..CandidateRow::default() });
        }
    }
    Inputs {
        problem: Problem::from_toml(problem).expect("a problem"),
        log: log.finish().expect("a log"),
        campaigns: Campaigns::new(campaigns.collect()).expect("campaigns"),
    }
}

fn run(inputs: &Inputs, settings: &Settings<'_>) -> Plan {
    plan(&inputs.problem, &inputs.log, &inputs.campaigns, settings).expect("a plan")
}

fn error(inputs: &Inputs, settings: &Settings<'_>) -> equipoise::Error {
    plan(&inputs.problem, &inputs.log, &inputs.campaigns, settings).expect_err("a refusal")
}

/// Settings that write every pass at once.
fn settings(path: &Path) -> Settings<'_> {
    Settings::new().threads(1).tolerance(1e-5).checkpoint(path).checkpoint_every(Duration::ZERO)
}

fn assert_same_bits(got: &Plan, want: &Plan, what: &str) {
    assert_eq!(got.status(), want.status(), "{what}");
    let bits = |p: &Plan| -> Vec<u64> {
        let c = p.certificate();
        let rows = p.prices().iter().flat_map(|r| [r.price, r.delivered, r.bound.unwrap_or(-1.0), r.slack.unwrap_or(-1.0)]);
        let certificate = [c.upper_bound, c.value, c.gap, c.worst_violation, c.passes];
        rows.chain(certificate).chain(p.decisions().iter().map(|x| x.unwrap_or(-1.0))).map(f64::to_bits).collect()
    };
    assert_eq!(bits(got), bits(want), "{what}");
    assert_eq!(got.conflicts(), want.conflicts(), "{what}");
    assert_eq!(got.policy().id_hex(), want.policy().id_hex(), "{what}");
}

/// What a stopped plan states: hard goals are kept, and value and bound hold the value and bound of the whole plan between them.
fn assert_certified(stopped: &Plan, whole: &Plan, what: &str) {
    let (c, all) = (stopped.certificate(), whole.certificate());
    for row in stopped.prices().iter().filter(|row| row.kind != GoalKind::Floor) {
        let room = 1e-6 * row.bound.unwrap_or(0.0).abs().max(1.0);
        assert!(row.slack.is_some_and(|slack| slack >= -room), "{what}: {row:?}");
    }
    assert!(c.value <= all.upper_bound && c.upper_bound >= all.value, "{what}: {c:?} of {all:?}");
    assert!(stopped.decisions().iter().flatten().all(|x| (0.0..=1.0).contains(x)), "{what}");
}

#[test]
fn stopped_by_its_pass_limit_at_every_pass() {
    for (seed, tied) in [(1, false), (2, true)] {
        let inputs = inputs(seed, tied);
        let plain = Settings::new().threads(1).tolerance(1e-5);
        let want = run(&inputs, &plain);
        let passes = want.certificate().passes.ceil() as u32;
        assert!(passes > 5, "{passes} passes");
        let folder = tempfile::tempdir().expect("a folder");
        let chain = folder.path().join("chain");
        // Every pass of the first, some of the second.
        for limit in (1..=passes).step_by(if tied { 9 } else { 1 }) {
            let alone = folder.path().join(format!("after-{limit}"));
            let stopped = run(&inputs, &settings(&alone).pass_limit(limit));
            assert_certified(&stopped, &want, &format!("stopped after {limit} passes"));
            let made = stopped.certificate().passes;
            // The uniform split and the first prices come before the first look at the limit.
            assert!(made <= f64::from(limit.max(2)), "{made} passes of {limit}, {passes} in all");
            assert_same_bits(&run(&inputs, &settings(&alone)), &want, &format!("stopped after {limit} passes"));
            run(&inputs, &settings(&chain).pass_limit(limit));
        }
        assert_same_bits(&run(&inputs, &settings(&chain).threads(2)), &want, "stopped after every pass, on other threads at the end");
        let before = fs::read(&chain).expect("the checkpoint");
        assert_same_bits(&run(&inputs, &settings(&chain)), &want, "nothing left to do");
        assert_eq!(fs::read(&chain).expect("the checkpoint"), before, "no pass was run again");
    }
}

#[test]
fn cancelled_at_every_pass() {
    let inputs = inputs(3, false);
    let want = run(&inputs, &Settings::new().threads(1).tolerance(1e-5));
    let folder = tempfile::tempdir().expect("a folder");
    for stop in 1..want.certificate().passes as u32 {
        let path = folder.path().join(stop.to_string());
        let cancel = AtomicBool::new(false);
        let observer = |p: &Progress| cancel.store(p.passes >= f64::from(stop), Ordering::Relaxed);
        let stopped = run(&inputs, &settings(&path).cancel(&cancel).observer(&observer));
        assert_eq!(stopped.status(), Status::Cancelled, "after {stop} passes");
        assert_certified(&stopped, &want, &format!("cancelled after {stop} passes"));
        assert_same_bits(&run(&inputs, &settings(&path)), &want, &format!("cancelled after {stop} passes"));
    }
}

#[test]
fn killed_at_any_byte() {
    let inputs = inputs(4, false);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("whole");
    let want = run(&inputs, &settings(&path));
    let whole = fs::read(&path).expect("the checkpoint");
    let cut = folder.path().join("cut");
    for length in (104..whole.len()).step_by(whole.len() / 41).chain([whole.len() - 1]) {
        fs::write(&cut, &whole[..length]).expect("a cut checkpoint");
        assert_same_bits(&run(&inputs, &settings(&cut)), &want, &format!("{length} of {} bytes", whole.len()));
        assert_eq!(fs::read(&cut).expect("the checkpoint"), whole, "the record is whole again");
    }
    fs::write(&cut, &whole[..50]).expect("a cut checkpoint");
    assert_eq!(error(&inputs, &settings(&cut)).code(), "invalid_input.corrupt", "a header is published whole");
}

#[test]
fn damage_never_changes_a_bit() {
    let inputs = inputs(5, false);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint");
    let want = run(&inputs, &settings(&path));
    let whole = fs::read(&path).expect("the checkpoint");
    let mut refused = 0;
    for at in (0..104).step_by(7).chain((104..whole.len()).step_by(whole.len() / 61)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).expect("a damaged checkpoint");
        match plan(&inputs.problem, &inputs.log, &inputs.campaigns, &settings(&path)) {
            Ok(got) => assert_same_bits(&got, &want, &format!("byte {at}")),
            Err(e) => {
                refused += 1;
                assert!(["invalid_input.corrupt", "invalid_input.version"].contains(&e.code()), "byte {at}: {e}");
                assert_eq!(e.argument(), "checkpoint");
                assert_eq!(fs::read(&path).expect("the checkpoint"), bytes, "a refused file is left as it was");
            }
        }
    }
    assert!(refused > 40, "{refused}");
}

#[test]
fn other_inputs_are_refused() {
    let (ours, other) = (inputs(6, false), inputs(7, false));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint");
    let want = run(&ours, &settings(&path));
    let foreign = |inputs: &Inputs, settings: &Settings<'_>| {
        let e = error(inputs, settings);
        assert_eq!((e.code(), e.argument()), ("invalid_input.foreign_file", "checkpoint"));
    };
    foreign(&Inputs { log: other.log, ..inputs(6, false) }, &settings(&path));
    let problem = Problem::from_toml(&ours.problem.to_toml().replace("12.0", "13.0")).expect("a problem");
    assert_ne!(problem, ours.problem);
    foreign(&Inputs { problem, ..inputs(6, false) }, &settings(&path));
    let mut campaigns: Vec<Campaign> = ours.campaigns.iter().cloned().collect();
    campaigns[3].goals[0].amount += 1.0;
    foreign(&Inputs { campaigns: Campaigns::new(campaigns).expect("campaigns"), ..inputs(6, false) }, &settings(&path));
    foreign(&ours, &settings(&path).seed(1));
    foreign(&ours, &settings(&path).traffic(2.0));
    assert_same_bits(&run(&ours, &settings(&path)), &want, "after all refusals");

    fs::write(&path, "something else, long enough to be a header, which is 104 bytes of magic, version, fingerprint and digest")
        .expect("a file");
    assert_eq!(error(&ours, &settings(&path)).code(), "invalid_input.corrupt");
    assert_eq!(error(&ours, &settings(folder.path())).code(), "invalid_input.io");
    assert_eq!(error(&ours, &settings(&folder.path().join("no/such/folder"))).code(), "invalid_input.io");
}

#[test]
fn a_finer_tolerance_goes_on_from_a_coarser_one() {
    let inputs = inputs(8, false);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint");
    run(&inputs, &settings(&path).tolerance(1e-3));
    let fine = Settings::new().threads(1).tolerance(1e-6);
    assert_same_bits(&run(&inputs, &settings(&path).tolerance(1e-6)), &run(&inputs, &fine), "from 1e-3 to 1e-6");
}
