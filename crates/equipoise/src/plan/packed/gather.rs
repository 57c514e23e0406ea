//! The first reading of a packed file: it is checked, what a plan needs to know beforehand is added up, and blocks are kept as far as memory allows.

use super::bytes::corrupt;
use super::manifest::campaigns_digest;
use super::noise::Noise;
use super::read::{Fetch, PackedLog};
use crate::error::{Error, Result, codes, quote};
use crate::exchange::{BLOCK, Column, Layout, Packed, Source as _, Survey};
use crate::model::{RelativeTo, Scope};
use crate::plan::account::Account;
use crate::plan::inputs::Inputs;
use crate::plan::settings::Settings;
use equipoise_kernel::Block;

/// What one reading of the whole file gives.
pub(super) struct Gathered {
    pub(super) packed: Packed,
    pub(super) source: Fetch,
    pub(super) best_worth: f64,
    /// The bound of each stated goal that is relative.
    pub(super) relative: Vec<f64>,
    /// The account of all that is supplied, where some goal is fair.
    pub(super) supplied: Option<Account>,
}

/// Reads the file once.
pub(super) fn gather(inputs: &Inputs<'_>, packed: &PackedLog, settings: &Settings<'_>) -> Result<Gathered> {
    let manifest = &packed.manifest;
    let pick = fits(inputs, packed)?;
    let (campaigns, classes) = (inputs.roster.len(), manifest.classes.len());
    let (columns, renamed) = columns(packed, campaigns)?;
    let source = packed.fetch(pick, renamed, packed.factor(settings));
    let measures = inputs.measures.len();
    let stated = &inputs.goals.stated;
    let (mut best, mut best_weight) = (0.0, 0.0);
    let mut relative = vec![0.0; stated.len()];
    let is_relative: Vec<usize> = (0..stated.len()).filter(|i| stated[*i].relative_to.is_some()).collect();
    let mut supplied = stated.iter().any(|s| s.promise.fair.is_some()).then(|| Account::new(inputs));
    let segment = packed.segments(inputs);
    let mut weight_in_log = 0.0;
    let mut amounts = vec![0.0; measures];
    let kept = Kept::read(packed, &source, measures, settings, |seen| {
        weight_in_log += seen.weight_in_log;
        let Seen { weight, slots, len, .. } = *seen;
        let (market, surface) = segment(seen.segment);
        for i in &is_relative {
            let s = &stated[*i];
            let inside = match s.ledger.scope {
                Scope::Market => market == s.ledger.key,
                Scope::Surface => surface == s.ledger.key,
                _ => true,
            };
            if inside {
                relative[*i] += weight * if s.relative_to == Some(RelativeTo::Organic) { seen.organic_value } else { 1.0 };
            }
        }
        if len == 0 {
            return;
        }
        let worth =
            |i: usize| inputs.weights[0] + inputs.weights[1..].iter().zip(seen.amounts(i)).map(|(w, y)| w * f64::from(y)).sum::<f64>();
        best += weight * (0..len).map(worth).fold(0.0, f64::max);
        best_weight += weight;
        if let Some(account) = supplied.as_mut().filter(|_| slots > 0) {
            for i in 0..len {
                amounts[0] = weight;
                amounts[1..].iter_mut().zip(seen.amounts(i)).for_each(|(a, y)| *a = weight * f64::from(y));
                account.add(columns[seen.column(i)].campaign, (market, surface), &amounts);
            }
        }
    })?;
    let Some(kept) = kept else {
        return Err(Error::new(codes::CANCELLED, "packed", None, "the plan was cancelled before its first pass"));
    };
    // Exact, since the same numbers were added up in the same order; the whole was added up in another.
    let apart = (manifest.total - manifest.kept - manifest.held).abs();
    if weight_in_log != manifest.kept || apart > 1e-6 * manifest.total || (manifest.held_out.is_none() && manifest.held != 0.0) {
        return Err(corrupt("the weights of the manifest are not those of its opportunities"));
    }
    packed.check_logs()?;
    if let Some(account) = &mut supplied {
        account.close(inputs);
    }
    relative.iter_mut().zip(stated).for_each(|(sum, s)| *sum *= s.promise.upper);
    let packed = kept.packed(columns, campaigns, classes, &source);
    Ok(Gathered { packed, source, best_worth: if best_weight > 0.0 { best / best_weight } else { 0.0 }, relative, supplied })
}

/// The same sample with one more measure, which breaks ties; `None` if the plan was cancelled.
pub(super) fn with_noise(
    inputs: &Inputs<'_>,
    file: &PackedLog,
    layout: Layout,
    source: Fetch,
    settings: &Settings<'_>,
) -> Result<Option<Packed>> {
    let source = source.with(Noise::new(inputs, layout.columns.iter().map(|c| c.campaign)));
    let kept = Kept::read(file, &source, layout.measures + 1, settings, |_| {})?;
    Ok(kept.map(|kept| kept.packed(layout.columns, layout.campaigns, layout.classes, &source)))
}

