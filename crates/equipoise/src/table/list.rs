//! Columns of lists of any kind.

use super::batch::{turned, validate};
use crate::error::Result;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, GenericListArray, GenericListViewArray, OffsetSizeTrait};
use arrow_schema::DataType;
use std::ops::Range;

/// A column of lists: where each row's entries stand among `entries`, `None` for null.
pub(super) struct Lists {
    pub(super) entries: ArrayRef,
    pub(super) rows: Vec<Option<Range<usize>>>,
}

impl Lists {
    /// Reads a column of lists, checking that every list lies within the entries.
    ///
    /// # Errors
    /// A type that is no list, or offsets that lie.
    pub(super) fn new(name: &str, array: &dyn Array) -> Result<Self> {
        if *array.data_type() != DataType::Null {
            validate(name, array)?;
        }
        match array.data_type() {
            DataType::List(_) => Ok(offsets(array.as_list::<i32>())),
            DataType::LargeList(_) => Ok(offsets(array.as_list::<i64>())),
            DataType::ListView(_) => Ok(views(array.as_list_view::<i32>())),
            DataType::LargeListView(_) => Ok(views(array.as_list_view::<i64>())),
            DataType::FixedSizeList(_, size) => {
                let (array, size) = (array.as_fixed_size_list(), *size as usize);
                let rows = (0..array.len()).map(|row| array.is_valid(row).then_some(row * size..(row + 1) * size)).collect();
                Ok(Self { entries: array.values().clone(), rows })
            }
            DataType::Null => Ok(Self { entries: arrow_array::new_empty_array(&DataType::Null), rows: vec![None; array.len()] }),
            _ => Err(turned(name, array)),
        }
    }

    /// Entries of all lists together.
    pub(super) fn total(&self) -> usize {
        self.rows.iter().flatten().fold(0_usize, |total, range| total.saturating_add(range.len()))
    }
}

fn offsets<O: OffsetSizeTrait>(array: &GenericListArray<O>) -> Lists {
    let range = |row: usize| array.value_offsets()[row].as_usize()..array.value_offsets()[row + 1].as_usize();
    let rows = (0..array.len()).map(|row| array.is_valid(row).then(|| range(row))).collect();
    Lists { entries: array.values().clone(), rows }
}

fn views<O: OffsetSizeTrait>(array: &GenericListViewArray<O>) -> Lists {
    let range = |row: usize| {
        let start = array.value_offsets()[row].as_usize();
        start..start + array.sizes()[row].as_usize()
    };
    let rows = (0..array.len()).map(|row| array.is_valid(row).then(|| range(row))).collect();
    Lists { entries: array.values().clone(), rows }
}
