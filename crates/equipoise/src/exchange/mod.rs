//! The pass: prices in, decisions and deliveries out.
//!
//! The planner and the pacer see passes only through [`Exchange`]. [`Local`] runs them on threads over packed blocks; a host engine would run
//! [`Local`]s over shards and merge the [`Sums`], which are integers and so have the same bits in any order and grouping.

mod blocks;
mod fixed;
mod local;
mod pack;
mod priced;
mod row;
mod settled;
mod shift;
mod sums;
mod threads;
mod uniform;

pub(crate) use blocks::Source;
pub(crate) use pack::{Arranged, BLOCK, Survey, arrange};

pub use fixed::Scale;
pub use local::Local;
pub use pack::{Column, Layout, Packed, Sample};
pub use row::project;
pub use sums::{Active, Sums};

use crate::error::Result;

/// What one pass is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The decisions that maximise net score less `gamma / 2` times their squares, in every opportunity.
    Prices(Prices),
    /// The uniform split: `min(1, slots / candidates)` for every candidate. Blocks in memory were tallied when they were packed, so that over
    /// all of them the answer is there already.
    Uniform,
}

/// The prices of a pass, per unit of measure; measure 0 is `exposure`.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// `V`: what a unit is worth, by segment class and measure (row-major, classes x measures).
    pub v: Vec<f64>,
    /// `P`: what a unit is charged, by campaign and measure (row-major, campaigns x measures).
    pub p: Vec<f64>,
    /// Ridge, in score units; positive.
    pub gamma: f64,
    /// Width, in score units, of the margin beyond the kink within which a row counts as near.
    pub near: f64,
}

impl Prices {
    /// The scale of this pass's value terms: from the largest worth and charge of each measure.
    #[must_use]
    pub fn slack_scale(&self, layout: &Layout) -> Scale {
        let m = layout.measures;
        let largest = |list: &[f64]| {
            let mut most = vec![0f64; m];
            for cell in list.chunks_exact(m) {
                most.iter_mut().zip(cell).for_each(|(most, v)| *most = if v.abs() > *most { v.abs() } else { *most });
            }
            most
        };
        let (v, p) = (largest(&self.v), largest(&self.p));
        Scale::for_total(2.0 * (0..m).map(|j| (v[j] + p[j]) * layout.totals[j]).sum::<f64>())
    }
}

/// Runs passes over one sample.
pub trait Exchange: Sync {
    /// What the sample looks like.
    fn layout(&self) -> &Layout;

    /// Does the planner's own work between passes, in parts `0..parts` and in any order, all of it before it returns: on threads where there are
    /// some. A part may share work of its own.
    fn share(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..parts).for_each(work);
    }

    /// Runs one pass.
    ///
    /// # Errors
    /// Whatever keeps the host from running it; prices are never at fault.
    fn pass(&mut self, ask: &Ask) -> Result<Sums>;
}
