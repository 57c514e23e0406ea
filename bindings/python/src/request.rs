//! `Request`.

use crate::argument::{collected, describe, extract, instant, refuse, text};
use crate::array::{Column, Matrix};
use crate::columns::{Block, Cells};
use crate::error::{enter, to_python};
use crate::explanation::Explanation;
use crate::latch::{Entered, Latch};
use crate::options::Options;
use crate::policy::Policy;
use crate::record::DecisionRecord;
use equipoise::Error;
use equipoise::error::codes;
use equipoise::policy::NONE;
use equipoise::score::{self as core, Measures, Recording, UNKNOWN, UNWRITTEN, Workspace};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use std::time::{SystemTime, UNIX_EPOCH};

/// Most candidates of one request.
const CANDIDATE_LIMIT: usize = 1 << 24;

/// Columns are whole cache lines apart.
const LINE: usize = 16;

/// A prepared request: columns that are filled in place, scored, and used again.
///
/// Write `organic`, `campaign`, `measures` (and `item`), before or after `begin`, which wipes nothing; `begin` binds the request to one
/// policy; `score` fills `scores`, `picks`, `positions`, `reasons`. One thread at a time: a second one meanwhile gets `usage.concurrent`.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Request {
    /// Whose switches, breakers and counters it takes part in.
    scorer: core::Scorer,
    cells: Py<Cells>,
    capacity: usize,
    names: Vec<String>,
    organic: Block<f32>,
    campaign: Block<u32>,
    item: Block<u32>,
    measures: Block<f32>,
    scores: Block<f32>,
    picks: Block<u32>,
    positions: Block<u32>,
    state: Latch<State>,
}

/// What calls change.
struct State {
    used: Used,
    options: Options,
    begun: Option<Begun>,
    scored: bool,
    /// In a box: Python's own memory is aligned to 16 bytes only.
    workspace: Box<Workspace>,
}

/// A column that nobody has asked for is absent: what was never written cannot be meant.
#[derive(Clone, Copy, Default)]
struct Used {
    organic: bool,
    item: bool,
}

/// What `begin` fixes.
struct Begun {
    policy: Py<Policy>,
    n: usize,
    market: u32,
    surface: u32,
    time: i64,
    slots: Option<u32>,
    key: u64,
    reference: Option<f32>,
}

impl Request {
    pub(crate) fn new(py: Python<'_>, scorer: &core::Scorer, max_candidates: &Bound<'_, PyAny>, names: Vec<String>) -> PyResult<Self> {
        let wanted = "a number of candidates in 1..=16777216";
        let capacity: usize = extract(max_candidates, "max_candidates", wanted)?;
        if capacity == 0 || capacity > CANDIDATE_LIMIT {
            return Err(refuse(py, codes::RANGE, "max_candidates", format!("found {}, wanted {wanted}", describe(max_candidates))));
        }
        // At most 2^24 * (2^10 + 6) cells: no overflow.
        let stride = capacity.div_ceil(LINE) * LINE;
        let m = names.len();
        let (cells, workspace) =
            enter(py, || Ok((Cells::new(stride * (m + 6), "max_candidates")?, Workspace::try_with_capacity(capacity)?)))?;
        let at = |column: usize| column * stride;
        let (campaign, item) = (Block::new(&cells, at(1), capacity, 1, stride), Block::new(&cells, at(2), capacity, 1, stride));
        let measures: Block<f32> = Block::new(&cells, at(6), capacity, m, stride);
        // SAFETY: nobody has seen these cells yet.
        unsafe {
            campaign.fill(0, UNKNOWN);
            item.fill(0, NONE);
            if let Some(j) = names.iter().position(|name| name == "displacement") {
                measures.fill(j, f32::from_bits(UNWRITTEN));
            }
        }
        Ok(Self {
            scorer: scorer.clone(),
            capacity,
            organic: Block::new(&cells, at(0), capacity, 1, stride),
            campaign,
            item,
            scores: Block::new(&cells, at(3), capacity, 1, stride),
            picks: Block::new(&cells, at(4), capacity, 1, stride),
            positions: Block::new(&cells, at(5), capacity, 1, stride),
            measures,
            names,
            state: Latch::new(State {
                used: Used::default(),
                options: Options::default(),
                begun: None,
                scored: false,
                workspace: Box::new(workspace),
            }),
            cells: Py::new(py, cells)?,
        })
    }

