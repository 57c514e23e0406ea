//! The fractional opportunities of a pass in inner units: what the curvature of the smoothed dual is made of.

use crate::exchange::{Active, Exchange};
use std::ops::Range;
use std::sync::OnceLock;

/// Entries that are worth a part of their own, and parts at most.
const PART: usize = 1 << 15;
const PARTS: usize = 8;

/// Opportunities that a pass left fractional, those of one kind together: what is done to each is then the same, and needs no branch.
pub(super) struct Fractional {
    kinds: Vec<Kind>,
    entries: usize,
    measures: usize,
}

/// Opportunities of `len` fractional entries.
pub(super) struct Kind {
    pub(super) len: usize,
    /// Whether their slots bind, so that entries move against each other.
    pub(super) binds: bool,
    /// By opportunity: its weight over the smoothing.
    pub(super) stiff: Vec<f64>,
    /// By entry: its column, and its priced measures in inner units.
    pub(super) column: Vec<u32>,
    pub(super) y: Vec<f64>,
}

impl Fractional {
    /// The opportunities of all blocks, whose entries have `measures` priced measures; `amounts` appends those of an entry of a block. Weights are
    /// in units of `unit`.
    pub(super) fn new(
        blocks: &[(u32, Active)],
        measures: usize,
        unit: f64,
        mut amounts: impl FnMut(&Active, usize, &mut Vec<f64>),
    ) -> Self {
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
            y: Vec::with_capacity(rows * (kind / 2) * measures),
        };
        let mut kinds: Vec<Kind> = counts.iter().enumerate().map(room).collect();
        for (_, active) in blocks {
            for r in 0..active.rows() {
                let span = active.starts[r] as usize..active.starts[r + 1] as usize;
                let kind = &mut kinds[kind_of(active, r)];
                kind.stiff.push(active.weight[r] / unit);
                kind.column.extend_from_slice(&active.column[span.clone()]);
                span.for_each(|e| amounts(active, e, &mut kind.y));
            }
        }
        kinds.retain(|kind| !kind.stiff.is_empty());
        let entries = blocks.iter().map(|(_, active)| active.column.len()).sum();
        Self { kinds, entries, measures }
    }

    /// Sums over opportunities: `work` is given some of a kind and adds to a list of `len` zeros. Parts are as many as there is work for, so that the
    /// sum has the same bits however `exchange` shares them out.
    pub(super) fn sum(&self, len: usize, exchange: &dyn Exchange, work: impl Fn(&Kind, Range<usize>, &mut [f64]) + Sync) -> Vec<f64> {
        let parts = (self.entries / PART).clamp(1, PARTS);
        let sums: Vec<OnceLock<Vec<f64>>> = (0..parts).map(|_| OnceLock::new()).collect();
        exchange.share(parts, &|i| {
            sums[i].get_or_init(|| {
                let mut sum = vec![0.0; len];
                for kind in &self.kinds {
                    let rows = kind.stiff.len();
                    work(kind, rows * i / parts..rows * (i + 1) / parts, &mut sum);
                }
                sum
            });
        });
        let mut sums = sums.into_iter().filter_map(OnceLock::into_inner);
        let mut all = sums.next().unwrap_or_default();
        for more in sums {
            all.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        all
    }

    /// Curvature times the prices that charge columns this, by column and priced measure.
    pub(super) fn curve(&self, charges: &[f64], exchange: &dyn Exchange) -> Vec<f64> {
        // The loops over measures and entries unroll where their numbers are constants.
        self.sum(charges.len(), exchange, |kind, rows, cells| match (self.measures, kind.len) {
            (1, 1) => kind.curve::<1, 1>(rows, charges, cells),
            (1, 2) => kind.curve::<1, 2>(rows, charges, cells),
            (1, 3) => kind.curve::<1, 3>(rows, charges, cells),
            (2, 1) => kind.curve::<2, 1>(rows, charges, cells),
            (2, 2) => kind.curve::<2, 2>(rows, charges, cells),
            (2, 3) => kind.curve::<2, 3>(rows, charges, cells),
            (3, 1) => kind.curve::<3, 1>(rows, charges, cells),
            (3, 2) => kind.curve::<3, 2>(rows, charges, cells),
            (3, 3) => kind.curve::<3, 3>(rows, charges, cells),
            (m, _) => kind.curve_any(m, rows, charges, cells),
        })
    }
}

