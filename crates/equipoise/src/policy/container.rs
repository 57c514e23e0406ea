//! The container of a policy file: safetensors with a strict layer, closed by a digest and a signature.
//!
//! Eight bytes of header length (little-endian), a JSON header, then the tensors without gaps. The last two are `digest` (BLAKE3 of all bytes
//! before it) and `signature` (zeros: unsigned). Nothing here trusts a size: every number is checked against the bytes that are there before
//! anything is reserved for it.

use super::memory;
use crate::error::{Error, codes, quote};
use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// Largest file that is read.
pub const FILE_LIMIT: u64 = 4 << 30;
/// Largest JSON header, metadata included.
pub const HEADER_LIMIT: usize = 1 << 20;
const TENSOR_LIMIT: usize = 64;
const METADATA_LIMIT: usize = 256;
const SHAPE_LIMIT: usize = 4;
/// Bytes of `digest` and `signature` together, at the very end.
pub(super) const SEAL: usize = 32 + 64;
/// The tensors start at a multiple of this.
const ALIGNMENT: usize = 64;

/// A fault of the bytes at offset `at`.
pub(super) fn corrupt(at: usize, message: impl Into<String>) -> Error {
    Error::new(codes::CORRUPT, "policy", Some(at as u64), message)
}

/// A parser's message, which may quote the input, at a length and with characters that may stand in a message.
pub(super) fn shorten(error: &serde_json::Error) -> String {
    error.to_string().chars().map(|c| if c.is_control() { '?' } else { c }).take(200).collect()
}

/// Where a tensor lies, in bytes from the start of the file.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype: &'static str,
    pub(super) shape: Vec<usize>,
    pub(super) at: usize,
}

impl Tensor {
    /// Number of elements; was checked to fit when the header was read.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

#[derive(Debug)]
pub(super) struct Container {
    pub(super) metadata: IndexMap<String, String>,
    pub(super) tensors: Vec<Tensor>,
}

const DTYPES: &[(&str, usize)] = &[
    ("BOOL", 1),
    ("U8", 1),
    ("I8", 1),
    ("U16", 2),
    ("I16", 2),
    ("F16", 2),
    ("BF16", 2),
    ("U32", 4),
    ("I32", 4),
    ("F32", 4),
    ("U64", 8),
    ("I64", 8),
    ("F64", 8),
];

/// Writes a container and seals it unsigned. Tensors are `(name, dtype, shape, bytes)`; equal arguments give equal bytes.
pub(super) fn write(metadata: &IndexMap<String, String>, tensors: &[(&str, &str, Vec<usize>, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut header = serde_json::Map::new();
    header.insert(
        "__metadata__".to_owned(),
        metadata.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect::<serde_json::Map<_, _>>().into(),
    );
    let mut at = 0;
    let mut place = |name: &str, dtype: &str, shape: &[usize], bytes: usize| {
        header.insert(name.to_owned(), serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [at, at + bytes]}));
        at += bytes;
    };
    for (name, dtype, shape, bytes) in tensors {
        place(name, dtype, shape, bytes.len());
    }
    place("digest", "U8", &[32], 32);
    place("signature", "U8", &[64], 64);
    let mut header = serde_json::Value::Object(header).to_string();
    while !(8 + header.len()).is_multiple_of(ALIGNMENT) {
        header.push(' ');
    }
    if header.len() > HEADER_LIMIT {
        let message = format!("the header with its metadata takes {} bytes, the limit is {HEADER_LIMIT}", header.len());
        return Err(Error::new(codes::POLICY_LIMIT, "metadata", None, message));
    }
    let total = 8 + header.len() + at;
    if total as u64 > FILE_LIMIT {
        return Err(Error::new(
            codes::POLICY_LIMIT,
            "policy",
            None,
            format!("the file would take {total} bytes, the limit is {FILE_LIMIT}"),
        ));
    }
    let mut out = memory::room(total)?;
    out.extend_from_slice(&(header.len() as u64).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    for tensor in tensors {
        out.extend_from_slice(tensor.3);
    }
    let digest = blake3::hash(&out);
    out.extend_from_slice(digest.as_bytes());
    out.extend_from_slice(&[0; 64]);
    Ok(out)
}

/// Reads the header and checks that the tensors fill the file exactly. What they hold is not looked at, nor is the digest.
pub(super) fn read(bytes: &[u8]) -> Result<Container, Error> {
    let (Some(length), true) = (bytes.first_chunk::<8>(), bytes.len() >= 8 + 2 + SEAL) else {
        return Err(corrupt(bytes.len(), format!("{} bytes are too few for a policy", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let room = bytes.len() - 8 - SEAL;
    if length > room as u64 {
        return Err(corrupt(0, format!("the header claims {length} bytes, the file has room for {room}")));
    }
    let length = length as usize;
    if length > HEADER_LIMIT {
        return Err(Error::new(codes::POLICY_LIMIT, "policy", Some(0), format!("a header of {length} bytes, the limit is {HEADER_LIMIT}")));
    }
    let start = 8 + length;
    let text = &bytes[8..start];
    if text.first() != Some(&b'{') {
        return Err(corrupt(8, "the header does not start with {"));
    }
    let Header { metadata, tensors: listed } = serde_json::from_slice(text)
        .map_err(|e| corrupt(8 + e.column().saturating_sub(1).min(length), format!("the header: {}", shorten(&e))))?;
    let mut tensors = Vec::with_capacity(listed.len());
    let mut end = start;
    for (name, info) in listed {
        let told = |what: &str| corrupt(8, format!("tensor {}: {what}", quote(&name)));
        let Some((dtype, size)) = DTYPES.iter().find(|d| d.0 == info.dtype) else {
            return Err(told("an unknown dtype"));
        };
        let bytes_needed =
            info.shape.iter().try_fold(*size, |product, n| product.checked_mul(*n)).ok_or_else(|| told("a shape that overflows"))?;
        let [from, to] = info.data_offsets;
        if from != end - start {
            return Err(told("it does not start where the tensor before it ends"));
        }
        if to.checked_sub(from) != Some(bytes_needed) {
            return Err(told("its offsets do not agree with its shape"));
        }
        if to > bytes.len() - start {
            return Err(corrupt(bytes.len(), format!("tensor {} ends past the end of the file", quote(&name))));
        }
        tensors.push(Tensor { name, dtype, shape: info.shape, at: end });
        end = start + to;
    }
    if end != bytes.len() {
        return Err(corrupt(end, format!("{} bytes after the last tensor", bytes.len() - end)));
    }
    let sealed = match tensors.as_slice() {
        [.., digest, signature] => {
            (digest.name.as_str(), digest.dtype, digest.shape.as_slice()) == ("digest", "U8", &[32])
                && (signature.name.as_str(), signature.dtype, signature.shape.as_slice()) == ("signature", "U8", &[64])
        }
        _ => false,
    };
    if !sealed {
        return Err(corrupt(8, "the last two tensors are not digest and signature"));
    }
    tensors.truncate(tensors.len() - 2);
    Ok(Container { metadata, tensors })
}

/// The digest of a file that [`read`] took, compared with the one that it carries.
pub(super) fn digest(bytes: &[u8]) -> Result<[u8; 32], Error> {
    let (body, seal) = bytes.split_at(bytes.len() - SEAL);
    let digest = *blake3::hash(body).as_bytes();
    if seal[..32] != digest {
        return Err(corrupt(body.len(), "the digest does not match the bytes before it"));
    }
    Ok(digest)
}

struct Header<'a> {
    metadata: IndexMap<String, String>,
    tensors: Vec<(String, Info<'a>)>,
}

struct Info<'a> {
    dtype: Cow<'a, str>,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// A string that borrows from the header where it can.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(V)
    }
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Header<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a safetensors header")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut metadata = None;
                let mut tensors: Vec<(String, Info<'de>)> = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    if name == "__metadata__" {
                        if metadata.replace(map.next_value_seed(Metadata)?).is_some() {
                            return Err(A::Error::custom("__metadata__ occurs twice"));
                        }
                        continue;
                    }
                    if tensors.iter().any(|t| t.0 == name) {
                        return Err(A::Error::custom(format!("tensor {} occurs twice", quote(&name))));
                    }
                    if tensors.len() == TENSOR_LIMIT {
                        return Err(A::Error::custom(format!("more than {TENSOR_LIMIT} tensors")));
                    }
                    tensors.push((name.into_owned(), map.next_value()?));
                }
                Ok(Header { metadata: metadata.unwrap_or_default(), tensors })
            }
        }
        deserializer.deserialize_map(V)
    }
}

