//! What breaks ties, as a measure of a packed file's blocks.

use crate::model::{hash_text, uniform};
use crate::plan::inputs::Inputs;
use equipoise_kernel::{LANES, Lane, Row};
use std::sync::Arc;

/// `u(key, campaign)` of every candidate.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    /// The hash of the campaign of each column.
    hashes: Arc<Vec<u64>>,
}

impl Noise {
    /// The noise of columns of these campaigns.
    pub(super) fn new(inputs: &Inputs<'_>, campaigns: impl Iterator<Item = u32>) -> Self {
        Self { hashes: Arc::new(campaigns.map(|k| hash_text(inputs.roster.id(k))).collect()) }
    }

    /// The measure laid out as a block's: `columns` as its lanes have them, `keys` of its opportunities from `first` on; nothing where no candidate
    /// is.
    pub(super) fn lanes(&self, rows: &[[Row; LANES]], columns: &[u32], keys: &[u64], first: u32) -> Vec<Lane<f32>> {
        let mut lanes = vec![Lane([0.0; LANES]); columns.len() / LANES];
        let mut step = 0;
        for group in rows {
            for (a, row) in group.iter().enumerate().filter(|(_, row)| row.len > 0) {
                let key = keys[(row.opportunity - first) as usize];
                for j in step..step + row.len as usize {
                    lanes[j].0[a] = uniform(key, self.hashes[columns[j * LANES + a] as usize]);
                }
            }
            step += group.iter().map(|r| r.len as usize).max().unwrap_or(0);
        }
        lanes
    }
}
