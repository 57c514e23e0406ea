//! Decision records as a table, and back.

use super::batch::broken;
use super::columns::{Column, batch};
use crate::error::{Error, Result, codes};
use crate::score::{DecisionRecord, RecordedCandidates};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, PrimitiveArray, RecordBatch, RecordBatchReader, StringArray};
use arrow_schema::Schema;
use std::sync::Arc;

/// Records as a table, a row each, with the names and types of [`DecisionRecord`]'s fields; the candidates' columns begin with `candidate_` and are
/// null where a record has none.
///
/// Types are those that Avro has as well: `long`, `int`, `float`, `double`, `boolean`, `string`, `timestamp-micros` (UTC), and lists of them.
#[must_use]
pub fn records_table(records: &[DecisionRecord]) -> RecordBatch {
    let rows = || records.iter();
    let of = |get: fn(&RecordedCandidates) -> Option<Vec<Option<f32>>>| move |r: &DecisionRecord| r.candidates.as_ref().and_then(get);
    let whole = |get: fn(&RecordedCandidates) -> Option<Vec<Option<i64>>>| move |r: &DecisionRecord| r.candidates.as_ref().and_then(get);
    let times: PrimitiveArray<TimestampMicrosecondType> = rows().map(|r| r.time).collect();
    batch(vec![
        ("policy_id", false, Arc::new(StringArray::from_iter_values(rows().map(|r| &r.policy_id)))),
        ("key", false, numbers::<Int64Type>(rows().map(|r| Some(r.key)))),
        ("time", true, Arc::new(times.with_timezone("UTC"))),
        ("market", true, Arc::new(rows().map(|r| r.market.as_deref()).collect::<StringArray>())),
        ("surface", true, Arc::new(rows().map(|r| r.surface.as_deref()).collect::<StringArray>())),
        ("slots", true, numbers::<Int32Type>(rows().map(|r| r.slots))),
        ("reference", true, numbers::<Float32Type>(rows().map(|r| r.reference))),
        ("used_reference", true, numbers::<Float32Type>(rows().map(|r| r.used_reference))),
        ("explore", false, Arc::new(rows().map(|r| Some(r.explore)).collect::<BooleanArray>())),
        ("propensity", false, numbers::<Float64Type>(rows().map(|r| Some(r.propensity)))),
        ("given_up", false, numbers::<Float64Type>(rows().map(|r| Some(r.given_up)))),
        lists::<Int32Type>("pick", records, |r| Some(full(&r.pick))),
        lists::<Int32Type>("place", records, |r| Some(full(&r.place))),
        lists::<Int32Type>("organic_rank", records, |r| Some(full(&r.organic_rank))),
        lists::<Float32Type>("score", records, |r| Some(full(&r.score))),
        lists::<Float64Type>("pick_propensity", records, |r| Some(full(&r.pick_propensity))),
        texts("campaign", records, |r| Some(r.campaign.iter().map(|t| Some(t.as_str())).collect())),
        texts("artist", records, |r| Some(r.artist.iter().map(Option::as_deref).collect())),
        texts("label", records, |r| Some(r.label.iter().map(Option::as_deref).collect())),
        texts("licensor", records, |r| Some(r.licensor.iter().map(Option::as_deref).collect())),
        texts("main_parameters", records, |r| Some(r.main_parameters.iter().map(|t| Some(t.as_str())).collect())),
        lists::<Int32Type>("term_pick", records, |r| Some(full(&r.term_pick))),
        texts("term_name", records, |r| Some(r.term_name.iter().map(|t| Some(t.as_str())).collect())),
        texts("term_kind", records, |r| Some(r.term_kind.iter().map(|t| Some(t.as_str())).collect())),
        lists::<Float64Type>("term_amount", records, |r| Some(full(&r.term_amount))),
        texts("candidate_campaign", records, |r| r.candidates.as_ref().map(|c| c.campaign.iter().map(Option::as_deref).collect())),
        lists::<Float32Type>("candidate_score", records, of(|c| Some(full(&c.score)))),
        texts("candidate_reason", records, |r| r.candidates.as_ref().map(|c| c.reason.iter().map(|t| Some(t.as_str())).collect())),
        lists::<Float32Type>("candidate_measures", records, of(|c| Some(c.measures.clone()))),
        lists::<Float32Type>("candidate_organic", records, of(|c| c.organic.as_deref().map(full))),
        lists::<Int64Type>("candidate_item", records, whole(|c| c.item.clone())),
        lists::<Int64Type>("candidate_artist", records, whole(|c| c.artist.clone())),
        lists::<Int64Type>("candidate_frequency", records, whole(|c| c.frequency.as_deref().map(full))),
        lists::<Float32Type>("candidate_uncertainty", records, of(|c| c.uncertainty.as_deref().map(full))),
        lists::<Int64Type>("candidate_category", records, whole(|c| c.category.clone())),
        lists::<Float32Type>("candidate_target", records, of(|c| c.target.as_deref().map(full))),
        lists::<Float32Type>("candidate_similarity", records, of(|c| c.similarity.as_deref().map(full))),
        ("candidate_embedding_width", true, numbers::<Int32Type>(rows().map(|r| r.candidates.as_ref().and_then(|c| c.embedding_width)))),
    ])
}

