//! The border: every error and every panic becomes a Java exception, in one place.

use equipoise::error::{Error, codes};
use jni::errors::ErrorPolicy;
use jni::objects::{JThrowable, JValue};
use jni::{Env, jni_sig, jni_str};
use std::any::Any;

/// What a native method may fail with.
#[derive(Debug)]
pub(crate) enum Fault {
    /// An error of the library.
    Library(Error),
    /// The JVM refused something; often it has an exception of its own pending.
    Jvm(jni::errors::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<jni::errors::Error> for Fault {
    fn from(error: jni::errors::Error) -> Self {
        Self::Jvm(error)
    }
}

/// Throws an `EquipoiseException` and returns zero or null.
#[derive(Debug)]
pub(crate) struct Throw;

impl<T: Default> ErrorPolicy<T, Fault> for Throw {
    type Captures<'local: 'native, 'native> = ();

    fn on_error<'local: 'native, 'native>(env: &mut Env<'local>, (): &mut (), fault: Fault) -> jni::errors::Result<T> {
        match fault {
            Fault::Library(error) => throw(env, &error)?,
            Fault::Jvm(_) if env.exception_check() => {}
            Fault::Jvm(error) => throw(env, &internal(&error.to_string()))?,
        }
        Ok(T::default())
    }

    fn on_panic<'local: 'native, 'native>(env: &mut Env<'local>, (): &mut (), payload: Box<dyn Any + Send>) -> jni::errors::Result<T> {
        equipoise::observe::count_panic();
        let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let error = internal(what.unwrap_or("a panic without a message"));
        // Dropping a payload may itself panic; a leak is better.
        std::mem::forget(payload);
        if !env.exception_check() {
            throw(env, &error)?;
        }
        Ok(T::default())
    }
}

fn internal(what: &str) -> Error {
    Error::new(codes::PANIC, "native", None, format!("a bug in equipoise: {what}"))
}

fn throw(env: &mut Env, error: &Error) -> jni::errors::Result<()> {
    let code = env.new_string(error.code())?;
    let argument = env.new_string(error.argument())?;
    let message = env.new_string(error.to_string())?;
    let index = error.index().and_then(|i| i64::try_from(i).ok()).unwrap_or(-1);
    let exception = env
        .call_static_method(
            jni_str!("io/equipoise/EquipoiseException"),
            jni_str!("of"),
            jni_sig!("(Ljava/lang/String;Ljava/lang/String;JLjava/lang/String;)Lio/equipoise/EquipoiseException;"),
            &[JValue::from(&code), JValue::from(&argument), JValue::from(index), JValue::from(&message)],
        )?
        .l()?;
    let exception = env.cast_local::<JThrowable>(exception)?;
    match env.throw(exception) {
        // What `throw` reports when it has thrown.
        Ok(()) | Err(jni::errors::Error::JavaException) => Ok(()),
        Err(other) => Err(other),
    }
}
