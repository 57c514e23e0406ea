//! The opportunity log as columns.

use super::builder::OpportunitiesBuilder;
use super::names::Names;
use crate::error::{Faults, codes, quote};
use std::ops::Range;

/// The campaign index of an organic candidate.
pub const ORGANIC: u32 = u32::MAX;

/// A checked log of opportunities: one entry per opportunity, one per candidate, the candidates of an opportunity together.
///
/// Optional columns are `None` when the log lacks them. Indices point into the log's own name tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opportunities {
    /// Candidates of opportunity `t` are `starts[t]..starts[t + 1]`; length is the number of opportunities plus one.
    pub(crate) starts: Vec<u64>,
    /// Hash of `opportunity_id`; used for hold-outs, and as the key where there is no column `key`.
    pub(crate) id_hash: Vec<u64>,
    pub(crate) key: Option<Vec<u64>>,
    /// Hash of the listener.
    pub(crate) listener: Option<Vec<u64>>,
    pub(crate) weight: Option<Vec<f64>>,
    pub(crate) slots: Option<Vec<u32>>,
    /// Microseconds since 1970 UTC.
    pub(crate) time: Option<Vec<i64>>,
    pub(crate) market: Option<Vec<u32>>,
    pub(crate) surface: Option<Vec<u32>>,
    pub(crate) reference: Option<Vec<f32>>,
    pub(crate) organic_value: Option<Vec<f64>>,
    /// Per candidate: index into `campaigns`, or [`ORGANIC`].
    pub(crate) campaign: Vec<u32>,
    pub(crate) organic: Option<Vec<f32>>,
    /// Names and columns, in the order in which they were asked for.
    pub(crate) measures: Vec<(String, Vec<f32>)>,
    pub(crate) item: Option<Vec<u32>>,
    pub(crate) artist: Option<Vec<u32>>,
    /// Per candidate: how often the listener had had its campaign.
    pub(crate) frequency: Option<Vec<u32>>,
    pub(crate) campaigns: Names,
    pub(crate) markets: Names,
    pub(crate) surfaces: Names,
    pub(crate) artists: Names,
}

