//! A policy's metadata for people: documents taken apart into single values.

use serde_json::Value;

/// `name` and `text` as they are, or, where the text is a JSON object, `name.key` and value for all that is in it.
pub(crate) fn entries(name: &str, text: &str) -> Vec<(String, String)> {
    let mut open = vec![(name.to_owned(), document(text))];
    let mut entries = Vec::new();
    while let Some((name, value)) = open.pop() {
        match value {
            // In reverse, because the last of `open` comes next.
            Value::Object(fields) => open.extend(fields.into_iter().rev().map(|(key, value)| (format!("{name}.{key}"), value))),
            Value::String(text) => entries.push((name, text)),
            value => entries.push((name, value.to_string())),
        }
    }
    entries
}

/// The JSON object that the text is, else the text.
pub(crate) fn document(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn objects_are_taken_apart_in_order() {
        let pairs = entries("c", r#"{"a": 1, "b": {"c": "x", "d": [1, 2]}, "e": null}"#);
        let shown: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["c.a=1", "c.b.c=x", "c.b.d=[1,2]", "c.e=null"]);
    }

    #[test]
    fn other_text_stays_whole() {
        for text in ["plain", "[1, 2]", "{not JSON", ""] {
            assert_eq!(entries("name", text), [("name".to_owned(), text.to_owned())]);
        }
    }
}
