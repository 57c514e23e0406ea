//! Reading a packed file: nothing is believed before its digest and its ranges are checked.

use super::bytes::{Lists, corrupt, put};
use super::manifest::{Manifest, Part};
use super::write::{NO_COLUMN, tail_digest};
use super::{FORMAT, HEAD, MAGIC, MANIFEST, TAIL};
use crate::error::{Error, Result, codes, quote};
use crate::exchange::{Arranged, BLOCK, Source};
use crate::model::{Names, ORGANIC, Opportunities, PLACES};
use crate::publish::io_error;
use equipoise_kernel::{Block, LANES, Lane, PAD, Row};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest measure, weight and organic value, as in logs.
const LARGEST: f64 = 1e12;

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

    pub(super) fn opportunities_of(&self, block: usize) -> Result<Facts> {
        let n = BLOCK.min((self.manifest.opportunities - (block * BLOCK) as u64) as usize);
        facts_from(&self.file.part(self.manifest.blocks[block].1)?, n, &self.manifest)
    }

    /// Blocks with the measures at `pick`, columns renamed by `column`, weights times `factor`.
    pub(super) fn fetch(&self, pick: Vec<usize>, column: Vec<u32>, factor: f64) -> Fetch {
        Fetch { file: self.file.clone(), manifest: self.manifest.clone(), pick, column, factor }
    }
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
#[derive(Debug)]
pub(super) struct Fetch {
    file: Arc<Parts>,
    manifest: Arc<Manifest>,
    pick: Vec<usize>,
    column: Vec<u32>,
    factor: f64,
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
        Ok(Arranged { rows, columns, measures: self.pick.iter().map(lanes).collect() }.block(priced_out))
    }
}

fn in_range(weight: f64) -> bool {
    weight > 0.0 && weight <= LARGEST
}

/// What a block's opportunities are beside their rows, in the order of the log.
pub(super) struct Facts {
    pub(super) len: Vec<u32>,
    pub(super) slots: Vec<u32>,
    /// As in the log.
    pub(super) weight: Vec<f64>,
    pub(super) organic_value: Vec<f64>,
    pub(super) market: Vec<u32>,
    pub(super) surface: Vec<u32>,
}

fn facts_from(bytes: &[u8], n: usize, manifest: &Manifest) -> Result<Facts> {
    let mut lists = Lists(bytes);
    let facts = Facts {
        len: lists.next(u32::from_le_bytes)?,
        slots: lists.next(u32::from_le_bytes)?,
        weight: lists.next(f64::from_le_bytes)?,
        organic_value: lists.next(f64::from_le_bytes)?,
        market: lists.next(u32::from_le_bytes)?,
        surface: lists.next(u32::from_le_bytes)?,
    };
    lists.done()?;
    let named = |list: &[u32], names: &[String]| list.iter().all(|i| *i == u32::MAX || (*i as usize) < names.len());
    let lengths =
        [facts.len.len(), facts.slots.len(), facts.weight.len(), facts.organic_value.len(), facts.market.len(), facts.surface.len()];
    let good = lengths.iter().all(|l| *l == n)
        && facts.slots.iter().all(|s| *s <= PLACES)
        && facts.weight.iter().all(|w| in_range(*w))
        && facts.organic_value.iter().all(|v| v.is_finite() && *v >= 0.0)
        && named(&facts.market, &manifest.markets)
        && named(&facts.surface, &manifest.surfaces);
    if good { Ok(facts) } else { Err(corrupt("the opportunities of a block contradict each other")) }
}

/// The names of a log that is stored as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNames {
    measures: Vec<String>,
    campaigns: Vec<String>,
    artists: Vec<String>,
}

fn put_some<T, const N: usize>(out: &mut Vec<u8>, list: Option<&Vec<T>>, bytes: impl Fn(&T) -> [u8; N]) {
    out.push(u8::from(list.is_some()));
    put(out, list.map_or([].as_slice(), Vec::as_slice).iter(), bytes);
}

