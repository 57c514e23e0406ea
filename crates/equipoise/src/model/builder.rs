//! Writing a log row by row.

use super::id::{Begun, Id, Items};
use super::limits::{PLACES, Range, check_measures, check_text};
use super::names::Names;
use super::opportunities::{ORGANIC, Opportunities};
use crate::error::{Error, FAULTS_SHOWN, Faults, Result, codes};

/// One opportunity of a log. A field that is `Some` anywhere has to be `Some` everywhere; one that is `None` everywhere is a column
/// that the log lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OpportunityRow<'a> {
    /// Unique in the log.
    pub id: Id<'a>,
    /// The listener's market.
    pub market: Option<&'a str>,
    /// Where the slate is shown.
    pub surface: Option<&'a str>,
    /// Microseconds since 1970 UTC.
    pub time: Option<i64>,
    /// Promoted places, 0 to 255; with 0 nothing is picked.
    pub slots: Option<u32>,
    /// How many real opportunities this one stands for, in `(0, 1e12]`.
    pub weight: Option<f64>,
    /// The organic score that a promotion gives up, in `[-1e12, 1e12]`.
    pub reference: Option<f32>,
    /// The organic value, in `[0, 1e12]`.
    pub organic_value: Option<f64>,
    /// The serving key; absent: the hash of `id`.
    pub key: Option<u64>,
    /// Whose it is.
    pub listener: Option<Id<'a>>,
}

/// One candidate of an opportunity. `organic`, `item`, `artist` and `frequency` are `Some` everywhere or nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CandidateRow<'a> {
    /// The campaign's id; `None` for an organic candidate.
    pub campaign: Option<&'a str>,
    /// The ranking's own score, in `[-1e12, 1e12]`.
    pub organic: Option<f32>,
    /// One value per measure of the builder, each in `[0, 1e12]`.
    pub measures: &'a [f32],
    /// The recording; rows of one item share one `organic` and differ in `campaign`.
    pub item: Option<Id<'a>>,
    /// The artist, for slate rules.
    pub artist: Option<&'a str>,
    /// How often the listener had had the campaign, below 2^32 - 1; for frequency caps.
    pub frequency: Option<u32>,
}

/// Collects a log row by row and reports every fault of it at once, see [`Opportunities::builder`].
///
/// ```
/// use equipoise::Opportunities;
/// use equipoise::model::{CandidateRow, OpportunityRow};
///
/// let mut log = Opportunities::builder(&["stream"]);
/// log.opportunity(&OpportunityRow { id: "t1".into(), market: Some("SE"), ..OpportunityRow::default() });
/// log.candidate(&CandidateRow { campaign: Some("c1"), organic: Some(0.3), measures: &[0.1], ..CandidateRow::default() });
/// log.candidate(&CandidateRow { organic: Some(0.7), measures: &[0.2], ..CandidateRow::default() });
/// let log = log.finish()?;
/// assert_eq!((log.len(), log.candidates()), (1, 2));
/// # Ok::<(), equipoise::Error>(())
/// ```
#[derive(Debug)]
pub struct OpportunitiesBuilder {
    log: Opportunities,
    faults: Faults,
    begun: Begun,
    items: Items,
    key: Column<u64>,
    listener: Column<u64>,
    weight: Column<f64>,
    slots: Column<u32>,
    time: Column<i64>,
    market: Column<u32>,
    surface: Column<u32>,
    reference: Column<f32>,
    organic_value: Column<f64>,
    organic: Column<f32>,
    item: Column<u32>,
    artist: Column<u32>,
    frequency: Column<u32>,
}

/// An optional column. Nothing is stored before the first row that has a value.
#[derive(Debug)]
struct Column<T> {
    values: Vec<T>,
    rows: usize,
    missing: usize,
    /// The first rows without a value: as many as an error would list.
    first_missing: Vec<u64>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { values: Vec::new(), rows: 0, missing: 0, first_missing: Vec::new() }
    }
}

