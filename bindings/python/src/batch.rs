//! `Batch`.

use crate::argument::{extract, instant, items, push, refuse, text};
use crate::array::{owned_column, per_request};
use crate::columns::{Block, Cells};
use crate::error::{enter, to_python};
use crate::held::{Held, HeldMatrix, Lent};
use crate::interrupt::enter_interruptible;
use crate::latch::{Entered, Latch};
use crate::policy::Policy;
use crate::request::now;
use equipoise::Error;
use equipoise::error::codes;
use equipoise::evaluate::{self as core, Each, Outcome};
use equipoise::policy::NONE;
use equipoise::score::{Measures, Scorer};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Fewer candidates than this take less time than releasing the interpreter is worth.
const LONG: usize = 2_000;

/// Many requests, bound as columns once and scored by one call, as often as their columns change: see `Scorer.batch`.
///
/// `score` fills `scores`, `positions` and `reasons`, one entry for each candidate, in memory that is used again. One thread at a time: a second
/// one meanwhile gets `usage.concurrent`.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Batch {
    /// Whose switches and breakers it takes part in.
    scorer: Scorer,
    policy: Py<Policy>,
    rows: Rows,
    requests: Requests,
    n: usize,
    cells: Py<Cells>,
    scores: Block<f32>,
    positions: Block<u8>,
    reasons: Block<u8>,
    /// Whether it was scored.
    state: Latch<bool>,
}

/// Columns of one entry for each candidate, which are the caller's.
pub(crate) struct Rows {
    starts: Vec<u64>,
    campaign: Held<u32>,
    measures: Measured,
    organic: Option<Held<f32>>,
    item: Option<Held<u32>>,
    frequency: Option<Held<u32>>,
}

/// Measures of one entry for each candidate.
enum Measured {
    /// A column for each measure of the policy; `None` where it is to be filled.
    Columns(Vec<Option<Held<f32>>>),
    Matrix(HeldMatrix),
}

/// What each request has, or all have in common.
pub(crate) struct Requests {
    market: Own<u32>,
    surface: Own<u32>,
    time: Own<i64>,
    slots: Option<Own<u32>>,
    key: Option<Own<u64>>,
    reference: Option<Own<f32>>,
    drop_invalid: bool,
}

/// As [`Each`], owned.
pub(crate) enum Own<T> {
    All(T),
    Each(Vec<T>),
}

impl<T: Copy> Own<T> {
    fn lend(&self) -> Each<'_, T> {
        match self {
            Self::All(value) => Each::All(*value),
            Self::Each(values) => Each::Own(values),
        }
    }
}

impl Rows {
    pub(crate) fn new(
        policy: &Bound<'_, PyAny>,
        starts: &Bound<'_, PyAny>,
        campaign: &Bound<'_, PyAny>,
        measures: &Bound<'_, PyAny>,
        organic: Option<&Bound<'_, PyAny>>,
        item: Option<&Bound<'_, PyAny>>,
        frequency: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let names = extract::<Bound<'_, Policy>>(policy, "policy", "a Policy")?.get().0.measures().to_vec();
        let campaign = Held::new(campaign, "campaign")?;
        let n = campaign.len(policy.py());
        let column = |value: Option<&Bound<'_, PyAny>>, name| value.map(|value| Held::new(value, name)).transpose();
        Ok(Self {
            starts: offsets(starts, n)?,
            campaign,
            measures: Measured::new(measures, &names, n)?,
            organic: organic.map(|value| Held::new(value, "organic")).transpose()?,
            item: column(item, "item")?,
            frequency: column(frequency, "frequency")?,
        })
    }