struct Metadata;

impl<'de> DeserializeSeed<'de> for Metadata {
    type Value = IndexMap<String, String>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Metadata {
    type Value = IndexMap<String, String>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut metadata = IndexMap::new();
        while let Some((Text(key), Text(value))) = map.next_entry()? {
            if metadata.len() == METADATA_LIMIT {
                return Err(A::Error::custom(format!("more than {METADATA_LIMIT} metadata entries")));
            }
            if metadata.contains_key(key.as_ref()) {
                return Err(A::Error::custom(format!("metadata {} occurs twice", quote(&key))));
            }
            metadata.insert(key.into_owned(), value.into_owned());
        }
        Ok(metadata)
    }
}

impl<'de> Deserialize<'de> for Info<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Info<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tensor with dtype, shape and data_offsets")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut dtype, mut shape, mut data_offsets) = (None, None, None);
                while let Some(Text(key)) = map.next_key()? {
                    let twice = match key.as_ref() {
                        "dtype" => dtype.replace(map.next_value::<Text<'de>>()?.0).is_some(),
                        "shape" => shape.replace(map.next_value::<Shape>()?.0).is_some(),
                        "data_offsets" => data_offsets.replace(map.next_value()?).is_some(),
                        other => return Err(A::Error::custom(format!("a tensor has no field {}", quote(other)))),
                    };
                    if twice {
                        return Err(A::Error::custom(format!("{} occurs twice", quote(&key))));
                    }
                }
                let (Some(dtype), Some(shape), Some(data_offsets)) = (dtype, shape, data_offsets) else {
                    return Err(A::Error::custom("a tensor needs dtype, shape and data_offsets"));
                };
                Ok(Info { dtype, shape, data_offsets })
            }
        }
        deserializer.deserialize_map(V)
    }
}

struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Shape;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {SHAPE_LIMIT} sizes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut shape = Vec::new();
                while let Some(n) = seq.next_element()? {
                    if shape.len() == SHAPE_LIMIT {
                        return Err(A::Error::custom(format!("a shape of more than {SHAPE_LIMIT} sizes")));
                    }
                    shape.push(n);
                }
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(V)
    }
}
