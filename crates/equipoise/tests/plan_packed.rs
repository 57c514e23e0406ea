//! A log packed into a file plans like the log itself, in less memory than the file takes, and a file that is not what it was is refused.

mod draw;

use draw::Draw;
use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow, Parties};
use equipoise::plan::{PackedLog, Packer, Plan, Progress, Settings, Status, pack, plan, plan_packed};
use equipoise::{Campaigns, Error, Opportunities, Problem};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PROBLEM: &str = "
    [objectives]
    value = 1.0
    stream = 0.25
    [slate]
    visible = 4
    [[goals]]
    kind = 'share'
    measure = 'exposure'
    of = { licensor = 'l1' }
    at_least = 0.25
    at_most = 0.6
    [[goals]]
    kind = 'guardrail'
    measure = 'displacement'
    per = 'market'
    at_most = 0.04
    relative_to = 'organic'
    [[goals]]
    kind = 'guardrail'
    measure = 'displacement'
    of = { surface = 'radio' }
    at_most = 0.2
    relative_to = 'opportunities'
";

fn problem() -> Problem {
    Problem::from_toml(PROBLEM).expect("a problem")
}

/// Caps, a floor with the default penalty, one campaign that only one market sees and one without supply.
fn campaigns(opportunities: f64) -> Campaigns {
    let goal = |kind, part| CampaignGoal { kind, measure: "exposure".into(), amount: part * opportunities, penalty: None };
    let mut list: Vec<Campaign> = (0..12)
        .map(|k| Campaign {
            id: format!("c{k:02}"),
            parties: Parties { licensor: Some(format!("l{}", k % 3)), ..Parties::default() },
            markets: (k == 5).then(|| vec!["NO".to_owned()]),
            goals: vec![if k == 0 { goal(GoalKind::Floor, 0.12) } else { goal(GoalKind::Cap, 0.03 + 0.01 * f64::from(k)) }],
            ..Campaign::default()
        })
        .collect();
    list.push(Campaign { id: "unseen".into(), ..Campaign::default() });
    Campaigns::new(list).expect("campaigns")
}

fn log(from: i64, to: i64) -> Opportunities {
    log_of(from, to, 8)
}

/// Opportunities `from..to` of at most `most` candidates, organic ones among the promoted, weights, slots of 0 to 2, some without candidates of ours.
fn log_of(from: i64, to: i64, most: usize) -> Opportunities {
    let mut log = Opportunities::builder(&["value", "stream"]);
    for t in from..to {
        let mut draw = Draw(1 + t as u64);
        let (market, surface) = (["SE", "NO", "DK"][(t % 3) as usize], ["radio", "mix"][(t % 2) as usize]);
        log.opportunity(&OpportunityRow {
            id: Id::Int(t),
            market: Some(market),
            surface: Some(surface),
            slots: Some(draw.below(3) as u32),
            weight: Some(0.5 + draw.next()),
            ..OpportunityRow::default()
        });
        for i in 0..=draw.below(most) {
            let campaign = format!("c{:02}", draw.below(12));
            let measures = [draw.next() as f32, draw.next() as f32];
            let organic = Some(draw.next() as f32);
            log.candidate(&CandidateRow {
                campaign: (i > 0).then_some(campaign.as_str()),
                organic,
                measures: &measures,
                ..Default::default()
            });
        }
    }
    log.finish().expect("a log")
}

const MANY: i64 = 9_500;

fn assert_same_bits(got: &Plan, want: &Plan, what: &str) {
    let bits = |p: &Plan| -> Vec<u64> {
        let c = p.certificate();
        let rows = p.prices().iter().flat_map(|r| [r.price, r.delivered, r.bound.unwrap_or(-1.0), r.slack.unwrap_or(-1.0)]);
        rows.chain([c.upper_bound, c.value, c.gap, c.worst_violation, c.passes]).map(f64::to_bits).collect()
    };
    assert_eq!(got.status(), want.status(), "{what}");
    assert_eq!(bits(got), bits(want), "{what}");
    assert_eq!(got.deliveries(), want.deliveries(), "{what}");
    assert_eq!(got.conflicts(), want.conflicts(), "{what}");
    assert_eq!(got.certificate().serving, want.certificate().serving, "{what}");
    assert_eq!(got.notes(), want.notes(), "{what}");
    assert_eq!(got.policy().id_hex(), want.policy().id_hex(), "{what}");
    assert!(decisions(got) == decisions(want), "{what}");
}