impl Kind {
    /// Adds the curvature of opportunities of `N` entries and `M` measures.
    fn curve<const M: usize, const N: usize>(&self, rows: Range<usize>, charges: &[f64], cells: &mut [f64]) {
        let (charges, cells) = (charges.as_chunks::<M>().0, cells.as_chunks_mut::<M>().0);
        let (columns, y) = (self.column.as_chunks::<N>().0, self.y.as_chunks::<M>().0.as_chunks::<N>().0);
        let opportunities = self.stiff[rows.clone()].iter().zip(&columns[rows.clone()]).zip(&y[rows]);
        for ((h, columns), y) in opportunities {
            let mut moved = [0.0; N];
            for ((w, c), y) in moved.iter_mut().zip(columns).zip(y) {
                *w = charges[*c as usize].iter().zip(y).map(|(charge, y)| charge * y).sum();
            }
            let mean = if self.binds { moved.iter().sum::<f64>() * (1.0 / N as f64) } else { 0.0 };
            for ((w, c), y) in moved.iter().zip(columns).zip(y) {
                let x = (w - mean) * h;
                cells[*c as usize].iter_mut().zip(y).for_each(|(cell, y)| *cell += x * y);
            }
        }
    }

    /// The same for any numbers of both.
    fn curve_any(&self, m: usize, rows: Range<usize>, charges: &[f64], cells: &mut [f64]) {
        let mut moved = vec![0.0; self.len];
        for r in rows {
            let (columns, y) = (&self.column[r * self.len..][..self.len], &self.y[r * self.len * m..][..self.len * m]);
            for ((w, c), y) in moved.iter_mut().zip(columns).zip(y.chunks_exact(m)) {
                *w = charges[*c as usize * m..][..m].iter().zip(y).map(|(charge, y)| charge * y).sum();
            }
            let mean = if self.binds { moved.iter().sum::<f64>() * (1.0 / self.len as f64) } else { 0.0 };
            for ((w, c), y) in moved.iter().zip(columns).zip(y.chunks_exact(m)) {
                let x = (w - mean) * self.stiff[r];
                cells[*c as usize * m..][..m].iter_mut().zip(y).for_each(|(cell, y)| *cell += x * y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fractional, PART};
    use crate::exchange::{Active, Exchange as _, Local, Packed, Sample};
    use crate::model::mix;
    use std::sync::Arc;

    #[test]
    fn shared_curvature_has_the_bits_of_one_threads_and_is_the_plain_sum() {
        let (rows, columns, m) = (PART, 50, 2);
        let mut seed = 3;
        let mut draw = || {
            seed = mix(seed);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut starts = vec![0u32];
        (0..rows).for_each(|r| starts.push(starts[r] + 1 + (5.0 * draw()) as u32));
        let entries = starts[rows] as usize;
        let binds: Vec<bool> = (0..rows).map(|_| draw() < 0.7).collect();
        let column: Vec<u32> = (0..entries).map(|_| (columns as f64 * draw()) as u32).collect();
        let weight: Vec<f64> = (0..rows).map(|_| 0.1 + draw()).collect();
        let y: Vec<f64> = (0..entries * m).map(|i| if i % m == 0 { 1.0 } else { draw() }).collect();
        let charges: Vec<f64> = (0..columns * m).map(|_| draw() - 0.5).collect();
        let active =
            Active { starts: starts.clone(), binds: binds.clone(), weight: weight.clone(), column: column.clone(), ..Active::default() };
        let fractional = Fractional::new(&[(0, active)], m, 0.1, |_, e, to| to.extend_from_slice(&y[e * m..][..m]));
        let sample = Sample { starts: vec![0], classes: 1, ..Sample::default() };
        let packed = Arc::new(Packed::new(&sample));
        let [one, three] = [1, 3].map(|n| Local::new(packed.clone(), n).expect("threads"));
        assert!(entries / PART > 1, "work for several parts");
        assert_eq!(one.layout().rows, 0, "an exchange that only shares work");
        let got = fractional.curve(&charges, &three);
        assert_eq!(got, fractional.curve(&charges, &one));
        let mut want = vec![0.0; columns * m];
        for r in 0..rows {
            let span = starts[r] as usize..starts[r + 1] as usize;
            let charge = |e: usize| (0..m).map(|j| charges[column[e] as usize * m + j] * y[e * m + j]).sum::<f64>();
            let mean = if binds[r] { span.clone().map(charge).sum::<f64>() / span.len() as f64 } else { 0.0 };
            for e in span {
                for j in 0..m {
                    want[column[e] as usize * m + j] += (charge(e) - mean) * weight[r] / 0.1 * y[e * m + j];
                }
            }
        }
        let size = want.iter().fold(0f64, |a, w| a.max(w.abs()));
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-11 * size.max(1.0)), "{got:?} {want:?}");
    }
}
