//! The floor: bringing in every cache line that a request must read, and nothing else.

use crate::instance::Columns;
use std::hint::black_box;

/// Campaigns' rows of 32 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Row([u32; 8]);

pub(crate) struct Floor {
    rows: Vec<Row>,
}

impl Floor {
    pub(crate) fn new(campaigns: u32) -> Self {
        Self { rows: (0..campaigns).map(|c| Row([c; 8])).collect() }
    }

    /// Reads one word of each line of the measures, organic scores and candidates, and one of each promoted candidate's row.
    pub(crate) fn touch(&self, columns: &Columns) -> u32 {
        let lines = |values: &[f32]| values.iter().step_by(16).fold(0, |sum, v| sum ^ v.to_bits());
        let sum = lines(&columns.measures) ^ lines(&columns.organic);
        let sum = columns.rows.iter().step_by(16).fold(sum, |sum, row| sum ^ row);
        // Whom to look up is known beforehand: nothing is decided here.
        let rows = columns.campaigns.iter().map(|c| self.rows[*c as usize].0[0]);
        black_box(rows.fold(sum, |sum, word| sum ^ word))
    }
}
