//! Ids of opportunities and items: integers or texts.

use super::key::{hash_digest, hash_integer, hash_text, mix, text_digest};
use crate::error::quote;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::fmt;
use std::hash::{BuildHasher, Hasher};

/// An id of an opportunity or item: any integer or text. Integers and texts never equal each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id<'a> {
    /// An integer; unsigned values above `i64::MAX` by their bits.
    Int(i64),
    /// Text of 1 byte to 1 MiB.
    Text(&'a str),
}

impl Id<'_> {
    /// 64 bits that stand for it: different for different integers.
    pub(crate) fn hash(self) -> u64 {
        match self {
            Self::Int(id) => hash_integer(id),
            Self::Text(id) => hash_text(id),
        }
    }
}

impl Default for Id<'_> {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl From<i64> for Id<'_> {
    fn from(id: i64) -> Self {
        Self::Int(id)
    }
}

impl<'a> From<&'a str> for Id<'a> {
    fn from(id: &'a str) -> Self {
        Self::Text(id)
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(id) => write!(f, "{id}"),
            Self::Text(id) => f.write_str(&quote(id)),
        }
    }
}

/// The opportunities begun so far, by id.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    /// The first row of each id.
    first: HashMap<Fingerprint, u64>,
}

/// What tells opportunities apart without keeping their texts: the value of an integer, 128 bits of a text's hash.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Fingerprint {
    Int(i64),
    Text([u8; 16]),
}

impl Begun {
    /// Begins an opportunity at `row`. Gives its hash (`id_hash`), and the row where the same id was begun before.
    pub(crate) fn begin(&mut self, id: Id<'_>, row: u64) -> (u64, Option<u64>) {
        let (hash, fingerprint) = match id {
            Id::Int(id) => (hash_integer(id), Fingerprint::Int(id)),
            Id::Text(id) => {
                let digest = text_digest(id);
                (hash_digest(digest), Fingerprint::Text(digest))
            }
        };
        match self.first.entry(fingerprint) {
            Entry::Occupied(first) => (hash, Some(*first.get())),
            Entry::Vacant(new) => {
                new.insert(row);
                (hash, None)
            }
        }
    }
}

/// Hashes integers by a bijection that mixes every bit, from a seed that differs from process to process, so that no input is slow by design.
#[derive(Debug, Clone)]
struct Mixer(u64);

impl Default for Mixer {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Mixer {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        self.clone()
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_i64(&mut self, value: i64) {
        self.0 = mix(self.0 ^ value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Indices of items in the order in which they are first seen.
#[derive(Debug, Default)]
pub(crate) struct Items {
    integers: HashMap<i64, u32, Mixer>,
    texts: HashMap<String, u32>,
}

impl Items {
    /// The index of an item, and whether it is new.
    pub(crate) fn intern(&mut self, id: Id<'_>) -> (u32, bool) {
        let next = (self.integers.len() + self.texts.len()) as u32;
        let index = match id {
            Id::Int(id) => *self.integers.entry(id).or_insert(next),
            Id::Text(id) => match self.texts.get(id) {
                Some(known) => *known,
                None => *self.texts.entry(id.to_owned()).or_insert(next),
            },
        };
        (index, index == next)
    }
}
