//! Reading a packed file: nothing is believed before its digest and its ranges are checked.

use super::bytes::{Lists, corrupt};
use super::facts::{Facts, in_range};
use super::manifest::{Manifest, Part};
use super::noise::Noise;
use super::stored::log_from;
use super::write::{NO_COLUMN, tail_digest};
use super::{FORMAT, HEAD, LARGEST, MAGIC, MANIFEST, TAIL};
use crate::error::{Error, Result, codes, quote};
use crate::exchange::{Arranged, BLOCK, Source};
use crate::model::{Opportunities, PLACES, Scope};
use crate::plan::inputs::Inputs;
use crate::plan::settings::Settings;
use crate::publish::io_error;
use equipoise_kernel::{Block, LANES, Lane, PAD, Row};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A packed file that is open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PackedLog {
    file: Arc<Parts>,
    pub(super) manifest: Arc<Manifest>,
    /// Digest of the manifest, and so of the whole file.
    pub(super) digest: [u8; 32],
}

impl PackedLog {
    /// Opens a packed file. Reads its manifest alone; parts are checked as they are read.
    ///
    /// # Errors
    /// `invalid_input.io`, `invalid_input.corrupt`, `invalid_input.version`, `resource_exhausted.memory`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let told = |e: std::io::Error| io_error("packed", path, &e);
        let file = File::open(path).map_err(told)?;
        let metadata = file.metadata().map_err(told)?;
        if !metadata.is_file() {
            return Err(Error::new(codes::IO, "packed", None, format!("{} is not a file", quote(&path.to_string_lossy()))));
        }
        let size = metadata.len();
        let parts = Parts { file, path: path.to_owned(), size };
        if size < (HEAD + TAIL) as u64 {
            return Err(corrupt("the file is shorter than any packed file"));
        }
        let head = parts.bytes(0, HEAD as u64)?;
        let tail = parts.bytes(size - TAIL as u64, TAIL as u64)?;
        if head[..8] != *MAGIC {
            return Err(corrupt("this is no packed file"));
        }
        if head[8..12] != FORMAT.to_le_bytes() {
            let found = head[8..12].iter().rev().fold(0u32, |v, b| v << 8 | u32::from(*b));
            let message = format!("the file has format {found}, this version reads {FORMAT}");
            return Err(Error::new(codes::FILE_VERSION, "packed", None, message));
        }
        let number = |at: usize| tail[at..at + 8].iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b));
        let (offset, length) = (number(0), number(8));
        if tail[48..] != *MAGIC || head[12..] != [0; 4] || offset.checked_add(length) != Some(size - TAIL as u64) || length > MANIFEST {
            return Err(corrupt("the file does not end as a packed file does"));
        }
        let text = parts.bytes(offset, length)?;
        let digest = tail_digest(&text, offset);
        if tail[16..48] != digest {
            return Err(corrupt("the manifest is not what its digest says"));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| corrupt("the manifest cannot be read"))?;
        manifest.check()?;
        Ok(Self { file: Arc::new(parts), manifest: Arc::new(manifest), digest })
    }

    /// Opportunities planned on; those held out are not among them.
    #[must_use]
    pub fn opportunities(&self) -> u64 {
        self.manifest.opportunities
    }

    /// Candidate rows of the log that was packed.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.manifest.log_rows
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.size
    }

    /// The measures kept, `exposure` not among them.
    #[must_use]
    pub fn measures(&self) -> &[String] {
        &self.manifest.measures
    }

    /// The opportunities held out, if there are any.
    pub(super) fn held_out(&self) -> Result<Option<Opportunities>> {
        self.manifest.held_out.map(|part| log_from(&self.file.part(part)?, &self.manifest)).transpose()
    }

    /// The opportunities planned on, as logs one after the other.
    pub(super) fn logs(&self) -> impl Iterator<Item = Result<Opportunities>> {
        self.manifest.logs.iter().map(|part| log_from(&self.file.part(*part)?, &self.manifest))
    }

    /// Checks the logs' digests.
    pub(super) fn check_logs(&self) -> Result<()> {
        self.manifest.logs.iter().try_for_each(|part| self.file.part(*part).map(|_| ()))
    }

    /// What an opportunity's weight in the log is multiplied by.
    pub(super) fn factor(&self, settings: &Settings<'_>) -> f64 {
        settings.traffic * self.manifest.total / self.manifest.kept
    }

    /// The keys of a segment's market and surface; `u32::MAX` where there is none.
    pub(super) fn segments(&self, inputs: &Inputs<'_>) -> impl Fn((u32, u32)) -> (u32, u32) {
        let keys = |scope: Scope, names: &[String]| -> Vec<u32> {
            names.iter().map(|n| inputs.roster.key(scope, n).unwrap_or(u32::MAX)).collect()
        };
        let (markets, surfaces) = (keys(Scope::Market, &self.manifest.markets), keys(Scope::Surface, &self.manifest.surfaces));
        let key = |keys: &[u32], index: u32| keys.get(index as usize).copied().unwrap_or(u32::MAX);
        move |(market, surface)| (key(&markets, market), key(&surfaces, surface))
    }

    pub(super) fn opportunities_of(&self, block: usize) -> Result<Facts> {
        facts_of(&self.file, &self.manifest, block)
    }

    /// Blocks with the measures at `pick`, columns renamed by `column`, weights times `factor`.
    pub(super) fn fetch(&self, pick: Vec<usize>, column: Vec<u32>, factor: f64) -> Fetch {
        Fetch { file: self.file.clone(), manifest: self.manifest.clone(), pick, column, factor, noise: None }
    }
}

