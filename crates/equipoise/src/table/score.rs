//! A table through a policy: read and scored some rows at a time, by all processors, so that each row is fetched from memory once.

use super::ReadOptions;
use super::batch::{Wanted, broken, check_type};
use super::log_columns::Columns;
use super::number::Integers;
use super::opportunities::{STRANGER, Table, lent, number_of, read_opportunities};
use super::runs::leading;
use super::text::{Memory, Text};
use crate::error::{Error, Faults, Result, codes};
use crate::evaluate::{Batch, Each, Outcome, Replay, Scratch, each, of_log, replay_gated, threads_for, work_through};
use crate::memory::spared;
use crate::model::{Names, ORGANIC};
use crate::plan::Unknown;
use crate::policy::{self, INDEX_BITS, NONE, Policy, UNKNOWN};
use crate::score::{Gates, Measures};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow_schema::Schema;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Rows that a thread reads and scores at a time: few enough to stay in its cache between the two.
const ROWS_A_PIECE: usize = 1 << 13;
/// Rows that are looked through at a time for the next opportunity.
const LOOK: usize = 512;

/// Reads a log as [`read_opportunities`] does and replays it as [`replay_gated`] does, campaigns that the policy does not know being organic. The
/// policy's measures are its measure columns, `displacement` only if it is there.
///
/// No log is made: columns of f32 without nulls are scored where they are, the others some thousand rows at a time. All batches are held until the
/// end. Where anything is wrong with the table it is read once more, for all that is.
///
/// # Errors
/// As [`read_opportunities`] and [`replay_gated`].
pub fn score_table<R: RecordBatchReader>(
    policy: &Policy,
    gates: Option<&Gates>,
    reader: R,
    options: &ReadOptions,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Replay> {
    let schema = reader.schema();
    let measures = measures_of(policy, &schema);
    // What is wrong with names and types is told before a row is read.
    Columns::find(&schema, &measures, options)?;
    let batches = reader.map(|batch| batch.map_err(|e| broken(&e))).collect::<Result<Vec<_>>>()?;
    match Job::new(policy, gates, &batches, &measures, options).run(go_on) {
        Err(error) if error.code() != codes::CANCELLED => {}
        outcome => return outcome,
    }
    let log = read_opportunities(RecordBatchIterator::new(batches.into_iter().map(Ok), schema), &measures, options)?;
    replay_gated(policy, gates, &log, Unknown::Organic, go_on)
}

/// The measure columns of a table that a policy scores.
pub(super) fn measures_of(policy: &Policy, schema: &Schema) -> Vec<String> {
    let kept = |name: &&String| name.as_str() != "displacement" || schema.column_with_name(name).is_some();
    policy.measures().iter().filter(kept).cloned().collect()
}

/// The policy's row of every campaign id of a column, [`policy::ORGANIC`] for null: each value of a dictionary is looked up once.
///
/// # Errors
/// `invalid_input.type` for a column that is no text, `.unicode` and `.row` for one that is not what it claims;
/// `resource_exhausted.memory`.
pub fn campaign_rows(policy: &Policy, chunks: &[ArrayRef]) -> Result<Vec<u32>> {
    let count = chunks.iter().map(Array::len).sum::<usize>();
    spared("ids", count.saturating_mul(3 * size_of::<u32>()), || campaign_rows_at_once(policy, chunks, count))
}

fn campaign_rows_at_once(policy: &Policy, chunks: &[ArrayRef], count: usize) -> Result<Vec<u32>> {
    let (mut rows, mut numbers, mut memory) = (Vec::with_capacity(count), Vec::new(), Memory::default());
    for ids in chunks {
        let mut faults = Faults::new();
        check_type("ids", ids.data_type(), Wanted::Text, &mut faults);
        faults.finish()?;
        let text = Text::new("ids", ids.as_ref(), Some(rows.len() as u64), &mut memory)?;
        text.indices(ids.len(), &mut memory, &mut numbers, |_, id| number_of(policy, id));
        to_rows(policy, &mut numbers);
        rows.extend_from_slice(&numbers);
    }
    Ok(rows)
}

/// Turns [`number_of`] campaigns into rows.
fn to_rows(policy: &Policy, numbers: &mut [u32]) {
    let tag = u32::from(policy.tag()) << INDEX_BITS;
    for number in numbers {
        *number = match *number {
            ORGANIC => policy::ORGANIC,
            STRANGER => UNKNOWN,
            index => tag | index,
        };
    }
}

/// What all threads need.
struct Job<'a> {
    policy: &'a Policy,
    gates: Option<&'a Gates>,
    measures: &'a [String],
    options: &'a ReadOptions,
    /// The batches that have rows, and the number of the first row of each, then that of all rows.
    batches: Vec<&'a RecordBatch>,
    firsts: Vec<usize>,
    /// The hashes of the ids of all opportunities so far.
    ids: Mutex<Vec<u64>>,
}

