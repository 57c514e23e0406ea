//! A request and its results in direct memory that the JVM owns.

use crate::layout::Layout;
use equipoise::error::{Error, Result, codes};
use equipoise::model::Reason;
use equipoise::score::{Measures, Request, Workspace};
use jni::objects::JByteBuffer;
use jni::refs::Global;
use jni::sys::{jfloat, jint, jlong};

/// Flags of `score`: which of the optional inputs are there. The numbers are those of `Native.java`.
const TIME: jint = 1;
const SLOTS: jint = 2;
const REFERENCE: jint = 4;
const ORGANIC: jint = 8;
const ITEM: jint = 16;
/// Measures are in the packed column, or in an array of the heap, and not in columns of their own.
pub(crate) const PACKED: jint = 1 << 16;
pub(crate) const HEAP: jint = 1 << 17;
/// Those lie candidate by candidate, and not measure by measure.
pub(crate) const BY_CANDIDATE: jint = 1 << 18;

/// Direct memory that the JVM owns; the reference keeps it alive.
pub(crate) struct Memory {
    _owner: Global<JByteBuffer<'static>>,
    start: *mut u8,
    layout: Layout,
    capacity: usize,
    measures: usize,
}

// SAFETY: the pointer is to memory that belongs to no thread, and lives as long as `_owner`.
unsafe impl Send for Memory {}
// SAFETY: shared access only reads the fields; the memory behind `start` is touched under the table's exclusive lock alone.
unsafe impl Sync for Memory {}

/// A request without its columns.
#[derive(Clone, Copy)]
pub(crate) struct Scalars {
    pub(crate) n: jint,
    pub(crate) flags: jint,
    pub(crate) time: jlong,
    pub(crate) key: jlong,
    pub(crate) market: jint,
    pub(crate) surface: jint,
    pub(crate) slots: jint,
    pub(crate) reference: jfloat,
}

impl Memory {
    /// Memory from `start` on, for `capacity` candidates of `measures` measures each.
    ///
    /// # Safety
    /// `start` is where the memory of `owner` starts, which is as long as the layout says and aligned as it says.
    pub(crate) unsafe fn new(
        owner: Global<JByteBuffer<'static>>,
        start: *mut u8,
        layout: Layout,
        capacity: usize,
        measures: usize,
    ) -> Self {
        Self { _owner: owner, start, layout, capacity, measures }
    }

    /// The `n` values of a column.
    ///
    /// # Safety
    /// `offset` is a column of `T` in the layout, and `n` at most its length. Java code that writes to a view while this is in use
    /// breaks its own contract; all values are read as plain numbers of which every bit pattern is valid.
    #[inline]
    unsafe fn column<T>(&self, offset: usize, n: usize) -> &[T] {
        // SAFETY: within the memory by the caller's promise and the check of the layout in `attach`; aligned, as the start is.
        unsafe { std::slice::from_raw_parts(self.start.add(offset).cast(), n) }
    }

    /// The same to write to, for as long as the caller likes.
    ///
    /// # Safety
    /// As [`Memory::column`]; no other reference to this column is in use, and this one is not when the memory goes.
    unsafe fn column_mut<T>(&self, offset: usize, n: usize) -> &'static mut [T] {
        // SAFETY: as in `column`, and exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset).cast(), n) }
    }

    /// Has `core` write its results here.
    ///
    /// # Safety
    /// No other workspace writes here, and this one is gone, or writes elsewhere, when the memory goes.
    pub(crate) unsafe fn take_results_of(&self, core: &mut Workspace) {
        let layout = &self.layout;
        // SAFETY: columns of the layout, each as long as the capacity; Java gets views of them that are read-only, or none.
        unsafe {
            core.write_to(
                self.column_mut(layout.scores, self.capacity),
                self.column_mut(layout.picks, self.capacity),
                self.column_mut(layout.positions, self.capacity),
            );
        }
    }

    /// Writes reasons to their column, as far as there is room.
    pub(crate) fn take_reasons(&mut self, reasons: &[Reason]) {
        // SAFETY: a column of the layout, as long as the capacity, to which nobody else has a reference.
        let column = unsafe { self.column_mut::<u8>(self.layout.reasons, self.capacity) };
        for (to, reason) in column.iter_mut().zip(reasons) {
            *to = *reason as u8;
        }
    }

    /// Checks that a request of these scalars and of so many measures lies within the memory; gives its number of candidates.
    #[inline]
    pub(crate) fn check(&self, scalars: &Scalars, measures: usize) -> Result<usize> {
        let n = scalars.n as usize;
        let packed = scalars.flags & PACKED != 0 && n > self.layout.packed_candidates;
        let slots = scalars.flags & SLOTS != 0 && scalars.slots < 0;
        if scalars.n < 0 || n > self.capacity || measures > self.measures || packed || slots {
            return Err(self.refuse(scalars, measures));
        }
        Ok(n)
    }

    /// What is wrong with a request that does not lie within the memory.
    #[cold]
    fn refuse(&self, scalars: &Scalars, measures: usize) -> Error {
        let n = scalars.n;
        let told = |argument: &str, message: String| Error::new(codes::SHAPE, argument, None, message);
        if usize::try_from(n).map_or(true, |n| n > self.capacity) {
            told("n", format!("is {n}, the capacity is {}", self.capacity))
        } else if measures > self.measures {
            told("measures", format!("the policy has {measures}, there is room for {}", self.measures))
        } else if scalars.flags & PACKED != 0 && n as usize > self.layout.packed_candidates {
            told("measures", format!("are packed for {n}, {} fit", self.layout.packed_candidates))
        } else {
            Error::new(codes::RANGE, "slots", None, format!("is {}, wanted at least 0", scalars.slots))
        }
    }

    /// The request of these scalars; `heap` are the measures where they are in no column of this memory.
    ///
    /// # Safety
    /// `n` is what [`Memory::check`] gave for the same scalars and measures.
    #[inline]
    pub(crate) unsafe fn request<'a>(&'a self, scalars: &Scalars, n: usize, measures: usize, heap: Option<&'a [f32]>) -> Request<'a> {
        let given = |flag: jint| scalars.flags & flag != 0;
        let layout = &self.layout;
        // SAFETY: offsets are those of the layout and lengths, by the caller's promise, at most as long; `measures` columns of `stride` values each
        // lie one after the other, and `packed_candidates` times `measures` values in the packed one.
        unsafe {
            let (together, stride) = match heap {
                Some(values) => (values, n),
                None if given(PACKED) => (self.column(layout.packed, n * measures), n),
                None => (self.column(layout.measures, layout.stride * measures), layout.stride),
            };
            let measures = if given(BY_CANDIDATE) {
                Measures::Rows { values: together, stride: measures }
            } else {
                Measures::Columns { values: together, stride }
            };
            Request {
                market: scalars.market as u32,
                surface: scalars.surface as u32,
                time: given(TIME).then_some(scalars.time),
                slots: given(SLOTS).then_some(scalars.slots as u32),
                key: scalars.key as u64,
                reference: given(REFERENCE).then_some(scalars.reference),
                organic: given(ORGANIC).then(|| self.column(layout.organic, n)),
                item: given(ITEM).then(|| self.column(layout.item, n)),
                ..Request::new(self.column(layout.campaign, n), measures)
            }
        }
    }
}