/// The measures of the file that the problem needs, in its order; an error where the file was packed for something else.
fn fits(inputs: &Inputs<'_>, packed: &PackedLog) -> Result<Vec<usize>> {
    let manifest = &packed.manifest;
    let foreign = |what: &str| Error::new(codes::FOREIGN_FILE, "packed", None, format!("{what}; pack the log anew"));
    if manifest.campaigns != campaigns_digest(inputs) {
        return Err(foreign("the log was packed with other campaigns"));
    }
    let asks = |scope: Scope| inputs.goals.stated.iter().any(|s| s.ledger.scope == scope);
    if (asks(Scope::Market) && !manifest.by_market) || (asks(Scope::Surface) && !manifest.by_surface) {
        return Err(foreign("the log was packed for goals that tell no markets or surfaces apart"));
    }
    if inputs.goals.stated.iter().any(|s| s.relative_to == Some(RelativeTo::Organic)) && !manifest.has_organic_value {
        return Err(foreign("the log was packed without organic values"));
    }
    let place = |name: &String| {
        let at = manifest.measures.iter().position(|m| m == name);
        at.ok_or_else(|| foreign(&format!("the log was packed without the measure {}", quote(name))))
    };
    inputs.measures[1..].iter().map(place).collect()
}

/// The columns in their order, and the place there of each of the file's.
fn columns(packed: &PackedLog, campaigns: usize) -> Result<(Vec<Column>, Vec<u32>)> {
    let manifest = &packed.manifest;
    let mut order: Vec<u32> = (0..manifest.columns.len() as u32).collect();
    order.sort_unstable_by_key(|c| manifest.columns[*c as usize]);
    let columns: Vec<Column> =
        order.iter().map(|c| manifest.columns[*c as usize]).map(|(campaign, class)| Column { campaign, class }).collect();
    if columns.windows(2).any(|w| w[0] == w[1]) || columns.iter().any(|c| c.campaign as usize >= campaigns) {
        return Err(corrupt("the columns of the manifest are not those of its campaigns"));
    }
    let mut renamed = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, from)| renamed[*from as usize] = to as u32);
    Ok((columns, renamed))
}

/// Blocks that stay in memory, and what their layout adds up.
struct Kept {
    survey: Survey,
    starts: Vec<u64>,
    blocks: Vec<Option<Block>>,
}

/// An opportunity of a block that is being read.
struct Seen<'a> {
    block: &'a Block,
    row: usize,
    weight_in_log: f64,
    weight: f64,
    slots: u32,
    len: usize,
    organic_value: f64,
    segment: (u32, u32),
}

impl Seen<'_> {
    /// The measures of candidate `i`, without `exposure`.
    fn amounts(&self, i: usize) -> impl Iterator<Item = f32> + '_ {
        self.block.amounts(self.block.at(self.row, i))
    }

    fn column(&self, i: usize) -> usize {
        self.block.column(self.block.at(self.row, i))
    }
}

impl Kept {
    /// Reads every block of `source`, whose candidates have `measures`, and gives each opportunity to `see`, in the order of the log; `None` once
    /// cancelled.
    fn read(
        file: &PackedLog,
        source: &Fetch,
        measures: usize,
        settings: &Settings<'_>,
        mut see: impl FnMut(&Seen<'_>),
    ) -> Result<Option<Self>> {
        let mut room = settings.memory;
        let factor = file.factor(settings);
        let mut kept = Self { survey: Survey::new(measures), starts: vec![0], blocks: Vec::with_capacity(file.manifest.blocks.len()) };
        let mut row_of = Vec::new();
        for index in 0..file.manifest.blocks.len() {
            if settings.is_cancelled() {
                return Ok(None);
            }
            let block = source.block(index)?;
            let facts = file.opportunities_of(index)?;
            let contradicts = || corrupt("the rows and the opportunities of a block contradict each other");
            row_of.clear();
            row_of.resize(facts.len.len(), None);
            for (r, row) in block.rows() {
                let t = row.opportunity as usize - index * BLOCK;
                let same = facts.len[t] == row.len && facts.slots[t] == row.slots && facts.weight[t] * factor == row.weight;
                if !same || row_of[t].replace(r).is_some() {
                    return Err(contradicts());
                }
            }
            for (t, row) in row_of.iter().enumerate() {
                if row.is_some() != (facts.len[t] > 0) {
                    return Err(contradicts());
                }
                let seen = Seen {
                    block: &block,
                    row: row.unwrap_or(0),
                    weight_in_log: facts.weight[t],
                    weight: facts.weight[t] * factor,
                    slots: facts.slots[t],
                    len: facts.len[t] as usize,
                    organic_value: facts.organic_value[t],
                    segment: (facts.market[t], facts.surface[t]),
                };
                let of = &seen;
                kept.survey.add(seen.weight, seen.slots, seen.len, |j| (0..of.len).filter_map(move |i| of.amounts(i).nth(j)));
                kept.starts.push(kept.starts[kept.starts.len() - 1] + seen.len as u64);
                see(&seen);
            }
            let bytes = block.bytes();
            kept.blocks.push((bytes <= room).then(|| {
                room -= bytes;
                block
            }));
        }
        if kept.starts[kept.starts.len() - 1] >= u64::from(u32::MAX) {
            return Err(Error::new(codes::TOO_LARGE, "packed", None, format!("a plan takes fewer than {} eligible rows", u32::MAX)));
        }
        Ok(Some(kept))
    }

    fn packed(self, columns: Vec<Column>, campaigns: usize, classes: usize, source: &Fetch) -> Packed {
        Packed::fetched(self.survey.layout(columns, campaigns, classes), self.starts, self.blocks, Box::new(source.clone()))
    }
}
