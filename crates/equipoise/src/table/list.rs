//! Columns of lists of any kind.

use super::batch::turned;
use crate::error::{Error, Result, codes};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, GenericListArray, GenericListViewArray, OffsetSizeTrait, new_empty_array};
use arrow_schema::DataType;
use std::ops::Range;

/// A column of lists: where each row's entries stand among `entries`, `None` for null.
pub(super) struct Lists {
    pub(super) entries: ArrayRef,
    pub(super) rows: Vec<Option<Range<usize>>>,
}

impl Lists {
    /// Reads a column of lists. `entries` holds no more than what the lists span.
    ///
    /// # Errors
    /// A type that is no list, or a list that lies outside the entries.
    pub(super) fn new(name: &str, array: &dyn Array) -> Result<Self> {
        let rows = 0..array.len();
        let all = |values: &ArrayRef, range: &dyn Fn(usize) -> (usize, usize)| {
            let rows =
                rows.clone().map(|row| array.is_valid(row).then(|| range(row))).map(|range| range.map(|(from, to)| from..to)).collect();
            Self::within(name, values, rows)
        };
        match array.data_type() {
            DataType::List(_) => all(array.as_list::<i32>().values(), &offsets(array.as_list::<i32>())),
            DataType::LargeList(_) => all(array.as_list::<i64>().values(), &offsets(array.as_list::<i64>())),
            DataType::ListView(_) => all(array.as_list_view::<i32>().values(), &views(array.as_list_view::<i32>())),
            DataType::LargeListView(_) => all(array.as_list_view::<i64>().values(), &views(array.as_list_view::<i64>())),
            DataType::FixedSizeList(_, size) => {
                let size = *size as usize;
                all(array.as_fixed_size_list().values(), &move |row| (row * size, (row + 1) * size))
            }
            DataType::Null => Ok(Self { entries: new_empty_array(&DataType::Null), rows: vec![None; array.len()] }),
            _ => Err(turned(name, array)),
        }
    }

    /// Checks the rows and cuts the entries to what they span, so that a slice of a large table costs what the slice does.
    fn within(name: &str, values: &ArrayRef, mut rows: Vec<Option<Range<usize>>>) -> Result<Self> {
        let spans = || rows.iter().flatten().filter(|range| range.start != range.end);
        if spans().any(|range| range.start > range.end || range.end > values.len()) {
            return Err(Error::new(codes::SHAPE, name, None, format!("a list lies outside the {} entries of the column", values.len())));
        }
        let from = spans().map(|range| range.start).min().unwrap_or(0);
        let to = spans().map(|range| range.end).max().unwrap_or(0);
        for range in rows.iter_mut().flatten() {
            *range = if range.start == range.end { 0..0 } else { range.start - from..range.end - from };
        }
        Ok(Self { entries: values.slice(from, to - from), rows })
    }

    /// Entries of all lists together.
    pub(super) fn total(&self) -> usize {
        self.rows.iter().flatten().fold(0_usize, |total, range| total.saturating_add(range.len()))
    }
}

fn offsets<O: OffsetSizeTrait>(array: &GenericListArray<O>) -> impl Fn(usize) -> (usize, usize) + '_ {
    let offsets = array.value_offsets();
    move |row| (offsets[row].as_usize(), offsets[row + 1].as_usize())
}

fn views<O: OffsetSizeTrait>(array: &GenericListViewArray<O>) -> impl Fn(usize) -> (usize, usize) + '_ {
    let (offsets, sizes) = (array.value_offsets(), array.sizes());
    move |row| (offsets[row].as_usize(), offsets[row].as_usize().saturating_add(sizes[row].as_usize()))
}
