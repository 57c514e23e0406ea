//! Many requests at once, as columns bound once.

use super::shares::{threads_for, work_through};
use crate::error::{Error, Result, codes};
use crate::policy::{NONE, Policy};
use crate::score::{Gates, Measures, Request, Workspace};
use std::ops::Range;

/// Rows that a thread takes at a time; a request more than these is one piece.
pub(crate) const ROWS_A_PIECE: usize = 1 << 14;

/// What requests have in common, or one entry for each of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Each<'a, T> {
    /// The same for all.
    All(T),
    /// One for each, in the order of the requests.
    Own(&'a [T]),
}

impl<T: Copy> Each<'_, T> {
    fn get(&self, t: usize) -> T {
        match self {
            Self::All(value) => *value,
            Self::Own(values) => values[t],
        }
    }

    fn check(&self, argument: &str, requests: usize) -> Result<()> {
        match self {
            Self::Own(values) if values.len() != requests => {
                let message = format!("{} entries for {requests} requests", values.len());
                Err(Error::new(codes::SHAPE, argument, None, message))
            }
            _ => Ok(()),
        }
    }
}

/// Requests as borrowed columns: one entry per candidate, the candidates of a request together. What a [`Request`] has is a slice of each.
///
/// ```
/// # use equipoise::model::{Campaign, Campaigns};
/// # use equipoise::policy::{Draft, ORGANIC, Policy};
/// use equipoise::evaluate::{Batch, Outcome};
/// use equipoise::score::{Measures, Reason};
///
/// # let campaigns = Campaigns::new(["a", "b"].map(|id| Campaign { id: id.into(), ..Campaign::default() }).into())?;
/// # let policy = Policy::new(&Draft { measures: vec!["stream".into()], weights: vec![0.0, 1.0], campaigns, ..Draft::default() })?;
/// let campaign = [policy.row("a"), policy.row("b"), ORGANIC, policy.row("b")];
/// let columns: [&[f32]; 1] = [&[0.5, 0.25, 1.0, 0.75]];
/// // Two requests: the first three candidates, then one.
/// let batch = Batch::new(&[0, 3, 4], &campaign, Measures::Slices { columns: &columns, offset: 0 });
/// let (mut scores, mut positions, mut reasons) = ([0.0; 4], [0; 4], [0; 4]);
/// let outcome = Outcome { scores: &mut scores, positions: &mut positions, reasons: &mut reasons };
/// batch.score(&policy, outcome, &mut || true)?;
/// assert_eq!((scores, positions), ([0.5, 0.25, 0.0, 0.75], [1, 0, 0, 1]));
/// assert_eq!(reasons.map(|code| Reason::ALL[code as usize].name()), ["picked", "outscored", "organic", "picked"]);
/// # Ok::<(), equipoise::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Request `t` has the candidates `starts[t]..starts[t + 1]`: one more entry than there are requests, from 0 to the number of candidates.
    pub starts: &'a [u64],
    /// As [`Request::campaign`]; with `rows`, a place in those.
    pub campaign: &'a [u32],
    /// The policy's rows of a caller's own numbers of campaigns; a number that is none of their places takes the last.
    pub rows: Option<&'a [u32]>,
    /// As [`Request::measures`], of all candidates.
    pub measures: Measures<'a>,
    /// As [`Request::organic`].
    pub organic: Option<&'a [f32]>,
    /// As [`Request::item`].
    pub item: Option<&'a [u32]>,
    /// As [`Request::artist`].
    pub artist: Option<&'a [u32]>,
    /// As [`Request::frequency`].
    pub frequency: Option<&'a [u32]>,
    /// As [`Request::market`].
    pub market: Each<'a, u32>,
    /// As [`Request::surface`].
    pub surface: Each<'a, u32>,
    /// As [`Request::time`].
    pub time: Option<Each<'a, i64>>,
    /// As [`Request::slots`].
    pub slots: Option<Each<'a, u32>>,
    /// As [`Request::key`]; `None` takes the number of the request.
    pub key: Option<Each<'a, u64>>,
    /// As [`Request::reference`].
    pub reference: Option<Each<'a, f32>>,
    /// As [`Request::drop_invalid`].
    pub drop_invalid: bool,
    /// As [`Request::gates`]: [`crate::score::Scorer::gates`] has those of a scorer.
    pub gates: Option<&'a Gates>,
}

/// Where what becomes of the candidates of a [`Batch`] goes: one entry for each.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Promotion scores; +0 where not scored.
    pub scores: &'a mut [f32],
    /// The place of a pick, counted from 1; 0 where not picked.
    pub positions: &'a mut [u8],
    /// What became of the candidate: the place of its reason in [`crate::score::Reason::ALL`], 0 for a pick.
    pub reasons: &'a mut [u8],
}

