//! The published JSON Schema: the one of the types, and one that judges documents as the reader does.
#![allow(clippy::unwrap_used)]

use equipoise::Problem;
use serde_json::{Value, json};

/// The schema is published as a file; `EQUIPOISE_BLESS=1 cargo test --test problem_schema` writes it anew after a change of the types.
#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/problem.schema.json");
    let schema = serde_json::to_string_pretty(&Problem::schema()).unwrap() + "\n";
    if std::env::var_os("EQUIPOISE_BLESS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), schema);
}

/// Whether a document keeps a schema. Knows the keywords that the schema of problems has, and no others.
fn keeps(schema: &Value, root: &Value, document: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => document.is_object(),
        "array" => document.is_array(),
        "string" => document.is_string(),
        "number" => document.is_number(),
        "integer" => document.is_u64() || document.is_i64(),
        "null" => document.is_null(),
        other => panic!("the type {other}"),
    };
    let all = |list: &Value| list.as_array().unwrap().iter().filter(|one| keeps(one, root, document)).count();
    schema.as_object().unwrap().iter().all(|(keyword, value)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
        "$ref" => keeps(root.pointer(value.as_str().unwrap().strip_prefix('#').unwrap()).unwrap(), root, document),
        "type" => value.as_array().map_or_else(|| is(value), |types| types.iter().any(is)),
        "const" => document == value,
        "anyOf" => all(value) >= 1,
        "oneOf" => all(value) == 1,
        "minimum" => document.as_f64().is_none_or(|n| n >= value.as_f64().unwrap()),
        "maximum" => document.as_f64().is_none_or(|n| n <= value.as_f64().unwrap()),
        "required" => {
            document.as_object().is_none_or(|o| value.as_array().unwrap().iter().all(|name| o.contains_key(name.as_str().unwrap())))
        }
        "items" => document.as_array().is_none_or(|list| list.iter().all(|item| keeps(value, root, item))),
        "properties" => document.as_object().is_none_or(|o| o.iter().all(|(name, v)| value.get(name).is_none_or(|s| keeps(s, root, v)))),
        "additionalProperties" => document.as_object().is_none_or(|o| {
            let mut others = o.iter().filter(|(name, _)| schema.get("properties").is_none_or(|known| known.get(name).is_none()));
            others.all(|(_, v)| value.as_bool().unwrap_or_else(|| keeps(value, root, v)))
        }),
        other => panic!("the keyword {other}"),
    })
}

fn whole() -> Value {
    json!({
        "objectives": {"stream": 1.0, "save": -2},
        "slate": {"slots": 2, "visible": 10, "first_place": 1, "min_gap": 3, "max_per_artist": 1, "max_per_label": 2,
            "max_promoted": 3, "fixed_places": [1, 4, 9], "max_positions_up": 5, "relevance_floor": -0.5, "relevance_floor_share": 0.25,
            "diversity": 0.5, "calibration": 1, "exploration": {"temperature": 0.1, "epsilon": 0.01, "bonus": 2}},
        "goals": [
            {"kind": "guardrail", "measure": "displacement", "per": "market", "at_most": 0.01, "relative_to": "organic"},
            {"kind": "share", "name": "big", "measure": "exposure", "of": {"licensor": "g3"}, "at_least": 0.02, "at_most": 0.3},
            {"kind": "floor", "measure": "stream", "per": "artist", "at_least": 5, "penalty": 2.5},
            {"kind": "target", "measure": "stream", "per": "campaign", "target": 5},
        ],
    })
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = Problem::schema();
    for document in [whole(), json!({}), json!({"slate": {}}), json!({"goals": []})] {
        let problem = Problem::from_json(&document.to_string()).unwrap();
        assert!(keeps(&schema, &schema, &document), "{document}");
        let written: Value = serde_json::from_str(&problem.to_json()).unwrap();
        assert!(keeps(&schema, &schema, &written), "{written}");
    }
}

/// Changes the value at `path` of a good document; `null` removes it.
fn changed(path: &str, value: &Value) -> Value {
    let mut document = whole();
    let (parent, name) = path.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.remove(name)),
        Value::Object(object) => drop(object.insert(name.to_owned(), value.clone())),
        other => panic!("{other} has no names"),
    }
    document
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = Problem::schema();
    let faults = [
        ("/places", json!(1)),
        ("/objectives/stream", json!("much")),
        ("/slate/slots", json!(256)),
        ("/slate/slots", json!(-1)),
        ("/slate/slots", json!(1.5)),
        ("/slate/visible", json!(0)),
        ("/slate/gap", json!(1)),
        ("/goals/0/kind", json!("ceiling")),
        ("/goals/0/kind", json!(null)),
        ("/goals/0/measure", json!(null)),
        ("/goals/0/per", json!(null)),
        ("/goals/0/per", json!("country")),
        ("/goals/0/of", json!({"market": "SE"})),
        ("/goals/0/relative_to", json!("everything")),
        ("/goals/0/limit", json!(1)),
        ("/goals/1/of", json!({"licensor": 3})),
        ("/goals/1/at_most", json!("half")),
        ("/goals", json!({})),
    ];
    for (path, value) in faults {
        let document = changed(path, &value);
        assert!(Problem::from_json(&document.to_string()).is_err(), "the reader takes {path} = {value}");
        assert!(!keeps(&schema, &schema, &document), "the schema takes {path} = {value}");
    }
}
