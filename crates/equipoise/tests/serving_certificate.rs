//! The serving certificate's intervals against what flights of the same population then hold, counted by the test itself.

mod crowd;

use crowd::{Crowd, Random, held};
use equipoise::evaluate::replay;
use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow};
use equipoise::plan::{Certificate, Outlook, Plan, ServedLedger, Serving, Settings, Side, Unknown, plan};
use equipoise::{Campaigns, Opportunities, Policy, Problem};

const GOALS: &str = r#"
[objectives]
value = 1.0
[slate]
visible = 4
max_per_artist = 1
[[goals]]
kind = "guardrail"
measure = "displacement"
per = "market"
at_most = 0.05
relative_to = "organic"
[[goals]]
kind = "guardrail"
measure = "displacement"
per = "all"
at_most = 0.02
relative_to = "opportunities"
[[goals]]
kind = "share"
measure = "exposure"
of = { licensor = "l1" }
at_least = 0.3
penalty = 1.0
[[goals]]
kind = "share"
measure = "stream"
of = { licensor = "l2" }
at_most = 0.4
[[goals]]
kind = "cap"
measure = "stream"
per = "licensor"
at_most = 30.0
"#;

fn made(problem: &Problem, campaigns: &Campaigns, log: &Opportunities, settings: &Settings<'_>) -> Plan {
    plan(problem, log, campaigns, &settings.clone().threads(1)).expect("a plan")
}

fn serving(plan: &Plan) -> &Serving {
    plan.certificate().serving.as_ref().expect("a serving certificate")
}

fn holds(ledger: &ServedLedger, amount: f64) -> bool {
    let slack = 1e-9 * amount.abs().max(1.0);
    amount >= ledger.lower - slack && amount <= ledger.upper + slack
}

/// How many of `tests` future logs have everything inside the certificate, and how many single misses there were.
fn tested(plan: &Plan, futures: impl Iterator<Item = Opportunities>) -> (u32, u32, u32) {
    let serving = serving(plan);
    let (mut together, mut missed, mut count) = (0, 0, 0);
    for future in futures {
        let outcome = replay(plan.policy(), &future, Unknown::Organic).expect("a replay");
        let out = serving.ledgers.iter().filter(|l| !holds(l, held(&future, &outcome.picked, l))).count() as u32;
        together += u32::from(out == 0);
        missed += out;
        count += 1;
    }
    (together, missed, count)
}

/// At least 95 of 100 hold, less what chance explains (three standard errors over independent worlds).
fn assert_covers(together: u32, worlds: u32, tests: u32, what: &str) {
    let least = 0.95 - 3.0 * (0.05 * 0.95 / f64::from(worlds)).sqrt();
    let share = f64::from(together) / f64::from(tests);
    println!("{what}: {together} of {tests} hold together");
    assert!(share >= least, "{what}: {together} of {tests} hold together, wanted {least:.3}");
}

#[test]
fn all_intervals_hold_together_for_every_kind_of_goal() {
    let problem = Problem::from_toml(GOALS).expect("a problem");
    let (mut together, mut missed, mut tests, mut ledgers) = (0, 0, 0, 0);
    let mut widths = Vec::new();
    for seed in 0..40 {
        let mut crowd = Crowd::new(seed, 30);
        let campaigns = crowd.campaigns(600);
        let (sample, fresh) = (crowd.log(600), crowd.log(600));
        let p = made(&problem, &campaigns, &sample, &Settings::new().holdout(0.0).fresh(&fresh));
        let s = serving(&p);
        assert_eq!((s.opportunities, s.weight, s.flight), (600, 600.0, 600.0));
        ledgers += s.ledgers.len();
        for (l, row) in s.ledgers.iter().filter(|l| l.goal == "cap exposure").map(|l| (l, &p.prices()[l.row as usize])) {
            assert_eq!((&l.scope, &l.goal, l.bound), (&row.scope, &row.goal, row.bound.expect("a bound")));
            if row.price > 0.0 {
                widths.push(l.half_width() / l.bound / (s.quantile * 2f64.sqrt() / l.bound.sqrt()));
            }
        }
        let (t, m, n) = tested(&p, (0..4).map(|_| crowd.log(600)));
        (together, missed, tests) = (together + t, missed + m, tests + n);
    }
    assert_covers(together, 40, tests, "all kinds");
    // The joint quantile leaves out 0.05 in all, so that some misses of thousands of ledgers are to be seen, were they many more than that.
    assert!(missed <= 20, "{missed} single misses of {}", ledgers * 4);
    widths.sort_by(f64::total_cmp);
    let median = widths[widths.len() / 2];
    println!("median half width over z sqrt(2 / cap): {median:.3} of {} binding caps", widths.len());
    assert!((0.5..1.15).contains(&median), "{median}");
}

