//! The Java face: primitives and direct memory in, results written beside them, errors and panics mapped to exceptions.
//!
//! One symbol is exported, `JNI_OnLoad`, which registers the first methods of the Java class `io.equipoise.Native`; `bind` the others.
#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the JVM decides the signatures of native methods")]

mod argument;
mod critical;
mod error;
mod layout;
mod memory;
mod options;
mod policy;
mod record;
mod scorer;
mod sync;
mod table;
mod workspace;

use critical::HeapArray;
use equipoise::memory::Reserve;
use error::{Fault, Throw};
use jni::objects::{JClass, JFloatArray, JString};
use jni::sys::{JNI_ERR, JNI_VERSION_1_8, jfloat, jint, jlong};
use jni::{Env, EnvUnowned, JavaVM, NativeMethod, jni_str, native_method};
use memory::{HEAP, PACKED, Scalars};
use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The JVM must not end because a name or a message found no memory.
#[global_allocator]
static ALLOCATOR: Reserve = Reserve::new();

/// Bound when the library is loaded, so that classes of another version are told so, whatever methods they have.
const HANDSHAKE: &[NativeMethod] =
    &[native_method! { error_policy = Throw, static fn version() -> JString }, native_method! { error_policy = Throw, static fn bind() }];

/// Bound by `bind`, once the classes have found their own version. Those without a check of their kind are static in `Native.java`, and do not
/// look at the class that they are given.
const METHODS: &[NativeMethod] = &[
    native_method! { error_policy = Throw, static fn panic(message: JString) },
    native_method! { error_policy = Throw, fn = workspace::panic, static fn panic_in_workspace(workspace: jlong, message: JString) },
    native_method! { error_policy = Throw, fn = workspace::reasons, static fn reasons() -> [JString] },
    native_method! { error_policy = Throw, fn = workspace::unwritten, static fn unwritten() -> jint },
    native_method! { error_policy = Throw, fn = policy::load, static fn policy_load(path: [jbyte]) -> jlong },
    native_method! { error_policy = Throw, fn = policy::from_bytes, static fn policy_from_bytes(bytes: [jbyte]) -> jlong },
    native_method! { error_policy = Throw, fn = policy::empty, static fn policy_empty() -> jlong },
    native_method! { error_policy = Throw, fn = policy::release, static fn policy_release(policy: jlong) },
    native_method! { error_policy = Throw, fn = policy::id, static fn policy_id(policy: jlong) -> JString },
    native_method! { error_policy = Throw, fn = policy::size, static fn policy_size(policy: jlong) -> jint },
    native_method! { error_policy = Throw, fn = policy::measures, static fn policy_measures(policy: jlong) -> [JString] },
    native_method! {
        error_policy = Throw,
        fn = policy::rows,
        static fn policy_rows(policy: jlong, text: [jbyte], ends: [jint], out: [jint], count: jint) -> jint,
    },
    native_method! { error_policy = Throw, fn = policy::index, static fn policy_index(policy: jlong, what: jint, name: [jbyte]) -> jint },
    native_method! { error_policy = Throw, fn = policy::bytes, static fn policy_bytes(policy: jlong) -> [jbyte] },
    native_method! { error_policy = Throw, fn = policy::save, static fn policy_save(policy: jlong, path: [jbyte]) },
    native_method! {
        error_policy = Throw,
        fn = policy::with_valid_until,
        static fn policy_with_valid_until(policy: jlong, micros: jlong) -> jlong,
    },
    native_method! {
        error_policy = Throw,
        fn = policy::with_lineage,
        static fn policy_with_lineage(policy: jlong, programme: [jbyte], epoch: jlong, parent: [jbyte]) -> jlong,
    },
    native_method! { error_policy = Throw, fn = policy::metadata, static fn policy_metadata(policy: jlong) -> [JString] },
    native_method! { error_policy = Throw, fn = scorer::new, static fn scorer_new(policy: jlong, switches: [jbyte]) -> jlong },
    native_method! { error_policy = Throw, fn = scorer::release, static fn scorer_release(scorer: jlong) },
    native_method! { error_policy = Throw, fn = scorer::install, static fn scorer_install(scorer: jlong, policy: jlong, flags: jint) -> jint },
    native_method! {
        error_policy = Throw,
        fn = scorer::install_file,
        static fn scorer_install_file(scorer: jlong, path: [jbyte], flags: jint) -> jlong,
    },
    native_method! { error_policy = Throw, fn = scorer::rollback, static fn scorer_rollback(scorer: jlong, id: [jbyte]) -> jlong },
    native_method! { error_policy = Throw, fn = scorer::kept, static fn scorer_kept(scorer: jlong) -> [JString] },
    native_method! { error_policy = Throw, fn = scorer::refusal, static fn scorer_refusal(scorer: jlong) -> [JString] },
    native_method! {
        error_policy = Throw,
        fn = scorer::switch,
        static fn scorer_switch(scorer: jlong, scope: jint, id: [jbyte], on: jint) -> jint,
    },
    native_method! { error_policy = Throw, fn = scorer::switches, static fn scorer_switches(scorer: jlong) -> JString },
    native_method! { error_policy = Throw, fn = scorer::set_switches, static fn scorer_set_switches(scorer: jlong, switches: [jbyte]) },
    native_method! { error_policy = Throw, fn = scorer::unmatched, static fn scorer_unmatched(scorer: jlong) -> [JString] },
    native_method! {
        error_policy = Throw,
        fn = scorer::set_breaker,
        static fn scorer_set_breaker(scorer: jlong, campaign: [jbyte], rule: [jbyte]),
    },
    native_method! { error_policy = Throw, fn = scorer::breakers, static fn scorer_breakers(scorer: jlong) -> JString },
    native_method! { error_policy = Throw, fn = scorer::set_breakers, static fn scorer_set_breakers(scorer: jlong, breakers: [jbyte]) },
    native_method! {
        error_policy = Throw,
        fn = scorer::record,
        static fn scorer_record(scorer: jlong, campaign: [jbyte], events: jlong, responses: jlong, timed: jint, now: jlong) -> jint,
    },
    native_method! {
        error_policy = Throw,
        fn = scorer::reset_breaker,
        static fn scorer_reset_breaker(scorer: jlong, campaign: [jbyte]) -> jint,
    },
    native_method! { error_policy = Throw, fn = scorer::time_every, static fn scorer_time_every(scorer: jlong, every: jint) },
    native_method! { error_policy = Throw, fn = scorer::metrics, static fn scorer_metrics(scorer: jlong, out: [jdouble]) -> jint },
    native_method! { error_policy = Throw, fn = scorer::metric_series, static fn metric_series() -> [JString] },
    native_method! { error_policy = Throw, fn = scorer::watch_new, static fn watch_new(path: [jbyte], flags: jint) -> jlong },
    native_method! { error_policy = Throw, fn = scorer::watch_release, static fn watch_release(watch: jlong) },
    native_method! { error_policy = Throw, fn = scorer::watch_poll, static fn watch_poll(watch: jlong, scorer: jlong) -> jlong },
    native_method! { error_policy = Throw, fn = workspace::new, static fn workspace_new(scorer: jlong) -> jlong },
    native_method! { error_policy = Throw, fn = workspace::release, static fn workspace_release(workspace: jlong) },
    native_method! { error_policy = Throw, fn = workspace::layout, static fn workspace_layout(capacity: jint, measures: jint) -> [jlong] },
    native_method! {
        error_policy = Throw,
        fn = workspace::attach,
        static fn workspace_attach(workspace: jlong, memory: JByteBuffer, capacity: jint, measures: jint),
    },
    native_method! {
        abi_check = UnsafeNever,
        static raw fn score(
            workspace: jlong,
            policy: jlong,
            n: jint,
            flags: jint,
            time: jlong,
            key: jlong,
            market: jint,
            surface: jint,
            slots: jint,
            reference: jfloat,
        ) -> jint,
    },
    native_method! {
        abi_check = UnsafeNever,
        static raw fn score_array(
            workspace: jlong,
            policy: jlong,
            n: jint,
            flags: jint,
            time: jlong,
            key: jlong,
            market: jint,
            surface: jint,
            slots: jint,
            reference: jfloat,
            measures: [jfloat],
        ) -> jint,
    },
    native_method! {
        error_policy = Throw,
        fn = options::set,
        static fn option(workspace: jlong, what: jint, ints: [jint], floats: [jfloat], width: jint),
    },
    native_method! { error_policy = Throw, fn = workspace::blend, static fn blend(workspace: jlong) -> [jint] },
    native_method! { error_policy = Throw, fn = workspace::outcome, static fn outcome(workspace: jlong) -> [jdouble] },
    native_method! { error_policy = Throw, fn = record::record, static fn record(workspace: jlong, what: jint) -> [java.lang.Object] },
    native_method! { error_policy = Throw, fn = workspace::tell_reasons, static fn tell_reasons(workspace: jlong) },
    native_method! { error_policy = Throw, fn = record::parse, static fn record_of_json(json: [jbyte]) -> [java.lang.Object] },
    native_method! {
        error_policy = Throw,
        fn = record::replay,
        static fn record_replay(policy: jlong, json: [jbyte]) -> [java.lang.Object],
    },
    native_method! { error_policy = Throw, fn = workspace::settled, static fn settled(workspace: jlong) },
    native_method! { error_policy = Throw, fn = workspace::explain, static fn explain(workspace: jlong, i: jint) -> [java.lang.Object] },
];

