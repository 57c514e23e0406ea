//! Checkpoints: the answers of the passes so far, so that a plan that was stopped goes on where it was.
//!
//! A plan is a function of its inputs and of what the passes answer. So the answers, kept in order, are all the state there is: a resumed
//! plan takes the same steps, is given the recorded answers as long as it asks the same, and runs passes from there on. Its bits are those of a
//! plan that was never stopped, whatever stopped it, and whatever else the planner keeps in memory.
//!
//! The file is a header and one record a pass:
//!
//! | bytes | header |
//! |---|---|
//! | 8 | `EQPASSES` |
//! | 4, 4 | format version, 0 |
//! | 32 | fingerprint of the inputs |
//! | 32 | BLAKE3 of all before |
//!
//! | bytes | record |
//! |---|---|
//! | 8 | length `n` of the sums |
//! | 32 | digest of the prices asked |
//! | n | [`Sums::to_bytes`] |
//! | 32 | BLAKE3 of the digest before this record, and of all of this record before |
//!
//! Numbers are little-endian. A last record that is cut off is what a killed process leaves, and is left out.

use super::inputs::Inputs;
use super::settings::Settings;
use super::{Certificate, Status};
use crate::error::{Error, Result, codes, quote};
use crate::exchange::{Active, Ask, Exchange, Layout, Local, Sums};
use crate::model::{Campaigns, Problem};
use crate::policy::Policy;
use crate::publish::{io_error, publish};
use crate::utility::Promise;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const MAGIC: &[u8; 8] = b"EQPASSES";
const FORMAT: u32 = 2;
const DIGEST: u64 = 32;
const HEADER: u64 = 8 + 8 + 2 * DIGEST;
/// Bytes of unwritten records after which they are written, however soon.
const PENDING: usize = 64 << 20;

type Digest = [u8; DIGEST as usize];

/// Passes on this machine, recorded where there is a journal.
pub(super) struct Recorded {
    local: Local,
    journal: Option<Arc<Mutex<Journal>>>,
}

impl Recorded {
    pub(super) fn new(local: Local, journal: Option<Arc<Mutex<Journal>>>) -> Self {
        Self { local, journal }
    }
}

impl Deref for Recorded {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

impl Exchange for Recorded {
    fn layout(&self) -> &Layout {
        self.local.layout()
    }

    fn share(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        self.local.share(parts, work);
    }

    fn pass(&mut self, ask: &Ask) -> Result<Sums> {
        let Some(journal) = &self.journal else { return self.local.pass(ask) };
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = digest_of(ask);
        if let Some(sums) = journal.recall(&asked, self.local.layout())? {
            return Ok(sums);
        }
        let sums = self.local.pass(ask)?;
        journal.append(&asked, &sums)?;
        Ok(sums)
    }
}

/// The record of a plan's passes in a file.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Length of the file while records are still read, `None` once they are written.
    recalling: Option<u64>,
    /// Where the next record begins, and the digest that the one before ends with.
    at: u64,
    chain: Digest,
    /// Records that are not in the file yet, and since when.
    pending: Vec<u8>,
    written: Instant,
    every: Duration,
}

impl Journal {
    /// The journal of a plan, where the settings ask for a checkpoint: of these inputs, on the sample of this key.
    pub(super) fn of(
        settings: &Settings<'_>,
        problem: &Problem,
        campaigns: &Campaigns,
        inputs: &Inputs<'_>,
        promises: &[Promise],
        key: &blake3::Hash,
    ) -> Result<Option<Arc<Mutex<Self>>>> {
        let Some(path) = settings.checkpoint else { return Ok(None) };
        let prices = vec![0.0; inputs.goals.stated.len()];
        let policy = Policy::new(&inputs.draft(problem, campaigns, &prices, 0.0, &Certificate::default(), Status::Stalled))?;
        let journal = Self::open(path, &fingerprint(&policy, promises, key), settings.checkpoint_every)?;
        Ok(Some(Arc::new(Mutex::new(journal))))
    }

    /// Writes what is not written yet.
    pub(super) fn close(journal: Option<Arc<Mutex<Self>>>) -> Result<()> {
        journal.map_or(Ok(()), |journal| journal.lock().unwrap_or_else(PoisonError::into_inner).write())
    }