/// One goal, so that the interval's own level shows: not below 95 %, and not so far above that the interval is needlessly wide.
#[test]
fn a_single_interval_holds_about_as_often_as_it_says() {
    let cases = [
        ("cap", "kind = \"cap\"\nmeasure = \"exposure\"\nof = { licensor = \"l1\" }\nat_most = 60.0", 0.985),
        ("streams", "kind = \"floor\"\nmeasure = \"stream\"\nof = { licensor = \"l2\" }\nat_least = 20.0\npenalty = 0.1", 0.985),
        ("share", "kind = \"share\"\nmeasure = \"exposure\"\nof = { licensor = \"l0\" }\nat_most = 0.3", 0.985),
        ("rare", "kind = \"cap\"\nmeasure = \"exposure\"\nof = { licensor = \"l1\" }\nat_most = 3.0", 0.999),
        ("guardrail", "kind = \"guardrail\"\nmeasure = \"displacement\"\nper = \"all\"\nat_most = 0.03\nrelative_to = \"organic\"", 0.985),
    ];
    for (name, goal, most) in cases {
        let problem =
            Problem::from_toml(&format!("[objectives]\nvalue = 1.0\n[slate]\nvisible = 4\n[[goals]]\n{goal}\n")).expect("a problem");
        let (mut together, mut tests) = (0, 0);
        for seed in 0..200 {
            let mut crowd = Crowd::new(1_000 + seed, 12);
            let (sample, fresh) = (crowd.log(150), crowd.log(150));
            let p = made(&problem, &crowd.free_campaigns(), &sample, &Settings::new().holdout(0.0).fresh(&fresh).tolerance(1e-3));
            let (t, _, n) = tested(&p, (0..4).map(|_| crowd.log(150)));
            (together, tests) = (together + t, tests + n);
        }
        assert_covers(together, 200, tests, name);
        assert!(f64::from(together) <= most * f64::from(tests), "{name}: {together} of {tests} is too sure");
    }
}

/// A hold-out of a fifth, so that the flight is five times the sample.
#[test]
fn a_holdout_stands_for_a_flight_of_its_own_size() {
    let problem = Problem::from_toml(GOALS).expect("a problem");
    let (mut together, mut tests) = (0, 0);
    for seed in 0..50 {
        let mut crowd = Crowd::new(2_000 + seed, 20);
        let campaigns = crowd.campaigns(1_000);
        let p = made(&problem, &campaigns, &crowd.log(1_000), &Settings::new().holdout(0.2).seed(seed));
        let s = serving(&p);
        assert!((s.flight - 1_000.0).abs() < 1e-6 && s.weight < 300.0);
        let (t, _, n) = tested(&p, (0..3).map(|_| crowd.log(1_000)));
        (together, tests) = (together + t, tests + n);
    }
    assert_covers(together, 50, tests, "hold-out");
}

