//! The memory behind the NumPy views of requests and batches.

use equipoise::Error;
use equipoise::error::codes;
use numpy::ndarray::{ArrayView1, ArrayView2, ShapeBuilder};
use numpy::{Element, PyArray1, PyArray2};
use pyo3::prelude::*;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Columns start on cache lines.
const ALIGN: usize = 64;

/// One allocation of 32-bit cells, which lives as long as any view of it; its address never changes.
///
/// A hidden Python object: it is the `base` of the views, so that they can be neither resized nor outlive their memory.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Cells {
    start: NonNull<u32>,
    layout: Layout,
}

// SAFETY: the cells are plain numbers without invariants. Those that Rust reads it reads only while the interpreter is held, as
// NumPy's own arrays are; who writes an array from a thread that has released the interpreter while it is scored gets arbitrary numbers,
// which the core checks like any others. Those that a batch writes with the interpreter released Rust does not read; who reads them
// meanwhile gets arbitrary numbers.
unsafe impl Send for Cells {}
// SAFETY: as above.
unsafe impl Sync for Cells {}

impl Cells {
    /// `len` cells of zeros; `argument` asks for so many.
    pub(crate) fn new(len: usize, argument: &'static str) -> equipoise::Result<Self> {
        let refused = || Error::new(codes::MEMORY, argument, None, format!("no memory for {len} numbers of 32 bits"));
        let bytes = len.max(1).checked_mul(size_of::<u32>()).ok_or_else(refused)?;
        let layout = Layout::from_size_align(bytes, ALIGN).map_err(|_| refused())?;
        // SAFETY: the layout has a size above 0.
        let start = unsafe { alloc_zeroed(layout) };
        NonNull::new(start.cast()).map(|start| Self { start, layout }).ok_or_else(refused)
    }

    fn len(&self) -> usize {
        self.layout.size() / size_of::<u32>()
    }

    /// The address of cell `at`, with `len` cells behind it.
    fn cell(&self, at: usize, len: usize) -> NonNull<u32> {
        assert!(at.checked_add(len).is_some_and(|end| end <= self.len()), "columns are laid out within their memory");
        // SAFETY: just checked to lie within the allocation.
        unsafe { self.start.add(at) }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout; views hold a reference to this object, so none is left.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) }
    }
}

/// Numbers that may stand in a cell: any bit pattern is one.
pub(crate) trait Cell: Element + Copy {}
impl Cell for f32 {}
impl Cell for u32 {}
impl Cell for u8 {}

/// A part of some [`Cells`]: `rows` numbers, `columns` times, `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Block<T> {
    start: NonNull<T>,
    rows: usize,
    columns: usize,
    stride: usize,
}

// SAFETY: as for `Cells`, a pointer into which this is; its owner keeps the `Cells` alive.
unsafe impl<T> Send for Block<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Block<T> {}

impl<T: Cell> Block<T> {
    /// Cells `at..` of `cells`.
    pub(crate) fn new(cells: &Cells, at: usize, rows: usize, columns: usize, stride: usize) -> Self {
        let bytes = columns.checked_mul(stride).filter(|_| rows <= stride).and_then(|len| len.checked_mul(size_of::<T>()));
        let len = bytes.map_or(usize::MAX, |bytes| bytes.div_ceil(size_of::<u32>()));
        Self { start: cells.cell(at, len).cast(), rows, columns, stride }
    }

    /// All cells, the padding between columns included.
    ///
    /// # Safety
    /// The `Cells` live, the interpreter is held for all of `'a`, and no [`Block::fill`] of the same cells happens in it.
    pub(crate) unsafe fn cells<'a>(&self) -> &'a [T] {
        // SAFETY: `new` checked the range; every bit pattern is a number; the caller keeps writers away.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.columns * self.stride) }
    }

    /// The rows of the first column, to be written.
    ///
    /// # Safety
    /// The `Cells` live for all of `'a`, and nobody else in Rust reads or writes these cells in it.
    pub(crate) unsafe fn rows_mut<'a>(&self) -> &'a mut [T] {
        // SAFETY: `new` checked the range; every bit pattern is a number; the caller keeps others away.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.rows) }
    }

    /// Writes `value` to every row of one column.
    ///
    /// # Safety
    /// The `Cells` live, the interpreter is held, and no slice of these cells is in use.
    pub(crate) unsafe fn fill(&self, column: usize, value: T) {
        assert!(column < self.columns, "a column of this block");
        // SAFETY: `new` checked the range; nobody else has a reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(column * self.stride), self.rows) }.fill(value);
    }

    /// Writes `values` to the first rows of one column; those beyond the last row are left out.
    ///
    /// # Safety
    /// As for [`Block::fill`].
    pub(crate) unsafe fn write(&self, column: usize, values: impl Iterator<Item = T>) {
        assert!(column < self.columns, "a column of this block");
        // SAFETY: as in `fill`.
        let cells = unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(column * self.stride), self.rows) };
        cells.iter_mut().zip(values).for_each(|(cell, value)| *cell = value);
    }

    /// Copies `values` to the first rows of one column; those beyond the last row are left out.
    ///
    /// # Safety
    /// As for [`Block::fill`]; `values` are none of these cells.
    pub(crate) unsafe fn copy(&self, column: usize, values: &[T]) {
        assert!(column < self.columns, "a column of this block");
        let len = values.len().min(self.rows);
        // SAFETY: as in `fill`.
        let cells = unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(column * self.stride), len) };
        cells.copy_from_slice(&values[..len]);
    }

    /// From one column to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// A NumPy view of the first `len` rows of the first column.
    pub(crate) fn view1<'py>(&self, owner: &Bound<'py, Cells>, len: usize) -> Bound<'py, PyArray1<T>> {
        assert!(len <= self.rows, "no more than the rows there are");
        // SAFETY: within the range that `new` checked; `owner` becomes the base and keeps it alive.
        unsafe { PyArray1::borrow_from_array(&ArrayView1::from_shape_ptr(len, self.start.as_ptr()), owner.clone().into_any()) }
    }

    /// A NumPy view of shape (rows, columns), each column contiguous.
    pub(crate) fn view2<'py>(&self, owner: &Bound<'py, Cells>) -> Bound<'py, PyArray2<T>> {
        let shape = (self.rows, self.columns).strides((1, self.stride));
        // SAFETY: as above.
        unsafe { PyArray2::borrow_from_array(&ArrayView2::from_shape_ptr(shape, self.start.as_ptr()), owner.clone().into_any()) }
    }
}