/// A log as it is, but for the names of markets and surfaces, which the manifest has.
pub(super) fn log_bytes(log: &Opportunities) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let names = StoredNames {
        measures: log.measures.iter().map(|m| m.0.clone()).collect(),
        campaigns: log.campaigns.as_slice().to_vec(),
        artists: log.artists.as_slice().to_vec(),
    };
    let names = serde_json::to_vec(&names).map_err(|e| Error::new(codes::IO, "packed", None, e.to_string()))?;
    put(&mut out, names.iter(), |b| [*b]);
    put(&mut out, log.starts.iter(), |v| v.to_le_bytes());
    put(&mut out, log.id_hash.iter(), |v| v.to_le_bytes());
    put(&mut out, log.campaign.iter(), |v| v.to_le_bytes());
    log.measures.iter().for_each(|m| put(&mut out, m.1.iter(), |v| v.to_le_bytes()));
    put_some(&mut out, log.key.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.listener.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.weight.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.slots.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.time.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.market.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.surface.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.reference.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.organic_value.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.organic.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.item.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.artist.as_ref(), |v| v.to_le_bytes());
    // Only where it is there: files without it stay what they were.
    if log.frequency.is_some() {
        put_some(&mut out, log.frequency.as_ref(), |v| v.to_le_bytes());
    }
    Ok(out)
}

/// A column that may be missing, of `n` values that all are `good`.
fn some<T, const N: usize>(
    lists: &mut Lists<'_>,
    n: usize,
    read: impl Fn([u8; N]) -> T,
    good: impl Fn(&T) -> bool,
) -> Result<Option<Vec<T>>> {
    let wrong = || corrupt("the opportunities held out contradict each other");
    let (there, rest) = lists.0.split_first().ok_or_else(wrong)?;
    lists.0 = rest;
    let list = lists.next(read)?;
    match there {
        0 if list.is_empty() => Ok(None),
        1 if list.len() == n && list.iter().all(good) => Ok(Some(list)),
        _ => Err(wrong()),
    }
}

fn log_from(bytes: &[u8], manifest: &Manifest) -> Result<Opportunities> {
    let wrong = || corrupt("the opportunities held out contradict each other");
    let mut lists = Lists(bytes);
    let names: Vec<u8> = lists.next(|b: [u8; 1]| b[0])?;
    let names: StoredNames = serde_json::from_slice(&names).map_err(|_| wrong())?;
    let starts = lists.next(u64::from_le_bytes)?;
    let id_hash = lists.next(u64::from_le_bytes)?;
    let campaign = lists.next(u32::from_le_bytes)?;
    let (n, rows) = (id_hash.len(), campaign.len());
    let whole = starts.len() == n + 1 && starts.first() == Some(&0) && starts.is_sorted() && starts.last() == Some(&(rows as u64));
    if !whole || !campaign.iter().all(|c| *c == ORGANIC || (*c as usize) < names.campaigns.len()) {
        return Err(wrong());
    }
    let mut measures = Vec::new();
    for name in names.measures {
        let list = lists.next(f32::from_le_bytes)?;
        if list.len() != rows || !list.iter().all(|v| (0.0..=LARGEST as f32).contains(v)) {
            return Err(wrong());
        }
        measures.push((name, list));
    }
    let signed = |v: &f32| f64::from(v.abs()) <= LARGEST;
    let index = |names: usize| move |i: &u32| (*i as usize) < names;
    let log = Opportunities {
        starts,
        id_hash,
        campaign,
        measures,
        key: some(&mut lists, n, u64::from_le_bytes, |_| true)?,
        listener: some(&mut lists, n, u64::from_le_bytes, |_| true)?,
        weight: some(&mut lists, n, f64::from_le_bytes, |w| in_range(*w))?,
        slots: some(&mut lists, n, u32::from_le_bytes, |s| *s <= PLACES)?,
        time: some(&mut lists, n, i64::from_le_bytes, |_| true)?,
        market: some(&mut lists, n, u32::from_le_bytes, index(manifest.markets.len()))?,
        surface: some(&mut lists, n, u32::from_le_bytes, index(manifest.surfaces.len()))?,
        reference: some(&mut lists, n, f32::from_le_bytes, signed)?,
        organic_value: some(&mut lists, n, f64::from_le_bytes, |v| (0.0..=LARGEST).contains(v))?,
        organic: some(&mut lists, rows, f32::from_le_bytes, signed)?,
        item: some(&mut lists, rows, u32::from_le_bytes, |_| true)?,
        artist: some(&mut lists, rows, u32::from_le_bytes, index(names.artists.len()))?,
        frequency: if lists.0.is_empty() { None } else { some(&mut lists, rows, u32::from_le_bytes, |count| *count < u32::MAX)? },
        campaigns: names.campaigns.iter().collect::<Names>(),
        markets: manifest.markets.iter().collect(),
        surfaces: manifest.surfaces.iter().collect(),
        artists: names.artists.iter().collect(),
    };
    lists.done()?;
    if log.campaigns.len() != names.campaigns.len() || log.artists.len() != names.artists.len() {
        return Err(wrong());
    }
    Ok(log)
}
