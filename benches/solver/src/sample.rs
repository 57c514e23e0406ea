//! A stored instance as the plain columns that passes run over, and a pass's sums in numbers.

use crate::npy;
use equipoise::exchange::{Layout, Prices, Sample, Sums};
use std::error::Error;
use std::path::Path;

/// Measures of [`load`]'s samples, `exposure` first.
pub(crate) const MEASURES: usize = 3;
/// Their places.
pub(crate) const EXPOSURE: usize = 0;
pub(crate) const VALUE: usize = 1;
pub(crate) const DISPLACEMENT: usize = 2;

/// The sample of the instance in `folder`, with its value and displacement.
pub(crate) fn load(folder: &Path) -> Result<Sample, Box<dyn Error>> {
    let starts: Vec<u64> = npy::read::<i64>(folder, "ptr")?.iter().map(|s| *s as u64).collect();
    let slots: Vec<u32> = npy::read::<u8>(folder, "slots")?.iter().map(|s| u32::from(*s)).collect();
    let weight = npy::read_if_there::<f64>(folder, "weight")?.unwrap_or_else(|| vec![1.0; slots.len()]);
    Ok(Sample {
        starts,
        class: vec![0; slots.len()],
        slots,
        weight,
        campaign: npy::read::<i32>(folder, "camp")?.iter().map(|c| *c as u32).collect(),
        measures: vec![npy::read(folder, "val")?, npy::read(folder, "loss")?],
        campaigns: npy::read::<f64>(folder, "cap")?.len(),
        classes: 1,
    })
}

/// The same with expected streams, where the instance has them.
pub(crate) fn load_all(folder: &Path) -> Result<Sample, Box<dyn Error>> {
    let mut sample = load(folder)?;
    sample.measures.extend(npy::read_if_there(folder, "coef")?);
    Ok(sample)
}

/// Deliveries by campaign, `[exposure, value, displacement]` each.
pub(crate) fn deliveries(layout: &Layout, sums: &Sums) -> Vec<[f64; MEASURES]> {
    let mut out = vec![[0.0; MEASURES]; layout.campaigns];
    for (column, cell) in layout.columns.iter().zip(sums.cells.chunks_exact(MEASURES)) {
        for (j, (out, v)) in out[column.campaign as usize].iter_mut().zip(cell).enumerate() {
            *out += layout.scales[j].value(i128::from(*v));
        }
    }
    out
}

/// What the best choice of the fractional opportunities would add to the net score of the decisions: the price of smoothing in the bound.
pub(crate) fn slack(layout: &Layout, prices: &Prices, sums: &Sums) -> f64 {
    prices.slack_scale(layout).value(sums.slack)
}

/// Sum of squared decisions.
pub(crate) fn squares(layout: &Layout, sums: &Sums, exposures: f64) -> f64 {
    exposures - layout.scales[EXPOSURE].value(sums.ridge)
}
