//! Reading a log of opportunities.

use super::batch::broken;
use super::log_columns::Columns;
use super::number::{self, Integers, Rule};
use super::runs::{Runs, leading};
use super::text::{Memory, NULL, Text};
use super::{ReadOptions, time};
use crate::error::{Error, Faults, Result, codes};
use crate::model::{Begun, Id, Items, Names, ORGANIC, Opportunities, PLACES, Range, check_text};
use crate::policy::{INDEX_BITS, Policy, UNKNOWN};
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{Array, RecordBatch, RecordBatchReader};
use std::collections::HashSet;
use std::result::Result as StdResult;

/// Reads a log: one row per candidate, the rows of an opportunity together; they may span batches.
///
/// | column | type | |
/// |---|---|---|
/// | `opportunity_id` | integer or text | required |
/// | `campaign` | text | required; null is an organic candidate |
/// | each of `measures` | number in `[0, 1e12]` | required, rounded once to f32; never `exposure` |
/// | `organic` | number in `[-1e12, 1e12]` | per row |
/// | `item` | integer or text | per row; rows of one item in an opportunity share `organic` and differ in `campaign` |
/// | `artist` | text | per row |
/// | `frequency` | whole number in `[0, 2^32 - 1)` | per row: how often the listener had had the campaign, for frequency caps |
/// | `time` | timestamp | constant within an opportunity, like all that follow |
/// | `market`, `surface` | text | |
/// | `slots` | whole number in `[0, 255]` | |
/// | `weight` | number in `(0, 1e12]` | |
/// | `reference`, `organic_value` | number in `[-1e12, 1e12]`, `[0, 1e12]` | |
/// | `key` | integer | else the hash of `opportunity_id` |
/// | `listener` | integer or text | hold-outs and certificates then go by listener |
///
/// All but the required ones may be missing. Nulls are errors where no [`ReadOptions::fill`] stands for them. A column `displacement` is
/// read where it is among `measures`. Costs one pass and one copy; about 10 ns per row and column at most.
///
/// # Errors
/// All faults of the columns' names and types at once; then, all faults of the rows at once, `index` being the row:
/// `invalid_input.null`, `.not_finite`, `.range`, `.scattered`, `.inconsistent`, `.duplicate`, `.empty`, `.too_large`.
/// `invalid_input.io` where the stream breaks off, `.unicode` where its text or offsets are not valid, `resource_exhausted.memory`.
pub fn read_opportunities<R: RecordBatchReader, S: AsRef<str>>(
    mut reader: R,
    measures: &[S],
    options: &ReadOptions,
) -> Result<Opportunities> {
    let measures: Vec<_> = measures.iter().map(|name| name.as_ref().to_owned()).collect();
    let columns = Columns::find(&reader.schema(), &measures, options)?;
    let mut table = Table::new(columns, measures, options);
    for batch in &mut reader {
        table.append(&batch.map_err(|e| broken(&e))?)?;
    }
    table.finish()
}

/// Reads a log as [`read_opportunities`] does and hands it over in parts of about `rows` rows, each of whole opportunities, as they come.
/// Beside a part, memory holds about 40 bytes for each opportunity so far, and the names.
///
/// # Errors
/// As [`read_opportunities`], and whatever `take` returns. Parts before a fault have been handed over by then.
pub fn read_opportunities_in_parts<R: RecordBatchReader, S: AsRef<str>>(
    mut reader: R,
    measures: &[S],
    options: &ReadOptions,
    rows: usize,
    mut take: impl FnMut(&Opportunities) -> Result<()>,
) -> Result<()> {
    let measures: Vec<_> = measures.iter().map(|name| name.as_ref().to_owned()).collect();
    let columns = Columns::find(&reader.schema(), &measures, options)?;
    let mut table = Table::new(columns, measures, options);
    for batch in &mut reader {
        table.append(&batch.map_err(|e| broken(&e))?)?;
        let begun = table.log.starts.len();
        if table.log.campaign.len() >= rows && begun > 1 && table.faults.is_empty() {
            let part = table.log.split_front(begun - 1);
            part.check_items(&mut table.faults);
            if table.faults.is_empty() {
                take(&part)?;
            }
        }
    }
    take(&table.finish()?)
}

