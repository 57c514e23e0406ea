//! Thinning: factors by column, at most 1, that bring deliveries inside required sides, from sums alone.

use super::dual::{Dual, NONE, Row};
use super::recovery::Required;

/// Rounds at most.
const ROUNDS: usize = 60;
/// Rounds before progress is judged.
const TRIED: usize = 4;
/// What a round asks beyond a bound, so that rounding cannot leave it: of a cap, and of a share.
const BEYOND_CAP: f64 = 1e-12;
const BEYOND_SHARE: f64 = 1e-9;

/// Factors by column that bring every campaign under its own caps, those shrunk by `shrink`.
pub(super) fn thin_own(dual: &Dual<'_>, required: &Required, cells: &[f64], shrink: f64) -> Vec<f64> {
    let (m, p) = (dual.measures(), dual.priced.len());
    let columns = &dual.layout().columns;
    let mut delivered = vec![0.0; dual.campaigns() * p];
    for (c, cell) in columns.iter().zip(cells.chunks_exact(m)) {
        let sums = &mut delivered[c.campaign as usize * p..][..p];
        sums.iter_mut().zip(&dual.priced).for_each(|(s, j)| *s += cell[*j]);
    }
    let mut factor = vec![1f64; dual.campaigns()];
    for (at, i) in dual.own.iter().enumerate().filter(|(_, i)| **i != NONE) {
        let r = &dual.rows[*i];
        // A target met with a margin would be a target missed.
        let cap = if r.lo == r.hi { r.hi } else { r.hi * shrink };
        if required.above[*i] && r.a * delivered[at] > cap {
            factor[at / p] = factor[at / p].min(cap / (r.a * delivered[at]));
        }
    }
    columns.iter().map(|c| factor[c.campaign as usize]).collect()
}

/// Factors by column that also meet the shared rows, leaving campaigns' floors where they are; `None` if some rounds do not do it.
///
/// A round lowers the members of every ledger that is over its bound, and everybody else where a share is under its own. O(columns) each.
pub(super) fn thin_shared(dual: &Dual<'_>, required: &Required, cells: &[f64], margin: f64) -> Option<Vec<f64>> {
    if dual.shared.is_empty() {
        return Some(vec![1.0; dual.layout().columns.len()]);
    }
    let mut ledgers = Ledgers::new(dual, required, cells, margin);
    let mut earlier = f64::INFINITY;
    for round in 0..ROUNDS {
        ledgers.sum();
        let (shrink, excess) = ledgers.asks(dual, required, margin);
        if excess <= 0.0 {
            return Some(ledgers.factor);
        }
        // At this pace the rounds that are left will not end it.
        let pace = excess / earlier;
        if round >= TRIED && excess * pace.powi((ROUNDS - round) as i32) > BEYOND_SHARE {
            return None;
        }
        earlier = excess;
        ledgers.apply(&shrink);
    }
    None
}

/// Deliveries by column and priced measure, and their sums under the factors so far over the scopes of shared rows.
struct Ledgers<'d> {
    p: usize,
    amounts: Vec<f64>,
    /// The amounts under the factors so far.
    left: Vec<f64>,
    factor: Vec<f64>,
    /// Scopes of shared rows with each column's key, and the sums by key.
    scopes: Vec<(usize, &'d [usize], Vec<f64>)>,
    all: Vec<f64>,
    /// Columns of each campaign that has own floors to keep: where they start, how many they are, and the floors by priced measure.
    floors: Vec<(usize, usize, Vec<f64>)>,
}

impl<'d> Ledgers<'d> {
    fn new(dual: &'d Dual<'_>, required: &Required, cells: &[f64], margin: f64) -> Self {
        let p = dual.priced.len();
        let amounts: Vec<f64> = cells.chunks_exact(dual.measures()).flat_map(|c| dual.priced.iter().map(|j| c[*j])).collect();
        let used = |s: usize| dual.shared.iter().any(|i| dual.rows[*i].scope as usize == s);
        let scopes = dual.scopes().iter().filter(|(s, _)| used(*s));
        let scopes = scopes.map(|(s, keys)| (*s, keys.as_slice(), vec![0.0; dual.members.keys[*s] * p])).collect();
        let mut floors = Vec::new();
        let mut start = 0;
        for columns in dual.layout().columns.chunk_by(|a, b| a.campaign == b.campaign) {
            let own = &dual.own[columns[0].campaign as usize * p..][..p];
            let floor = |i: usize| if i != NONE && required.below[i] { dual.rows[i].lo.max(0.0) * (1.0 + margin) } else { 0.0 };
            let floor: Vec<f64> = own.iter().map(|i| floor(*i)).collect();
            if floor.iter().any(|f| *f > 0.0) {
                floors.push((start, columns.len(), floor));
            }
            start += columns.len();
        }
        Self { p, left: amounts.clone(), factor: vec![1.0; amounts.len() / p], amounts, scopes, all: vec![0.0; p], floors }
    }

