//! Prices folded for scoring: `V` per segment and measure, and a hot row per campaign: `P` of every priced measure, and what admission reads.
//!
//! Prices are folded in `f64` in the order of the ledgers and rounded once. `V` of a measure is only as large as its ledgers make it: one
//! number where no market and no surface prices it.

use super::file::Ledgers;
use super::memory::{self, Budget};
use super::reach::Reach;
use super::roster::{NONE, Roster};
use crate::error::{Error, Result, codes};
use crate::model::Scope;
use equipoise_kernel::score::HotRows;

/// Additions that a fold may take: a few seconds. More comes only from thousands of shares over millions of campaigns.
const WORK_LIMIT: u64 = 1 << 33;
#[derive(Debug)]
pub(crate) struct Prices {
    pub(crate) segments: Segments,
    /// Which price of a hot row each measure has (`exposure` first), or [`NONE`] where no campaign-side goal prices it.
    pub(crate) column: Vec<u32>,
    pub(crate) rows: HotRows,
    /// Which sets of markets and surfaces hold a segment; `None` where a table would be too large: rows then admit whoever is in flight.
    pub(crate) reach: Option<Reach>,
    pub(crate) touching: Touching,
}

/// `V`.
#[derive(Debug)]
pub(crate) struct Segments {
    values: Vec<f32>,
    /// For each measure: where its values start, and how far apart markets and surfaces lie (0: they make no difference).
    places: Vec<(usize, usize, usize)>,
    /// For each measure: the lowest value and the (market, surface) that has it. Unknown segments take it.
    lowest: Vec<(f32, u32, u32)>,
    markets: usize,
    surfaces: usize,
}

impl Segments {
    /// `segments` as in [`Outline`].
    fn new(weights: &[f64], roster: &Roster, ledgers: &Ledgers, segments: &[(usize, usize, Vec<u32>)], count: usize) -> Result<Self> {
        let mut values = memory::room(count)?;
        let (mut places, mut lowest) = (Vec::new(), Vec::new());
        for ((markets, surfaces, list), weight) in segments.iter().zip(weights) {
            let by = |scope: Scope| list.iter().any(|l| ledgers.scope(*l as usize) == scope);
            places.push((values.len(), if by(Scope::Market) { *surfaces } else { 0 }, usize::from(by(Scope::Surface))));
            let mut low = (f32::INFINITY, 0, 0);
            for market in 0..*markets as u32 {
                for surface in 0..*surfaces as u32 {
                    let v = list
                        .iter()
                        .map(|l| *l as usize)
                        .fold(*weight, |v, l| v - segment_coefficient(ledgers, l, market, surface) * ledgers.price.get(l));
                    let v = v as f32;
                    if v < low.0 {
                        low = (v, market, surface);
                    }
                    values.push(v);
                }
            }
            lowest.push(low);
        }
        Ok(Self { values, places, lowest, markets: roster.markets.priced, surfaces: roster.surfaces.priced })
    }

    /// Whether a request's segment is one that was priced. A dimension that the log lacked never makes a difference.
    pub(crate) fn knows(&self, market: u32, surface: u32) -> bool {
        let in_table = |i: u32, n: usize| n == 0 || (i as usize) < n;
        in_table(market, self.markets) && in_table(surface, self.surfaces)
    }

    /// The (market, surface) whose prices measure `j` takes in a segment; numbers mean nothing where the measure ignores them.
    pub(crate) fn priced_as(&self, j: usize, market: u32, surface: u32) -> (u32, u32) {
        if self.knows(market, surface) { (market, surface) } else { (self.lowest[j].1, self.lowest[j].2) }
    }

    /// `V` of every measure in a segment, written to `out`.
    pub(crate) fn values(&self, market: u32, surface: u32, out: &mut Vec<f32>) {
        out.clear();
        if self.knows(market, surface) {
            // Nothing is added for a dimension that makes no difference, whatever its number.
            let at = |(at, by_market, by_surface): &(usize, usize, usize)| at + market as usize * by_market + surface as usize * by_surface;
            out.extend(self.places.iter().map(|place| self.values[at(place)]));
        } else {
            out.extend(self.lowest.iter().map(|l| l.0));
        }
    }
}

/// Which campaign-side ledgers touch a campaign, and which request-side ledgers there are; all in order of folding.
#[derive(Debug)]
pub(crate) struct Touching {
    /// For the keys of campaign, artist, label, licensor in turn: where their ledgers start in `list`; ledgers with an outside coefficient are
    /// in `everywhere` instead.
    starts: Vec<u32>,
    list: Vec<u32>,
    base: [usize; 4],
    everywhere: Vec<u32>,
    request: Vec<u32>,
    /// The same by where they count: those of each market, then of each surface, then those that count outside of their key too.
    placed: Vec<u32>,
    /// Where each of these starts in `placed`.
    placed_starts: Vec<u32>,
    markets: usize,
}