/// A sample of a tenth says so by weights of 10 or by traffic, and gets the same intervals; they hold for the real flight.
#[test]
fn weights_and_traffic_stand_for_real_opportunities() {
    let problem = Problem::from_toml(GOALS).expect("a problem");
    let (mut together, mut tests) = (0, 0);
    for seed in 0..40 {
        let mut crowd = Crowd::new(3_000 + seed, 12);
        let campaigns = crowd.campaigns(3_000);
        let mut copy = crowd.clone();
        let (sample, fresh) = (crowd.log(300), crowd.log(600));
        let p = made(&problem, &campaigns, &sample, &Settings::new().holdout(0.0).fresh(&fresh).traffic(10.0));
        copy.weight = Some(10.0);
        let (heavy, heavy_fresh) = (copy.log(300), copy.log(600));
        let q = made(&problem, &campaigns, &heavy, &Settings::new().holdout(0.0).fresh(&heavy_fresh));
        for (a, b) in serving(&p).ledgers.iter().zip(&serving(&q).ledgers) {
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + a.abs());
            assert!(near(a.predicted, b.predicted) && near(a.lower, b.lower) && near(a.upper, b.upper), "{a:?} {b:?}");
        }
        let (t, _, n) = tested(&p, (0..2).map(|_| crowd.log(3_000)));
        (together, tests) = (together + t, tests + n);
    }
    assert_covers(together, 40, tests, "traffic");
}

/// Listeners who come back, each with a taste of its own: intervals by listener hold, intervals by opportunity do not.
#[test]
fn listeners_are_what_is_independent() {
    let goal = "kind = \"cap\"\nmeasure = \"exposure\"\nper = \"licensor\"\nat_most = 1e6";
    let problem = Problem::from_toml(&format!("[objectives]\nvalue = 1.0\n[[goals]]\n{goal}\n")).expect("a problem");
    let mut together = [0, 0];
    let mut tests = 0;
    for seed in 0..150 {
        let mut crowd = Crowd::new(4_000 + seed, 12);
        crowd.visits = 12;
        let campaigns = crowd.free_campaigns();
        let (sample, fresh) = (crowd.log(240), crowd.log(240));
        let futures: Vec<Opportunities> = (0..2).map(|_| crowd.log(240)).collect();
        for (named, together) in together.iter_mut().enumerate() {
            let fresh = if named == 1 { fresh.clone() } else { crowd::without_listeners(&fresh) };
            let p = made(&problem, &campaigns, &sample, &Settings::new().holdout(0.0).fresh(&fresh).tolerance(1e-3));
            assert_eq!(serving(&p).listeners, (named == 1).then_some(20));
            *together += tested(&p, futures.iter().cloned()).0;
        }
        tests += 2;
    }
    assert_covers(together[1], 150, tests, "by listener");
    assert!(f64::from(together[0]) < 0.85 * f64::from(tests), "by opportunity {} of {tests}", together[0]);
}

/// No listener is both planned on and certified on.
#[test]
fn a_holdout_keeps_listeners_whole() {
    let mut crowd = Crowd::new(5, 8);
    crowd.visits = 5;
    let log = crowd.log(400);
    let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n").expect("a problem");
    let p = made(&problem, &crowd.free_campaigns(), &log, &Settings::new().holdout(0.3));
    let mut sides = [[false; 2]; 80];
    for t in 0..log.len() {
        sides[t / 5][usize::from(p.decisions()[log.rows(t).start].is_none())] = true;
    }
    assert!(sides.iter().all(|s| s[0] != s[1]));
    assert!((10..40).contains(&sides.iter().filter(|s| s[1]).count()));
    assert_eq!(serving(&p).listeners, Some(sides.iter().filter(|s| s[1]).count() as u64));
}

#[test]
fn the_value_lies_in_its_own_interval() {
    let problem = Problem::from_toml(GOALS).expect("a problem");
    let (mut inside, mut tests) = (0, 0);
    for seed in 0..150 {
        let mut crowd = Crowd::new(6_000 + seed, 12);
        let (sample, fresh) = (crowd.log(200), crowd.log(200));
        let p = made(&problem, &crowd.free_campaigns(), &sample, &Settings::new().holdout(0.0).fresh(&fresh).tolerance(1e-3));
        let s = serving(&p);
        assert!(s.value_lower < s.value && s.value < s.value_upper);
        for _ in 0..2 {
            let future = crowd.log(200);
            let picked = replay(p.policy(), &future, Unknown::Organic).expect("a replay").picked;
            let worth: f64 =
                picked.iter().zip(future.measure("value").expect("values")).filter(|(p, _)| **p).map(|(_, v)| f64::from(*v)).sum();
            let share = s.ledgers.iter().find(|l| l.side == Side::AtLeast).expect("the soft share");
            let all: f64 = picked.iter().filter(|p| **p).count() as f64;
            let missing = ((share.bound - held(&future, &picked, share)) * all).max(0.0);
            inside += u32::from((s.value_lower..=s.value_upper).contains(&(worth - missing)));
            tests += 1;
        }
    }
    assert_covers(inside, 150, tests, "value");
}

