//! Workspaces as Java sees them: a handle, and direct memory that holds a request and its results.

use crate::critical::{HeapArray, Held};
use crate::error::Fault;
use crate::layout::Layout;
use crate::memory::{BY_CANDIDATE, HEAP, Memory, Scalars};
use crate::options::Options;
use crate::policy::{POLICIES, strings};
use crate::scorer::SCORERS;
use crate::table::Table;
use equipoise::error::{Error, Result, codes};
use equipoise::memory::spared;
use equipoise::model::Reason;
use equipoise::policy::Policy;
use equipoise::score::{DecisionRecord, Explanation, Recording, Request, Scorer, UNWRITTEN, Workspace};
use jni::Env;
use jni::objects::{JByteBuffer, JClass, JDoubleArray, JIntArray, JLongArray, JObject, JObjectArray, JString};
use jni::sys::{jint, jlong};

/// Every workspace that Java holds.
pub(crate) static WORKSPACES: Table<State> = Table::new(2, "workspace");

/// What stands behind one workspace.
pub(crate) struct State {
    /// Whose switches, breakers and counters it takes part in.
    scorer: Scorer,
    /// Writes its results to `memory` where there is one, and so goes before it.
    core: Workspace,
    memory: Option<Memory>,
    /// The policy scored with last. Java keeps a policy reachable while it is begun, so a policy that is no longer begun anywhere is
    /// freed by the collector's thread and not here, but for a request that was begun with another and not scored yet.
    policy: Option<(jlong, Policy)>,
    last: Option<Scalars>,
    options: Options,
    /// Set while scoring or blending: still set at the next use, it tells of a panic that left `core` in an unknown state.
    dirty: bool,
}

impl State {
    fn new(scorer: Scorer) -> Self {
        Self {
            scorer,
            core: Workspace::with_capacity(0),
            memory: None,
            policy: None,
            last: None,
            options: Options::default(),
            dirty: false,
        }
    }

    /// Has results written to other memory; gives back the memory of before.
    fn attach(&mut self, memory: Memory) -> Option<Memory> {
        self.last = None;
        // SAFETY: the memory is new, and kept until `core` is gone or attached elsewhere.
        unsafe { memory.take_results_of(&mut self.core) };
        self.memory.replace(memory)
    }

    #[inline]
    fn score(&mut self, policy: jlong, scalars: &Scalars, heap: Option<HeapArray<'_, '_>>) -> Result<jint> {
        if self.dirty {
            self.renew();
        }
        self.last = None;
        self.dirty = true;
        let outcome = self.score_clean(policy, scalars, heap);
        self.dirty = false;
        outcome
    }

    /// Begins anew after a panic.
    #[cold]
    fn renew(&mut self) {
        self.core = Workspace::with_capacity(0);
        if let Some(memory) = &self.memory {
            // SAFETY: the workspace that wrote here is gone; this one is, or is attached elsewhere, before the memory goes.
            unsafe { memory.take_results_of(&mut self.core) };
        }
    }

    #[cold]
    fn bind(&mut self, policy: jlong) -> Result<()> {
        self.policy = Some((policy, POLICIES.get(policy)?));
        Ok(())
    }

    #[inline]
    fn score_clean(&mut self, policy: jlong, scalars: &Scalars, heap: Option<HeapArray<'_, '_>>) -> Result<jint> {
        if self.policy.as_ref().is_none_or(|bound| bound.0 != policy) {
            self.bind(policy)?;
        }
        let (Some((_, policy)), Some(memory)) = (&self.policy, &self.memory) else { return Err(not_begun("has no memory")) };
        // Whatever may block is done: from here on the JVM may be waiting for this thread.
        let held = heap.as_ref().map(HeapArray::hold).transpose()?;
        let measures = policy.measures().len();
        let n = match memory.check(scalars, measures) {
            Ok(n) => n,
            Err(error) => {
                self.scorer.count_failure(&mut self.core, &error);
                return Err(error);
            }
        };
        // SAFETY: checked just now.
        let mut request = unsafe { memory.request(scalars, n, measures, held.as_ref().map(Held::values)) };
        self.options.add(scalars.flags, &mut request);
        let picks = self.scorer.score(policy, &request, &mut self.core)?.picks().len();
        self.last = Some(*scalars);
        Ok(picks as jint)
    }

    fn explain(&self, i: jint) -> Result<(Explanation, Vec<String>)> {
        let (policy, request) = scored(self.last.as_ref(), self.policy.as_ref(), self.memory.as_ref(), &self.options)?;
        let i = usize::try_from(i).map_err(|_| Error::new(codes::ROW, "i", None, format!("is {i}")))?;
        let explanation = policy.explain(&request, &self.core, i)?;
        let names = explanation.terms.iter().map(|term| policy.term_name(term)).collect();
        Ok((explanation, names))
    }

