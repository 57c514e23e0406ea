//! Arguments that Java gives as arrays of bytes.

use crate::error::Fault;
use equipoise::error::{Error, codes};
use equipoise::memory::spared;
use jni::Env;
use jni::objects::JByteArray;

pub(crate) fn bytes(env: &Env, array: &JByteArray, argument: &str) -> Result<Vec<u8>, Fault> {
    spared(argument, array.len(env)?, || Ok(env.convert_byte_array(array)?))
}

/// Text comes as UTF-8.
pub(crate) fn text(env: &Env, array: &JByteArray, argument: &str) -> Result<String, Fault> {
    Ok(String::from_utf8(bytes(env, array, argument)?).map_err(|e| Error::new(codes::UNICODE, argument, None, e.to_string()))?)
}

/// Null is none.
pub(crate) fn optional(env: &Env, array: &JByteArray, argument: &str) -> Result<Option<String>, Fault> {
    if array.is_null() { Ok(None) } else { text(env, array, argument).map(Some) }
}
