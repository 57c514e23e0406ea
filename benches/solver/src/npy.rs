//! Reads and writes the one-dimensional little-endian arrays that an instance is stored as.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// A number as it lies in a `.npy` file.
pub(crate) trait Element: Sized {
    /// The type as the file's header states it.
    const DESCR: &'static str;
    /// Bytes of one element.
    const SIZE: usize;
    /// The element from its bytes.
    fn from_le(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($type:ty, $descr:literal) => {
        impl Element for $type {
            const DESCR: &'static str = $descr;
            const SIZE: usize = size_of::<$type>();
            fn from_le(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(bytes);
                <$type>::from_le_bytes(own)
            }
        }
    };
}
element!(u8, "|u1");
element!(i32, "<i4");
element!(i64, "<i8");
element!(f32, "<f4");
element!(f64, "<f8");

/// Reads the array `folder/name.npy`, which must hold elements of type `T`.
pub(crate) fn read<T: Element>(folder: &Path, name: &str) -> Result<Vec<T>> {
    let path = folder.join(format!("{name}.npy"));
    let bytes = fs::read(&path)?;
    let wrong = |what: &str| Error::new(ErrorKind::InvalidData, format!("{}: {what}", path.display()));
    if bytes.len() < 10 || !bytes.starts_with(b"\x93NUMPY\x01") {
        return Err(wrong("not a version 1 .npy file"));
    }
    let data = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = bytes.get(10..data).ok_or_else(|| wrong("cut short"))?;
    if !String::from_utf8_lossy(header).contains(T::DESCR) {
        return Err(wrong(&format!("elements are not {}", T::DESCR)));
    }
    Ok(bytes[data..].chunks_exact(T::SIZE).map(T::from_le).collect())
}

/// As [`read`]; `None` where there is no such array.
pub(crate) fn read_if_there<T: Element>(folder: &Path, name: &str) -> Result<Option<Vec<T>>> {
    if folder.join(format!("{name}.npy")).exists() { read(folder, name).map(Some) } else { Ok(None) }
}

/// Writes `values` to `path` as an array of f64.
pub(crate) fn write(path: &Path, values: &[f64]) -> Result<()> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}", values.len());
    // The header ends with a newline on a multiple of 64 bytes.
    let padded = (10 + header.len() + 1).div_ceil(64) * 64 - 10;
    header.extend(std::iter::repeat_n(' ', padded - header.len() - 1));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    fs::write(path, bytes)
}
