//! Columns of text in any of their encodings.

use super::batch::{is_text, turned, validate};
use super::runs::leading;
use crate::error::{Error, Result, codes};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow_buffer::ArrowNativeType as _;
use arrow_schema::DataType;

/// Stands for null among indices.
pub(super) const NULL: u32 = u32::MAX;
/// Stands for a dictionary value that no row has had yet. Logs have fewer rows, so no index is as large.
const UNSEEN: u32 = u32::MAX - 1;

/// What a column remembers from batch to batch: the slices of one table share a dictionary, which is then looked at once.
#[derive(Default)]
pub(super) struct Memory {
    /// The values of the last dictionary, which have been checked.
    values: Option<ArrayRef>,
    /// The index of each of them, or [`UNSEEN`]; then [`NULL`], for rows without a value.
    known: Vec<u32>,
}

/// A column of text that any row can be read from.
pub(super) enum Text<'a> {
    Short(&'a GenericStringArray<i32>),
    Long(&'a GenericStringArray<i64>),
    View(&'a StringViewArray),
    /// Per row the code of its value, or [`NULL`].
    Dictionary(Vec<u32>, Box<Text<'a>>),
    /// A column of nulls.
    Nothing,
}

impl<'a> Text<'a> {
    /// Reads a column of rows that begin at `base`, if they are rows of the table. All of it is checked first, since a stream of another
    /// library's making may hold bytes that are no text, or codes that no value has. `memory` belongs to the column.
    ///
    /// # Errors
    /// A column that is not text, or not what it claims.
    pub(super) fn new(name: &str, array: &'a dyn Array, base: Option<u64>, memory: &mut Memory) -> Result<Self> {
        if !is_text(array.data_type()) && *array.data_type() != DataType::Null {
            return Err(turned(name, array));
        }
        let column = match Self::plain(array) {
            Some(text) => text.check(name, base).map(|()| text)?,
            None => dictionary(name, array, base)?,
        };
        if let (Self::Dictionary(_, values), Some(array)) = (&column, array.as_any_dictionary_opt()) {
            let same = memory.values.as_ref().is_some_and(|before| before.to_data().ptr_eq(&array.values().to_data()));
            if !same {
                values.check(name, None)?;
                memory.values = Some(array.values().clone());
                memory.known.clear();
                memory.known.resize(array.values().len(), UNSEEN);
                memory.known.push(NULL);
            }
        }
        Ok(column)
    }

    fn check(&self, name: &str, base: Option<u64>) -> Result<()> {
        match self {
            Self::Short(array) => check_bytes(name, array, base),
            Self::Long(array) => check_bytes(name, array, base),
            Self::View(array) => validate(name, *array),
            Self::Dictionary(..) | Self::Nothing => Ok(()),
        }
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

    /// Replaces `out` by the index of each of `rows` rows, [`NULL`] for null. `intern` gives the index of a row's text; it is asked in the
    /// order of rows, once per value of a dictionary and once per run of equal texts.
    pub(super) fn indices(&self, rows: usize, memory: &mut Memory, out: &mut Vec<u32>, mut intern: impl FnMut(usize, &str) -> u32) {
        out.clear();
        if let Self::Dictionary(codes, values) = self {
            let known = &mut memory.known;
            let last = known.len() - 1;
            let mut index = |row: usize, code: u32| {
                // Without a branch on null: which rows have a value cannot be guessed.
                let index = &mut known[(code as usize).min(last)];
                if *index == UNSEEN {
                    *index = values.get(code as usize).map_or(NULL, |text| intern(row, text));
                }
                *index
            };
            match codes.first() {
                Some(first) if leading(codes, *first) == codes.len() => out.resize(codes.len(), index(0, *first)),
                _ => out.extend(codes.iter().enumerate().map(|(row, code)| index(row, *code))),
            }
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
}

fn dictionary<'a>(name: &str, array: &'a dyn Array, base: Option<u64>) -> Result<Text<'a>> {
    let DataType::Dictionary(key, _) = array.data_type() else { return Err(turned(name, array)) };
    match **key {
        DataType::Int8 => keyed::<Int8Type>(name, array, base),
        DataType::Int16 => keyed::<Int16Type>(name, array, base),
        DataType::Int32 => keyed::<Int32Type>(name, array, base),
        DataType::Int64 => keyed::<Int64Type>(name, array, base),
        DataType::UInt8 => keyed::<UInt8Type>(name, array, base),
        DataType::UInt16 => keyed::<UInt16Type>(name, array, base),
        DataType::UInt32 => keyed::<UInt32Type>(name, array, base),
        DataType::UInt64 => keyed::<UInt64Type>(name, array, base),
        _ => Err(turned(name, array)),
    }
}

fn keyed<'a, K: ArrowDictionaryKeyType>(name: &str, array: &'a dyn Array, base: Option<u64>) -> Result<Text<'a>> {
    let typed = array.as_dictionary_opt::<K>().ok_or_else(|| turned(name, array))?;
    let values = Text::plain(typed.values().as_ref()).ok_or_else(|| turned(name, array))?;
    let keys = typed.keys();
    let known = typed.values().len().min(UNSEEN as usize);
    // A code that no value has becomes one that is never valid; a null row's code may be anything.
    let code = |key: &K::Native| if key.as_usize() < known { key.as_usize() as u32 } else { UNSEEN };
    let codes: Vec<u32> = match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => keys.values().iter().map(code).collect(),
        Some(nulls) => {
            let mut codes = Vec::with_capacity(keys.len());
            for (keys, valid) in keys.values().chunks(64).zip(nulls.inner().bit_chunks().iter_padded()) {
                codes.extend(keys.iter().enumerate().map(|(i, key)| if valid >> i & 1 == 1 { code(key) } else { NULL }));
            }
            codes
        }
    };
    if codes.contains(&UNSEEN) {
        let row = codes.iter().position(|code| *code == UNSEEN);
        let message = format!("the code {:?} has no value in a dictionary of {known}", row.map(|row| keys.value(row)));
        return Err(Error::new(codes::ROW, name, at(base, row), message));
    }
    Ok(Text::Dictionary(codes, Box::new(values)))
}

fn at(base: Option<u64>, row: Option<usize>) -> Option<u64> {
    base.zip(row).map(|(base, row)| base + row as u64)
}

/// Checks that offsets ascend within the bytes, and that every text is one.
fn check_bytes<O: OffsetSizeTrait>(name: &str, array: &GenericStringArray<O>, base: Option<u64>) -> Result<()> {
    let (offsets, bytes) = (array.value_offsets(), array.value_data());
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Ok(()) };
    let bytes = bytes.get(first.as_usize()..last.as_usize()).filter(|_| offsets.is_sorted());
    let bytes = bytes.ok_or_else(|| Error::new(codes::SHAPE, name, None, "the offsets of the column do not ascend within its bytes"))?;
    let within = |offset: &O| offset.as_usize() - first.as_usize();
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => None,
        // The bytes are text as a whole; a row may still begin in the middle of a character.
        Ok(text) => offsets.iter().position(|offset| !text.is_char_boundary(within(offset))),
        Err(e) => Some(offsets.partition_point(|offset| within(offset) <= e.valid_up_to()).saturating_sub(1)),
    };
    match fault {
        None => Ok(()),
        Some(row) => Err(Error::new(codes::UNICODE, name, at(base, Some(row)), "the bytes are not UTF-8")),
    }
}