/// Request-side ledgers that may have a coefficient in a segment, of three lists in order of folding.
pub(crate) struct Requested<'a>([&'a [u32]; 3]);

impl Requested<'_> {
    /// The next of them that comes before ledger `l`.
    #[inline]
    pub(crate) fn next_before(&mut self, l: usize) -> Option<usize> {
        let first = |list: &&[u32]| list.first().map_or(usize::MAX, |l| *l as usize);
        let firsts = [first(&self.0[0]), first(&self.0[1]), first(&self.0[2])];
        let least = firsts[0].min(firsts[1]).min(firsts[2]);
        if least >= l {
            return None;
        }
        for (list, own) in self.0.iter_mut().zip(firsts) {
            if own == least {
                *list = &list[1..];
            }
        }
        Some(least)
    }
}

impl Touching {
    fn new(roster: &Roster, ledgers: &Ledgers, budget: &mut Budget) -> Result<Self> {
        let mut base = [0; 4];
        let mut keys = 0;
        for (scope, base) in [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor].into_iter().zip(&mut base) {
            *base = keys;
            keys += roster.keys(scope);
        }
        // Each key's ledgers are counted two places on, summed there, and listed with the place between as the next free one: what is left says
        // where each starts.
        charge(budget, (keys + 2).checked_mul(4))?;
        let mut starts = memory::filled(0_u32, keys + 2)?;
        let (mut shared, mut requested) = (0, 0);
        for (scope, key, outside) in ledgers.places() {
            match Side::of(scope, outside) {
                Side::Own => starts[base[scope as usize] + key as usize + 2] += 1,
                Side::Everywhere => shared += 1,
                Side::Request => requested += 1,
            }
        }
        charge(budget, ledgers.len().checked_mul(4))?;
        let (mut everywhere, mut request) = (memory::room(shared)?, memory::room(requested)?);
        let (markets, surfaces) = (roster.markets(), roster.surfaces());
        charge(budget, requested.checked_add(markets + surfaces + 3).and_then(|words| words.checked_mul(4)))?;
        let mut placed_starts = memory::filled(0_u32, markets + surfaces + 3)?;
        let mut list = memory::filled(0_u32, ledgers.len() - shared - requested)?;
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        for (l, (scope, key, outside)) in (0..).zip(ledgers.places()) {
            match Side::of(scope, outside) {
                Side::Own => {
                    let at = &mut starts[base[scope as usize] + key as usize + 1];
                    list[*at as usize] = l;
                    *at += 1;
                }
                Side::Everywhere => everywhere.push(l),
                Side::Request => {
                    request.push(l);
                    placed_starts[place_of(scope, key, outside, markets, surfaces) + 2] += 1;
                }
            }
        }
        let mut sum = 0;
        for start in &mut placed_starts {
            sum += *start;
            *start = sum;
        }
        let mut placed = memory::filled(0_u32, requested)?;
        for l in &request {
            let (scope, key, outside) = (ledgers.scope(*l as usize), ledgers.key.get(*l as usize), ledgers.outside.get(*l as usize));
            let at = &mut placed_starts[place_of(scope, key, outside, markets, surfaces) + 1];
            placed[*at as usize] = *l;
            *at += 1;
        }
        Ok(Self { starts, list, base, everywhere, request, placed, placed_starts, markets })
    }

    /// Request-side ledgers that may have a coefficient in a segment: of a known one those of its market and surface and those that count
    /// everywhere, of another all, since each measure then takes the prices of a segment of its own.
    pub(crate) fn requested(&self, segments: &Segments, market: u32, surface: u32) -> Requested<'_> {
        if !segments.knows(market, surface) {
            return Requested([&self.request, &[], &[]]);
        }
        let places = self.placed_starts.len() - 3;
        let list = |place: usize| &self.placed[self.placed_starts[place] as usize..self.placed_starts[place + 1] as usize];
        let of = |number: u32, from: usize, to: usize| if number as usize + from < to { list(number as usize + from) } else { &[] };
        Requested([of(market, 0, self.markets), of(surface, self.markets, places), list(places)])
    }

    /// Calls `visit` with every campaign-side ledger that has a coefficient for campaign `index`, and that coefficient, in order of folding.
    pub(crate) fn campaign(&self, roster: &Roster, ledgers: &Ledgers, index: u32, visit: impl FnMut(usize, f64)) {
        self.reader(roster, ledgers).campaign(index, visit);
    }

    /// What many campaigns are read with.
    fn reader<'a>(&'a self, roster: &'a Roster, ledgers: &'a Ledgers) -> Reader<'a> {
        let parties = [0, 1, 2].map(|p: usize| roster.parties[p].of.chunks());
        Reader { touching: self, parties, ledgers, inside: ledgers.inside.chunks() }
    }
}

