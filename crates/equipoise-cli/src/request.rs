//! A request as a JSON document, for `equipoise explain`.

use crate::inputs::read_text;
use equipoise::error::{Faults, codes, quote};
use equipoise::model::{hash_integer, hash_text};
use equipoise::policy::{NONE, ORGANIC, Policy};
use equipoise::score::{Measures, Mix, Request, Similarity, UNWRITTEN};
use equipoise::{Error, Result};
use indexmap::{IndexMap, IndexSet};
use jiff::Timestamp;
use serde::Deserialize;
use std::path::Path;

/// What `--help` says about the document.
pub(crate) const HELP: &str = r#"The request document:
  {
    "market": "SE",                      optional, as are all fields up to candidates
    "surface": "radio",
    "time": "2026-03-01T12:00:00Z",      RFC 3339; the present if not given
    "slots": 2,                          the policy's if not given
    "key": 17,                           or "opportunity_id": an integer or a text whose hash is the key; else key 0
    "reference": 0.41,                   computed from the candidates if not given
    "explore": false,                    true if not given: the policy's exploration may act
    "target": {"rock": 2, "jazz": 1},    the shares that categories should have of the picks, for the slate's calibration
    "similarity": [[1, 0.2], [0.2, 1]],  how alike candidates are, in [-1, 1], for the slate's diversity; or embeddings
    "candidates": [
      {"campaign": "c1",                 left out or null: organic
       "organic": 0.73,                  all candidates have one, or none
       "item": "track-9",                an integer or a text; left out: the row is its own item
       "artist": "a7",
       "frequency": 2,                    how often the listener has had the campaign; given anywhere, left out is 0
       "category": "rock",               one of target; left out: in no category
       "embedding": [0.3, -0.1],         all candidates have one, of one length, or none
       "uncertainty": 0.05,              for the exploration's bonus; given anywhere, left out is 0
       "measures": {"stream": 0.12}}     every measure of the policy; displacement may be left out
    ]
  }"#;

/// The whole document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestDocument {
    pub(crate) market: Option<String>,
    pub(crate) surface: Option<String>,
    pub(crate) time: Option<Timestamp>,
    slots: Option<u32>,
    key: Option<u64>,
    opportunity_id: Option<Id>,
    reference: Option<f32>,
    explore: Option<bool>,
    target: Option<IndexMap<String, f32>>,
    similarity: Option<Vec<Vec<f32>>>,
    pub(crate) candidates: Vec<CandidateDocument>,
}

/// One candidate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CandidateDocument {
    pub(crate) campaign: Option<String>,
    organic: Option<f32>,
    item: Option<Id>,
    artist: Option<String>,
    frequency: Option<u32>,
    category: Option<String>,
    embedding: Option<Vec<f32>>,
    uncertainty: Option<f32>,
    #[serde(default)]
    measures: IndexMap<String, f32>,
}

#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Id {
    Integer(i64),
    Text(String),
}

/// The columns that a [`Request`] borrows.
pub(crate) struct Columns {
    market: u32,
    surface: u32,
    time: i64,
    slots: Option<u32>,
    key: u64,
    reference: Option<f32>,
    explore: bool,
    organic: Option<Vec<f32>>,
    campaign: Vec<u32>,
    measures: Vec<f32>,
    stride: usize,
    item: Vec<u32>,
    artist: Option<Vec<u32>>,
    frequency: Option<Vec<u32>>,
    /// Categories, and what each should have.
    mix: Option<(Vec<u32>, Vec<f32>)>,
    /// Embeddings row by row with their width, or pairs.
    embeddings: Option<(Vec<f32>, usize)>,
    pairs: Option<Vec<f32>>,
    uncertainty: Option<Vec<f32>>,
}

