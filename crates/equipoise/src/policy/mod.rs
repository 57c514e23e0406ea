//! The immutable policy: what a service loads. Built from a [`Draft`], kept as the bytes of its file, folded for scoring.

mod beside;
mod column;
mod container;
mod diff;
mod draft;
mod file;
mod fold;
mod index;
mod lineage;
mod memory;
mod objectives;
mod reach;
mod roster;
mod rows;

pub use container::{FILE_LIMIT, HEADER_LIMIT};
pub use diff::{Change, Diff};
pub use draft::Draft;
pub use file::{FORMAT_VERSION, MEASURE_LIMIT, PLACE_LIMIT, PRICE_LIMIT};
pub use lineage::Lineage;
pub use roster::{Eligibility, NONE, Roster};
pub use rows::{CAMPAIGN_LIMIT, ORGANIC, UNKNOWN};

pub(crate) use file::Ledgers;
pub(crate) use fold::{Prices, segment_coefficient};
pub(crate) use lineage::Standing;
pub(crate) use reach::Reach;
pub(crate) use rows::INDEX_BITS;

use crate::error::{Error, Result, codes, quote};
use crate::memory::spared;
use crate::model::{GoalKind, Scope, Slate, hash_text};
use crate::publish::{io_error, publish};
use beside::beside;
use container::Container;
use file::{Contents, Refusal};
use fold::Outline;
use index::Index;
use indexmap::IndexMap;
use memory::Budget;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

/// The immutable policy. Cheap to clone, shared by all threads; two policies of equal bytes are the same policy.
#[derive(Debug, Clone)]
pub struct Policy(Arc<Inner>);

/// What a policy takes in memory beyond the size of its file and as much again; the promise is twice as much.
const MEMORY_SLACK: usize = 512 << 10;
/// Bytes of a file that is worth a second thread.
const LARGE: usize = 1 << 20;

#[derive(Debug)]
struct Inner {
    bytes: Arc<Vec<u8>>,
    made: Made,
    id: [u8; 16],
    tag: u8,
}

/// What a file says, checked and folded.
#[derive(Debug)]
struct Made {
    contents: Contents,
    prices: Prices,
    /// The position of the measure `displacement`, where there is one.
    displacement: Option<usize>,
    /// [`hash_text`] of each campaign's id; empty where no tie is broken.
    hashes: Vec<u64>,
    /// Where ids are; `None` where there is no room for it, and they are searched for.
    index: Option<Index>,
}

impl Made {
    fn new(bytes: &Arc<Vec<u8>>, container: Container) -> std::result::Result<Self, Refusal> {
        let contents = file::read(bytes, container)?;
        let (roster, ledgers, n) = (&contents.roster, &contents.ledgers, contents.roster.len());
        let mut budget = Budget::new(bytes.len() + MEMORY_SLACK);
        let outline = Outline::new(contents.weights.len(), roster, ledgers, &mut budget)?;
        let ties = if contents.tie_breadth > 0.0 { n } else { 0 };
        if !budget.take(Some(ties * size_of::<u64>())) {
            let message = "the hashes that break ties would take more memory than the policy itself";
            return Err(Error::new(codes::POLICY_LIMIT, "tie_breadth", None, message).into());
        }
        let indexed = budget.take(Some(Index::bytes(n)));
        let mut hashes = memory::filled(0, ties)?;
        let (ours, theirs) = hashes.split_at_mut(ties / 2);
        let hash = |hashes: &mut [u64], from: usize| {
            for (i, hash) in hashes.iter_mut().enumerate() {
                *hash = hash_text(roster.ids.get(from + i));
            }
        };
        let (index, prices) = beside(
            bytes.len() >= LARGE,
            || {
                hash(theirs, ties / 2);
                if indexed { Index::new(&roster.ids) } else { Ok(None) }
            },
            || {
                hash(ours, 0);
                outline.fold(&contents.weights, roster, ledgers, budget.left())
            },
        );
        let (index, prices) = (index?, prices?);
        let displacement = contents.measures[1..].iter().position(|m| m == "displacement");
        Ok(Self { contents, prices, displacement, hashes, index })
    }
}

