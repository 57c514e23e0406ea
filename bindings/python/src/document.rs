//! Python dicts as JSON documents.

use crate::argument::{describe, extract, refuse, text};
use equipoise::error::codes;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Value};

/// Nesting beyond this is refused: a problem needs four levels.
const DEPTH: usize = 32;

/// The JSON document that `value` spells; `path` names it in errors.
///
/// Takes dicts with string keys, lists, tuples, strings, numbers (NumPy scalars too), booleans and None.
pub(crate) fn to_json(value: &Bound<'_, PyAny>, path: &str, depth: usize) -> PyResult<Value> {
    let py = value.py();
    if depth > DEPTH {
        return Err(refuse(py, codes::TOO_LARGE, path, format!("nested more than {DEPTH} levels deep")));
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if value.is_instance_of::<PyString>() {
        return Ok(Value::String(text(value, path)?.into_owned()));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let mut map = Map::with_capacity(dict.len());
        for (key, each) in dict {
            let key = text(&key, path)?.into_owned();
            let each = to_json(&each, &join(path, &key), depth + 1)?;
            map.insert(key, each);
        }
        return Ok(Value::Object(map));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let list = value.try_iter()?.enumerate().map(|(i, each)| to_json(&each?, &format!("{path}[{i}]"), depth + 1));
        return list.collect::<PyResult<Vec<_>>>().map(Value::Array);
    }
    if value.is_instance_of::<PyInt>() || (!value.is_instance_of::<PyFloat>() && value.hasattr("__index__")?) {
        return extract::<i64>(value, path, "an integer of 64 bits").map(Value::from);
    }
    if value.is_instance_of::<PyFloat>() || value.hasattr("__float__")? {
        let number: f64 = extract(value, path, "a number")?;
        let finite = serde_json::Number::from_f64(number);
        return finite
            .map(Value::Number)
            .ok_or_else(|| refuse(py, codes::NOT_FINITE, path, format!("found {number}, wanted a finite number")));
    }
    Err(refuse(py, codes::TYPE, path, format!("found {}, wanted what JSON can say", describe(value))))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
