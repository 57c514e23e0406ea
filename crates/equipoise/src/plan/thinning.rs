//! Thinning: factors by column, at most 1, that bring deliveries inside required sides, from sums alone.

use super::dual::{Dual, NONE};
use super::recovery::Required;

/// Rounds at most.
const ROUNDS: usize = 60;
/// Rounds before progress is judged.
const TRIED: usize = 4;
/// What a round asks beyond a bound, so that rounding cannot leave it: of a cap, and of a share.
const BEYOND_CAP: f64 = 1e-12;
const BEYOND_SHARE: f64 = 1e-9;
/// Halvings of the range of a total: to the last digit of an f64.
const HALVINGS: usize = 60;

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
/// A round lowers the members of every ledger that is over its bound, and brings the shares of a scope inside their bounds together: lowering
/// everybody else where one is under its own would take from others that are, too. O(columns) each.
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
    /// The part of what is left of a column that its campaign's floors keep.
    kept: Vec<f64>,
    scopes: Vec<Sums<'d>>,
    all: [Vec<f64>; 2],
    /// Columns of each campaign that has own floors to keep: where they start, how many they are, and the floors by priced measure.
    floors: Vec<(usize, usize, Vec<f64>)>,
    families: Vec<Family>,
}

/// Sums over a scope of shared rows.
struct Sums<'d> {
    scope: usize,
    /// Each column's key.
    keys: &'d [usize],
    /// By key and measure: what is left.
    left: Vec<f64>,
    /// What of that is kept.
    kept: Vec<f64>,
}

/// The shares of one measure among the keys of one scope.
struct Family {
    scope: usize,
    j: usize,
    /// Least and most share by key, with the margin.
    bounds: Vec<(f64, f64)>,
}

impl Family {
    fn all(dual: &Dual<'_>, required: &Required, scopes: &[usize], margin: f64) -> Vec<Self> {
        let mut families: Vec<Self> = Vec::new();
        for i in &dual.shared {
            let r = &dual.rows[*i];
            let Some(scope) = scopes.iter().position(|s| *s == r.scope as usize).filter(|_| r.b != 0.0) else { continue };
            let j = dual.slot(r.measure);
            let at = families.iter().position(|f| (f.scope, f.j) == (scope, j)).unwrap_or_else(|| {
                families.push(Self { scope, j, bounds: vec![(0.0, 1.0); dual.members.keys[r.scope as usize]] });
                families.len() - 1
            });
            let (share, (least, most)) = (-r.b / r.a, &mut families[at].bounds[r.key]);
            if required.above[*i] {
                *most = most.min(share * (1.0 - margin));
            }
            if required.below[*i] {
                *least = least.max(share * (1.0 + margin));
            }
        }
        families
    }

    /// Whether every share of `parts` in `whole` is inside its bounds.
    fn is_kept(&self, parts: &[f64], whole: f64) -> bool {
        self.bounds.iter().zip(parts).all(|((least, most), part)| *part >= least * whole && *part <= most * whole)
    }

    /// What is to be left of `parts`, of which `kept` stay whatever is asked; the last are those that have no share to keep. The total is the
    /// largest that all shares allow; what is over it is taken in proportion to what each may lose.
    fn lowered(&self, parts: &[f64], kept: &[f64]) -> Vec<f64> {
        let bounds = || {
            self.bounds.iter().copied().chain([(0.0, 1.0)]).map(|(least, most)| (least * (1.0 + BEYOND_SHARE), most * (1.0 - BEYOND_SHARE)))
        };
        let most = |total: f64| {
            bounds()
                .zip(parts)
                .map(move |((_, most), part)| part.min(if most >= 1.0 - BEYOND_SHARE { f64::INFINITY } else { most * total }))
        };
        let whole = parts.iter().sum::<f64>();
        let mut high =
            bounds().zip(parts).filter(|((least, _), _)| *least > 0.0).map(|((least, _), part)| part / least).fold(whole, f64::min);
        if most(high).sum::<f64>() < high {
            // What the upper bounds leave grows slower than the total.
            let mut low = 0.0;
            for _ in 0..HALVINGS {
                let middle = 0.5 * (low + high);
                *(if most(middle).sum::<f64>() < middle { &mut high } else { &mut low }) = middle;
            }
            high = low;
        }
        let top: Vec<f64> = most(high).collect();
        let room: Vec<f64> =
            bounds().zip(&top).zip(kept).map(|(((least, _), top), kept)| (top - kept.max(least * high)).max(0.0)).collect();
        let (over, rooms) = (top.iter().sum::<f64>() - high, room.iter().sum::<f64>());
        let part = if over > 0.0 && rooms > 0.0 { (over / rooms).min(1.0) } else { 0.0 };
        top.iter().zip(&room).map(|(top, room)| top - part * room).collect()
    }
}

