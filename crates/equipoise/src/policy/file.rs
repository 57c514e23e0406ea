//! What the tensors and the metadata of a policy file mean, written and strictly read.

use super::column::{Column, Scalar, Texts};
use super::container::{self, Container, corrupt, shorten};
use super::draft::Draft;
use super::memory;
use super::objectives::Objectives;
use super::roster::{NONE, Party, Places, Roster};
use super::rows::CAMPAIGN_LIMIT;
use crate::error::{Error, Faults, Result, codes, quote};
use crate::model::{GoalKind, Scope, Slate};
use indexmap::IndexMap;
use std::sync::Arc;

/// The format that is written.
pub const FORMAT_VERSION: u32 = 1;
/// The oldest reader that understands what is written.
const MIN_READER: u32 = 1;
/// Largest magnitude of a price, a weight and the tie breadth.
pub const PRICE_LIMIT: f64 = 1e12;
/// Most measures of a policy, `exposure` aside.
pub const MEASURE_LIMIT: usize = 1024;
/// Most slots, and the last place that can be taken.
pub const PLACE_LIMIT: u32 = 255;
/// Longest name of anything.
const NAME_LIMIT: usize = 1 << 20;

const FORMAT: &str = "equipoise.policy";
/// Metadata that the format itself uses.
pub(super) const RESERVED: &[&str] = &[
    "format",
    "format_version",
    "min_reader",
    "objectives",
    "slate",
    "tie_breadth",
    "priced_markets",
    "priced_surfaces",
    "parent_id",
    "valid_until",
];

const KINDS: [GoalKind; 7] =
    [GoalKind::Cap, GoalKind::Floor, GoalKind::Target, GoalKind::AlphaFair, GoalKind::MaxMin, GoalKind::Share, GoalKind::Guardrail];
const SCOPES: [Scope; 7] = [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface, Scope::All];

/// Ledgers and their prices as columns.
#[derive(Debug, Clone)]
pub(crate) struct Ledgers {
    pub(crate) goals: Texts,
    pub(crate) goal: Column<u32>,
    kind: Column<u8>,
    pub(crate) measure: Column<u32>,
    scope: Column<u8>,
    pub(crate) key: Column<u32>,
    pub(crate) inside: Column<f64>,
    pub(crate) outside: Column<f64>,
    pub(crate) price: Column<f64>,
}

impl Ledgers {
    pub(crate) fn len(&self) -> usize {
        self.price.len()
    }

    pub(crate) fn kind(&self, l: usize) -> GoalKind {
        KINDS[self.kind.get(l) as usize]
    }

    pub(crate) fn scope(&self, l: usize) -> Scope {
        SCOPES[self.scope.get(l) as usize]
    }

    /// Scopes in order of folding.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        self.scope.iter().map(|s| SCOPES[s as usize])
    }

    /// Scope, key and outside coefficient of each, in order of folding.
    pub(super) fn places(&self) -> impl Iterator<Item = (Scope, u32, f64)> + '_ {
        self.scopes().zip(self.key.iter()).zip(self.outside.iter()).map(|((scope, key), outside)| (scope, key, outside))
    }
}

/// A file, read and checked.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) metadata: IndexMap<String, String>,
    /// `exposure` first.
    pub(super) measures: Vec<String>,
    pub(super) weights: Vec<f64>,
    pub(super) slate: Slate,
    pub(super) tie_breadth: f64,
    pub(super) parent_id: Option<[u8; 16]>,
    pub(super) valid_until: Option<i64>,
    pub(super) roster: Roster,
    pub(super) ledgers: Ledgers,
}

/// What is wrong in a file whose digest holds, so that a draft and a file are checked by the same rules.
#[derive(Debug)]
pub(super) struct Flaw {
    /// Tensor or metadata entry.
    pub(super) part: &'static str,
    /// Element of the tensor.
    pub(super) element: Option<usize>,
    /// Byte in the file.
    at: usize,
    pub(super) message: String,
}