    pub(crate) fn record(&self, what: Recording) -> Result<DecisionRecord> {
        let (policy, request) = scored(self.last.as_ref(), self.policy.as_ref(), self.memory.as_ref(), &self.options)?;
        policy.record(&request, &self.core, what)
    }

    fn blend(&mut self) -> Result<Vec<jint>> {
        // There are no results after a panic.
        let (last, dirty) = (self.last.take(), std::mem::replace(&mut self.dirty, true));
        let order = scored(last.as_ref(), self.policy.as_ref(), self.memory.as_ref(), &self.options)
            .and_then(|(policy, request)| policy.blend(&request, &mut self.core))
            .and_then(|order| spared("workspace", size_of_val(order), || Ok(order.iter().map(|i| *i as jint).collect())));
        (self.last, self.dirty) = (last, dirty);
        order
    }

    /// Writes the reasons of the last score to their column: few ask for them, so a score does not.
    fn tell_reasons(&mut self) -> Result<()> {
        let (Some(_), Some(memory)) = (&self.last, &mut self.memory) else { return Err(not_begun(NO_RESULTS)) };
        memory.take_reasons(self.core.reasons());
        Ok(())
    }

    /// There are no results of the options that are about to change.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    pub(crate) fn options(&mut self) -> &mut Options {
        &mut self.options
    }
}

const NO_RESULTS: &str = "has no results; call score first";

fn not_begun(what: &str) -> Error {
    Error::new(codes::NOT_BEGUN, "workspace", None, what)
}

/// The policy and the request of the last score. Of parts of a [`State`], so that the others can be changed.
fn scored<'a>(
    last: Option<&Scalars>,
    policy: Option<&'a (jlong, Policy)>,
    memory: Option<&'a Memory>,
    options: &'a Options,
) -> Result<(&'a Policy, Request<'a>)> {
    let (Some(scalars), Some((_, policy)), Some(memory)) = (last, policy, memory) else { return Err(not_begun(NO_RESULTS)) };
    if scalars.flags & HEAP != 0 {
        return Err(Error::new(codes::NOT_BEGUN, "measures", None, "were scored in an array that is not held any more"));
    }
    let measures = policy.measures().len();
    let n = memory.check(scalars, measures)?;
    // SAFETY: checked just now.
    let mut request = unsafe { memory.request(scalars, n, measures, None) };
    options.add(scalars.flags, &mut request);
    Ok((policy, request))
}

pub(crate) fn new<'local>(_env: &mut Env<'local>, _class: JClass<'local>, scorer: jlong) -> std::result::Result<jlong, Fault> {
    Ok(WORKSPACES.insert(State::new(SCORERS.get(scorer)?))?)
}

pub(crate) fn release<'local>(_env: &mut Env<'local>, _class: JClass<'local>, workspace: jlong) -> std::result::Result<(), Fault> {
    WORKSPACES.release(workspace);
    Ok(())
}

pub(crate) fn layout<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    capacity: jint,
    measures: jint,
) -> std::result::Result<JLongArray<'local>, Fault> {
    let layout = checked_layout(capacity, measures)?;
    let numbers = [
        layout.organic,
        layout.campaign,
        layout.item,
        layout.scores,
        layout.picks,
        layout.positions,
        layout.reasons,
        layout.measures,
        layout.stride,
        layout.packed,
        layout.packed_candidates,
        layout.total,
    ];
    let array = env.new_long_array(numbers.len())?;
    array.set_region(env, 0, &numbers.map(|x| x as jlong))?;
    Ok(array)
}

fn checked_layout(capacity: jint, measures: jint) -> Result<Layout> {
    usize::try_from(capacity)
        .ok()
        .zip(usize::try_from(measures).ok())
        .and_then(|(capacity, measures)| Layout::new(capacity, measures))
        .ok_or_else(|| Error::new(codes::RANGE, "capacity", None, format!("{capacity} candidates of {measures} measures")))
}

pub(crate) fn attach<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    memory: JByteBuffer<'local>,
    capacity: jint,
    measures: jint,
) -> std::result::Result<(), Fault> {
    let layout = checked_layout(capacity, measures)?;
    let start = env.get_direct_buffer_address(&memory)?;
    let length = env.get_direct_buffer_capacity(&memory)?;
    if length < layout.total || start.align_offset(64) != 0 {
        return Err(Error::new(codes::SHAPE, "memory", None, format!("has {length} bytes, wanted {} on a cache line", layout.total)).into());
    }
    let owner = env.new_global_ref(&memory)?;
    // SAFETY: both were checked just now.
    let memory = unsafe { Memory::new(owner, start, layout, capacity as usize, measures as usize) };
    let before = WORKSPACES.exclusively(workspace, |state| Ok(state.attach(memory)))?;
    drop(before);
    Ok(())
}