impl<T: Copy + Default> Column<T> {
    /// Adds the value of a row, which faults call `row`.
    fn push(&mut self, value: Option<T>, row: u64) {
        if let Some(value) = value {
            self.values.resize(self.rows, T::default());
            self.values.push(value);
        } else {
            self.missing += 1;
            if self.first_missing.len() < FAULTS_SHOWN {
                self.first_missing.push(row);
            }
        }
        self.rows += 1;
    }

    /// The column, if any row has it; rows without a value are then faults.
    fn finish(mut self, name: &str, faults: &mut Faults) -> Option<Vec<T>> {
        if self.missing == self.rows {
            return None;
        }
        for i in 0..self.missing {
            faults.push(codes::NULL, name, self.first_missing.get(i).copied(), || "has no value, and other rows do".to_owned());
        }
        self.values.resize(self.rows, T::default());
        Some(self.values)
    }
}

impl OpportunitiesBuilder {
    pub(super) fn new<S: AsRef<str>>(measures: &[S]) -> Self {
        let mut faults = Faults::new();
        check_measures(measures, &mut faults);
        let measures = measures.iter().map(|name| (name.as_ref().to_owned(), Vec::new())).collect();
        Self {
            log: Opportunities { measures, ..Opportunities::default() },
            faults,
            begun: Begun::default(),
            items: Items::default(),
            key: Column::default(),
            listener: Column::default(),
            weight: Column::default(),
            slots: Column::default(),
            time: Column::default(),
            market: Column::default(),
            surface: Column::default(),
            reference: Column::default(),
            organic_value: Column::default(),
            organic: Column::default(),
            item: Column::default(),
            artist: Column::default(),
            frequency: Column::default(),
        }
    }

    /// Begins an opportunity; the candidates that follow are its own.
    pub fn opportunity(&mut self, row: &OpportunityRow<'_>) -> &mut Self {
        let at = self.log.campaign.len() as u64;
        self.check_not_empty();
        self.check_opportunity(row, at);
        self.log.starts.push(at);
        self.key.push(row.key, at);
        self.listener.push(row.listener.map(Id::hash), at);
        self.weight.push(row.weight, at);
        self.slots.push(row.slots, at);
        self.time.push(row.time, at);
        self.market.push(intern(&mut self.log.markets, row.market), at);
        self.surface.push(intern(&mut self.log.surfaces, row.surface), at);
        self.reference.push(row.reference.map(|v| v + 0.0), at);
        self.organic_value.push(row.organic_value.map(|v| v + 0.0), at);
        self
    }

    /// Adds a candidate to the opportunity begun last.
    pub fn candidate(&mut self, row: &CandidateRow<'_>) -> &mut Self {
        let at = self.log.campaign.len() as u64;
        if self.log.starts.is_empty() {
            self.faults.push(codes::MISSING, "opportunity_id", Some(at), || "a candidate comes before any opportunity".to_owned());
        }
        self.check_candidate(row, at);
        self.log.campaign.push(intern(&mut self.log.campaigns, row.campaign).unwrap_or(ORGANIC));
        for (j, (_, column)) in self.log.measures.iter_mut().enumerate() {
            // Adding +0 turns -0 into +0, so that no measure carries a sign.
            column.push(row.measures.get(j).copied().unwrap_or_default() + 0.0);
        }
        self.organic.push(row.organic.map(|v| v + 0.0), at);
        self.item.push(row.item.map(|id| self.items.intern(id).0), at);
        self.artist.push(intern(&mut self.log.artists, row.artist), at);
        self.frequency.push(row.frequency, at);
        self
    }