/// The decisions by row of the log, as bits.
fn decisions(plan: &Plan) -> Vec<Option<u64>> {
    let bits = |x: &[Option<f64>]| -> Vec<Option<u64>> { x.iter().map(|x| x.map(f64::to_bits)).collect() };
    match plan.packed_decisions() {
        Some(parts) => parts.flat_map(|part| bits(&part.expect("a block"))).collect(),
        None => bits(plan.decisions()),
    }
}

#[test]
fn a_packed_log_plans_to_the_bits_of_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let (problem, log, campaigns) = (problem(), log(0, MANY), campaigns(MANY as f64));
    for (holdout, traffic) in [(0.0, 1.0), (0.2, 3.0)] {
        let settings = Settings::new().holdout(holdout).seed(4).tolerance(1e-5);
        let path = folder.path().join(format!("{holdout}.packed"));
        let packed = pack(&problem, &log, &campaigns, &settings, &path).expect("a packed log");
        assert_eq!(packed.rows(), log.candidates() as u64);
        assert_eq!(packed.measures(), ["value", "stream", "displacement"]);
        let settings = settings.traffic(traffic).threads(1);
        let want = plan(&problem, &log, &campaigns, &settings).expect("a plan");
        assert_eq!(want.status(), Status::Solved);
        assert_eq!(want.certificate().serving.is_some(), holdout > 0.0);
        let again = PackedLog::open(&path).expect("the same log");
        for (memory, threads) in [(usize::MAX, 1), (0, 1), (0, 2), (100_000, 2)] {
            let got = plan_packed(&problem, &again, &campaigns, &settings.clone().memory(memory).threads(threads)).expect("a plan");
            assert_same_bits(&got, &want, &format!("hold-out {holdout}, {memory} bytes, {threads} threads"));
        }
    }
}

/// Where ties have to be broken; an item and an artist are shown once.
#[test]
fn ties_of_a_packed_log_are_broken_as_those_of_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let goal = |amount| vec![CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount, penalty: None }];
    let one = |k: usize| Campaign { id: format!("c{k}"), goals: goal(900.0 + 10.0 * k as f64), ..Default::default() };
    let campaigns = Campaigns::new((0..4).map(one).collect()).expect("campaigns");
    let log = |from: i64, to: i64| {
        let mut log = Opportunities::builder(&["value"]);
        for t in from..to {
            log.opportunity(&OpportunityRow { id: Id::Int(t), slots: Some(2), ..Default::default() });
            for k in 0..5usize {
                // Parts begin with other candidates, and so have other numbers for names.
                let k = (k + t as usize) % 5;
                log.candidate(&CandidateRow {
                    campaign: (k < 4).then(|| format!("c{k}")).as_deref(),
                    organic: Some(0.5 + (k / 2) as f32 * 0.1),
                    measures: &[0.5],
                    item: Some(Id::Int(t * 10 + (k / 2) as i64)),
                    artist: Some(["someone", "other", "third"][(k + t as usize) % 3]),
                    frequency: None,
                });
            }
        }
        log.finish().expect("a log")
    };
    let text = "[objectives]\nvalue = 1.0\n[slate]\nvisible = 4\nmax_per_artist = 1\n";
    let problem = Problem::from_toml(text).expect("a problem");
    for holdout in [0.0, 0.3] {
        let settings = Settings::new().holdout(holdout).threads(1);
        let want = plan(&problem, &log(0, 5_000), &campaigns, &settings).expect("a plan");
        assert!(want.notes().iter().any(|n| n.contains("tied")), "{:?}", want.notes());
        let path = folder.path().join("packed");
        let mut packer = Packer::new(&problem, &campaigns, &settings, &path).expect("a packer");
        if holdout == 0.0 {
            for (from, to) in [(0, 1_001), (1_001, 5_000)] {
                packer.push(&log(from, to)).expect("a part");
            }
        } else {
            packer.push(&log(0, 5_000)).expect("a part");
        }
        let packed = packer.finish().expect("a packed log");
        for (memory, threads) in [(usize::MAX, 1), (0, 2), (100_000, 1)] {
            let got = plan_packed(&problem, &packed, &campaigns, &settings.clone().memory(memory).threads(threads)).expect("a plan");
            assert_same_bits(&got, &want, &format!("hold-out {holdout}, {memory} bytes, {threads} threads"));
        }
    }
}

