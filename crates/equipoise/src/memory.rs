//! What to do where memory runs out: a host must not end for the want of it.
//!
//! Where a size comes from outside, memory is asked for and its want is an error, `resource_exhausted.memory`. Names, messages and parsers ask in
//! ways that cannot be refused, and Rust ends the process where those fail, unless a [`Reserve`] is the allocator, as it is in the libraries for
//! Java and Python.

use crate::error::{Error, codes};
use equipoise_kernel::reserve;

pub use equipoise_kernel::reserve::Reserve;

/// That so many bytes could not be had for `argument`.
pub(crate) fn wanting(argument: &str, bytes: usize) -> Error {
    Error::new(codes::MEMORY, argument, None, format!("{bytes} bytes could not be had"))
}

/// Runs `work`, which takes about `bytes` of memory for `argument` in ways that cannot be refused, and refuses what came of it where memory ran out:
/// before it begins for as much as that, at its end where a [`Reserve`] had to help out.
///
/// # Errors
/// `resource_exhausted.memory`, and those of `work`.
///
/// ```
/// let upper = equipoise::memory::spared("name", 5, || Ok::<_, equipoise::Error>("waves".to_uppercase()))?;
/// assert_eq!(upper, "WAVES");
/// # Ok::<(), equipoise::Error>(())
/// ```
pub fn spared<T, E: From<Error>>(argument: &str, bytes: usize, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    if bytes >= reserve::LARGE {
        Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| wanting(argument, bytes))?;
    }
    let (outcome, drawn) = reserve::open(work);
    let outcome = outcome?;
    if drawn { Err(wanting(argument, bytes.max(1)).into()) } else { Ok(outcome) }
}
