//! A problem: objectives, slate rules and goals, as a typed value and as a TOML or JSON document.

use super::exploration::Exploration;
use super::goal::{Goal, check_bounds};
use super::limits::{DOCUMENT_BYTES, PLACES, Range, check_text};
use crate::error::{Error, Faults, Result, codes, escape, quote};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::Path;

/// What to maximise, under which goals, on which slates.
///
/// ```
/// use equipoise::Problem;
///
/// let problem = Problem::from_toml(r#"
///     [objectives]
///     stream = 1.0
///     [slate]
///     slots = 2
///     visible = 10
///     [[goals]]
///     kind = "guardrail"
///     measure = "displacement"
///     per = "market"
///     at_most = 0.01
///     relative_to = "organic"
/// "#)?;
/// assert_eq!(Problem::from_json(&problem.to_json())?, problem);
/// assert_eq!(Problem::from_toml(&problem.to_toml())?, problem);
/// # Ok::<(), equipoise::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Measures and their weights, in organic-score units. Order is kept: it is the order of summation.
    #[serde(default, deserialize_with = "super::distinct::map")]
    pub objectives: IndexMap<String, f64>,
    /// Where promoted items may stand.
    #[serde(default)]
    pub slate: Slate,
    /// What is promised, to whom.
    #[serde(default)]
    pub goals: Vec<Goal>,
}

impl Problem {
    /// Reads a TOML document of at most 16 MiB and checks it.
    ///
    /// # Errors
    /// `invalid_input.syntax` with line and column, `invalid_input.too_large`, or every fault that [`Problem::check`] finds.
    pub fn from_toml(text: &str) -> Result<Self> {
        check_size(text.len())?;
        let problem: Self = toml::from_str(text).map_err(|e| {
            let place = e.span().map_or_else(String::new, |span| {
                let (line, column) = place(text, span.start);
                format!("line {line}, column {column}: ")
            });
            syntax(&format!("{place}{}", e.message()))
        })?;
        problem.check()?;
        Ok(problem)
    }

    /// Reads a JSON document of at most 16 MiB and checks it.
    ///
    /// # Errors
    /// As [`Problem::from_toml`].
    pub fn from_json(text: &str) -> Result<Self> {
        check_size(text.len())?;
        let problem: Self = serde_json::from_str(text).map_err(|e| {
            let said = e.to_string();
            let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
            syntax(&format!("line {}, column {}: {what}", e.line(), e.column()))
        })?;
        problem.check()?;
        Ok(problem)
    }

    /// Reads a file whose name ends in `.toml` or `.json`.
    ///
    /// # Errors
    /// `invalid_input.io`, `invalid_input.unicode`, `invalid_input.syntax` for another ending, else as [`Problem::from_toml`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let shown = quote(&path.to_string_lossy());
        let io = |e: std::io::Error| Error::new(codes::IO, "path", None, format!("{shown}: {}", escape(&e.to_string(), 200)));
        let read: fn(&str) -> Result<Self> = match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("toml") => Self::from_toml,
            Some("json") => Self::from_json,
            _ => return Err(Error::new(codes::SYNTAX, "path", None, format!("{shown} ends neither in .toml nor in .json"))),
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path).and_then(|file| file.take(DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes)).map_err(io)?;
        check_size(bytes.len())?;
        let text = String::from_utf8(bytes).map_err(|e| {
            Error::new(codes::UNICODE, "path", None, format!("{shown} is not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
        })?;
        read(&text)
    }

    /// The problem as a JSON document. Reading a checked problem back gives an equal value, to the bit.
    ///
    /// # Panics
    /// Never: every key of a problem is a string.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("every key of a problem is a string")
    }

    /// The problem as a TOML document. Reading a checked problem back gives an equal value, to the bit.
    ///
    /// # Panics
    /// Never: a problem has only types that TOML has.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a problem has only types that TOML has")
    }

    /// The JSON Schema of the document, draft 2020-12. It describes the shape; [`Problem::check`] knows all the rules.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Problem).to_value()
    }

    /// Checks everything that can be known without a log. What depends on one (names that no column has, `visible` where
    /// organic value must be computed) is checked by the planner. Linear in the size of the problem.
    ///
    /// # Errors
    /// Every fault at once, each with its path (`goals[3].penalty`).
    pub fn check(&self) -> Result<()> {
        let mut faults = Faults::new();
        for (name, weight) in &self.objectives {
            let argument = format!("objectives.{}", quote(name));
            check_text(name, &mut faults, &argument, None);
            Range::Signed.check(*weight, &mut faults, &argument, None);
        }
        self.slate.check(&mut faults);
        for (i, goal) in self.goals.iter().enumerate() {
            goal.check(&format!("goals[{i}]"), &mut faults);
        }
        check_bounds(&self.goals, &mut faults);
        faults.finish()
    }
}

fn check_size(bytes: usize) -> Result<()> {
    if bytes <= DOCUMENT_BYTES {
        return Ok(());
    }
    Err(Error::new(codes::TOO_LARGE, "problem", None, format!("the document is longer than {DOCUMENT_BYTES} bytes")))
}

fn syntax(what: &str) -> Error {
    Error::new(codes::SYNTAX, "problem", None, escape(what, 400))
}

/// Line and column of a byte offset, both from 1, columns in characters.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(&text.as_bytes()[..offset.min(text.len())]);
    let (line, last) = before.split('\n').enumerate().last().unwrap_or_default();
    (line + 1, last.chars().count() + 1)
}

