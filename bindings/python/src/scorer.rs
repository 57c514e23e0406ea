//! `Scorer`.

use crate::argument::{describe, extract, instant, refuse, text};
use crate::batch::{Batch, Requests, Rows};
use crate::document::to_json;
use crate::error::{enter, enter_detached, to_python};
use crate::policy::Policy;
use crate::problem::from_json;
use crate::request::Request;
use crate::table::{Source, options};
use equipoise::error::codes;
use equipoise::model::Scope;
use equipoise::observe;
use equipoise::score::{self as core, Breaker, Breakers, FileWatch, Install, Switches, Watcher};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest interval of a watched file: a day.
const LONGEST: f64 = 86_400.0;

/// Serves a policy, which can be swapped while others score; keeps switches, breakers and counters.
///
/// `Scorer()` serves the empty policy: every id is unknown, every request keeps its organic order. `switches` are those of another scorer, kept
/// over a restart.
#[pyclass(frozen, module = "equipoise")]
pub(crate) struct Scorer {
    core: core::Scorer,
    /// The live policy as Python sees it, as long as it is that.
    live: Mutex<Py<Policy>>,
    watcher: Mutex<Option<Watcher>>,
}

fn install_of(force: bool, successor: bool) -> Install {
    let install = if force { Install::forced() } else { Install::checked() };
    if successor { install.successor() } else { install }
}

fn scope_of(value: &Bound<'_, PyAny>) -> PyResult<Scope> {
    let name = text(value, "scope")?;
    Scope::from_name(&name).ok_or_else(|| {
        let wanted = "\"campaign\", \"artist\", \"label\", \"licensor\", \"market\", \"surface\" or \"all\"";
        refuse(value.py(), codes::RANGE, "scope", format!("found {}, wanted {wanted}", describe(value)))
    })
}

impl Scorer {
    fn set_switch(&self, scope: &Bound<'_, PyAny>, name: Option<&Bound<'_, PyAny>>, on: bool) -> PyResult<bool> {
        let (py, scope) = (scope.py(), scope_of(scope)?);
        let name = name.map_or(Ok("".into()), |name| text(name, "name"))?;
        enter(py, || self.core.switch(scope, &name, on))
    }

    fn stop_watching(&self, py: Python<'_>) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Waits for a look under way.
        py.detach(|| drop(watcher));
    }
}

#[pymethods]
impl Scorer {
    #[new]
    #[pyo3(signature = (policy=None, switches=None))]
    fn new(py: Python<'_>, policy: Option<&Bound<'_, PyAny>>, switches: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let policy = match policy {
            Some(policy) => extract::<Bound<'_, Policy>>(policy, "policy", "a Policy")?.unbind(),
            None => Py::new(py, Policy(equipoise::policy::Policy::empty()))?,
        };
        let switches = match switches {
            Some(switches) => {
                let json = to_json(switches, "switches", 0)?.to_string();
                enter(py, || Switches::from_json(&json))?
            }
            None => Switches::default(),
        };
        let core = core::Scorer::with_switches(&policy.get().0, switches);
        Ok(Self { core, live: Mutex::new(policy), watcher: Mutex::new(None) })
    }

    /// The policy that is served now. Ask once per request: rows belong to one policy.
    #[getter]
    fn policy(&self, py: Python<'_>) -> PyResult<Py<Policy>> {
        let live = self.core.policy();
        let mut known = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get().0.id() != live.id() {
            *known = Py::new(py, Policy(live))?;
        }
        Ok(known.clone_ref(py))
    }

    /// Serve `policy` from now on. Requests that have begun keep the policy they were begun with; the one before is kept, to roll back to.
    ///
    /// Refused, with the live policy as it was: `policy.stale` (its validity is over), `policy.foreign` (of another programme, or, with
    /// `successor`, not a child of the live policy), `policy.older` (of a smaller epoch), `policy.worse` (less well certified).
    /// `force` installs it in any case.
    #[pyo3(signature = (policy, force=false, successor=false))]
    fn install(&self, policy: &Bound<'_, PyAny>, force: bool, successor: bool) -> PyResult<()> {
        let bound = extract::<Bound<'_, Policy>>(policy, "policy", "a Policy")?;
        enter(policy.py(), || self.core.install(&bound.get().0, install_of(force, successor)))?;
        if self.core.policy().id() == bound.get().0.id() {
            *self.live.lock().unwrap_or_else(PoisonError::into_inner) = bound.unbind();
        }
        Ok(())
    }