/// Called by the JVM when it has loaded this library, on behalf of the class loader of `io.equipoise.Native`.
///
/// # Safety
/// For the JVM alone to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_OnLoad(vm: *mut jni::sys::JavaVM, _reserved: *mut c_void) -> jint {
    // SAFETY: the JVM passes its own, valid pointer.
    let vm = unsafe { JavaVM::from_raw(vm) };
    let registered = vm.attach_current_thread(|env| -> jni::errors::Result<()> {
        let class = env.find_class(jni_str!("io/equipoise/Native"))?;
        // SAFETY: the macro checked each signature against its function, and all of them are static.
        unsafe { env.register_native_methods(class, HANDSHAKE) }
    });
    if registered.is_ok() { JNI_VERSION_1_8 } else { JNI_ERR }
}

fn bind<'local>(env: &mut Env<'local>, class: JClass<'local>) -> Result<(), Fault> {
    // SAFETY: the macro checked each signature against its function, and all of them are static.
    Ok(unsafe { env.register_native_methods(class, METHODS) }?)
}

fn version<'local>(env: &mut Env<'local>, _class: JClass<'local>) -> Result<JString<'local>, Fault> {
    Ok(env.new_string(env!("CARGO_PKG_VERSION"))?)
}

/// Panics as a bug would, but for the report on standard error.
fn panic<'local>(env: &mut Env<'local>, _class: JClass<'local>, message: JString<'local>) -> Result<(), Fault> {
    resume_unwind(Box::new(message.try_to_string(env)?))
}

