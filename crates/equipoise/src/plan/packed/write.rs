//! Writing a packed file, part of the log by part.

use super::bytes::{Digest, put};
use super::chunk::Chunk;
use super::facts::Facts;
use super::manifest::{Manifest, Part, campaigns_digest};
use super::stored::log_bytes;
use super::{FORMAT, MAGIC, PackedLog};
use crate::error::{Error, Faults, Result, codes};
use crate::exchange::{Arranged, BLOCK, Sample, arrange};
use crate::model::{Campaigns, Names, ORGANIC, Opportunities, Problem, Scope};
use crate::plan::inputs::{self, Amounts, Inputs};
use crate::plan::settings::Settings;
use crate::publish::{beside, io_error, sync_folder};
use equipoise_kernel::PAD;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The column of padding: in files every column is counted in the order in which it came, and this one never comes.
pub(super) const NO_COLUMN: u32 = u32::MAX;

/// Packs a log that is in memory; see [`Packer`] for one that is not.
///
/// # Errors
/// As [`Packer::push`] and [`Packer::finish`].
pub fn pack(
    problem: &Problem,
    log: &Opportunities,
    campaigns: &Campaigns,
    settings: &Settings<'_>,
    path: impl AsRef<Path>,
) -> Result<PackedLog> {
    let mut packer = Packer::new(problem, campaigns, settings, path)?;
    packer.push(log)?;
    packer.finish()
}

/// Packs a log that comes in parts, such as those of `table::read_opportunities_in_parts`. Memory holds a part, a block, a
/// chunk of 2^18 rows, and the opportunities held out. Of the settings `holdout`, `seed`, `shift`, `unknown` and `cancel` count.
pub struct Packer<'a> {
    problem: &'a Problem,
    campaigns: &'a Campaigns,
    settings: &'a Settings<'a>,
    path: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
    offset: u64,
    manifest: Option<Manifest>,
    classes: HashMap<(u32, u32), u32>,
    columns: HashMap<(u32, u32), u32>,
    /// Opportunities of the block at hand.
    piece: Sample,
    column_of: Vec<u32>,
    facts: Facts,
    chunk: Chunk,
    held_out: Opportunities,
}