#[test]
fn a_cancelled_plan_of_a_packed_log_with_ties_is_certified() {
    let folder = tempfile::tempdir().expect("a folder");
    let (problem, campaigns) = (Problem::from_toml("[objectives]\nexposure = 1.0\n").expect("a problem"), campaigns(200.0));
    let settings = Settings::new().holdout(0.0).threads(1);
    let packed = pack(&problem, &log(0, 200), &campaigns, &settings, folder.path().join("packed")).expect("a packed log");
    let cancel = AtomicBool::new(false);
    let observer = |_: &Progress| cancel.store(true, Ordering::Relaxed);
    let plan = plan_packed(&problem, &packed, &campaigns, &settings.tolerance(1e-9).cancel(&cancel).observer(&observer)).expect("a plan");
    assert!(plan.certificate().upper_bound >= plan.certificate().value && plan.certificate().value.is_finite());
    assert_eq!(decisions(&plan).len() as u64, packed.rows());
}

#[test]
fn goals_objectives_and_penalties_are_free_at_planning() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, campaigns) = (log(0, MANY), campaigns(MANY as f64));
    let settings = Settings::new().holdout(0.0).threads(1);
    let packed = pack(&problem(), &log, &campaigns, &settings, folder.path().join("packed")).expect("a packed log");
    let mut list: Vec<Campaign> = campaigns.iter().cloned().collect();
    list[0].goals[0].penalty = Some(2.0);
    list[3].goals[0].amount *= 0.5;
    let changed = Campaigns::new(list).expect("campaigns");
    let other = Problem::from_toml(&PROBLEM.replace("stream = 0.25", "stream = 0.5").replace("0.04", "0.03")).expect("a problem");
    let want = plan(&other, &log, &changed, &settings).expect("a plan");
    assert_same_bits(&plan_packed(&other, &packed, &changed, &settings).expect("a plan"), &want, "other goals");

    let refused = |problem: &Problem, campaigns: &Campaigns| {
        let e = plan_packed(problem, &packed, campaigns, &settings).expect_err("a refusal");
        assert_eq!((e.code(), e.argument()), ("invalid_input.foreign_file", "packed"), "{e}");
    };
    refused(&other, &campaigns);
    let fewer = Campaigns::new(changed.iter().skip(1).cloned().collect()).expect("campaigns");
    refused(&other, &fewer);
}

#[test]
fn what_was_not_packed_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, campaigns) = (log(0, 200), campaigns(200.0));
    let settings = Settings::new().holdout(0.0).threads(1);
    let plain = Problem::from_toml("[objectives]\nvalue = 1.0\n").expect("a problem");
    let packed = pack(&plain, &log, &campaigns, &settings, folder.path().join("packed")).expect("a packed log");
    let code =
        |text: &str| plan_packed(&Problem::from_toml(text).expect("a problem"), &packed, &campaigns, &settings).expect_err("a refusal");
    assert_eq!(code("[objectives]\nstream = 1.0\n").code(), "invalid_input.unknown_name");
    let per_market = "[objectives]\nvalue = 1.0\n[[goals]]\nkind = 'cap'\nmeasure = 'exposure'\nper = 'market'\nat_most = 5.0\n";
    assert_eq!(code(per_market).code(), "invalid_input.foreign_file");
    let all_held = pack(&plain, &log, &campaigns, &Settings::new().holdout(2.0), folder.path().join("none"));
    assert_eq!(all_held.expect_err("a refusal").code(), "invalid_input.range");
    assert!(!folder.path().join("none").exists());
}

#[test]
fn parts_of_any_size_make_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (problem, campaigns) = (problem(), campaigns(1_000.0));
    let settings = Settings::new().holdout(0.0);
    let whole = folder.path().join("whole");
    pack(&problem, &log(0, 1_000), &campaigns, &settings, &whole).expect("a packed log");
    // Every part begins with the same market and surface, as its names have to.
    for parts in [vec![0, 498, 1_000], vec![0, 6, 12, 996, 1_000]] {
        let path = folder.path().join("parts");
        let mut packer = Packer::new(&problem, &campaigns, &settings, &path).expect("a packer");
        for part in parts.windows(2) {
            packer.push(&log(part[0], part[1])).expect("a part");
        }
        packer.finish().expect("a packed log");
        assert!(fs::read(&path).expect("a file") == fs::read(&whole).expect("a file"), "{parts:?}");
    }
    let mut packer = Packer::new(&problem, &campaigns, &settings, folder.path().join("other")).expect("a packer");
    packer.push(&log(0, 500)).expect("a part");
    assert_eq!(packer.push(&log(500, 1_000)).expect_err("other names").code(), "invalid_input.inconsistent");
    drop(packer);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing is left beside the files");
}

