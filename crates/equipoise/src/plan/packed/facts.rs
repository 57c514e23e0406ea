//! What a block's opportunities are beside their rows.

use super::LARGEST;
use super::bytes::{Lists, corrupt, put};
use super::manifest::Manifest;
use crate::error::Result;
use crate::model::PLACES;

/// The opportunities of a block, in the order of the log.
#[derive(Default)]
pub(super) struct Facts {
    /// How many candidates may be promoted, and up to how many are.
    pub(super) len: Vec<u32>,
    pub(super) slots: Vec<u32>,
    /// As in the log.
    pub(super) weight: Vec<f64>,
    pub(super) organic_value: Vec<f64>,
    pub(super) market: Vec<u32>,
    pub(super) surface: Vec<u32>,
    /// What draws ties.
    pub(super) key: Vec<u64>,
    /// The log's row with which each begins, and how many rows it has there.
    pub(super) first: Vec<u64>,
    pub(super) rows: Vec<u32>,
    /// One after the other, the candidates' rows, counted from the first of their opportunity.
    pub(super) place: Vec<u32>,
}

impl Facts {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.len.iter(), |v| v.to_le_bytes());
        put(&mut out, self.slots.iter(), |v| v.to_le_bytes());
        put(&mut out, self.weight.iter(), |v| v.to_le_bytes());
        put(&mut out, self.organic_value.iter(), |v| v.to_le_bytes());
        put(&mut out, self.market.iter(), |v| v.to_le_bytes());
        put(&mut out, self.surface.iter(), |v| v.to_le_bytes());
        put(&mut out, self.key.iter(), |v| v.to_le_bytes());
        put(&mut out, self.first.iter(), |v| v.to_le_bytes());
        put(&mut out, self.rows.iter(), |v| v.to_le_bytes());
        put(&mut out, self.place.iter(), |v| v.to_le_bytes());
        out
    }

    /// Reads the facts of `n` opportunities; their numbers are in their ranges.
    pub(super) fn read(bytes: &[u8], n: usize, manifest: &Manifest) -> Result<Self> {
        let mut lists = Lists(bytes);
        let facts = Self {
            len: lists.next(u32::from_le_bytes)?,
            slots: lists.next(u32::from_le_bytes)?,
            weight: lists.next(f64::from_le_bytes)?,
            organic_value: lists.next(f64::from_le_bytes)?,
            market: lists.next(u32::from_le_bytes)?,
            surface: lists.next(u32::from_le_bytes)?,
            key: lists.next(u64::from_le_bytes)?,
            first: lists.next(u64::from_le_bytes)?,
            rows: lists.next(u32::from_le_bytes)?,
            place: lists.next(u32::from_le_bytes)?,
        };
        lists.done()?;
        if facts.is_whole(n) && facts.is_in_range(manifest) {
            Ok(facts)
        } else {
            Err(corrupt("the opportunities of a block contradict each other"))
        }
    }

    fn is_whole(&self, n: usize) -> bool {
        let lengths = [self.len.len(), self.slots.len(), self.weight.len(), self.organic_value.len(), self.market.len()];
        let others = [self.surface.len(), self.key.len(), self.first.len(), self.rows.len()];
        let candidates: u64 = self.len.iter().map(|l| u64::from(*l)).sum();
        lengths.iter().chain(&others).all(|l| *l == n) && self.place.len() as u64 == candidates
    }

    fn is_in_range(&self, manifest: &Manifest) -> bool {
        let named = |list: &[u32], names: &[String]| list.iter().all(|i| *i == u32::MAX || (*i as usize) < names.len());
        let mut at = 0;
        let placed = self.len.iter().zip(&self.rows).all(|(len, rows)| {
            let own = &self.place[at..][..*len as usize];
            at += own.len();
            own.windows(2).all(|w| w[0] < w[1]) && own.last().is_none_or(|last| last < rows)
        });
        let mut free = 0;
        let apart = self.first.iter().zip(&self.rows).all(|(first, rows)| {
            let begins = *first >= free;
            free = first.saturating_add(u64::from(*rows));
            begins && free <= manifest.log_rows
        });
        placed
            && apart
            && self.slots.iter().all(|s| *s <= PLACES)
            && self.weight.iter().all(|w| in_range(*w))
            && self.organic_value.iter().all(|v| v.is_finite() && *v >= 0.0)
            && named(&self.market, &manifest.markets)
            && named(&self.surface, &manifest.surfaces)
    }
}

/// Whether this can be the weight of an opportunity.
pub(super) fn in_range(weight: f64) -> bool {
    weight > 0.0 && weight <= LARGEST
}
