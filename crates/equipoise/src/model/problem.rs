//! A problem: objectives, slate rules and goals, as a typed value and as a TOML or JSON document.

use super::goal::Goal;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to maximise, under which goals, on which slates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Measures and their weights, in organic-score units. Order is kept: it is the order of summation.
    #[serde(default)]
    pub objectives: IndexMap<String, f64>,
    /// Where promoted items may stand.
    #[serde(default)]
    pub slate: Slate,
    /// What is promised, to whom.
    #[serde(default)]
    pub goals: Vec<Goal>,
}

/// Slate rules. Places count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slate {
    /// Promoted places per opportunity; a log's column `slots` wins.
    pub slots: u32,
    /// How many places the listener sees; needed by a relative guardrail and by a computed reference. Absent: 255 for placing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible: Option<u32>,
    /// The first place that a promoted item may take.
    pub first_place: u32,
    /// Least distance between two promoted places.
    pub min_gap: u32,
    /// At most this many picks of one artist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_artist: Option<u32>,
    /// At most this many picks of one label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_label: Option<u32>,
}

impl Default for Slate {
    fn default() -> Self {
        Self { slots: 1, visible: None, first_place: 1, min_gap: 1, max_per_artist: None, max_per_label: None }
    }
}

impl Slate {
    /// `visible`, or 255 where it is absent.
    #[must_use]
    pub fn visible_places(&self) -> u32 {
        self.visible.unwrap_or(255)
    }
}
