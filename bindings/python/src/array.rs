//! NumPy arrays of the caller, checked for kind, shape and layout before a number is read.

use crate::argument::{collected, describe, refuse, refuse_type};
use crate::columns::{Block, Cell};
use equipoise::error::codes;
use numpy::{Element, PyArrayDescrMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods, dtype};
use pyo3::prelude::*;

/// A one-dimensional, contiguous array.
pub(crate) struct Column<'py, T: Cell>(PyReadonlyArray1<'py, T>);

impl<'py, T: Cell> Column<'py, T> {
    /// Checks `value`: an array of `T`, one-dimensional, contiguous, at most `limit` long.
    pub(crate) fn new(value: &Bound<'py, PyAny>, name: &str, limit: usize) -> PyResult<Self> {
        let array = of_kind::<T>(value, name, 1)?;
        if !array.is_contiguous() || !array.is_c_contiguous() {
            return Err(refuse_layout(&array, name, "a contiguous array"));
        }
        check_length(&array, name, limit)?;
        Ok(Self(value.extract()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// # Safety
    /// As for [`Block::fill`]; the array is none of the block's own views.
    pub(crate) unsafe fn copy_to(&self, block: &Block<T>) {
        let values = self.0.as_array();
        // SAFETY: passed on.
        unsafe { values.as_slice().into_iter().for_each(|values| block.copy(0, values)) };
    }
}

/// A two-dimensional array of `f32` in C or Fortran order, one row per candidate.
pub(crate) struct Matrix<'py>(PyReadonlyArray2<'py, f32>);

impl<'py> Matrix<'py> {
    /// Checks `value`: `f32`, at most `limit` rows, `m` columns, no gaps.
    pub(crate) fn new(value: &Bound<'py, PyAny>, name: &str, limit: usize, m: usize) -> PyResult<Self> {
        let array = of_kind::<f32>(value, name, 2)?;
        if array.shape()[1] != m {
            return Err(refuse(value.py(), codes::SHAPE, name, format!("found shape {:?}, wanted (n, {m})", array.shape())));
        }
        if !array.is_c_contiguous() && !array.is_fortran_contiguous() {
            return Err(refuse_layout(&array, name, "C or Fortran order without gaps"));
        }
        check_length(&array, name, limit)?;
        Ok(Self(value.extract()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.shape()[0]
    }

    /// # Safety
    /// As for [`Block::fill`].
    pub(crate) unsafe fn copy_to(&self, block: &Block<f32>) {
        for (j, column) in self.0.as_array().columns().into_iter().enumerate() {
            // SAFETY: passed on.
            unsafe { block.write(j, column.iter().copied()) };
        }
    }
}

/// A copy of a one-dimensional array.
pub(crate) fn owned_column<T: Element + Copy>(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<T>> {
    let array = of_kind::<T>(value, name, 1)?;
    let array: PyReadonlyArray1<'_, T> = array.extract()?;
    collected(value.py(), array.len(), array.as_array().iter().copied(), name)
}

/// A copy of an array with an entry for each of `requests`; `None` where the value is no array of any dimension.
pub(crate) fn per_request<T: Element + Copy>(value: &Bound<'_, PyAny>, name: &str, requests: usize) -> PyResult<Option<Vec<T>>> {
    if value.cast::<PyUntypedArray>().map_or(true, |array| array.ndim() == 0) {
        return Ok(None);
    }
    let values = owned_column(value, name)?;
    if values.len() != requests {
        return Err(refuse(value.py(), codes::SHAPE, name, format!("{} entries for {requests} requests", values.len())));
    }
    Ok(Some(values))
}

/// A copy of a two-dimensional array, row by row, and the length of its rows.
pub(crate) fn owned_matrix(value: &Bound<'_, PyAny>, name: &str) -> PyResult<(Vec<f32>, usize)> {
    let array = of_kind::<f32>(value, name, 2)?;
    let width = array.shape()[1];
    let array: PyReadonlyArray2<'_, f32> = array.extract()?;
    Ok((collected(value.py(), array.len(), array.as_array().iter().copied(), name)?, width))
}

pub(crate) fn of_kind<'py, T: Element>(value: &Bound<'py, PyAny>, name: &str, dimensions: usize) -> PyResult<Bound<'py, PyUntypedArray>> {
    let py = value.py();
    let wanted = dtype::<T>(py);
    let Ok(array) = value.cast::<PyUntypedArray>() else {
        return Err(refuse_type(value, name, &format!("a NumPy array of {wanted}")));
    };
    if !array.dtype().is_equiv_to(&wanted) {
        return Err(refuse(py, codes::TYPE, name, format!("found an array of {}, wanted {wanted}", array.dtype())));
    }
    if array.ndim() != dimensions {
        return Err(refuse(py, codes::SHAPE, name, format!("found shape {:?}, wanted {dimensions} dimensions", array.shape())));
    }
    Ok(array.clone())
}

fn check_length(array: &Bound<'_, PyUntypedArray>, name: &str, limit: usize) -> PyResult<()> {
    let n = array.shape()[0];
    if n > limit {
        return Err(refuse(array.py(), codes::SHAPE, name, format!("{n} candidates, this request holds at most {limit}")));
    }
    Ok(())
}

pub(crate) fn refuse_layout(array: &Bound<'_, PyUntypedArray>, name: &str, wanted: &str) -> PyErr {
    let strides = array.strides();
    let message = format!("found strides {strides:?} in {}, wanted {wanted}: numpy.ascontiguousarray makes one", describe(array.as_any()));
    refuse(array.py(), codes::LAYOUT, name, message)
}
