//! Reading a table of campaigns.

use super::batch::{Finder, Wanted, broken, check_type, turned};
use super::list::Lists;
use super::number::{self, Integers, Rule};
use super::text::{Memory, Text};
use super::{ReadOptions, time};
use crate::error::{Error, Faults, Result, codes, quote};
use crate::model::{Campaign, CampaignGoal, Campaigns, GoalKind, Range};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{DataType, Schema};
use std::collections::HashMap;

/// Reads a table of campaigns: one row each, null means none.
///
/// | column | type | |
/// |---|---|---|
/// | `campaign` | text | required, unique |
/// | `artist`, `label`, `licensor` | text | whose it is |
/// | `surfaces`, `markets` | list of text | where it may run; null means everywhere, an empty list is an error |
/// | `start`, `end` | timestamp | the flight, `[start, end)` |
/// | `frequency_cap` | whole number from 1 on | how often one listener may get it |
/// | `cap`, `floor`, `target` | number in `[0, 1e12]` | counting `exposure` unless `goal_measure` (text) names another measure |
/// | `floor_penalty`, `target_penalty` | number in `(0, 1e12]` | cost of a missing or excess unit |
/// | `goals` | list of structs `kind`, `measure`, `amount`, `penalty` | goals on more than one measure |
///
/// Lists may be `list`, `large_list`, list views or of fixed size.
///
/// # Errors
/// All faults of the columns' names and types at once; then nulls among lists and unknown kinds of goal; then everything that
/// [`Campaigns::new`] finds, `index` being the row. `invalid_input.naive_time` for times without a zone unless
/// [`ReadOptions::naive_utc`]; [`ReadOptions::fill`] is not used: null means none.
pub fn read_campaigns<R: RecordBatchReader>(mut reader: R, options: &ReadOptions) -> Result<Campaigns> {
    let columns = Columns::find(&reader.schema(), options)?;
    let mut table = Table { columns, list: Vec::new(), flat: Vec::new(), faults: Faults::new(), entries: 0, memories: Memories::new() };
    for batch in &mut reader {
        table.append(&batch.map_err(|e| broken(&e))?)?;
    }
    table.faults.finish()?;
    Campaigns::from_columns(table.list, &table.flat)
}

/// The columns that are read of a table of campaigns.
pub(super) const COLUMNS: [&str; 16] = [
    "campaign",
    "artist",
    "label",
    "licensor",
    "surfaces",
    "markets",
    "start",
    "end",
    "frequency_cap",
    "cap",
    "floor",
    "floor_penalty",
    "target",
    "target_penalty",
    "goal_measure",
    "goals",
];

/// Most entries of all lists together: views could otherwise blow up a small table.
const ENTRIES: usize = 1 << 26;

/// Where the columns stand; the order is that of [`COLUMNS`].
struct Columns([Option<usize>; 16]);

impl Columns {
    fn find(schema: &Schema, options: &ReadOptions) -> Result<Self> {
        let mut faults = Faults::new();
        let mut find = Finder { schema, faults: &mut faults };
        let columns = Self(COLUMNS.map(|name| match name {
            "campaign" => find.required(name, Wanted::Text),
            "surfaces" | "markets" => find.optional(name, Wanted::Texts),
            "start" | "end" => find.optional(name, Wanted::Time),
            "frequency_cap" | "cap" | "floor" | "floor_penalty" | "target" | "target_penalty" => find.optional(name, Wanted::Number),
            "goals" => find.optional(name, Wanted::Goals),
            _ => find.optional(name, Wanted::Text),
        }));
        for name in ["start", "end"] {
            if let Some(at) = columns.at(name) {
                time::check_zone(name, schema.field(at).data_type(), options.naive_utc, &mut faults);
            }
        }
        faults.finish()?;
        Ok(columns)
    }

    fn at(&self, name: &str) -> Option<usize> {
        COLUMNS.iter().position(|column| *column == name).and_then(|i| self.0[i])
    }
}

/// A table of campaigns under construction.
struct Table {
    columns: Columns,
    list: Vec<Campaign>,
    /// Per campaign how many goals come from columns of their own.
    flat: Vec<usize>,
    faults: Faults,
    entries: usize,
    memories: Memories,
}

/// What the columns of text remember, by name.
type Memories = HashMap<&'static str, Memory>;

impl Table {
    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let memory = |e| Error::new(codes::MEMORY, "campaigns", None, format!("no memory for {rows} more rows: {e}"));
        let first = self.list.len();
        self.list.try_reserve(rows).map_err(memory)?;
        self.list.resize_with(first + rows, Campaign::default);
        let list = &mut self.list[first..];
        let base = first as u64;
        let faults = &mut self.faults;
        let column = |name: &str| self.columns.at(name).map(|at| batch.column(at).as_ref());

