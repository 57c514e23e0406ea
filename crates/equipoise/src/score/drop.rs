//! Candidates with numbers that nobody can use, dropped where the caller asks for it: the request is scored as if they were organic, ranked last
//! where the organic score is such a number.

use super::request::{AMOUNT_LIMIT, Columns, is_amount};
use super::workspace::{room, wanting};
use super::{Measures, Request, Workspace};
use crate::error::{Error, Result, codes};
use crate::policy::Policy;
use std::collections::TryReserveError;
use std::fmt;

/// What was dropped, and the columns as they were scored.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// The candidates, ascending; none for a request whose numbers are all good.
    pub(super) candidates: Vec<u32>,
    /// Candidate by candidate. Of one that is dropped all are 0.
    measures: Vec<f32>,
    width: usize,
    /// One that cannot be used is [`LAST`].
    organic: Vec<f32>,
    uncertainty: Vec<f32>,
}

/// The organic score that stands in for one that cannot be used: the least there is.
const LAST: f32 = -AMOUNT_LIMIT;

/// Whether this is an error of one candidate's number.
pub(super) fn is_of_a_candidate(error: &Error) -> bool {
    let of_number = [codes::NOT_FINITE, codes::RANGE].contains(&error.code());
    let argument = error.argument();
    of_number && error.index().is_some() && (argument.starts_with("measures[") || ["organic", "uncertainty"].contains(&argument))
}

/// A number that cannot be used.
pub(super) enum Fault {
    /// Of which measure.
    Measure(usize, f32),
    Organic(f32),
    Uncertainty(f32),
}

impl Fault {
    /// The first of candidate `i`.
    pub(super) fn of(policy: &Policy, request: &Request<'_>, columns: &Columns<'_>, i: usize) -> Option<Self> {
        let measure = (0..columns.count).find(|j| !columns.is_good(policy, i, *j)).map(|j| Self::Measure(j, columns.get(i, j)));
        let of = |list: Option<&[f32]>| list.and_then(|list| list.get(i).copied());
        measure
            .or_else(|| of(request.organic).filter(|o| !is_organic(*o)).map(Self::Organic))
            .or_else(|| of(request.uncertainty).filter(|u| !is_amount(*u)).map(Self::Uncertainty))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measure(j, value) => write!(f, "its measures[{j}] is {value:e}"),
            Self::Organic(value) => write!(f, "its organic score is {value:e}"),
            Self::Uncertainty(value) => write!(f, "its uncertainty is {value:e}"),
        }
    }
}

/// NaN is not.
fn is_organic(score: f32) -> bool {
    score.abs() <= AMOUNT_LIMIT
}

impl Dropped {
    /// Finds the candidates to drop, and copies the columns without their numbers. `O(candidates * measures)`.
    fn find(&mut self, policy: &Policy, request: &Request<'_>) -> Result<()> {
        let n = request.len();
        let columns = Columns::new(request.measures, n, policy)?;
        self.reserve(n, &columns, request).map_err(|_| wanting(n))?;
        self.width = columns.count;
        for i in 0..n {
            let is_dropped = Fault::of(policy, request, &columns, i).is_some();
            if is_dropped {
                self.candidates.push(i as u32);
            }
            let good = |amount: f32| if is_dropped { 0.0 } else { amount };
            self.measures.extend((0..columns.count).map(|j| good(columns.get(i, j))));
            self.organic.extend(request.organic.map(|organic| if is_organic(organic[i]) { organic[i] } else { LAST }));
            self.uncertainty.extend(request.uncertainty.map(|uncertainty| good(uncertainty[i])));
        }
        Ok(())
    }

    fn reserve(&mut self, n: usize, columns: &Columns<'_>, request: &Request<'_>) -> std::result::Result<(), TryReserveError> {
        self.forget();
        room(&mut self.candidates, n)?;
        room(&mut self.measures, n.saturating_mul(columns.count))?;
        room(&mut self.organic, request.organic.map_or(0, <[f32]>::len))?;
        room(&mut self.uncertainty, request.uncertainty.map_or(0, <[f32]>::len))
    }

    pub(super) fn forget(&mut self) {
        self.candidates.clear();
        self.measures.clear();
        self.organic.clear();
        self.uncertainty.clear();
    }

    /// The request as it was scored.
    pub(super) fn stand_in<'a>(&'a self, request: &Request<'a>) -> Request<'a> {
        if self.candidates.is_empty() {
            return *request;
        }
        Request {
            measures: Measures::Rows { values: &self.measures, stride: self.width },
            organic: request.organic.map(|_| self.organic.as_slice()),
            uncertainty: request.uncertainty.map(|_| self.uncertainty.as_slice()),
            ..*request
        }
    }

    pub(super) fn memory(&self) -> usize {
        let words = self.candidates.capacity() + self.measures.capacity() + self.organic.capacity() + self.uncertainty.capacity();
        words * size_of::<u32>()
    }
}

impl Policy {
    /// Scores a request again that was refused for a candidate's number, without all such candidates.
    #[cold]
    pub(super) fn decide_without(&self, request: &Request<'_>, ws: &mut Workspace) -> Result<()> {
        let mut dropped = std::mem::take(&mut ws.dropped);
        let outcome = dropped.find(self, request).and_then(|()| self.evaluate(&dropped.stand_in(request), &dropped.candidates, ws));
        ws.dropped = dropped;
        if outcome.is_err() {
            ws.dropped.forget();
        }
        outcome
    }
}
