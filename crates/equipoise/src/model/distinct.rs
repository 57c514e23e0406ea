//! Maps of a document in which a name may stand only once. Readers of JSON otherwise keep the last one silently.

use crate::error::quote;
use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

pub(super) fn map<'de, D: Deserializer<'de>, V: Deserialize<'de>>(from: D) -> Result<IndexMap<String, V>, D::Error> {
    Distinct::deserialize(from).map(|map| map.0)
}

pub(super) fn optional_map<'de, D: Deserializer<'de>, V: Deserialize<'de>>(from: D) -> Result<Option<IndexMap<String, V>>, D::Error> {
    Option::<Distinct<V>>::deserialize(from).map(|map| map.map(|map| map.0))
}

struct Distinct<V>(IndexMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Distinct<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Entries(PhantomData)).map(Self)
    }
}

struct Entries<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
    type Value = IndexMap<String, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut out = IndexMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            if out.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{} is listed twice", quote(&name))));
            }
            out.insert(name, entries.next_value()?);
        }
        Ok(out)
    }
}
