//! Bookings against closed forms: one campaign whose supply is binomial, beside one that has to give way.

use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow};
use equipoise::plan::{Booking, Settings, Status, Wish, book};
use equipoise::{Campaigns, Opportunities, Problem};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const OPPORTUNITIES: i64 = 400;

/// `new` is a candidate of three in ten opportunities, worth 0.2; `old` of all, worth 0.5. A listener has `visits` opportunities in a row.
fn log(visits: i64) -> Opportunities {
    let mut log = Opportunities::builder(&["value"]);
    for t in 0..OPPORTUNITIES {
        log.opportunity(&OpportunityRow {
            id: Id::Int(t),
            listener: (visits > 1).then_some(Id::Int(t / visits)),
            ..OpportunityRow::default()
        });
        log.candidate(&CandidateRow { campaign: Some("old"), measures: &[0.5], ..CandidateRow::default() });
        if (t / visits * 7) % 10 < 3 {
            log.candidate(&CandidateRow { campaign: Some("new"), measures: &[0.2], ..CandidateRow::default() });
        }
    }
    log.finish().expect("a log")
}

fn campaigns(goals: Vec<CampaignGoal>) -> Campaigns {
    Campaigns::new(vec![Campaign { id: "new".into(), goals, ..Campaign::default() }, Campaign { id: "old".into(), ..Campaign::default() }])
        .expect("campaigns")
}

fn goal(kind: GoalKind, amount: f64, penalty: Option<f64>) -> CampaignGoal {
    CampaignGoal { kind, measure: "exposure".into(), amount, penalty }
}

fn problem() -> Problem {
    Problem::from_toml("[objectives]\nvalue = 1.0\n").expect("a problem")
}

fn booked(wish: &Wish) -> Booking {
    book(&problem(), &log(1), &campaigns(Vec::new()), wish, &Settings::new().seed(5).threads(1)).expect("a booking")
}

/// `P(X >= least)` of a binomial.
fn at_least(n: i64, p: f64, least: f64) -> f64 {
    let mut log_term = n as f64 * (1.0 - p).ln();
    let mut sum = 0.0;
    for k in 0..=n {
        if k as f64 >= least {
            sum += log_term.exp();
        }
        log_term += ((n - k) as f64 / (k + 1) as f64).ln() + (p / (1.0 - p)).ln();
    }
    sum
}

#[test]
fn a_binomial_supply_is_met_as_often_as_the_binomial_says() {
    for amount in [100.0, 110.0, 120.0, 130.0] {
        let b = booked(&Wish::new("new").amount(amount).penalty(2.0).replicates(400));
        assert_eq!((b.status, b.replicates.len()), (Status::Solved, 400));
        let p = at_least(OPPORTUNITIES, 0.3, amount);
        let (low, high) = b.probability_interval();
        // Weights are scaled to the flight's, which moves an amount by up to half a count.
        let half = at_least(OPPORTUNITIES, 0.3, amount - 0.5) - at_least(OPPORTUNITIES, 0.3, amount + 0.5);
        let reach = 1.6 * (high - low) / 2.0 + half;
        assert!((b.probability() - p).abs() <= reach, "{amount}: {} against {p}", b.probability());
        assert!((b.expected.deliverable - 120.0).abs() < 0.1 + b.resolution(), "{:?}", b.expected);
    }
}

#[test]
fn the_price_is_what_the_other_loses() {
    let b = booked(&Wish::new("new").amount(60.0).penalty(2.0).replicates(50));
    assert_eq!(b.probability(), 1.0);
    for r in b.replicates.iter().chain([&b.expected]) {
        assert!((r.price - 0.3).abs() < 0.01, "{r:?}");
        assert!((r.cost - 0.3 * 60.0).abs() < 0.1, "{r:?}");
        assert!(r.natural < 0.1, "{r:?}");
    }
    assert!((b.delivered().median - 60.0).abs() < 1e-9);
    // Cheaper than that nothing can be had.
    let cheap = booked(&Wish::new("new").amount(60.0).penalty(0.1).replicates(20));
    assert_eq!((cheap.probability(), cheap.price().median), (0.0, 0.1));
}

#[test]
fn a_wish_that_comes_true_by_itself_costs_nothing() {
    let b = booked(&Wish::new("old").amount(100.0).penalty(1.0).replicates(20));
    assert_eq!((b.probability(), b.price().high, b.cost().high), (1.0, 0.0, 0.0));
}