#[inline]
pub(crate) fn score(workspace: jlong, policy: jlong, scalars: &Scalars, heap: Option<HeapArray<'_, '_>>) -> Result<jint> {
    WORKSPACES.exclusively(workspace, |state| state.score(policy, scalars, heap))
}

/// Writes the reasons of the last score to their column.
pub(crate) fn tell_reasons<'local>(_env: &mut Env<'local>, _class: JClass<'local>, workspace: jlong) -> std::result::Result<(), Fault> {
    Ok(WORKSPACES.exclusively(workspace, State::tell_reasons)?)
}

/// The measures of the last score, which were in an array, are in their columns now.
pub(crate) fn settled<'local>(_env: &mut Env<'local>, _class: JClass<'local>, workspace: jlong) -> std::result::Result<(), Fault> {
    Ok(WORKSPACES.exclusively(workspace, |state| {
        if let Some(scalars) = &mut state.last {
            scalars.flags &= !(HEAP | BY_CANDIDATE);
        }
        Ok(())
    })?)
}

pub(crate) fn explain<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    i: jint,
) -> std::result::Result<JObjectArray<'local>, Fault> {
    let (explanation, names) = WORKSPACES.exclusively(workspace, |state| state.explain(i))?;
    let names = strings(env, names.iter().map(String::as_str))?;
    let kinds = strings(env, explanation.terms.iter().map(|t| t.kind.name()))?;
    let mut numbers: Vec<f64> = explanation.terms.iter().map(|t| t.amount).collect();
    numbers.push(explanation.total);
    let amounts: JDoubleArray = env.new_double_array(numbers.len())?;
    amounts.set_region(env, 0, &numbers)?;
    let lines = JObjectArray::<JObject>::new(env, 5, JObject::null())?;
    lines.set_element(env, 0, &names)?;
    lines.set_element(env, 1, &kinds)?;
    lines.set_element(env, 2, &amounts)?;
    if let Some(cause) = explanation.cause {
        let texts = strings(env, [cause.name, &cause.text])?;
        let numbers = [
            cause.lost_to.map_or(-1.0, f64::from),
            cause.term.map_or(-1.0, |term| term as f64),
            cause.found.unwrap_or(f64::NAN),
            cause.limit.unwrap_or(f64::NAN),
        ];
        let particulars: JDoubleArray = env.new_double_array(numbers.len())?;
        particulars.set_region(env, 0, &numbers)?;
        lines.set_element(env, 3, &texts)?;
        lines.set_element(env, 4, &particulars)?;
    }
    Ok(lines)
}

/// The final order of the last score's candidates.
pub(crate) fn blend<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
) -> std::result::Result<JIntArray<'local>, Fault> {
    let order = WORKSPACES.exclusively(workspace, State::blend)?;
    let array = env.new_int_array(order.len())?;
    array.set_region(env, 0, &order)?;
    Ok(array)
}

/// What the last score gave up, then the probability of each pick.
pub(crate) fn outcome<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
) -> std::result::Result<JDoubleArray<'local>, Fault> {
    let numbers = WORKSPACES.exclusively(workspace, |state| {
        let mut numbers = vec![state.core.given_up()];
        numbers.extend_from_slice(state.core.propensities());
        Ok(numbers)
    })?;
    let array = env.new_double_array(numbers.len())?;
    array.set_region(env, 0, &numbers)?;
    Ok(array)
}

/// The stable names of reasons, in the order of their numbers.
pub(crate) fn reasons<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
) -> std::result::Result<JObjectArray<'local, JString<'local>>, Fault> {
    strings(env, Reason::ALL.iter().map(|r| r.name()))
}

pub(crate) fn unwritten<'local>(_env: &mut Env<'local>, _class: JClass<'local>) -> std::result::Result<jint, Fault> {
    Ok(UNWRITTEN as jint)
}

/// Panics as a bug in scoring would: while the workspace is in use.
pub(crate) fn panic<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    message: JString<'local>,
) -> std::result::Result<(), Fault> {
    let message = message.try_to_string(env)?;
    WORKSPACES.exclusively(workspace, |state| {
        state.dirty = true;
        std::panic::resume_unwind(Box::new(message))
    })?;
    Ok(())
}
