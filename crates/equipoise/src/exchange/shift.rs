//! Fractional decisions moved against each other: the answers around a pass that need no other pass.

use super::row::threshold;
use super::sums::Active;

/// No entry is moved further, so that sums keep their digits.
const FAR: f64 = 1e6;

/// Moves the fractional entries of one opportunity to `clip(x - by - theta, 0, 1)`. Where slots bind the entries keep their sum; elsewhere it may
/// grow by `room`, and `theta` is at least 0.
pub(super) fn shift(x: &mut [f64], by: &[f64], room: f64, binds: bool) {
    let total = x.iter().sum::<f64>() + room;
    x.iter_mut().zip(by).for_each(|(x, by)| *x -= by.clamp(-FAR, FAR));
    let fits = !binds && x.iter().map(|v| v.clamp(0.0, 1.0)).sum::<f64>() <= total;
    let (mut base, mut theta) = (0.0, 0.0);
    if !fits {
        let mut sorted = x.to_vec();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        base = sorted[0];
        theta = threshold(&sorted, base, total, sorted[sorted.len() - 1] - 1.0);
    }
    for v in x.iter_mut() {
        *v = (*v - base - theta).clamp(0.0, 1.0);
    }
}

impl Active {
    /// What moving the entries by `charges` (by column and measure, in scores per unit) over `gamma` changes: `change(column, measure, amount)` for
    /// each entry and measure.
    pub(crate) fn shifted(&self, charges: &[f64], measures: usize, gamma: f64, mut change: impl FnMut(usize, usize, f64)) {
        let others = measures - 1;
        let (mut x, mut by) = (Vec::new(), Vec::new());
        for r in 0..self.rows() {
            let span = self.starts[r] as usize..self.starts[r + 1] as usize;
            x.clear();
            x.extend_from_slice(&self.x[span.clone()]);
            by.clear();
            by.extend(span.clone().map(|e| charge(charges, self.column[e] as usize, &self.y[e * others..][..others]) / gamma));
            shift(&mut x, &by, self.room[r], self.binds[r]);
            for (e, x) in span.zip(&x) {
                let (column, more) = (self.column[e] as usize, self.weight[r] * (x - self.x[e]));
                change(column, 0, more);
                self.y[e * others..][..others].iter().enumerate().for_each(|(j, y)| change(column, 1 + j, more * f64::from(*y)));
            }
        }
    }
}

/// What an entry of a column is charged: for its exposure, and for its amounts of the other measures.
pub(super) fn charge(charges: &[f64], column: usize, amounts: &[f32]) -> f64 {
    let own = &charges[column * (amounts.len() + 1)..][..=amounts.len()];
    own[1..].iter().zip(amounts).fold(own[0], |sum, (charge, y)| sum + charge * f64::from(*y))
}

#[cfg(test)]
mod tests {
    use super::super::{Ask, Exchange as _, Local, Packed, Prices, Sample};
    use super::shift;
    use crate::model::mix;
    use std::sync::Arc;