fn full<T: Copy>(list: &[T]) -> Vec<Option<T>> {
    list.iter().copied().map(Some).collect()
}

fn numbers<T: ArrowPrimitiveType>(values: impl Iterator<Item = Option<T::Native>>) -> ArrayRef {
    Arc::new(values.collect::<PrimitiveArray<T>>())
}

fn lists<'a, T: ArrowPrimitiveType>(
    name: &'a str,
    records: &[DecisionRecord],
    of: impl Fn(&DecisionRecord) -> Option<Vec<Option<T::Native>>>,
) -> Column<'a> {
    (name, true, Arc::new(ListArray::from_iter_primitive::<T, _, _>(records.iter().map(of))))
}

fn texts<'a>(
    name: &'a str,
    records: &[DecisionRecord],
    of: impl for<'r> Fn(&'r DecisionRecord) -> Option<Vec<Option<&'r str>>>,
) -> Column<'a> {
    let mut column = ListBuilder::new(StringBuilder::new());
    for record in records {
        let list = of(record);
        for text in list.iter().flatten() {
            column.values().append_option(*text);
        }
        column.append(list.is_some());
    }
    (name, true, Arc::new(column.finish()))
}

/// Reads what [`records_table`] has written, from Arrow or through Parquet.
///
/// # Errors
/// `invalid_input.missing` and `.type` for a column that is not as it was written, `.null` for a null where none was written, `index` being the row;
/// `.io` where the stream breaks off.
pub fn read_records<R: RecordBatchReader>(mut reader: R) -> Result<Vec<DecisionRecord>> {
    let wanted = records_table(&[]);
    check(&reader.schema(), &wanted.schema())?;
    let mut records = Vec::new();
    for batch in &mut reader {
        let batch = batch.map_err(|e| broken(&e))?;
        let base = records.len();
        for within in 0..batch.num_rows() {
            records.push(Row { batch: &batch, within, at: (base + within) as u64 }.record()?);
        }
    }
    Ok(records)
}