/// Some requests in a row, and where what becomes of their candidates goes.
struct Piece<'a> {
    requests: Range<usize>,
    outcome: Outcome<'a>,
}

/// What a thread uses again and again.
#[derive(Default)]
pub(crate) struct Scratch {
    workspace: Workspace,
    campaign: Vec<u32>,
}

impl<'a> Batch<'a> {
    /// Requests of these candidates, without segments, times, organic scores and items.
    #[must_use]
    pub fn new(starts: &'a [u64], campaign: &'a [u32], measures: Measures<'a>) -> Self {
        let none = Each::All(NONE);
        Self {
            starts,
            campaign,
            rows: None,
            measures,
            organic: None,
            item: None,
            artist: None,
            frequency: None,
            market: none,
            surface: none,
            time: None,
            slots: None,
            key: None,
            reference: None,
            drop_invalid: false,
            gates: None,
        }
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Scores every request as [`Policy::score`] does, to the same bits, on all processors where there are 2^18 candidates or more. Nothing is
    /// counted. `go_on` is asked by the calling thread about once in 2^14 candidates. After an error the outcome means nothing.
    ///
    /// # Errors
    /// As [`Policy::score`], of the first request that fails, the index being that of the candidate in its column, or of the request in a column of
    /// those; `invalid_input.shape` and `.range` for columns and offsets that do not fit together; `usage.cancelled` where `go_on` says no.
    pub fn score(&self, policy: &Policy, outcome: Outcome<'_>, go_on: &mut dyn FnMut() -> bool) -> Result<()> {
        self.check()?;
        outcome.check(self.campaign.len())?;
        let worker = || {
            let mut scratch = Scratch::default();
            move |mut piece: Piece<'_>| self.score_some(policy, piece.requests, &mut piece.outcome, &mut scratch)
        };
        work_through(pieces(self.starts, outcome), threads_for(self.campaign.len()), worker, go_on)
    }

    /// Checks that all columns but the measures are as long as each other, and the offsets within them; [`Batch::score`] does so, too.
    ///
    /// # Errors
    /// `invalid_input.shape`, `.range` and `.empty`, naming argument and index.
    pub fn check(&self) -> Result<()> {
        let (n, requests) = (self.campaign.len(), self.len());
        check_starts(self.starts, n)?;
        if self.rows.is_some_and(<[u32]>::is_empty) {
            return Err(Error::new(codes::EMPTY, "rows", None, "no rows; wanted is one at least"));
        }
        let rows = [
            ("organic", self.organic.map(<[f32]>::len)),
            ("item", self.item.map(<[u32]>::len)),
            ("artist", self.artist.map(<[u32]>::len)),
            ("frequency", self.frequency.map(<[u32]>::len)),
        ];
        if let Some((argument, Some(len))) = rows.into_iter().find(|(_, len)| len.is_some_and(|len| len != n)) {
            return Err(Error::new(codes::SHAPE, argument, None, format!("{len} entries for {n} candidates")));
        }
        self.market.check("market", requests)?;
        self.surface.check("surface", requests)?;
        self.time.map_or(Ok(()), |time| time.check("time", requests))?;
        self.slots.map_or(Ok(()), |slots| slots.check("slots", requests))?;
        self.key.map_or(Ok(()), |key| key.check("key", requests))?;
        self.reference.map_or(Ok(()), |reference| reference.check("reference", requests))
    }

    /// Scores requests of a batch that was checked; `outcome` begins with the first candidate of the first of them.
    pub(crate) fn score_some(
        &self,
        policy: &Policy,
        requests: Range<usize>,
        outcome: &mut Outcome<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let Scratch { workspace, campaign } = scratch;
        let base = self.starts[requests.start] as usize;
        for t in requests {
            let here = self.starts[t] as usize..self.starts[t + 1] as usize;
            let request = self.request(t, here.clone(), campaign);
            let decision = policy.score(&request, workspace).map_err(|error| placed(&error, t, here.start))?;
            let own = here.start - base..here.end - base;
            outcome.scores[own.clone()].copy_from_slice(decision.scores());
            for (code, reason) in outcome.reasons[own.clone()].iter_mut().zip(decision.reasons()) {
                *code = *reason as u8;
            }
            let positions = &mut outcome.positions[own];
            positions.fill(0);
            for (pick, position) in decision.picks().iter().zip(decision.positions()) {
                positions[*pick as usize] = *position as u8;
            }
        }
        Ok(())
    }

    /// Request `t`, whose candidates are `here`.
    fn request<'b>(&'b self, t: usize, here: Range<usize>, campaign: &'b mut Vec<u32>) -> Request<'b> {
        let measures = match self.measures {
            Measures::Columns { values, stride } => Measures::Columns { values: values.get(here.start..).unwrap_or_default(), stride },
            Measures::Rows { values, stride } => {
                Measures::Rows { values: values.get(here.start.saturating_mul(stride)..).unwrap_or_default(), stride }
            }
            Measures::Slices { columns, offset } => Measures::Slices { columns, offset: offset.saturating_add(here.start) },
        };
        let rows = match self.rows {
            None => &self.campaign[here.clone()],
            Some(rows) => {
                campaign.clear();
                let last = rows.len().saturating_sub(1);
                // Without a branch: who is organic cannot be guessed.
                campaign.extend(self.campaign[here.clone()].iter().map(|c| rows[(*c as usize).min(last)]));
                campaign.as_slice()
            }
        };
        Request {
            market: self.market.get(t),
            surface: self.surface.get(t),
            time: self.time.map(|time| time.get(t)),
            slots: self.slots.map(|slots| slots.get(t)),
            key: self.key.map_or(t as u64, |key| key.get(t)),
            reference: self.reference.map(|reference| reference.get(t)),
            organic: self.organic.map(|organic| &organic[here.clone()]),
            item: self.item.map(|item| &item[here.clone()]),
            artist: self.artist.map(|artist| &artist[here.clone()]),
            frequency: self.frequency.map(|frequency| &frequency[here]),
            gates: self.gates,
            drop_invalid: self.drop_invalid,
            ..Request::new(rows, measures)
        }
    }
}

/// Checks that offsets lead from 0 to `n` without falling.
fn check_starts(starts: &[u64], n: usize) -> Result<()> {
    let refuse = |at: Option<usize>, message: String| Err(Error::new(codes::RANGE, "starts", at.map(|at| at as u64), message));
    let (Some(first), Some(last)) = (starts.first(), starts.last()) else {
        return Err(Error::new(codes::EMPTY, "starts", None, "no offsets; wanted is one more than there are requests"));
    };
    if *first != 0 {
        return refuse(Some(0), format!("the first offset is {first}, wanted is 0"));
    }
    if let Some(at) = starts.windows(2).position(|pair| pair[1] < pair[0]) {
        return refuse(Some(at + 1), format!("{} comes after {}; offsets never fall", starts[at + 1], starts[at]));
    }
    if *last != n as u64 {
        return refuse(Some(starts.len() - 1), format!("the last offset is {last}, wanted is the number of candidates, {n}"));
    }
    Ok(())
}

/// The error of request `t`, whose first candidate is `first`, as one of its batch.
fn placed(error: &Error, t: usize, first: usize) -> Error {
    let of_request = matches!(error.code(), codes::RANGE | codes::NOT_FINITE).then_some(t);
    let index = error.index().map_or(of_request, |i| Some(i as usize + first));
    let message = error.faults().first().map_or(String::new(), |fault| fault.message.clone());
    Error::new(error.code(), error.argument(), index.map(|i| i as u64), message)
}

/// Cuts requests into pieces of about [`ROWS_A_PIECE`] candidates.
fn pieces<'a>(starts: &'a [u64], mut outcome: Outcome<'a>) -> impl Iterator<Item = Piece<'a>> + Send {
    let mut from = 0;
    std::iter::from_fn(move || {
        let len = starts.len() - 1;
        if from == len {
            return None;
        }
        let enough = starts[from] + ROWS_A_PIECE as u64;
        let to = (from + 1 + starts[from + 1..].partition_point(|start| *start < enough)).min(len);
        let requests = from..to;
        from = to;
        Some(Piece { outcome: outcome.split_off((starts[to] - starts[requests.start]) as usize), requests })
    })
}

impl Outcome<'_> {
    fn check(&self, n: usize) -> Result<()> {
        let lengths = [("scores", self.scores.len()), ("positions", self.positions.len()), ("reasons", self.reasons.len())];
        match lengths.into_iter().find(|(_, len)| *len != n) {
            Some((argument, len)) => Err(Error::new(codes::SHAPE, argument, None, format!("{len} entries for {n} candidates"))),
            None => Ok(()),
        }
    }

    /// Takes away the first `n` entries.
    pub(crate) fn split_off(&mut self, n: usize) -> Self {
        Self {
            scores: self.scores.split_off_mut(..n).unwrap_or_default(),
            positions: self.positions.split_off_mut(..n).unwrap_or_default(),
            reasons: self.reasons.split_off_mut(..n).unwrap_or_default(),
        }
    }
}
