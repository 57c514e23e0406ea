//! Where each campaign id is: an open table of ranks by the hash of the id. The ids themselves stay where they are, in the policy's bytes.

use super::column::Texts;
use super::memory;
use crate::error::Result;
use std::hash::{BuildHasher, RandomState};

/// A slot that holds no rank; no policy has so many campaigns.
const EMPTY: u32 = u32::MAX;
/// A slot's low bits are a rank, the others are bits of the hash, so that a foreign id is hardly ever read.
const RANK: u32 = (1 << super::INDEX_BITS) - 1;
/// Slots looked at before a table is given up: its hashes are no better than a search. Chance makes no such run.
const PROBES: usize = 256;
/// Ids that are looked up at once: what they read from memory comes while others are waited for.
const BATCH: usize = 32;

/// Ranks by hash.
#[derive(Debug)]
pub(super) struct Index {
    slots: Vec<u32>,
    seeds: [u64; 2],
}

/// Where the search for an id starts, and what its slot looks like but for the rank.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    slot: u32,
    tag: u32,
}

impl Index {
    /// Slots for `n` ids: three in five are taken.
    const fn slots(n: usize) -> usize {
        n + n * 2 / 3 + 2
    }

    /// Bytes that the table of `n` ids takes.
    pub(super) const fn bytes(n: usize) -> usize {
        Self::slots(n) * size_of::<u32>()
    }

    /// Bytes that this table takes.
    pub(super) const fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    /// The table of these ids, which are distinct; `None` where their hashes collide beyond chance.
    ///
    /// # Errors
    /// `resource_exhausted.memory`.
    pub(super) fn new(ids: &Texts) -> Result<Option<Self>> {
        let random = RandomState::new();
        Self::seeded(ids, [random.hash_one(0), random.hash_one(1)])
    }

    fn seeded(ids: &Texts, seeds: [u64; 2]) -> Result<Option<Self>> {
        let mut index = Self { slots: memory::filled(EMPTY, Self::slots(ids.len()))?, seeds };
        let mut rank = 0;
        let mut spots = [Spot::default(); BATCH];
        for ends in ids.offsets.chunks::<8>()[1..].chunks(BATCH) {
            // All hashes first: they do not wait for slots.
            for (at, spot) in spots[..ends.len()].iter_mut().enumerate() {
                *spot = index.spot(ids.raw(rank + at));
            }
            for spot in &spots[..ends.len()] {
                let Some(slot) = index.free(spot.slot as usize) else { return Ok(None) };
                index.slots[slot] = spot.tag | rank as u32;
                rank += 1;
            }
        }
        Ok(Some(index))
    }

    /// The first free slot from this one on.
    fn free(&self, mut slot: usize) -> Option<usize> {
        for _ in 0..PROBES {
            if self.slots[slot] == EMPTY {
                return Some(slot);
            }
            slot = if slot + 1 == self.slots.len() { 0 } else { slot + 1 };
        }
        None
    }

    fn spot(&self, id: &[u8]) -> Spot {
        let hash = hash(id, self.seeds);
        Spot { slot: (((hash >> 32) * self.slots.len() as u64) >> 32) as u32, tag: hash as u32 & !RANK }
    }

    /// The rank of an id among those that the table was made of.
    pub(super) fn find(&self, ids: &Texts, id: &str) -> Option<u32> {
        self.find_from(ids, id, self.spot(id.as_bytes()))
    }

