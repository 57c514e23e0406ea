//! Fixed-point sums by column and measure.

use crate::block::{Block, LANES};

/// The largest term of a sum that cannot overflow.
const MOST: f64 = 4_611_686_018_427_387_904.0;

/// A number in `[0, 2^62]` to the nearest integer, halves up; what lies outside, and NaN, becomes the nearer end.
#[inline]
#[must_use]
pub fn nearest(term: f64) -> i64 {
    // Written so that each line is one instruction.
    let term = if term > 0.0 { term } else { 0.0 };
    let term = if term < MOST { term } else { MOST };
    // SAFETY: neither NaN nor outside what an i64 holds.
    unsafe { (term + 0.5).to_int_unchecked() }
}

/// Sums of a pass: by column, then measure, `exposure` first.
#[derive(Debug)]
pub struct Tally {
    cells: Vec<i64>,
    factors: Vec<f64>,
}

impl Tally {
    /// Zero sums of `columns` columns; `factors` are the fixed-point scales of the measures, `exposure` first.
    #[must_use]
    pub fn new(columns: usize, factors: Vec<f64>) -> Self {
        Self { cells: vec![0; columns * factors.len()], factors }
    }

    /// The fixed-point scale of `exposure`.
    #[must_use]
    pub fn unit(&self) -> f64 {
        self.factors[0]
    }

    /// Adds `x` of the candidate packed at `at` to its column.
    ///
    /// # Panics
    /// If the block has another number of measures, or no such candidate, or its column none in the sums.
    #[inline]
    pub fn add(&mut self, block: &Block, at: usize, x: f64) {
        let (column, m) = (block.column(at), self.factors.len());
        assert!(block.measures.len() + 1 == m && (column + 1) * m <= self.cells.len(), "sums of this block");
        // SAFETY: the cells lie inside by the assert; `column` checked that `at` lies inside the block, whose measures are as long as its columns.
        unsafe {
            let cells = self.cells.as_mut_ptr().add(column * m);
            *cells += nearest(x * self.factors.get_unchecked(0));
            for (j, y) in block.measures.iter().enumerate() {
                let y = f64::from(*y.get_unchecked(at / LANES).0.get_unchecked(at % LANES));
                *cells.add(j + 1) += nearest(x * y * self.factors.get_unchecked(j + 1));
            }
        }
    }

    /// The sums.
    #[must_use]
    pub fn into_cells(self) -> Vec<i64> {
        self.cells
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn rounds_and_stays_inside() {
        let cases = [
            (0.0, 0),
            (0.49, 0),
            (0.5, 1),
            (2.5, 3),
            (-1.0, 0),
            (f64::NAN, 0),
            (1e300, 1 << 62),
            (f64::INFINITY, 1 << 62),
            (1e15 + 0.25, 1e15 as i64),
        ];
        for (term, want) in cases {
            assert_eq!(nearest(term), want, "{term}");
        }
    }
}
