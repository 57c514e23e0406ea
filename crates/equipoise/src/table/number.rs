//! Columns of numbers of any type, rounded once and checked.

use super::batch::turned;
use crate::error::{Faults, Result, codes};
use crate::model::{MAGNITUDE, Range};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

/// What a column of numbers has to keep, and how faults call it.
pub(super) struct Rule<'a> {
    pub(super) name: &'a str,
    pub(super) range: Range,
    /// What stands for null; without it null is a fault.
    pub(super) fill: Option<f64>,
    /// Number of the first row.
    pub(super) base: u64,
}

/// A number type of Arrow.
pub(super) trait Found: Copy {
    fn wide(self) -> f64;
    fn narrow(self) -> f32;

    /// Whether all lie in a range, without a branch per number.
    fn all_in(values: &[Self], range: Range) -> bool {
        values.iter().fold(true, |good, value| good & range.holds(value.wide()))
    }
}

impl Found for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn narrow(self) -> f32 {
        self
    }

    /// In single precision, of which a register holds twice as many.
    fn all_in(values: &[Self], range: Range) -> bool {
        // Rounded down: a number of this type is at most the limit where it is at most this.
        const LIMIT: f32 = MAGNITUDE as f32;
        const { assert!(LIMIT as f64 <= MAGNITUDE) };
        match range {
            Range::Signed => values.iter().fold(true, |good, value| good & (value.abs() <= LIMIT)),
            Range::NonNegative => values.iter().fold(true, |good, value| good & (0.0..=LIMIT).contains(value)),
            _ => values.iter().fold(true, |good, value| good & range.holds(value.wide())),
        }
    }
}

macro_rules! found {
    ($($type:ty),*) => {$(
        impl Found for $type {
            fn wide(self) -> f64 {
                self as f64
            }
            fn narrow(self) -> f32 {
                self as f32
            }
        }
    )*};
}
found!(i8, i16, i32, i64, u8, u16, u32, u64, f64);

/// A number type of the log's columns.
pub(super) trait Kept: Copy {
    /// Stands where there is a fault, and is compared with nothing.
    const FAULTY: Self;

    fn keep(number: impl Found) -> Self;
}

impl Kept for f64 {
    const FAULTY: Self = Self::NAN;

    fn keep(number: impl Found) -> Self {
        // Adding +0 turns -0 into +0.
        number.wide() + 0.0
    }
}

impl Kept for f32 {
    const FAULTY: Self = Self::NAN;

    fn keep(number: impl Found) -> Self {
        number.narrow() + 0.0
    }
}

/// Appends a column to `out`, one value per row, [`Kept::FAULTY`] where there is a fault. Says whether there was none.
///
/// # Errors
/// A type that is no number, or a decimal that has no float.
pub(super) fn append<T: Kept>(array: &dyn Array, rule: &Rule<'_>, out: &mut Vec<T>, faults: &mut Faults) -> Result<bool> {
    macro_rules! typed {
        ($($name:ident => $type:ty),*) => {
            match array.data_type() {
                $(DataType::$name => Ok(append_typed(array.as_primitive::<$type>(), rule, out, faults)),)*
                DataType::Null => {
                    let fill = rule.fill.map(T::keep);
                    for row in 0..array.len() {
                        out.push(fill.unwrap_or_else(|| null(row, rule, faults)));
                    }
                    Ok(fill.is_some() || array.is_empty())
                }
                DataType::Float16 | DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                    let wide = arrow_cast::cast(array, &DataType::Float64).map_err(|_| turned(rule.name, array))?;
                    append(&wide, rule, out, faults)
                }
                _ => Err(turned(rule.name, array)),
            }
        };
    }
    typed!(
        Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type, Int64 => Int64Type, UInt8 => UInt8Type, UInt16 => UInt16Type,
        UInt32 => UInt32Type, UInt64 => UInt64Type, Float32 => Float32Type, Float64 => Float64Type
    )
}

fn append_typed<P, T>(array: &PrimitiveArray<P>, rule: &Rule<'_>, out: &mut Vec<T>, faults: &mut Faults) -> bool
where
    P: ArrowPrimitiveType,
    P::Native: Found,
    T: Kept,
{
    let values = array.values();
    // The common case, without a branch per row: no nulls, nothing out of range.
    let good = array.null_count() == 0 && P::Native::all_in(values, rule.range);
    if good {
        out.extend(values.iter().map(|value| T::keep(*value)));
        return true;
    }
    let mut good = true;
    let fill = rule.fill.map(T::keep);
    out.extend(array.iter().enumerate().map(|(row, value)| match value {
        Some(value) if rule.range.check(value.wide(), faults, rule.name, Some(rule.base + row as u64)) => T::keep(value),
        None if fill.is_some() => fill.unwrap_or(T::FAULTY),
        other => {
            good = false;
            if other.is_none() { null(row, rule, faults) } else { T::FAULTY }
        }
    }));
    good
}

fn null<T: Kept>(row: usize, rule: &Rule<'_>, faults: &mut Faults) -> T {
    faults.push(codes::NULL, rule.name, Some(rule.base + row as u64), || "is null; `fill` can say what stands for null".to_owned());
    T::FAULTY
}

/// A column of integers by their 64 bits.
#[derive(Default)]
pub(super) struct Integers {
    /// One value per row, anything where it is null.
    pub(super) values: Vec<i64>,
    nulls: Option<NullBuffer>,
}

impl Integers {
    /// Replaces these by a column's.
    ///
    /// # Errors
    /// A type that is no integer.
    pub(super) fn read(&mut self, name: &str, array: &dyn Array) -> Result<()> {
        macro_rules! typed {
            ($($arm:ident => $type:ty),*) => {
                match array.data_type() {
                    $(DataType::$arm => self.fill(array, array.as_primitive::<$type>().values().iter().map(|value| *value as i64)),)*
                    DataType::Null => self.fill(array, std::iter::repeat_n(0, array.len())),
                    _ => return Err(turned(name, array)),
                }
            };
        }
        typed!(
            Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type, Int64 => Int64Type, UInt8 => UInt8Type, UInt16 => UInt16Type,
            UInt32 => UInt32Type, UInt64 => UInt64Type
        );
        Ok(())
    }

    /// Replaces these by values that stand for those of a column; whatever stands for null is not looked at.
    pub(super) fn fill(&mut self, array: &dyn Array, values: impl Iterator<Item = i64>) {
        self.values.clear();
        self.values.extend(values);
        self.nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    }

    /// The value of a row; `None` for null.
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then(|| self.values[row])
    }

    /// All values, where none is null.
    pub(super) fn whole(&self) -> Option<&[i64]> {
        self.nulls.is_none().then_some(&self.values)
    }

    /// One value per row.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<i64>> {
        (0..self.values.len()).map(|row| self.get(row))
    }
}
