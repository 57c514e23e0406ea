//! Lists of numbers as bytes, little-endian, each with its length before it.

use crate::error::{Error, Result, codes};

pub(super) type Digest = [u8; 32];

pub(super) fn put<T, const N: usize>(out: &mut Vec<u8>, list: impl ExactSizeIterator<Item = T>, bytes: impl Fn(T) -> [u8; N]) {
    out.extend((list.len() as u64).to_le_bytes());
    list.for_each(|v| out.extend(bytes(v)));
}

/// What is wrong with a packed file.
pub(super) fn corrupt(what: &str) -> Error {
    Error::new(codes::FILE_CORRUPT, "packed", None, format!("{what}; pack the log anew"))
}

/// Reads what [`put`] wrote. Nothing is allocated beyond what the bytes can hold.
pub(super) struct Lists<'a>(pub(super) &'a [u8]);

impl Lists<'_> {
    pub(super) fn next<T, const N: usize>(&mut self, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        let cut = || corrupt("a list is longer than its part of the file");
        let (length, rest) = self.0.split_first_chunk::<8>().ok_or_else(cut)?;
        let n = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|n| n.checked_mul(N)).filter(|n| *n <= rest.len());
        let (list, rest) = rest.split_at(n.ok_or_else(cut)?);
        self.0 = rest;
        Ok(list.as_chunks::<N>().0.iter().map(|b| read(*b)).collect())
    }

    pub(super) fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(corrupt("a part of the file is longer than its lists")) }
    }
}