fn facts_of(file: &Parts, manifest: &Manifest, block: usize) -> Result<Facts> {
    let n = BLOCK.min((manifest.opportunities - (block * BLOCK) as u64) as usize);
    Facts::read(&file.part(manifest.blocks[block].1)?, n, manifest)
}

/// The file, read at any offset from any thread.
#[derive(Debug)]
struct Parts {
    file: File,
    path: PathBuf,
    size: u64,
}

impl Parts {
    fn part(&self, part: Part) -> Result<Vec<u8>> {
        let bytes = self.bytes(part.offset, part.length)?;
        if *blake3::hash(&bytes).as_bytes() == part.digest {
            Ok(bytes)
        } else {
            Err(corrupt("a part of the file is not what its digest says"))
        }
    }

    fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        if offset.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(corrupt("a part of the file lies outside of it"));
        }
        let mut bytes = Vec::new();
        let refused = |e| Error::new(codes::MEMORY, "packed", None, format!("{length} bytes: {e}"));
        bytes.try_reserve_exact(length as usize).map_err(refused)?;
        bytes.resize(length as usize, 0);
        match read_at(&self.file, &mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(corrupt("the file was cut off")),
            Err(e) => Err(io_error("packed", &self.path, &e)),
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

/// Gives the blocks of a file.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    file: Arc<Parts>,
    manifest: Arc<Manifest>,
    pick: Vec<usize>,
    column: Vec<u32>,
    factor: f64,
    /// What breaks ties, as one more measure.
    noise: Option<Noise>,
}

impl Fetch {
    /// The same with one more measure, which breaks ties.
    pub(super) fn with(self, noise: Noise) -> Self {
        Self { noise: Some(noise), ..self }
    }
}

impl Source for Fetch {
    fn block(&self, index: usize) -> Result<Block> {
        let bytes = self.file.part(self.manifest.blocks[index].0)?;
        let wrong = || corrupt("the rows of a block contradict each other");
        let mut lists = Lists(&bytes);
        let opportunity = lists.next(u32::from_le_bytes)?;
        let len = lists.next(u32::from_le_bytes)?;
        let slots = lists.next(u32::from_le_bytes)?;
        let weight = lists.next(f64::from_le_bytes)?;
        let lanes = opportunity.len();
        if lanes % LANES != 0 || lanes > BLOCK * LANES || [len.len(), slots.len(), weight.len()].iter().any(|n| *n != lanes) {
            return Err(wrong());
        }
        let first = (index * BLOCK) as u32;
        let n = (self.manifest.opportunities - u64::from(first)).min(BLOCK as u64) as u32;
        let mut rows = vec![[Row::EMPTY; LANES]; lanes / LANES];
        for (i, row) in rows.as_flattened_mut().iter_mut().enumerate() {
            let empty = opportunity[i] == PAD;
            let fits = if empty { len[i] == 0 } else { opportunity[i] < n && len[i] > 0 && slots[i] <= PLACES && in_range(weight[i]) };
            if !fits {
                return Err(wrong());
            }
            if !empty {
                *row = Row { opportunity: first + opportunity[i], len: len[i], slots: slots[i], weight: weight[i] * self.factor };
            }
        }
        let steps: u64 = rows.iter().map(|group| u64::from(group.iter().map(|r| r.len).max().unwrap_or(0))).sum();
        let (narrow, rest) = lists.0.split_first().ok_or_else(wrong)?;
        lists.0 = rest;
        let columns: Vec<u32> = if *narrow == 1 {
            lists.next(|b| Some(u16::from_le_bytes(b)).filter(|c| *c != u16::MAX).map_or(NO_COLUMN, u32::from))?
        } else {
            lists.next(u32::from_le_bytes)?
        };
        if columns.len() as u64 != steps * LANES as u64 {
            return Err(wrong());
        }
        let priced_out = self.column.len() as u32;
        let renamed = |c: &u32| if *c == NO_COLUMN { Some(priced_out) } else { self.column.get(*c as usize).copied() };
        let columns: Vec<u32> = columns.iter().map(renamed).collect::<Option<_>>().ok_or_else(wrong)?;
        let mut step = 0;
        for group in &rows {
            let longest = group.iter().map(|r| r.len).max().unwrap_or(0);
            for j in 0..longest {
                let at = (step + j as usize) * LANES;
                if group.iter().zip(&columns[at..at + LANES]).any(|(r, c)| (j < r.len) == (*c == priced_out)) {
                    return Err(wrong());
                }
            }
            step += longest as usize;
        }
        let mut all = Vec::with_capacity(self.manifest.measures.len());
        for _ in &self.manifest.measures {
            let flat = lists.next(f32::from_le_bytes)?;
            if flat.len() != columns.len() || !flat.iter().all(|v| (0.0..=LARGEST as f32).contains(v)) {
                return Err(wrong());
            }
            all.push(flat);
        }
        lists.done()?;
        let lanes = |j: &usize| all[*j].as_chunks::<LANES>().0.iter().map(|l| Lane(*l)).collect();
        let mut measures: Vec<Vec<Lane<f32>>> = self.pick.iter().map(lanes).collect();
        if let Some(noise) = &self.noise {
            let facts = facts_of(&self.file, &self.manifest, index)?;
            measures.push(noise.lanes(&rows, &columns, &facts.key, first));
        }
        Ok(Arranged { rows, columns, measures }.block(priced_out))
    }
}
