//! Reach: which campaigns' sets of markets and surfaces hold a segment, turned round so that a request looks its segment up once.

use super::memory;
use super::roster::{Places, Roster};
use crate::error::Result;

/// Bits by place, then by number of a set. Number 0 is everywhere, number `s + 1` is set `s` of the roster.
#[derive(Debug)]
pub(crate) struct Reach {
    markets: Sets,
    surfaces: Sets,
}

/// The sets that hold each place; the last row is for a place that no table knows.
#[derive(Debug)]
struct Sets {
    bits: Vec<u32>,
    /// Words of a place: a multiple of 16.
    words: usize,
    /// The place that no table knows.
    unknown: usize,
}

/// The only set where sets are not kept: everywhere.
const EVERYWHERE: [u32; 16] = {
    let mut bits = [0; 16];
    bits[0] = 1;
    bits
};

impl Reach {
    /// `None` where the tables would take more than `limit` bytes, or there are more sets than 16 bits count.
    ///
    /// # Errors
    /// `resource_exhausted.memory`.
    pub(super) fn new(roster: &Roster, limit: usize) -> Result<Option<Self>> {
        let sizes = Sets::bytes(&roster.markets).zip(Sets::bytes(&roster.surfaces));
        if sizes.and_then(|(markets, surfaces)| markets.checked_add(surfaces)).is_none_or(|bytes| bytes > limit) {
            return Ok(None);
        }
        Ok(Some(Self { markets: Sets::new(&roster.markets)?, surfaces: Sets::new(&roster.surfaces)? }))
    }

    /// Numbers of campaigns' sets of markets and surfaces: of a set one more than in the roster, and 0 for everywhere, as no set comes to.
    pub(super) fn numbers(roster: &Roster) -> impl Fn(u32) -> (u16, u16) + '_ {
        let (markets, surfaces) = (roster.markets.of.chunks(), roster.surfaces.of.chunks());
        let number = |of: &[[u8; 4]], campaign: u32| u32::from_le_bytes(of[campaign as usize]).wrapping_add(1) as u16;
        move |campaign| (number(markets, campaign), number(surfaces, campaign))
    }

    /// One bit for each set of markets, and for each of surfaces: whether it holds the segment.
    pub(crate) fn bits(reach: Option<&Self>, market: u32, surface: u32) -> (&[u32], &[u32]) {
        reach.map_or((&EVERYWHERE, &EVERYWHERE), |r| (r.markets.at(market), r.surfaces.at(surface)))
    }
}

impl Sets {
    fn count(places: &Places) -> usize {
        places.sets.len().checked_div(places.words()).unwrap_or(0) + 1
    }

    fn words(places: &Places) -> usize {
        Self::count(places).div_ceil(512) * 16
    }

    fn bytes(places: &Places) -> Option<usize> {
        if Self::count(places) > 1 << 16 {
            return None;
        }
        (places.names.len() + 1).checked_mul(Self::words(places) * 4)
    }

    fn new(places: &Places) -> Result<Self> {
        let (words, unknown) = (Self::words(places), places.names.len());
        let mut bits = memory::filled(0, (unknown + 1) * words)?;
        for place in bits.chunks_exact_mut(words) {
            place[0] |= 1;
        }
        for set in 1..Self::count(places) {
            for word in 0..places.words() {
                let mut held = places.sets.get((set - 1) * places.words() + word);
                while held != 0 {
                    let place = word * 64 + held.trailing_zeros() as usize;
                    bits[place * words + set / 32] |= 1 << (set % 32);
                    held &= held - 1;
                }
            }
        }
        Ok(Self { bits, words, unknown })
    }

    fn at(&self, place: u32) -> &[u32] {
        let place = (place as usize).min(self.unknown);
        &self.bits[place * self.words..][..self.words]
    }
}