fn check(found: &Schema, wanted: &Schema) -> Result<()> {
    for field in wanted.fields() {
        let name = field.name();
        match found.field_with_name(name) {
            Err(_) => return Err(Error::new(codes::MISSING, name.as_str(), None, "the table has no such column")),
            Ok(column) if !column.data_type().equals_datatype(field.data_type()) => {
                let message = format!("is {}, and records have {}", column.data_type(), field.data_type());
                return Err(Error::new(codes::TYPE, name.as_str(), None, message));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// One row of a batch whose columns have been checked.
struct Row<'a> {
    batch: &'a RecordBatch,
    within: usize,
    at: u64,
}

impl Row<'_> {
    fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.batch.column_by_name(name).ok_or_else(|| Error::new(codes::MISSING, name, None, "the batch has no such column"))
    }

    fn null(&self, name: &str) -> Error {
        Error::new(codes::NULL, name, Some(self.at), "is null, or holds a null, where records have none")
    }

    fn number<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Option<T::Native>> {
        let column = self.column(name)?.as_primitive::<T>();
        Ok(column.is_valid(self.within).then(|| column.value(self.within)))
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let column = self.column(name)?.as_string::<i32>();
        Ok(column.is_valid(self.within).then(|| column.value(self.within).to_owned()))
    }

    fn list<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Option<Vec<Option<T::Native>>>> {
        let column = self.column(name)?.as_list::<i32>();
        Ok(column.is_valid(self.within).then(|| column.value(self.within).as_primitive::<T>().iter().collect()))
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<Option<String>>>> {
        let column = self.column(name)?.as_list::<i32>();
        let owned = |list: ArrayRef| list.as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect();
        Ok(column.is_valid(self.within).then(|| owned(column.value(self.within))))
    }

    /// A value, or the elements of a list, where none may be null.
    fn must<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.null(name))
    }

    fn all<T>(&self, name: &str, list: Option<Vec<Option<T>>>) -> Result<Option<Vec<T>>> {
        list.map(|list| list.into_iter().map(|v| self.must(name, v)).collect()).transpose()
    }

    fn whole<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Vec<T::Native>> {
        self.must(name, self.all(name, self.list::<T>(name)?)?)
    }

    fn whole_texts(&self, name: &str) -> Result<Vec<String>> {
        self.must(name, self.all(name, self.texts(name)?)?)
    }

    fn record(&self) -> Result<DecisionRecord> {
        let explore = self.column("explore")?.as_boolean();
        Ok(DecisionRecord {
            policy_id: self.must("policy_id", self.text("policy_id")?)?,
            key: self.must("key", self.number::<Int64Type>("key")?)?,
            time: self.number::<TimestampMicrosecondType>("time")?,
            market: self.text("market")?,
            surface: self.text("surface")?,
            slots: self.number::<Int32Type>("slots")?,
            reference: self.number::<Float32Type>("reference")?,
            used_reference: self.number::<Float32Type>("used_reference")?,
            explore: self.must("explore", explore.is_valid(self.within).then(|| explore.value(self.within)))?,
            propensity: self.must("propensity", self.number::<Float64Type>("propensity")?)?,
            given_up: self.must("given_up", self.number::<Float64Type>("given_up")?)?,
            pick: self.whole::<Int32Type>("pick")?,
            place: self.whole::<Int32Type>("place")?,
            organic_rank: self.whole::<Int32Type>("organic_rank")?,
            score: self.whole::<Float32Type>("score")?,
            pick_propensity: self.whole::<Float64Type>("pick_propensity")?,
            campaign: self.whole_texts("campaign")?,
            artist: self.must("artist", self.texts("artist")?)?,
            label: self.must("label", self.texts("label")?)?,
            licensor: self.must("licensor", self.texts("licensor")?)?,
            main_parameters: self.whole_texts("main_parameters")?,
            term_pick: self.whole::<Int32Type>("term_pick")?,
            term_name: self.whole_texts("term_name")?,
            term_kind: self.whole_texts("term_kind")?,
            term_amount: self.whole::<Float64Type>("term_amount")?,
            candidates: self.texts("candidate_campaign")?.map(|campaign| self.candidates(campaign)).transpose()?,
        })
    }

    fn candidates(&self, campaign: Vec<Option<String>>) -> Result<RecordedCandidates> {
        let floats = |name: &str| self.all(name, self.list::<Float32Type>(name)?);
        Ok(RecordedCandidates {
            campaign,
            score: self.whole::<Float32Type>("candidate_score")?,
            reason: self.whole_texts("candidate_reason")?,
            measures: self.must("candidate_measures", self.list::<Float32Type>("candidate_measures")?)?,
            organic: floats("candidate_organic")?,
            item: self.list::<Int64Type>("candidate_item")?,
            artist: self.list::<Int64Type>("candidate_artist")?,
            frequency: self.all("candidate_frequency", self.list::<Int64Type>("candidate_frequency")?)?,
            uncertainty: floats("candidate_uncertainty")?,
            category: self.list::<Int64Type>("candidate_category")?,
            target: floats("candidate_target")?,
            similarity: floats("candidate_similarity")?,
            embedding_width: self.number::<Int32Type>("candidate_embedding_width")?,
        })
    }
}
