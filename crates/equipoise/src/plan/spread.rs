//! How much what is served varies: the moments of every ledger's contributions over the units that vary independently.

use super::account::segments;
use super::inputs::{Inputs, Prepared};
use super::interval::Known;
use crate::model::{GoalKind, Ledger, ORGANIC, Opportunities, RelativeTo, Scope};
use std::collections::HashMap;

/// Scope, key and measure of an account.
type Account = (u8, u32, u32);

/// Which account a ledger counts, and against what: ledgers that agree in this have one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    account: Account,
    of: Of,
}

/// What a sum is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    /// The weight of the flight: a total.
    Flight,
    /// Everything that is delivered of the measure: a share.
    Whole,
    /// The organic value of the scope, or its opportunities: a relative guardrail.
    Organic,
    Opportunities,
}

impl Subject {
    pub(super) fn new(ledger: &Ledger, relative_to: Option<RelativeTo>) -> Self {
        let of = match (ledger.kind, relative_to) {
            (GoalKind::Share, _) => Of::Whole,
            (_, Some(RelativeTo::Organic)) => Of::Organic,
            (_, Some(RelativeTo::Opportunities)) => Of::Opportunities,
            (_, None) => Of::Flight,
        };
        Self { account: (ledger.scope as u8, ledger.key, ledger.measure), of }
    }

    /// Whether it is a fraction of everything that is delivered.
    pub(super) fn is_share(&self) -> bool {
        self.of == Of::Whole
    }

    /// Whether it is a fraction of something, not a total.
    pub(super) fn is_relative(&self) -> bool {
        self.of != Of::Flight
    }
}

/// What one unit adds to an account, in the log's own weights.
#[derive(Debug, Clone, Copy)]
struct Entry {
    account: u32,
    unit: u32,
    amount: f64,
}

/// Per unit amounts that every ledger of a kind is taken relative to, with their sums over all units.
struct Base {
    amount: Vec<f64>,
    sum: f64,
    squares: Moments,
}

/// Sums over units of `e^2`, `e^2/w` and `e^3/w^2`, `w` being how many real units each stands for.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    plain: f64,
    second: f64,
    third: f64,
}

impl Moments {
    fn add(&mut self, e: f64, stands_for: f64) {
        self.plain += e * e;
        self.second += e * e / stands_for;
        self.third += e * e * e / (stands_for * stands_for);
    }
}

/// Contributions of what a sample was served, by account and unit.
pub(super) struct Spread<'a> {
    inputs: &'a Inputs<'a>,
    log: &'a Opportunities,
    prepared: &'a Prepared,
    /// Listeners where the log names them, else opportunities; `u32::MAX` outside the sample.
    unit: Vec<u32>,
    weight: Base,
    /// Mean weight of a unit's opportunities.
    stands_for: Vec<f64>,
    /// Weight of the flight over that of the sample.
    scale: f64,
    entries: Vec<Entry>,
    /// Where the entries of an account begin.
    starts: Vec<u32>,
    accounts: HashMap<Account, u32>,
    /// Per unit, its worth under the objectives.
    worth: Vec<f64>,
    /// Per measure, a typical contribution: where an account has none to tell by.
    typical: Vec<f64>,
    bases: HashMap<Subject, Base>,
}

impl<'a> Spread<'a> {
    /// Adds up the picks of the opportunities of positive `weight`, which is the log's own up to a factor and sums to that of the flight.
    pub(super) fn new(inputs: &'a Inputs<'a>, log: &'a Opportunities, prepared: &'a Prepared, picked: &[bool], weight: &[f64]) -> Self {
        let own = |t: usize| log.weight.as_ref().map_or(1.0, |w| w[t]);
        let sample: Vec<usize> = (0..log.len()).filter(|t| weight[*t] > 0.0).collect();
        let (unit, units) = units(log, &sample);
        let mut amount = vec![0.0; units];
        let mut members = vec![0.0f64; units];
        for t in &sample {
            amount[unit[*t] as usize] += own(*t);
            members[unit[*t] as usize] += 1.0;
        }
        let stands_for: Vec<f64> = amount.iter().zip(&members).map(|(w, n)| w / n).collect();
        let weight_base = Base::new(amount, &stands_for);
        let scale = sample.iter().map(|t| weight[*t]).sum::<f64>() / weight_base.sum;

        let (asked, accounts) = accounts(inputs);
        let columns: Vec<&[f32]> = (1..inputs.measures.len()).map(|j| inputs.column(log, prepared, j)).collect();
        let measured = |row: usize, j: u32| if j == 0 { 1.0 } else { f64::from(columns[j as usize - 1][row]) };
        let segments = segments(inputs, log);
        let mut worth = vec![0.0; units];
        let mut entries = Vec::new();
        let mut seen = vec![(0.0, 0.0); inputs.measures.len()];
        for t in &sample {
            let (market, surface) = segments(*t);
            for row in log.rows(*t).filter(|i| prepared.rank[*i] != ORGANIC) {
                for (j, (cubes, squares)) in seen.iter_mut().enumerate() {
                    let y = measured(row, j as u32);
                    *cubes += y * y * y;
                    *squares += y * y;
                }
                if !picked[row] {
                    continue;
                }
                let campaign = prepared.rank[row];
                let value: f64 = inputs.weights.iter().enumerate().map(|(j, w)| w * measured(row, j as u32)).sum();
                worth[unit[*t] as usize] += own(*t) * value;
                for (scope, j) in &asked {
                    let key = match scope {
                        Scope::Campaign => campaign,
                        Scope::Market => market,
                        Scope::Surface => surface,
                        Scope::All => 0,
                        party => inputs.roster.party(*party, campaign),
                    };
                    let amount = own(*t) * measured(row, *j);
                    if let Some(account) = accounts.get(&(*scope as u8, key, *j)).filter(|_| amount != 0.0) {
                        entries.push(Entry { account: *account, unit: unit[*t], amount });
                    }
                }
            }
        }
        let starts = gather(&mut entries, accounts.len());
        let typical = seen.iter().map(|(cubes, squares)| if *squares > 0.0 { cubes / squares } else { 1.0 }).collect();
        let mut spread = Self {
            inputs,
            log,
            prepared,
            unit,
            weight: weight_base,
            stands_for,
            scale,
            entries,
            starts,
            accounts,
            worth,
            typical,
            bases: HashMap::new(),
        };
        spread.find_bases();
        spread
    }