        if let Some(array) = column("campaign") {
            let ids = Text::new("campaign", array, Some(base), self.memories.entry("campaign").or_default())?;
            for (row, campaign) in list.iter_mut().enumerate() {
                match ids.get(row) {
                    Some(id) => id.clone_into(&mut campaign.id),
                    None => null("campaign", base + row as u64, faults),
                }
            }
        }
        let parties: [(_, Field<Option<String>>); 3] =
            [("artist", |c| &mut c.parties.artist), ("label", |c| &mut c.parties.label), ("licensor", |c| &mut c.parties.licensor)];
        for (name, field) in parties {
            let Some(array) = column(name) else { continue };
            let text = Text::new(name, array, Some(base), self.memories.entry(name).or_default())?;
            for (row, campaign) in list.iter_mut().enumerate() {
                *field(campaign) = text.get(row).map(str::to_owned);
            }
        }
        let segments: [(_, Field<Option<Vec<String>>>); 2] = [("surfaces", |c| &mut c.surfaces), ("markets", |c| &mut c.markets)];
        for (name, field) in segments {
            let Some(array) = column(name) else { continue };
            let lists = Lists::new(name, array)?;
            count_entries(&mut self.entries, &lists, name)?;
            let text = Text::new(name, lists.entries.as_ref(), None, self.memories.entry(name).or_default())?;
            for (row, campaign) in list.iter_mut().enumerate() {
                let Some(entries) = lists.rows[row].clone() else { continue };
                let names = field(campaign).insert(Vec::with_capacity(entries.len()));
                for entry in entries {
                    match text.get(entry) {
                        Some(name) => names.push(name.to_owned()),
                        None => null(name, base + row as u64, faults),
                    }
                }
            }
        }
        let flight: [(_, Field<Option<i64>>); 2] = [("start", |c| &mut c.start), ("end", |c| &mut c.end)];
        let mut times = Integers::default();
        for (name, field) in flight {
            let Some(array) = column(name) else { continue };
            time::micros(name, array, base, &mut times, faults)?;
            for (campaign, time) in list.iter_mut().zip(times.iter()) {
                *field(campaign) = time;
            }
        }
        if let Some(array) = column("frequency_cap") {
            for (row, (campaign, cap)) in list.iter_mut().zip(amounts("frequency_cap", array)?).enumerate() {
                let Some(cap) = cap else { continue };
                // What no count can be is a fault; what no cap can be is found with the campaigns.
                if cap.fract() != 0.0 || !(0.0..f64::from(u32::MAX)).contains(&cap) {
                    faults.push(codes::RANGE, "frequency_cap", Some(base + row as u64), || {
                        format!("{cap:?} is not a whole number from 1 on")
                    });
                } else {
                    campaign.frequency_cap = Some(cap as u32);
                }
            }
        }
        flat_goals(list, base, &column, self.memories.entry("goal_measure").or_default(), faults)?;
        self.flat.extend(list.iter().map(|campaign| campaign.goals.len()));
        if let Some(array) = column("goals") {
            let lists = Lists::new("goals", array)?;
            count_entries(&mut self.entries, &lists, "goals")?;
            nested_goals(list, base, &lists, &mut self.memories, faults)?;
        }
        Ok(())
    }
}

/// A field of a campaign that a column fills.
type Field<T> = fn(&mut Campaign) -> &mut T;

fn null(name: &str, row: u64, faults: &mut Faults) {
    faults.push(codes::NULL, name, Some(row), || "is null, or holds a null, where a name has to stand".to_owned());
}

fn count_entries(entries: &mut usize, lists: &Lists, name: &str) -> Result<()> {
    *entries = entries.saturating_add(lists.total());
    if *entries <= ENTRIES {
        return Ok(());
    }
    Err(Error::new(codes::TOO_LARGE, name, None, format!("the lists of the table have more than {ENTRIES} entries together")))
}

/// Reads a column of numbers of which null means none. The range is checked with the campaigns.
fn amounts(name: &str, array: &dyn Array) -> Result<Vec<Option<f64>>> {
    let mut values = Vec::new();
    let rule = Rule { name, range: Range::Any, fill: Some(0.0), base: 0 };
    number::append::<f64>(array, &rule, &mut values, &mut Faults::new())?;
    Ok(values
        .into_iter()
        .enumerate()
        .map(|(row, value)| (array.is_valid(row) && *array.data_type() != DataType::Null).then_some(value))
        .collect())
}

