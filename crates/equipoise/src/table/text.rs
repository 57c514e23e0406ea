//! Columns of text in any of their encodings.

use super::batch::{is_text, turned, validate};
use crate::error::Result;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, GenericStringArray, StringViewArray};
use arrow_buffer::ArrowNativeType as _;
use arrow_schema::DataType;

/// Stands for null among indices.
pub(super) const NULL: u32 = u32::MAX;
/// Stands for a dictionary value that no row has had yet. Logs have fewer rows, so no index is as large.
const UNSEEN: u32 = u32::MAX - 1;

/// A column of text that any row can be read from.
pub(super) enum Text<'a> {
    Short(&'a GenericStringArray<i32>),
    Long(&'a GenericStringArray<i64>),
    View(&'a StringViewArray),
    /// Per row the code of its value, or [`NULL`].
    Dictionary(Vec<u32>, Box<Text<'a>>),
    /// A column of so many nulls.
    Nothing,
}

impl<'a> Text<'a> {
    /// Reads a column, checking it first.
    ///
    /// # Errors
    /// A column that is not text, or whose bytes are not.
    pub(super) fn new(name: &str, array: &'a dyn Array) -> Result<Self> {
        if *array.data_type() == DataType::Null {
            return Ok(Self::Nothing);
        }
        if !is_text(array.data_type()) {
            return Err(turned(name, array));
        }
        validate(name, array)?;
        Self::plain(array).or_else(|| dictionary(array)).ok_or_else(|| turned(name, array))
    }

    fn plain(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt().map(Self::Short),
            DataType::LargeUtf8 => array.as_string_opt().map(Self::Long),
            DataType::Utf8View => array.as_string_view_opt().map(Self::View),
            DataType::Null => Some(Self::Nothing),
            _ => None,
        }
    }

    /// The text of a row; `None` for null.
    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Short(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Long(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Dictionary(codes, values) => Some(codes[row]).filter(|code| *code != NULL).and_then(|code| values.get(code as usize)),
            Self::Nothing => None,
        }
    }

    /// Whether two rows are equal; cheap where their codes are.
    pub(super) fn equal(&self, a: usize, b: usize) -> bool {
        match self {
            Self::Dictionary(codes, _) if codes[a] == codes[b] => true,
            _ => self.get(a) == self.get(b),
        }
    }

    /// Replaces `out` by the index of each row of `rows`, [`NULL`] for null. `intern` gives the index of a text that is new to this call,
    /// in the order of rows; it is asked once per value of a dictionary and once per run of equal texts.
    pub(super) fn indices(&self, rows: usize, out: &mut Vec<u32>, mut intern: impl FnMut(usize, &str) -> u32) {
        out.clear();
        if let Self::Dictionary(codes, values) = self {
            let mut known = vec![UNSEEN; values.len()];
            out.extend(codes.iter().enumerate().map(|(row, code)| {
                if *code == NULL {
                    return NULL;
                }
                let index = &mut known[*code as usize];
                if *index == UNSEEN {
                    *index = values.get(*code as usize).map_or(NULL, |text| intern(row, text));
                }
                *index
            }));
            return;
        }
        let mut before = None;
        let mut index = NULL;
        out.extend((0..rows).map(|row| {
            let text = self.get(row);
            if text != before {
                index = text.map_or(NULL, |text| intern(row, text));
                before = text;
            }
            index
        }));
    }

    fn len(&self) -> usize {
        match self {
            Self::Short(array) => array.len(),
            Self::Long(array) => array.len(),
            Self::View(array) => array.len(),
            Self::Dictionary(codes, _) => codes.len(),
            Self::Nothing => 0,
        }
    }
}

fn dictionary(array: &dyn Array) -> Option<Text<'_>> {
    let DataType::Dictionary(key, _) = array.data_type() else { return None };
    match **key {
        DataType::Int8 => keyed::<Int8Type>(array),
        DataType::Int16 => keyed::<Int16Type>(array),
        DataType::Int32 => keyed::<Int32Type>(array),
        DataType::Int64 => keyed::<Int64Type>(array),
        DataType::UInt8 => keyed::<UInt8Type>(array),
        DataType::UInt16 => keyed::<UInt16Type>(array),
        DataType::UInt32 => keyed::<UInt32Type>(array),
        DataType::UInt64 => keyed::<UInt64Type>(array),
        _ => None,
    }
}

fn keyed<K: ArrowDictionaryKeyType>(array: &dyn Array) -> Option<Text<'_>> {
    let array = array.as_dictionary_opt::<K>()?;
    let values = Text::plain(array.values().as_ref())?;
    let keys = array.keys();
    let codes = match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => keys.values().iter().map(|key| key.as_usize() as u32).collect(),
        Some(nulls) => keys.values().iter().zip(nulls).map(|(key, valid)| if valid { key.as_usize() as u32 } else { NULL }).collect(),
    };
    Some(Text::Dictionary(codes, Box::new(values)))
}
