//! Columns of instants, brought to microseconds since 1970 UTC.

use super::batch::turned;
use super::number::Integers;
use crate::error::{Faults, Result, codes, escape};
use arrow_array::Array;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_schema::{DataType, TimeUnit};

/// Reports a column without a zone, unless such are taken as UTC.
pub(super) fn check_zone(name: &str, found: &DataType, naive_utc: bool, faults: &mut Faults) {
    let naive = matches!(found, DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64);
    if naive && !naive_utc {
        faults.push(codes::NAIVE_TIME, name, None, || {
            format!("the column is {}, which has no zone; give it one, or say naive=\"utc\"", escape(&found.to_string(), 200))
        });
    }
}

/// Replaces `out` by the instants of a column. Finer units are rounded down; instants beyond ±292,000 years are faults and 0.
///
/// # Errors
/// A type that is no time.
pub(super) fn micros(name: &str, array: &dyn Array, base: u64, out: &mut Integers, faults: &mut Faults) -> Result<()> {
    const DAY: i64 = 86_400_000_000;
    let mut scaled = |values: &mut dyn Iterator<Item = i64>, factor: i64| {
        let mut far = |row: usize, value: i64| {
            if array.is_valid(row) {
                faults.push(codes::RANGE, name, Some(base + row as u64), || format!("{value} lies too far from 1970 for microseconds"));
            }
            0
        };
        out.fill(array, values.enumerate().map(|(row, value)| value.checked_mul(factor).unwrap_or_else(|| far(row, value))));
    };
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            scaled(&mut array.as_primitive::<TimestampSecondType>().values().iter().copied(), 1_000_000);
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled(&mut array.as_primitive::<TimestampMillisecondType>().values().iter().copied(), 1_000);
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            out.fill(array, array.as_primitive::<TimestampMicrosecondType>().values().iter().copied());
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            out.fill(array, array.as_primitive::<TimestampNanosecondType>().values().iter().map(|nanos| nanos.div_euclid(1_000)));
        }
        DataType::Date32 => scaled(&mut array.as_primitive::<Date32Type>().values().iter().map(|days| i64::from(*days)), DAY),
        DataType::Date64 => scaled(&mut array.as_primitive::<Date64Type>().values().iter().copied(), 1_000),
        DataType::Null => out.fill(array, std::iter::repeat_n(0, array.len())),
        _ => return Err(turned(name, array)),
    }
    Ok(())
}