#[test]
fn half_the_width_takes_as_many_opportunities_as_it_says() {
    let problem = Problem::from_toml(
        "[objectives]\nvalue = 1.0\n[[goals]]\nkind = \"cap\"\nmeasure = \"exposure\"\nper = \"licensor\"\nat_most = 1e6\n",
    )
    .expect("a problem");
    let mut crowd = Crowd::new(7, 12);
    let sample = crowd.log(8_000);
    let certify = |fresh: &Opportunities| {
        let p = made(&problem, &crowd.free_campaigns(), &sample, &Settings::new().holdout(0.0).fresh(fresh).tolerance(1e-3));
        serving(&p).ledgers[0].clone()
    };
    let mut source = crowd.clone();
    let few = certify(&source.log(1_000));
    let needed = few.needed.expect("a number");
    let many = certify(&source.log(needed as usize));
    assert!((many.half_width() / few.half_width() - 0.5).abs() < 0.03, "{few:?} {many:?}");
    // A flight whose own chance is most of the width.
    assert_eq!(certify(&source.log(8_000)).needed, None);
}

#[test]
fn outlooks_say_where_the_interval_lies() {
    let floor = |amount: f64| {
        format!(
            "[objectives]\nvalue = 1.0\n[[goals]]\nkind = \"floor\"\nmeasure = \"exposure\"\nof = {{ licensor = \"l1\" }}\nat_least = {amount}\npenalty = 1e-6\n"
        )
    };
    let mut crowd = Crowd::new(8, 12);
    let (sample, fresh) = (crowd.log(500), crowd.log(500));
    let outlook = |amount: f64| {
        let problem = Problem::from_toml(&floor(amount)).expect("a problem");
        let p = made(&problem, &crowd.free_campaigns(), &sample, &Settings::new().holdout(0.0).fresh(&fresh));
        let l = serving(&p).ledgers[0].clone();
        (l.outlook, l.predicted, serving(&p).outlooks)
    };
    let natural = outlook(1.0).1;
    assert_eq!((outlook(1.0).0, outlook(1.0).2), (Outlook::Kept, [1, 0, 0]));
    assert_eq!((outlook(natural).0, outlook(natural).2), (Outlook::AtRisk, [0, 1, 0]));
    assert_eq!((outlook(3.0 * natural + 100.0).0, outlook(3.0 * natural + 100.0).2), (Outlook::Missed, [0, 0, 1]));
}

