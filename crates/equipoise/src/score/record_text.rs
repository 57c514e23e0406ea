//! Decision records as JSON: how a record travels from one language to another, or into a log of lines.

use super::{DecisionRecord, switches};
use crate::error::Result;

impl DecisionRecord {
    /// The record as one line of JSON, with the names of this type's fields. Reading it back gives an equal record, to the bit.
    ///
    /// # Panics
    /// Never: every key is a string.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every key is a string")
    }

    /// Reads what [`DecisionRecord::to_json`] has written. Memory follows the text; what lists hold is looked at by [`DecisionRecord::replay`].
    ///
    /// # Errors
    /// `invalid_input.syntax` for what is not such JSON.
    pub fn from_json(text: &str) -> Result<Self> {
        switches::object("record", text)
    }
}