/// Which list of [`Touching::placed`] a request-side ledger is in.
fn place_of(scope: Scope, key: u32, outside: f64, markets: usize, surfaces: usize) -> usize {
    match scope {
        Scope::Market if outside == 0.0 => key as usize,
        Scope::Surface if outside == 0.0 => markets + key as usize,
        _ => markets + surfaces,
    }
}

/// Whom a ledger touches.
enum Side {
    /// The campaigns of its key.
    Own,
    /// All campaigns.
    Everywhere,
    /// No campaign but requests.
    Request,
}

impl Side {
    #[inline]
    fn of(scope: Scope, outside: f64) -> Self {
        match (scope.is_campaign_side(), outside == 0.0) {
            (true, true) => Self::Own,
            (true, false) => Self::Everywhere,
            (false, _) => Self::Request,
        }
    }
}

struct Reader<'a> {
    touching: &'a Touching,
    parties: [&'a [[u8; 4]]; 3],
    ledgers: &'a Ledgers,
    inside: &'a [[u8; 8]],
}

impl Reader<'_> {
    #[inline]
    fn party(&self, p: usize, index: u32) -> u32 {
        u32::from_le_bytes(self.parties[p][index as usize])
    }

    #[inline]
    fn of(&self, scope: usize, key: u32) -> &[u32] {
        if key == NONE {
            return &[];
        }
        let Touching { starts, list, base, .. } = self.touching;
        let slot = base[scope] + key as usize;
        &list[starts[slot] as usize..starts[slot + 1] as usize]
    }

    /// A ledger that is listed under a key of the campaign counts it.
    #[inline]
    fn own(&self, l: u32, visit: &mut impl FnMut(usize, f64)) {
        let coefficient = f64::from_le_bytes(self.inside[l as usize]);
        if coefficient != 0.0 {
            visit(l as usize, coefficient);
        }
    }

    #[inline]
    fn campaign(&self, index: u32, mut visit: impl FnMut(usize, f64)) {
        // Most campaigns have one or two of these.
        let mut heads = [[].as_slice(); 4];
        heads[0] = self.of(0, index);
        let mut active = usize::from(!heads[0].is_empty());
        for p in 0..3 {
            let list = self.of(p + 1, self.party(p, index));
            if !list.is_empty() {
                heads[active] = list;
                active += 1;
            }
        }
        match heads[..active] {
            _ if !self.touching.everywhere.is_empty() => self.merge(index, heads, visit),
            [] => {}
            [list] => list.iter().for_each(|l| self.own(*l, &mut visit)),
            [mut one, mut other] => {
                while let ([first, ones @ ..], [second, others @ ..]) = (one, other) {
                    if first < second {
                        self.own(*first, &mut visit);
                        one = ones;
                    } else {
                        self.own(*second, &mut visit);
                        other = others;
                    }
                }
                one.iter().chain(other).for_each(|l| self.own(*l, &mut visit));
            }
            _ => self.merge(index, heads, visit),
        }
    }

    /// All lists in order of folding. Those that are empty come last.
    fn merge(&self, index: u32, mut heads: [&[u32]; 4], mut visit: impl FnMut(usize, f64)) {
        let mut everywhere = self.touching.everywhere.as_slice();
        loop {
            let first = heads.iter().enumerate().filter_map(|(h, list)| Some((*list.first()?, h))).min();
            match (first, everywhere.first()) {
                (None, None) => return,
                (Some((l, h)), other) if other.is_none_or(|o| l < *o) => {
                    heads[h] = &heads[h][1..];
                    self.own(l, &mut visit);
                }
                (_, other) => {
                    let Some(l) = other.map(|l| *l as usize) else { return };
                    everywhere = &everywhere[1..];
                    let key = self.ledgers.key.get(l);
                    let member = match self.ledgers.scope(l) {
                        Scope::Campaign => key == index,
                        scope => key == self.party(scope as usize - 1, index),
                    };
                    let coefficient = if member { self.ledgers.inside.get(l) } else { self.ledgers.outside.get(l) };
                    if coefficient != 0.0 {
                        visit(l, coefficient);
                    }
                }
            }
        }
    }
}

fn limit(what: String) -> Error {
    Error::new(codes::POLICY_LIMIT, "ledgers", None, what)
}

/// Takes what folded prices need.
fn charge(budget: &mut Budget, bytes: Option<usize>) -> Result<()> {
    if budget.take(bytes) { Ok(()) } else { Err(limit("the folded prices would take more memory than the policy itself".to_owned())) }
}

