//! Python arguments as plain numbers and text, refused with a code, a name and the value found.

use crate::error::to_python;
use equipoise::Error;
use equipoise::error::{codes, quote};
use equipoise::plan::Unknown;
use pyo3::exceptions::{PyOverflowError, PyUnicodeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateTime, PyDelta, PyDeltaAccess, PyIterator, PyString, PyType, PyTzInfoAccess};
use std::borrow::Cow;

/// An error about one argument.
pub(crate) fn refuse(py: Python<'_>, code: &'static str, name: &str, message: impl Into<String>) -> PyErr {
    to_python(py, &Error::new(code, name, None, message))
}

/// The error for a value of the wrong type.
pub(crate) fn refuse_type(value: &Bound<'_, PyAny>, name: &str, wanted: &str) -> PyErr {
    refuse(value.py(), codes::TYPE, name, format!("found {}, wanted {wanted}", describe(value)))
}

/// What a value is, for messages: its type and a short, escaped form of it.
pub(crate) fn describe(value: &Bound<'_, PyAny>) -> String {
    let kind = value.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
    match value.repr() {
        Ok(text) => format!("{kind} {}", quote(&text.to_string_lossy())),
        Err(_) => kind,
    }
}

/// Extracts `value`, or says what was wanted: `range` where it is a number that does not fit, else `type`.
pub(crate) fn extract<'py, T>(value: &Bound<'py, PyAny>, name: &str, wanted: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
    for<'a> <T as FromPyObject<'a, 'py>>::Error: Into<PyErr>,
{
    value.extract::<T>().map_err(|e| {
        let py = value.py();
        let e: PyErr = e.into();
        let code = if e.is_instance_of::<PyOverflowError>(py) {
            codes::RANGE
        } else if e.is_instance_of::<PyUnicodeError>(py) {
            codes::UNICODE
        } else {
            codes::TYPE
        };
        refuse(py, code, name, format!("found {}, wanted {wanted}", describe(value)))
    })
}

/// A string that is valid Unicode (no lone surrogates).
pub(crate) fn text<'a>(value: &'a Bound<'_, PyAny>, name: &str) -> PyResult<Cow<'a, str>> {
    let py = value.py();
    let Ok(string) = value.cast::<PyString>() else {
        return Err(refuse(py, codes::TYPE, name, format!("found {}, wanted a string", describe(value))));
    };
    string.to_cow().map_err(|_| refuse(py, codes::UNICODE, name, format!("{} holds a lone surrogate", describe(value))))
}

/// The items of a list, array or column; a single string is refused, since it would be read as its letters.
pub(crate) fn items<'py>(value: &Bound<'py, PyAny>, name: &str, wanted: &str) -> PyResult<Bound<'py, PyIterator>> {
    let iterator = if value.is_instance_of::<PyString>() { None } else { value.try_iter().ok() };
    iterator.ok_or_else(|| refuse_type(value, name, wanted))
}

/// Adds to a list whose length comes from outside.
pub(crate) fn push<T>(py: Python<'_>, list: &mut Vec<T>, thing: T, name: &str) -> PyResult<()> {
    let (held, bytes) = (list.len(), size_of::<T>());
    list.try_reserve(1).map_err(|_| refuse(py, codes::MEMORY, name, format!("{held} entries of {bytes} bytes leave no room for more")))?;
    list.push(thing);
    Ok(())
}

/// A list of `n` things whose number comes from outside.
pub(crate) fn collected<T>(py: Python<'_>, n: usize, things: impl Iterator<Item = T>, name: &str) -> PyResult<Vec<T>> {
    let mut list = Vec::new();
    let bytes = size_of::<T>();
    list.try_reserve_exact(n).map_err(|_| refuse(py, codes::MEMORY, name, format!("no memory for {n} entries of {bytes} bytes")))?;
    list.extend(things.take(n));
    Ok(list)
}

/// A list of strings.
pub(crate) fn texts(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<String>> {
    let each = |(i, item): (usize, PyResult<Bound<'_, PyAny>>)| text(&item?, &format!("{name}[{i}]")).map(Cow::into_owned);
    items(value, name, "a list of strings")?.enumerate().map(each).collect()
}

/// What to do with unknown campaigns: `"error"` or `"organic"`.
pub(crate) fn unknown(value: &Bound<'_, PyAny>) -> PyResult<Unknown> {
    match text(value, "unknown")?.as_ref() {
        "error" => Ok(Unknown::Error),
        "organic" => Ok(Unknown::Organic),
        _ => Err(refuse(value.py(), codes::RANGE, "unknown", format!("found {}, wanted \"error\" or \"organic\"", describe(value)))),
    }
}

/// Microseconds since 1970 UTC, from a zoned `datetime` or an integer.
pub(crate) fn instant(value: &Bound<'_, PyAny>, name: &str) -> PyResult<i64> {
    let py = value.py();
    let Ok(moment) = value.cast::<PyDateTime>() else {
        return extract(value, name, "a zoned datetime or integer microseconds since 1970 UTC");
    };
    if moment.get_tzinfo().is_none() {
        let message = format!("{} has no zone; give one, such as tzinfo=datetime.timezone.utc", describe(value));
        return Err(refuse(py, codes::NAIVE_TIME, name, message));
    }
    duration(&moment.as_any().sub(epoch(py)?)?, name)
}

fn epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let epoch = EPOCH.get_or_try_init(py, || {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        datetime.getattr("datetime")?.cast_into::<PyType>()?.call1((1970, 1, 1, 0, 0, 0, 0, utc)).map(Bound::unbind)
    })?;
    Ok(epoch.bind(py))
}

/// Microseconds, from a `timedelta` or an integer.
pub(crate) fn duration(value: &Bound<'_, PyAny>, name: &str) -> PyResult<i64> {
    match value.cast::<PyDelta>() {
        // A timedelta reaches 2.7 million years, 64-bit microseconds 292,000.
        Ok(delta) => {
            let seconds = i64::from(delta.get_days()) * 86_400 + i64::from(delta.get_seconds());
            seconds
                .checked_mul(1_000_000)
                .and_then(|s| s.checked_add(i64::from(delta.get_microseconds())))
                .ok_or_else(|| refuse(value.py(), codes::RANGE, name, format!("{} spans more than 292,000 years", describe(value))))
        }
        Err(_) => extract(value, name, "a timedelta or integer microseconds"),
    }
}
