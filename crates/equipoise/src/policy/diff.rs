//! What has changed between two policies.

use super::{Policy, Price};
use crate::error::quote;
use std::collections::HashMap;

/// What has changed from one policy to another. Empty lists mean that nothing did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// Ids that only the new policy has, sorted.
    pub campaigns_added: Vec<String>,
    /// Ids that only the old policy has, sorted.
    pub campaigns_removed: Vec<String>,
    /// Ids of campaigns whose parties, flight, markets or surfaces differ, sorted.
    pub campaigns_changed: Vec<String>,
    /// Prices that differ, appeared or went away: those of the old policy in its order, then new ones.
    pub prices: Vec<Change<f64>>,
    /// Weights that differ: those of the old policy in its order, then new ones. `name` is the measure.
    pub weights: Vec<Change<f64>>,
    /// Metadata that differ, slate rules and validity among them. `name` is the entry.
    pub metadata: Vec<Change<String>>,
}

/// One value that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<T> {
    /// What it is the value of: for a price its goal, measure and scope.
    pub name: String,
    /// The old value, where there was one.
    pub before: Option<T>,
    /// The new value, where there is one.
    pub after: Option<T>,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Entries are compared by name; the n-th of a repeated name with the n-th.
fn changes<T: PartialEq>(before: impl Iterator<Item = (String, T)>, after: impl Iterator<Item = (String, T)>) -> Vec<Change<T>> {
    let numbered = |entries: &mut dyn Iterator<Item = (String, T)>| {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut list = Vec::new();
        for (name, value) in entries {
            let n = seen.entry(name.clone()).or_insert(0);
            list.push(((name, *n), value));
            *n += 1;
        }
        list
    };
    let (mut before, mut after) = (before, after);
    let before = numbered(&mut before);
    let after = numbered(&mut after);
    let order: Vec<(String, u32)> = after.iter().map(|(key, _)| key.clone()).collect();
    let mut after: HashMap<(String, u32), T> = after.into_iter().collect();
    let mut list: Vec<Change<T>> = Vec::new();
    for (key, old) in before {
        let new = after.remove(&key);
        if new.as_ref() != Some(&old) {
            list.push(Change { name: key.0, before: Some(old), after: new });
        }
    }
    for key in order {
        if let Some(new) = after.remove(&key) {
            list.push(Change { name: key.0, before: None, after: Some(new) });
        }
    }
    list
}

pub(super) fn diff(old: &Policy, new: &Policy) -> Diff {
    let mut diff = Diff::default();
    let (mut before, mut after) = (old.campaigns().peekable(), new.campaigns().peekable());
    loop {
        match (before.peek(), after.peek()) {
            (Some(b), Some(a)) if b.id == a.id => {
                if b != a {
                    diff.campaigns_changed.push(b.id.to_owned());
                }
                before.next();
                after.next();
            }
            (Some(b), a) if a.is_none_or(|a| b.id < a.id) => {
                diff.campaigns_removed.push(b.id.to_owned());
                before.next();
            }
            (_, Some(a)) => {
                diff.campaigns_added.push(a.id.to_owned());
                after.next();
            }
            (_, None) => break,
        }
    }
    let price = |p: Price| (format!("{} {} {}", quote(&p.goal), p.measure, p.scope), p.price);
    diff.prices = changes(old.prices().map(price), new.prices().map(price));
    let weights = |p: &Policy| -> Vec<(String, f64)> {
        std::iter::once("exposure".to_owned()).chain(p.measures().iter().cloned()).zip(p.weights().iter().copied()).collect()
    };
    diff.weights = changes(weights(old).into_iter(), weights(new).into_iter());
    let metadata = |p: &Policy| -> Vec<(String, String)> { p.metadata().iter().map(|(k, v)| (k.clone(), v.clone())).collect() };
    diff.metadata = changes(metadata(old).into_iter(), metadata(new).into_iter());
    diff.metadata.retain(|change| change.name != "objectives");
    diff
}
