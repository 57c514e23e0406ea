//! What each number is called.

use super::counters::{BUCKET_COUNT, DEGRADED, bucket_end};
use crate::error::CODES;
use std::sync::OnceLock;

/// What a number means over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many observations were at most the label `le`; the last bucket, `+Inf`, counts all.
    Bucket,
    /// The sum of the observations of the buckets of the same name.
    Sum,
}

impl Kind {
    /// The name used in documents: `counter`, `gauge`, `bucket`, `sum`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Bucket => "bucket",
            Self::Sum => "sum",
        }
    }
}

/// One number: its name, unit and label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// `equipoise.score.requests`, ...
    pub name: &'static str,
    /// What it means over time.
    pub kind: Kind,
    /// UCUM: `1`, `s`, `By`, `{request}`.
    pub unit: &'static str,
    /// Key and value, where the name has several numbers.
    pub label: Option<(&'static str, String)>,
    /// One line for people.
    pub help: &'static str,
}

/// How an install can end: the values of the label `result`. The first four publish a policy or leave the live one as wanted.
pub(crate) const RESULTS: [&str; 13] = [
    "installed",
    "unchanged",
    "forced",
    "rolled_back",
    "stale",
    "foreign",
    "older",
    "worse",
    "not_kept",
    "corrupt",
    "version",
    "limit",
    "failed",
];

/// Places of what the scorer itself knows: behind the numbers of the workspaces.
pub(crate) const INSTALLS: usize = super::counters::LENGTH;
pub(crate) const POLICY_AGE: usize = INSTALLS + RESULTS.len();
pub(crate) const SWITCHES_OFF: usize = POLICY_AGE + 1;
pub(crate) const BREAKERS_ENGAGED: usize = SWITCHES_OFF + 1;
pub(crate) const BREAKER_TRIPS: usize = BREAKERS_ENGAGED + 1;
pub(crate) const MEMORY_POLICIES: usize = BREAKER_TRIPS + 1;
pub(crate) const MEMORY_WORKSPACES: usize = MEMORY_POLICIES + 1;
const PANICS: usize = MEMORY_WORKSPACES + 1;
const COUNT: usize = PANICS + 1;

/// Where installs of a result are counted.
pub(crate) fn result_at(result: &str) -> usize {
    INSTALLS + RESULTS.iter().position(|r| *r == result).unwrap_or(RESULTS.len() - 1)
}

/// Every number's name, in the order of [`Metrics::values`]; the same list throughout a process, equal for equal versions.
#[must_use]
pub fn series() -> &'static [Series] {
    static SERIES: OnceLock<Vec<Series>> = OnceLock::new();
    SERIES.get_or_init(list)
}