/// A file is refused for its container, or for what it holds.
#[derive(Debug)]
pub(super) enum Refusal {
    Container(Error),
    Contents(Flaw),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Container(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Container(error) => error,
            Refusal::Contents(Flaw { part, element: Some(i), at, message }) => corrupt(at, format!("{part}[{i}]: {message}")),
            Refusal::Contents(Flaw { part, element: None, at, message }) => corrupt(at, format!("{part}: {message}")),
        }
    }
}

fn flaw<T>(part: &'static str, element: Option<usize>, at: usize, message: impl Into<String>) -> std::result::Result<T, Refusal> {
    Err(Refusal::Contents(Flaw { part, element, at, message: message.into() }))
}

/// A draft's metadata, with what the format itself needs; equal for equal drafts.
fn metadata_of(draft: &Draft) -> Result<IndexMap<String, String>> {
    if let Some(key) = draft.metadata.keys().find(|k| RESERVED.contains(&k.as_str())) {
        return Err(Error::new(codes::DUPLICATE, "metadata", None, format!("{} is a name of the format itself", quote(key))));
    }
    let names = std::iter::once("exposure").chain(draft.measures.iter().map(String::as_str));
    let objectives = Objectives(names.zip(&draft.weights).map(|(name, weight)| (name.to_owned(), weight + 0.0)).collect());
    if let Some(at) = draft.weights.iter().position(|w| !w.is_finite()) {
        return Err(Error::new(codes::NOT_FINITE, "weights", Some(at as u64), format!("{} is not finite", draft.weights[at])));
    }
    let text = |e: serde_json::Error| Error::new(codes::RANGE, "metadata", None, e.to_string());
    let slate = serde_json::to_string(&draft.slate).map_err(text)?;
    let objectives = serde_json::to_string(&objectives).map_err(text)?;
    let mut metadata: IndexMap<String, String> = [
        ("format", FORMAT.to_owned()),
        ("format_version", FORMAT_VERSION.to_string()),
        ("min_reader", MIN_READER.to_string()),
        ("objectives", objectives),
        ("slate", slate),
        ("tie_breadth", (draft.tie_breadth + 0.0).to_string()),
        ("priced_markets", draft.markets.len().to_string()),
        ("priced_surfaces", draft.surfaces.len().to_string()),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect();
    if let Some(parent) = draft.parent_id {
        metadata.insert("parent_id".to_owned(), hex(parent));
    }
    if let Some(until) = draft.valid_until {
        metadata.insert("valid_until".to_owned(), until.to_string());
    }
    let mut own: Vec<_> = draft.metadata.iter().collect();
    own.sort();
    metadata.extend(own.into_iter().map(|(k, v)| (k.clone(), v.clone())));
    Ok(metadata)
}

/// The lower-case hexadecimal form of an id.
pub(super) fn hex(id: [u8; 16]) -> String {
    use std::fmt::Write as _;
    id.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The canonical bytes of a draft. What they hold is checked by reading them.
pub(super) fn write(draft: &Draft) -> Result<Vec<u8>> {
    if draft.weights.len() != draft.measures.len() + 1 {
        let message = format!("{} weights for exposure and {} measures", draft.weights.len(), draft.measures.len());
        return Err(Error::new(codes::SHAPE, "weights", None, message));
    }
    let metadata = metadata_of(draft)?;
    let roster = Roster::new(&draft.campaigns, &draft.markets, &draft.surfaces);
    let l = &draft.ledgers;
    let number = |of: fn(&crate::model::Ledger) -> f64| Column::from_values(l.iter().map(|(l, _)| of(l) + 0.0));
    let index = |of: fn(&crate::model::Ledger) -> u32| Column::from_values(l.iter().map(|(l, _)| of(l)));
    let ledgers = Ledgers {
        goals: Texts::from_strs(draft.goals.iter().map(String::as_str)),
        goal: index(|l| l.goal),
        kind: Column::from_values(l.iter().map(|(l, _)| KINDS.iter().position(|k| *k == l.kind).map_or(u8::MAX, |k| k as u8))),
        measure: index(|l| l.measure),
        scope: Column::from_values(l.iter().map(|(l, _)| l.scope as u8)),
        key: index(|l| l.key),
        inside: number(|l| l.inside),
        outside: number(|l| l.outside),
        price: Column::from_values(l.iter().map(|(_, price)| price + 0.0)),
    };
    let [artists, labels, licensors] = &roster.parties;
    let (markets, surfaces) = (&roster.markets, &roster.surfaces);
    // The wide numbers first, so that every column starts at a multiple of its width.
    let mut tensors = vec![
        tensor("campaign_start", &roster.start),
        tensor("campaign_end", &roster.end),
        tensor("ledger_inside", &ledgers.inside),
        tensor("ledger_outside", &ledgers.outside),
        tensor("ledger_price", &ledgers.price),
        table("market_sets", &markets.sets, markets.words()),
        table("surface_sets", &surfaces.sets, surfaces.words()),
        tensor("campaign_offsets", &roster.ids.offsets),
        tensor("artist_offsets", &artists.names.offsets),
        tensor("label_offsets", &labels.names.offsets),
        tensor("licensor_offsets", &licensors.names.offsets),
        tensor("market_offsets", &markets.names.offsets),
        tensor("surface_offsets", &surfaces.names.offsets),
        tensor("goal_offsets", &ledgers.goals.offsets),
        tensor("campaign_artist", &artists.of),
        tensor("campaign_label", &labels.of),
        tensor("campaign_licensor", &licensors.of),
        tensor("campaign_market_set", &markets.of),
        tensor("campaign_surface_set", &surfaces.of),
        tensor("ledger_goal", &ledgers.goal),
        tensor("ledger_measure", &ledgers.measure),
        tensor("ledger_key", &ledgers.key),
        tensor("ledger_kind", &ledgers.kind),
        tensor("ledger_scope", &ledgers.scope),
        tensor("campaign_text", &roster.ids.text),
        tensor("artist_text", &artists.names.text),
        tensor("label_text", &labels.names.text),
        tensor("licensor_text", &licensors.names.text),
        tensor("market_text", &markets.names.text),
        tensor("surface_text", &surfaces.names.text),
        tensor("goal_text", &ledgers.goals.text),
    ];
    // Only where it is used, so that other policies stay what they were. It stands after the last of the columns of its width.
    if let Some(caps) = &roster.frequency_cap {
        let at = tensors.iter().position(|(name, ..)| *name == "ledger_kind").unwrap_or(tensors.len());
        tensors.insert(at, tensor("campaign_frequency_cap", caps));
    }
    container::write(&metadata, &tensors)
}

type Written<'a> = (&'static str, &'static str, Vec<usize>, &'a [u8]);

fn tensor<'a, T: Scalar>(name: &'static str, column: &'a Column<T>) -> Written<'a> {
    (name, T::DTYPE, vec![column.len()], column.raw())
}

fn table<'a, T: Scalar>(name: &'static str, column: &'a Column<T>, width: usize) -> Written<'a> {
    (name, T::DTYPE, vec![column.len().checked_div(width).unwrap_or(0), width], column.raw())
}

/// The same policy with other entries of metadata, `None` taking one out: new metadata over the same tensors, unsigned.
pub(super) fn with_metadata(bytes: &[u8], entries: &[(&str, Option<String>)]) -> Result<Vec<u8>> {
    let container = container::read(bytes)?;
    let mut metadata = container.metadata;
    for (key, value) in entries {
        match value {
            Some(value) => metadata.insert((*key).to_owned(), value.clone()),
            None => metadata.shift_remove(*key),
        };
    }
    // A place among the format's own names, before what travels along: equal drafts give equal bytes.
    let rank = |k: &str| RESERVED.iter().position(|r| *r == k).unwrap_or(RESERVED.len());
    metadata.sort_by(|a, _, b, _| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    let tensors: Vec<_> = (0..container.tensors.len())
        .map(|i| {
            let end = container.tensors.get(i + 1).map_or(bytes.len() - container::SEAL, |next| next.at);
            let t = &container.tensors[i];
            (t.name.as_str(), t.dtype, t.shape.clone(), &bytes[t.at..end])
        })
        .collect();
    container::write(&metadata, &tensors)
}

/// Whether a reader of format `reader` takes a file of `format_version` that asks for `min_reader`: its own format, the one before, and newer
/// ones that say it can.
pub(super) fn check_version(reader: u32, format_version: u32, min_reader: u32) -> Result<()> {
    let refuse = |why: &str| {
        let message = format!("format {format_version} (for readers from {min_reader} on) is {why}; this reader is {reader}");
        Err(Error::new(codes::VERSION, "policy", None, message))
    };
    if min_reader > reader {
        return refuse("too new");
    }
    if format_version == 0 || format_version.saturating_add(1) < reader {
        return refuse("too old");
    }
    Ok(())
}

struct Reader<'a> {
    bytes: &'a Arc<Vec<u8>>,
    container: &'a Container,
    taken: Vec<&'static str>,
}

impl Reader<'_> {
    fn take<T: Scalar>(&mut self, name: &'static str, shape: &[Option<usize>]) -> std::result::Result<(Column<T>, usize), Refusal> {
        let Some(t) = self.container.tensors.iter().find(|t| t.name == name) else {
            return flaw(name, None, 8, "the tensor is missing");
        };
        self.taken.push(name);
        if t.dtype != T::DTYPE {
            return flaw(name, None, t.at, format!("dtype {} where {} belongs", t.dtype, T::DTYPE));
        }
        let fits = t.shape.len() == shape.len() && t.shape.iter().zip(shape).all(|(found, wanted)| wanted.is_none_or(|w| w == *found));
        if !fits {
            return flaw(name, None, t.at, format!("shape {:?} where {} belongs", t.shape, shape_text(shape)));
        }
        Ok((Column::new(self.bytes, t.at, t.len()), t.at))
    }

    fn column<T: Scalar>(&mut self, name: &'static str, len: usize) -> std::result::Result<(Column<T>, usize), Refusal> {
        self.take(name, &[Some(len)])
    }

    /// Names that are not empty, valid UTF-8 and, where `sorted`, in strictly ascending order.
    fn texts(&mut self, offsets: &'static str, text: &'static str, sorted: bool) -> std::result::Result<Texts, Refusal> {
        let (text_column, text_at) = self.take::<u8>(text, &[None])?;
        let (column, at) = self.take::<u64>(offsets, &[None])?;
        let size = text_column.len() as u64;
        if column.len() == 0 || column.len() > NONE as usize || column.get(0) != 0 || column.get(column.len() - 1) != size {
            return flaw(offsets, None, at, format!("offsets that do not run from 0 to the {size} bytes of {text}"));
        }
        // A name that ends before it starts is longer than any; where none is too long, the last offset holds for all.
        let too_long = |(from, to): (u64, u64)| to.wrapping_sub(from) > NAME_LIMIT as u64;
        if any(column.iter().zip(column.iter().skip(1)).map(too_long)) {
            let wrong = |i: &usize| column.get(*i) > size || too_long((column.get(*i - 1), column.get(*i)));
            if let Some(i) = (1..column.len()).find(wrong) {
                let (from, to) = (column.get(i - 1), column.get(i));
                return flaw(offsets, Some(i), at + i * 8, format!("{to} after {from}, for names of at most {NAME_LIMIT} of {size} bytes"));
            }
        }
        let texts = Texts { offsets: column, text: text_column };
        let here = |i: usize| text_at + texts.offsets.get(i) as usize;
        // Every name is valid where the whole is and each starts at a character.
        let whole = |text: &str| texts.offsets.iter().all(|offset| text.is_char_boundary(offset as usize));
        if !texts.text.raw().is_ascii()
            && !std::str::from_utf8(texts.text.raw()).is_ok_and(whole)
            && let Some(i) = (0..texts.len()).find(|i| std::str::from_utf8(texts.raw(*i)).is_err())
        {
            return flaw(text, Some(i), here(i), "the name is not valid UTF-8");
        }
        if sorted && let Some(i) = texts.first_unsorted() {
            return flaw(text, Some(i), here(i), format!("{} does not come after the name before it", quote(texts.get(i))));
        }
        Ok(texts)
    }

    /// A column of indices below `count`, or [`NONE`] where that is allowed.
    fn indices(&mut self, name: &'static str, len: usize, count: usize, none: bool) -> std::result::Result<Column<u32>, Refusal> {
        let (column, at) = self.column::<u32>(name, len)?;
        // No count passes NONE: texts have fewer names, and sets fewer words.
        let (count, none) = (u32::try_from(count).unwrap_or(NONE), u32::from(none));
        // Less one, every good index is below the count; without a number that stands for none, NONE is as bad as any.
        let bad = |v: u32| v.wrapping_add(none) >= count.saturating_add(none);
        if any(column.iter().map(bad))
            && let Some((i, v)) = column.iter().enumerate().find(|(_, v)| bad(*v))
        {
            return flaw(name, Some(i), at + i * 4, format!("{v} is not below {count}"));
        }
        Ok(column)
    }

    fn numbers(&mut self, name: &'static str, len: usize, limit: f64) -> std::result::Result<(Column<f64>, usize), Refusal> {
        let (column, at) = self.column::<f64>(name, len)?;
        // NaN is within no limit, and limits are finite.
        let bad = |v: f64| !v.abs().le(&limit);
        if any(column.iter().map(bad))
            && let Some((i, v)) = column.iter().enumerate().find(|(_, v)| bad(*v))
        {
            return flaw(name, Some(i), at + i * 8, format!("{v} is not a number of magnitude at most {limit:e}"));
        }
        Ok((column, at))
    }

    fn places(&mut self, names: [&'static str; 4], campaigns: usize, priced: usize) -> std::result::Result<Places, Refusal> {
        let [offsets, text, sets, of] = names;
        let names = self.texts(offsets, text, false)?;
        if priced > names.len() {
            return flaw(offsets, None, 8, format!("{priced} priced names of {}", names.len()));
        }
        let sorted = Places::sort(&names, memory::collected(names.len(), 0..names.len() as u32)?);
        if let Some(pair) = sorted.windows(2).find(|p| names.raw(p[0] as usize) == names.raw(p[1] as usize)) {
            return flaw(text, Some(pair[1] as usize), 8, format!("{} occurs twice", quote(names.get(pair[1] as usize))));
        }
        let words = names.len().div_ceil(64);
        let (column, at) = self.take::<u64>(sets, &[None, Some(words)])?;
        let count = column.len().checked_div(words).unwrap_or(0);
        for s in 0..count {
            let empty = (0..words).all(|w| column.get(s * words + w) == 0);
            let beyond = names.len() % 64 != 0 && column.get(s * words + words - 1) >> (names.len() % 64) != 0;
            if empty || beyond {
                return flaw(sets, Some(s), at + s * words * 8, if empty { "an empty set" } else { "a set with a name that is not there" });
            }
        }
        let of_name = of;
        let of = self.indices(of_name, campaigns, count, true)?;
        // Sets count from 1 here and NONE is 0, so that nothing depends on which campaigns have one.
        let (mut used, mut early) = (0_u32, false);
        for s in of.iter() {
            let set = s.wrapping_add(1);
            early |= set > used + 1;
            used = used.max(set);
        }
        if early {
            let mut used = 0;
            for (i, s) in of.iter().enumerate().filter(|(_, s)| *s != NONE) {
                if s > used {
                    return flaw(of_name, Some(i), at, format!("set {s} before set {used}: sets stand in order of first use"));
                }
                used = used.max(s + 1);
            }
        }
        if used as usize != count {
            return flaw(sets, None, at, format!("{count} sets, of which {used} are used"));
        }
        Ok(Places { names, priced, sets: column, of, sorted })
    }

    fn party(&mut self, names: [&'static str; 3], campaigns: usize) -> std::result::Result<Party, Refusal> {
        let [offsets, text, of] = names;
        let names = self.texts(offsets, text, true)?;
        let of = self.indices(of, campaigns, names.len(), true)?;
        Ok(Party { names, of })
    }

    fn entry(&self, key: &'static str) -> std::result::Result<&str, Refusal> {
        match self.container.metadata.get(key) {
            Some(text) => Ok(text),
            None => flaw(key, None, 8, "the metadata lacks it"),
        }
    }

    /// A metadata entry in its one canonical form.
    fn value<T: std::str::FromStr + ToString>(&self, key: &'static str) -> std::result::Result<T, Refusal> {
        let text = self.entry(key)?;
        match text.parse::<T>() {
            Ok(value) if value.to_string() == text => Ok(value),
            _ => flaw(key, None, 8, format!("{} is not a value in canonical form", quote(text))),
        }
    }
}

/// Whether there is a flaw among them; looks at all, without a branch, as the compiler can vectorise. The culprit is looked for only if there is one.
fn any(flaws: impl Iterator<Item = bool>) -> bool {
    flaws.fold(false, |any, flaw| any | flaw)
}

fn shape_text(shape: &[Option<usize>]) -> String {
    let sizes: Vec<String> = shape.iter().map(|n| n.map_or("n".to_owned(), |n| n.to_string())).collect();
    format!("[{}]", sizes.join(", "))
}

fn check_slate(slate: &Slate) -> Option<String> {
    let mut faults = Faults::new();
    slate.check_ranges(&mut faults);
    faults.finish().err().map(|e| e.to_string())
}

/// Between what the price of a goal of this kind lies.
const fn price_range(kind: GoalKind) -> (f64, f64) {
    match kind {
        GoalKind::Cap | GoalKind::Guardrail => (0.0, f64::INFINITY),
        GoalKind::Floor | GoalKind::AlphaFair | GoalKind::MaxMin => (f64::NEG_INFINITY, 0.0),
        GoalKind::Target | GoalKind::Share => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

fn objectives(text: &str) -> std::result::Result<(Vec<String>, Vec<f64>), Refusal> {
    let objectives: Objectives = match serde_json::from_str(text) {
        Ok(objectives) => objectives,
        Err(e) => return flaw("objectives", None, 8, shorten(&e)),
    };
    if serde_json::to_string(&objectives).is_ok_and(|canonical| canonical != text) {
        return flaw("objectives", None, 8, "not in canonical form");
    }
    let (measures, weights): (Vec<String>, Vec<f64>) = objectives.0.into_iter().unzip();
    if measures.first().is_none_or(|m| m != "exposure") || measures.len() > MEASURE_LIMIT + 1 {
        let message = format!("{} measures; they start with exposure, and at most {MEASURE_LIMIT} follow", measures.len());
        return flaw("objectives", None, 8, message);
    }
    if let Some(at) = measures.iter().position(String::is_empty) {
        return flaw("objectives", Some(at), 8, "a measure without a name");
    }
    if let Some(at) = weights.iter().position(|w| !w.is_finite() || w.abs() > PRICE_LIMIT) {
        return flaw("objectives", Some(at), 8, format!("weight {} is not of magnitude at most {PRICE_LIMIT:e}", weights[at]));
    }
    Ok((measures, weights))
}

/// Reads what a container holds: version, then everything else. The digest may be wrong, and with it anything.
pub(super) fn read(bytes: &Arc<Vec<u8>>, container: Container) -> std::result::Result<Contents, Refusal> {
    let mut reader = Reader { bytes, container: &container, taken: Vec::new() };
    if reader.entry("format")? != FORMAT {
        return flaw("format", None, 8, format!("{} where {} belongs", quote(reader.entry("format")?), quote(FORMAT)));
    }
    let (format_version, min_reader) = (reader.value("format_version")?, reader.value("min_reader")?);
    check_version(FORMAT_VERSION, format_version, min_reader)?;

    let (measures, weights) = objectives(reader.entry("objectives")?)?;
    let slate_text = reader.entry("slate")?;
    let slate: Slate = match serde_json::from_str(slate_text) {
        Ok(slate) => slate,
        Err(e) => return flaw("slate", None, 8, shorten(&e)),
    };
    if serde_json::to_string(&slate).is_ok_and(|canonical| canonical != slate_text) {
        return flaw("slate", None, 8, "not in canonical form");
    }
    if let Some(message) = check_slate(&slate) {
        return flaw("slate", None, 8, message);
    }
    let tie_breadth: f64 = reader.value("tie_breadth")?;
    if !(0.0..=PRICE_LIMIT).contains(&tie_breadth) {
        return flaw("tie_breadth", None, 8, format!("{tie_breadth} is not in 0..={PRICE_LIMIT:e}"));
    }
    let valid_until = reader.container.metadata.contains_key("valid_until").then(|| reader.value("valid_until")).transpose()?;
    let parent_id = match reader.container.metadata.get("parent_id") {
        None => None,
        Some(text) => match super::parse_id(text) {
            Ok(id) => Some(id),
            Err(_) => return flaw("parent_id", None, 8, "not 32 lower-case hexadecimal digits"),
        },
    };

    let roster = read_roster(&mut reader)?;
    let ledgers = read_ledgers(&mut reader, &roster, measures.len())?;
    if format_version == FORMAT_VERSION
        && let Some(t) = container.tensors.iter().find(|t| !reader.taken.contains(&t.name.as_str()))
    {
        return Err(corrupt(t.at, format!("this format has no tensor {}", quote(&t.name))).into());
    }
    let Container { metadata, .. } = container;
    Ok(Contents { metadata, measures, weights, slate, tie_breadth, parent_id, valid_until, roster, ledgers })
}

fn read_roster(reader: &mut Reader<'_>) -> std::result::Result<Roster, Refusal> {
    let ids = reader.texts("campaign_offsets", "campaign_text", true)?;
    let n = ids.len();
    if n > CAMPAIGN_LIMIT {
        let message = format!("{n} campaigns, the limit is {CAMPAIGN_LIMIT}");
        return Err(Error::new(codes::POLICY_LIMIT, "policy", None, message).into());
    }
    if n > 0 && ids.raw(0).is_empty() {
        return flaw("campaign_text", Some(0), 8, "an empty id");
    }
    let (start, _) = reader.column::<i64>("campaign_start", n)?;
    let (end, end_at) = reader.column::<i64>("campaign_end", n)?;
    if any(start.iter().zip(end.iter()).map(|(start, end)| end <= start))
        && let Some(i) = (0..n).find(|i| end.get(*i) <= start.get(*i))
    {
        return flaw("campaign_end", Some(i), end_at + i * 8, format!("a flight from {} to {}", start.get(i), end.get(i)));
    }
    let frequency_cap = read_frequency_cap(reader, n)?;
    let parties = [
        reader.party(["artist_offsets", "artist_text", "campaign_artist"], n)?,
        reader.party(["label_offsets", "label_text", "campaign_label"], n)?,
        reader.party(["licensor_offsets", "licensor_text", "campaign_licensor"], n)?,
    ];
    let (priced_markets, priced_surfaces) = (reader.value("priced_markets")?, reader.value("priced_surfaces")?);
    let markets = reader.places(["market_offsets", "market_text", "market_sets", "campaign_market_set"], n, priced_markets)?;
    let surfaces = reader.places(["surface_offsets", "surface_text", "surface_sets", "campaign_surface_set"], n, priced_surfaces)?;
    Ok(Roster { ids, start, end, frequency_cap, parties, markets, surfaces })
}

/// Caps of at least 1, and at least one of them; a policy without any has no such tensor.
fn read_frequency_cap(reader: &mut Reader<'_>, campaigns: usize) -> std::result::Result<Option<Column<u32>>, Refusal> {
    let name = "campaign_frequency_cap";
    if !reader.container.tensors.iter().any(|t| t.name == name) {
        return Ok(None);
    }
    let (caps, at) = reader.column::<u32>(name, campaigns)?;
    if any(caps.iter().map(|cap| cap == 0))
        && let Some(i) = caps.iter().position(|cap| cap == 0)
    {
        return flaw(name, Some(i), at + i * 4, "a cap of 0");
    }
    if caps.iter().all(|cap| cap == NONE) {
        return flaw(name, None, at, "no campaign has a cap");
    }
    Ok(Some(caps))
}

fn read_ledgers(reader: &mut Reader<'_>, roster: &Roster, measures: usize) -> std::result::Result<Ledgers, Refusal> {
    let (price, price_at) = reader.take::<f64>("ledger_price", &[None])?;
    let n = price.len();
    let goals = reader.texts("goal_offsets", "goal_text", false)?;
    let (kind, kind_at) = reader.column::<u8>("ledger_kind", n)?;
    let (scope, scope_at) = reader.column::<u8>("ledger_scope", n)?;
    let (key, key_at) = reader.column::<u32>("ledger_key", n)?;
    let (inside, _) = reader.numbers("ledger_inside", n, 1.0)?;
    let (outside, _) = reader.numbers("ledger_outside", n, 1.0)?;
    let (price, _) = (reader.numbers("ledger_price", n, PRICE_LIMIT)?.0, price);
    let known = |list: &Column<u8>, count: usize| !any(list.iter().map(|v| v as usize >= count));
    // What a key is below, and between what a price lies, by the numbers of scopes and kinds.
    let (keys, ranges) = (SCOPES.map(|scope| roster.keys(scope)), KINDS.map(price_range));
    let wrong = |(((kind, scope), key), price): (((u8, u8), u32), f64)| {
        let (low, high) = ranges[kind as usize];
        (key as usize >= keys[scope as usize]) | !(low..=high).contains(&price)
    };
    let rows = || kind.iter().zip(scope.iter()).zip(key.iter()).zip(price.iter());
    if !known(&kind, KINDS.len()) || !known(&scope, SCOPES.len()) || any(rows().map(wrong)) {
        for l in 0..n {
            let Some(kind) = KINDS.get(kind.get(l) as usize) else {
                return flaw("ledger_kind", Some(l), kind_at + l, format!("{} is no kind of goal", kind.get(l)));
            };
            let Some(scope) = SCOPES.get(scope.get(l) as usize) else {
                return flaw("ledger_scope", Some(l), scope_at + l, format!("{} is no scope", scope.get(l)));
            };
            if key.get(l) as usize >= roster.keys(*scope) {
                let message = format!("key {} of {} {}", key.get(l), roster.keys(*scope), scope.name());
                return flaw("ledger_key", Some(l), key_at + l * 4, message);
            }
            let (low, high) = price_range(*kind);
            if !(low..=high).contains(&price.get(l)) {
                return flaw("ledger_price", Some(l), price_at + l * 8, format!("{} is not a price of a {kind:?}", price.get(l)));
            }
        }
    }
    let goal = reader.indices("ledger_goal", n, goals.len(), false)?;
    let measure = reader.indices("ledger_measure", n, measures, false)?;
    Ok(Ledgers { goals, goal, kind, measure, scope, key, inside, outside, price })
}

#[cfg(test)]
mod tests {
    use super::check_version;

    #[test]
    fn readers_take_their_format_and_the_one_before() {
        let takes = |reader, format, min| check_version(reader, format, min).map_err(|e| e.code());
        assert_eq!(takes(1, 1, 1), Ok(()));
        assert_eq!(takes(2, 1, 1), Ok(()), "the one before");
        assert_eq!(takes(3, 1, 1), Err("policy.version"), "two before");
        assert_eq!(takes(1, 2, 1), Ok(()), "newer, but readable");
        assert_eq!(takes(1, 2, 2), Err("policy.version"), "newer");
        assert_eq!(takes(1, 0, 0), Err("policy.version"), "there is no format 0");
        assert_eq!(takes(1, u32::MAX, 1), Ok(()));
    }
}
