//! Hot rows: everything about a campaign that scoring a candidate reads, in 32 bytes that never cross a cache line.

/// Words of a row of up to three prices.
pub(super) const ROW: usize = 8;
/// Prices that such a row holds.
pub(super) const NEAR: usize = 3;
/// Where the set numbers are.
pub(super) const SETS: usize = 3;
/// Where the flight is: its first instant and its last, two words each.
pub(super) const FLIGHT: usize = 4;

/// One cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// One row per campaign, and one of zeros after the last for candidates that are not scored.
///
/// A row of up to three prices takes 32 bytes: three prices, both set numbers in one word, the flight. Further prices follow, four to 16 bytes.
#[derive(Debug)]
pub struct HotRows {
    lines: Vec<Line>,
    campaigns: u32,
    width: usize,
    stride: usize,
    /// Sets of markets and surfaces: every number is below.
    sets: (usize, usize),
}

impl HotRows {
    /// Words from one row to the next.
    const fn stride_of(width: usize) -> usize {
        ROW + width.saturating_sub(NEAR).div_ceil(4) * 4
    }

    /// Bytes that rows of so many campaigns take, if they can be counted.
    #[must_use]
    pub fn bytes(campaigns: usize, width: usize) -> Option<usize> {
        let words = campaigns.checked_add(1)?.checked_mul(Self::stride_of(width))?;
        words.div_ceil(16).checked_mul(64)
    }

    /// Rows of zeros, each for `width` prices; none where there is no memory for them.
    ///
    /// # Panics
    /// If there are more words than an `i32` counts.
    #[must_use]
    pub fn new(campaigns: u32, width: usize) -> Option<Self> {
        let stride = Self::stride_of(width);
        let words = (campaigns as usize + 1) * stride;
        assert!(i32::try_from(words).is_ok(), "{words} words of rows can be counted");
        let mut lines = Vec::new();
        lines.try_reserve_exact(words.div_ceil(16)).ok()?;
        crate::pages::prefer_large(&mut lines);
        lines.resize(words.div_ceil(16), Line([0; 16]));
        Some(Self { lines, campaigns, width, stride, sets: (1, 1) })
    }

    /// Writes every campaign's row in turn: `row` is given the campaign and its prices of all priced measures, zeros so far, and returns the numbers of
    /// its sets of markets and of surfaces, and the first and last instant of its flight, both included.
    pub fn fill(&mut self, mut row: impl FnMut(u32, &mut [f32]) -> (u16, u16, (i64, i64))) {
        let mut prices = vec![0.0; self.width];
        let (mut most_markets, mut most_surfaces) = (0, 0);
        let rows = self.lines.as_flattened_mut().chunks_exact_mut(self.stride);
        for (campaign, words) in (0..self.campaigns).zip(rows) {
            prices.fill(0.0);
            let (markets, surfaces, (first, last)) = row(campaign, &mut prices);
            let (near, far) = words.split_at_mut(ROW);
            let halves =
                [u32::from(markets) | u32::from(surfaces) << 16, first as u32, (first >> 32) as u32, last as u32, (last >> 32) as u32];
            near[SETS..].copy_from_slice(&halves);
            for (word, price) in near[..NEAR].iter_mut().chain(far).zip(&prices) {
                *word = price.to_bits();
            }
            (most_markets, most_surfaces) = (most_markets.max(markets), most_surfaces.max(surfaces));
        }
        self.sets = (self.sets.0.max(most_markets as usize + 1), self.sets.1.max(most_surfaces as usize + 1));
    }

    /// How many campaigns there are; the row of this index is that of candidates that are not scored.
    #[must_use]
    pub fn campaigns(&self) -> u32 {
        self.campaigns
    }

    /// Bytes of memory that the rows take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    /// Prices of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    pub(super) fn sets(&self) -> (usize, usize) {
        self.sets
    }

    pub(super) fn words(&self) -> &[u32] {
        self.lines.as_flattened()
    }
}

/// Where price `c` is in a row.
pub(super) const fn word_of(c: usize) -> usize {
    if c < NEAR { c } else { ROW + c - NEAR }
}

trait Flat {
    fn as_flattened(&self) -> &[u32];
    fn as_flattened_mut(&mut self) -> &mut [u32];
}

impl Flat for Vec<Line> {
    fn as_flattened(&self) -> &[u32] {
        // SAFETY: a line is sixteen words without padding.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len() * 16) }
    }
    fn as_flattened_mut(&mut self) -> &mut [u32] {
        // SAFETY: a line is sixteen words without padding.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), self.len() * 16) }
    }
}