fn flat_goals<'a>(
    list: &mut [Campaign],
    base: u64,
    column: &dyn Fn(&str) -> Option<&'a dyn Array>,
    memory: &mut Memory,
    faults: &mut Faults,
) -> Result<()> {
    let measures = column("goal_measure").map(|array| Text::new("goal_measure", array, Some(base), memory)).transpose()?;
    let kinds = [(GoalKind::Cap, "cap", ""), (GoalKind::Floor, "floor", "floor_penalty"), (GoalKind::Target, "target", "target_penalty")];
    for (kind, name, penalty_name) in kinds {
        let read = |name| column(name).map(|array| amounts(name, array)).transpose();
        let (wanted, penalties) = (read(name)?, read(penalty_name)?);
        for (row, campaign) in list.iter_mut().enumerate() {
            let cell = |column: &Option<Vec<Option<f64>>>| column.as_ref().and_then(|values| values[row]);
            let (amount, penalty) = (cell(&wanted), cell(&penalties));
            let Some(amount) = amount else {
                if let Some(penalty) = penalty {
                    faults
                        .push(codes::GOAL_LIMIT, penalty_name, Some(base + row as u64), || format!("{penalty:?} stands without a {name}"));
                }
                continue;
            };
            let measure = measures.as_ref().and_then(|text| text.get(row)).unwrap_or("exposure").to_owned();
            campaign.goals.push(CampaignGoal { kind, measure, amount, penalty });
        }
    }
    Ok(())
}

fn nested_goals(list: &mut [Campaign], base: u64, lists: &Lists, memories: &mut Memories, faults: &mut Faults) -> Result<()> {
    let Some(goals) = lists.entries.as_struct_opt() else { return Ok(()) };
    let fields = GoalFields::find(goals, memories)?;
    for (row, campaign) in list.iter_mut().enumerate() {
        for (i, entry) in lists.rows[row].clone().into_iter().flatten().enumerate() {
            let mut lacks = |field: &str| {
                let path = format!("goals[{i}]{field}");
                faults.push(codes::NULL, &path, Some(base + row as u64), || "is null; a goal has a kind and an amount".to_owned());
            };
            if goals.is_null(entry) {
                lacks("");
                continue;
            }
            let (kind, amount) = (fields.kind.get(entry), fields.amount[entry]);
            let (Some(kind), Some(amount)) = (kind, amount) else {
                lacks(if kind.is_none() { ".kind" } else { ".amount" });
                continue;
            };
            let Some(kind) = GoalKind::from_name(kind) else {
                faults.push(codes::GOAL_UNSUPPORTED, &format!("goals[{i}].kind"), Some(base + row as u64), || {
                    format!("{} is not cap, floor or target", quote(kind))
                });
                continue;
            };
            let measure = fields.measure.as_ref().and_then(|text| text.get(entry)).unwrap_or("exposure").to_owned();
            let penalty = fields.penalty.as_ref().and_then(|penalties| penalties[entry]);
            campaign.goals.push(CampaignGoal { kind, measure, amount, penalty });
        }
    }
    Ok(())
}

/// The fields of nested goals; `measure` and `penalty` may be missing.
struct GoalFields<'a> {
    kind: Text<'a>,
    measure: Option<Text<'a>>,
    amount: Vec<Option<f64>>,
    penalty: Option<Vec<Option<f64>>>,
}

impl<'a> GoalFields<'a> {
    fn find(goals: &'a StructArray, memories: &mut Memories) -> Result<Self> {
        let mut faults = Faults::new();
        for (name, wanted) in [("kind", Wanted::Text), ("measure", Wanted::Text), ("amount", Wanted::Number), ("penalty", Wanted::Number)] {
            let path = format!("goals.{name}");
            match goals.column_by_name(name) {
                Some(array) => {
                    check_type(&path, array.data_type(), wanted, &mut faults);
                }
                None if matches!(name, "kind" | "amount") => {
                    faults.push(codes::MISSING, &path, None, || "the goals have no such field".to_owned());
                }
                None => {}
            }
        }
        faults.finish()?;
        let column = |name: &str| goals.column_by_name(name).map(AsRef::as_ref);
        let (Some(kind), Some(amount)) = (column("kind"), column("amount")) else { return Err(turned("goals", goals)) };
        Ok(Self {
            kind: Text::new("goals.kind", kind, None, memories.entry("goals.kind").or_default())?,
            measure: column("measure")
                .map(|array| Text::new("goals.measure", array, None, memories.entry("goals.measure").or_default()))
                .transpose()?,
            amount: amounts("goals.amount", amount)?,
            penalty: column("penalty").map(|array| amounts("goals.penalty", array)).transpose()?,
        })
    }
}
