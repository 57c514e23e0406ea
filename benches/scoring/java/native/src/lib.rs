//! The native kernel on the bench's requests, called from inside the JVM, so that it and the Java variants are timed in one process. Class
//! `io.equipoise.bench.NativeLoop`.

#[path = "../../../rust/src/instance.rs"]
#[allow(dead_code, reason = "shared with the Rust part of the bench, which uses all of it")]
mod instance;

use equipoise::policy::Policy;
use equipoise::score::{Request, Workspace};
use instance::{Columns, Reference, draft};
use jni::EnvUnowned;
use jni::objects::JClass;
use jni::sys::{jint, jlong};
use std::hint::black_box;

/// Requests that take turns: of campaigns as many as there are turns, of all else a few, each with a workspace of its own, as in Java.
struct Loop {
    policy: Policy,
    rows: Vec<Vec<u32>>,
    shared: Vec<(Columns, Workspace)>,
    at: usize,
}

/// A loop over `turns` requests of `n` candidates under a policy of `campaigns` campaigns, `shared` of which have organic scores and measures of
/// their own; 0 where something is wrong.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_equipoise_bench_NativeLoop_create(
    _env: EnvUnowned,
    _class: JClass,
    campaigns: jint,
    n: jint,
    turns: jint,
    shared: jint,
) -> jlong {
    let Ok(policy) = draft(campaigns as u32).and_then(|draft| Policy::new(&draft)) else { return 0 };
    let columns = |turn| Columns::new(turn, n as usize, campaigns as u32, &policy, Reference::Given);
    let rows = (0..turns as u64).map(|turn| columns(turn).rows).collect();
    let shared = (0..shared as u64).map(|turn| (columns(turn), Workspace::with_capacity(n as usize))).collect();
    Box::into_raw(Box::new(Loop { rows, shared, at: 0, policy })) as jlong
}

/// Scores the next `count` requests and gives the number of picks.
///
/// # Safety
/// `handle` is from `create`, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_equipoise_bench_NativeLoop_run(_env: EnvUnowned, _class: JClass, handle: jlong, count: jint) -> jint {
    // SAFETY: by the caller's promise.
    let it = unsafe { &mut *(handle as *mut Loop) };
    let mut picks = 0;
    for _ in 0..count {
        let shared = it.at % it.shared.len();
        let (columns, workspace) = &mut it.shared[shared];
        let request = Request { campaign: &it.rows[it.at], ..columns.request(false) };
        picks += it.policy.score(black_box(&request), workspace).map_or(0, |decision| decision.picks().len());
        it.at = if it.at + 1 == it.rows.len() { 0 } else { it.at + 1 };
    }
    picks as jint
}
