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
        self.codes.try_reserve(groups.saturating_sub(self.codes.len()))?;
        self.prices.try_reserve(prices.saturating_sub(self.prices.len()))?;
        // What is inside is written before it is read; only growth costs.
        if self.codes.len() < groups {
            self.codes.resize(groups, [0; LANES]);
        }
        if self.prices.len() < prices {
            self.prices.resize(prices, Lane([0.0; LANES]));
        }
        Ok(())
    }

    /// Begins a request.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn begin(&mut self, n: usize, width: usize) {
        let groups = n.div_ceil(LANES);
        assert!(groups <= self.codes.len() && groups * width <= self.prices.len(), "room was made");
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
        self.codes.capacity() * LANES + self.prices.capacity() * size_of::<Lane<f32>>()
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