/// The opportunity that the last row belongs to.
enum Last {
    None,
    Int(i64),
    Text(String),
}

/// A log under construction.
pub(super) struct Table<'a> {
    pub(super) columns: Columns,
    options: &'a ReadOptions,
    pub(super) log: Opportunities,
    pub(super) faults: Faults,
    /// The opportunities so far; `None` where whoever reads looks for scattered ones.
    begun: Option<Begun>,
    /// Whose numbers campaigns get, in place of the log's own.
    policy: Option<&'a Policy>,
    /// Whether plain columns are left to be borrowed from the table.
    lends: bool,
    items: Items,
    last: Last,
    /// Rows of the batch at hand that begin an opportunity.
    begins: Vec<usize>,
    base: u64,
    indices: Vec<u32>,
    numbers: Vec<f64>,
    references: Vec<f32>,
    integers: Integers,
    memories: Memories,
    /// Columns whose last value has a fault, so that the rows that follow are not compared with it.
    distrusted: HashSet<&'static str>,
}

/// What the columns of text remember.
#[derive(Default)]
struct Memories {
    id: Memory,
    campaign: Memory,
    item: Memory,
    artist: Memory,
    market: Memory,
    surface: Memory,
    listener: Memory,
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: Columns, measures: Vec<String>, options: &'a ReadOptions) -> Self {
        let log = Opportunities {
            measures: measures.into_iter().map(|name| (name, Vec::new())).collect(),
            organic: columns.organic.map(|_| Vec::new()),
            item: columns.item.map(|_| Vec::new()),
            artist: columns.artist.map(|_| Vec::new()),
            frequency: columns.frequency.map(|_| Vec::new()),
            time: columns.time.map(|_| Vec::new()),
            market: columns.market.map(|_| Vec::new()),
            surface: columns.surface.map(|_| Vec::new()),
            slots: columns.slots.map(|_| Vec::new()),
            weight: columns.weight.map(|_| Vec::new()),
            reference: columns.reference.map(|_| Vec::new()),
            organic_value: columns.organic_value.map(|_| Vec::new()),
            key: columns.key.map(|_| Vec::new()),
            listener: columns.listener.map(|_| Vec::new()),
            ..Opportunities::default()
        };
        Self {
            columns,
            options,
            log,
            faults: Faults::new(),
            begun: Some(Begun::default()),
            policy: None,
            lends: false,
            items: Items::default(),
            last: Last::None,
            begins: Vec::new(),
            base: 0,
            indices: Vec::new(),
            numbers: Vec::new(),
            references: Vec::new(),
            integers: Integers::default(),
            memories: Memories::default(),
            distrusted: HashSet::new(),
        }
    }

    /// A reader of some rows at a time, whose campaigns are numbers of `policy` ([`STRANGER`] where it knows them not). It looks for no
    /// scattered opportunities.
    pub(super) fn by_policy(columns: Columns, measures: Vec<String>, options: &'a ReadOptions, policy: &'a Policy) -> Self {
        Self { begun: None, policy: Some(policy), ..Self::new(columns, measures, options) }
    }

    /// Begins anew at row `base`; names are kept. With `lends`, columns that [`lent`] can borrow are not copied.
    pub(super) fn restart(&mut self, base: u64, lends: bool) {
        self.log.clear_rows();
        self.faults = Faults::new();
        self.last = Last::None;
        self.distrusted.clear();
        (self.base, self.lends) = (base, lends);
    }

    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        if self.base + rows as u64 >= u64::from(ORGANIC) - 1 {
            return Err(Error::new(codes::TOO_LARGE, "table", None, format!("a log has fewer than {} rows", ORGANIC - 1)));
        }
        self.reserve(rows)?;
        self.append_ids(batch.column(self.columns.id).as_ref())?;
        self.append_rows(batch)?;
        self.append_constants(batch)?;
        self.base += rows as u64;
        Ok(())
    }

    /// Makes room for the rows of a batch, so that a table that does not fit is an error.
    fn reserve(&mut self, rows: usize) -> Result<()> {
        let log = &mut self.log;
        let narrow = log.measures.iter_mut().map(|m| &mut m.1).chain(&mut log.organic);
        let wide = [Some(&mut log.campaign), log.item.as_mut(), log.artist.as_mut()].into_iter().flatten();
        let failed =
            narrow.map(|column| column.try_reserve(rows)).chain(wide.map(|column| column.try_reserve(rows))).find_map(StdResult::err);
        failed.map_or(Ok(()), |e| Err(Error::new(codes::MEMORY, "table", Some(self.base), format!("no memory for {rows} more rows: {e}"))))
    }

    /// Finds where opportunities begin.
    fn append_ids(&mut self, array: &dyn Array) -> Result<()> {
        self.begins.clear();
        if array.data_type().is_integer() {
            return self.append_integer_ids(array);
        }
        let text = Text::new("opportunity_id", array, Some(self.base), &mut self.memories.id)?;
        for row in 0..array.len() {
            if row > 0 && text.equal(row - 1, row) && text.get(row).is_some() {
                continue;
            }
            let Some(id) = text.get(row) else {
                self.null_id(row);
                continue;
            };
            if !matches!(&self.last, Last::Text(last) if last == id) {
                check_text(id, &mut self.faults, "opportunity_id", Some(self.base + row as u64));
                self.begin(Id::Text(id), row);
                self.last = Last::Text(id.to_owned());
            }
        }
        Ok(())
    }

    fn append_integer_ids(&mut self, array: &dyn Array) -> Result<()> {
        let mut ids = std::mem::take(&mut self.integers);
        ids.read("opportunity_id", array)?;
        let mut last = if let Last::Int(id) = self.last { Some(id) } else { None };
        let mut row = 0;
        while row < array.len() {
            match ids.get(row) {
                None => self.null_id(row),
                Some(id) if Some(id) != last => {
                    self.begin(Id::Int(id), row);
                    last = Some(id);
                }
                Some(_) => {}
            }
            row += 1;
            if let (Some(ids), Some(last)) = (ids.whole(), last) {
                row += leading(&ids[row..], last);
            }
        }
        self.last = last.map_or(Last::None, Last::Int);
        self.integers = ids;
        Ok(())
    }

    fn begin(&mut self, id: Id<'_>, row: usize) {
        let at = self.base + row as u64;
        let (hash, before) = self.begun.as_mut().map_or_else(|| (id.hash(), None), |begun| begun.begin(id, at));
        if let Some(before) = before {
            self.faults.push(codes::SCATTERED, "opportunity_id", Some(at), || {
                format!("{id} began at row {before} and comes back after another; the rows of an opportunity stand together")
            });
        }
        self.begins.push(row);
        self.log.starts.push(at);
        self.log.id_hash.push(hash);
    }

    /// A row without an id counts with the opportunity before it.
    fn null_id(&mut self, row: usize) {
        let at = self.base + row as u64;
        self.faults.push(codes::NULL, "opportunity_id", Some(at), || "is null; every row belongs to an opportunity".to_owned());
        if self.log.starts.is_empty() {
            self.begins.push(row);
            self.log.starts.push(at);
            self.log.id_hash.push(0);
        }
    }

    /// Appends what every row has of its own.
    fn append_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let (log, faults, base) = (&mut self.log, &mut self.faults, self.base);
        let fill = |name: &str| self.options.fill.get(name).copied();
        names(
            "campaign",
            batch.column(self.columns.campaign),
            base,
            &mut self.policy.map_or(Known::Names(&mut log.campaigns), Known::Campaigns),
            &mut self.memories.campaign,
            &mut self.indices,
            faults,
        )?;
        // Null and organic are the same number.
        log.campaign.extend_from_slice(&self.indices);
        for (at, (name, column)) in self.columns.measures.iter().zip(&mut log.measures) {
            // What stands for a displacement that is not written is a fault in a table, but not to a request.
            if self.lends && name != "displacement" && lent(batch.column(*at)).is_some() {
                continue;
            }
            let rule = Rule { name, range: Range::NonNegative, fill: fill(name), base };
            number::append(batch.column(*at), &rule, column, faults)?;
        }
        if let (Some(at), Some(column)) = (self.columns.organic, &mut log.organic)
            && !(self.lends && log.item.is_none() && lent(batch.column(at)).is_some())
        {
            let rule = Rule { name: "organic", range: Range::Signed, fill: fill("organic"), base };
            number::append(batch.column(at), &rule, column, faults)?;
        }
        if let (Some(at), Some(column)) = (self.columns.artist, &mut log.artist) {
            names(
                "artist",
                batch.column(at),
                base,
                &mut Known::Names(&mut log.artists),
                &mut self.memories.artist,
                &mut self.indices,
                faults,
            )?;
            no_nulls("artist", &self.indices, base, faults);
            column.extend_from_slice(&self.indices);
        }
        if let (Some(at), Some(column)) = (self.columns.frequency, &mut log.frequency) {
            self.integers.read("frequency", batch.column(at).as_ref())?;
            for (row, count) in self.integers.iter().enumerate() {
                let at = Some(base + row as u64);
                match count.map(u32::try_from) {
                    Some(Ok(count)) if count < u32::MAX => {}
                    Some(_) => faults.push(codes::RANGE, "frequency", at, || format!("{count:?} is not in [0, {})", u32::MAX)),
                    None => faults.push(codes::NULL, "frequency", at, || "is null".to_owned()),
                }
                column.push(count.map_or(0, |c| c.clamp(0, i64::from(u32::MAX)) as u32));
            }
        }
        if let (Some(at), Some(column)) = (self.columns.item, &mut log.item) {
            let array = batch.column(at).as_ref();
            let items = &mut self.items;
            if array.data_type().is_integer() {
                self.integers.read("item", array)?;
                self.indices.clear();
                self.indices.extend(self.integers.iter().map(|id| id.map_or(NULL, |id| items.intern(Id::Int(id)).0)));
            } else {
                let memory = &mut self.memories.item;
                let text = Text::new("item", array, Some(base), memory)?;
                text.indices(array.len(), memory, &mut self.indices, |row, id| {
                    let (index, new) = items.intern(Id::Text(id));
                    if new {
                        check_text(id, faults, "item", Some(base + row as u64));
                    }
                    index
                });
            }
            no_nulls("item", &self.indices, base, faults);
            column.extend_from_slice(&self.indices);
        }
        Ok(())
    }

    /// Appends what the rows of an opportunity share.
    fn append_constants(&mut self, batch: &RecordBatch) -> Result<()> {
        let (log, faults, base) = (&mut self.log, &mut self.faults, self.base);
        let fill = |name: &str| self.options.fill.get(name).copied();
        let mut runs = Runs { begins: &self.begins, base, distrusted: &mut self.distrusted };
        let texts = [
            ("market", self.columns.market, &mut log.market, &mut log.markets, &mut self.memories.market),
            ("surface", self.columns.surface, &mut log.surface, &mut log.surfaces, &mut self.memories.surface),
        ];
        for (name, at, column, known, memory) in texts {
            if let (Some(at), Some(column)) = (at, column) {
                names(name, batch.column(at), base, &mut Known::Names(known), memory, &mut self.indices, faults)?;
                let good = no_nulls(name, &self.indices, base, faults);
                runs.append(name, &self.indices, column, good.then_some(&mut *faults), |index| known.name(*index));
            }
        }
        let numbers = [
            ("weight", self.columns.weight, &mut log.weight, Range::Positive),
            ("organic_value", self.columns.organic_value, &mut log.organic_value, Range::NonNegative),
        ];
        for (name, at, column, range) in numbers {
            if let (Some(at), Some(column)) = (at, column) {
                self.numbers.clear();
                let good = number::append(batch.column(at), &Rule { name, range, fill: fill(name), base }, &mut self.numbers, faults)?;
                runs.append(name, &self.numbers, column, good.then_some(&mut *faults), |value| *value);
            }
        }
        if let (Some(at), Some(column)) = (self.columns.reference, &mut log.reference) {
            self.references.clear();
            let rule = Rule { name: "reference", range: Range::Signed, fill: fill("reference"), base };
            let good = number::append(batch.column(at), &rule, &mut self.references, faults)?;
            runs.append("reference", &self.references, column, good.then_some(&mut *faults), |value| *value);
        }
        if let (Some(at), Some(column)) = (self.columns.slots, &mut log.slots) {
            self.numbers.clear();
            let rule = Rule { name: "slots", range: Range::NonNegative, fill: fill("slots"), base };
            let good = number::append(batch.column(at), &rule, &mut self.numbers, faults)? && check_slots(&self.numbers, base, faults);
            self.indices.clear();
            self.indices.extend(self.numbers.iter().map(|slots| *slots as u32));
            runs.append("slots", &self.indices, column, good.then_some(&mut *faults), |slots| *slots);
        }
        if let (Some(at), Some(column)) = (self.columns.time, &mut log.time) {
            time::micros("time", batch.column(at), base, &mut self.integers, faults)?;
            let good = no_missing("time", &self.integers, base, faults);
            runs.append("time", &self.integers.values, column, good.then_some(&mut *faults), |time| *time);
        }
        if let (Some(at), Some(column)) = (self.columns.key, &mut log.key) {
            self.integers.read("key", batch.column(at))?;
            let good = no_missing("key", &self.integers, base, faults);
            let keys: Vec<u64> = self.integers.values.iter().map(|key| *key as u64).collect();
            runs.append("key", &keys, column, good.then_some(&mut *faults), |key| *key);
        }
        if let (Some(at), Some(column)) = (self.columns.listener, &mut log.listener) {
            let (hashes, good) = listeners(batch.column(at).as_ref(), base, &mut self.memories.listener, &mut self.integers, faults)?;
            runs.append("listener", &hashes, column, good.then_some(&mut *faults), |hash| format!("{hash:#x}"));
        }
        Ok(())
    }

    /// Ends the last opportunity, and looks for what can be wrong with whole ones.
    pub(super) fn close(&mut self) {
        let Self { log, faults, .. } = self;
        if log.starts.is_empty() {
            faults.push(codes::EMPTY, "table", None, || "the log has no rows".to_owned());
        }
        let first = log.starts.first().copied().unwrap_or(0);
        log.starts.push(self.base);
        log.starts.iter_mut().for_each(|s| *s -= first);
        log.check_items(faults);
    }

    /// What is left of the log.
    fn finish(mut self) -> Result<Opportunities> {
        self.close();
        self.faults.finish()?;
        Ok(self.log)
    }
}