impl<'a> Packer<'a> {
    /// Begins a file beside `path`, which it becomes when it is finished.
    ///
    /// # Errors
    /// Every fault of the settings; `invalid_input.io`.
    pub fn new(problem: &'a Problem, campaigns: &'a Campaigns, settings: &'a Settings<'a>, path: impl AsRef<Path>) -> Result<Self> {
        inputs::check(settings)?;
        let path = path.as_ref().to_owned();
        let temporary = beside("packed", &path)?;
        let file = File::create_new(&temporary).map_err(|e| io_error("packed", &path, &e))?;
        let mut packer = Self {
            problem,
            campaigns,
            settings,
            path,
            temporary,
            file: Some(BufWriter::with_capacity(1 << 20, file)),
            offset: 0,
            manifest: None,
            classes: HashMap::new(),
            columns: HashMap::new(),
            piece: Sample::default(),
            column_of: Vec::new(),
            facts: Facts::default(),
            chunk: Chunk::default(),
            held_out: Opportunities::default(),
        };
        let head = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), &[0; 4]].concat();
        packer.write(&head)?;
        Ok(packer)
    }

    /// Adds the next part of the log. Parts have the same columns, and names that begin with those of the part before.
    ///
    /// # Errors
    /// Every fault of the part against problem and campaigns, rows counted from the beginning of the log; `usage.cancelled`.
    pub fn push(&mut self, log: &Opportunities) -> Result<()> {
        if self.settings.is_cancelled() {
            return Err(Error::new(codes::CANCELLED, "packed", None, "packing was cancelled"));
        }
        let base = self.manifest.as_ref().map_or(0, |m| m.log_rows);
        let moved = |e: Error| {
            let mut faults = Faults::new();
            for f in e.faults() {
                faults.push(f.code, &f.argument, f.index.map(|i| i + base), || f.message.clone());
            }
            faults.finish().err().unwrap_or(e)
        };
        self.check_names(log)?;
        let inputs = Inputs::new(self.problem, log, self.campaigns).map_err(moved)?;
        let prepared = inputs.prepare(self.problem, log, self.settings).map_err(moved)?;
        let mut manifest = self.manifest.take().unwrap_or_else(|| self.begin(&inputs, log));
        manifest.amounts.add(&inputs, log, &prepared);
        manifest.markets = log.markets.as_slice().to_vec();
        manifest.surfaces = log.surfaces.as_slice().to_vec();
        let columns: Vec<&[f32]> = (1..inputs.measures.len()).map(|j| inputs.column(log, &prepared, j)).collect();
        self.chunk.begin_part();
        for t in 0..log.len() {
            let first = manifest.log_rows;
            let here = log.rows(t);
            manifest.log_rows += here.len() as u64;
            let weight = log.weight.as_ref().map_or(1.0, |w| w[t]);
            let segment = (log.market.as_ref().map_or(u32::MAX, |m| m[t]), log.surface.as_ref().map_or(u32::MAX, |s| s[t]));
            let seen = (if manifest.by_market { segment.0 } else { u32::MAX }, if manifest.by_surface { segment.1 } else { u32::MAX });
            let class = *self.classes.entry(seen).or_insert_with(|| {
                manifest.classes.push(seen);
                manifest.classes.len() as u32 - 1
            });
            manifest.total += weight;
            if inputs::is_held_out(log, t, self.settings.holdout, self.settings.seed) {
                manifest.held += weight;
                self.held_out.push_from(log, t);
                continue;
            }
            manifest.kept += weight;
            manifest.opportunities += 1;
            let before = self.column_of.len();
            for i in here.clone().filter(|i| prepared.rank[*i] != ORGANIC) {
                let column = (prepared.rank[i], class);
                self.column_of.push(*self.columns.entry(column).or_insert_with(|| {
                    manifest.columns.push(column);
                    manifest.columns.len() as u32 - 1
                }));
                self.piece.measures.iter_mut().zip(&columns).for_each(|(to, from)| to.push(from[i]));
                self.facts.place.push((i - here.start) as u32);
            }
            self.piece.starts.push(self.column_of.len() as u64);
            self.piece.slots.push(prepared.slots[t]);
            self.piece.weight.push(weight);
            let facts = &mut self.facts;
            facts.len.push((self.column_of.len() - before) as u32);
            facts.slots.push(prepared.slots[t]);
            facts.weight.push(weight);
            facts.organic_value.push(prepared.organic_value.get(t).copied().unwrap_or(0.0));
            facts.market.push(segment.0);
            facts.surface.push(segment.1);
            facts.key.push(log.key(t));
            facts.first.push(first);
            facts.rows.push(here.len() as u32);
            self.chunk.push(log, t);
            if let Some(chunk) = self.chunk.take(false) {
                self.write_chunk(&mut manifest, &chunk)?;
            }
            if self.piece.slots.len() == BLOCK {
                self.write_block(&mut manifest)?;
            }
        }
        self.held_out.campaigns = log.campaigns.clone();
        self.held_out.markets = log.markets.clone();
        self.held_out.surfaces = log.surfaces.clone();
        self.held_out.artists = log.artists.clone();
        self.manifest = Some(manifest);
        Ok(())
    }

    /// Names are kept by number, so each part has to number them as the part before did.
    fn check_names(&self, log: &Opportunities) -> Result<()> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let held = &self.held_out;
        let held_names = |names: &Names| if held.is_empty() { Vec::new() } else { names.as_slice().to_vec() };
        for (argument, before, now) in [
            ("market", manifest.markets.clone(), &log.markets),
            ("surface", manifest.surfaces.clone(), &log.surfaces),
            ("campaign", held_names(&held.campaigns), &log.campaigns),
            ("artist", held_names(&held.artists), &log.artists),
        ] {
            if !now.as_slice().starts_with(&before) {
                let message = "the names of this part of the log do not begin with those of the part before";
                return Err(Error::new(codes::INCONSISTENT, argument, None, message));
            }
        }
        Ok(())
    }

    fn begin(&mut self, inputs: &Inputs<'_>, log: &Opportunities) -> Manifest {
        let asks = |scope: Scope| inputs.goals.stated.iter().any(|s| s.ledger.scope == scope);
        self.piece = Sample { starts: vec![0], measures: vec![Vec::new(); inputs.measures.len() - 1], ..Sample::default() };
        Manifest {
            measures: inputs.measures[1..].to_vec(),
            weights: inputs.weights.clone(),
            amounts: Amounts::new(inputs.measures.len()),
            campaigns: campaigns_digest(inputs),
            markets: Vec::new(),
            surfaces: Vec::new(),
            has_time: log.time.is_some(),
            has_organic: log.organic.is_some(),
            gives_organic_value: log.organic_value.is_some(),
            has_organic_value: inputs.needs_organic_value || log.organic_value.is_some(),
            by_market: asks(Scope::Market),
            by_surface: asks(Scope::Surface),
            shift: self.settings.shift,
            classes: Vec::new(),
            columns: Vec::new(),
            total: 0.0,
            kept: 0.0,
            held: 0.0,
            opportunities: 0,
            log_rows: 0,
            notes: inputs.notes.clone(),
            blocks: Vec::new(),
            logs: Vec::new(),
            held_out: None,
        }
    }

    fn write_block(&mut self, manifest: &mut Manifest) -> Result<()> {
        let n = self.piece.slots.len();
        let arranged = arrange(&self.piece, &self.column_of, NO_COLUMN, 0..n, 0);
        let rows = self.write_part(&rows_bytes(&arranged))?;
        let facts = std::mem::take(&mut self.facts).bytes();
        manifest.blocks.push((rows, self.write_part(&facts)?));
        self.piece.starts.truncate(1);
        self.piece.slots.clear();
        self.piece.weight.clear();
        self.piece.measures.iter_mut().for_each(Vec::clear);
        self.column_of.clear();
        Ok(())
    }

    fn write_chunk(&mut self, manifest: &mut Manifest, chunk: &Opportunities) -> Result<()> {
        manifest.logs.push(self.write_part(&log_bytes(chunk)?)?);
        Ok(())
    }

    /// Writes what is left, and the manifest; then the file takes its name.
    ///
    /// # Errors
    /// `invalid_input.empty` where there is no opportunity to plan on; `invalid_input.io`.
    pub fn finish(mut self) -> Result<PackedLog> {
        let Some(mut manifest) = self.manifest.take().filter(|m| m.opportunities > 0) else {
            return Err(Error::new(
                codes::EMPTY,
                "log",
                None,
                "there is no opportunity to plan on: the log is empty or all of it is held out",
            ));
        };
        if !self.piece.slots.is_empty() {
            self.write_block(&mut manifest)?;
        }
        if let Some(chunk) = self.chunk.take(true) {
            self.write_chunk(&mut manifest, &chunk)?;
        }
        if self.held_out.candidates() > 0 {
            let bytes = log_bytes(&self.held_out)?;
            manifest.held_out = Some(self.write_part(&bytes)?);
        }
        let refused = |e: std::io::Error| io_error("packed", &self.path, &e);
        let text = serde_json::to_vec(&manifest).map_err(|e| refused(e.into()))?;
        let mut tail = Vec::new();
        tail.extend(self.offset.to_le_bytes());
        tail.extend((text.len() as u64).to_le_bytes());
        tail.extend(tail_digest(&text, self.offset));
        tail.extend(MAGIC);
        self.write(&text)?;
        self.write(&tail)?;
        let path = self.path.clone();
        let refused = |e: std::io::Error| io_error("packed", &path, &e);
        let Some(file) = self.file.take() else { return Err(Error::new(codes::CLOSED, "packed", None, "the file was closed")) };
        let file = file.into_inner().map_err(|e| refused(e.into_error()))?;
        file.sync_all().map_err(refused)?;
        drop(file);
        fs::rename(&self.temporary, &self.path).map_err(refused)?;
        sync_folder(&self.path);
        PackedLog::open(&self.path)
    }

    fn write_part(&mut self, bytes: &[u8]) -> Result<Part> {
        let part = Part { offset: self.offset, length: bytes.len() as u64, digest: *blake3::hash(bytes).as_bytes() };
        self.write(bytes)?;
        Ok(part)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Err(Error::new(codes::CLOSED, "packed", None, "the file was closed")) };
        file.write_all(bytes).map_err(|e| io_error("packed", &self.path, &e))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

