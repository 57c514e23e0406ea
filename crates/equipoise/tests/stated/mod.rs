//! The shared vectors as they are written: requests in names and bits, and outcomes in the same form.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use super::serving::{Ask, Who};
use equipoise::Result;
use equipoise::policy::{NONE, ORGANIC, Policy};
use equipoise::score::{Measures, Mix, Request, Similarity, Workspace};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors")
}

pub fn document(name: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(name)).expect("the vectors are there");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list in {value}"))
}

fn bits(value: &Value) -> f32 {
    f32::from_bits(value.as_u64().expect("the bits of a float") as u32)
}

fn floats(value: &Value) -> Option<Vec<f32>> {
    value.as_array().map(|list| list.iter().map(bits).collect())
}

fn indices(value: &Value) -> Option<Vec<u32>> {
    value.as_array().map(|list| list.iter().map(|v| v.as_u64().expect("an index") as u32).collect())
}

/// A request as the vectors state it.
pub struct Stated {
    rows: Vec<u32>,
    organic: Option<Vec<f32>>,
    pub measures: Vec<Vec<f32>>,
    item: Option<Vec<u32>>,
    frequency: Option<Vec<u32>>,
    uncertainty: Option<Vec<f32>>,
    category: Option<Vec<u32>>,
    target: Option<Vec<f32>>,
    embeddings: Option<Vec<f32>>,
    pairs: Option<Vec<f32>>,
}

/// What every request states.
const FIELDS: [&str; 10] = ["market", "surface", "time", "slots", "key", "reference", "organic", "campaign", "measures", "item"];
/// What some do.
const OPTIONS: [&str; 9] = ["frequency", "uncertainty", "category", "target", "embeddings", "width", "pairs", "explore", "drop_invalid"];

/// A reader that passed over what it does not know would check less than it says.
pub fn check_fields(value: &Value, known: &[&str]) {
    for field in value.as_object().expect("an object").keys() {
        assert!(known.contains(&field.as_str()), "nobody reads {field} of {value}");
    }
}

impl Stated {
    /// Rows are those of `resolver`, which is the policy itself but for foreign rows.
    pub fn read(stated: &Value, resolver: &Policy) -> Self {
        check_fields(stated, &[FIELDS.as_slice(), &OPTIONS].concat());
        let row = |id: &Value| id.as_str().map_or(ORGANIC, |id| resolver.row(id));
        Self {
            rows: list(stated, "campaign").iter().map(row).collect(),
            organic: floats(&stated["organic"]),
            measures: list(stated, "measures").iter().map(|column| floats(column).expect("a column")).collect(),
            item: indices(&stated["item"]),
            frequency: indices(&stated["frequency"]),
            uncertainty: floats(&stated["uncertainty"]),
            category: indices(&stated["category"]),
            target: floats(&stated["target"]),
            embeddings: floats(&stated["embeddings"]),
            pairs: floats(&stated["pairs"]),
        }
    }

    pub fn request<'a>(&'a self, stated: &Value, policy: &Policy, columns: &'a [&'a [f32]]) -> Request<'a> {
        let name = |key: &str, find: fn(&Policy, &str) -> u32| stated[key].as_str().map_or(NONE, |name| find(policy, name));
        Request {
            market: name("market", Policy::market),
            surface: name("surface", Policy::surface),
            time: stated["time"].as_i64(),
            slots: stated["slots"].as_u64().map(|slots| slots as u32),
            key: stated["key"].as_str().expect("a key").parse().expect("a key"),
            reference: (!stated["reference"].is_null()).then(|| bits(&stated["reference"])),
            organic: self.organic.as_deref(),
            item: self.item.as_deref(),
            frequency: self.frequency.as_deref(),
            uncertainty: self.uncertainty.as_deref(),
            similarity: match (&self.embeddings, &self.pairs) {
                (Some(values), None) => Some(Similarity::Embeddings { values, width: stated["width"].as_u64().expect("a width") as usize }),
                (None, Some(values)) => Some(Similarity::Pairs { values }),
                (None, None) => None,
                (Some(_), Some(_)) => panic!("embeddings and pairs in {stated}"),
            },
            mix: self.category.as_deref().zip(self.target.as_deref()).map(|(category, target)| Mix { category, target }),
            explore: stated["explore"] != false,
            drop_invalid: stated["drop_invalid"] == true,
            ..Request::new(&self.rows, Measures::Slices { columns, offset: 0 })
        }
    }
}