impl RequestDocument {
    /// Reads a document from a file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = read_text(path, "request")?;
        serde_json::from_str(&text).map_err(|e| Error::new(codes::SYNTAX, "request", None, e.to_string()))
    }

    /// The document as columns of `policy` at `time`; all faults at once.
    pub(crate) fn columns(&self, policy: &Policy, time: Timestamp) -> Result<Columns> {
        let mut faults = Faults::new();
        if self.key.is_some() && self.opportunity_id.is_some() {
            faults.push(codes::DUPLICATE, "opportunity_id", None, || "`key` is given too; want one of them".to_owned());
        }
        let key = match (&self.key, &self.opportunity_id) {
            (Some(key), _) => *key,
            (None, Some(Id::Integer(id))) => hash_integer(*id),
            (None, Some(Id::Text(id))) => hash_text(id),
            (None, None) => 0,
        };
        let measures = self.measures(policy, &mut faults);
        let organic = self.organic(&mut faults);
        let mix = self.mix(&mut faults);
        let embeddings = self.embeddings(&mut faults);
        let pairs = self.pairs(&mut faults);
        faults.finish()?;
        Ok(Columns {
            market: self.market.as_ref().map_or(NONE, |name| policy.market(name)),
            surface: self.surface.as_ref().map_or(NONE, |name| policy.surface(name)),
            time: time.as_microsecond(),
            slots: self.slots,
            key,
            reference: self.reference,
            explore: self.explore.unwrap_or(true),
            organic,
            mix,
            embeddings,
            pairs,
            uncertainty: self.given_anywhere(|c| c.uncertainty),
            campaign: self.candidates.iter().map(|c| c.campaign.as_ref().map_or(ORGANIC, |id| policy.row(id))).collect(),
            measures,
            stride: policy.measures().len(),
            item: ranks(self.candidates.iter().map(|c| c.item.as_ref())),
            frequency: self.given_anywhere(|c| c.frequency),
            // A request without artists counts by the artists of its campaigns.
            artist: self.candidates.iter().any(|c| c.artist.is_some()).then(|| ranks(self.candidates.iter().map(|c| c.artist.as_ref()))),
        })
    }

    /// A column that is 0 where a candidate lacks it, if any has it.
    fn given_anywhere<T: Default>(&self, of: impl Fn(&CandidateDocument) -> Option<T>) -> Option<Vec<T>> {
        self.candidates.iter().any(|c| of(c).is_some()).then(|| self.candidates.iter().map(|c| of(c).unwrap_or_default()).collect())
    }

    /// The candidates' categories by their place in `target`, and the target.
    fn mix(&self, faults: &mut Faults) -> Option<(Vec<u32>, Vec<f32>)> {
        let target = self.target.clone().unwrap_or_default();
        let mut place = |(i, c): (usize, &CandidateDocument)| {
            let Some(name) = &c.category else { return NONE };
            target.get_index_of(name).map_or_else(
                || {
                    faults.push(codes::UNKNOWN_NAME, &format!("candidates[{i}].category"), None, || {
                        format!("{} is not in `target`, which has {} categories", quote(name), target.len())
                    });
                    NONE
                },
                |at| at as u32,
            )
        };
        let category = self.candidates.iter().enumerate().map(&mut place).collect();
        self.target.is_some().then(|| (category, target.into_values().collect()))
    }

    fn embeddings(&self, faults: &mut Faults) -> Option<(Vec<f32>, usize)> {
        let width = self.candidates.iter().find_map(|c| c.embedding.as_ref())?.len();
        for (i, candidate) in self.candidates.iter().enumerate() {
            let length = candidate.embedding.as_ref().map(Vec::len);
            if length != Some(width) {
                let code = if length.is_none() { codes::MISSING } else { codes::SHAPE };
                faults.push(code, &format!("candidates[{i}].embedding"), None, || {
                    format!("{} numbers, others have {width}; want all of one length or none", length.unwrap_or(0))
                });
            }
        }
        if self.similarity.is_some() {
            faults.push(codes::DUPLICATE, "similarity", None, || "embeddings are given, too; want one of them".to_owned());
        }
        Some((self.candidates.iter().flat_map(|c| c.embedding.iter().flatten().copied()).collect(), width))
    }

    fn pairs(&self, faults: &mut Faults) -> Option<Vec<f32>> {
        let (rows, n) = (self.similarity.as_ref()?, self.candidates.len());
        if rows.len() != n {
            faults.push(codes::SHAPE, "similarity", None, || format!("{} rows for {n} candidates", rows.len()));
        }
        for (i, row) in rows.iter().enumerate().filter(|(_, row)| row.len() != n) {
            faults.push(codes::SHAPE, "similarity", Some(i as u64), || format!("{} numbers for {n} candidates", row.len()));
        }
        Some(rows.iter().flatten().copied().collect())
    }

    fn organic(&self, faults: &mut Faults) -> Option<Vec<f32>> {
        self.candidates.iter().find(|c| c.organic.is_some())?;
        for (i, candidate) in self.candidates.iter().enumerate() {
            if candidate.organic.is_none() {
                let argument = format!("candidates[{i}].organic");
                faults.push(codes::MISSING, &argument, None, || "other candidates have one; want all or none".to_owned());
            }
        }
        Some(self.candidates.iter().map(|c| c.organic.unwrap_or(0.0)).collect())
    }

    /// Candidate by candidate, the policy's measures in its order. Organic candidates may lack any, all may lack displacement.
    fn measures(&self, policy: &Policy, faults: &mut Faults) -> Vec<f32> {
        let mut rows = Vec::with_capacity(self.candidates.len() * policy.measures().len());
        for (i, candidate) in self.candidates.iter().enumerate() {
            for name in policy.measures() {
                rows.push(match candidate.measures.get(name) {
                    Some(value) => *value,
                    None if name == "displacement" => f32::from_bits(UNWRITTEN),
                    None => {
                        if let Some(id) = &candidate.campaign {
                            let argument = format!("candidates[{i}].measures.{name}");
                            faults.push(codes::MISSING, &argument, None, || format!("a candidate of campaign {} needs it", quote(id)));
                        }
                        0.0
                    }
                });
            }
        }
        rows
    }
}

/// Equal ids get equal numbers; none gets [`NONE`].
fn ranks<'a, T: std::hash::Hash + Eq + 'a>(ids: impl Iterator<Item = Option<&'a T>>) -> Vec<u32> {
    let mut seen = IndexSet::new();
    ids.map(|id| id.map_or(NONE, |id| seen.insert_full(id).0 as u32)).collect()
}

impl Columns {
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            market: self.market,
            surface: self.surface,
            time: Some(self.time),
            slots: self.slots,
            key: self.key,
            reference: self.reference,
            organic: self.organic.as_deref(),
            item: Some(&self.item),
            artist: self.artist.as_deref(),
            frequency: self.frequency.as_deref(),
            mix: self.mix.as_ref().map(|(category, target)| Mix { category, target }),
            similarity: self
                .embeddings
                .as_ref()
                .map(|(values, width)| Similarity::Embeddings { values, width: *width })
                .or(self.pairs.as_ref().map(|values| Similarity::Pairs { values })),
            uncertainty: self.uncertainty.as_deref(),
            explore: self.explore,
            ..Request::new(&self.campaign, Measures::Rows { values: &self.measures, stride: self.stride })
        }
    }
}