    /// The checked log. `index` of a fault counts candidates from 0; that of an opportunity is its first.
    ///
    /// # Errors
    /// Every fault at once: numbers (`invalid_input.not_finite`, `.range`), texts (`.empty`, `.too_large`), values that only some rows
    /// have (`.null`), a wrong number of measures (`.shape`), opportunities without candidates and empty logs (`.empty`), an id that
    /// comes back later (`.scattered`), items that contradict themselves (`.inconsistent`, `.duplicate`).
    pub fn finish(mut self) -> Result<Opportunities> {
        if self.log.starts.is_empty() && self.log.campaign.is_empty() {
            self.faults.push(codes::EMPTY, "opportunity_id", None, || "the log has no rows".to_owned());
        }
        self.check_not_empty();
        let Self { mut log, mut faults, .. } = self;
        log.starts.push(log.campaign.len() as u64);
        log.key = self.key.finish("key", &mut faults);
        log.listener = self.listener.finish("listener", &mut faults);
        log.weight = self.weight.finish("weight", &mut faults);
        log.slots = self.slots.finish("slots", &mut faults);
        log.time = self.time.finish("time", &mut faults);
        log.market = self.market.finish("market", &mut faults);
        log.surface = self.surface.finish("surface", &mut faults);
        log.reference = self.reference.finish("reference", &mut faults);
        log.organic_value = self.organic_value.finish("organic_value", &mut faults);
        log.organic = self.organic.finish("organic", &mut faults);
        log.item = self.item.finish("item", &mut faults);
        log.artist = self.artist.finish("artist", &mut faults);
        log.frequency = self.frequency.finish("frequency", &mut faults);
        if log.campaign.len() >= ORGANIC as usize {
            return Err(Error::new(codes::TOO_LARGE, "opportunity_id", None, format!("a log has fewer than {ORGANIC} rows")));
        }
        if log.starts[0] == 0 {
            log.check_items(&mut faults);
        }
        faults.finish()?;
        Ok(log)
    }

    /// Reports the opportunity begun last if it got no candidate.
    fn check_not_empty(&mut self) {
        let rows = self.log.campaign.len() as u64;
        if self.log.starts.last() == Some(&rows) {
            let t = self.log.starts.len() - 1;
            self.faults.push(codes::EMPTY, "opportunity_id", Some(rows), || format!("opportunity {t} has no candidates"));
        }
    }

    fn check_opportunity(&mut self, row: &OpportunityRow<'_>, at: u64) {
        let (faults, index) = (&mut self.faults, Some(at));
        if let Id::Text(id) = row.id {
            check_text(id, faults, "opportunity_id", index);
        }
        if let Some(Id::Text(listener)) = row.listener {
            check_text(listener, faults, "listener", index);
        }
        let (hash, before) = self.begun.begin(row.id, at);
        self.log.id_hash.push(hash);
        if let Some(before) = before {
            faults.push(codes::SCATTERED, "opportunity_id", index, || format!("{} was begun at row {before} already", row.id));
        }
        for (name, text) in [("market", row.market), ("surface", row.surface)] {
            if let Some(text) = text {
                check_text(text, faults, name, index);
            }
        }
        if let Some(slots) = row.slots.filter(|slots| *slots > PLACES) {
            faults.push(codes::RANGE, "slots", index, || format!("{slots} is not between 0 and {PLACES}"));
        }
        let numbers = [
            ("weight", row.weight, Range::Positive),
            ("reference", row.reference.map(f64::from), Range::Signed),
            ("organic_value", row.organic_value, Range::NonNegative),
        ];
        for (name, value, range) in numbers {
            if let Some(value) = value {
                range.check(value, faults, name, index);
            }
        }
    }

    fn check_candidate(&mut self, row: &CandidateRow<'_>, at: u64) {
        let (faults, index) = (&mut self.faults, Some(at));
        let item = row.item.and_then(|id| match id {
            Id::Text(id) => Some(id),
            Id::Int(_) => None,
        });
        for (name, text) in [("campaign", row.campaign), ("item", item), ("artist", row.artist)] {
            if let Some(text) = text {
                check_text(text, faults, name, index);
            }
        }
        if let Some(organic) = row.organic {
            Range::Signed.check(f64::from(organic), faults, "organic", index);
        }
        if row.frequency == Some(u32::MAX) {
            faults.push(codes::RANGE, "frequency", index, || format!("{0} is not below {0}", u32::MAX));
        }
        if row.measures.len() != self.log.measures.len() {
            faults.push(codes::SHAPE, "measures", index, || {
                format!("{} values for {} measures", row.measures.len(), self.log.measures.len())
            });
        }
        for (value, (name, _)) in row.measures.iter().zip(&self.log.measures) {
            Range::NonNegative.check(f64::from(*value), faults, name, index);
        }
    }
}

fn intern(names: &mut Names, name: Option<&str>) -> Option<u32> {
    name.map(|name| names.intern(name))
}
