//! What a plan leaves for the next one: strictly feasible points, valid on the same sample alone.

use super::inputs::Inputs;
use super::recovery::Point;
use crate::exchange::Sample;

/// Points of a solve, and the sample whose deliveries they are.
#[derive(Debug)]
pub(crate) struct Warm {
    key: blake3::Hash,
    points: Vec<Point>,
}

impl Warm {
    pub(super) fn new(key: blake3::Hash, points: Vec<Point>) -> Self {
        Self { key, points }
    }

    /// The points, if the sample is the one of `key`.
    pub(super) fn points(&self, key: &blake3::Hash) -> &[Point] {
        if self.key == *key { &self.points } else { &[] }
    }
}

/// A digest of everything that decides what a pass at given prices delivers: who is in which opportunity, with which amounts and weight.
pub(super) fn key(inputs: &Inputs<'_>, sample: &Sample) -> blake3::Hash {
    let mut digest = Digest { hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(BUFFER) };
    for k in 0..inputs.roster.len() as u32 {
        digest.text(inputs.roster.id(k));
    }
    inputs.measures.iter().for_each(|m| digest.text(m));
    digest.words(sample.starts.iter().map(|v| v.to_le_bytes()));
    digest.words(sample.slots.iter().chain(&sample.class).chain(&sample.campaign).map(|v| v.to_le_bytes()));
    digest.words(sample.weight.iter().map(|v| v.to_le_bytes()));
    sample.measures.iter().for_each(|m| digest.words(m.iter().map(|v| v.to_le_bytes())));
    digest.finish()
}

/// Bytes handed to the hash at a time.
const BUFFER: usize = 1 << 14;

struct Digest {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Digest {
    /// Numbers, preceded by nothing: every list is followed by its length.
    fn words<const N: usize>(&mut self, words: impl Iterator<Item = [u8; N]>) {
        let mut count = 0u64;
        for word in words {
            self.put(&word);
            count += 1;
        }
        self.put(&count.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.words(text.bytes().map(|b| [b]));
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn finish(mut self) -> blake3::Hash {
        self.hasher.update(&self.buffer);
        self.hasher.finalize()
    }
}