    fn sum(&mut self) {
        // The loops over measures unroll where their number is a constant.
        match self.p {
            1 => self.sum_of(1),
            2 => self.sum_of(2),
            3 => self.sum_of(3),
            p => self.sum_of(p),
        }
    }

    #[expect(clippy::inline_always, reason = "only inlined does the number of measures become a constant")]
    #[inline(always)]
    fn sum_of(&mut self, p: usize) {
        self.all.fill(0.0);
        let all = &mut self.all[..p];
        for ((left, amount), factor) in self.left.chunks_exact_mut(p).zip(self.amounts.chunks_exact(p)).zip(&self.factor) {
            for j in 0..p {
                left[j] = amount[j] * factor;
                all[j] += left[j];
            }
        }
        for (_, keys, sums) in &mut self.scopes {
            sums.fill(0.0);
            for (key, left) in keys.iter().zip(self.left.chunks_exact(p)).filter(|(key, _)| **key != NONE) {
                let sums = &mut sums[key * p..][..p];
                for j in 0..p {
                    sums[j] += left[j];
                }
            }
        }
    }

    /// What the rows ask of this round, and the most that any asks.
    fn asks(&self, dual: &Dual<'_>, required: &Required, margin: f64) -> (Shrink, f64) {
        let mut shrink = Shrink::new(self);
        for i in &dual.shared {
            let r = &dual.rows[*i];
            let Some(at) = self.scopes.iter().position(|s| s.0 == r.scope as usize) else { continue };
            let j = dual.slot(r.measure);
            let part = self.scopes[at].2[r.key * self.p + j];
            if r.b == 0.0 {
                // A target met with a margin would be a target missed.
                let cap = if r.lo == r.hi { r.hi } else { r.hi * (1.0 - margin) };
                if required.above[*i] && r.a * part > cap {
                    shrink.members(at, r, (1.0 - BEYOND_CAP) * cap / (r.a * part));
                }
                continue;
            }
            let whole = self.all[j];
            let share = -r.b / r.a;
            let (most, least) = (share * (1.0 - margin), share * (1.0 + margin));
            if required.above[*i] && part > most * whole {
                let f = if most >= 1.0 { 1.0 } else { most * (whole - part) / ((1.0 - most) * part) };
                shrink.members(at, r, (1.0 - BEYOND_SHARE) * f);
            }
            if required.below[*i] && part < least * whole {
                shrink.others(at, r, (1.0 - BEYOND_SHARE) * part * (1.0 / least - 1.0) / (whole - part));
            }
        }
        let excess = shrink.excess;
        (shrink, excess)
    }

    fn apply(&mut self, shrink: &Shrink) {
        let p = self.p;
        let mut scale = vec![1f64; self.factor.len()];
        for ((_, keys, _), (members, others)) in self.scopes.iter().zip(&shrink.scopes) {
            let (least, but, second) = *others;
            for (s, key) in scale.iter_mut().zip(*keys) {
                *s = s.min(if *key == but { second } else { least }).min(members.get(*key).copied().unwrap_or(1.0));
            }
        }
        for (start, len, floors) in &self.floors {
            let span = *start..start + len;
            let mut lift = 0f64;
            for (j, floor) in floors.iter().enumerate().filter(|(_, f)| **f > 0.0) {
                let (mut before, mut after) = (0.0, 0.0);
                for k in span.clone() {
                    let v = self.amounts[k * p + j] * self.factor[k];
                    before += v;
                    after += v * scale[k];
                }
                if after < *floor && before > 0.0 {
                    lift = lift.max((floor / before).min(1.0));
                }
            }
            scale[span].iter_mut().for_each(|s| *s = s.max(lift));
        }
        self.factor.iter_mut().zip(scale).for_each(|(f, s)| *f *= s);
    }
}

/// By how much a round lowers the members of each key of each scope, and everybody else.
struct Shrink {
    /// By scope, as the ledgers list them: factors by key; and the least factor asked of all but one key, that key, and the least asked of all but
    /// any other.
    scopes: Vec<(Vec<f64>, (f64, usize, f64))>,
    /// The most by which a factor is below 1.
    excess: f64,
}

impl Shrink {
    fn new(ledgers: &Ledgers<'_>) -> Self {
        let scopes = ledgers.scopes.iter().map(|s| (vec![1.0; s.2.len() / ledgers.p], (1.0, NONE, 1.0))).collect();
        Self { scopes, excess: 0.0 }
    }

    fn members(&mut self, scope: usize, r: &Row, to: f64) {
        let to = to.max(0.0);
        self.excess = self.excess.max(1.0 - to);
        let factor = &mut self.scopes[scope].0[r.key];
        *factor = factor.min(to);
    }

    fn others(&mut self, scope: usize, r: &Row, to: f64) {
        let to = to.max(0.0);
        self.excess = self.excess.max(1.0 - to);
        let (least, key, second) = &mut self.scopes[scope].1;
        if r.key == *key {
            *least = least.min(to);
        } else if to < *least {
            (*least, *key, *second) = (to, r.key, *least);
        } else {
            *second = second.min(to);
        }
    }
}