/// One ledger with its price: a row of `policy.prices`.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Name of the goal.
    pub goal: String,
    /// What the goal asks.
    pub kind: GoalKind,
    /// The measure counted.
    pub measure: String,
    /// Over what: `campaign=c1`, `market=SE`, `all`.
    pub scope: String,
    /// The price: positive charges, negative subsidises; per unit of the measure.
    pub price: f64,
}

/// One campaign as a policy knows it: a row of `policy.campaigns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// Artist, where it has one.
    pub artist: Option<&'a str>,
    /// Label, where it has one.
    pub label: Option<&'a str>,
    /// Licensor, where it has one.
    pub licensor: Option<&'a str>,
    /// Surfaces it runs on; `None` is everywhere.
    pub surfaces: Option<Vec<&'a str>>,
    /// Markets it runs in; `None` is everywhere.
    pub markets: Option<Vec<&'a str>>,
    /// Start of the flight, microseconds since 1970 UTC, included.
    pub start: Option<i64>,
    /// End of the flight, excluded.
    pub end: Option<i64>,
    /// How often one listener may get it; `None` is without limit.
    pub frequency_cap: Option<u32>,
}

impl Policy {
    /// Checks and folds a draft. Equal drafts give equal bytes and equal ids.
    ///
    /// # Errors
    /// `invalid_input.*` for the first thing wrong in the draft; `policy.limit` where it is larger than a file can be.
    pub fn new(draft: &Draft) -> Result<Self> {
        spared("policy", 0, || {
            Self::read(file::write(draft)?).map_err(|refusal| match refusal {
                Refusal::Container(error) => error,
                Refusal::Contents(flaw) => Error::new(codes::RANGE, flaw.part, flaw.element.map(|i| i as u64), flaw.message),
            })
        })
    }