    /// How many units vary independently.
    pub(super) fn units(&self) -> usize {
        self.stands_for.len()
    }

    /// Weight of the sample, as the log has it.
    pub(super) fn weight(&self) -> f64 {
        self.weight.sum
    }

    /// How many units of weight one would vary as much as the sample: its weight where all are alike.
    fn certainty(&self) -> f64 {
        self.weight.sum * self.weight.sum / self.weight.squares.plain
    }

    /// The interval of what `subject` holds over the flight, in its own units, beyond normal tails at `z`; and what it rests on.
    /// `None` for a fraction of nothing.
    pub(super) fn predict(&self, subject: &Subject, z: f64) -> Option<Prediction> {
        let base = if subject.is_relative() { &self.bases[&subject.base()] } else { &self.weight };
        if base.sum <= 0.0 {
            return None;
        }
        let entries = self.account(subject.account);
        let total: f64 = entries.iter().map(|e| e.amount).sum();
        let rate = total / base.sum;
        // Units without a contribution differ from the mean by `rate` times their base alone.
        let mut moments = Moments::default();
        let mut rest = base.squares;
        let mut largest = 0.0f64;
        for e in entries {
            let (b, w) = (base.amount[e.unit as usize], self.stands_for[e.unit as usize]);
            moments.add(e.amount - rate * b, w);
            largest += e.amount * e.amount / w;
            rest.plain -= b * b;
            rest.second -= b * b / w;
            rest.third -= b * b * b / (w * w);
        }
        moments.plain += rate * rate * rest.plain.max(0.0);
        moments.second += rate * rate * rest.second.max(0.0);
        moments.third -= rate * rate * rate * rest.third.max(0.0);
        let (unit, predicted) = if subject.is_relative() { (1.0 / (self.scale * base.sum), rate) } else { (1.0, self.scale * total) };
        let typical = self.typical[subject.account.2 as usize];
        Some(self.interval(&moments, predicted, unit, typical, largest, z))
    }

    /// The interval of the value: worth under the objectives, and `slopes` per unit of what ledgers hold.
    pub(super) fn predict_value(&self, value: f64, slopes: &[(&Ledger, f64)], z: f64) -> Prediction {
        let mut each = self.worth.clone();
        for (ledger, slope) in slopes {
            let mut add = |account: Account, slope: f64| {
                self.account(account).iter().for_each(|e| each[e.unit as usize] += slope * e.amount);
            };
            add((ledger.scope as u8, ledger.key, ledger.measure), slope * (ledger.inside - ledger.outside));
            if ledger.outside != 0.0 {
                add((Scope::All as u8, 0, ledger.measure), slope * ledger.outside);
            }
        }
        let rate = each.iter().sum::<f64>() / self.weight.sum;
        let mut moments = Moments::default();
        let mut largest = 0.0;
        for ((e, b), w) in each.iter().zip(&self.weight.amount).zip(&self.stands_for) {
            moments.add(e - rate * b, *w);
            largest += e * e / w;
        }
        let typical = (moments.second / self.units().max(1) as f64).sqrt();
        self.interval(&moments, value, 1.0, typical, largest, z)
    }