    /// The state, for one user at a time: another thread, or a conversion that calls back, is refused rather than made to wait.
    fn enter(&self, py: Python<'_>) -> PyResult<Entered<'_, State>> {
        // Every field is whole whenever a panic can unwind.
        self.state.enter().ok_or_else(|| to_python(py, &Error::new(codes::CONCURRENT, "request", None, "is used by two threads at once")))
    }

    /// The request as the core wants it.
    ///
    /// # Safety
    /// The interpreter is held for all of `'a`, and nothing is written to the cells in it.
    unsafe fn borrow<'a>(&self, used: Used, begun: &Begun) -> core::Request<'a> {
        let n = begun.n;
        // SAFETY: `self.cells` is alive; the caller keeps writers away.
        unsafe {
            core::Request {
                market: begun.market,
                surface: begun.surface,
                time: Some(begun.time),
                slots: begun.slots,
                key: begun.key,
                reference: begun.reference,
                organic: used.organic.then(|| &self.organic.cells()[..n]),
                item: used.item.then(|| &self.item.cells()[..n]),
                ..core::Request::new(&self.campaign.cells()[..n], self.columns())
            }
        }
    }

    /// # Safety
    /// As for [`Request::borrow`].
    unsafe fn columns<'a>(&self) -> Measures<'a> {
        // SAFETY: as in `borrow`.
        Measures::Columns { values: unsafe { self.measures.cells() }, stride: self.measures.stride() }
    }

    fn not_scored(py: Python<'_>) -> PyErr {
        to_python(py, &Error::new(codes::NOT_BEGUN, "request", None, "not scored since it was begun; call score()"))
    }
}

impl State {
    fn picked(&self) -> usize {
        if self.scored { self.workspace.picks().len() } else { 0 }
    }

    fn describe(&self) -> String {
        match &self.begun {
            None => "not begun".to_owned(),
            Some(b) if self.scored => format!("{} candidates scored, {} picked", b.n, self.picked()),
            Some(b) => format!("{} candidates begun", b.n),
        }
    }
}

#[pymethods]
impl Request {
    /// Organic scores, float32, shape (max_candidates,). Absent until it is first asked for; ties then go by index.
    #[getter]
    fn organic<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        self.enter(py)?.used.organic = true;
        Ok(self.organic.view1(self.cells.bind(py), self.capacity))
    }

