//! What only some requests bring: counts, similarities, categories, uncertainties.

use crate::array::{owned_column, owned_matrix};
use crate::error::to_python;
use equipoise::Error;
use equipoise::error::codes;
use equipoise::score::{Mix, Request, Similarity};
use pyo3::prelude::*;

/// Copies of the caller's arrays. Absent: what they are for is off.
pub(crate) struct Options {
    pub(crate) frequency: Option<Vec<u32>>,
    pub(crate) uncertainty: Option<Vec<f32>>,
    pub(crate) category: Option<Vec<u32>>,
    pub(crate) target: Option<Vec<f32>>,
    /// All rows, and the width.
    pub(crate) embeddings: Option<(Vec<f32>, usize)>,
    pub(crate) similarity: Option<Vec<f32>>,
    pub(crate) explore: bool,
    pub(crate) drop_invalid: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            frequency: None,
            uncertainty: None,
            category: None,
            target: None,
            embeddings: None,
            similarity: None,
            explore: true,
            drop_invalid: false,
        }
    }
}

impl Options {
    pub(crate) fn new(
        py: Python<'_>,
        frequency: Option<&Bound<'_, PyAny>>,
        uncertainty: Option<&Bound<'_, PyAny>>,
        category: Option<&Bound<'_, PyAny>>,
        target: Option<&Bound<'_, PyAny>>,
        embeddings: Option<&Bound<'_, PyAny>>,
        similarity: Option<&Bound<'_, PyAny>>,
        explore: bool,
        drop_invalid: bool,
    ) -> PyResult<Self> {
        for (one, other, name, missing) in [(category, target, "target", "category"), (target, category, "category", "target")] {
            if one.is_some() && other.is_none() {
                let message = format!("a {missing} is given; want both or neither");
                return Err(to_python(py, &Error::new(codes::MISSING, name, None, message)));
            }
        }
        if embeddings.is_some() && similarity.is_some() {
            return Err(to_python(py, &Error::new(codes::DUPLICATE, "similarity", None, "embeddings are given, too; want one of them")));
        }
        Ok(Self {
            frequency: frequency.map(|a| owned_column(a, "frequency")).transpose()?,
            uncertainty: uncertainty.map(|a| owned_column(a, "uncertainty")).transpose()?,
            category: category.map(|a| owned_column(a, "category")).transpose()?,
            target: target.map(|a| owned_column(a, "target")).transpose()?,
            embeddings: embeddings.map(|a| owned_matrix(a, "embeddings")).transpose()?,
            similarity: similarity.map(|a| owned_matrix(a, "similarity").map(|(values, _)| values)).transpose()?,
            explore,
            drop_invalid,
        })
    }

    /// The request with these.
    pub(crate) fn add<'a>(&'a self, request: Request<'a>) -> Request<'a> {
        let embeddings = self.embeddings.as_ref().map(|(values, width)| Similarity::Embeddings { values, width: *width });
        Request {
            frequency: self.frequency.as_deref(),
            uncertainty: self.uncertainty.as_deref(),
            mix: self.category.as_deref().zip(self.target.as_deref()).map(|(category, target)| Mix { category, target }),
            similarity: embeddings.or(self.similarity.as_deref().map(|values| Similarity::Pairs { values })),
            explore: self.explore,
            drop_invalid: self.drop_invalid,
            ..request
        }
    }
}