/// The numbers of a column that can be borrowed as they are, but for their range, which is not checked.
pub(super) fn lent(array: &dyn Array) -> Option<&[f32]> {
    let numbers = array.as_primitive_opt::<Float32Type>().filter(|numbers| numbers.null_count() == 0)?;
    Some(numbers.values())
}

/// The number of a campaign that a policy does not know, above all that it knows and below those that stand for null.
pub(super) const STRANGER: u32 = 1 << INDEX_BITS;

/// The number of a campaign in a policy: its row without the tag, so that it is none of a reader's own.
pub(super) fn number_of(policy: &Policy, id: &str) -> u32 {
    match policy.row(id) {
        UNKNOWN => STRANGER,
        row => row & (STRANGER - 1),
    }
}

/// Who numbers the names of a column.
enum Known<'a> {
    /// The log, in the order in which they come.
    Names(&'a mut Names),
    /// A policy, its campaigns.
    Campaigns(&'a Policy),
}

impl Known<'_> {
    /// The number of a name, and whether nobody has checked it yet.
    fn number(&mut self, name: &str) -> (u32, bool) {
        match self {
            Self::Names(names) => {
                let before = names.len();
                let number = names.intern(name);
                (number, names.len() > before)
            }
            Self::Campaigns(policy) => {
                let number = number_of(policy, name);
                (number, number == STRANGER)
            }
        }
    }
}

