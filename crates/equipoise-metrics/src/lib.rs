//! The numbers of a [`Scorer`] for the [`metrics`] facade, whatever exporter the host has installed.
//!
//! Call [`describe`] once, and [`publish`] before each scrape or from a timer; scoring itself never touches the facade.
//!
//! ```
//! use equipoise::Scorer;
//!
//! let scorer = Scorer::empty();
//! equipoise_metrics::describe();
//! equipoise_metrics::publish(&scorer, &[("service", "mixes")]);
//! ```
#![forbid(unsafe_code)]

use equipoise::Scorer;
use equipoise::observe::{Kind, Series, series};
use metrics::{Label, Unit, counter, describe_counter, describe_gauge, gauge};

/// What a number is called at the facade. Its histograms take single observations only, so the buckets of one are counters of their own,
/// `<name>.bucket` with the label `le`, and the sum is the gauge `<name>.sum`.
#[must_use]
pub fn name_of(series: &Series) -> String {
    match series.kind {
        Kind::Bucket => format!("{}.bucket", series.name),
        Kind::Sum => format!("{}.sum", series.name),
        _ => series.name.to_owned(),
    }
}

fn unit_of(series: &Series) -> Unit {
    match (series.kind, series.unit) {
        // A bucket counts, whatever it measures.
        (Kind::Bucket, _) => Unit::Count,
        (_, "s") => Unit::Seconds,
        (_, "By") => Unit::Bytes,
        _ => Unit::Count,
    }
}

/// Tells the installed recorder what every number means.
pub fn describe() {
    for s in series() {
        match s.kind {
            Kind::Counter | Kind::Bucket => describe_counter!(name_of(s), unit_of(s), s.help),
            _ => describe_gauge!(name_of(s), unit_of(s), s.help),
        }
    }
}

/// Sets every number of the installed recorder to what the scorer has counted so far. `labels` are added to each, to tell the scorers of a
/// process apart. Costs one [`Scorer::metrics`] and a look-up per number.
pub fn publish(scorer: &Scorer, labels: &[(&'static str, &str)]) {
    for (s, value) in scorer.metrics().iter() {
        let own = s.label.iter().map(|(key, value)| Label::new(*key, value.clone()));
        let labels: Vec<Label> = labels.iter().map(|(key, value)| Label::new(*key, (*value).to_owned())).chain(own).collect();
        match s.kind {
            Kind::Counter | Kind::Bucket => counter!(name_of(s), labels).absolute(value as u64),
            _ => gauge!(name_of(s), labels).set(value),
        }
    }
}
