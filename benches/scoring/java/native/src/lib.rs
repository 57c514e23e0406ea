//! The native kernel on the bench's requests, called from inside the JVM or Python, so that it and their variants are timed in one process: class
//! `io.equipoise.bench.NativeLoop`, and two plain functions for whoever loads the library without a JVM.

#[path = "../../../rust/src/instance.rs"]
#[allow(dead_code, reason = "shared with the Rust part of the bench, which uses all of it")]
mod instance;

use equipoise::policy::Policy;
use equipoise::score::{Request, Workspace};
use instance::{Columns, Reference, draft};
use jni::EnvUnowned;
use jni::objects::JClass;
use jni::sys::{jint, jlong};
use std::ffi::c_void;
use std::hint::black_box;

/// Requests that take turns: of campaigns as many as there are turns, of all else a few, each with a workspace of its own, as in Java.
struct Loop {
    policy: Policy,
    rows: Vec<Vec<u32>>,
    shared: Vec<(Columns, Workspace)>,
    at: usize,
}

impl Loop {
    /// A loop over `turns` requests of `n` candidates under a policy of `campaigns` campaigns, `shared` of which have organic scores and measures
    /// of their own; null where something is wrong.
    fn create([campaigns, n, turns, shared]: [i32; 4]) -> *mut Self {
        let Ok(policy) = draft(campaigns as u32).and_then(|draft| Policy::new(&draft)) else { return std::ptr::null_mut() };
        let columns = |turn| Columns::new(turn, n as usize, campaigns as u32, &policy, Reference::Given);
        let rows = (0..turns as u64).map(|turn| columns(turn).rows).collect();
        let shared = (0..shared as u64).map(|turn| (columns(turn), Workspace::with_capacity(n as usize))).collect();
        Box::into_raw(Box::new(Self { rows, shared, at: 0, policy }))
    }

    /// Scores the next `count` requests and gives the number of picks.
    fn run(&mut self, count: i32) -> i32 {
        let mut picks = 0;
        for _ in 0..count {
            let shared = self.at % self.shared.len();
            let (columns, workspace) = &mut self.shared[shared];
            let request = Request { campaign: &self.rows[self.at], ..columns.request(false) };
            picks += self.policy.score(black_box(&request), workspace).map_or(0, |decision| decision.picks().len());
            self.at = if self.at + 1 == self.rows.len() { 0 } else { self.at + 1 };
        }
        picks as i32
    }
}

/// As [`Loop::create`]; 0 where something is wrong.
#[unsafe(no_mangle)]
pub extern "system" fn Java_io_equipoise_bench_NativeLoop_create(
    _env: EnvUnowned,
    _class: JClass,
    campaigns: jint,
    n: jint,
    turns: jint,
    shared: jint,
) -> jlong {
    Loop::create([campaigns, n, turns, shared]) as jlong
}

/// As [`Loop::run`].
///
/// # Safety
/// `handle` is from `create`, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_equipoise_bench_NativeLoop_run(_env: EnvUnowned, _class: JClass, handle: jlong, count: jint) -> jint {
    // SAFETY: by the caller's promise.
    unsafe { &mut *(handle as *mut Loop) }.run(count)
}

/// As [`Loop::create`].
#[unsafe(no_mangle)]
pub extern "C" fn equipoise_bench_create(campaigns: i32, n: i32, turns: i32, shared: i32) -> *mut c_void {
    Loop::create([campaigns, n, turns, shared]).cast()
}

/// As [`Loop::run`].
///
/// # Safety
/// `handle` is from [`equipoise_bench_create`] and not null, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn equipoise_bench_run(handle: *mut c_void, count: i32) -> i32 {
    // SAFETY: by the caller's promise.
    unsafe { &mut *handle.cast::<Loop>() }.run(count)
}

/// Gives a loop back.
///
/// # Safety
/// `handle` is from [`equipoise_bench_create`] and not null, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn equipoise_bench_free(handle: *mut c_void) {
    // SAFETY: by the caller's promise.
    drop(unsafe { Box::from_raw(handle.cast::<Loop>()) });
}