    /// The policy without campaigns and measures: every id is unknown, every request keeps its organic order.
    ///
    /// # Panics
    /// Never: the empty draft is a good one.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(&Draft { weights: vec![0.0], ..Draft::default() }).expect("the empty draft is a good one")
    }

    /// Reads a policy file from memory, strictly. Holds memory for about the size of the bytes once more.
    ///
    /// # Errors
    /// `policy.corrupt` with the offset, `policy.version`, or `policy.limit`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(too_large());
        }
        spared("policy", 0, || {
            let mut own = memory::room(bytes.len())?;
            own.extend_from_slice(bytes);
            Ok(Self::read(own)?)
        })
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// As [`Policy::from_bytes`]; `invalid_input.io` where the file cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        spared("policy", 0, || Self::load_from(path.as_ref()))
    }

    fn load_from(path: &Path) -> Result<Self> {
        let told = |e: std::io::Error| io_error("path", path, &e);
        let mut file = File::open(path).map_err(told)?;
        let metadata = file.metadata().map_err(told)?;
        if !metadata.is_file() {
            return Err(Error::new(codes::IO, "path", None, format!("{} is not a file", quote(&path.to_string_lossy()))));
        }
        if metadata.len() > FILE_LIMIT {
            return Err(too_large());
        }
        let mut bytes = memory::room(metadata.len() as usize)?;
        // A file that grows while it is read is cut here, and refused by its digest.
        (&mut file).take(metadata.len()).read_to_end(&mut bytes).map_err(told)?;
        Ok(Self::read(bytes)?)
    }

    fn read(bytes: Vec<u8>) -> std::result::Result<Self, Refusal> {
        let bytes = Arc::new(bytes);
        let container = container::read(&bytes)?;
        let (digest, made) = beside(bytes.len() >= LARGE, || container::digest(&bytes), || Made::new(&bytes, container));
        // Of a file that is damaged nothing else is worth saying.
        let (digest, made) = (digest?, made?);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Ok(Self(Arc::new(Inner { tag: rows::tag(id), bytes, made, id })))
    }

    /// The bytes of the policy's file.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Writes the policy's file: beside the path first, then synced and renamed, so that a reader sees the old file or the new one.
    ///
    /// # Errors
    /// `invalid_input.io` where the file cannot be written; the path is then as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        publish("path", path.as_ref(), |file| file.write_all(self.to_bytes()))
    }

    /// The same policy, valid until another time (microseconds since 1970 UTC): a new policy with a new id, unsigned.
    ///
    /// # Errors
    /// `policy.limit` where its metadata leave no room.
    pub fn with_valid_until(&self, until: i64) -> Result<Self> {
        self.with_metadata(&[("valid_until", Some(until.to_string()))])
    }

    fn with_metadata(&self, entries: &[(&str, Option<String>)]) -> Result<Self> {
        spared("policy", 0, || Ok(Self::read(file::with_metadata(&self.0.bytes, entries)?)?))
    }

    /// The first 16 bytes of the digest of the policy's bytes.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.0.id
    }

    /// [`Policy::id`] as 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn id_hex(&self) -> String {
        file::hex(self.0.id)
    }

    /// The policy this one came from.
    #[must_use]
    pub fn parent_id(&self) -> Option<[u8; 16]> {
        self.0.made.contents.parent_id
    }

    /// From when on (microseconds since 1970 UTC) this policy serves the organic order only.
    #[must_use]
    pub fn valid_until(&self) -> Option<i64> {
        self.0.made.contents.valid_until
    }

    /// Measure columns of a request, in the order of summation; without `exposure`.
    #[must_use]
    pub fn measures(&self) -> &[String] {
        &self.0.made.contents.measures[1..]
    }

    /// Objective weights: of `exposure`, then of [`Policy::measures`].
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.0.made.contents.weights
    }

    /// Slate rules.
    #[must_use]
    pub fn slate(&self) -> &Slate {
        &self.0.made.contents.slate
    }

    /// Breadth of the tie-break term; 0 for none.
    #[must_use]
    pub fn tie_breadth(&self) -> f64 {
        self.0.made.contents.tie_breadth
    }

    /// Everything that travels along as text: format, objectives, slate, certificate.
    #[must_use]
    pub fn metadata(&self) -> &IndexMap<String, String> {
        &self.0.made.contents.metadata
    }

    /// Who may run where and when.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.0.made.contents.roster
    }

    /// The campaigns in order of their ids.
    #[must_use]
    pub fn campaigns(&self) -> impl ExactSizeIterator<Item = CampaignRow<'_>> {
        let roster = self.roster();
        let party = |scope: Scope, c: u32| (roster.party(scope, c) != NONE).then(|| roster.key_name(scope, roster.party(scope, c)));
        (0..roster.len() as u32).map(move |c| CampaignRow {
            id: roster.id(c),
            artist: party(Scope::Artist, c),
            label: party(Scope::Label, c),
            licensor: party(Scope::Licensor, c),
            surfaces: roster.surfaces.list(c as usize),
            markets: roster.markets.list(c as usize),
            start: roster.flight(c).0,
            end: roster.flight(c).1,
            frequency_cap: roster.frequency_cap(c),
        })
    }

    /// Every ledger with its price, in the order of folding.
    #[must_use]
    pub fn prices(&self) -> impl ExactSizeIterator<Item = Price> {
        let ledgers = self.ledgers();
        (0..ledgers.len()).map(|l| Price {
            goal: ledgers.goals.get(ledgers.goal.get(l) as usize).to_owned(),
            kind: ledgers.kind(l),
            measure: self.0.made.contents.measures[ledgers.measure.get(l) as usize].clone(),
            scope: self.scope_text(l),
            price: ledgers.price.get(l),
        })
    }

    /// `campaign=c1`, `market=SE`, `all`.
    pub(crate) fn scope_text(&self, l: usize) -> String {
        let scope = self.ledgers().scope(l);
        match scope {
            Scope::All => scope.name().to_owned(),
            _ => format!("{}={}", scope.name(), self.roster().key_name(scope, self.ledgers().key.get(l))),
        }
    }

    /// What has changed from this policy to `other`.
    #[must_use]
    pub fn diff(&self, other: &Self) -> Diff {
        diff::diff(self, other)
    }

    /// The row of a campaign in this policy, or [`UNKNOWN`]. Rows are valid in this process and for this policy only.
    ///
    /// One look into a table of hashes; `O(log n)` for the few policies that have no room for it.
    #[must_use]
    pub fn row(&self, id: &str) -> u32 {
        let ids = &self.roster().ids;
        self.tagged(self.0.made.index.as_ref().map_or_else(|| ids.find_sorted(id), |index| index.find(ids, id)))
    }

    /// The rows of many campaigns, in their order; faster than one by one, since what they read from memory is waited for together.
    #[must_use]
    pub fn rows<S: AsRef<str>>(&self, ids: &[S]) -> Vec<u32> {
        let mut rows = vec![UNKNOWN; ids.len()];
        self.find_all(ids, &mut rows);
        rows
    }

    /// The same into rows that are there already, one for each id; allocates nothing.
    ///
    /// # Errors
    /// `invalid_input.shape` where there are not as many rows as ids; nothing is then written.
    ///
    /// ```
    /// # use equipoise::model::{Campaign, Campaigns};
    /// # use equipoise::policy::{Draft, Policy, UNKNOWN};
    /// # let campaigns = Campaigns::new(vec![Campaign { id: "waves".into(), ..Campaign::default() }])?;
    /// # let policy = Policy::new(&Draft { weights: vec![1.0], campaigns, ..Draft::default() })?;
    /// let mut rows = [0; 2];
    /// policy.rows_into(&["waves", "nowhere"], &mut rows)?;
    /// assert_eq!(rows, [policy.row("waves"), UNKNOWN]);
    /// assert!(policy.rows_into(&["waves"], &mut rows).is_err());
    /// # Ok::<(), equipoise::Error>(())
    /// ```
    pub fn rows_into<S: AsRef<str>>(&self, ids: &[S], rows: &mut [u32]) -> Result<()> {
        if rows.len() != ids.len() {
            return Err(Error::new(codes::SHAPE, "rows", None, format!("{} entries for {} ids", rows.len(), ids.len())));
        }
        self.find_all(ids, rows);
        Ok(())
    }

    fn find_all<S: AsRef<str>>(&self, ids: &[S], rows: &mut [u32]) {
        let mut rows = rows.iter_mut();
        let mut found = |row: u32| rows.next().into_iter().for_each(|own| *own = row);
        match &self.0.made.index {
            Some(index) => index.find_all(&self.roster().ids, ids, |rank| found(self.tagged(rank))),
            None => ids.iter().for_each(|id| found(self.row(id.as_ref()))),
        }
    }

    fn tagged(&self, rank: Option<u32>) -> u32 {
        rank.map_or(UNKNOWN, |rank| u32::from(self.0.tag) << INDEX_BITS | rank)
    }

    /// The number of a market in requests, or [`NONE`].
    #[must_use]
    pub fn market(&self, name: &str) -> u32 {
        self.roster().market(name).unwrap_or(NONE)
    }

    /// The number of a surface in requests, or [`NONE`].
    #[must_use]
    pub fn surface(&self, name: &str) -> u32 {
        self.roster().surface(name).unwrap_or(NONE)
    }

    /// The position of a measure among [`Policy::measures`].
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<usize> {
        self.measures().iter().position(|m| m == name)
    }

    pub(crate) fn ledgers(&self) -> &Ledgers {
        &self.0.made.contents.ledgers
    }

    pub(crate) fn folded(&self) -> &Prices {
        &self.0.made.prices
    }

    /// Whether this is the same object in memory, not only an equal one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether nobody else holds this policy; nobody can come by it then but through this one.
    pub(crate) fn is_only(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Bytes of memory that it holds, but for small change.
    pub(crate) fn memory(&self) -> usize {
        let Made { prices, hashes, index, .. } = &self.0.made;
        let index = index.as_ref().map_or(0, Index::memory);
        self.0.bytes.capacity() + prices.rows.memory() + size_of_val(hashes.as_slice()) + index
    }

    pub(crate) fn tag(&self) -> u8 {
        self.0.tag
    }

    pub(crate) fn displacement(&self) -> Option<usize> {
        self.0.made.displacement
    }

    pub(crate) fn campaign_hash(&self, index: u32) -> u64 {
        self.0.made.hashes[index as usize]
    }
}

/// The id that [`Policy::id_hex`] writes.
///
/// # Errors
/// `invalid_input.range` for anything but 32 lower-case hexadecimal digits.
pub fn parse_id(text: &str) -> Result<[u8; 16]> {
    match u128::from_str_radix(text, 16).map(u128::to_be_bytes) {
        Ok(id) if file::hex(id) == text => Ok(id),
        _ => Err(Error::new(codes::RANGE, "id", None, format!("{} is not 32 lower-case hexadecimal digits", quote(text)))),
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Policy {}

fn too_large() -> Error {
    Error::new(codes::POLICY_LIMIT, "policy", None, format!("the file is larger than the limit of {FILE_LIMIT} bytes"))
}
