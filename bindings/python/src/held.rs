//! Columns of the caller's that are kept and not copied.

use crate::argument::{refuse, refuse_type};
use crate::array::{of_kind, refuse_layout};
use crate::columns::Cell;
use crate::error::to_python;
use crate::table::chunks;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, UInt32Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use equipoise::Error;
use equipoise::error::codes;
use equipoise::score::Measures;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods, dtype};
use pyo3::prelude::*;

/// Numbers that NumPy and Arrow have alike.
pub(crate) trait Shared: Cell + ArrowNativeType {
    type Arrow: ArrowPrimitiveType<Native = Self>;
}

impl Shared for f32 {
    type Arrow = Float32Type;
}

impl Shared for u32 {
    type Arrow = UInt32Type;
}

/// A one-dimensional column.
pub(crate) enum Held<T: Shared> {
    NumPy(Py<PyArray1<T>>),
    Arrow(ScalarBuffer<T>),
}

impl<T: Shared> Held<T> {
    /// Takes a contiguous NumPy array, or an Arrow column of one chunk without nulls.
    pub(crate) fn new(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Self> {
        let py = value.py();
        if value.is_instance_of::<PyUntypedArray>() {
            of_kind::<T>(value, name, 1)?;
            let held = Self::NumPy(value.extract::<Bound<'_, PyArray1<T>>>()?.unbind());
            held.lend(py, name)?;
            return Ok(held);
        }
        let wanted = dtype::<T>(py);
        match chunks(value)?.as_deref() {
            Some([]) => Ok(Self::Arrow(ScalarBuffer::default())),
            Some([only]) => Self::of_arrow(only)
                .map_err(|(code, found)| refuse(py, code, name, format!("{found}, wanted an Arrow column of {wanted} without nulls"))),
            Some(many) => {
                let message = format!("found {} chunks, wanted one: combine_chunks() or rechunk() makes one", many.len());
                Err(refuse(py, codes::LAYOUT, name, message))
            }
            None => Err(refuse_type(value, name, &format!("a NumPy array or an Arrow column of {wanted}"))),
        }
    }

    fn of_arrow(array: &ArrayRef) -> Result<Self, (&'static str, String)> {
        let found = || (codes::TYPE, format!("found an Arrow column of {}", array.data_type()));
        let typed = array.as_primitive_opt::<T::Arrow>().ok_or_else(found)?;
        if typed.null_count() > 0 {
            return Err((codes::NULL, format!("found {} nulls", typed.null_count())));
        }
        Ok(Self::Arrow(typed.values().clone()))
    }

    pub(crate) fn len(&self, py: Python<'_>) -> usize {
        match self {
            Self::NumPy(array) => array.bind(py).len(),
            Self::Arrow(values) => values.len(),
        }
    }

    /// The column, kept from being written by others of this kind.
    pub(crate) fn lend<'a>(&'a self, py: Python<'a>, name: &str) -> PyResult<Lent<'a, T>> {
        match self {
            Self::NumPy(array) => {
                let array = array.bind(py);
                let lent = array.try_readonly().map_err(|_| in_use(py, name))?;
                if lent.as_slice().is_err() {
                    return Err(refuse_layout(array.as_untyped(), name, "a contiguous array"));
                }
                Ok(Lent::NumPy(lent))
            }
            Self::Arrow(values) => Ok(Lent::Arrow(values)),
        }
    }
}

fn in_use(py: Python<'_>, name: &str) -> PyErr {
    to_python(py, &Error::new(codes::CONCURRENT, name, None, "the array is being written by somebody else"))
}

/// A column that nobody else of its kind writes.
pub(crate) enum Lent<'a, T: Shared> {
    NumPy(PyReadonlyArray1<'a, T>),
    Arrow(&'a [T]),
}

impl<T: Shared> Lent<'_, T> {
    pub(crate) fn get(&self) -> &[T] {
        match self {
            Self::NumPy(array) => array.as_slice().unwrap_or_default(),
            Self::Arrow(values) => values,
        }
    }
}

/// A two-dimensional NumPy array, one row per candidate, in C or Fortran order.
pub(crate) struct HeldMatrix(Py<PyArray2<f32>>);

impl HeldMatrix {
    /// Takes an array of `m` columns without gaps.
    pub(crate) fn new(value: &Bound<'_, PyAny>, name: &str, m: usize) -> PyResult<Self> {
        let py = value.py();
        let array = of_kind::<f32>(value, name, 2)?;
        if array.shape()[1] != m {
            return Err(refuse(py, codes::SHAPE, name, format!("found shape {:?}, wanted (n, {m})", array.shape())));
        }
        let held = Self(value.extract::<Bound<'_, PyArray2<f32>>>()?.unbind());
        held.lend(py, name)?;
        Ok(held)
    }

    pub(crate) fn len(&self, py: Python<'_>) -> usize {
        self.0.bind(py).shape()[0]
    }

    pub(crate) fn lend<'a>(&'a self, py: Python<'a>, name: &str) -> PyResult<LentMatrix<'a>> {
        let array = self.0.bind(py);
        let lent = array.try_readonly().map_err(|_| in_use(py, name))?;
        if lent.as_slice().is_err() {
            return Err(refuse_layout(array.as_untyped(), name, "C or Fortran order without gaps"));
        }
        Ok(LentMatrix(lent))
    }
}

/// A matrix that nobody else of its kind writes.
pub(crate) struct LentMatrix<'a>(PyReadonlyArray2<'a, f32>);

impl LentMatrix<'_> {
    pub(crate) fn measures(&self) -> Measures<'_> {
        let values = self.0.as_slice().unwrap_or_default();
        let shape = self.0.shape();
        if self.0.is_c_contiguous() { Measures::Rows { values, stride: shape[1] } } else { Measures::Columns { values, stride: shape[0] } }
    }
}