/// The coefficient of request-side ledger `l` in a segment.
pub(crate) fn segment_coefficient(ledgers: &Ledgers, l: usize, market: u32, surface: u32) -> f64 {
    let member = match ledgers.scope(l) {
        Scope::Market => ledgers.key.get(l) == market,
        Scope::Surface => ledgers.key.get(l) == surface,
        _ => true,
    };
    if member { ledgers.inside.get(l) } else { ledgers.outside.get(l) }
}

/// Which prices there will be, and that there is room for them.
#[derive(Debug)]
pub(super) struct Outline {
    touching: Touching,
    column: Vec<u32>,
    /// Priced measures.
    width: usize,
    /// For each measure: in how many markets and surfaces its price differs, and the ledgers that make it.
    segments: Vec<(usize, usize, Vec<u32>)>,
    /// Numbers of all segments.
    values: usize,
}

impl Outline {
    /// `measures` counts `exposure`.
    ///
    /// # Errors
    /// `policy.limit`, `resource_exhausted.memory`.
    pub(super) fn new(measures: usize, roster: &Roster, ledgers: &Ledgers, budget: &mut Budget) -> Result<Self> {
        let touching = Touching::new(roster, ledgers, budget)?;
        let mut column = vec![NONE; measures];
        for (scope, measure) in ledgers.scopes().zip(ledgers.measure.iter()) {
            if scope.is_campaign_side() {
                column[measure as usize] = 0;
            }
        }
        let mut width = 0;
        for c in column.iter_mut().filter(|c| **c != NONE) {
            *c = width;
            width += 1;
        }
        let width = width as usize;
        let mut segments = vec![(1, 1, Vec::new()); measures];
        // A list that grows by doubling holds three times as much at most while it is moved.
        charge(budget, touching.request.len().checked_mul(12))?;
        for l in &touching.request {
            let (markets, surfaces, list) = &mut segments[ledgers.measure.get(*l as usize) as usize];
            match ledgers.scope(*l as usize) {
                Scope::Market => *markets = roster.markets.priced.max(1),
                Scope::Surface => *surfaces = roster.surfaces.priced.max(1),
                _ => {}
            }
            memory::push(list, *l)?;
        }
        let values = segments.iter().try_fold(0_usize, |sum, (m, s, _)| sum.checked_add(m.checked_mul(*s)?));
        charge(budget, values.and_then(|values| values.checked_mul(4)))?;
        charge(budget, HotRows::bytes(roster.len(), width))?;
        let work = segments.iter().map(|(m, s, list)| (m * s) as u64 * list.len() as u64).sum::<u64>();
        let work = work.saturating_add(touching.everywhere.len() as u64 * roster.len() as u64);
        if work > WORK_LIMIT {
            return Err(limit(format!("folding these shares takes {work} additions, the limit is {WORK_LIMIT}")));
        }
        Ok(Self { touching, column, width, segments, values: values.unwrap_or(0) })
    }

    /// Folds all prices. `weights` has one entry per measure, `exposure` first; `spare` is how many bytes the tables of sets may take.
    ///
    /// # Errors
    /// `resource_exhausted.memory`.
    pub(super) fn fold(self, weights: &[f64], roster: &Roster, ledgers: &Ledgers, spare: usize) -> Result<Prices> {
        let Self { touching, column, width, segments, values } = self;
        let segments = Segments::new(weights, roster, ledgers, &segments, values)?;
        let reach = Reach::new(roster, spare)?;
        let mut rows = HotRows::new(roster.len() as u32, width)
            .ok_or_else(|| memory::wanting::<u8>(HotRows::bytes(roster.len(), width).unwrap_or(usize::MAX)))?;
        let reader = touching.reader(roster, ledgers);
        let (measure, price) = (ledgers.measure.chunks::<4>(), ledgers.price.chunks::<8>());
        let numbers = if reach.is_some() { Some(Reach::numbers(roster)) } else { None };
        let instants = roster.instants();
        let mut sums = vec![0_f64; width];
        rows.fill(|c, prices| {
            if width > 0 {
                sums.fill(0.0);
                reader.campaign(c, |l, coefficient| {
                    let measure = u32::from_le_bytes(measure[l]) as usize;
                    sums[column[measure] as usize] += coefficient * f64::from_le_bytes(price[l]);
                });
                for (p, sum) in prices.iter_mut().zip(&sums) {
                    *p = *sum as f32;
                }
            }
            let (markets, surfaces) = numbers.as_ref().map_or((0, 0), |of| of(c));
            (markets, surfaces, instants(c))
        });
        Ok(Prices { segments, column, rows, reach, touching })
    }
}
