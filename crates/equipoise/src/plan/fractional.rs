//! The fractional opportunities of a pass in inner units: what the curvature of the smoothed dual is made of.

use crate::exchange::Exchange;
use std::ops::Range;
use std::sync::OnceLock;

/// Entries that are worth a part of their own, and parts at most.
const PART: usize = 1 << 16;
const PARTS: usize = 8;

/// Opportunities that a pass left fractional.
pub(super) struct Fractional<'a> {
    /// Entries of row `r` are `starts[r]..starts[r + 1]`.
    pub(super) starts: &'a [u32],
    /// By row: whether its slots bind, and its weight.
    pub(super) binds: &'a [bool],
    pub(super) weight: Vec<f64>,
    /// By entry: its column, and its priced measures.
    pub(super) column: &'a [u32],
    pub(super) y: Vec<f64>,
    pub(super) measures: usize,
    pub(super) gamma: f64,
}

impl Fractional<'_> {
    /// Curvature times the prices that charge columns this, by column and priced measure. Parts are as many as there is work for, so that the sum has
    /// the same bits however `exchange` shares them out.
    pub(super) fn curve(&self, charges: &[f64], exchange: &dyn Exchange) -> Vec<f64> {
        let rows = self.binds.len();
        let parts = (self.column.len() / PART).clamp(1, PARTS);
        let sums: Vec<OnceLock<Vec<f64>>> = (0..parts).map(|_| OnceLock::new()).collect();
        exchange.share(parts, &|i| {
            sums[i].get_or_init(|| self.curve_of(rows * i / parts..rows * (i + 1) / parts, charges));
        });
        let mut sums = sums.into_iter().filter_map(OnceLock::into_inner);
        let mut cells = sums.next().unwrap_or_default();
        for more in sums {
            cells.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        cells
    }

    fn curve_of(&self, rows: Range<usize>, charges: &[f64]) -> Vec<f64> {
        // The loops over measures unroll where their number is a constant.
        match self.measures {
            1 => self.curve_by(1, rows, charges),
            2 => self.curve_by(2, rows, charges),
            3 => self.curve_by(3, rows, charges),
            m => self.curve_by(m, rows, charges),
        }
    }

    #[expect(clippy::inline_always, reason = "only inlined does the number of measures become a constant")]
    #[inline(always)]
    fn curve_by(&self, m: usize, rows: Range<usize>, charges: &[f64]) -> Vec<f64> {
        let mut cells = vec![0.0; charges.len()];
        let mut moved = Vec::new();
        for r in rows {
            let span = self.starts[r] as usize..self.starts[r + 1] as usize;
            let (columns, y) = (&self.column[span.clone()], &self.y[span.start * m..span.end * m]);
            moved.resize(columns.len().max(moved.len()), 0.0);
            let mut sum = 0.0;
            for ((c, y), w) in columns.iter().zip(y.chunks_exact(m)).zip(&mut moved) {
                let charge = &charges[*c as usize * m..][..m];
                *w = 0.0;
                for j in 0..m {
                    *w += charge[j] * y[j];
                }
                sum += *w;
            }
            let mean = if self.binds[r] { sum / columns.len() as f64 } else { 0.0 };
            let h = self.weight[r] / self.gamma;
            for ((c, y), w) in columns.iter().zip(y.chunks_exact(m)).zip(&moved) {
                let x = (w - mean) * h;
                let cell = &mut cells[*c as usize * m..][..m];
                for j in 0..m {
                    cell[j] += x * y[j];
                }
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::{Fractional, PART};
    use crate::exchange::{Exchange as _, Local, Packed, Sample};
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
        (0..rows).for_each(|r| starts.push(starts[r] + 1 + (4.0 * draw()) as u32));
        let entries = starts[rows] as usize;
        let binds: Vec<bool> = (0..rows).map(|_| draw() < 0.7).collect();
        let column: Vec<u32> = (0..entries).map(|_| (columns as f64 * draw()) as u32).collect();
        let weight: Vec<f64> = (0..rows).map(|_| 0.1 + draw()).collect();
        let y: Vec<f64> = (0..entries * m).map(|i| if i % m == 0 { 1.0 } else { draw() }).collect();
        let charges: Vec<f64> = (0..columns * m).map(|_| draw() - 0.5).collect();
        let fractional = Fractional { starts: &starts, binds: &binds, weight, column: &column, y, measures: m, gamma: 0.1 };
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
            let charge = |e: usize| (0..m).map(|j| charges[column[e] as usize * m + j] * fractional.y[e * m + j]).sum::<f64>();
            let mean = if binds[r] { span.clone().map(charge).sum::<f64>() / span.len() as f64 } else { 0.0 };
            for e in span {
                for j in 0..m {
                    want[column[e] as usize * m + j] +=
                        (charge(e) - mean) * fractional.weight[r] / fractional.gamma * fractional.y[e * m + j];
                }
            }
        }
        let size = want.iter().fold(0f64, |a, w| a.max(w.abs()));
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-11 * size.max(1.0)), "{got:?} {want:?}");
    }
}