    fn interval(&self, moments: &Moments, predicted: f64, unit: f64, typical: f64, largest: f64, z: f64) -> Prediction {
        // Sums of squares of which only rounding is left show no variation.
        if moments.second <= 1e-12 * largest || moments.second <= 0.0 {
            let ratio = self.scale * self.weight.sum / self.certainty();
            let (lower, upper) = Known::unvaried(predicted, unit * typical, ratio, z);
            return Prediction { predicted, lower, upper, growth: None };
        }
        let one = self.stands_for.iter().sum::<f64>() / self.units() as f64 * typical * typical;
        let (second, third) = (moments.second + one, moments.third + one * typical);
        let known = Known {
            predicted,
            own: self.scale * moments.second * unit * unit,
            sampled: self.scale * self.scale * moments.plain * unit * unit,
            // One contribution of the typical size beside those seen: few of them say little about their size.
            jump: third / second * unit,
        };
        let (lower, upper) = known.interval(z);
        Prediction { predicted, lower, upper, growth: known.growth() }
    }

    fn account(&self, account: Account) -> &[Entry] {
        self.accounts.get(&account).map_or(&[], |a| &self.entries[self.starts[*a as usize] as usize..self.starts[*a as usize + 1] as usize])
    }

    fn find_bases(&mut self) {
        let subjects: Vec<Subject> =
            self.inputs.goals.stated.iter().map(|s| Subject::new(&s.ledger, s.relative_to)).filter(Subject::is_relative).collect();
        for subject in subjects {
            let key = subject.base();
            if !self.bases.contains_key(&key) {
                let amount = self.base_amount(&key);
                self.bases.insert(key, Base::new(amount, &self.stands_for));
            }
        }
    }

    fn base_amount(&self, base: &Subject) -> Vec<f64> {
        let mut amount = vec![0.0; self.units()];
        if base.of == Of::Whole {
            self.account(base.account).iter().for_each(|e| amount[e.unit as usize] += e.amount);
            return amount;
        }
        let segments = segments(self.inputs, self.log);
        for t in (0..self.log.len()).filter(|t| self.unit[*t] != u32::MAX) {
            let (market, surface) = segments(t);
            let (scope, key, _) = base.account;
            if (scope != Scope::Market as u8 || key == market) && (scope != Scope::Surface as u8 || key == surface) {
                let size = if base.of == Of::Organic { self.prepared.organic_value[t] } else { 1.0 };
                amount[self.unit[t] as usize] += size * self.log.weight.as_ref().map_or(1.0, |w| w[t]);
            }
        }
        amount
    }
}

impl Subject {
    /// What stands for everything that it is relative to.
    fn base(&self) -> Self {
        let (scope, key, measure) = self.account;
        match self.of {
            Of::Whole => Self { account: (Scope::All as u8, 0, measure), of: Of::Whole },
            // Organic value and opportunities do not depend on the measure.
            of if scope >= Scope::Market as u8 => Self { account: (scope, key, 0), of },
            of => Self { account: (Scope::All as u8, 0, 0), of },
        }
    }
}

impl Base {
    fn new(amount: Vec<f64>, stands_for: &[f64]) -> Self {
        let mut squares = Moments::default();
        amount.iter().zip(stands_for).for_each(|(b, w)| squares.add(*b, *w));
        Self { sum: amount.iter().sum(), squares, amount }
    }
}

/// What the flight is predicted to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prediction {
    pub(super) predicted: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
    /// By which factor the sample would have to grow for half the width.
    pub(super) growth: Option<f64>,
}

/// The unit of each opportunity of the sample, and how many there are.
fn units(log: &Opportunities, sample: &[usize]) -> (Vec<u32>, usize) {
    let mut unit = vec![u32::MAX; log.len()];
    let Some(listener) = &log.listener else {
        sample.iter().enumerate().for_each(|(u, t)| unit[*t] = u as u32);
        return (unit, sample.len());
    };
    let mut known: HashMap<u64, u32> = HashMap::new();
    for t in sample {
        let next = known.len() as u32;
        unit[*t] = *known.entry(listener[*t]).or_insert(next);
    }
    (unit, known.len())
}

/// The (scope, measure) pairs and the accounts that the ledgers count, and the whole of every measure that a share is taken of.
fn accounts(inputs: &Inputs<'_>) -> (Vec<(Scope, u32)>, HashMap<Account, u32>) {
    let mut asked = Vec::new();
    let mut accounts = HashMap::new();
    for s in &inputs.goals.stated {
        let l = &s.ledger;
        let whole = (l.kind == GoalKind::Share).then_some((Scope::All, 0));
        for (scope, key) in [(l.scope, l.key)].into_iter().chain(whole) {
            if !asked.contains(&(scope, l.measure)) {
                asked.push((scope, l.measure));
            }
            let next = accounts.len() as u32;
            accounts.entry((scope as u8, key, l.measure)).or_insert(next);
        }
    }
    (asked, accounts)
}

/// Sorts entries by account and unit, adds up those of one unit, and says where each account begins.
fn gather(entries: &mut Vec<Entry>, accounts: usize) -> Vec<u32> {
    entries.sort_by_key(|e| (e.account, e.unit));
    entries.dedup_by(|next, kept| {
        let same = (next.account, next.unit) == (kept.account, kept.unit);
        if same {
            kept.amount += next.amount;
        }
        same
    });
    (0..=accounts as u32).map(|a| entries.partition_point(|e| e.account < a) as u32).collect()
}