impl Opportunities {
    /// How many opportunities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many candidate rows there are.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.campaign.len()
    }

    /// Starts a log that is written row by row, with columns for these measures. A table is read by `equipoise::table::read_opportunities`.
    #[must_use]
    pub fn builder<S: AsRef<str>>(measures: &[S]) -> OpportunitiesBuilder {
        OpportunitiesBuilder::new(measures)
    }

    /// Candidates of opportunity `t` are rows `starts()[t]..starts()[t + 1]`; one longer than the number of opportunities.
    #[must_use]
    pub fn starts(&self) -> &[u64] {
        &self.starts
    }

    /// The rows of opportunity `t`.
    ///
    /// # Panics
    /// If `t` is not below [`Opportunities::len`].
    #[must_use]
    pub fn rows(&self, t: usize) -> Range<usize> {
        self.starts[t] as usize..self.starts[t + 1] as usize
    }

    /// The measure columns, in the order in which they were asked for; `exposure` is not among them.
    #[must_use]
    pub fn measure_names(&self) -> Vec<&str> {
        self.measures.iter().map(|m| m.0.as_str()).collect()
    }

    /// One value per row of the measure of that name, in `[0, 1e12]`.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<&[f32]> {
        self.measures.iter().find(|m| m.0 == name).map(|m| m.1.as_slice())
    }

    /// Per row the index of its campaign in [`Opportunities::campaigns`], or [`ORGANIC`].
    #[must_use]
    pub fn campaign(&self) -> &[u32] {
        &self.campaign
    }

    /// The campaign ids of this log, in the order in which its rows first name them.
    #[must_use]
    pub fn campaigns(&self) -> &Names {
        &self.campaigns
    }

    /// The markets of this log, in the order in which they first occur.
    #[must_use]
    pub fn markets(&self) -> &Names {
        &self.markets
    }

    /// The surfaces of this log, in the order in which they first occur.
    #[must_use]
    pub fn surfaces(&self) -> &Names {
        &self.surfaces
    }

    /// Per opportunity the index of its market, where the log has the column.
    #[must_use]
    pub fn market(&self) -> Option<&[u32]> {
        self.market.as_deref()
    }

    /// Per opportunity the index of its surface, where the log has the column.
    #[must_use]
    pub fn surface(&self) -> Option<&[u32]> {
        self.surface.as_deref()
    }

    /// Per opportunity its time in microseconds since 1970 UTC, where the log has the column.
    #[must_use]
    pub fn time(&self) -> Option<&[i64]> {
        self.time.as_deref()
    }

    /// Per opportunity how many promoted places it has, where the log has the column.
    #[must_use]
    pub fn slots(&self) -> Option<&[u32]> {
        self.slots.as_deref()
    }

    /// Per opportunity how many real ones it stands for, where the log has the column; else 1.
    #[must_use]
    pub fn weight(&self) -> Option<&[f64]> {
        self.weight.as_deref()
    }

    /// Per row its organic score, where the log has the column.
    #[must_use]
    pub fn organic(&self) -> Option<&[f32]> {
        self.organic.as_deref()
    }

    /// The serving key of opportunity `t`: the column `key`, else the hash of `opportunity_id`.
    ///
    /// # Panics
    /// If `t` is not below [`Opportunities::len`].
    #[must_use]
    pub fn key(&self, t: usize) -> u64 {
        self.key.as_ref().map_or(self.id_hash[t], |key| key[t])
    }

    /// Whether the log says whose each opportunity is. Opportunities of one listener are then held out together, and certificates take
    /// listeners, not opportunities, to be independent.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.listener.is_some()
    }

    /// What is drawn as one: the hash of the listener where the log names them, else of the opportunity's id.
    pub(crate) fn unit(&self, t: usize) -> u64 {
        self.listener.as_ref().map_or(self.id_hash[t], |listener| listener[t])
    }

    /// Takes away the first `n` opportunities: a log of them alone, with the names known so far.
    #[cfg(feature = "arrow")]
    pub(crate) fn split_front(&mut self, n: usize) -> Self {
        fn front<T>(list: &mut Vec<T>, n: usize) -> Vec<T> {
            let rest = list.split_off(n);
            std::mem::replace(list, rest)
        }
        fn each<T>(list: &mut Option<Vec<T>>, n: usize) -> Option<Vec<T>> {
            list.as_mut().map(|list| front(list, n))
        }
        let (first, rows) = (self.starts[0], (self.starts[n] - self.starts[0]) as usize);
        let mut starts: Vec<u64> = front(&mut self.starts, n);
        starts.push(self.starts[0]);
        for s in &mut starts {
            *s -= first;
        }
        Self {
            starts,
            id_hash: front(&mut self.id_hash, n),
            key: each(&mut self.key, n),
            listener: each(&mut self.listener, n),
            weight: each(&mut self.weight, n),
            slots: each(&mut self.slots, n),
            time: each(&mut self.time, n),
            market: each(&mut self.market, n),
            surface: each(&mut self.surface, n),
            reference: each(&mut self.reference, n),
            organic_value: each(&mut self.organic_value, n),
            campaign: front(&mut self.campaign, rows),
            organic: each(&mut self.organic, rows),
            measures: self.measures.iter_mut().map(|(name, list)| (name.clone(), front(list, rows))).collect(),
            item: each(&mut self.item, rows),
            artist: each(&mut self.artist, rows),
            frequency: each(&mut self.frequency, rows),
            campaigns: self.campaigns.clone(),
            markets: self.markets.clone(),
            surfaces: self.surfaces.clone(),
            artists: self.artists.clone(),
        }
    }

    /// Adds opportunity `t` of a log with the same columns, whose names begin with this one's.
    pub(crate) fn push_from(&mut self, log: &Self, t: usize) {
        fn one<T: Copy>(to: &mut Option<Vec<T>>, from: Option<&Vec<T>>, t: usize) {
            if let Some(from) = from {
                to.get_or_insert_default().push(from[t]);
            }
        }
        fn some<T: Copy>(to: &mut Option<Vec<T>>, from: Option<&Vec<T>>, rows: Range<usize>) {
            if let Some(from) = from {
                to.get_or_insert_default().extend_from_slice(&from[rows]);
            }
        }
        let rows = log.rows(t);
        if self.starts.is_empty() {
            self.starts.push(0);
            self.measures = log.measures.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        self.campaign.extend_from_slice(&log.campaign[rows.clone()]);
        self.starts.push(self.campaign.len() as u64);
        self.id_hash.push(log.id_hash[t]);
        one(&mut self.key, log.key.as_ref(), t);
        one(&mut self.listener, log.listener.as_ref(), t);
        one(&mut self.weight, log.weight.as_ref(), t);
        one(&mut self.slots, log.slots.as_ref(), t);
        one(&mut self.time, log.time.as_ref(), t);
        one(&mut self.market, log.market.as_ref(), t);
        one(&mut self.surface, log.surface.as_ref(), t);
        one(&mut self.reference, log.reference.as_ref(), t);
        one(&mut self.organic_value, log.organic_value.as_ref(), t);
        some(&mut self.organic, log.organic.as_ref(), rows.clone());
        some(&mut self.item, log.item.as_ref(), rows.clone());
        some(&mut self.artist, log.artist.as_ref(), rows.clone());
        some(&mut self.frequency, log.frequency.as_ref(), rows.clone());
        for ((_, to), (_, from)) in self.measures.iter_mut().zip(&log.measures) {
            to.extend_from_slice(&from[rows.clone()]);
        }
    }

    /// Takes all rows away; names and memory are kept.
    #[cfg(feature = "arrow")]
    pub(crate) fn clear_rows(&mut self) {
        fn each<T>(list: &mut Option<Vec<T>>) {
            list.iter_mut().for_each(Vec::clear);
        }
        self.starts.clear();
        self.id_hash.clear();
        self.campaign.clear();
        each(&mut self.key);
        each(&mut self.listener);
        each(&mut self.weight);
        each(&mut self.slots);
        each(&mut self.time);
        each(&mut self.market);
        each(&mut self.surface);
        each(&mut self.reference);
        each(&mut self.organic_value);
        each(&mut self.organic);
        each(&mut self.item);
        each(&mut self.artist);
        each(&mut self.frequency);
        self.measures.iter_mut().for_each(|measure| measure.1.clear());
    }

    /// Reports rows that contradict each other within an opportunity: one item with two organic scores, one (item, campaign) twice.
    /// Costs a sort of each opportunity's rows by item.
    pub(crate) fn check_items(&self, faults: &mut Faults) {
        let Some(item) = &self.item else { return };
        let mut order: Vec<(u64, usize)> = Vec::new();
        for t in 0..self.len() {
            order.clear();
            // A row whose item is null or whose organic is no number has been reported already.
            order.extend(
                self.rows(t)
                    .filter(|row| item[*row] != u32::MAX)
                    .map(|row| (u64::from(item[row]) << 32 | u64::from(self.campaign[row]), row)),
            );
            order.sort_unstable();
            for pair in order.windows(2) {
                let [(first, above), (second, row)] = [pair[0], pair[1]];
                if first == second {
                    faults.push(codes::DUPLICATE, "item", Some(row as u64), || self.twice(above, row));
                }
                let Some(organic) = self.organic.as_ref().filter(|_| first >> 32 == second >> 32) else { continue };
                if organic[above] != organic[row] && !organic[above].is_nan() && !organic[row].is_nan() {
                    faults.push(codes::INCONSISTENT, "organic", Some(row as u64), || {
                        format!("{:?} differs from {:?} at row {above}, which holds the same item", organic[row], organic[above])
                    });
                }
            }
        }
    }

    fn twice(&self, above: usize, row: usize) -> String {
        match (self.campaign[row], self.campaigns.as_slice().get(self.campaign[row] as usize)) {
            (ORGANIC, _) => format!("row {above} holds the same item without a campaign, too"),
            (_, Some(name)) => format!("row {above} holds the same item for the same campaign, {}", quote(name)),
            (_, None) => format!("row {above} holds the same item for the same campaign"),
        }
    }
}