#[test]
fn limits_and_checkpoints_hold_for_packed_logs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (problem, campaigns) = (problem(), campaigns(MANY as f64));
    let settings = Settings::new().holdout(0.0).tolerance(1e-5);
    let packed = pack(&problem, &log(0, MANY), &campaigns, &settings, folder.path().join("packed")).expect("a packed log");
    let run = |settings: &Settings<'_>| plan_packed(&problem, &packed, &campaigns, settings).expect("a plan");
    let want = run(&settings);
    let certified = |plan: &Plan| plan.certificate().value.is_finite() && plan.certificate().upper_bound >= plan.certificate().value;
    let stopped = run(&settings.clone().time_limit(Duration::ZERO));
    assert_eq!(stopped.status(), Status::TimeLimit);
    assert!(certified(&stopped));
    let cancel = AtomicBool::new(false);
    let observer = |p: &Progress| cancel.store(p.passes > 4.5, Ordering::Relaxed);
    let checkpoint = folder.path().join("checkpoint");
    let kept = settings.clone().checkpoint(&checkpoint);
    let stopped = run(&kept.clone().memory(0).cancel(&cancel).observer(&observer));
    assert_eq!(stopped.status(), Status::Cancelled);
    assert!(certified(&stopped));
    assert_same_bits(&run(&kept), &want, "resumed");
    let e = Packer::new(&problem, &campaigns, &settings.clone().cancel(&cancel), folder.path().join("other"))
        .and_then(|mut packer| packer.push(&log(0, 10)))
        .expect_err("cancelled");
    assert_eq!(e.code(), "usage.cancelled");
}

fn attempt(path: &Path, problem: &Problem, campaigns: &Campaigns) -> Result<Plan, Error> {
    plan_packed(problem, &PackedLog::open(path)?, campaigns, &Settings::new().threads(1).memory(0))
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("packed");
    let (problem, campaigns) = (problem(), campaigns(60.0));
    let packed = pack(&problem, &log(0, 60), &campaigns, &Settings::new(), &path).expect("a packed log");
    let bytes = fs::read(&path).expect("a file");
    for length in (0..bytes.len()).step_by(bytes.len() / 211) {
        fs::write(&path, &bytes[..length]).expect("a shorter file");
        assert_eq!(attempt(&path, &problem, &campaigns).expect_err("cut off").code(), "invalid_input.corrupt", "{length} bytes");
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 499).chain(bytes.len() - 60..bytes.len()) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).expect("a changed file");
        let code = attempt(&path, &problem, &campaigns).expect_err("changed").code();
        assert!(["invalid_input.corrupt", "invalid_input.version"].contains(&code), "byte {at}: {code}");
    }
    // Cut off under a plan that has it open.
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("a shorter file");
    let e = plan_packed(&problem, &packed, &campaigns, &Settings::new().memory(0)).expect_err("cut off");
    assert!(["invalid_input.corrupt", "invalid_input.io"].contains(&e.code()), "{e}");
    assert_eq!(PackedLog::open(folder.path()).expect_err("a folder").code(), "invalid_input.io");
    assert_eq!(PackedLog::open(folder.path().join("none")).expect_err("nothing").code(), "invalid_input.io");
}

