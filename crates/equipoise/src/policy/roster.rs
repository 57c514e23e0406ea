//! Who may run where and when: the campaigns of a policy, and THE eligibility rule, used by planning, replay and requests alike.

use super::column::{Column, Texts};
use crate::model::{Campaigns, Reason, Scope};
use std::collections::HashMap;

/// The number of no campaign party, market or surface, and of an unknown one.
pub const NONE: u32 = u32::MAX;

/// Campaigns in order of their ids, with parties, flights, and markets and surfaces over name tables of their own.
///
/// A campaign's index is the rank of its id. The market table starts with the names given to [`Roster::new`] (those of the log, in its
/// order), followed by names that only campaigns mention; the surface table likewise. Party names are sorted. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Roster {
    pub(crate) ids: Texts,
    pub(crate) start: Column<i64>,
    pub(crate) end: Column<i64>,
    /// How often one listener may get each campaign, [`NONE`] without a cap; absent where no campaign has one.
    pub(crate) frequency_cap: Option<Column<u32>>,
    /// Artist, label, licensor.
    pub(crate) parties: [Party; 3],
    pub(crate) markets: Places,
    pub(crate) surfaces: Places,
}

/// The names of one kind of party, sorted, and each campaign's index into them or [`NONE`].
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) names: Texts,
    pub(crate) of: Column<u32>,
}

/// Markets or surfaces: their names, and which of them each campaign may use.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) names: Texts,
    /// How many of the names, from the first, have prices of their own.
    pub(crate) priced: usize,
    /// Distinct sets, `words()` words each, bit `i` for name `i`; in order of first use.
    pub(crate) sets: Column<u64>,
    /// Each campaign's set, or [`NONE`] for everywhere.
    pub(crate) of: Column<u32>,
    /// Indices of `names` in order of name.
    pub(crate) sorted: Vec<u32>,
}

/// The campaigns that may run at one place.
#[derive(Debug, Clone, Copy)]
struct Held<'a> {
    of: &'a [[u8; 4]],
    sets: &'a [[u8; 8]],
    words: usize,
    word: usize,
    mask: u64,
}

impl Held<'_> {
    #[inline]
    fn holds(&self, index: usize) -> bool {
        let set = u32::from_le_bytes(self.of[index]);
        set == NONE || u64::from_le_bytes(self.sets[set as usize * self.words + self.word]) & self.mask != 0
    }
}

/// THE eligibility rule, for one segment and time; see [`Roster::eligibility`].
#[derive(Debug, Clone, Copy)]
pub struct Eligibility<'a> {
    market: Held<'a>,
    surface: Held<'a>,
    start: &'a [[u8; 8]],
    end: &'a [[u8; 8]],
    time: Option<i64>,
}

impl Eligibility<'_> {
    /// Why the campaign of rank `index` may not run; `None` means that it may.
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[inline]
    #[must_use]
    pub fn reason(&self, index: u32) -> Option<Reason> {
        let index = index as usize;
        if !self.market.holds(index) {
            return Some(Reason::Market);
        }
        if !self.surface.holds(index) {
            return Some(Reason::Surface);
        }
        if let Some(time) = self.time {
            let (start, end) = (i64::from_le_bytes(self.start[index]), i64::from_le_bytes(self.end[index]));
            // An open end is i64::MAX, which holds the latest instant, too.
            if time < start || (time >= end && end != i64::MAX) {
                return Some(Reason::Flight);
            }
        }
        None
    }
}

impl Places {
    pub(crate) fn words(&self) -> usize {
        self.names.len().div_ceil(64)
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.sorted.binary_search_by(|i| self.names.raw(*i as usize).cmp(name.as_bytes())).ok().map(|at| self.sorted[at])
    }

    /// The name of a number of requests; `None` for an unknown one.
    pub(crate) fn name(&self, number: u32) -> Option<&str> {
        ((number as usize) < self.names.len()).then(|| self.names.get(number as usize))
    }