/// Some whole opportunities in a row, and where what becomes of their rows goes.
struct Piece<'a> {
    rows: Range<usize>,
    outcome: Outcome<'a>,
}

/// That something is wrong; what it is, the reader of whole logs says.
fn declined() -> Error {
    Error::new(codes::INCONSISTENT, "table", None, "something is wrong with the table")
}

impl<'a> Job<'a> {
    fn new(
        policy: &'a Policy,
        gates: Option<&'a Gates>,
        batches: &'a [RecordBatch],
        measures: &'a [String],
        options: &'a ReadOptions,
    ) -> Self {
        let batches: Vec<_> = batches.iter().filter(|batch| batch.num_rows() > 0).collect();
        let rows = batches.iter().map(|batch| batch.num_rows());
        let firsts = std::iter::once(0).chain(rows.scan(0, |rows, own| {
            *rows += own;
            Some(*rows)
        }));
        Self { policy, gates, measures, options, firsts: firsts.collect(), batches, ids: Mutex::default() }
    }

    fn rows(&self) -> usize {
        self.firsts.last().copied().unwrap_or(0)
    }

    /// Scores all rows, or fails for whatever reason.
    fn run(&self, go_on: &mut dyn FnMut() -> bool) -> Result<Replay> {
        let n = self.rows();
        if n == 0 || n >= ORGANIC as usize - 1 {
            return Err(declined());
        }
        let Some(first) = self.batches.first() else { return Err(declined()) };
        let at = Columns::find(&first.schema(), self.measures, self.options)?.id;
        let replay = Replay::fill(n, |mut outcome| {
            let (mut from, mut memory) = (0, Memory::default());
            let pieces = std::iter::from_fn(|| {
                let rows = from..self.next_opportunity(at, (from + ROWS_A_PIECE).min(n), &mut memory);
                from = rows.end;
                (!rows.is_empty()).then(|| Piece { outcome: outcome.split_off(rows.len()), rows })
            });
            let worker = || {
                let mut worker = Worker::new(self);
                move |piece: Piece<'_>| worker.as_mut().map_err(|error| error.clone())?.score(piece)
            };
            work_through(pieces, threads_for(n), worker, go_on)
        })?;
        let mut ids = std::mem::take(&mut *self.ids.lock().unwrap_or_else(PoisonError::into_inner));
        ids.sort_unstable();
        // An opportunity that comes back, or, hardly ever, two texts of one hash.
        if ids.windows(2).any(|pair| pair[0] == pair[1]) { Err(declined()) } else { Ok(replay) }
    }

    /// The rows as parts of batches.
    fn parts(&self, rows: Range<usize>) -> Vec<RecordBatch> {
        let first = self.firsts.partition_point(|first| *first <= rows.start) - 1;
        let parts = self.batches[first..].iter().zip(&self.firsts[first..]).take_while(|(_, at)| **at < rows.end);
        let part = |(batch, at): (&&RecordBatch, &usize)| {
            let from = rows.start.max(*at) - at;
            batch.slice(from, (rows.end - at).min(batch.num_rows()) - from)
        };
        parts.map(part).collect()
    }

    /// The first row from `row` on that does not go on with the id of the row before, or the number of rows.
    fn next_opportunity(&self, at: usize, mut row: usize, memory: &mut Memory) -> usize {
        while row < self.rows() {
            let b = self.firsts.partition_point(|first| *first < row) - 1;
            // From the row before on, to the end of its batch and the first row of the next.
            let (ids, before) = (self.batches[b].column(at), row - 1 - self.firsts[b]);
            let look = LOOK.min(ids.len() - before);
            let same = same_ids(ids.slice(before, look).as_ref(), memory);
            row += same - 1;
            if same < look {
                return row;
            }
            if row == self.firsts[b + 1] && row < self.rows() {
                let pair = [ids.slice(ids.len() - 1, 1), self.batches[b + 1].column(at).slice(0, 1)];
                if !is_same(&pair[0], &pair[1], memory) {
                    return row;
                }
                row += 1;
            }
        }
        row
    }
}