fn list() -> Vec<Series> {
    let plain = |name, kind, unit, help| Series { name, kind, unit, label: None, help };
    let counter = |name, unit, help| plain(name, Kind::Counter, unit, help);
    let labelled = |series: Series, key: &'static str, value: &str| Series { label: Some((key, value.to_owned())), ..series };
    let mut list = vec![
        counter("equipoise.score.requests", "{request}", "Requests scored, those that failed included."),
        counter("equipoise.score.candidates", "{candidate}", "Candidates of requests that did not fail."),
        counter("equipoise.score.picks", "{pick}", "Candidates picked."),
    ];
    let unknown = counter("equipoise.score.unknown", "1", "Candidates of unknown campaigns, and requests of segments that have no price.");
    list.extend(["campaign", "segment"].map(|what| labelled(unknown.clone(), "what", what)));
    list.push(counter("equipoise.score.dropped", "{candidate}", "Candidates dropped for a number that cannot be used."));
    let degraded = counter("equipoise.score.degraded", "{request}", "Requests that kept their organic order whatever their candidates.");
    list.extend(DEGRADED.map(|reason| labelled(degraded.clone(), "reason", reason)));
    let errors = counter("equipoise.score.errors", "{request}", "Requests that failed, by error code.");
    list.extend(CODES.iter().map(|(code, _, _)| labelled(errors.clone(), "code", code)));
    let duration = "Time within a score, of the requests that were timed.";
    list.extend((0..BUCKET_COUNT).map(|b| {
        let end = bucket_end(b).map_or("+Inf".to_owned(), |nanos| (nanos as f64 / 1e9).to_string());
        labelled(plain("equipoise.score.duration", Kind::Bucket, "s", duration), "le", &end)
    }));
    list.push(plain("equipoise.score.duration", Kind::Sum, "s", duration));
    let installs = counter("equipoise.policy.installs", "{install}", "Policies offered, by what became of them.");
    list.extend(RESULTS.map(|result| labelled(installs.clone(), "result", result)));
    list.push(plain("equipoise.policy.age", Kind::Gauge, "s", "Time since the live policy was installed."));
    list.push(plain("equipoise.switches.off", Kind::Gauge, "1", "Kill switches that are off."));
    list.push(plain("equipoise.breakers.engaged", Kind::Gauge, "{campaign}", "Campaigns that a breaker stops, damps or tries."));
    list.push(counter("equipoise.breakers.trips", "1", "Times that a breaker tripped."));
    let memory =
        plain("equipoise.native.memory", Kind::Gauge, "By", "Native memory of policies (live, kept and still in use) and of workspaces.");
    list.extend(["policies", "workspaces"].map(|what| labelled(memory.clone(), "what", what)));
    list.push(counter("equipoise.native.panics", "1", "Panics caught, in the whole process; each is a bug."));
    list
}

/// The numbers of a scorer at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    values: Vec<f64>,
}

impl Metrics {
    /// Of the workspaces' sums; everything else is yet zero.
    pub(crate) fn new(sums: &[u64]) -> Self {
        use super::counters::{BUCKETS, DURATION};
        let mut values: Vec<f64> = sums.iter().map(|n| *n as f64).collect();
        for b in BUCKETS + 1..BUCKETS + BUCKET_COUNT {
            values[b] += values[b - 1];
        }
        values[DURATION] /= 1e9;
        values.resize(COUNT, 0.0);
        values[PANICS] = super::panics() as f64;
        Self { values }
    }

    pub(crate) fn set(&mut self, at: usize, value: f64) {
        self.values[at] = value;
    }

    /// All values, in the order of [`series`].
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Every value with its name.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static Series, f64)> {
        series().iter().zip(self.values.iter().copied())
    }

    /// The value of a name and label (empty for none); `None` where there is no such number.
    #[must_use]
    pub fn get(&self, name: &str, label: &str) -> Option<f64> {
        let is_asked = |s: &Series| s.name == name && s.label.as_ref().map_or("", |l| l.1.as_str()) == label;
        self.iter().find(|(s, _)| is_asked(s)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::counters::LENGTH;

    #[test]
    fn names_and_places_fit() {
        let list = series();
        assert_eq!(list.len(), COUNT);
        assert_eq!(Metrics::new(&[0; LENGTH]).values().len(), COUNT);
        for (at, name) in [
            (INSTALLS, "equipoise.policy.installs"),
            (POLICY_AGE, "equipoise.policy.age"),
            (SWITCHES_OFF, "equipoise.switches.off"),
            (BREAKERS_ENGAGED, "equipoise.breakers.engaged"),
            (BREAKER_TRIPS, "equipoise.breakers.trips"),
            (MEMORY_WORKSPACES, "equipoise.native.memory"),
            (PANICS, "equipoise.native.panics"),
            (super::super::counters::DURATION, "equipoise.score.duration"),
        ] {
            assert_eq!(list[at].name, name);
        }
        for (i, s) in list.iter().enumerate() {
            assert!(!list[..i].iter().any(|t| (t.name, t.kind, &t.label) == (s.name, s.kind, &s.label)), "{s:?} twice");
        }
    }
}
