//! Accounts of decisions: what every ledger holds, added up row by row in f64, apart from the pass's own sums.

use super::inputs::{Inputs, Prepared};
use super::{Deliveries, PriceRow};
use crate::exchange::{Column, Sample};
use crate::model::{GoalKind, Ledger, ORGANIC, Opportunities, Scope};
use crate::utility::{Fairness, MaxMin, Promise, Utility as _};
use indexmap::IndexMap;

/// Amounts by key and measure, of each scope.
pub(super) struct Account {
    measures: usize,
    by_scope: [Vec<f64>; 7],
}

impl Account {
    pub(super) fn new(inputs: &Inputs<'_>) -> Self {
        let measures = inputs.measures.len();
        let keys = |s| {
            [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface, Scope::All]
                .map(|scope| inputs.roster.keys(scope))[s]
        };
        Self { measures, by_scope: std::array::from_fn(|s| vec![0.0; keys(s) * measures]) }
    }

    pub(super) fn add(&mut self, campaign: u32, segment: (u32, u32), amounts: &[f64]) {
        for (scope, key) in [(Scope::Campaign, campaign), (Scope::Market, segment.0), (Scope::Surface, segment.1), (Scope::All, 0)] {
            let list = &mut self.by_scope[scope as usize];
            if let Some(own) = list.get_mut(key as usize * self.measures..).and_then(|l| l.get_mut(..self.measures)) {
                own.iter_mut().zip(amounts).for_each(|(o, a)| *o += a);
            }
        }
    }

    /// Fills in the parties' accounts from the campaigns'.
    pub(super) fn close(&mut self, inputs: &Inputs<'_>) {
        let m = self.measures;
        for scope in [Scope::Artist, Scope::Label, Scope::Licensor] {
            for k in 0..inputs.roster.len() as u32 {
                let party = inputs.roster.party(scope, k);
                if party != u32::MAX {
                    for j in 0..m {
                        self.by_scope[scope as usize][party as usize * m + j] += self.by_scope[0][k as usize * m + j];
                    }
                }
            }
        }
    }

    /// The account of relaxed decisions on a sample.
    pub(super) fn of_decisions(inputs: &Inputs<'_>, prepared: &Prepared, rows: &[u32], sample: &Sample, x: &[f64]) -> Self {
        let log = inputs.log;
        let columns: Vec<&[f32]> = (1..inputs.measures.len()).map(|j| inputs.column(log, prepared, j)).collect();
        let segments = segments(inputs, log);
        let mut account = Self::new(inputs);
        let mut amounts = vec![0.0; account.measures];
        let mut t = 0;
        for s in 0..sample.slots.len() {
            for at in sample.starts[s] as usize..sample.starts[s + 1] as usize {
                if x[at] == 0.0 {
                    continue;
                }
                let row = rows[at] as usize;
                while log.starts[t + 1] as usize <= row {
                    t += 1;
                }
                let w = sample.weight[s] * x[at];
                amounts[0] = w;
                amounts[1..].iter_mut().zip(&columns).for_each(|(a, y)| *a = w * f64::from(y[row]));
                account.add(sample.campaign[at], segments(t), &amounts);
            }
        }
        account.close(inputs);
        account
    }

    /// The account of deliveries by column and measure; segments that no goal tells apart are nobody's.
    pub(super) fn of_cells(inputs: &Inputs<'_>, columns: &[Column], classes: &[(u32, u32)], cells: &[f64]) -> Self {
        let mut account = Self::new(inputs);
        let keys = |scope: Scope, names: &crate::model::Names, index: u32| {
            if index == u32::MAX { index } else { inputs.roster.key(scope, names.name(index)).unwrap_or(u32::MAX) }
        };
        let log = inputs.log;
        let segments: Vec<(u32, u32)> =
            classes.iter().map(|c| (keys(Scope::Market, &log.markets, c.0), keys(Scope::Surface, &log.surfaces, c.1))).collect();
        for (column, amounts) in columns.iter().zip(cells.chunks_exact(account.measures)) {
            account.add(column.campaign, segments[column.class as usize], amounts);
        }
        account.close(inputs);
        account
    }

    /// The account of picks on a weighted log.
    pub(super) fn of_picks(inputs: &Inputs<'_>, log: &Opportunities, prepared: &Prepared, picked: &[bool], weight: &[f64]) -> Self {
        let mut account = Self::new(inputs);
        account.add_picks(inputs, log, prepared, picked, weight);
        account.close(inputs);
        account
    }

    /// Adds the picks on a weighted log.
    pub(super) fn add_picks(&mut self, inputs: &Inputs<'_>, log: &Opportunities, prepared: &Prepared, picked: &[bool], weight: &[f64]) {
        let columns: Vec<&[f32]> = (1..inputs.measures.len()).map(|j| inputs.column(log, prepared, j)).collect();
        let segments = segments(inputs, log);
        let mut amounts = vec![0.0; self.measures];
        for t in (0..log.len()).filter(|t| weight[*t] > 0.0) {
            for row in log.rows(t).filter(|i| picked[*i] && prepared.rank[*i] != ORGANIC) {
                amounts[0] = weight[t];
                amounts[1..].iter_mut().zip(&columns).for_each(|(a, y)| *a = weight[t] * f64::from(y[row]));
                self.add(prepared.rank[row], segments(t), &amounts);
            }
        }
    }

    fn members(&self, l: &Ledger) -> f64 {
        self.by_scope[l.scope as usize][l.key as usize * self.measures + l.measure as usize]
    }