/// The one native call of a score. It needs the JVM only where something goes wrong.
#[expect(clippy::too_many_arguments, reason = "primitives, so that no Java object is read")]
fn score<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    policy: jlong,
    n: jint,
    flags: jint,
    time: jlong,
    key: jlong,
    market: jint,
    surface: jint,
    slots: jint,
    reference: jfloat,
) -> jint {
    let flags = flags & !HEAP;
    let scalars = Scalars { n, flags, time, key, market, surface, slots, reference };
    answer(env, || workspace::score(workspace, policy, &scalars, None))
}

/// The same with the measures in an array of the heap, which is read where it lies.
#[expect(clippy::too_many_arguments, reason = "primitives, so that one Java object is read")]
fn score_array<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    workspace: jlong,
    policy: jlong,
    n: jint,
    flags: jint,
    time: jlong,
    key: jlong,
    market: jint,
    surface: jint,
    slots: jint,
    reference: jfloat,
    measures: JFloatArray<'local>,
) -> jint {
    let flags = (flags | HEAP) & !PACKED;
    let scalars = Scalars { n, flags, time, key, market, surface, slots, reference };
    let measures = HeapArray::new(&env, &measures);
    answer(env, || workspace::score(workspace, policy, &scalars, Some(measures)))
}

/// The number of picks, or zero with an exception thrown.
#[inline]
fn answer(env: EnvUnowned, score: impl FnOnce() -> equipoise::Result<jint>) -> jint {
    match catch_unwind(AssertUnwindSafe(score)) {
        Ok(Ok(picks)) => picks,
        Ok(Err(error)) => fail(env, Ok(error)),
        Err(payload) => fail(env, Err(payload)),
    }
}

/// Throws what went wrong, which is an error or a panic.
#[cold]
fn fail(mut env: EnvUnowned, what: Result<equipoise::Error, Box<dyn Any + Send>>) -> jint {
    let fail = |_: &mut Env| -> Result<jint, Fault> {
        match what {
            Ok(error) => Err(Fault::from(error)),
            Err(payload) => resume_unwind(payload),
        }
    };
    env.with_env(fail).resolve::<Throw>()
}
