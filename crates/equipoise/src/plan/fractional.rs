//! The fractional opportunities of a pass in inner units: what the curvature of the smoothed dual is made of.

use super::parts;
use crate::exchange::{Active, Exchange, Sums};

/// Opportunities that a pass left fractional, those of one kind together: what is done to each is then the same, and needs no branch.
pub(super) struct Fractional {
    /// By part of the sample.
    parts: Vec<Vec<Kind>>,
    /// How many priced measures are exposure, whose amount is 1: it is the first of them, if it is one.
    exposure: usize,
    /// What an amount of each other priced measure is in inner units.
    units: Vec<f64>,
}

/// Opportunities of `len` fractional entries.
pub(super) struct Kind {
    pub(super) len: usize,
    /// Whether their slots bind, so that entries move against each other.
    pub(super) binds: bool,
    /// By opportunity: its weight over the smoothing.
    pub(super) stiff: Vec<f64>,
    /// By entry: its column, and its amounts of the priced measures, exposure left out. A step walks them hundreds of times, as fast as memory
    /// gives them.
    pub(super) column: Vec<u32>,
    amounts: Vec<f32>,
}

impl Fractional {
    /// The opportunities of a pass, which gives amounts of `measures` measures; weights are in units of `unit`, amounts of priced ones in those of
    /// `units`.
    pub(super) fn new(sums: &Sums, measures: usize, priced: &[usize], unit: f64, units: &[f64], exchange: &dyn Exchange) -> Self {
        let exposure = usize::from(priced.first() == Some(&0));
        let others: Vec<usize> = priced[exposure..].iter().map(|j| j - 1).collect();
        let ranges = parts::of_blocks(&sums.active, sums.cells.len());
        let kinds = |i: usize| kinds(&sums.active[ranges[i].clone()], measures - 1, &others, unit);
        Self { parts: parts::each(exchange, ranges.len(), kinds), exposure, units: units[exposure..].to_vec() }
    }

    /// Sums over opportunities: `work` is given those of a kind, some at a time, and adds to a list of `len` zeros.
    pub(super) fn sum(&self, len: usize, exchange: &dyn Exchange, work: impl Fn(&Kind, &mut [f64]) + Sync) -> Vec<f64> {
        parts::sum(exchange, self.parts.len(), len, |i, sum| self.parts[i].iter().for_each(|kind| work(kind, sum)))
    }

    /// The amount of a priced measure, by position among them, of an entry of a kind.
    pub(super) fn amount(&self, kind: &Kind, entry: usize, slot: usize) -> f64 {
        match slot.checked_sub(self.exposure) {
            None => 1.0,
            Some(other) => self.units[other] * f64::from(kind.amounts[entry * self.units.len() + other]),
        }
    }

    /// Curvature times the prices that charge columns this, by column and priced measure.
    pub(super) fn curve(&self, charges: &[f64], exchange: &dyn Exchange) -> Vec<f64> {
        // The loops over measures and entries unroll where their numbers are constants.
        self.sum(charges.len(), exchange, |kind, cells| match (self.exposure, self.units.as_slice()) {
            (1, units @ []) => kind.curve::<1, 0>(units, charges, cells),
            (1, units @ [_]) => kind.curve::<1, 1>(units, charges, cells),
            (1, units @ [_, _]) => kind.curve::<1, 2>(units, charges, cells),
            (0, units @ [_]) => kind.curve::<0, 1>(units, charges, cells),
            (0, units @ [_, _]) => kind.curve::<0, 2>(units, charges, cells),
            (exposure, units) => kind.curve_any(exposure, units, charges, cells),
        })
    }
}

/// The opportunities of some blocks by kind, with their amounts of `others` among `measures`.
fn kinds(blocks: &[(u32, Active)], measures: usize, others: &[usize], unit: f64) -> Vec<Kind> {
    // By twice the length, and one more where slots bind.
    let kind_of = |active: &Active, r: usize| 2 * (active.starts[r + 1] - active.starts[r]) as usize + usize::from(active.binds[r]);
    let mut counts = Vec::new();
    for (_, active) in blocks {
        for kind in (0..active.rows()).map(|r| kind_of(active, r)) {
            if kind >= counts.len() {
                counts.resize(kind + 1, 0);
            }
            counts[kind] += 1;
        }
    }
    let room = |(kind, rows): (usize, &usize)| Kind {
        len: kind / 2,
        binds: kind % 2 == 1,
        stiff: Vec::with_capacity(*rows),
        column: Vec::with_capacity(rows * (kind / 2)),
        amounts: Vec::with_capacity(rows * (kind / 2) * others.len()),
    };
    let mut kinds: Vec<Kind> = counts.iter().enumerate().map(room).collect();
    for (_, active) in blocks {
        for r in 0..active.rows() {
            let span = active.starts[r] as usize..active.starts[r + 1] as usize;
            let kind = &mut kinds[kind_of(active, r)];
            kind.stiff.push(active.weight[r] / unit);
            kind.column.extend_from_slice(&active.column[span.clone()]);
            span.for_each(|e| kind.amounts.extend(others.iter().map(|j| active.y[e * measures + j])));
        }
    }
    kinds.retain(|kind| !kind.stiff.is_empty());
    kinds
}

impl Kind {
    /// Adds the curvature of these opportunities, of `E` exposure and `O` other measures.
    fn curve<const E: usize, const O: usize>(&self, units: &[f64], charges: &[f64], cells: &mut [f64]) {
        match self.len {
            1 => self.curve_of::<E, O, 1>(units, charges, cells),
            2 => self.curve_of::<E, O, 2>(units, charges, cells),
            3 => self.curve_of::<E, O, 3>(units, charges, cells),
            _ => self.curve_any(E, units, charges, cells),
        }
    }

