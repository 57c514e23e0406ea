//! The ranges that numbers and texts from outside have to keep, and the words in which a breach is reported.

use crate::error::{Faults, codes, quote};

/// No number from outside may be larger than this in size, so that sums and scores stay finite.
pub(crate) const MAGNITUDE: f64 = 1e12;
/// No id or name may be longer than this, in bytes.
pub(crate) const TEXT_BYTES: usize = 1 << 20;
/// No document may be longer than this, in bytes.
pub(crate) const DOCUMENT_BYTES: usize = 16 << 20;
/// Most campaigns of one table: rows of a policy have 24 bits, and two of their values are taken.
pub(crate) const CAMPAIGNS: usize = 16_777_214;
/// Most places of an opportunity.
pub(crate) const PLACES: u32 = 255;

/// Where a number has to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Anything, for numbers that are checked later.
    #[cfg(feature = "arrow")]
    Any,
    /// `[-1e12, 1e12]`.
    Signed,
    /// `[0, 1e12]`.
    NonNegative,
    /// `(0, 1e12]`.
    Positive,
    /// `[0, 1]`.
    Fraction,
    /// `[0, 100]`.
    Exponent,
}

impl Range {
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            #[cfg(feature = "arrow")]
            Self::Any => true,
            Self::Signed => value.abs() <= MAGNITUDE,
            Self::NonNegative => (0.0..=MAGNITUDE).contains(&value),
            Self::Positive => value > 0.0 && value <= MAGNITUDE,
            Self::Fraction => (0.0..=1.0).contains(&value),
            Self::Exponent => (0.0..=100.0).contains(&value),
        }
    }

    pub(crate) const fn wanted(self) -> &'static str {
        match self {
            #[cfg(feature = "arrow")]
            Self::Any => "any number",
            Self::Signed => "between -1e12 and 1e12",
            Self::NonNegative => "between 0 and 1e12",
            Self::Positive => "above 0 and at most 1e12",
            Self::Fraction => "between 0 and 1",
            Self::Exponent => "between 0 and 100",
        }
    }

    /// Reports a number that does not lie in this range.
    pub(crate) fn check(self, value: f64, faults: &mut Faults, argument: &str, index: Option<u64>) -> bool {
        if self.holds(value) {
            return true;
        }
        let code = if value.is_finite() { codes::RANGE } else { codes::NOT_FINITE };
        faults.push(code, argument, index, || format!("{value:?} is not {}", self.wanted()));
        false
    }
}

/// Reports an id or name that is empty or too long.
pub(crate) fn check_text(text: &str, faults: &mut Faults, argument: &str, index: Option<u64>) -> bool {
    if text.is_empty() {
        faults.push(codes::EMPTY, argument, index, || "the text is empty; a name has at least one character".to_owned());
    } else if text.len() > TEXT_BYTES {
        faults.push(codes::TOO_LARGE, argument, index, || {
            format!("{} has {} bytes; a name has at most {TEXT_BYTES}", quote(text), text.len())
        });
    } else {
        return true;
    }
    false
}

/// Reports measure names that a table cannot have: empty, twice, or `exposure`, which is always there and always 1.
pub(crate) fn check_measures<S: AsRef<str>>(names: &[S], faults: &mut Faults) {
    let mut seen = std::collections::HashSet::new();
    for (i, name) in names.iter().enumerate() {
        let (name, at) = (name.as_ref(), Some(i as u64));
        check_text(name, faults, "measures", at);
        if name == EXPOSURE {
            faults.push(codes::DUPLICATE, "measures", at, || "\"exposure\" is always 1 and always there; it is no column".to_owned());
        } else if !seen.insert(name) {
            faults.push(codes::DUPLICATE, "measures", at, || format!("{} is listed twice", quote(name)));
        }
    }
}

/// The measure that every candidate has, with value 1.
pub(crate) const EXPOSURE: &str = "exposure";