    /// Who may run at `place`; one that is unknown or none is in no set.
    fn at(&self, place: u32) -> Held<'_> {
        let place = place as usize;
        let known = place < self.names.len();
        let (sets, of) = (self.sets.chunks(), self.of.chunks());
        Held { of, sets, words: self.words(), word: if known { place / 64 } else { 0 }, mask: if known { 1 << (place % 64) } else { 0 } }
    }

    /// The names of a campaign's set, sorted, or `None` for everywhere.
    pub(crate) fn list(&self, index: usize) -> Option<Vec<&str>> {
        let held = || self.sorted.iter().filter(|p| self.at(**p).holds(index)).map(|p| self.names.get(*p as usize));
        (self.of.get(index) != NONE).then(|| held().collect())
    }

    /// The numbers of names, `0..`, in the order of the names.
    pub(super) fn sort(names: &Texts, mut sorted: Vec<u32>) -> Vec<u32> {
        // In place: the stable sort asks for memory of its own.
        sorted.sort_unstable_by(|a, b| names.raw(*a as usize).cmp(names.raw(*b as usize)).then(a.cmp(b)));
        sorted
    }

    fn new<'a>(first: &'a [String], lists: &[Option<&'a [String]>]) -> Self {
        let mut list: Vec<&str> = Vec::new();
        let mut index: HashMap<&str, u32> = HashMap::new();
        for name in first.iter().chain(lists.iter().flatten().copied().flatten()) {
            index.entry(name).or_insert_with(|| {
                list.push(name);
                list.len() as u32 - 1
            });
        }
        let words = list.len().div_ceil(64);
        let mut seen: HashMap<Vec<u64>, u32> = HashMap::new();
        let mut sets: Vec<u64> = Vec::new();
        let of: Vec<u32> = lists
            .iter()
            .map(|list| {
                let Some(list) = list else { return NONE };
                let mut set = vec![0_u64; words];
                for name in *list {
                    let at = index[name.as_str()];
                    set[at as usize / 64] |= 1 << (at % 64);
                }
                let next = seen.len() as u32;
                *seen.entry(set).or_insert_with_key(|set| {
                    sets.extend_from_slice(set);
                    next
                })
            })
            .collect();
        let names = Texts::from_strs(list);
        let sorted = Self::sort(&names, (0..names.len() as u32).collect());
        Self { priced: first.len(), sets: Column::from_values(sets), of: Column::from_values(of), sorted, names }
    }
}

impl Party {
    fn new(of: &[Option<&str>]) -> Self {
        let mut names: Vec<&str> = of.iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let index = |name: &str| names.binary_search(&name).map_or(NONE, |at| at as u32);
        Self { of: Column::from_values(of.iter().map(|name| name.map_or(NONE, index))), names: Texts::from_strs(names.iter().copied()) }
    }
}

impl Roster {
    /// The roster of `campaigns` over the markets and surfaces of a log (distinct names; empty where the log has no such column).
    #[must_use]
    pub fn new(campaigns: &Campaigns, markets: &[String], surfaces: &[String]) -> Self {
        let mut list: Vec<_> = campaigns.list.iter().collect();
        list.sort_by(|a, b| a.id.cmp(&b.id));
        let party = |of: fn(&crate::model::Parties) -> &Option<String>| {
            Party::new(&list.iter().map(|c| of(&c.parties).as_deref()).collect::<Vec<_>>())
        };
        Self {
            ids: Texts::from_strs(list.iter().map(|c| c.id.as_str())),
            start: Column::from_values(list.iter().map(|c| c.start.unwrap_or(i64::MIN))),
            end: Column::from_values(list.iter().map(|c| c.end.unwrap_or(i64::MAX))),
            frequency_cap: list
                .iter()
                .any(|c| c.frequency_cap.is_some())
                .then(|| Column::from_values(list.iter().map(|c| c.frequency_cap.unwrap_or(NONE)))),
            parties: [party(|p| &p.artist), party(|p| &p.label), party(|p| &p.licensor)],
            markets: Places::new(markets, &list.iter().map(|c| c.markets.as_deref()).collect::<Vec<_>>()),
            surfaces: Places::new(surfaces, &list.iter().map(|c| c.surfaces.as_deref()).collect::<Vec<_>>()),
        }
    }

