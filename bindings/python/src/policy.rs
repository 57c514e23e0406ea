//! `Policy`.

use crate::argument::{self, extract, instant, items, push, text};
use crate::error::{enter, enter_detached};
use crate::interrupt::enter_interruptible;
use crate::opportunities::Opportunities;
use crate::plan::Certificate;
use crate::table::{chunks, to_arro3};
use equipoise::plan::Unknown;
use equipoise::policy as core;
use equipoise::{evaluate, table};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};
use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

/// What a service loads: objectives, prices, eligibility and slate rules. Immutable; equal bytes are equal policies.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Policy(pub(crate) core::Policy);

#[pymethods]
impl Policy {
    /// Read a policy file; anything that is not one is refused with a code.
    #[classmethod]
    fn load(cls: &Bound<'_, PyType>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let path: PathBuf = extract(path, "path", "a path")?;
        enter_detached(cls.py(), || core::Policy::load(&path)).map(Self)
    }

    /// Read the bytes of a policy file.
    #[classmethod]
    fn from_bytes(cls: &Bound<'_, PyType>, data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let data: Bound<'_, PyBytes> = extract(data, "data", "bytes")?;
        let data = data.as_bytes();
        enter_detached(cls.py(), || core::Policy::from_bytes(data)).map(Self)
    }

    /// The canonical bytes: what `save` writes and pickling carries.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_bytes())
    }

    /// Write the file: to a temporary name in the same folder, flushed, then renamed.
    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let path: PathBuf = extract(path, "path", "a path")?;
        enter_detached(py, || self.0.save(&path))
    }

    /// The same policy, not to be served after `t` (a zoned datetime or microseconds since 1970 UTC): a new id.
    fn with_valid_until(&self, t: &Bound<'_, PyAny>) -> PyResult<Self> {
        let until = instant(t, "t")?;
        enter(t.py(), || self.0.with_valid_until(until)).map(Self)
    }

    /// The same policy of another lineage, which decides what may replace it: `programme` names the policies that may replace each other,
    /// `epoch` counts them up, `parent` is the id of the policy that it came from. A new id.
    #[pyo3(signature = (programme=None, epoch=None, parent=None))]
    fn with_lineage(
        &self,
        py: Python<'_>,
        programme: Option<&Bound<'_, PyAny>>,
        epoch: Option<&Bound<'_, PyAny>>,
        parent: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let programme = programme.map(|p| text(p, "programme").map(Cow::into_owned)).transpose()?;
        let epoch = epoch.map(|e| extract(e, "epoch", "an integer in 0..2^64")).transpose()?;
        let parent = parent.map(|p| text(p, "parent")).transpose()?;
        let parent = parent.map(|p| enter(py, || core::parse_id(&p))).transpose()?;
        enter(py, || self.0.with_lineage(&core::Lineage { programme, epoch, parent })).map(Self)
    }

    /// The programme of promotions that the policy is for; None where it names none.
    #[getter]
    fn programme(&self) -> Option<String> {
        self.0.lineage().programme
    }

    /// Counts the policies of a programme; None where it has none.
    #[getter]
    fn epoch(&self) -> Option<u64> {
        self.0.lineage().epoch
    }

    /// The id of the policy that it came from; None where it names none.
    #[getter]
    fn parent_id(&self) -> Option<String> {
        self.0.parent_id().map(|id| format!("{:032x}", u128::from_be_bytes(id)))
    }

    /// 32 hexadecimal digits: the first 16 bytes of the digest of the canonical bytes.
    #[getter]
    fn id(&self) -> String {
        self.0.id_hex()
    }

    /// The measure columns of a request, in the order of summation; `exposure` is never among them.
    #[getter]
    fn measures(&self) -> Vec<String> {
        self.0.measures().to_vec()
    }

    /// Certificates and whatever else travels along, as text.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (key, value) in self.0.metadata() {
            dict.set_item(key, value)?;
        }
        Ok(dict)
    }

    /// The certificate that travels with the policy, `seconds` 0; None where it has none.
    #[getter]
    fn certificate(&self) -> Option<Certificate> {
        equipoise::plan::Certificate::of_policy(&self.0).map(Certificate)
    }

    /// Microseconds since 1970 UTC after which this policy does not serve; None for ever.
    #[getter]
    fn valid_until(&self) -> Option<i64> {
        self.0.valid_until()
    }

    /// The campaigns, sorted by id, with parties, flights, markets and surfaces.
    #[getter]
    fn campaigns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::campaigns_table(&self.0))
    }

    /// Every ledger with its price.
    #[getter]
    fn prices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_arro3(py, table::policy_prices_table(&self.0))
    }

    /// What differs in `other`, as a table.
    fn diff<'py>(&self, py: Python<'py>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let other: Bound<'_, Self> = extract(other, "other", "a Policy")?;
        let other = &other.get().0;
        let batch = enter_detached(py, || Ok(table::diff_table(&self.0.diff(other))))?;
        to_arro3(py, batch)
    }

    /// The log through the serving rule: promotion_score, picked, position (null if not picked), reason, aligned with its rows.
    ///
    /// Campaigns of the log that the policy lacks are organic, or an error with `unknown="error"`.
    #[pyo3(signature = (log, unknown=None), text_signature = "($self, log, unknown='organic')")]
    fn replay<'py>(&self, py: Python<'py>, log: &Bound<'py, PyAny>, unknown: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let log: Bound<'_, Opportunities> = extract(log, "log", "an Opportunities")?;
        let unknown = unknown.map_or(Ok(Unknown::Organic), argument::unknown)?;
        let log = &log.get().0;
        let work = |go_on: &mut dyn FnMut() -> bool| evaluate::replay_gated(&self.0, None, log, unknown, go_on).map(table::replay_table);
        to_arro3(py, enter_interruptible(py, work)?)
    }

    /// The rows of campaign ids, as uint32; 0xFFFFFFFF where an id is unknown, 0xFFFFFFFE (organic) where it is None.
    ///
    /// Columns with the Arrow C data interface (polars, pyarrow, arro3, ...) are read as they are, each value of a dictionary once; lists of
    /// strings take longer. Rows belong to this policy and this process: never store or send them.
    fn resolve<'py>(&self, py: Python<'py>, ids: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        if let Some(chunks) = chunks(ids)? {
            return Ok(PyArray1::from_vec(py, enter_detached(py, || table::campaign_rows(&self.0, &chunks))?));
        }
        let mut rows = Vec::new();
        for (i, id) in items(ids, "ids", "a list, array or column of strings")?.enumerate() {
            let id = id?;
            let row = if id.is_none() { core::ORGANIC } else { self.0.row(&text(&id, &format!("ids[{i}]"))?) };
            push(py, &mut rows, row, "ids")?;
        }
        Ok(PyArray1::from_vec(py, rows))
    }

    /// The row of one campaign id; 0xFFFFFFFF where it is unknown.
    fn row(&self, id: &Bound<'_, PyAny>) -> PyResult<u32> {
        Ok(self.0.row(&text(id, "id")?))
    }

    pub(crate) fn __repr__(&self) -> String {
        format!("Policy(id={:?}, campaigns={}, measures={:?})", self.0.id_hex(), self.0.roster().len(), self.0.measures())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.id().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_bytes")?, (self.to_bytes(py),)))
    }
}
