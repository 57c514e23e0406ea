//! Workspaces as Java sees them: a handle, and direct memory that holds a request and its results.

use crate::critical::{HeapArray, Held};
use crate::error::Fault;
use crate::layout::Layout;
use crate::options::Options;
use crate::policy::{POLICIES, strings};
use crate::scorer::SCORERS;
use crate::table::Table;
use equipoise::error::{Error, Result, codes};
use equipoise::model::Reason;
use equipoise::policy::Policy;
use equipoise::score::{DecisionRecord, Explanation, Measures, Recording, Request, Scorer, UNWRITTEN, Workspace};
use jni::Env;
use jni::objects::{JByteBuffer, JClass, JDoubleArray, JIntArray, JLongArray, JObject, JObjectArray, JString};
use jni::refs::Global;
use jni::sys::{jfloat, jint, jlong};

/// Every workspace that Java holds.
pub(crate) static WORKSPACES: Table<State> = Table::new(2, "workspace");

/// Flags of `score`: which of the optional inputs are there. The numbers are those of `Native.java`.
const TIME: jint = 1;
const SLOTS: jint = 2;
const REFERENCE: jint = 4;
const ORGANIC: jint = 8;
const ITEM: jint = 16;
/// Measures are in the packed column, or in an array of the heap, and not in columns of their own.
pub(crate) const PACKED: jint = 1 << 16;
pub(crate) const HEAP: jint = 1 << 17;
/// Those lie candidate by candidate, and not measure by measure.
const BY_CANDIDATE: jint = 1 << 18;

/// What stands behind one workspace.
pub(crate) struct State {
    /// Whose switches, breakers and counters it takes part in.
    scorer: Scorer,
    core: Workspace,
    memory: Option<Memory>,
    /// The policy scored with last. Java keeps a policy reachable while it is begun, so a policy that is no longer begun anywhere is
    /// freed by the collector's thread and not here, but for a request that was begun with another and not scored yet.
    policy: Option<(jlong, Policy)>,
    last: Option<Scalars>,
    options: Options,
    /// Set while scoring: still set at the next use, it tells of a panic that left `core` in an unknown state.
    dirty: bool,
}

/// Direct memory that the JVM owns; the reference keeps it alive.
struct Memory {
    _owner: Global<JByteBuffer<'static>>,
    start: *mut u8,
    layout: Layout,
    capacity: usize,
    measures: usize,
}

// SAFETY: the pointer is to memory that belongs to no thread, and lives as long as `_owner`.
unsafe impl Send for Memory {}
// SAFETY: shared access only reads the fields; the memory behind `start` is touched under the table's exclusive lock alone.
unsafe impl Sync for Memory {}

/// A request without its columns.
#[derive(Clone, Copy)]
pub(crate) struct Scalars {
    pub(crate) n: jint,
    pub(crate) flags: jint,
    pub(crate) time: jlong,
    pub(crate) key: jlong,
    pub(crate) market: jint,
    pub(crate) surface: jint,
    pub(crate) slots: jint,
    pub(crate) reference: jfloat,
}

impl Memory {
    /// The `n` values of a column.
    ///
    /// # Safety
    /// `offset` is a column of `T` in the layout, and `n` at most its length. Java code that writes to a view while this is in use
    /// breaks its own contract; all values are read as plain numbers of which every bit pattern is valid.
    unsafe fn column<T>(&self, offset: usize, n: usize) -> &[T] {
        // SAFETY: within the memory by the caller's promise and the check of the layout in `attach`; aligned, as the start is.
        unsafe { std::slice::from_raw_parts(self.start.add(offset).cast(), n) }
    }

    /// The same to write to.
    ///
    /// # Safety
    /// As [`Memory::column`]; no other reference to this column is in use.
    #[expect(clippy::mut_from_ref, reason = "the memory is not owned by this value")]
    unsafe fn column_mut<T>(&self, offset: usize, n: usize) -> &mut [T] {
        // SAFETY: as in `column`, and exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset).cast(), n) }
    }

    /// The request of these scalars; `heap` are the measures where they are in no column of this memory.
    #[inline]
    fn request<'a>(&'a self, scalars: &Scalars, measures: usize, heap: Option<&'a [f32]>) -> Result<Request<'a>> {
        let n = usize::try_from(scalars.n).ok().filter(|n| *n <= self.capacity);
        let n = n.ok_or_else(|| Error::new(codes::SHAPE, "n", None, format!("is {}, the capacity is {}", scalars.n, self.capacity)))?;
        if measures > self.measures {
            return Err(Error::new(
                codes::SHAPE,
                "measures",
                None,
                format!("the policy has {measures}, there is room for {}", self.measures),
            ));
        }
        let slots = u32::try_from(scalars.slots)
            .map_err(|_| Error::new(codes::RANGE, "slots", None, format!("is {}, wanted at least 0", scalars.slots)))?;
        let given = |flag: jint| scalars.flags & flag != 0;
        let layout = &self.layout;
        let packed = if given(PACKED) { n } else { 0 };
        if packed > layout.packed_candidates {
            return Err(Error::new(codes::SHAPE, "measures", None, format!("are packed for {n}, {} fit", layout.packed_candidates)));
        }
        // SAFETY: offsets and lengths are those of the layout; `measures` columns of `stride` values each lie one after the other, and
        // `packed_candidates` times `measures` values in the packed one.
        let together = unsafe {
            match heap {
                Some(values) => values,
                None if given(PACKED) => self.column(layout.packed, n * measures),
                None => self.column(layout.measures, layout.stride * measures),
            }
        };
        let measures = match (given(BY_CANDIDATE), given(PACKED) || heap.is_some()) {
            (true, _) => Measures::Rows { values: together, stride: measures },
            (false, true) => Measures::Columns { values: together, stride: n },
            (false, false) => Measures::Columns { values: together, stride: layout.stride },
        };
        // SAFETY: offsets and lengths are those of the layout.
        unsafe {
            Ok(Request {
                market: scalars.market as u32,
                surface: scalars.surface as u32,
                time: given(TIME).then_some(scalars.time),
                slots: given(SLOTS).then_some(slots),
                key: scalars.key as u64,
                reference: given(REFERENCE).then_some(scalars.reference),
                organic: given(ORGANIC).then(|| self.column(layout.organic, n)),
                item: given(ITEM).then(|| self.column(layout.item, n)),
                ..Request::new(self.column(layout.campaign, n), measures)
            })
        }
    }
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