    fn find_from(&self, ids: &Texts, id: &str, spot: Spot) -> Option<u32> {
        let mut at = spot.slot as usize;
        // There is always an empty slot.
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            let rank = slot & RANK;
            if slot & !RANK == spot.tag && ids.raw(rank as usize) == id.as_bytes() {
                return Some(rank);
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
    }

    /// The ranks of many ids, given to `found` in their order.
    pub(super) fn find_all<S: AsRef<str>>(&self, ids: &Texts, wanted: &[S], mut found: impl FnMut(Option<u32>)) {
        let mut spots = [Spot::default(); BATCH];
        let offsets = ids.offsets.chunks::<8>();
        let text = ids.text.raw();
        for wanted in wanted.chunks(BATCH) {
            for (spot, id) in spots.iter_mut().zip(wanted) {
                *spot = self.spot(id.as_ref().as_bytes());
            }
            // Nothing below waits for what is read here, so that the reads of a batch overlap: slots, then offsets, then ids.
            let mut starts = [0; BATCH];
            for (start, spot) in starts.iter_mut().zip(&spots[..wanted.len()]) {
                let rank = (self.slots[spot.slot as usize] & RANK) as usize;
                *start = offsets.get(rank).map_or(0, |at| u64::from_le_bytes(*at) as usize);
            }
            std::hint::black_box(starts[..wanted.len()].iter().fold(0, |sum, start| sum ^ text.get(*start).copied().unwrap_or(0)));
            for (spot, id) in spots.iter().zip(wanted) {
                found(self.find_from(ids, id.as_ref(), *spot));
            }
        }
    }
}

/// Both halves of a product, one upon the other.
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A folded-multiply hash, as wyhash (Wang Yi 2019) and its kin: sixteen bytes a step, the last of them read anew where bytes are left over. The
/// seeds are a secret of the process.
fn hash(id: &[u8], [first, second]: [u64; 2]) -> u64 {
    let n = id.len();
    let mut sum = first;
    let (low, high) = if n >= 16 {
        for block in id[..n - 1].as_chunks::<16>().0 {
            sum = fold(sum ^ u64_at(block, 0), second ^ u64_at(block, 8));
        }
        (u64_at(id, n - 16), u64_at(id, n - 8))
    } else if n >= 8 {
        (u64_at(id, 0), u64_at(id, n - 8))
    } else if n >= 4 {
        (u64::from(u32_at(id, 0)), u64::from(u32_at(id, n - 4)))
    } else if n > 0 {
        (u64::from(id[0]) | u64::from(id[n / 2]) << 8 | u64::from(id[n - 1]) << 16, 0)
    } else {
        (0, 0)
    };
    // The length keeps apart what is read twice.
    fold(fold(sum ^ low, second ^ high), first ^ n as u64)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let seeds = [0x1234_5678_9abc_def1, 0xfedc_ba98_7654_3211];
        let mut seen = std::collections::HashSet::new();
        for n in 0..70 {
            let id = vec![b'x'; n];
            assert!(seen.insert(hash(&id, seeds)), "length {n}");
            for at in 0..n {
                let mut other = id.clone();
                other[at] = b'y';
                assert!(seen.insert(hash(&other, seeds)), "byte {at} of {n}");
            }
        }
    }

    fn ids(n: u32) -> Vec<String> {
        (0..n).map(|i| format!("{}{i:05}", "campaign ".repeat(i as usize % 5))).collect()
    }

    #[test]
    fn every_id_is_found_and_no_other() {
        for n in [0, 1, 2, 31, 32, 33, 20_000] {
            let mut list = ids(n);
            list.sort();
            let texts = Texts::from_strs(list.iter().map(String::as_str));
            let index = Index::new(&texts).expect("memory").expect("a table");
            assert_eq!(index.memory(), Index::bytes(n as usize));
            let mut ranks = Vec::new();
            let strange: Vec<String> = list.iter().map(|id| format!("{id}\0")).chain([String::new(), "c".to_owned()]).collect();
            let wanted: Vec<&String> = list.iter().chain(&strange).collect();
            index.find_all(&texts, &wanted, |rank| ranks.push(rank));
            let expected: Vec<Option<u32>> = (0..n).map(Some).chain(strange.iter().map(|_| None)).collect();
            assert_eq!(ranks, expected);
            assert!(wanted.iter().zip(&expected).all(|(id, rank)| index.find(&texts, id) == *rank));
        }
    }

    #[test]
    fn ids_that_all_collide_make_no_table() {
        // A factor of zero makes every hash of sixteen bytes the same: what a stranger who knew the seeds could do.
        let list: Vec<String> = (0..2_000).map(|i| format!("{i:08}constant")).collect();
        let texts = Texts::from_strs(list.iter().map(String::as_str));
        let seed = u64::from_le_bytes(*b"constant");
        assert!(Index::seeded(&texts, [1, seed]).expect("memory").is_none());
        assert!(Index::seeded(&texts, [1, seed ^ 4]).expect("memory").is_some());
    }
}
