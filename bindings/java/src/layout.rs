//! Where the columns and results of a request lie in the direct memory that Java owns.

/// Every column starts on a cache line.
const ALIGNMENT: usize = 64;

/// Up to this many candidates, copying an array of measures costs less than having the JVM hold it in place.
const PACKED_CANDIDATES: usize = 144;

/// Byte offsets in the memory of a workspace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// f32 a candidate.
    pub(crate) organic: usize,
    /// u32 a candidate.
    pub(crate) campaign: usize,
    /// u32 a candidate.
    pub(crate) item: usize,
    /// f32 a candidate, a result.
    pub(crate) scores: usize,
    /// u32 a pick, a result.
    pub(crate) picks: usize,
    /// u32 a pick, a result.
    pub(crate) positions: usize,
    /// u8 a candidate, a result.
    pub(crate) reasons: usize,
    /// f32 a candidate, one column after another.
    pub(crate) measures: usize,
    /// f32, the measures of a small request as one array, in either order.
    pub(crate) packed: usize,
    /// How many candidates' measures fit there.
    pub(crate) packed_candidates: usize,
    /// f32 values from one column of measures to the next.
    pub(crate) stride: usize,
    /// Bytes in all.
    pub(crate) total: usize,
}

impl Layout {
    /// The layout for `capacity` candidates of `measures` measures; none if its size passes an `i64`.
    pub(crate) fn new(capacity: usize, measures: usize) -> Option<Self> {
        // An odd number of cache lines: columns a power of two apart would fight for the same places of the cache.
        let stride = capacity.checked_next_multiple_of(ALIGNMENT / 4)?.checked_add(ALIGNMENT / 4)?;
        let stride = stride - if (stride / (ALIGNMENT / 4)).is_multiple_of(2) { ALIGNMENT / 4 } else { 0 };
        let words = stride.checked_mul(4)?;
        let bytes = capacity.checked_next_multiple_of(ALIGNMENT)?;
        let packed_candidates = stride.min(PACKED_CANDIDATES);
        let mut end = 0_usize;
        let mut next = |size: usize| {
            let start = end;
            end = end.checked_add(size)?;
            Some(start)
        };
        let layout = Self {
            organic: next(words)?,
            campaign: next(words)?,
            item: next(words)?,
            scores: next(words)?,
            picks: next(words)?,
            positions: next(words)?,
            reasons: next(bytes)?,
            measures: next(words.checked_mul(measures)?)?,
            packed: next(packed_candidates.checked_mul(4)?.checked_mul(measures)?)?,
            packed_candidates,
            stride,
            total: 0,
        };
        i64::try_from(end).ok()?;
        Some(Self { total: end, ..layout })
    }
}
