//! A float array of the Java heap, read where it lies for as long as one score takes.

use equipoise::error::{Error, Result, codes};
use jni::EnvUnowned;
use jni::objects::JFloatArray;
use jni::sys::{JNI_ABORT, JNIEnv};

/// An argument that was not looked at yet. One array is held at a time, as the JVM asks.
pub(crate) struct HeapArray<'a, 'local> {
    env: *mut JNIEnv,
    array: &'a JFloatArray<'local>,
}

impl<'a, 'local> HeapArray<'a, 'local> {
    /// An argument of the native method that is running on this thread.
    pub(crate) fn new(env: &EnvUnowned<'local>, array: &'a JFloatArray<'local>) -> Self {
        Self { env: env.as_raw(), array }
    }

    /// Holds the array in place. Until the answer is dropped the collector may wait for this thread, so nothing may block, and nothing of the
    /// JVM may be called.
    pub(crate) fn hold(&self) -> Result<Held<'_, 'local>> {
        let array = self.array.as_raw();
        if array.is_null() {
            return Err(Error::new(codes::NULL, "measures", None, "is null, wanted an array"));
        }
        // SAFETY: the environment is this thread's, the array a live argument of the running method.
        let (length, start) = unsafe {
            let functions = &(**self.env).v1_2;
            let length = (functions.GetArrayLength)(self.env, array);
            (length, (functions.GetPrimitiveArrayCritical)(self.env, array, std::ptr::null_mut()))
        };
        if start.is_null() {
            return Err(Error::new(codes::MEMORY, "measures", None, "the JVM has no memory to hold it in place"));
        }
        Ok(Held { array: self, start: start.cast(), length: usize::try_from(length).unwrap_or(0) })
    }
}

/// An array held in place.
pub(crate) struct Held<'a, 'local> {
    array: &'a HeapArray<'a, 'local>,
    start: *mut f32,
    length: usize,
}

impl Held<'_, '_> {
    /// Its values. Java code that writes to the array meanwhile breaks its own contract; any bit pattern is a valid number.
    pub(crate) fn values(&self) -> &[f32] {
        // SAFETY: the array is this long, and stays where it is until `self` is dropped.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl Drop for Held<'_, '_> {
    fn drop(&mut self) {
        let env = self.array.env;
        // SAFETY: what `hold` was given is given back once, on the same thread; nothing was written.
        unsafe { ((**env).v1_2.ReleasePrimitiveArrayCritical)(env, self.array.array.as_raw(), self.start.cast(), JNI_ABORT) };
    }
}