impl<'d> Ledgers<'d> {
    fn new(dual: &'d Dual<'_>, required: &Required, cells: &[f64], margin: f64) -> Self {
        let p = dual.priced.len();
        let amounts: Vec<f64> = cells.chunks_exact(dual.measures()).flat_map(|c| dual.priced.iter().map(|j| c[*j])).collect();
        let used = |s: usize| dual.shared.iter().any(|i| dual.rows[*i].scope as usize == s);
        let scopes: Vec<_> = dual.scopes().iter().filter(|(s, _)| used(*s)).collect();
        let families = Family::all(dual, required, &scopes.iter().map(|(s, _)| *s).collect::<Vec<_>>(), margin);
        let zeros = |s: usize| vec![0.0; dual.members.keys[s] * p];
        let sums = |(s, keys): &'d (usize, Vec<usize>)| Sums { scope: *s, keys, left: zeros(*s), kept: zeros(*s) };
        let scopes = scopes.into_iter().map(sums).collect();
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
        let columns = amounts.len() / p;
        let all = [(); 2].map(|()| vec![0.0; p]);
        Self { p, left: amounts.clone(), factor: vec![1.0; columns], kept: vec![0.0; columns], amounts, scopes, all, floors, families }
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
        for ((left, amount), factor) in self.left.chunks_exact_mut(p).zip(self.amounts.chunks_exact(p)).zip(&self.factor) {
            for j in 0..p {
                left[j] = amount[j] * factor;
            }
        }
        for (start, len, floors) in &self.floors {
            let left = &self.left[start * p..][..len * p];
            let delivered = |j: usize| left.iter().skip(j).step_by(p).sum::<f64>();
            let part = |(j, floor): (usize, &f64)| if *floor > 0.0 { (floor / delivered(j)).min(1.0) } else { 0.0 };
            // Nothing at all is kept of nothing.
            let kept = floors.iter().enumerate().map(part).fold(0.0, f64::max);
            self.kept[*start..][..*len].fill(kept);
        }
        let [all, all_kept] = &mut self.all;
        all.fill(0.0);
        all_kept.fill(0.0);
        for (left, kept) in self.left.chunks_exact(p).zip(&self.kept) {
            for j in 0..p {
                all[j] += left[j];
                all_kept[j] += kept * left[j];
            }
        }
        for Sums { keys, left: sums, kept: sums_kept, .. } in &mut self.scopes {
            sums.fill(0.0);
            sums_kept.fill(0.0);
            for ((key, left), kept) in keys.iter().zip(self.left.chunks_exact(p)).zip(&self.kept).filter(|((key, _), _)| **key != NONE) {
                let (sums, sums_kept) = (&mut sums[key * p..][..p], &mut sums_kept[key * p..][..p]);
                for j in 0..p {
                    sums[j] += left[j];
                    sums_kept[j] += kept * left[j];
                }
            }
        }
    }

    /// What the rows ask of this round, and the most that any asks.
    fn asks(&self, dual: &Dual<'_>, required: &Required, margin: f64) -> (Shrink, f64) {
        let mut shrink = Shrink::new(self);
        for i in &dual.shared {
            let r = &dual.rows[*i];
            let Some(at) = self.scopes.iter().position(|s| s.scope == r.scope as usize).filter(|_| r.b == 0.0) else { continue };
            let cell = r.key * self.p + dual.slot(r.measure);
            let (part, kept) = (self.scopes[at].left[cell], self.scopes[at].kept[cell]);
            // A target met with a margin would be a target missed.
            let cap = if r.lo == r.hi { r.hi } else { r.hi * (1.0 - margin) };
            if required.above[*i] && r.a * part > cap {
                shrink.lower(at, r.key, (1.0 - BEYOND_CAP) * cap / r.a, part, kept);
            }
        }
        for family in &self.families {
            let sums = &self.scopes[family.scope];
            let parts_of = |sums: &[f64]| -> Vec<f64> { sums.iter().skip(family.j).step_by(self.p).copied().collect() };
            let (mut parts, mut kept) = (parts_of(&sums.left), parts_of(&sums.kept));
            if family.is_kept(&parts, self.all[0][family.j]) {
                continue;
            }
            // Those of no key come last.
            parts.push((self.all[0][family.j] - parts.iter().sum::<f64>()).max(0.0));
            kept.push((self.all[1][family.j] - kept.iter().sum::<f64>()).clamp(0.0, parts[parts.len() - 1]));
            let to = family.lowered(&parts, &kept);
            for (key, (to, (part, kept))) in to.iter().zip(parts.iter().zip(&kept)).enumerate() {
                if to < part {
                    shrink.lower(family.scope, key, *to, *part, *kept);
                }
            }
        }
        let excess = shrink.excess;
        (shrink, excess)
    }

