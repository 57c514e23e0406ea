//! The bench's policy and requests: n candidates, half of them promoted, eight measures of which `displacement` is left to be filled, prices on
//! two measures per campaign and a guardrail per market, sets of markets and surfaces, flights of which some are over, ten slots with gaps.

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope, Slate, mix};
use equipoise::policy::{Draft, ORGANIC, Policy};
use equipoise::score::{Measures, Request, UNWRITTEN};
use std::sync::Arc;

pub(crate) const MEASURES: usize = 8;
pub(crate) const MARKET: u32 = 3;
pub(crate) const SURFACE: u32 = 5;
pub(crate) const TIME: i64 = 1_000;
pub(crate) const REFERENCE: f32 = 0.5;
const LABELS: u32 = 50;
const PLACES: u64 = 8;

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

/// What the policy is made of. Campaigns are in the order of their ids, and so are labels.
pub(crate) fn draft(campaigns: u32) -> equipoise::Result<Draft> {
    let mut random = Random(1);
    let mut some = |prefix: &str| {
        let first = random.next();
        first.is_multiple_of(3).then(|| (0..4).map(|i| format!("{prefix}{}", (first / 3 + i) % PLACES)).collect())
    };
    let list = (0..campaigns).map(|i| Campaign {
        id: format!("campaign-{i:07}"),
        parties: Parties { label: Some(format!("label-{:02}", i % LABELS)), ..Parties::default() },
        markets: some("market-"),
        surfaces: some("surface-"),
        start: Some(i64::from(i % 11) * 10),
        end: (i % 3 > 0).then_some(if i % 10 == 0 { TIME } else { 1 << 50 }),
        ..Campaign::default()
    });
    let ledger =
        |kind, measure, scope, key, share: f64| Ledger { goal: 0, kind, measure, scope, key, inside: 1.0 - share, outside: -share };
    let caps = (0..campaigns).map(|c| (ledger(GoalKind::Cap, 0, Scope::Campaign, c, 0.0), f64::from(c % 7) / 10.0));
    let floors = (0..LABELS).map(|l| (ledger(GoalKind::Floor, 1, Scope::Label, l, 0.0), -f64::from(l % 5) / 10.0));
    let guardrails =
        (0..PLACES as u32).map(|m| (ledger(GoalKind::Guardrail, MEASURES as u32, Scope::Market, m, 0.0), 0.5 + f64::from(m) / 10.0));
    let mut weights: Vec<f64> = (0..=MEASURES).map(|j| j as f64 / 16.0).collect();
    (weights[0], weights[MEASURES]) = (-1.0, 0.0);
    Ok(Draft {
        measures: (1..MEASURES).map(|j| format!("measure-{j}")).chain(["displacement".to_owned()]).collect(),
        weights,
        slate: Slate { slots: 10, visible: Some(60), first_place: 2, min_gap: 3, ..Slate::default() },
        campaigns: Campaigns::new(list.collect())?,
        markets: (0..PLACES).map(|i| format!("market-{i}")).collect(),
        surfaces: (0..PLACES).map(|i| format!("surface-{i}")).collect(),
        goals: vec!["goal".to_owned()],
        ledgers: caps.chain(floors).chain(guardrails).collect(),
        ..Draft::default()
    })
}

/// Whether a reference is given, and in what order candidates come.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Reference {
    /// It is.
    Given,
    /// It is not; candidates come in organic order.
    Sorted,
    /// It is not, and they do not.
    Computed,
}

impl Reference {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Sorted => "sorted",
            Self::Computed => "computed",
        }
    }
}

/// One request's columns.
pub(crate) struct Columns {
    pub(crate) promoted: Vec<Option<u32>>,
    pub(crate) rows: Vec<u32>,
    /// Campaigns of those that have one.
    pub(crate) campaigns: Vec<u32>,
    pub(crate) organic: Arc<[f32]>,
    /// One column after the other, `displacement` the last.
    pub(crate) measures: Arc<[f32]>,
    /// The same, one candidate after the other.
    pub(crate) turned: Arc<[f32]>,
    reference: Reference,
}

impl Columns {
    /// Requests that take turns. As many have organic scores and measures of their own as stay in L2, the others share them.
    pub(crate) fn in_turn(seed: usize, turns: usize, n: usize, campaigns: u32, policy: &Policy, reference: Reference) -> Vec<Self> {
        let shared = (8_000 / n).clamp(4, 16);
        let mut all: Vec<Self> = Vec::with_capacity(turns);
        for turn in 0..turns {
            let own = Self::new((seed + turn) as u64, n, campaigns, policy, reference);
            all.push(match turn.checked_sub(shared).map(|_| &all[turn % shared]) {
                None => own,
                Some(Self { organic, measures, turned, .. }) => {
                    Self { organic: organic.clone(), measures: measures.clone(), turned: turned.clone(), ..own }
                }
            });
        }
        all
    }

    pub(crate) fn new(seed: u64, n: usize, campaigns: u32, policy: &Policy, reference: Reference) -> Self {
        let mut random = Random(mix(seed) ^ n as u64);
        let promoted: Vec<Option<u32>> =
            (0..n).map(|_| random.next().is_multiple_of(2).then(|| (random.next() % u64::from(campaigns)) as u32)).collect();
        let rows = promoted.iter().map(|c| c.map_or(ORGANIC, |c| policy.row(&format!("campaign-{c:07}")))).collect();
        let mut organic: Vec<f32> = (0..n).map(|_| random.unit()).collect();
        if reference == Reference::Sorted {
            organic.sort_by(|a, b| b.total_cmp(a));
        }
        let written = n * (MEASURES - 1);
        let measures: Vec<f32> = (0..n * MEASURES).map(|i| if i < written { random.unit() } else { f32::from_bits(UNWRITTEN) }).collect();
        let turned = (0..n).flat_map(|i| measures.iter().skip(i).step_by(n).copied()).collect();
        let campaigns = promoted.iter().flatten().copied().collect();
        Self { promoted, rows, campaigns, organic: organic.into(), measures: measures.into(), turned, reference }
    }

    pub(crate) fn request(&self, in_rows: bool) -> Request<'_> {
        let measures = if in_rows {
            Measures::Rows { values: &self.turned, stride: MEASURES }
        } else {
            Measures::Columns { values: &self.measures, stride: self.rows.len() }
        };
        Request {
            market: MARKET,
            surface: SURFACE,
            time: Some(TIME),
            reference: (self.reference == Reference::Given).then_some(REFERENCE),
            organic: Some(&self.organic),
            ..Request::new(&self.rows, measures)
        }
    }
}