    /// The same for `N` entries.
    fn curve_of<const E: usize, const O: usize, const N: usize>(&self, units: &[f64], charges: &[f64], cells: &mut [f64]) {
        let Ok(units) = <&[f64; O]>::try_from(units) else { return };
        let m = E + O;
        for ((r, h), columns) in self.stiff.iter().enumerate().zip(self.column.as_chunks::<N>().0) {
            let amounts = &self.amounts[r * N * O..][..N * O];
            let mut moved = [0.0; N];
            let mut y = [[0.0; O]; N];
            for i in 0..N {
                let charges = &charges[columns[i] as usize * m..][..m];
                if E == 1 {
                    moved[i] = charges[0];
                }
                for j in 0..O {
                    y[i][j] = units[j] * f64::from(amounts[i * O + j]);
                    moved[i] += charges[E + j] * y[i][j];
                }
            }
            let mean = if self.binds { moved.iter().sum::<f64>() * (1.0 / N as f64) } else { 0.0 };
            for i in 0..N {
                let x = (moved[i] - mean) * h;
                let cells = &mut cells[columns[i] as usize * m..][..m];
                if E == 1 {
                    cells[0] += x;
                }
                for j in 0..O {
                    cells[E + j] += x * y[i][j];
                }
            }
        }
    }

    /// The same for any numbers of all three.
    fn curve_any(&self, exposure: usize, units: &[f64], charges: &[f64], cells: &mut [f64]) {
        let (n, o, m) = (self.len, units.len(), exposure + units.len());
        let amount =
            |e: usize, j: usize| if j < exposure { 1.0 } else { units[j - exposure] * f64::from(self.amounts[e * o + j - exposure]) };
        let mut moved = vec![0.0; n];
        for (r, h) in self.stiff.iter().enumerate() {
            let entries = r * n..(r + 1) * n;
            for (w, e) in moved.iter_mut().zip(entries.clone()) {
                *w = (0..m).map(|j| charges[self.column[e] as usize * m + j] * amount(e, j)).sum();
            }
            let mean = if self.binds { moved.iter().sum::<f64>() * (1.0 / n as f64) } else { 0.0 };
            for (w, e) in moved.iter().zip(entries) {
                let x = (w - mean) * h;
                (0..m).for_each(|j| cells[self.column[e] as usize * m + j] += x * amount(e, j));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fractional;
    use crate::exchange::{Active, Exchange as _, Local, Packed, Sample, Sums};
    use crate::model::mix;
    use std::sync::Arc;

    /// For every number of priced measures and of entries that has code of its own, and for some that have not.
    #[test]
    fn shared_curvature_has_the_bits_of_one_threads_and_is_the_plain_sum() {
        let (blocks, rows, columns, measures) = (40, 500, 50, 4);
        let mut seed = 3;
        let mut draw = || {
            seed = mix(seed);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut sums = Sums { cells: vec![0; columns * measures], ..Sums::default() };
        for b in 0..blocks {
            let mut active = Active { starts: vec![0], ..Active::default() };
            for r in 0..rows {
                active.starts.push(active.starts[r] + 1 + (5.0 * draw()) as u32);
                active.binds.push(draw() < 0.7);
                active.weight.push(0.1 + draw());
            }
            let entries = active.starts[rows];
            active.column.extend((0..entries).map(|_| (columns as f64 * draw()) as u32));
            active.y.extend((0..entries as usize * (measures - 1)).map(|_| draw() as f32));
            sums.active.push((b, active));
        }
        let sample = Sample { starts: vec![0], classes: 1, ..Sample::default() };
        let packed = Arc::new(Packed::new(&sample));
        let [one, three] = [1, 3].map(|n| Local::new(packed.clone(), n).expect("threads"));
        assert_eq!(one.layout().rows, 0, "an exchange that only shares work");
        for priced in [vec![0], vec![2], vec![0, 3], vec![1, 3], vec![0, 1, 2], vec![1, 2, 3], vec![0, 1, 2, 3]] {
            let m = priced.len();
            let units: Vec<f64> = priced.iter().map(|j| if *j == 0 { 1.0 } else { 0.5 + draw() }).collect();
            let charges: Vec<f64> = (0..columns * m).map(|_| draw() - 0.5).collect();
            let fractional = Fractional::new(&sums, measures, &priced, 0.1, &units, &three);
            assert!(fractional.parts.len() > 1, "work for several parts");
            let got = fractional.curve(&charges, &three);
            assert_eq!(got, Fractional::new(&sums, measures, &priced, 0.1, &units, &one).curve(&charges, &one));
            let mut want = vec![0.0; columns * m];
            for (_, active) in &sums.active {
                let amount = |e: usize, a: usize| if priced[a] == 0 { 1.0 } else { units[a] * f64::from(active.y[e * 3 + priced[a] - 1]) };
                for r in 0..rows {
                    let span = active.starts[r] as usize..active.starts[r + 1] as usize;
                    let charge = |e: usize| (0..m).map(|a| charges[active.column[e] as usize * m + a] * amount(e, a)).sum::<f64>();
                    let mean = if active.binds[r] { span.clone().map(charge).sum::<f64>() / span.len() as f64 } else { 0.0 };
                    for e in span {
                        for a in 0..m {
                            want[active.column[e] as usize * m + a] += (charge(e) - mean) * active.weight[r] / 0.1 * amount(e, a);
                        }
                    }
                }
            }
            let size = want.iter().fold(0f64, |a, w| a.max(w.abs()));
            assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-11 * size.max(1.0)), "{priced:?}: {got:?} {want:?}");
        }
    }
}
