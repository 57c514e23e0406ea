//! Policy files with a fault in them whose digest holds all the same.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope, Slate};
use equipoise::policy::Draft;
use serde_json::{Map, Value, json};

/// A small draft that uses everything a file can hold.
pub fn draft() -> Draft {
    let text = |s: &str| Some(s.to_owned());
    let list = |names: &[&str]| Some(names.iter().map(|s| (*s).to_owned()).collect());
    let campaigns = Campaigns::new(vec![
        Campaign { id: "b".into(), markets: list(&["NO", "XX"]), start: Some(10), end: Some(20), ..Campaign::default() },
        Campaign {
            id: "a".into(),
            parties: Parties { artist: text("A"), label: text("L"), licensor: text("X") },
            surfaces: list(&["radio"]),
            ..Campaign::default()
        },
        Campaign { id: "çå".into(), parties: Parties { artist: text("B"), label: text("L"), licensor: None }, ..Campaign::default() },
    ])
    .expect("good campaigns");
    let ledger = |kind, measure, scope, key, share: f64| {
        let (inside, outside) = if share > 0.0 { (1.0 - share, -share) } else { (1.0, 0.0) };
        Ledger { goal: u32::from(kind == GoalKind::Share), kind, measure, scope, key, inside, outside }
    };
    Draft {
        measures: vec!["stream".into(), "displacement".into()],
        weights: vec![0.0, 1.0, 0.0],
        slate: Slate { slots: 2, visible: Some(10), first_place: 2, min_gap: 3, max_per_artist: Some(1), ..Slate::default() },
        campaigns,
        markets: vec!["SE".into(), "NO".into()],
        surfaces: vec!["home".into(), "radio".into()],
        goals: vec!["cap".into(), "share of L".into()],
        ledgers: vec![
            (ledger(GoalKind::Cap, 0, Scope::Campaign, 1, 0.0), 0.125),
            (ledger(GoalKind::Share, 1, Scope::Label, 0, 0.25), -0.0625),
            (ledger(GoalKind::Floor, 0, Scope::Artist, 1, 0.0), -0.03125),
            (ledger(GoalKind::Guardrail, 2, Scope::Market, 0, 0.0), 1.5),
            (ledger(GoalKind::Guardrail, 2, Scope::All, 0, 0.0), 0.5),
        ],
        tie_breadth: 1e-6,
        metadata: [("certificate".to_owned(), "{\"gap\":0.0001}".to_owned())].into_iter().collect(),
        parent_id: Some([7; 16]),
        valid_until: Some(1_800_000_000_000_000),
    }
}

/// A file taken apart.
#[derive(Clone)]
pub struct Forged {
    /// The header as it will be written; `digest` and `signature` included.
    pub header: Map<String, Value>,
    /// Everything between header and digest.
    pub data: Vec<u8>,
}

impl Forged {
    pub fn of(bytes: &[u8]) -> Self {
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let header = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
        Self { header, data: bytes[8 + length..bytes.len() - 96].to_vec() }
    }

    pub fn metadata(&mut self, key: &str, value: impl Into<Value>) {
        self.header["__metadata__"][key] = value.into();
    }

    fn offsets(&self, name: &str) -> (usize, usize) {
        let at = |i: usize| self.header[name]["data_offsets"][i].as_u64().expect("an offset") as usize;
        (at(0), at(1))
    }

    pub fn bytes_of(&self, name: &str) -> &[u8] {
        let (from, to) = self.offsets(name);
        &self.data[from..to]
    }

    /// Overwrites bytes of a tensor from its byte `at` on.
    pub fn patch(&mut self, name: &str, at: usize, bytes: &[u8]) {
        let (from, to) = self.offsets(name);
        assert!(from + at + bytes.len() <= to, "the patch fits in {name}");
        self.data[from + at..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Gives a tensor other bytes and another shape, and moves those after it.
    pub fn replace(&mut self, name: &str, shape: &[usize], bytes: &[u8]) {
        let (from, to) = self.offsets(name);
        self.data.splice(from..to, bytes.iter().copied());
        let names: Vec<String> = self.header.keys().filter(|k| *k != "__metadata__").cloned().collect();
        for other in names {
            let (start, end) = self.offsets(&other);
            let moved = |x: usize| x + bytes.len() - (to - from);
            if other == name {
                self.header[&other]["data_offsets"] = json!([from, moved(end)]);
                self.header[&other]["shape"] = json!(shape);
            } else if start >= to && other != name && (start, end) != (from, from) {
                self.header[&other]["data_offsets"] = json!([moved(start), moved(end)]);
            }
        }
    }

    /// Adds an empty tensor before the digest.
    pub fn add_empty(&mut self, name: &str) {
        let at = self.data.len();
        let mut header = Map::new();
        for (key, value) in &self.header {
            if key == "digest" {
                header.insert(name.to_owned(), json!({"dtype": "U8", "shape": [0], "data_offsets": [at, at]}));
            }
            header.insert(key.clone(), value.clone());
        }
        self.header = header;
    }

    pub fn seal(&self) -> Vec<u8> {
        self.seal_with(&Value::Object(self.header.clone()).to_string())
    }

    /// Seals under another header text.
    pub fn seal_with(&self, header: &str) -> Vec<u8> {
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(&self.data);
        let digest = blake3::hash(&out);
        out.extend_from_slice(digest.as_bytes());
        out.extend_from_slice(&[0; 64]);
        out
    }
}