/// Numbers that a digest vouches for are checked all the same.
#[test]
fn forged_parts_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("packed");
    let (problem, campaigns) = (problem(), campaigns(60.0));
    pack(&problem, &log(0, 60), &campaigns, &Settings::new(), &path).expect("a packed log");
    let bytes = fs::read(&path).expect("a file");
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes")) as usize;
    let tail = bytes.len() - 56;
    let manifest = &bytes[number(tail)..tail];
    let mut draw = Draw(9);
    let mut refused = 0;
    for round in 0..600 {
        let mut document: serde_json::Value = serde_json::from_slice(manifest).expect("JSON");
        let mut parts = bytes[..number(tail)].to_vec();
        if round % 2 == 0 {
            // Any byte of any part, with the digest that it then has.
            let at = 16 + draw.below(parts.len() - 16);
            parts[at] = draw.below(256) as u8;
            let redigest = |part: &mut serde_json::Value| {
                let (offset, length) =
                    (part["offset"].as_u64().expect("a number") as usize, part["length"].as_u64().expect("a number") as usize);
                part["digest"] = serde_json::json!(blake3::hash(&parts[offset..offset + length]).as_bytes());
            };
            for pair in document["blocks"].as_array_mut().expect("blocks") {
                pair.as_array_mut().expect("two parts").iter_mut().for_each(redigest);
            }
            document["logs"].as_array_mut().expect("logs").iter_mut().for_each(redigest);
            redigest(&mut document["held_out"]);
        } else {
            let fields = document.as_object_mut().expect("fields");
            let name = fields.keys().nth(draw.below(fields.len())).expect("a field").clone();
            let junk = [
                serde_json::json!(-1),
                serde_json::json!(1e300),
                serde_json::json!([]),
                serde_json::json!([[7, 7]]),
                serde_json::json!(null),
            ];
            fields[&name] = junk[draw.below(junk.len())].clone();
        }
        let text = serde_json::to_vec(&document).expect("JSON");
        let offset = parts.len() as u64;
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"EQPACKED").update(&2u32.to_le_bytes()).update(&offset.to_le_bytes()).update(&text);
        let end = [offset.to_le_bytes().as_slice(), &(text.len() as u64).to_le_bytes(), hasher.finalize().as_bytes(), b"EQPACKED"].concat();
        fs::write(&path, [parts, text, end].concat()).expect("a forged file");
        match attempt(&path, &problem, &campaigns) {
            Ok(plan) => assert!(plan.certificate().upper_bound.is_finite()),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 150, "{refused}");
}

/// Peak of this process's resident memory so far, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("a peak");
    1024 * line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number")
}

const CHILD: &str = "EQUIPOISE_TEST_PACKED";
const PACKING_CHILD: &str = "EQUIPOISE_TEST_PACKING";
const BLOCKS: i64 = 40;

/// Run by the test below in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn child_plans_within_bounded_memory() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let before = peak();
    let packed = PackedLog::open(path).expect("a packed log");
    let plan = plan_packed(&problem(), &packed, &campaigns(MANY as f64), &Settings::new().threads(1).memory(0)).expect("a plan");
    println!("status {} used {} of {}", plan.status().name(), peak() - before, packed.bytes());
}

/// Run by the test below in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn child_packs_within_bounded_memory() {
    let Ok(path) = std::env::var(PACKING_CHILD) else { return };
    let part = |part: i64| log_of(part * 8_190, (part + 1) * 8_190, 60);
    drop(part(0));
    let before = peak();
    let (problem, campaigns, settings) = (problem(), campaigns(MANY as f64), Settings::new().holdout(0.0));
    let mut packer = Packer::new(&problem, &campaigns, &settings, &path).expect("a packer");
    (0..BLOCKS).for_each(|p| packer.push(&part(p)).expect("a part"));
    println!("packed {} with {}", packer.finish().expect("a packed log").bytes(), peak() - before);
}

/// What a child of this test prints behind a word.
#[cfg(target_os = "linux")]
fn child(test: &str, variable: &str, path: &Path, word: &str) -> Vec<String> {
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture"])
        .env(variable, path)
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&child.stdout);
    let line = text.lines().find(|l| l.starts_with(word)).unwrap_or_else(|| panic!("{text}"));
    println!("{line}");
    line.split(' ').map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_larger_than_the_memory_it_is_given_is_packed_and_plans() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("packed");
    let packed = child("child_packs_within_bounded_memory", PACKING_CHILD, &path, "packed");
    let (size, used): (u64, u64) = (packed[1].parse().expect("a number"), packed[3].parse().expect("a number"));
    assert!(used < size / 2, "{used} bytes used for a file of {size}");
    let planned = child("child_plans_within_bounded_memory", CHILD, &path, "status");
    assert_eq!(planned[1], "solved");
    let used: u64 = planned[3].parse().expect("a number");
    assert!(used < size / 2, "{used} bytes used for a file of {size}");
}