    /// How many requests there are.
    pub(crate) fn requests(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

impl Measured {
    fn new(measures: &Bound<'_, PyAny>, names: &[String], n: usize) -> PyResult<Self> {
        let Ok(columns) = measures.cast::<PyDict>() else {
            let matrix = HeldMatrix::new(measures, "measures", names.len())?;
            check_length(measures, "measures", matrix.len(measures.py()), n)?;
            return Ok(Self::Matrix(matrix));
        };
        for name in columns.keys() {
            let name = text(&name, "measures")?;
            if !names.iter().any(|known| *known == name) {
                let message = format!("the policy has no measure {name:?}; it has {names:?}");
                return Err(refuse(measures.py(), codes::UNKNOWN_NAME, "measures", message));
            }
        }
        let column = |name: &String| match columns.get_item(name)? {
            Some(column) => {
                let argument = format!("measures[{name:?}]");
                let held = Held::new(&column, &argument)?;
                check_length(&column, &argument, held.len(column.py()), n)?;
                Ok(Some(held))
            }
            None if name == "displacement" => Ok(None),
            None => {
                let message = format!("the policy needs the measure {name:?}");
                Err(refuse(measures.py(), codes::MISSING, "measures", message))
            }
        };
        names.iter().map(column).collect::<PyResult<_>>().map(Self::Columns)
    }
}

fn check_length(value: &Bound<'_, PyAny>, name: &str, len: usize, n: usize) -> PyResult<()> {
    if len == n { Ok(()) } else { Err(refuse(value.py(), codes::SHAPE, name, format!("{len} entries for {n} candidates"))) }
}

impl Requests {
    pub(crate) fn new(
        policy: &Bound<'_, PyAny>,
        requests: usize,
        market: Option<&Bound<'_, PyAny>>,
        surface: Option<&Bound<'_, PyAny>>,
        time: Option<&Bound<'_, PyAny>>,
        slots: Option<&Bound<'_, PyAny>>,
        key: Option<&Bound<'_, PyAny>>,
        reference: Option<&Bound<'_, PyAny>>,
        drop_invalid: bool,
    ) -> PyResult<Self> {
        let policy = extract::<Bound<'_, Policy>>(policy, "policy", "a Policy")?;
        let policy = &policy.get().0;
        Ok(Self {
            market: segments(market, "market", requests, |name| policy.market(name))?,
            surface: segments(surface, "surface", requests, |name| policy.surface(name))?,
            time: time.map_or_else(|| Ok(Own::All(now())), |value| own(value, "time", requests, instant))?,
            slots: slots
                .map(|value| own(value, "slots", requests, |v, name| extract(v, name, "an integer in 0..=255, or uint32 of shape (k,)")))
                .transpose()?,
            key: key
                .map(|value| own(value, "key", requests, |v, name| extract(v, name, "an integer in 0..2^64, or uint64 of shape (k,)")))
                .transpose()?,
            reference: reference
                .map(|value| own(value, "reference", requests, |v, name| extract(v, name, "a number, or float32 of shape (k,)")))
                .transpose()?,
            drop_invalid,
        })
    }
}

/// One value, or an array with one for each request.
fn own<'py, T: numpy::Element + Copy>(
    value: &Bound<'py, PyAny>,
    name: &str,
    requests: usize,
    one: impl FnOnce(&Bound<'py, PyAny>, &str) -> PyResult<T>,
) -> PyResult<Own<T>> {
    match per_request(value, name, requests)? {
        Some(values) => Ok(Own::Each(values)),
        None => one(value, name).map(Own::All),
    }
}

/// The number of one name, or of each of a list or column of them.
fn segments(value: Option<&Bound<'_, PyAny>>, name: &str, requests: usize, find: impl Fn(&str) -> u32) -> PyResult<Own<u32>> {
    let Some(value) = value else { return Ok(Own::All(NONE)) };
    if value.is_instance_of::<pyo3::types::PyString>() {
        return Ok(Own::All(find(&text(value, name)?)));
    }
    let listed = if value.hasattr("to_pylist")? { value.call_method0("to_pylist")? } else { value.clone() };
    let mut numbers = Vec::new();
    for (i, one) in items(&listed, name, "a string, or a list or column of k strings")?.enumerate() {
        let one = one?;
        let number = if one.is_none() { NONE } else { find(&text(&one, &format!("{name}[{i}]"))?) };
        push(value.py(), &mut numbers, number, name)?;
    }
    if numbers.len() != requests {
        return Err(refuse(value.py(), codes::SHAPE, name, format!("{} entries for {requests} requests", numbers.len())));
    }
    Ok(Own::Each(numbers))
}

/// The offsets as the core wants them; that they fit together it checks itself.
fn offsets(value: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<u64>> {
    let starts: Vec<i64> = owned_column(value, "starts")?;
    if let Some(i) = starts.iter().position(|start| usize::try_from(*start).map_or(true, |start| start > n)) {
        let message = format!("{} is not in 0..={n}; offsets lead from 0 to the number of candidates", starts[i]);
        return Err(to_python(value.py(), &Error::new(codes::RANGE, "starts", Some(i as u64), message)));
    }
    Ok(starts.into_iter().map(|start| start as u64).collect())
}

impl Batch {
    pub(crate) fn new(policy: &Bound<'_, PyAny>, scorer: &Scorer, rows: Rows, requests: Requests) -> PyResult<Self> {
        let py = policy.py();
        let policy: Bound<'_, Policy> = extract(policy, "policy", "a Policy")?;
        let n = rows.campaign.len(py);
        // One line between the columns, so that no two threads write one.
        let (words, bytes) = (n.next_multiple_of(16) + 16, n.next_multiple_of(64) / 4 + 16);
        let cells = enter(py, || Cells::new(words + 2 * bytes, "campaign"))?;
        let batch = Self {
            scorer: scorer.clone(),
            policy: policy.unbind(),
            rows,
            requests,
            n,
            scores: Block::new(&cells, 0, n, 1, n),
            positions: Block::new(&cells, words, n, 1, n),
            reasons: Block::new(&cells, words + bytes, n, 1, n),
            cells: Py::new(py, cells)?,
            state: Latch::new(false),
        };
        batch.with(py, |core| enter(py, || core.check()))?;
        Ok(batch)
    }

    fn enter(&self, py: Python<'_>) -> PyResult<Entered<'_, bool>> {
        self.state.enter().ok_or_else(|| to_python(py, &Error::new(codes::CONCURRENT, "batch", None, "is used by two threads at once")))
    }

    /// The batch as the core wants it, while all columns are borrowed.
    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(core::Batch<'_>) -> PyResult<T>) -> PyResult<T> {
        let Self { rows, requests, .. } = self;
        let campaign = rows.campaign.lend(py, "campaign")?;
        let organic = rows.organic.as_ref().map(|column| column.lend(py, "organic")).transpose()?;
        let item = rows.item.as_ref().map(|column| column.lend(py, "item")).transpose()?;
        let frequency = rows.frequency.as_ref().map(|column| column.lend(py, "frequency")).transpose()?;
        let columns: Vec<Option<Lent<'_, f32>>> = match &rows.measures {
            Measured::Columns(columns) => {
                let lent = columns.iter().map(|column| column.as_ref().map(|column| column.lend(py, "measures")).transpose());
                lent.collect::<PyResult<_>>()?
            }
            Measured::Matrix(_) => Vec::new(),
        };
        let columns: Vec<&[f32]> = columns.iter().map(|column| column.as_ref().map_or([].as_slice(), Lent::get)).collect();
        let matrix = match &rows.measures {
            Measured::Columns(_) => None,
            Measured::Matrix(matrix) => Some(matrix.lend(py, "measures")?),
        };
        let measures = matrix.as_ref().map_or(Measures::Slices { columns: &columns, offset: 0 }, |matrix| matrix.measures());
        let policy = &self.policy.get().0;
        let gates = self.scorer.gates(policy);
        work(core::Batch {
            organic: organic.as_ref().map(Lent::get),
            item: item.as_ref().map(Lent::get),
            frequency: frequency.as_ref().map(Lent::get),
            market: requests.market.lend(),
            surface: requests.surface.lend(),
            time: Some(requests.time.lend()),
            slots: requests.slots.as_ref().map(Own::lend),
            key: requests.key.as_ref().map(Own::lend),
            reference: requests.reference.as_ref().map(Own::lend),
            drop_invalid: requests.drop_invalid,
            gates: gates.as_deref(),
            ..core::Batch::new(&rows.starts, campaign.get(), measures)
        })
    }

    /// Results are there once it was scored.
    fn scored(&self, py: Python<'_>) -> PyResult<()> {
        if *self.enter(py)? { Ok(()) } else { Err(to_python(py, &Error::new(codes::NOT_BEGUN, "batch", None, "not scored; call score()"))) }
    }
}

#[pymethods]
impl Batch {
    /// Score every request, to the same bits as one by one; returns the batch. Nothing is counted by `Scorer.metrics`.
    ///
    /// From 2,000 candidates on the interpreter is released, and Ctrl-C ends the call; from 262,144 on all processors take part. After an error
    /// what the results hold means nothing.
    fn score<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let (py, batch) = (slf.py(), slf.get());
        let mut scored = batch.enter(py)?;
        *scored = false;
        batch.with(py, |core| {
            let policy = &batch.policy.get().0;
            // SAFETY: `cells` live as long as the batch, and whoever has entered is alone with them.
            let outcome = unsafe {
                Outcome { scores: batch.scores.rows_mut(), positions: batch.positions.rows_mut(), reasons: batch.reasons.rows_mut() }
            };
            if core.campaign.len() < LONG {
                return enter(py, || core.score(policy, outcome, &mut || true));
            }
            enter_interruptible(py, |go_on| core.score(policy, outcome, go_on))
        })?;
        *scored = true;
        Ok(slf.clone())
    }

    /// Promotion scores, float32, shape (n,): +0 where not scored.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        self.scored(py)?;
        Ok(self.scores.view1(self.cells.bind(py), self.n))
    }

    /// The place of each pick, counted from 1, uint8, shape (n,): 0 where not picked.
    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u8>>> {
        self.scored(py)?;
        Ok(self.positions.view1(self.cells.bind(py), self.n))
    }

    /// What became of each candidate, uint8, shape (n,): its place in `equipoise.REASONS`, 0 for a pick.
    #[getter]
    fn reasons<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u8>>> {
        self.scored(py)?;
        Ok(self.reasons.view1(self.cells.bind(py), self.n))
    }

    /// How many candidates all requests have together.
    #[getter]
    fn candidates(&self) -> usize {
        self.n
    }

    /// The id of the policy that the batch is bound to.
    #[getter]
    fn policy_id(&self) -> String {
        self.policy.get().0.id_hex()
    }

    fn __len__(&self) -> usize {
        self.rows.requests()
    }

    fn __repr__(&self) -> String {
        format!("Batch({} requests, {} candidates, policy={:?})", self.rows.requests(), self.n, self.policy_id())
    }
}
