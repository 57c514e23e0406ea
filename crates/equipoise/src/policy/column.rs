//! Typed columns over the bytes of a policy: what is in memory is what is in the file, so a loaded policy holds its tables once.

use std::marker::PhantomData;
use std::sync::Arc;

/// A number with a fixed little-endian form.
pub(crate) trait Scalar: Copy {
    const SIZE: usize;
    /// The name that safetensors uses.
    const DTYPE: &'static str;
    fn read(bytes: &[u8]) -> Self;
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! scalar {
    ($($type:ty = $dtype:literal),*) => {$(
        impl Scalar for $type {
            const SIZE: usize = size_of::<$type>();
            const DTYPE: &'static str = $dtype;
            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(bytes);
                Self::from_le_bytes(own)
            }
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

scalar!(u8 = "U8", u32 = "U32", u64 = "U64", i64 = "I64", f64 = "F64");

/// `len` numbers that start at byte `at`.
#[derive(Debug, Clone)]
pub(crate) struct Column<T> {
    bytes: Arc<Vec<u8>>,
    at: usize,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Scalar> Column<T> {
    /// The caller has checked that `at..at + len * T::SIZE` lies within `bytes`.
    pub(crate) fn new(bytes: &Arc<Vec<u8>>, at: usize, len: usize) -> Self {
        debug_assert!(at + len * T::SIZE <= bytes.len());
        Self { bytes: Arc::clone(bytes), at, len, of: PhantomData }
    }

    pub(crate) fn from_values(values: impl IntoIterator<Item = T>) -> Self {
        let mut bytes = Vec::new();
        for v in values {
            v.write(&mut bytes);
        }
        let len = bytes.len() / T::SIZE;
        Self::new(&Arc::new(bytes), 0, len)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> T {
        assert!(index < self.len);
        let at = self.at + index * T::SIZE;
        T::read(&self.bytes[at..at + T::SIZE])
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = T> + '_ {
        self.raw().chunks_exact(T::SIZE).map(T::read)
    }

    /// The little-endian bytes of each value, `SIZE` being `T::SIZE`.
    pub(crate) fn chunks<const SIZE: usize>(&self) -> &[[u8; SIZE]] {
        debug_assert_eq!(SIZE, T::SIZE);
        self.raw().as_chunks().0
    }

    /// The little-endian bytes of all values.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.bytes[self.at..self.at + self.len * T::SIZE]
    }
}

/// Texts, one after the other: text `i` is `text[offsets[i]..offsets[i + 1]]`, checked to be UTF-8 where it was read or made.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    pub(crate) offsets: Column<u64>,
    pub(crate) text: Column<u8>,
}

impl Texts {
    pub(crate) fn from_strs<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut offsets, mut text) = (vec![0_u64], Vec::new());
        for t in texts {
            text.extend_from_slice(t.as_bytes());
            offsets.push(text.len() as u64);
        }
        let len = text.len();
        Self { offsets: Column::from_values(offsets), text: Column::new(&Arc::new(text), 0, len) }
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn raw(&self, index: usize) -> &[u8] {
        &self.text.raw()[self.offsets.get(index) as usize..self.offsets.get(index + 1) as usize]
    }

    pub(crate) fn get(&self, index: usize) -> &str {
        std::str::from_utf8(self.raw(index)).unwrap_or_default()
    }

    /// The first text that does not come after the one before it, in order of bytes.
    pub(crate) fn first_unsorted(&self) -> Option<usize> {
        let (text, offsets) = (self.text.raw(), self.offsets.chunks::<8>());
        let at = |i: usize| u64::from_le_bytes(offsets[i]) as usize;
        let mut before = 0;
        let mut last: Option<(u128, &[u8])> = None;
        for i in 0..self.len() {
            let end = at(i + 1);
            let name = &text[before..end];
            let head = head(text, before, name.len());
            // Names that differ early, as most do, are told apart by their heads; the others are read.
            if last.is_some_and(|(other, whole)| other >= head && whole >= name) {
                return Some(i);
            }
            (before, last) = (end, Some((head, name)));
        }
        None
    }

    /// The index of `name` in a sorted list.
    pub(crate) fn find_sorted(&self, name: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.raw(middle).cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle as u32),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// The first sixteen bytes of the `len` at `at` as a number, zeros after the last: where two of them differ, the texts differ likewise.
#[inline]
fn head(text: &[u8], at: usize, len: usize) -> u128 {
    let Some(bytes) = text[at..].first_chunk::<16>() else {
        let mut bytes = [0; 16];
        let len = len.min(16);
        bytes[..len].copy_from_slice(&text[at..at + len]);
        return u128::from_be_bytes(bytes);
    };
    let whole = u128::from_be_bytes(*bytes);
    if len >= 16 { whole } else { whole & !(u128::MAX >> (8 * len)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_bytes() {
        let long = "a name of more than sixteen bytes";
        let more = format!("{long}, and one that goes on");
        let list =
            ["", "\0", "\0\0", "a", "a\0", "a\0b", "a name of more t", "a name of more thaa", long, more.as_str(), "b", "ç", "\u{10ffff}"];
        for (i, a) in list.iter().enumerate() {
            for (j, b) in list.iter().enumerate() {
                let sorted = Texts::from_strs([*a, *b]).first_unsorted().is_none();
                assert_eq!(sorted, i < j, "{a:?} before {b:?}");
                // The same with bytes after them, of which no name may take notice.
                let third = Texts::from_strs([*a, *b, "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}"]).first_unsorted();
                assert_eq!(third, if i < j { None } else { Some(1) }, "{a:?} before {b:?}");
            }
        }
    }
}