    /// How many campaigns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of the campaign of rank `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[must_use]
    pub fn id(&self, index: u32) -> &str {
        self.ids.get(index as usize)
    }

    /// The rank of the campaign `id`; `O(log n)`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<u32> {
        self.ids.find_sorted(id)
    }

    /// How many markets are known.
    #[must_use]
    pub fn markets(&self) -> usize {
        self.markets.names.len()
    }

    /// How many surfaces are known.
    #[must_use]
    pub fn surfaces(&self) -> usize {
        self.surfaces.names.len()
    }

    /// The index of a market.
    #[must_use]
    pub fn market(&self, name: &str) -> Option<u32> {
        self.markets.find(name)
    }

    /// The index of a surface.
    #[must_use]
    pub fn surface(&self, name: &str) -> Option<u32> {
        self.surfaces.find(name)
    }

    /// The index of a campaign's artist, label or licensor among [`Roster::keys`] of that scope, or [`NONE`].
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[must_use]
    pub fn party(&self, scope: Scope, index: u32) -> u32 {
        match scope {
            Scope::Artist | Scope::Label | Scope::Licensor => self.parties[scope as usize - 1].of.get(index as usize),
            _ => NONE,
        }
    }

    /// How many keys a ledger of `scope` can have: campaigns, parties, markets or surfaces *with prices*; 1 for [`Scope::All`].
    #[must_use]
    pub fn keys(&self, scope: Scope) -> usize {
        match scope {
            Scope::Campaign => self.len(),
            Scope::Artist | Scope::Label | Scope::Licensor => self.parties[scope as usize - 1].names.len(),
            Scope::Market => self.markets.priced,
            Scope::Surface => self.surfaces.priced,
            Scope::All => 1,
        }
    }

    /// The name of a key of `scope`; empty for [`Scope::All`].
    ///
    /// # Panics
    /// If there is no such key.
    #[must_use]
    pub fn key_name(&self, scope: Scope, key: u32) -> &str {
        match scope {
            Scope::Campaign => self.id(key),
            Scope::Artist | Scope::Label | Scope::Licensor => self.parties[scope as usize - 1].names.get(key as usize),
            Scope::Market => self.markets.names.get(key as usize),
            Scope::Surface => self.surfaces.names.get(key as usize),
            Scope::All => "",
        }
    }

    /// The key named `name` of `scope`, if there is one; 0 for [`Scope::All`].
    #[must_use]
    pub fn key(&self, scope: Scope, name: &str) -> Option<u32> {
        match scope {
            Scope::Campaign => self.find(name),
            Scope::Artist | Scope::Label | Scope::Licensor => self.parties[scope as usize - 1].names.find_sorted(name),
            Scope::Market => self.market(name).filter(|m| (*m as usize) < self.markets.priced),
            Scope::Surface => self.surface(name).filter(|s| (*s as usize) < self.surfaces.priced),
            Scope::All => Some(0),
        }
    }

    /// Start (included) and end (excluded) of a campaign's flight, microseconds since 1970 UTC; `None` where open.
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[must_use]
    pub fn flight(&self, index: u32) -> (Option<i64>, Option<i64>) {
        let (start, end) = (self.start.get(index as usize), self.end.get(index as usize));
        ((start != i64::MIN).then_some(start), (end != i64::MAX).then_some(end))
    }

    /// How often one listener may get a campaign; `None` where it has no cap.
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[must_use]
    pub fn frequency_cap(&self, index: u32) -> Option<u32> {
        self.frequency_cap.as_ref().map(|caps| caps.get(index as usize)).filter(|cap| *cap != NONE)
    }

    /// The first and the last instant of campaigns' flights, both included: what [`Eligibility`] says of flights, as bounds.
    pub(super) fn instants(&self) -> impl Fn(u32) -> (i64, i64) + '_ {
        let (start, end) = (self.start.chunks(), self.end.chunks());
        move |index| {
            let (start, end) = (i64::from_le_bytes(start[index as usize]), i64::from_le_bytes(end[index as usize]));
            // An open end is i64::MAX, which holds the latest instant, too.
            (start, end - i64::from(end != i64::MAX))
        }
    }

    /// Whether a listener has had a campaign as often as its cap allows; never where the count or the cap is not known.
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[must_use]
    pub fn is_sated(&self, index: u32, count: Option<u32>) -> bool {
        matches!((count, self.frequency_cap(index)), (Some(count), Some(cap)) if count >= cap)
    }

    /// The eligibility rule for this segment and time, to be asked about many campaigns.
    ///
    /// `market` and `surface` are [`NONE`] where the request names none or one that no table knows: campaigns with a list of their own are
    /// then refused. Without a time, flights are not checked.
    #[must_use]
    pub fn eligibility(&self, market: u32, surface: u32, time: Option<i64>) -> Eligibility<'_> {
        let (start, end) = (self.start.chunks(), self.end.chunks());
        Eligibility { market: self.markets.at(market), surface: self.surfaces.at(surface), start, end, time }
    }

    /// Why the campaign of rank `index` may not run in this segment at this time; `None` means that it may. As [`Roster::eligibility`].
    ///
    /// # Panics
    /// If `index` is not below [`Roster::len`].
    #[inline]
    #[must_use]
    pub fn reason(&self, index: u32, market: u32, surface: u32, time: Option<i64>) -> Option<Reason> {
        self.eligibility(market, surface, time).reason(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Campaign, Names};

    fn campaigns(list: Vec<Campaign>) -> Campaigns {
        let ids: Names = list.iter().map(|c| c.id.as_str()).collect();
        Campaigns { list, ids }
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    fn roster() -> Roster {
        let list = vec![
            Campaign { id: "b".into(), markets: Some(names(&["NO", "XX"])), start: Some(10), end: Some(20), ..Campaign::default() },
            Campaign { id: "a".into(), surfaces: Some(names(&["radio"])), ..Campaign::default() },
            Campaign { id: "c".into(), markets: Some(names(&["XX", "NO"])), ..Campaign::default() },
        ];
        Roster::new(&campaigns(list), &names(&["SE", "NO"]), &names(&["home", "radio"]))
    }

    #[test]
    fn ranks_follow_ids_and_tables_start_with_the_log() {
        let r = roster();
        assert_eq!((r.id(0), r.id(1), r.id(2)), ("a", "b", "c"));
        assert_eq!((r.find("c"), r.find("d"), r.find("")), (Some(2), None, None));
        assert_eq!((r.market("SE"), r.market("NO"), r.market("XX"), r.market("YY")), (Some(0), Some(1), Some(2), None));
        assert_eq!((r.keys(Scope::Market), r.markets()), (2, 3), "a market that only a campaign names has no price");
        assert_eq!(r.markets.sets.len(), 1, "equal sets are kept once");
        assert_eq!(r.markets.list(1), Some(vec!["NO", "XX"]));
    }

    #[test]
    fn reasons() {
        let r = roster();
        assert_eq!(r.reason(0, NONE, 1, None), None);
        assert_eq!(r.reason(0, 0, 0, None), Some(Reason::Surface));
        assert_eq!(r.reason(0, 0, NONE, None), Some(Reason::Surface), "a list never holds an unknown surface");
        assert_eq!(r.reason(1, 0, 0, Some(15)), Some(Reason::Market));
        assert_eq!(r.reason(1, NONE, 0, Some(15)), Some(Reason::Market));
        assert_eq!(r.reason(1, 1, NONE, Some(9)), Some(Reason::Flight));
        assert_eq!(r.reason(1, 1, NONE, Some(10)), None);
        assert_eq!(r.reason(1, 2, NONE, Some(19)), None);
        assert_eq!(r.reason(1, 2, NONE, Some(20)), Some(Reason::Flight));
        assert_eq!(r.reason(1, 2, NONE, None), None, "without a time, flights are not checked");
        assert_eq!(r.reason(2, 2, NONE, Some(i64::MAX)), None, "an open flight holds every instant");
    }
}
