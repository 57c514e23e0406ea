//! Where a log's columns are.

use super::batch::{Finder, Wanted};
use super::{ReadOptions, time};
use crate::error::{Faults, Result, codes};
use crate::model::{Range, check_measures};
use arrow_schema::Schema;

/// The columns that are read of a log with these measures.
#[cfg(feature = "parquet")]
pub(super) fn column_names<S: AsRef<str>>(measures: &[S]) -> Vec<String> {
    let fixed = [
        "opportunity_id",
        "campaign",
        "organic",
        "item",
        "artist",
        "frequency",
        "time",
        "market",
        "surface",
        "slots",
        "weight",
        "reference",
        "organic_value",
        "key",
        "listener",
    ];
    fixed.into_iter().chain(measures.iter().map(AsRef::as_ref)).map(str::to_owned).collect()
}

/// Where the columns of a log stand in its table.
pub(super) struct Columns {
    pub(super) id: usize,
    pub(super) campaign: usize,
    pub(super) measures: Vec<usize>,
    pub(super) organic: Option<usize>,
    pub(super) item: Option<usize>,
    pub(super) artist: Option<usize>,
    pub(super) frequency: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) market: Option<usize>,
    pub(super) surface: Option<usize>,
    pub(super) slots: Option<usize>,
    pub(super) weight: Option<usize>,
    pub(super) reference: Option<usize>,
    pub(super) organic_value: Option<usize>,
    pub(super) key: Option<usize>,
    pub(super) listener: Option<usize>,
}

impl Columns {
    pub(super) fn find(schema: &Schema, measures: &[String], options: &ReadOptions) -> Result<Self> {
        let mut faults = Faults::new();
        check_measures(measures, &mut faults);
        let mut find = Finder { schema, faults: &mut faults };
        let id = find.required("opportunity_id", Wanted::IntegerOrText);
        let campaign = find.required("campaign", Wanted::Text);
        let measured: Vec<_> = measures.iter().filter(|name| *name != "exposure").map(|name| find.required(name, Wanted::Number)).collect();
        let columns = Self {
            id: id.unwrap_or_default(),
            campaign: campaign.unwrap_or_default(),
            measures: measured.into_iter().flatten().collect(),
            organic: find.optional("organic", Wanted::Number),
            item: find.optional("item", Wanted::IntegerOrText),
            artist: find.optional("artist", Wanted::Text),
            frequency: find.optional("frequency", Wanted::Integer),
            time: find.optional("time", Wanted::Time),
            market: find.optional("market", Wanted::Text),
            surface: find.optional("surface", Wanted::Text),
            slots: find.optional("slots", Wanted::Number),
            weight: find.optional("weight", Wanted::Number),
            reference: find.optional("reference", Wanted::Number),
            organic_value: find.optional("organic_value", Wanted::Number),
            key: find.optional("key", Wanted::Integer),
            listener: find.optional("listener", Wanted::IntegerOrText),
        };
        if let Some(at) = columns.time {
            time::check_zone("time", schema.field(at).data_type(), options.naive_utc, &mut faults);
        }
        columns.check_fill(measures, options, &mut faults);
        faults.finish()?;
        Ok(columns)
    }

    fn check_fill(&self, measures: &[String], options: &ReadOptions, faults: &mut Faults) {
        for (name, value) in &options.fill {
            let numbers = [
                ("organic", self.organic, Range::Signed),
                ("slots", self.slots, Range::NonNegative),
                ("weight", self.weight, Range::Positive),
                ("reference", self.reference, Range::Signed),
                ("organic_value", self.organic_value, Range::NonNegative),
            ];
            let fixed = numbers.iter().find(|n| n.0 == name && n.1.is_some()).map(|n| n.2);
            let argument = format!("fill.{name}");
            match fixed.or_else(|| measures.contains(name).then_some(Range::NonNegative)) {
                Some(range) => {
                    range.check(*value, faults, &argument, None);
                }
                None => faults.push(codes::UNKNOWN_NAME, &argument, None, || "no column of numbers of that name is read".to_owned()),
            }
        }
    }
}