impl Drop for Packer<'_> {
    /// A file that was not finished is of no use.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

pub(super) fn tail_digest(manifest: &[u8], offset: u64) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(MAGIC).update(&FORMAT.to_le_bytes()).update(&offset.to_le_bytes()).update(manifest);
    *hasher.finalize().as_bytes()
}

/// What a pass reads of a block.
fn rows_bytes(arranged: &Arranged) -> Vec<u8> {
    let rows = arranged.rows.as_flattened();
    let mut out = Vec::new();
    put(&mut out, rows.iter(), |r| r.opportunity.to_le_bytes());
    put(&mut out, rows.iter(), |r| r.len.to_le_bytes());
    put(&mut out, rows.iter(), |r| r.slots.to_le_bytes());
    put(&mut out, rows.iter(), |r| r.weight.to_le_bytes());
    let narrow = arranged.columns.iter().all(|c| *c == NO_COLUMN || *c < u32::from(u16::MAX));
    out.push(u8::from(narrow));
    if narrow {
        put(&mut out, arranged.columns.iter(), |c| (*c as u16).to_le_bytes());
    } else {
        put(&mut out, arranged.columns.iter(), |c| c.to_le_bytes());
    }
    debug_assert_eq!(PAD, u32::MAX, "a lane without an opportunity");
    for measure in &arranged.measures {
        let flat: Vec<f32> = measure.iter().flat_map(|l| l.0).collect();
        put(&mut out, flat.iter(), |v| v.to_le_bytes());
    }
    out
}