/// The hash of each row's listener, and whether every row has one.
fn listeners(array: &dyn Array, base: u64, memory: &mut Memory, integers: &mut Integers, faults: &mut Faults) -> Result<(Vec<u64>, bool)> {
    if array.data_type().is_integer() {
        integers.read("listener", array)?;
        let good = no_missing("listener", integers, base, faults);
        return Ok((integers.values.iter().map(|id| Id::Int(*id).hash()).collect(), good));
    }
    let text = Text::new("listener", array, Some(base), memory)?;
    let mut hashes: Vec<u64> = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        match hashes.last() {
            Some(same) if text.equal(row - 1, row) => hashes.push(*same),
            _ => {
                let id = text.get(row).unwrap_or_default();
                if text.get(row).is_some() {
                    check_text(id, faults, "listener", Some(base + row as u64));
                }
                hashes.push(Id::Text(id).hash());
            }
        }
    }
    let good = report_nulls("listener", (0..array.len()).map(|row| text.get(row).is_none()), base, faults);
    Ok((hashes, good))
}

/// Replaces `indices` by the name of each row.
fn names(
    name: &str,
    array: &dyn Array,
    base: u64,
    known: &mut Known<'_>,
    memory: &mut Memory,
    indices: &mut Vec<u32>,
    faults: &mut Faults,
) -> Result<()> {
    Text::new(name, array, Some(base), memory)?.indices(array.len(), memory, indices, |row, text| {
        let (number, unchecked) = known.number(text);
        if unchecked {
            check_text(text, faults, name, Some(base + row as u64));
        }
        number
    });
    Ok(())
}

fn no_nulls(name: &str, indices: &[u32], base: u64, faults: &mut Faults) -> bool {
    !indices.contains(&NULL) || report_nulls(name, indices.iter().map(|index| *index == NULL), base, faults)
}

fn no_missing(name: &str, values: &Integers, base: u64, faults: &mut Faults) -> bool {
    values.whole().is_some() || report_nulls(name, values.iter().map(|value| value.is_none()), base, faults)
}

fn report_nulls(name: &str, nulls: impl Iterator<Item = bool>, base: u64, faults: &mut Faults) -> bool {
    let mut good = true;
    for (row, _) in nulls.enumerate().filter(|(_, null)| *null) {
        good = false;
        faults.push(codes::NULL, name, Some(base + row as u64), || "is null; leave the column out where nothing is known".to_owned());
    }
    good
}

fn check_slots(slots: &[f64], base: u64, faults: &mut Faults) -> bool {
    let mut good = true;
    for (row, slots) in slots.iter().enumerate().filter(|(_, slots)| slots.fract() != 0.0 || **slots > f64::from(PLACES)) {
        good = false;
        faults.push(codes::RANGE, "slots", Some(base + row as u64), || format!("{slots:?} is not a whole number between 0 and {PLACES}"));
    }
    good
}