/// How many rows have the first one's id; all where the column is not what it claims.
fn same_ids(ids: &dyn Array, memory: &mut Memory) -> usize {
    if ids.data_type().is_integer() {
        let mut integers = Integers::default();
        return match (integers.read("opportunity_id", ids), integers.values.first()) {
            (Ok(()), Some(first)) => leading(&integers.values, *first),
            _ => ids.len(),
        };
    }
    match Text::new("opportunity_id", ids, None, memory) {
        Ok(text) => (1..ids.len()).position(|row| !text.equal(0, row)).map_or(ids.len(), |at| at + 1),
        Err(_) => ids.len(),
    }
}

/// Whether the only rows of two columns have one id.
fn is_same(one: &dyn Array, other: &dyn Array, memory: &mut Memory) -> bool {
    if one.data_type().is_integer() {
        let (mut first, mut second) = (Integers::default(), Integers::default());
        let read = first.read("opportunity_id", one).and_then(|()| second.read("opportunity_id", other));
        return read.is_err() || first.values == second.values;
    }
    let mut first = Memory::default();
    let (one, other) = (Text::new("opportunity_id", one, None, &mut first), Text::new("opportunity_id", other, None, memory));
    one.is_err() || other.is_err() || one.ok().and_then(|text| text.get(0)) == other.ok().and_then(|text| text.get(0))
}

/// What a thread keeps from piece to piece.
struct Worker<'a> {
    job: &'a Job<'a>,
    table: Table<'a>,
    scratch: Scratch,
    /// The policy's number of each market and surface so far, and of those of each opportunity.
    markets: Vec<u32>,
    surfaces: Vec<u32>,
    market: Vec<u32>,
    surface: Vec<u32>,
}

impl<'a> Worker<'a> {
    fn new(job: &'a Job<'a>) -> Result<Self> {
        let schema = job.batches.first().map(|batch| batch.schema()).ok_or_else(declined)?;
        let columns = Columns::find(&schema, job.measures, job.options)?;
        let table = Table::by_policy(columns, job.measures.to_vec(), job.options, job.policy);
        let numbers = [const { Vec::new() }; 4];
        let [markets, surfaces, market, surface] = numbers;
        Ok(Self { job, table, scratch: Scratch::default(), markets, surfaces, market, surface })
    }

    fn score(&mut self, mut piece: Piece<'_>) -> Result<()> {
        let (job, policy) = (self.job, self.job.policy);
        let parts = job.parts(piece.rows.clone());
        let lends = if let [only] = parts.as_slice() { Some(only) } else { None };
        self.table.restart(piece.rows.start as u64, lends.is_some());
        for part in &parts {
            self.table.append(part)?;
        }
        self.table.close();
        if !self.table.faults.is_empty() {
            return Err(declined());
        }
        let (columns, log) = (&self.table.columns, &mut self.table.log);
        job.ids.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&log.id_hash);
        to_rows(policy, &mut log.campaign);
        numbers(log.market.as_deref(), &log.markets, &mut self.markets, &mut self.market, |name| policy.market(name));
        numbers(log.surface.as_deref(), &log.surfaces, &mut self.surfaces, &mut self.surface, |name| policy.surface(name));
        let borrowed = |at: usize| lends.and_then(|part| lent(part.column(at).as_ref())).unwrap_or_default();
        let mut own = log.measures.iter().zip(&columns.measures).peekable();
        let measure = |name: &String| match own.next_if(|((own, _), _)| own == name) {
            Some(((_, list), at)) if list.is_empty() => borrowed(*at),
            Some(((_, list), _)) => list.as_slice(),
            None => &[],
        };
        let measures: Vec<&[f32]> = policy.measures().iter().map(measure).collect();
        let organic = log.organic.as_deref().zip(columns.organic).map(|(list, at)| if list.is_empty() { borrowed(at) } else { list });
        let batch = Batch {
            organic,
            market: each(log.market.is_some().then_some(self.market.as_slice())).unwrap_or(Each::All(NONE)),
            surface: each(log.surface.is_some().then_some(self.surface.as_slice())).unwrap_or(Each::All(NONE)),
            gates: job.gates,
            ..of_log(log, Measures::Slices { columns: &measures, offset: 0 })
        };
        batch.score_some(policy, 0..batch.len(), &mut piece.outcome, &mut self.scratch)
    }
}

/// Replaces `numbers` by the policy's number of every opportunity's name; `known` are those of the names so far.
fn numbers(column: Option<&[u32]>, names: &Names, known: &mut Vec<u32>, numbers: &mut Vec<u32>, find: impl Fn(&str) -> u32) {
    known.extend(names.as_slice()[known.len()..].iter().map(|name| find(name)));
    numbers.clear();
    numbers.extend(column.into_iter().flatten().map(|name| known.get(*name as usize).copied().unwrap_or(NONE)));
}