    fn whole(&self, l: &Ledger) -> f64 {
        self.by_scope[Scope::All as usize][l.measure as usize]
    }

    /// Whether a ledger holds anything.
    pub(super) fn holds(&self, l: &Ledger) -> bool {
        self.delivered(l) > 0.0
    }

    /// What a ledger holds.
    pub(super) fn delivered(&self, l: &Ledger) -> f64 {
        let members = self.members(l);
        l.inside * members + l.outside * (self.whole(l) - members)
    }

    /// The objective, penalties and fairness included; hard bounds aside.
    pub(super) fn value(&self, inputs: &Inputs<'_>, promises: &[Promise]) -> f64 {
        let worth: f64 = inputs.weights.iter().enumerate().map(|(j, w)| w * self.by_scope[Scope::All as usize][j]).sum();
        let mut groups: IndexMap<u32, (MaxMin, Vec<f64>)> = IndexMap::new();
        let mut others = 0.0;
        for (s, p) in inputs.goals.stated.iter().zip(promises) {
            let d = self.delivered(&s.ledger);
            others -= p.interval().penalty(d);
            match p.fair {
                Some(Fairness::Alpha(fair)) => others += fair.utility(d),
                Some(Fairness::Member { weight, t }) => {
                    let new = || (MaxMin { weight, members: Vec::new() }, Vec::new());
                    let (group, held) = groups.entry(s.ledger.goal).or_insert_with(new);
                    group.members.push(t);
                    held.push(d);
                }
                None => {}
            }
        }
        worth + others + groups.into_values().map(|(group, held)| group.utility(held)).sum::<f64>()
    }

    /// How far a ledger is outside its promise, relative to what DESIGN's violation is measured in.
    pub(super) fn violation(&self, inputs: &Inputs<'_>, s: usize, p: &Promise) -> f64 {
        let l = &inputs.goals.stated[s].ledger;
        let d = self.delivered(l);
        let excess = (p.lower - d).max(d - p.upper).max(0.0);
        if excess == 0.0 {
            return 0.0;
        }
        let size = if l.kind == GoalKind::Share {
            self.whole(l) / inputs.roster.keys(l.scope).max(1) as f64
        } else if d > p.upper {
            p.upper
        } else {
            p.lower
        };
        excess / size.abs().max(1.0)
    }

    /// The largest violation among ledgers that `counts` lets through, and whose it is.
    pub(super) fn worst(&self, inputs: &Inputs<'_>, promises: &[Promise], counts: impl Fn(usize) -> bool) -> (f64, Option<usize>) {
        promises
            .iter()
            .enumerate()
            .filter(|(s, _)| counts(*s))
            .map(|(s, p)| (self.violation(inputs, s, p), Some(s)))
            .fold((0.0, None), |a, b| if b.0 > a.0 { b } else { a })
    }

    /// What tables show of a ledger: amount and bound, as fractions of the whole for a share.
    pub(super) fn shown(&self, l: &Ledger, bound: f64) -> (f64, f64) {
        if l.kind != GoalKind::Share {
            return (self.delivered(l), bound);
        }
        let whole = self.whole(l);
        (if whole > 0.0 { self.members(l) / whole } else { 0.0 }, -l.outside)
    }

    /// The rows of `plan.prices`.
    pub(super) fn price_rows(&self, inputs: &Inputs<'_>, promises: &[Promise], prices: &[f64]) -> Vec<PriceRow> {
        let stated = &inputs.goals.stated;
        stated
            .iter()
            .zip(promises)
            .zip(prices)
            .map(|((s, p), price)| {
                let l = &s.ledger;
                let upper = p.upper.is_finite();
                let (delivered, bound) = self.shown(l, if upper { p.upper } else { p.lower });
                let slack = match (upper, p.lower.is_finite()) {
                    (true, true) => Some(-(delivered - bound).abs()),
                    (true, false) => Some(bound - delivered),
                    (false, true) => Some(delivered - bound),
                    (false, false) => None,
                };
                PriceRow {
                    goal: inputs.goals.names[l.goal as usize].clone(),
                    kind: l.kind,
                    measure: inputs.measures[l.measure as usize].clone(),
                    scope: inputs.scope_text(l.scope, l.key),
                    price: *price,
                    delivered,
                    bound: slack.map(|_| bound),
                    slack,
                }
            })
            .collect()
    }

    /// The table of `plan.deliveries`.
    pub(super) fn table(&self, inputs: &Inputs<'_>) -> Deliveries {
        let n = inputs.roster.len();
        Deliveries {
            campaigns: (0..n as u32).map(|k| inputs.roster.id(k).to_owned()).collect(),
            measures: inputs.measures.clone(),
            columns: (0..self.measures).map(|j| (0..n).map(|k| self.by_scope[0][k * self.measures + j]).collect()).collect(),
        }
    }
}

/// Market and surface keys of an opportunity; `u32::MAX` where it has none.
pub(super) fn segments<'a>(inputs: &'a Inputs<'_>, log: &'a Opportunities) -> impl Fn(usize) -> (u32, u32) + 'a {
    let keys = |scope: Scope, names: &crate::model::Names| -> Vec<u32> {
        names.as_slice().iter().map(|n| inputs.roster.key(scope, n).unwrap_or(u32::MAX)).collect()
    };
    let (markets, surfaces) = (keys(Scope::Market, &log.markets), keys(Scope::Surface, &log.surfaces));
    move |t| {
        (
            log.market.as_ref().map_or(u32::MAX, |m| markets[m[t] as usize]),
            log.surface.as_ref().map_or(u32::MAX, |s| surfaces[s[t] as usize]),
        )
    }
}