    /// Load and install a policy file; publish such files by rename. Returns the live policy.
    #[pyo3(signature = (path, force=false, successor=false))]
    fn install_file(&self, py: Python<'_>, path: &Bound<'_, PyAny>, force: bool, successor: bool) -> PyResult<Py<Policy>> {
        let path: PathBuf = extract(path, "path", "a path")?;
        enter_detached(py, || self.core.install_file(&path, install_of(force, successor)))?;
        self.policy(py)
    }

    /// Serve one of the policies `kept` again, older and worse though it may be. Returns the live policy.
    fn rollback(&self, policy_id: &Bound<'_, PyAny>) -> PyResult<Py<Policy>> {
        let (py, id) = (policy_id.py(), text(policy_id, "policy_id")?);
        enter(py, || self.core.rollback(equipoise::policy::parse_id(&id)?))?;
        self.policy(py)
    }

    /// The ids of the policies that `rollback` can go back to, the latest first.
    #[getter]
    fn kept(&self) -> Vec<String> {
        self.core.kept().iter().map(equipoise::Policy::id_hex).collect()
    }

    /// Why the last install, rollback or look at a watched file failed: an Error; None if none has failed since the last that did not.
    #[getter]
    fn last_refusal<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.core.last_refusal().map(|e| to_python(py, &e).into_value(py).into_bound(py).into_any())
    }

    /// Watch a policy file from a thread of its own: it is installed now and whenever it changes, looked at every `interval` seconds.
    ///
    /// What is refused is counted and told by `last_refusal`. A forked child does not watch; it may call `watch` again.
    #[pyo3(signature = (path, interval=1.0, force=false, successor=false))]
    fn watch(&self, py: Python<'_>, path: &Bound<'_, PyAny>, interval: f64, force: bool, successor: bool) -> PyResult<()> {
        let path: PathBuf = extract(path, "path", "a path")?;
        if !(interval > 0.0 && interval <= LONGEST) {
            return Err(refuse(py, codes::RANGE, "interval", format!("found {interval}, wanted seconds in (0, {LONGEST}]")));
        }
        self.stop_watching(py);
        let watch = FileWatch::new(path, install_of(force, successor));
        let watcher = enter(py, || self.core.watch(watch, Duration::from_secs_f64(interval)))?;
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
        Ok(())
    }

    /// Watch no file any more.
    fn unwatch(&self, py: Python<'_>) {
        self.stop_watching(py);
    }

    /// Whether a file is watched in this process.
    #[getter]
    fn watching(&self) -> bool {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(Watcher::is_running)
    }

    /// Switch promotion off for every request scored from now on, on all threads: reason "switched_off", organic order. Survives installs.
    ///
    /// `scope` is "campaign", "artist", "label", "licensor", "market", "surface" or, without a name, "all". Returns whether it was on. A market or
    /// surface that the policy does not know is off with all unknown ones; see `unmatched_switches`.
    #[pyo3(signature = (scope, name=None))]
    fn switch_off(&self, scope: &Bound<'_, PyAny>, name: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        self.set_switch(scope, name, false)
    }

    /// Switch promotion on again; other switches that cover it still count. Returns whether it was off.
    #[pyo3(signature = (scope, name=None))]
    fn switch_on(&self, scope: &Bound<'_, PyAny>, name: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        self.set_switch(scope, name, true)
    }

    /// What is switched off, as a dict that JSON can say: "all", and a list of ids per scope. May be assigned.
    #[getter]
    fn switches<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &self.core.switches().to_json())
    }

    #[setter]
    fn set_switches(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let json = to_json(value, "switches", 0)?.to_string();
        self.core.set_switches(enter(value.py(), || Switches::from_json(&json))?);
        Ok(())
    }

    /// Switches that are off and name nothing that the live policy knows, as (scope, id): not yet there, or misspelt.
    #[getter]
    fn unmatched_switches(&self) -> Vec<(&'static str, String)> {
        self.core.unmatched_switches().into_iter().map(|(scope, id)| (scope.name(), id)).collect()
    }

    /// Give every campaign without a breaker of its own this rule, or `campaign` one of its own; None takes it away.
    ///
    /// A rule is a dict: measure, threshold, least_events, window, action ({"kind": "stop"} or {"kind": "damp", "share": s}) and reset
    /// ({"kind": "manual"}, {"kind": "after", "seconds": t} or {"kind": "probe", "seconds": t, "share": s, "events": n}).
    #[pyo3(signature = (rule, campaign=None))]
    fn set_breaker(&self, py: Python<'_>, rule: Option<&Bound<'_, PyAny>>, campaign: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let json = rule.map(|rule| to_json(rule, "breaker", 0)).transpose()?;
        let rule = json.map(|json| enter(py, || Breaker::from_json(&json.to_string()))).transpose()?;
        let campaign = campaign.map(|campaign| text(campaign, "campaign")).transpose()?;
        enter(py, || self.core.set_breaker(campaign.as_deref(), rule))
    }

    /// Count `events` of a campaign, `responses` of them bad, at `now` (a zoned datetime or microseconds since 1970 UTC; None reads the clock).
    ///
    /// Returns how its breaker stands then: "closed", "tripped", "probing"; None where it has none, or no policy (live or kept) knows it.
    #[pyo3(signature = (campaign, events, responses, now=None))]
    fn record_response(
        &self,
        campaign: &Bound<'_, PyAny>,
        events: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<&'static str>> {
        let (py, campaign) = (campaign.py(), text(campaign, "campaign")?);
        let count = |value, name| extract::<u64>(value, name, "an integer from 0");
        let (events, responses) = (count(events, "events")?, count(responses, "responses")?);
        let now = now.map(|t| instant(t, "now")).transpose()?;
        let state = enter(py, || self.core.record_response(&campaign, events, responses, now))?;
        Ok(state.map(core::BreakerState::name))
    }

    /// Reset a campaign's breaker by hand; returns whether it had been tripped.
    fn reset_breaker(&self, campaign: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.core.reset_breaker(&text(campaign, "campaign")?))
    }

    /// Rules of breakers and how every campaign stands, as a dict that JSON can say. May be assigned, after a restart.
    #[getter]
    fn breakers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &self.core.breakers().to_json())
    }

    #[setter]
    fn set_breakers(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let json = to_json(value, "breakers", 0)?.to_string();
        self.core.set_breakers(enter(value.py(), || Breakers::from_json(&json))?);
        Ok(())
    }

    /// Time one request in `every` (rounded up to a power of two, 64 at first); 0 times none. A timed request reads a clock twice.
    fn time_every(&self, every: &Bound<'_, PyAny>) -> PyResult<()> {
        self.core.time_every(extract(every, "every", "an integer in 0..2^32")?);
        Ok(())
    }

    /// Every number of `metric_series()`, in its order, as (name, labels, value). Costs some microseconds.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let metrics = self.core.metrics();
        let told = metrics.iter().map(|(series, value)| (series.name, labels(py, series)?, value).into_pyobject(py));
        PyList::new(py, told.collect::<PyResult<Vec<_>>>()?)
    }

    /// Prepare a request for up to `max_candidates` candidates with the measures of the policy that is served now.
    #[pyo3(signature = (max_candidates=None), text_signature = "($self, max_candidates=2000)")]
    fn request(&self, py: Python<'_>, max_candidates: Option<&Bound<'_, PyAny>>) -> PyResult<Request> {
        let names = self.core.policy().measures().to_vec();
        match max_candidates {
            Some(n) => Request::new(py, &self.core, n, names),
            None => Request::new(py, &self.core, 2000_u32.into_pyobject(py)?.as_any(), names),
        }
    }

    /// Bind many requests as columns, to be scored by one call, again and again: request t has the candidates starts[t]..starts[t + 1].
    ///
    /// `starts` int64 (k + 1,), from 0 to n; `campaign` uint32 (n,): rows of `policy` (`Policy.resolve`); `measures`: a dict of a float32 column
    /// (n,) for each of the policy's measures, `displacement` only if it is not to be filled, or one float32 array (n, m) in C or Fortran order.
    /// `organic` float32, `item` and `frequency` uint32, all (n,), may be absent. Columns are NumPy arrays or Arrow arrays of one chunk without
    /// nulls, and are not copied: what they hold when `score` is called is scored.
    ///
    /// `market`, `surface`, `time`, `slots`, `key` and `reference` are as for `Request.begin`, one value for all requests or k of them, which are
    /// copied: a list or Arrow column of strings; int64 microseconds, uint32, uint64 and float32 arrays. `key` None numbers the requests from 0.
    /// `drop_invalid` is as for `Request.options`.
    #[pyo3(signature = (policy, starts, campaign, measures, *, organic=None, item=None, frequency=None, market=None, surface=None, time=None, slots=None, key=None, reference=None, drop_invalid=false))]
    fn batch(
        &self,
        policy: &Bound<'_, PyAny>,
        starts: &Bound<'_, PyAny>,
        campaign: &Bound<'_, PyAny>,
        measures: &Bound<'_, PyAny>,
        organic: Option<&Bound<'_, PyAny>>,
        item: Option<&Bound<'_, PyAny>>,
        frequency: Option<&Bound<'_, PyAny>>,
        market: Option<&Bound<'_, PyAny>>,
        surface: Option<&Bound<'_, PyAny>>,
        time: Option<&Bound<'_, PyAny>>,
        slots: Option<&Bound<'_, PyAny>>,
        key: Option<&Bound<'_, PyAny>>,
        reference: Option<&Bound<'_, PyAny>>,
        drop_invalid: bool,
    ) -> PyResult<Batch> {
        let rows = Rows::new(policy, starts, campaign, measures, organic, item, frequency)?;
        let requests = Requests::new(policy, rows.requests(), market, surface, time, slots, key, reference, drop_invalid)?;
        Batch::new(policy, &self.core, rows, requests)
    }

    /// Every opportunity of a table by the serving rule: promotion_score, picked, position, reason, policy_id, aligned with its rows.
    ///
    /// `table`, `naive` and `fill` are as for `Opportunities`; the policy's measures are its measure columns, `displacement` only if it is there.
    /// Columns of float32 without nulls are not copied. All processors take part where the table is long, with the interpreter released;
    /// Ctrl-C ends the scoring. Nothing is counted by `metrics`.
    #[pyo3(signature = (table, naive=None, fill=None))]
    fn score<'py>(
        &self,
        py: Python<'py>,
        table: &Bound<'py, PyAny>,
        naive: Option<&Bound<'py, PyAny>>,
        fill: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let policy = &self.core.policy();
        let options = options(naive, fill)?;
        let source = Source::new(table, "table")?;
        let gates = self.core.gates(policy);
        source.score(py, policy, gates.as_deref(), &options)
    }

    fn __repr__(&self) -> String {
        format!("Scorer({})", Policy(self.core.policy()).__repr__())
    }
}

fn labels<'py>(py: Python<'py>, series: &observe::Series) -> PyResult<Bound<'py, PyDict>> {
    let labels = PyDict::new(py);
    if let Some((key, value)) = &series.label {
        labels.set_item(key, value)?;
    }
    Ok(labels)
}

/// What the numbers of `Scorer.metrics` are called: (name, labels, kind, unit, help). Kinds are "counter", "gauge", "bucket" (how many observations
/// were at most the label "le") and "sum"; units are UCUM.
#[pyfunction]
pub(crate) fn metric_series(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyTuple>>> {
    observe::series().iter().map(|s| (s.name, labels(py, s)?, s.kind.name(), s.unit, s.help).into_pyobject(py)).collect()
}