    /// Opens the checkpoint at `path`, or begins one there. Records are written at least `every` so often.
    fn open(path: &Path, fingerprint: &Digest, every: Duration) -> Result<Self> {
        let told = |e: std::io::Error| io_error("checkpoint", path, &e);
        let mut header = Vec::with_capacity(HEADER as usize);
        header.extend(MAGIC);
        header.extend(FORMAT.to_le_bytes());
        header.extend([0; 4]);
        header.extend(fingerprint);
        let chain = *blake3::hash(&header).as_bytes();
        header.extend(chain);
        if !path.try_exists().map_err(told)? {
            publish("checkpoint", path, |file| file.write_all(&header))?;
        }
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(told)?;
        let metadata = file.metadata().map_err(told)?;
        if !metadata.is_file() {
            return Err(Error::new(codes::IO, "checkpoint", None, format!("{} is not a file", quote(&path.to_string_lossy()))));
        }
        let mut found = vec![0; HEADER as usize];
        if metadata.len() < HEADER {
            return Err(corrupt(metadata.len(), "the file ends within its header"));
        }
        file.read_exact(&mut found).map_err(told)?;
        check_header(&found, &header)?;
        let (pending, written) = (Vec::new(), Instant::now());
        Ok(Self { path: path.to_owned(), file, recalling: Some(metadata.len()), at: HEADER, chain, pending, written, every })
    }

    /// The sums of the next record, if it answers what is asked; otherwise this record and all after it are given up.
    fn recall(&mut self, asked: &Digest, layout: &Layout) -> Result<Option<Sums>> {
        let Some(end) = self.recalling else { return Ok(None) };
        let record = self.read(end)?;
        let Some((digest, sums)) = record.filter(|r| r.0 == *asked) else {
            self.recalling = None;
            self.file.set_len(self.at).and_then(|()| self.file.seek(SeekFrom::Start(self.at))).map_err(|e| self.told(&e))?;
            self.written = Instant::now();
            return Ok(None);
        };
        let (chain, next) = (chained(&self.chain, &digest, &sums), self.at + 8 + 2 * DIGEST + sums.len() as u64);
        let sums = Sums::from_bytes(&sums).ok().filter(|s| fits(s, layout));
        let Some(sums) = sums else { return Err(corrupt(self.at, "the sums of this record are none of this sample")) };
        (self.chain, self.at) = (chain, next);
        Ok(Some(sums))
    }

    /// What the next record was asked, and its sums; `None` where the file ends before the record does.
    fn read(&mut self, end: u64) -> Result<Option<(Digest, Vec<u8>)>> {
        let left = end.saturating_sub(self.at);
        if left < 8 + 2 * DIGEST {
            return Ok(None);
        }
        let (mut length, mut asked, mut digest) = ([0; 8], Digest::default(), Digest::default());
        let path = &self.path;
        let told = |e: std::io::Error| io_error("checkpoint", path, &e);
        self.file.read_exact(&mut length).map_err(told)?;
        let n = u64::from_le_bytes(length);
        if n > left - 8 - 2 * DIGEST {
            return Ok(None);
        }
        let mut sums = Vec::new();
        sums.try_reserve_exact(n as usize).map_err(|e| Error::new(codes::MEMORY, "checkpoint", None, format!("{n} bytes: {e}")))?;
        sums.resize(n as usize, 0);
        self.file.read_exact(&mut asked).map_err(told)?;
        self.file.read_exact(&mut sums).map_err(told)?;
        self.file.read_exact(&mut digest).map_err(told)?;
        if digest == chained(&self.chain, &asked, &sums) {
            return Ok(Some((asked, sums)));
        }
        // The blocks of a file may reach the disk in any order, so what a power cut leaves may be of full length.
        if self.at + 8 + 2 * DIGEST + n == end { Ok(None) } else { Err(corrupt(self.at, "a record is not what its digest says")) }
    }

    fn append(&mut self, asked: &Digest, sums: &Sums) -> Result<()> {
        let sums = sums.to_bytes();
        self.chain = chained(&self.chain, asked, &sums);
        self.pending.extend((sums.len() as u64).to_le_bytes());
        self.pending.extend(asked);
        self.pending.extend(&sums);
        self.pending.extend(self.chain);
        if self.written.elapsed() >= self.every || self.pending.len() >= PENDING { self.write() } else { Ok(()) }
    }

    /// Writes and syncs what is pending.
    fn write(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            self.file.write_all(&self.pending).and_then(|()| self.file.sync_data()).map_err(|e| self.told(&e))?;
            self.pending.clear();
        }
        self.written = Instant::now();
        Ok(())
    }

    fn told(&self, e: &std::io::Error) -> Error {
        io_error("checkpoint", &self.path, e)
    }
}

