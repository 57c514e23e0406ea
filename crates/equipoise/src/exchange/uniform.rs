//! The uniform split: every candidate of an opportunity gets the same share of its places. It needs no prices, and nothing is filled past its size.

use super::pack::Layout;
use super::sums::Sums;
use equipoise_kernel::{Block, Row, Tally};

/// What each candidate of an opportunity gets.
pub(super) fn share(row: &Row) -> f64 {
    (f64::from(row.slots) / f64::from(row.len)).min(1.0)
}

/// What the uniform split delivers, block by block.
pub(super) struct Split {
    sums: Sums,
    tally: Tally,
}

impl Split {
    pub(super) fn new(layout: &Layout) -> Self {
        Self { sums: Sums::zero(layout.columns.len(), layout.measures), tally: layout.tally() }
    }

    pub(super) fn add(&mut self, block: &Block) {
        for (r, row) in block.rows() {
            let x = share(&row) * row.weight;
            (0..row.len as usize).for_each(|j| self.tally.add(block, block.at(r, j), x));
        }
        self.sums.rows += block.candidates();
    }

    pub(super) fn into_sums(self) -> Sums {
        Sums { cells: self.tally.into_cells(), ..self.sums }
    }
}