    /// The sums of decisions rebuilt one by one are those of the pass and what [`super::Active::shifted`] says; no opportunity takes too much.
    #[test]
    fn decisions_are_rebuilt_as_they_were_counted() {
        let mut seed = 7;
        let mut unit = || {
            seed = mix(seed);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (campaigns, classes, m) = (20, 3, 3);
        let mut s = Sample { starts: vec![0], measures: vec![Vec::new(); m - 1], campaigns, classes, ..Sample::default() };
        for _ in 0..5_000 {
            let n = 1 + (unit() * 12.0) as usize;
            s.slots.push((unit() * 4.0) as u32);
            s.weight.push(0.2 + unit());
            s.class.push((unit() * classes as f64) as u32);
            s.campaign.extend((0..n).map(|_| (unit() * campaigns as f64) as u32));
            s.measures.iter_mut().for_each(|y| y.extend((0..n).map(|_| unit() as f32)));
            s.starts.push(s.campaign.len() as u64);
        }
        let packed = Arc::new(Packed::new(&s));
        let mut local = Local::new(packed.clone(), 2).expect("threads");
        let numbers = |n: usize, unit: &mut dyn FnMut() -> f64, wide: f64| -> Vec<f64> { (0..n).map(|_| wide * unit()).collect() };
        let (v, p) = (numbers(classes * m, &mut unit, 1.0), numbers(campaigns * m, &mut unit, 0.6));
        let gamma = 0.3;
        let ask = Ask::Prices(Prices { v, p, gamma, near: 0.1 });
        let sums = local.pass(&ask).expect("a pass");
        let layout = local.layout().clone();
        let charges: Vec<f64> = (0..layout.columns.len() * m).map(|_| 0.4 * (unit() - 0.5)).collect();
        let mut want: Vec<f64> = sums.cells.iter().enumerate().map(|(i, s)| *s as f64 * layout.scales[i % m].value(1)).collect();
        let (plain, mut moved) = (want.clone(), 0.0);
        for (_, active) in &sums.active {
            active.shifted(&charges, m, gamma, |column, measure, amount| {
                want[column * m + measure] += amount;
                moved += amount.abs();
            });
        }
        let mut x = vec![0.0; s.campaign.len()];
        local.decide_shifted(0..packed.blocks(), &ask, Some(&charges), |i, v| x[i] += v).expect("decisions");
        let mut got = vec![0.0; want.len()];
        let mut taken = vec![0.0; s.slots.len()];
        let add = |row: &equipoise_kernel::Row, i: usize, column: usize, y: &[f32]| {
            taken[row.opportunity as usize] += x[i];
            got[column * m] += row.weight * x[i];
            y.iter().enumerate().for_each(|(j, y)| got[column * m + 1 + j] += row.weight * x[i] * f64::from(*y));
        };
        packed.each_candidate_of(0..packed.blocks(), add).expect("candidates");
        assert!(moved > 100.0 && plain != want, "{moved}: something moves");
        assert!(x.iter().all(|x| (0.0..=1.0).contains(x)) && taken.iter().zip(&s.slots).all(|(t, slots)| *t <= f64::from(*slots) + 1e-12));
        let worst = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn entries_keep_their_sum_and_go_to_the_nearest_place() {
        let mut seed = 5;
        let mut unit = || {
            seed = mix(seed);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        for case in 0..50_000 {
            let n = 1 + (unit() * 5.0) as usize;
            let (binds, wide) = (unit() < 0.6, 10f64.powf(4.0 * unit() - 2.0));
            let before: Vec<f64> = (0..n).map(|_| unit()).collect();
            let room = if binds { 0.0 } else { unit() * 2.0 };
            let by: Vec<f64> = (0..n).map(|_| wide * (unit() - 0.5)).collect();
            let mut x = before.clone();
            shift(&mut x, &by, room, binds);
            let (sum, total): (f64, f64) = (x.iter().sum(), before.iter().sum::<f64>() + room);
            assert!(x.iter().all(|x| (0.0..=1.0).contains(x)), "case {case}: {x:?}");
            assert!(
                sum <= total + 1e-11 * wide && (!binds || (sum - total).abs() < 1e-11 * wide.max(1.0)),
                "case {case}: {sum} for {total}"
            );
            // All that are inside went by the same amount beside their own, which an entry at an end could not follow.
            let theta = |i: usize| before[i] - by[i] - x[i];
            for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, _)| x[*i] > 0.0 && x[*i] < 1.0) {
                let slip = 1e-11 * (1.0 + wide);
                assert!(x[j] <= 0.0 || theta(j) >= theta(i) - slip, "case {case}: {before:?} by {by:?} is {x:?}");
                assert!(x[j] >= 1.0 || theta(j) <= theta(i) + slip, "case {case}: {before:?} by {by:?} is {x:?}");
                assert!(binds || sum > total - slip || theta(i).abs() < slip, "case {case}: {before:?} by {by:?} is {x:?}");
            }
        }
    }
}