impl Drop for Journal {
    /// Where a plan ends in an error, the passes it made are kept if they can be.
    fn drop(&mut self) {
        let _ = self.write();
    }
}

fn corrupt(at: u64, what: &str) -> Error {
    Error::new(codes::FILE_CORRUPT, "checkpoint", Some(at), format!("{what}; remove the file to begin anew"))
}

fn check_header(found: &[u8], wanted: &[u8]) -> Result<()> {
    let (fields, digest) = found.split_at((HEADER - DIGEST) as usize);
    if fields[..8] != *MAGIC {
        return Err(corrupt(0, "this is no checkpoint"));
    }
    if fields[8..12] != wanted[8..12] {
        let version = fields[8..12].iter().rev().fold(0u32, |v, b| v << 8 | u32::from(*b));
        let message = format!("the checkpoint has format {version}, this version reads {FORMAT}");
        return Err(Error::new(codes::FILE_VERSION, "checkpoint", None, message));
    }
    if blake3::hash(fields).as_bytes() != digest || fields[12..16] != wanted[12..16] {
        return Err(corrupt(0, "the header is not what its digest says"));
    }
    if found != wanted {
        let message = "the checkpoint belongs to another problem, log, campaign table, hold-out, traffic or version";
        return Err(Error::new(codes::FOREIGN_FILE, "checkpoint", None, message));
    }
    Ok(())
}

fn chained(before: &Digest, asked: &Digest, sums: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(&(sums.len() as u64).to_le_bytes()).update(asked).update(sums);
    *hasher.finalize().as_bytes()
}

/// A digest of the exact bits that a pass is asked with.
fn digest_of(ask: &Ask) -> Digest {
    let mut hasher = Hasher::default();
    match ask {
        Ask::Uniform => hasher.add(&[0u64], |v| v.to_le_bytes()),
        Ask::Prices(p) => {
            hasher.add(&[1 + p.v.len() as u64], |v| v.to_le_bytes());
            hasher.add(&p.v, |v| v.to_le_bytes());
            hasher.add(&p.p, |v| v.to_le_bytes());
            hasher.add(&[p.gamma, p.near], |v| v.to_le_bytes());
        }
    }
    hasher.finish()
}

/// What a checkpoint is bound to: everything that a pass's sums, and what they are asked for, depend on. `policy` has the inputs but no prices,
/// `sample` is a digest of the sample.
fn fingerprint(policy: &Policy, promises: &[Promise], sample: &blake3::Hash) -> Digest {
    let mut hasher = Hasher::default();
    hasher.add(&policy.id(), |b| [*b]);
    hasher.add(format!("{} {promises:?}", env!("CARGO_PKG_VERSION")).as_bytes(), |b| [*b]);
    hasher.add(sample.as_bytes(), |b| [*b]);
    hasher.finish()
}

/// A digest of lists of numbers, each with its length.
#[derive(Default)]
struct Hasher {
    blake3: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Hasher {
    fn add<T, const N: usize>(&mut self, list: &[T], bytes: impl Fn(&T) -> [u8; N]) {
        self.blake3.update(&(list.len() as u64).to_le_bytes());
        for part in list.chunks(16_384) {
            self.bytes.clear();
            for v in part {
                self.bytes.extend(bytes(v));
            }
            self.blake3.update(&self.bytes);
        }
    }

    fn finish(self) -> Digest {
        *self.blake3.finalize().as_bytes()
    }
}

/// Whether sums have the shape of a pass over this sample.
fn fits(sums: &Sums, layout: &Layout) -> bool {
    let columns = layout.columns.len();
    let entries = |a: &Active| {
        a.starts.first() == Some(&0)
            && a.starts.is_sorted()
            && a.starts.last().copied() == u32::try_from(a.column.len()).ok()
            && a.starts.len() == a.binds.len() + 1
            && a.weight.len() == a.binds.len()
            && a.weight.iter().all(|w| w.is_finite() && *w >= 0.0)
            && a.room.len() == a.binds.len()
            && a.room.iter().all(|r| r.is_finite() && *r >= 0.0)
            && a.x.len() == a.column.len()
            && a.x.iter().all(|x| (0.0..=1.0).contains(x))
            && a.column.iter().all(|c| (*c as usize) < columns)
            && a.y.len() == a.column.len() * (layout.measures - 1)
            && a.y.iter().all(|y| y.is_finite())
    };
    sums.cells.len() == columns * layout.measures && sums.near.len() == columns && sums.active.iter().all(|(_, a)| entries(a))
}
