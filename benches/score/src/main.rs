//! Times one request after the other, ours and a plain peer in turn, and prints one JSON line per case.
//!
//! The work: n candidates, half of them promoted, eight measures in columns, 10,000 campaigns with prices on two measures, markets, surfaces and
//! flights, ten slots with gaps, the reference given. The peer does the same with a struct per campaign and a sort, as one would write it first;
//! that both pick the same with equal scores is checked before anything is timed.

mod plain;

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope, Slate, mix};
use equipoise::policy::{Draft, ORGANIC, Policy};
use equipoise::score::{Measures, Request, Workspace};
use std::hint::black_box;
use std::time::Instant;

const CAMPAIGNS: u32 = 10_000;
const MEASURES: usize = 8;
const ROUNDS: usize = 31;
/// What one round of one contender takes, about.
const ROUND_NS: f64 = 2e6;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = mix(self.0);
        self.0
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 16_777_216.0
    }
}

fn draft() -> equipoise::Result<Draft> {
    let mut random = Random(1);
    let mut some =
        |prefix: &str| random.next().is_multiple_of(3).then(|| (0..4).map(|i| format!("{prefix}{}", (random.next() + i) % 8)).collect());
    let campaigns = (0..CAMPAIGNS).map(|i| Campaign {
        id: format!("campaign-{i:05}"),
        parties: Parties { label: Some(format!("label-{:02}", i % 50)), ..Parties::default() },
        markets: some("market-"),
        surfaces: some("surface-"),
        start: Some(0),
        end: Some(1 << 50),
        ..Campaign::default()
    });
    let ledger =
        |kind, measure, scope, key, share: f64| Ledger { goal: 0, kind, measure, scope, key, inside: 1.0 - share, outside: -share };
    let caps = (0..CAMPAIGNS).map(|c| (ledger(GoalKind::Cap, 0, Scope::Campaign, c, 0.0), f64::from(c % 7) / 10.0));
    let shares = (0..50).map(|l| (ledger(GoalKind::Share, 1, Scope::Label, l, 0.02), f64::from(l % 5) / 10.0 - 0.2));
    let guardrails = (0..8).map(|m| (ledger(GoalKind::Guardrail, 2, Scope::Market, m, 0.0), f64::from(m) / 20.0));
    Ok(Draft {
        measures: (0..MEASURES).map(|j| format!("measure-{j}")).collect(),
        weights: (0..=MEASURES).map(|j| j as f64 / 8.0).collect(),
        slate: Slate { slots: 10, visible: Some(60), first_place: 2, min_gap: 3, ..Slate::default() },
        campaigns: Campaigns::new(campaigns.collect())?,
        markets: (0..8).map(|i| format!("market-{i}")).collect(),
        surfaces: (0..8).map(|i| format!("surface-{i}")).collect(),
        goals: vec!["goal".to_owned()],
        ledgers: caps.chain(shares).chain(guardrails).collect(),
        ..Draft::default()
    })
}

/// Nanoseconds per call: the shortest of a round's repetitions would flatter, so it is the mean of a round.
fn round(mut call: impl FnMut(), repetitions: u32) -> f64 {
    let started = Instant::now();
    for _ in 0..repetitions {
        call();
    }
    started.elapsed().as_nanos() as f64 / f64::from(repetitions)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> equipoise::Result<()> {
    let draft = draft()?;
    let policy = Policy::new(&draft)?;
    let peer = plain::Policy::new(&draft);
    for n in [50, 500, 2_000] {
        let mut random = Random(n as u64);
        let promoted: Vec<Option<u32>> =
            (0..n).map(|_| random.next().is_multiple_of(2).then(|| (random.next() % u64::from(CAMPAIGNS)) as u32)).collect();
        let rows: Vec<u32> = promoted.iter().map(|c| c.map_or(ORGANIC, |c| policy.row(&format!("campaign-{c:05}")))).collect();
        let organic: Vec<f32> = (0..n).map(|_| random.unit()).collect();
        let measures: Vec<f32> = (0..n * MEASURES).map(|_| random.unit()).collect();
        let request = Request {
            market: policy.market("market-3"),
            surface: policy.surface("surface-5"),
            time: Some(1_000),
            reference: Some(0.5),
            organic: Some(&organic),
            ..Request::new(&rows, Measures::Columns { values: &measures, stride: n })
        };
        let ask = plain::Ask { market: 3, surface: 5, time: 1_000, organic: &organic, promoted: &promoted, measures: &measures };

        let mut workspace = Workspace::with_capacity(n);
        let (scores, picks) = peer.score(&ask);
        let decision = policy.score(&request, &mut workspace)?;
        assert!(decision.scores() == scores && decision.picks() == picks, "both do the same work");

        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let repetitions = (ROUND_NS / (n as f64 * 20.0)) as u32 + 1;
        for _ in 0..ROUNDS {
            ours.push(round(|| drop(black_box(policy.score(black_box(&request), &mut workspace).map(|d| d.picks().len()))), repetitions));
            theirs.push(round(|| drop(black_box(peer.score(black_box(&ask)))), repetitions));
        }
        let (ours_ns, theirs_ns) = (median(&mut ours), median(&mut theirs));
        let spread = (ours[ROUNDS - 1] - ours[0]) / ours_ns;
        let line = serde_json::json!({
            "bench": "score",
            "case": format!("n={n} campaigns=10k path=portable reference=given"),
            "subject": "rust",
            "peer": "rust-plain",
            "ours": ours_ns.round(),
            "theirs": theirs_ns.round(),
            "ratio": (theirs_ns / ours_ns * 100.0).round() / 100.0,
            "unit": "ns",
            "repeats": ROUNDS,
            "spread": (spread * 1_000.0).round() / 1_000.0,
        });
        println!("{line}");
    }
    Ok(())
}
