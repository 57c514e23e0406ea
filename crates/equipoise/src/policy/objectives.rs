//! Measures and their weights as one line of metadata, in the order of summation.

use super::file::MEASURE_LIMIT;
use crate::error::quote;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// `exposure` first. Reads and writes `{"exposure":0.0,"stream":1.0}`; a measure twice, or more than the limit, is an error.
#[derive(Debug, PartialEq)]
pub(super) struct Objectives(pub(super) Vec<(String, f64)>);

impl Serialize for Objectives {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, weight)| (name, weight)))
    }
}

impl<'de> Deserialize<'de> for Objectives {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Objectives;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of measures to weights")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list: Vec<(String, f64)> = Vec::new();
                while let Some((name, weight)) = map.next_entry::<String, f64>()? {
                    if list.len() > MEASURE_LIMIT {
                        return Err(A::Error::custom(format!("more than {MEASURE_LIMIT} measures")));
                    }
                    if list.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format!("{} occurs twice", quote(&name))));
                    }
                    list.push((name, weight));
                }
                Ok(Objectives(list))
            }
        }
        deserializer.deserialize_map(V)
    }
}
