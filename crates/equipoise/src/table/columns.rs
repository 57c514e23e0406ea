//! Putting columns together to the tables that come out.

use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, Int8Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{Field, Fields};
use std::sync::Arc;

/// A column: its name, whether it may hold nulls, its values.
pub(super) type Column<'a> = (&'a str, bool, ArrayRef);

/// A table of columns of one length.
///
/// # Panics
/// If the columns differ in length.
pub(super) fn batch(columns: Vec<Column<'_>>) -> RecordBatch {
    let fields: Fields = columns.iter().map(|(name, nullable, values)| Field::new(*name, values.data_type().clone(), *nullable)).collect();
    let rows = columns.first().map_or(0, |c| c.2.len());
    let columns = columns.into_iter().map(|c| c.2).collect();
    StructArray::try_new_with_length(fields, columns, None, rows).expect("columns of one length, without nulls where none may be").into()
}

/// A column of text.
pub(super) fn text<S: AsRef<str>>(name: &str, values: impl Iterator<Item = S>) -> Column<'_> {
    (name, false, Arc::new(StringArray::from_iter_values(values)))
}

/// A column of text or null.
pub(super) fn optional_text<S: AsRef<str>>(name: &str, values: impl Iterator<Item = Option<S>>) -> Column<'_> {
    (name, true, Arc::new(values.collect::<StringArray>()))
}

/// A column of numbers.
pub(super) fn number(name: &str, values: impl Iterator<Item = f64>) -> Column<'_> {
    (name, false, Arc::new(Float64Array::from_iter_values(values)))
}

/// A column of numbers or null.
pub(super) fn optional_number(name: &str, values: impl Iterator<Item = Option<f64>>) -> Column<'_> {
    (name, true, Arc::new(values.collect::<Float64Array>()))
}

/// A column of a few texts that many rows share: a dictionary with 8-bit codes.
///
/// # Panics
/// If a code is no index of `values`, or above 127.
pub(super) fn choice<'a>(name: &'a str, values: &[&str], codes: Vec<i8>) -> Column<'a> {
    let values = Arc::new(StringArray::from_iter_values(values));
    let column = DictionaryArray::<Int8Type>::try_new(Int8Array::from(codes), values).expect("every code has a value");
    (name, false, Arc::new(column))
}
