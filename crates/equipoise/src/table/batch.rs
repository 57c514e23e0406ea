//! What the readers of logs and campaigns share: finding columns, and saying what is wrong with one.

use crate::error::{Error, Faults, Result, codes, escape, quote};
use arrow_array::Array;
use arrow_schema::{ArrowError, DataType, Schema};

/// The error of a stream that breaks off; the stream's own, where it is one of ours.
pub(super) fn broken(error: &ArrowError) -> Error {
    if let ArrowError::ExternalError(inner) = error
        && let Some(ours) = inner.downcast_ref::<Error>()
    {
        return ours.clone();
    }
    Error::new(codes::IO, "table", None, format!("the table cannot be read to its end: {}", escape(&error.to_string(), 300)))
}

/// The error of a column whose type is not the one that its schema promised.
pub(super) fn turned(name: &str, array: &dyn Array) -> Error {
    let found = escape(&array.data_type().to_string(), 200);
    Error::new(codes::TYPE, name, None, format!("the column is {found} in one part of the table and another type in its schema"))
}

/// Checks that offsets, codes and text of a column are what they claim; a stream of another library's making may lie.
pub(super) fn validate(name: &str, array: &dyn Array) -> Result<()> {
    array.to_data().validate_full().map_err(|e| Error::new(codes::UNICODE, name, None, escape(&e.to_string(), 300)))
}

/// The types that a column may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Number,
    Integer,
    Text,
    IntegerOrText,
    Time,
    Texts,
    Goals,
}

impl Wanted {
    const fn words(self) -> &'static str {
        match self {
            Self::Number => "any integer, float or decimal type",
            Self::Integer => "any integer type",
            Self::Text => "utf8, large_utf8, utf8_view or a dictionary of them",
            Self::IntegerOrText => "any integer type, utf8, large_utf8, utf8_view or a dictionary of them",
            Self::Time => "a timestamp of any unit, or a date",
            Self::Texts => "a list of utf8, large_utf8, utf8_view or dictionaries of them",
            Self::Goals => "a list of structs with the fields kind, measure, amount and penalty",
        }
    }

    fn holds(self, found: &DataType) -> bool {
        match self {
            _ if *found == DataType::Null => true,
            Self::Number => is_number(found),
            Self::Integer => found.is_integer(),
            Self::Text => is_text(found),
            Self::IntegerOrText => found.is_integer() || is_text(found),
            Self::Time => matches!(found, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64),
            Self::Texts => entries(found).is_some_and(|t| is_text(t) || *t == DataType::Null),
            Self::Goals => matches!(entries(found), Some(DataType::Struct(_) | DataType::Null)),
        }
    }
}

fn is_number(found: &DataType) -> bool {
    found.is_integer()
        || found.is_floating()
        || matches!(found, DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Decimal32(..) | DataType::Decimal64(..))
}

pub(super) fn is_text(found: &DataType) -> bool {
    let plain = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    matches!(found, DataType::Dictionary(_, values) if plain(values)) || plain(found)
}

fn entries(found: &DataType) -> Option<&DataType> {
    match found {
        DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::LargeListView(f) | DataType::FixedSizeList(f, _) => {
            Some(f.data_type())
        }
        _ => None,
    }
}

/// Reports a type that a column may not have.
pub(super) fn check_type(name: &str, found: &DataType, wanted: Wanted, faults: &mut Faults) -> bool {
    if wanted.holds(found) {
        return true;
    }
    faults.push(codes::TYPE, name, None, || format!("the column is {}; wanted is {}", escape(&found.to_string(), 200), wanted.words()));
    false
}

/// Finds columns by name and reports those that are missing, double or of a wrong type.
pub(super) struct Finder<'a> {
    pub(super) schema: &'a Schema,
    pub(super) faults: &'a mut Faults,
}

impl Finder<'_> {
    /// The column of that name, if it is there and of the right type.
    pub(super) fn optional(&mut self, name: &str, wanted: Wanted) -> Option<usize> {
        let mut found = self.schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name);
        let (at, field) = found.next()?;
        if found.next().is_some() {
            self.faults.push(codes::DUPLICATE, name, None, || "the table has several columns of that name".to_owned());
            return None;
        }
        check_type(name, field.data_type(), wanted, self.faults).then_some(at)
    }

    /// The column of that name, which has to be there.
    pub(super) fn required(&mut self, name: &str, wanted: Wanted) -> Option<usize> {
        if self.schema.column_with_name(name).is_none() {
            let columns = || self.schema.fields().iter().take(20).map(|field| quote(field.name())).collect::<Vec<_>>().join(", ");
            self.faults.push(codes::MISSING, name, None, || format!("the table has no such column; it has {}", columns()));
        }
        self.optional(name, wanted)
    }
}
