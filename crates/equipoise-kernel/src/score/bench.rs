//! Scratch memory of one request, in groups of [`LANES`] candidates.

use crate::block::{LANES, Lane};

/// What a candidate's code can be. All differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes {
    /// Admitted: it has a score, which is not positive.
    pub scored: u8,
    /// Its score is positive.
    pub positive: u8,
    /// Not promoted.
    pub organic: u8,
    /// Of no campaign that is known.
    pub unknown: u8,
    /// Its campaign's markets do not hold the request's.
    pub market: u8,
    /// Its campaign's surfaces do not hold the request's.
    pub surface: u8,
    /// The time is outside its campaign's flight.
    pub flight: u8,
}

/// What [`super::admit`] finds and [`super::weigh`] goes on from; used again and again, it stops allocating.
#[derive(Debug, Default)]
pub struct Bench {
    n: usize,
    width: usize,
    /// A code for each candidate; whole groups.
    pub(super) codes: Vec<[u8; LANES]>,
    /// Prices of each group, one lane for each priced measure.
    pub(super) prices: Vec<Lane<f32>>,
    /// Which lanes of each group have a campaign.
    pub(super) promoted: Vec<u16>,
    /// Where the rows of these are, one after the other; then their codes; then their prices, measure by measure, `stride` apart.
    pub(super) places: Vec<u32>,
    pub(super) found: Vec<u32>,
    pub(super) charged: Vec<Lane<f32>>,
    /// The highest score of each lane.
    pub(super) best: Option<Lane<f32>>,
}

impl Bench {
    /// Makes room for requests of up to `n` candidates and `width` priced measures.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn reserve(&mut self, n: usize, width: usize) -> Result<(), std::collections::TryReserveError> {
        let groups = n.div_ceil(LANES);
        let prices = groups.saturating_mul(width);
        grow(&mut self.codes, groups, [0; LANES])?;
        grow(&mut self.prices, prices, Lane([0.0; LANES]))?;
        grow(&mut self.promoted, groups, 0)?;
        grow(&mut self.places, Self::stride(n), 0)?;
        grow(&mut self.found, Self::stride(n), 0)?;
        grow(&mut self.charged, (Self::stride(n) / LANES).saturating_mul(width), Lane([0.0; LANES]))
    }

    /// Room for one number per candidate, and for a whole group from any of them on: whole groups.
    pub(super) fn stride(n: usize) -> usize {
        (n / LANES).saturating_add(2).saturating_mul(LANES)
    }

    /// Begins a request.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn begin(&mut self, n: usize, width: usize) {
        let groups = n.div_ceil(LANES);
        let room = groups <= self.codes.len() && groups * width <= self.prices.len() && groups <= self.promoted.len();
        let stride = Self::stride(n);
        let packed = stride <= self.places.len() && stride <= self.found.len() && stride / LANES * width <= self.charged.len();
        assert!(room && packed, "room was made");
        (self.n, self.width, self.best) = (n, width, None);
    }

    /// Candidates of the request.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Prices of a candidate.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of memory that are held.
    #[must_use]
    pub fn memory(&self) -> usize {
        let words = self.places.capacity() + self.found.capacity();
        let groups = self.codes.capacity() * LANES + self.promoted.capacity() * 2;
        groups + words * 4 + (self.prices.capacity() + self.charged.capacity()) * size_of::<Lane<f32>>()
    }

    /// The code of each candidate.
    #[must_use]
    pub fn codes(&self) -> &[u8] {
        &self.codes.as_flattened()[..self.n]
    }

    /// The codes, to be changed between [`super::admit`] and [`super::weigh`].
    pub fn codes_mut(&mut self) -> &mut [u8] {
        &mut self.codes.as_flattened_mut()[..self.n]
    }
}

/// Makes a list at least this long. What is inside is written before it is read: only growth costs.
fn grow<T: Copy>(list: &mut Vec<T>, len: usize, fill: T) -> Result<(), std::collections::TryReserveError> {
    if list.len() < len {
        list.try_reserve(len - list.len())?;
        list.resize(len, fill);
    }
    Ok(())
}
