//! Columns of instants, brought to microseconds since 1970 UTC.

use super::batch::turned;
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

/// Replaces `out` by the instants of a column, `None` for null. Finer units are rounded down; instants beyond ±292,000 years are faults and 0.
///
/// # Errors
/// A type that is no time.
pub(super) fn micros(name: &str, array: &dyn Array, base: u64, out: &mut Vec<Option<i64>>, faults: &mut Faults) -> Result<()> {
    const DAY: i64 = 86_400_000_000;
    out.clear();
    let mut scaled = |values: &mut dyn Iterator<Item = Option<i64>>, factor: i64| {
        out.extend(values.enumerate().map(|(row, value)| {
            value.map(|value| {
                value.checked_mul(factor).unwrap_or_else(|| {
                    faults.push(codes::RANGE, name, Some(base + row as u64), || format!("{value} lies too far from 1970 for microseconds"));
                    0
                })
            })
        }));
    };
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => scaled(&mut array.as_primitive::<TimestampSecondType>().iter(), 1_000_000),
        DataType::Timestamp(TimeUnit::Millisecond, _) => scaled(&mut array.as_primitive::<TimestampMillisecondType>().iter(), 1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => scaled(&mut array.as_primitive::<TimestampMicrosecondType>().iter(), 1),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let nanos = array.as_primitive::<TimestampNanosecondType>();
            scaled(&mut nanos.iter().map(|value| value.map(|v| v.div_euclid(1_000))), 1);
        }
        DataType::Date32 => scaled(&mut array.as_primitive::<Date32Type>().iter().map(|value| value.map(i64::from)), DAY),
        DataType::Date64 => scaled(&mut array.as_primitive::<Date64Type>().iter(), 1_000),
        DataType::Null => scaled(&mut std::iter::repeat_n(None, array.len()), 1),
        _ => return Err(turned(name, array)),
    }
    Ok(())
}
