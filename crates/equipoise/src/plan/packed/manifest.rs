//! What a packed file says about itself.

use super::bytes::{Digest, corrupt};
use crate::error::Result;
use crate::plan::inputs::{Amounts, Inputs};
use serde::{Deserialize, Serialize};

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "columns that a log has or lacks, each by itself")]
pub(super) struct Manifest {
    /// Without `exposure`, in the order of the blocks.
    pub(super) measures: Vec<String>,
    /// Objective weights at packing, `exposure` first.
    pub(super) weights: Vec<f64>,
    pub(super) amounts: Amounts,
    /// Digest of the campaigns' ids.
    pub(super) campaigns: Digest,
    pub(super) markets: Vec<String>,
    pub(super) surfaces: Vec<String>,
    pub(super) has_time: bool,
    /// Columns of the log, and whether blocks have organic values, given or computed.
    pub(super) has_organic: bool,
    pub(super) gives_organic_value: bool,
    pub(super) has_organic_value: bool,
    /// Whether goals told markets and surfaces apart.
    pub(super) by_market: bool,
    pub(super) by_surface: bool,
    pub(super) shift: i64,
    /// Market and surface of each segment class, `u32::MAX` where none.
    pub(super) classes: Vec<(u32, u32)>,
    /// Campaign and class of each column, in the order in which they came.
    pub(super) columns: Vec<(u32, u32)>,
    /// Weight of the log, of what is planned on and of what is held out.
    pub(super) total: f64,
    pub(super) kept: f64,
    pub(super) held: f64,
    /// Opportunities planned on, and the log's rows.
    pub(super) opportunities: u64,
    pub(super) log_rows: u64,
    pub(super) notes: Vec<String>,
    /// By block: rows and opportunities.
    pub(super) blocks: Vec<(Part, Part)>,
    /// The opportunities planned on as logs, in their order.
    pub(super) logs: Vec<Part>,
    pub(super) held_out: Option<Part>,
}

impl Manifest {
    /// What can be checked without the blocks.
    pub(super) fn check(&self) -> Result<()> {
        let amount = |v: &f64| v.is_finite() && *v >= 0.0;
        let n = self.measures.len() + 1;
        let named = |list: &[String], index: u32| index == u32::MAX || (index as usize) < list.len();
        let good = self.weights.len() == n
            && self.amounts.positive.len() == n
            && self.weights.iter().all(|w| w.is_finite())
            && self.amounts.positive.iter().map(|p| &p.0).chain([&self.amounts.largest, &self.total, &self.kept, &self.held]).all(amount)
            && self.kept > 0.0
            && self.opportunities > 0
            && self.opportunities < u64::from(u32::MAX)
            && self.blocks.len() as u64 == self.opportunities.div_ceil(crate::exchange::BLOCK as u64)
            && !self.classes.is_empty()
            && self.classes.iter().all(|c| named(&self.markets, c.0) && named(&self.surfaces, c.1))
            && self.columns.len() < u32::MAX as usize
            && self.columns.iter().all(|c| (c.1 as usize) < self.classes.len());
        if good { Ok(()) } else { Err(corrupt("the manifest contradicts itself")) }
    }
}

/// A digest of the campaigns' ids in order.
pub(super) fn campaigns_digest(inputs: &Inputs<'_>) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for k in 0..inputs.roster.len() as u32 {
        let id = inputs.roster.id(k).as_bytes();
        hasher.update(&(id.len() as u64).to_le_bytes()).update(id);
    }
    *hasher.finalize().as_bytes()
}