    /// Campaign rows of the bound policy (`Policy.resolve`), uint32, shape (max_candidates,); 0xFFFFFFFF at first.
    #[getter]
    fn campaign<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        self.campaign.view1(self.cells.bind(py), self.capacity)
    }

    /// Measures, float32, shape (max_candidates, m), each column contiguous; 0 at first.
    ///
    /// A column `displacement` starts as `UNWRITTEN`: such entries are filled from `organic` and the reference.
    #[getter]
    fn measures<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        self.measures.view2(self.cells.bind(py))
    }

    /// Item numbers, uint32, shape (max_candidates,); 0xFFFFFFFF is an item of its own. Absent until it is first asked for.
    #[getter]
    fn item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        self.enter(py)?.used.item = true;
        Ok(self.item.view1(self.cells.bind(py), self.capacity))
    }

    /// Promotion scores, float32, shape (max_candidates,): the first n are those of the last `score`.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.scores.view1(self.cells.bind(py), self.capacity)
    }

    /// Indices of the picked candidates in the order in which they were picked, uint32, shape (k,).
    #[getter]
    fn picks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let picked = self.enter(py)?.picked();
        Ok(self.picks.view1(self.cells.bind(py), picked))
    }

    /// The place of each pick, counted from 1, uint32, shape (k,).
    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let picked = self.enter(py)?.picked();
        Ok(self.positions.view1(self.cells.bind(py), picked))
    }

    /// What became of each candidate: "picked", "price", "outscored", "organic", "unknown", "market", ...
    #[getter]
    fn reasons(&self, py: Python<'_>) -> PyResult<Vec<&'static str>> {
        let state = self.enter(py)?;
        if !state.scored {
            return Err(Self::not_scored(py));
        }
        Ok(state.workspace.reasons().iter().map(|r| r.name()).collect())
    }

    /// The id of the policy that the request is bound to; None before the first `begin`.
    #[getter]
    fn policy_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.enter(py)?.begun.as_ref().map(|b| b.policy.get().0.id_hex()))
    }

    /// Microseconds since 1970 UTC at which the request is judged: given, or the clock when it was begun; None before that.
    #[getter]
    fn time(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        Ok(self.enter(py)?.begun.as_ref().map(|b| b.time))
    }

    /// The reference that was given or computed; None where nothing needed one.
    #[getter]
    fn reference(&self, py: Python<'_>) -> PyResult<Option<f32>> {
        let state = self.enter(py)?;
        Ok(if state.scored { state.workspace.reference() } else { None })
    }

    /// Whether the segment was priced; unknown ones take the highest known charge per measure.
    #[getter]
    fn known_segment(&self, py: Python<'_>) -> PyResult<bool> {
        let state = self.enter(py)?;
        if state.scored { Ok(state.workspace.known_segment()) } else { Err(Self::not_scored(py)) }
    }

    /// How many candidates a request can have.
    #[getter]
    fn max_candidates(&self) -> usize {
        self.capacity
    }

    /// The names of the columns of `measures`.
    #[getter]
    fn measure_names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Copy arrays of n candidates into the columns: `organic` float32 (n,), `campaign` uint32 (n,), `measures` float32 (n, m) in C or
    /// Fortran order, `item` uint32 (n,). All are checked before any is copied.
    #[pyo3(signature = (organic=None, campaign=None, measures=None, item=None))]
    fn put(
        &self,
        py: Python<'_>,
        organic: Option<&Bound<'_, PyAny>>,
        campaign: Option<&Bound<'_, PyAny>>,
        measures: Option<&Bound<'_, PyAny>>,
        item: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let mut state = self.enter(py)?;
        let organic = organic.map(|a| Column::<f32>::new(a, "organic", self.capacity)).transpose()?;
        let campaign = campaign.map(|a| Column::<u32>::new(a, "campaign", self.capacity)).transpose()?;
        let measures = measures.map(|a| Matrix::new(a, "measures", self.capacity, self.names.len())).transpose()?;
        let item = item.map(|a| Column::<u32>::new(a, "item", self.capacity)).transpose()?;
        let lengths = [
            ("organic", organic.as_ref().map(Column::len)),
            ("campaign", campaign.as_ref().map(Column::len)),
            ("measures", measures.as_ref().map(Matrix::len)),
            ("item", item.as_ref().map(Column::len)),
        ];
        let mut known = lengths.iter().filter_map(|(name, len)| len.map(|len| (*name, len)));
        if let Some((first, n)) = known.next()
            && let Some((other, len)) = known.find(|(_, len)| *len != n)
        {
            return Err(refuse(py, codes::SHAPE, other, format!("{len} candidates, but {first} has {n}")));
        }
        // SAFETY: the interpreter is held and no slice of the cells is in use.
        unsafe {
            if let Some(a) = organic {
                state.used.organic = true;
                a.copy_to(&self.organic);
            }
            if let Some(a) = campaign {
                a.copy_to(&self.campaign);
            }
            if let Some(a) = measures {
                a.copy_to(&self.measures);
            }
            if let Some(a) = item {
                state.used.item = true;
                a.copy_to(&self.item);
            }
        }
        Ok(())
    }

    /// Bind the request to `policy` and state its first `n` candidates; the columns keep what they hold.
    ///
    /// `time` is a zoned datetime or microseconds since 1970 UTC, None reads the clock once; `slots` None takes the slate's;
    /// `key` in [0, 2^64) should differ per request; `reference` None is computed from `organic` where it is needed.
    #[pyo3(signature = (policy, n, market=None, surface=None, time=None, slots=None, key=None, reference=None), text_signature = "($self, policy, n, market=None, surface=None, time=None, slots=None, key=0, reference=None)")]
    fn begin(
        &self,
        py: Python<'_>,
        policy: &Bound<'_, PyAny>,
        n: &Bound<'_, PyAny>,
        market: Option<&Bound<'_, PyAny>>,
        surface: Option<&Bound<'_, PyAny>>,
        time: Option<&Bound<'_, PyAny>>,
        slots: Option<&Bound<'_, PyAny>>,
        key: Option<&Bound<'_, PyAny>>,
        reference: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let mut state = self.enter(py)?;
        let policy: Bound<'_, Policy> = extract(policy, "policy", "a Policy")?;
        let core = &policy.get().0;
        if !core.measures().is_empty() && core.measures() != self.names {
            let message =
                format!("the policy measures {:?}, this request was prepared for {:?}: prepare another", core.measures(), self.names);
            return Err(refuse(py, codes::SHAPE, "policy", message));
        }
        let count: usize = extract(n, "n", "a number of candidates")?;
        if count > self.capacity {
            return Err(refuse(py, codes::RANGE, "n", format!("found {count}, this request holds at most {}", self.capacity)));
        }
        let begun = Begun {
            n: count,
            market: market.map_or(Ok(NONE), |m| text(m, "market").map(|m| core.market(&m)))?,
            surface: surface.map_or(Ok(NONE), |s| text(s, "surface").map(|s| core.surface(&s)))?,
            time: time.map_or_else(|| Ok(now()), |t| instant(t, "time"))?,
            slots: slots.map(|s| extract(s, "slots", "an integer in 0..=255")).transpose()?,
            key: key.map_or(Ok(0), |k| extract(k, "key", "an integer in 0..2^64"))?,
            reference: reference.map(|r| extract(r, "reference", "a number")).transpose()?,
            policy: policy.unbind(),
        };
        state.begun = Some(begun);
        state.scored = false;
        Ok(())
    }

    /// Score and pick. Keeps the interpreter: a request takes about a microsecond. On error the results of before stay.
    fn score(&self, py: Python<'_>) -> PyResult<()> {
        let mut guard = self.enter(py)?;
        let state = &mut *guard;
        let Some(begun) = &state.begun else {
            return Err(to_python(py, &Error::new(codes::NOT_BEGUN, "request", None, "not begun; call begin() first")));
        };
        // SAFETY: the interpreter is held until the request is dropped at the end of `enter`; nothing is written meanwhile.
        let request = unsafe { self.borrow(state.used, begun) };
        let request = state.options.add(request);
        state.scored = false;
        let (policy, workspace) = (&begun.policy.get().0, &mut *state.workspace);
        enter(py, || self.scorer.score(policy, &request, workspace).map(drop))?;
        // SAFETY: the interpreter is held, and the request that borrowed other columns is not used any more.
        unsafe {
            self.scores.copy(0, state.workspace.scores());
            self.picks.copy(0, state.workspace.picks());
            self.positions.copy(0, state.workspace.positions());
        }
        state.scored = true;
        Ok(())
    }

    /// Why candidate `i` has its score. The columns must still hold what was scored.
    fn explain(&self, py: Python<'_>, i: &Bound<'_, PyAny>) -> PyResult<Explanation> {
        let i: usize = extract(i, "i", "the index of a candidate")?;
        let state = self.enter(py)?;
        let Some(begun) = state.begun.as_ref().filter(|_| state.scored) else {
            return Err(Self::not_scored(py));
        };
        // SAFETY: the interpreter is held until the request is dropped at the end of `enter`; nothing is written meanwhile.
        let request = unsafe { self.borrow(state.used, begun) };
        let request = state.options.add(request);
        let policy = &begun.policy.get().0;
        enter(py, || policy.explain(&request, &state.workspace, i).map(|found| Explanation::new(found, policy)))
    }

    /// Bring what only some requests have; what is left out is absent. Kept until it is brought again, and copied: arrays of n entries.
    ///
    /// `frequency` uint32 (n,): how often the listener has had each campaign, for frequency caps. `uncertainty` float32 (n,): for the
    /// exploration's bonus. `category` uint32 (n,) with `target` float32: shares for the slate's `calibration`; 0xFFFFFFFF is no category.
    /// `embeddings` float32 (n, d), or `similarity` float32 (n, n) in [-1, 1]: for the slate's `diversity`. `explore`: whether the
    /// slate's exploration may act. `drop_invalid`: whether a candidate with a measure, organic score or uncertainty that is NaN, infinite or out
    /// of range is dropped (reason `invalid`; last in the organic order if its organic score is the one) instead of the request being refused.
    #[pyo3(signature = (*, frequency=None, uncertainty=None, category=None, target=None, embeddings=None, similarity=None, explore=true, drop_invalid=false))]
    fn options(
        &self,
        py: Python<'_>,
        frequency: Option<&Bound<'_, PyAny>>,
        uncertainty: Option<&Bound<'_, PyAny>>,
        category: Option<&Bound<'_, PyAny>>,
        target: Option<&Bound<'_, PyAny>>,
        embeddings: Option<&Bound<'_, PyAny>>,
        similarity: Option<&Bound<'_, PyAny>>,
        explore: bool,
        drop_invalid: bool,
    ) -> PyResult<()> {
        let options = Options::new(py, frequency, uncertainty, category, target, embeddings, similarity, explore, drop_invalid)?;
        let mut state = self.enter(py)?;
        state.options = options;
        state.scored = false;
        Ok(())
    }

    /// How probable each pick was given those before it, float64, shape (k,); empty where nothing was drawn at random.
    #[getter]
    fn propensities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let state = self.enter(py)?;
        Ok(PyArray1::from_slice(py, if state.scored { state.workspace.propensities() } else { &[] }))
    }

    /// How probable the slate was; 1 where nothing was drawn at random.
    #[getter]
    fn propensity(&self, py: Python<'_>) -> PyResult<f64> {
        let state = self.enter(py)?;
        if state.scored { Ok(state.workspace.slate_propensity()) } else { Err(Self::not_scored(py)) }
    }

    /// What list terms and exploration cost: the scores of the picks without them less those of the picks.
    #[getter]
    fn given_up(&self, py: Python<'_>) -> PyResult<f64> {
        let state = self.enter(py)?;
        if state.scored { Ok(state.workspace.given_up()) } else { Err(Self::not_scored(py)) }
    }

    /// The final order of organic and promoted candidates, as indices, uint32: each pick at its place, one row per item.
    fn blend<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let mut guard = self.enter(py)?;
        let state = &mut *guard;
        let Some(begun) = state.begun.as_ref().filter(|_| state.scored) else {
            return Err(Self::not_scored(py));
        };
        // SAFETY: the interpreter is held until the request is dropped at the end of `enter`; nothing is written meanwhile.
        let request = unsafe { self.borrow(state.used, begun) };
        let (policy, workspace) = (&begun.policy.get().0, &mut *state.workspace);
        let order = enter(py, || policy.blend(&request, workspace))?;
        Ok(PyArray1::from_vec(py, collected(py, order.len(), order.iter().copied(), "request")?))
    }

    /// The record of the decision; with `candidates` it can be replayed. The columns must still hold what was scored.
    #[pyo3(signature = (*, terms=false, candidates=true))]
    fn record(&self, py: Python<'_>, terms: bool, candidates: bool) -> PyResult<DecisionRecord> {
        let state = self.enter(py)?;
        let Some(begun) = state.begun.as_ref().filter(|_| state.scored) else {
            return Err(Self::not_scored(py));
        };
        // SAFETY: the interpreter is held until the request is dropped at the end of `enter`; nothing is written meanwhile.
        let request = state.options.add(unsafe { self.borrow(state.used, begun) });
        let what = Recording { terms, candidates };
        enter(py, || begun.policy.get().0.record(&request, &state.workspace, what)).map(DecisionRecord::new)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let state = self.enter(py).ok().map(|state| state.describe());
        let state = state.unwrap_or_else(|| "in use".to_owned());
        format!("Request(max_candidates={}, measures={:?}; {state})", self.capacity, self.names)
    }
}

/// The clock, in microseconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}