pub fn policy(name: &Value) -> Policy {
    Policy::load(folder().join(name.as_str().expect("a file"))).expect("a policy of the vectors")
}

/// The bits of a float, as hexadecimal digits.
pub fn f64_bits(x: f64) -> String {
    format!("{:016x}", x.to_bits())
}

/// The outcome of a request in the form of the vectors; the first few scored candidates are explained.
pub fn outcome(policy: &Policy, request: &Request<'_>) -> Result<Value> {
    let mut workspace = Workspace::default();
    let decision = policy.score(request, &mut workspace)?;
    let explained = (0..request.len()).filter(|i| decision.reasons()[*i].is_scored()).take(3);
    let mut explanations = Vec::new();
    for i in explained {
        let why = decision.explain(i)?;
        let terms: Vec<Value> = why.terms.iter().map(|t| json!([policy.term_name(t), t.kind.name(), f64_bits(t.amount)])).collect();
        explanations.push(json!({"i": i, "total": f64_bits(why.total), "reason": why.reason.name(), "terms": terms}));
    }
    Ok(json!({
        "scores": decision.scores().iter().map(|s| s.to_bits()).collect::<Vec<_>>(),
        "picks": decision.picks(),
        "positions": decision.positions(),
        "reasons": decision.reasons().iter().map(|r| r.name()).collect::<Vec<_>>(),
        "explanations": explanations,
    }))
}

/// The same with everything that rules, list terms and exploration lead to, and why candidates were not picked.
pub fn whole_outcome(policy: &Policy, request: &Request<'_>) -> Result<Value> {
    let mut found = outcome(policy, request)?;
    let mut workspace = Workspace::default();
    let decision = policy.score(request, &mut workspace)?;
    let causes = (0..request.len())
        .map(|i| {
            let Some(cause) = decision.explain(i)?.cause else { return Ok(Value::Null) };
            let (found, limit) = (cause.found.map(f64_bits), cause.limit.map(f64_bits));
            Ok(json!({
                "name": cause.name, "lost_to": cause.lost_to, "term": cause.term, "found": found, "limit": limit, "text": cause.text,
            }))
        })
        .collect::<Result<Vec<Value>>>()?;
    found["causes"] = causes.into();
    found["propensities"] = decision.propensities().iter().map(|p| f64_bits(*p)).collect();
    found["propensity"] = f64_bits(decision.slate_propensity()).into();
    found["given_up"] = f64_bits(decision.given_up()).into();
    found["blend"] = json!(policy.blend(request, &mut workspace)?);
    Ok(found)
}

/// A request in the form of the vectors.
pub fn request_of(ask: &Ask) -> Value {
    let of_bits = |column: &[f32]| column.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let campaign = |who: &Who| match who {
        Who::Organic => Value::Null,
        Who::Campaign(id) => id.as_str().into(),
    };
    json!({
        "market": ask.market,
        "surface": ask.surface,
        "time": ask.time,
        "slots": ask.slots,
        "key": ask.key.to_string(),
        "reference": ask.reference.map(f32::to_bits),
        "organic": ask.organic.as_deref().map(of_bits),
        "campaign": ask.who.iter().map(campaign).collect::<Vec<_>>(),
        "measures": ask.measures.iter().map(|c| of_bits(c)).collect::<Vec<_>>(),
        "item": ask.item,
    })
}