#[test]
fn it_travels_in_the_policy_and_prints_in_one_screen() {
    let problem = Problem::from_toml(GOALS).expect("a problem");
    let mut crowd = Crowd::new(9, 40);
    let campaigns = crowd.campaigns(800);
    let p = made(&problem, &campaigns, &crowd.log(800), &Settings::new());
    let read = Certificate::of_policy(&Policy::from_bytes(p.policy().to_bytes()).expect("a policy")).expect("a certificate");
    let (ours, theirs) = (serving(&p), read.serving.as_ref().expect("a serving certificate"));
    assert_eq!((ours.ledgers.len(), ours.outlooks), (theirs.ledgers.len(), theirs.outlooks));
    for (a, b) in ours.ledgers.iter().zip(&theirs.ledgers) {
        let near = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-6 * a.abs();
        assert_eq!(
            (a.row, &a.goal, a.kind, &a.measure, &a.scope, a.side, a.outlook),
            (b.row, &b.goal, b.kind, &b.measure, &b.scope, b.side, b.outlook)
        );
        assert!(
            near(a.bound, b.bound) && near(a.predicted, b.predicted) && near(a.lower, b.lower) && near(a.upper, b.upper),
            "{a:?} {b:?}"
        );
        assert_eq!(a.needed, b.needed);
    }
    let text = p.certificate().to_string();
    assert!((8..24).contains(&text.lines().count()), "{text}");
    for word in ["kept", "at risk", "missed", "unseen opportunities", "of at most", "half width", "half the width from"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn threads_change_no_bit() {
    let problem = Problem::from_toml(GOALS).expect("a problem");
    let mut crowd = Crowd::new(10, 20);
    let (campaigns, log) = (crowd.campaigns(600), crowd.log(600));
    let bytes =
        |threads: usize| plan(&problem, &log, &campaigns, &Settings::new().threads(threads)).expect("a plan").policy().to_bytes().to_vec();
    assert!(bytes(1) == bytes(2) && bytes(1) == bytes(7));
}

/// Every place always filled: nothing varies, and the interval is no point all the same.
#[test]
fn what_never_varied_may_yet() {
    let problem = Problem::from_toml(
        "[objectives]\nvalue = 1.0\n[[goals]]\nkind = \"cap\"\nmeasure = \"exposure\"\nper = \"campaign\"\nat_most = 1000.0\n",
    )
    .expect("a problem");
    let mut random = Random::new(11);
    let mut log = Opportunities::builder(&["value"]);
    for t in 0..100 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), ..OpportunityRow::default() });
        for (campaign, value) in [("always", 1.0), ("never", 0.1)] {
            log.candidate(&CandidateRow {
                campaign: Some(campaign),
                measures: &[value + 1e-3 * random.unit() as f32],
                ..CandidateRow::default()
            });
        }
    }
    let log = log.finish().expect("a log");
    let p = made(&problem, &crowd::named(&["always", "never"]), &log, &Settings::new().holdout(0.0).fresh(&log));
    let [always, never] = &serving(&p).ledgers[..] else { panic!("two ledgers") };
    assert_eq!((always.predicted, never.predicted, never.lower), (100.0, 0.0, 0.0));
    // 0 of 100 against 0 to 5 of as many: 2^-6 is below 2.5 % by two tails of one interval of two.
    assert!(always.lower > 92.0 && always.lower < 96.0 && never.upper > 4.0 && never.upper < 8.0, "{always:?} {never:?}");
}

/// A policy's header has room for some thousands of ledgers: the tightest travel, however many there are.
#[test]
fn the_tightest_of_many_ledgers_travel() {
    let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n").expect("a problem");
    let names: Vec<String> = (0..6_000).map(|k| format!("c{k}")).collect();
    let mut log = Opportunities::builder(&["value"]);
    for t in 0..6_000 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), ..OpportunityRow::default() });
        let value = [1.0 + (t % 7) as f32 * 0.1];
        log.candidate(&CandidateRow { campaign: Some(&names[t as usize]), measures: &value, ..CandidateRow::default() });
    }
    let goal = |amount| vec![CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount, penalty: None }];
    let campaign = |(k, id): (usize, &String)| Campaign { id: id.clone(), goals: goal(1.0 + k as f64), ..Campaign::default() };
    let campaigns = Campaigns::new(names.iter().enumerate().map(campaign).collect()).expect("campaigns");
    let p = made(&problem, &campaigns, &log.finish().expect("a log"), &Settings::new().tolerance(1e-3));
    assert_eq!(serving(&p).ledgers.len(), 6_000);
    let read = Certificate::of_policy(p.policy()).and_then(|c| c.serving).expect("a serving certificate");
    assert_eq!((read.ledgers.len(), read.outlooks), (4_096, serving(&p).outlooks));
    assert_eq!(
        read.tightest(5).iter().map(|l| l.row).collect::<Vec<_>>(),
        serving(&p).tightest(5).iter().map(|l| l.row).collect::<Vec<_>>()
    );
}