    fn score(&mut self, policy: jlong, scalars: Scalars, heap: Option<HeapArray<'_, '_>>) -> Result<jint> {
        if self.dirty {
            self.core = Workspace::with_capacity(0);
        }
        self.last = None;
        self.dirty = true;
        let outcome = self.score_clean(policy, scalars, heap);
        self.dirty = false;
        outcome
    }

    fn score_clean(&mut self, policy: jlong, scalars: Scalars, heap: Option<HeapArray<'_, '_>>) -> Result<jint> {
        if self.policy.as_ref().is_none_or(|bound| bound.0 != policy) {
            self.policy = Some((policy, POLICIES.get(policy)?));
        }
        let (Some((_, policy)), Some(memory)) = (&self.policy, &self.memory) else {
            return Err(Error::new(codes::NOT_BEGUN, "workspace", None, "has no memory"));
        };
        // Whatever may block is done: from here on the JVM may be waiting for this thread.
        let held = heap.as_ref().map(HeapArray::hold).transpose()?;
        let request = match memory.request(&scalars, policy.measures().len(), held.as_ref().map(Held::values)) {
            Ok(request) => request,
            Err(error) => {
                self.scorer.count_failure(&mut self.core, &error);
                return Err(error);
            }
        };
        let request = self.options.add(scalars.flags, request);
        let decision = self.scorer.score(policy, &request, &mut self.core)?;
        let n = request.campaign.len();
        let picks = decision.picks().len();
        // SAFETY: results are columns of their own, as long as the capacity; a request has at most n picks.
        unsafe {
            memory.column_mut::<f32>(memory.layout.scores, n).copy_from_slice(decision.scores());
            memory.column_mut::<u32>(memory.layout.picks, picks).copy_from_slice(decision.picks());
            memory.column_mut::<u32>(memory.layout.positions, picks).copy_from_slice(decision.positions());
            for (to, reason) in memory.column_mut::<u8>(memory.layout.reasons, n).iter_mut().zip(decision.reasons()) {
                *to = *reason as u8;
            }
        }
        self.last = Some(scalars);
        Ok(picks as jint)
    }

    /// The policy and the request of the last score.
    fn scored(&self) -> Result<(&Policy, Request<'_>)> {
        let (Some(scalars), Some((_, policy)), Some(memory)) = (&self.last, &self.policy, &self.memory) else {
            return Err(Error::new(codes::NOT_BEGUN, "workspace", None, "has no results; call score first"));
        };
        if scalars.flags & HEAP != 0 {
            return Err(Error::new(codes::NOT_BEGUN, "measures", None, "were scored in an array that is not held any more"));
        }
        let request = memory.request(scalars, policy.measures().len(), None)?;
        Ok((policy, self.options.add(scalars.flags, request)))
    }

    fn explain(&self, i: jint) -> Result<(Explanation, Vec<String>)> {
        let (policy, request) = self.scored()?;
        let i = usize::try_from(i).map_err(|_| Error::new(codes::ROW, "i", None, format!("is {i}")))?;
        let explanation = policy.explain(&request, &self.core, i)?;
        let names = explanation.terms.iter().map(|term| policy.term_name(term)).collect();
        Ok((explanation, names))
    }

    pub(crate) fn record(&self, what: Recording) -> Result<DecisionRecord> {
        let (policy, request) = self.scored()?;
        policy.record(&request, &self.core, what)
    }

    fn blend(&mut self) -> Result<Vec<jint>> {
        let mut core = std::mem::take(&mut self.core);
        let order = self
            .scored()
            .and_then(|(policy, request)| policy.blend(&request, &mut core).map(|order| order.iter().map(|i| *i as jint).collect()));
        self.core = core;
        order
    }

    /// There are no results of the options that are about to change.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    pub(crate) fn options(&mut self) -> &mut Options {
        &mut self.options
    }
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
    let before = WORKSPACES.exclusively(workspace, |state| {
        state.last = None;
        Ok(state.memory.replace(Memory { _owner: owner, start, layout, capacity: capacity as usize, measures: measures as usize }))
    })?;
    drop(before);
    Ok(())
}

pub(crate) fn score(workspace: jlong, policy: jlong, scalars: Scalars, heap: Option<HeapArray<'_, '_>>) -> Result<jint> {
    WORKSPACES.exclusively(workspace, |state| state.score(policy, scalars, heap))
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