#[test]
fn the_probability_never_rises_with_the_amount() {
    let b = booked(&Wish::new("new").amount(120.0).penalty(2.0).replicates(100));
    let curve: Vec<f64> = (0..20).map(|i| b.probability_of(90.0 + 3.0 * f64::from(i))).collect();
    assert!(curve.windows(2).all(|w| w[0] >= w[1]), "{curve:?}");
    assert_eq!((curve[0], curve[19]), (1.0, 0.0));
    for p in [0.1, 0.5, 0.9] {
        let amount = b.amount_at(p);
        assert!(b.probability_of(amount) >= p && b.probability_of(amount * 1.0001) < p + 0.011, "{p}: {amount}");
    }
    // The same flights are drawn whatever is asked for.
    let more = booked(&Wish::new("new").amount(130.0).penalty(2.0).replicates(100));
    assert_eq!(more.probability(), b.probability_of(130.0));
}

#[test]
fn the_campaigns_own_cap_and_others_goals_bound_what_can_be_had() {
    let capped = campaigns(vec![goal(GoalKind::Cap, 50.0, None), goal(GoalKind::Target, 40.0, Some(3.0))]);
    let settings = Settings::new().threads(1);
    let b = book(&problem(), &log(1), &capped, &Wish::new("new").replicates(10), &settings).expect("a booking");
    assert_eq!((b.amount, b.penalty, b.probability()), (40.0, 3.0, 1.0));
    assert!(b.deliverable().high <= 50.0 + 1e-6 && b.deliverable().low > 49.9, "{:?}", b.deliverable());
    let guarded = Problem::from_toml(
        "[objectives]\nvalue = 1.0\n[[goals]]\nkind = \"guardrail\"\nmeasure = \"exposure\"\nper = \"all\"\nat_most_total = 30.0\n",
    )
    .expect("a problem");
    let b = book(&guarded, &log(1), &campaigns(Vec::new()), &Wish::new("new").amount(20.0).penalty(2.0).replicates(10), &settings)
        .expect("a booking");
    assert!(b.deliverable().high <= 30.0 + 1e-6 && b.deliverable().low > 29.0, "{:?}", b.deliverable());
}

#[test]
fn listeners_are_drawn_whole() {
    let settings = Settings::new().threads(1);
    let spread = |visits: i64| {
        let wish = Wish::new("new").amount(100.0).penalty(2.0).replicates(150);
        let d = book(&problem(), &log(visits), &campaigns(Vec::new()), &wish, &settings).expect("a booking").deliverable();
        d.high - d.low
    };
    let (alone, together) = (spread(1), spread(16));
    // Sixteen at a time: four times the deviation.
    assert!(together > 2.8 * alone && together < 5.6 * alone, "{alone} {together}");
}

#[test]
fn seed_and_threads() {
    let wish = Wish::new("new").amount(110.0).replicates(15);
    let with = |seed: u64, threads: usize| {
        book(&problem(), &log(1), &campaigns(Vec::new()), &wish, &Settings::new().seed(seed).threads(threads)).expect("a booking")
    };
    assert_eq!(with(1, 1), with(1, 3));
    assert_ne!(with(1, 1).replicates, with(2, 1).replicates);
}

#[test]
fn limits_are_statuses() {
    let cancel = AtomicBool::new(true);
    let wish = Wish::new("new").amount(110.0);
    let ended = |settings: &Settings<'_>| {
        let b = book(&problem(), &log(1), &campaigns(Vec::new()), &wish, settings).expect("a booking");
        assert_eq!((b.replicates.len(), b.probability_interval()), (0, (0.0, 1.0)));
        assert!(b.probability().is_nan() && b.amount_at(0.9).is_nan() && b.to_string().contains(b.status.name()));
        b.status
    };
    assert_eq!(ended(&Settings::new().cancel(&cancel)), Status::Cancelled);
    assert_eq!(ended(&Settings::new().time_limit(Duration::ZERO)), Status::TimeLimit);
}

#[test]
fn faults_name_the_argument() {
    let fault = |wish: &Wish| {
        let error = book(&problem(), &log(1), &campaigns(Vec::new()), wish, &Settings::new()).expect_err("a fault");
        (error.code().to_owned(), error.faults()[0].argument.clone())
    };
    let want = |code: &str, argument: &str| (code.to_owned(), argument.to_owned());
    assert_eq!(fault(&Wish::new("nobody").amount(1.0)), want("invalid_input.unknown_campaign", "campaign"));
    assert_eq!(fault(&Wish::new("new")), want("invalid_input.missing", "amount"));
    assert_eq!(fault(&Wish::new("new").amount(f64::NAN)), want("invalid_input.range", "amount"));
    assert_eq!(fault(&Wish::new("new").amount(1.0).penalty(-1.0)), want("invalid_input.range", "penalty"));
    assert_eq!(fault(&Wish::new("new").amount(1.0).replicates(0)), want("invalid_input.range", "replicates"));
    assert_eq!(fault(&Wish::new("new").amount(1.0).measure("likes")).0, "invalid_input.unknown_name");
}