/// Slate rules. Places count from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slate {
    /// Promoted places per opportunity, at most 255; a log's column `slots` wins.
    #[schemars(range(max = 255))]
    pub slots: u32,
    /// How many places the listener sees; needed by a relative guardrail and by a computed reference. Absent: 255 for placing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub visible: Option<u32>,
    /// The first place that a promoted item may take.
    #[schemars(range(min = 1, max = 255))]
    pub first_place: u32,
    /// Least distance between two promoted places.
    #[schemars(range(min = 1, max = 255))]
    pub min_gap: u32,
    /// At most this many picks of one artist.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub max_per_artist: Option<u32>,
    /// At most this many picks of one label.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub max_per_label: Option<u32>,
    /// At most this many picks, whatever a log or a request asks for in `slots`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 255))]
    pub max_promoted: Option<u32>,
    /// The only places that promoted items may take, ascending; absent: every place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 1, max = 255)))]
    pub fixed_places: Vec<u32>,
    /// At most this many places above its organic rank may a pick stand; needs organic scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 255))]
    pub max_positions_up: Option<u32>,
    /// Candidates whose organic score is below this are not eligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relevance_floor: Option<f64>,
    /// Candidates whose organic score is below this share of the reference are not eligible; where the reference is negative, candidates that
    /// lie further below it than one minus this share of its magnitude.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub relevance_floor_share: Option<f64>,
    /// What a candidate loses, in organic-score units, per unit of similarity to the pick it is most like; only for the order of picking, and
    /// only in requests that give similarities.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1e12))]
    pub diversity: Option<f64>,
    /// What a slate loses, in organic-score units, per unit of divergence from a request's target shares of categories; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1e12))]
    pub calibration: Option<f64>,
    /// The random part of the slate; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploration: Option<Exploration>,
}

impl Default for Slate {
    fn default() -> Self {
        Self {
            slots: 1,
            visible: None,
            first_place: 1,
            min_gap: 1,
            max_per_artist: None,
            max_per_label: None,
            max_promoted: None,
            fixed_places: Vec::new(),
            max_positions_up: None,
            relevance_floor: None,
            relevance_floor_share: None,
            diversity: None,
            calibration: None,
            exploration: None,
        }
    }
}

impl Slate {
    /// `visible`, or 255 where it is absent.
    #[must_use]
    pub fn visible_places(&self) -> u32 {
        self.visible.unwrap_or(PLACES)
    }

    /// How many promoted places an opportunity has that asks for `slots`: at most `max_promoted`; the slate's own number where it does not ask.
    #[must_use]
    pub fn slots_for(&self, slots: Option<u32>) -> u32 {
        slots.unwrap_or(self.slots).min(self.max_promoted.unwrap_or(PLACES))
    }

    fn check(&self, faults: &mut Faults) {
        self.check_ranges(faults);
        if let Some(visible) = self.visible.filter(|v| self.first_place > *v) {
            faults.push(codes::RANGE, "slate.first_place", None, || {
                format!("{} lies beyond the {visible} visible places: nothing could be placed", self.first_place)
            });
        }
        let usable = self.first_place..=self.visible_places();
        if !self.fixed_places.is_empty() && !self.fixed_places.iter().any(|p| usable.contains(p)) {
            faults.push(codes::RANGE, "slate.fixed_places", None, || {
                format!("none lies between {} and {}: nothing could be placed", usable.start(), usable.end())
            });
        }
    }

    /// Every number that is out of range.
    pub(crate) fn check_ranges(&self, faults: &mut Faults) {
        let fields = [
            ("slate.slots", Some(self.slots), 0),
            ("slate.visible", self.visible, 1),
            ("slate.first_place", Some(self.first_place), 1),
            ("slate.min_gap", Some(self.min_gap), 1),
            ("slate.max_per_artist", self.max_per_artist, 1),
            ("slate.max_per_label", self.max_per_label, 1),
            ("slate.max_promoted", self.max_promoted, 0),
            ("slate.max_positions_up", self.max_positions_up, 0),
        ];
        for (name, value, least) in fields {
            if let Some(value) = value.filter(|v| !(least..=PLACES).contains(v)) {
                faults.push(codes::RANGE, name, None, || format!("{value} is not between {least} and {PLACES}"));
            }
        }
        for (i, place) in self.fixed_places.iter().enumerate() {
            let at = Some(i as u64);
            if !(1..=PLACES).contains(place) {
                faults.push(codes::RANGE, "slate.fixed_places", at, || format!("{place} is not between 1 and {PLACES}"));
            } else if i > 0 && *place <= self.fixed_places[i - 1] {
                faults.push(codes::RANGE, "slate.fixed_places", at, || {
                    format!("{place} does not come after {}: places stand in ascending order, each once", self.fixed_places[i - 1])
                });
            }
        }
        if let Some(floor) = self.relevance_floor {
            Range::Signed.check(floor, faults, "slate.relevance_floor", None);
        }
        if let Some(share) = self.relevance_floor_share {
            Range::Fraction.check(share, faults, "slate.relevance_floor_share", None);
        }
        for (name, weight) in [("slate.diversity", self.diversity), ("slate.calibration", self.calibration)] {
            if let Some(weight) = weight {
                Range::NonNegative.check(weight, faults, name, None);
            }
        }
        if let Some(exploration) = &self.exploration {
            exploration.check(faults);
        }
    }
}
