//! The opportunities planned on, gathered into logs that are stored in chunks: what the serving rule needs to see of them.

use crate::model::{Names, Opportunities};
use std::collections::HashMap;

/// Candidate rows from which a chunk is full.
const ROWS: usize = 1 << 18;

/// A log of some opportunities whose names and numbers are its own: those of the parts that a log comes in differ from part to part.
#[derive(Default)]
pub(super) struct Chunk {
    log: Opportunities,
    /// The chunk's number of each of the part's campaigns and artists.
    campaign: Vec<Option<u32>>,
    artist: Vec<Option<u32>>,
    /// Items of one opportunity.
    item: HashMap<u32, u32>,
}

impl Chunk {
    /// Another part begins, which has numbers of its own.
    pub(super) fn begin_part(&mut self) {
        self.campaign.clear();
        self.artist.clear();
    }

    /// Adds opportunity `t` of the part.
    pub(super) fn push(&mut self, part: &Opportunities, t: usize) {
        let from = self.log.candidates();
        self.log.push_from(part, t);
        self.campaign.resize(part.campaigns.len(), None);
        rename(&mut self.log.campaign[from..], &part.campaigns, &mut self.campaign, &mut self.log.campaigns);
        if let Some(artist) = &mut self.log.artist {
            self.artist.resize(part.artists.len(), None);
            rename(&mut artist[from..], &part.artists, &mut self.artist, &mut self.log.artists);
        }
        if let Some(item) = &mut self.log.item {
            self.item.clear();
            for i in item[from..].iter_mut().filter(|i| **i != u32::MAX) {
                let next = self.item.len() as u32;
                *i = *self.item.entry(*i).or_insert(next);
            }
        }
    }

    /// The log, where it is full or `last` and not empty; the next chunk begins.
    pub(super) fn take(&mut self, last: bool) -> Option<Opportunities> {
        let full = self.log.candidates() >= ROWS || (last && !self.log.is_empty());
        full.then(|| std::mem::take(self).log)
    }
}

/// Numbers of the names of a part become those of a chunk; what has no name stays.
fn rename(numbers: &mut [u32], part: &Names, known: &mut [Option<u32>], chunk: &mut Names) {
    for number in numbers {
        if let Some(own) = known.get_mut(*number as usize) {
            *number = *own.get_or_insert_with(|| chunk.intern(part.name(*number)));
        }
    }
}