    fn apply(&mut self, shrink: &Shrink) {
        let mut to = vec![1f64; self.factor.len()];
        for (Sums { keys, .. }, factors) in self.scopes.iter().zip(&shrink.scopes) {
            for (to, key) in to.iter_mut().zip(*keys) {
                // Those of no key have the last factor.
                *to = to.min(factors[(*key).min(factors.len() - 1)]);
            }
        }
        for ((factor, to), kept) in self.factor.iter_mut().zip(to).zip(&self.kept) {
            *factor *= kept + (1.0 - kept) * to;
        }
    }
}

/// By how much a round lowers the members of each key of each scope, what floors keep aside.
struct Shrink {
    /// By scope, as the ledgers list them: factors by key, the last that of those of no key.
    scopes: Vec<Vec<f64>>,
    /// The most by which what is to be left is below what there is.
    excess: f64,
}

impl Shrink {
    fn new(ledgers: &Ledgers<'_>) -> Self {
        Self { scopes: ledgers.scopes.iter().map(|s| vec![1.0; s.left.len() / ledgers.p + 1]).collect(), excess: 0.0 }
    }

    /// Asks that `to` be left of `part`, of which `kept` stays.
    fn lower(&mut self, scope: usize, key: usize, to: f64, part: f64, kept: f64) {
        self.excess = self.excess.max(1.0 - to.max(0.0) / part);
        let factor = &mut self.scopes[scope][key];
        *factor = factor.min(if part > kept { ((to - kept) / (part - kept)).clamp(0.0, 1.0) } else { 1.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::Family;
    use crate::model::mix;

    #[test]
    fn shares_are_kept_at_the_largest_total() {
        let mut seed = 3;
        let mut unit = || {
            seed = mix(seed);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut lowered, mut limited) = (0, 0);
        for case in 0..20_000 {
            let n = 1 + (unit() * 6.0) as usize;
            let bounds: Vec<(f64, f64)> = (0..n)
                .map(|_| {
                    (if unit() < 0.5 { 0.0 } else { 0.8 * unit() / n as f64 }, if unit() < 0.5 { 1.0 } else { (1.0 + unit()) / n as f64 })
                })
                .collect();
            let parts: Vec<f64> = (0..=n).map(|i| if i == n && unit() < 0.5 { 0.0 } else { 10.0 * unit() }).collect();
            let family = Family { scope: 0, j: 0, bounds };
            let to = family.lowered(&parts, &vec![0.0; n + 1]);
            let total: f64 = to.iter().sum();
            assert!(to.iter().zip(&parts).all(|(to, part)| (0.0..=part * (1.0 + 1e-12)).contains(to)), "case {case}: {to:?} of {parts:?}");
            assert!(family.is_kept(&to[..n], total) || total < 1e-6, "case {case}: {to:?} of {parts:?} for {:?}", family.bounds);
            // No larger total has parts that keep their shares.
            let more = total * (1.0 + 1e-6);
            let most: f64 = family.bounds.iter().zip(&parts).map(|((_, most), part)| part.min(most * more)).sum::<f64>() + parts[n];
            let is_short = family.bounds.iter().zip(&parts).any(|((least, _), part)| *part < least * more);
            assert!(most < more || is_short, "case {case}: {total} of {parts:?} for {:?}", family.bounds);
            lowered += usize::from(total < parts.iter().sum::<f64>() * (1.0 - 1e-6));
            limited += usize::from(is_short);
        }
        assert!(lowered > 5_000 && limited > 2_000, "{lowered}, {limited}");
    }

    #[test]
    fn what_is_kept_is_not_taken() {
        let family = Family { scope: 0, j: 0, bounds: vec![(0.25, 1.0), (0.0, 1.0)] };
        // The first has a quarter of 8; of the others, floors keep 5 of 6 in one.
        let to = family.lowered(&[2.0, 6.0, 4.0], &[0.0, 5.0, 0.0]);
        assert!(to.iter().zip([2.0, 5.2, 0.8]).all(|(to, want)| (to - want).abs() < 1e-6), "{to:?}");
    }
}
