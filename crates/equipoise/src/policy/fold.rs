//! Prices folded for scoring: `V` per segment and measure, and a hot row per campaign: `P` of every priced measure, and what admission reads.
//!
//! Prices are folded in `f64` in the order of the ledgers and rounded once. `V` of a measure is only as large as its ledgers make it: one
//! number where no market and no surface prices it.

use super::file::Ledgers;
use super::memory;
use super::reach::Reach;
use super::roster::{NONE, Roster};
use crate::error::{Error, Result, codes};
use crate::model::Scope;
use equipoise_kernel::score::{HotRow, HotRows};

/// Additions that a fold may take: a few seconds. More comes only from thousands of shares over millions of campaigns.
const WORK_LIMIT: u64 = 1 << 33;
/// What folded prices may take in memory beyond the size of the policy's file.
const MEMORY_SLACK: usize = 512 << 10;

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
            out.extend(self.places.iter().map(|(at, by_market, by_surface)| {
                let market = if *by_market == 0 { 0 } else { market as usize * by_market };
                let surface = if *by_surface == 0 { 0 } else { surface as usize * by_surface };
                self.values[at + market + surface]
            }));
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
    pub(crate) request: Vec<u32>,
}

impl Touching {
    fn new(roster: &Roster, ledgers: &Ledgers) -> Result<Self> {
        let mut base = [0; 4];
        let mut keys = 0;
        for (scope, base) in [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor].into_iter().zip(&mut base) {
            *base = keys;
            keys += roster.keys(scope);
        }
        let mut starts = memory::filled(0_u32, keys + 1)?;
        let (mut everywhere, mut request) = (Vec::new(), Vec::new());
        let slot = |l: usize| base[ledgers.scope(l) as usize] + ledgers.key.get(l) as usize;
        let own = |l: usize| ledgers.scope(l).is_campaign_side() && ledgers.outside.get(l) == 0.0;
        for l in 0..ledgers.len() {
            if own(l) {
                starts[slot(l) + 1] += 1;
            } else if ledgers.scope(l).is_campaign_side() {
                memory::push(&mut everywhere, l as u32)?;
            } else {
                memory::push(&mut request, l as u32)?;
            }
        }
        for k in 0..keys {
            starts[k + 1] += starts[k];
        }
        let mut list = memory::filled(0_u32, starts[keys] as usize)?;
        // Filling moves every start to its end, which is the next one's start: shifted back below.
        for l in (0..ledgers.len()).filter(|l| own(*l)) {
            let at = &mut starts[slot(l)];
            list[*at as usize] = l as u32;
            *at += 1;
        }
        starts.rotate_right(1);
        starts[0] = 0;
        Ok(Self { starts, list, base, everywhere, request })
    }

    /// Calls `visit` with every campaign-side ledger that has a coefficient for campaign `index`, and that coefficient, in order of folding.
    pub(crate) fn campaign(&self, roster: &Roster, ledgers: &Ledgers, index: u32, mut visit: impl FnMut(usize, f64)) {
        let of = |scope: usize, key: u32| {
            if key == NONE {
                return [].as_slice();
            }
            let slot = self.base[scope] + key as usize;
            &self.list[self.starts[slot] as usize..self.starts[slot + 1] as usize]
        };
        let party = |p: usize| roster.parties[p].of.get(index as usize);
        // A ledger that is listed under a key of the campaign counts it.
        let own = |l: u32, visit: &mut dyn FnMut(usize, f64)| {
            let coefficient = ledgers.inside.get(l as usize);
            if coefficient != 0.0 {
                visit(l as usize, coefficient);
            }
        };
        // Most campaigns have one or two of these.
        let mut heads = [[].as_slice(); 4];
        let mut active = 0;
        for list in [of(0, index), of(1, party(0)), of(2, party(1)), of(3, party(2))] {
            heads[active] = list;
            active += usize::from(!list.is_empty());
        }
        if self.everywhere.is_empty() {
            match heads[..active] {
                [] => return,
                [list] => return list.iter().for_each(|l| own(*l, &mut visit)),
                _ => {}
            }
        }
        let mut everywhere = self.everywhere.as_slice();
        loop {
            let first = heads[..active].iter().enumerate().filter_map(|(h, list)| Some((*list.first()?, h))).min();
            match (first, everywhere.first()) {
                (None, None) => return,
                (Some((l, h)), other) if other.is_none_or(|o| l < *o) => {
                    heads[h] = &heads[h][1..];
                    own(l, &mut visit);
                }
                (_, other) => {
                    let Some(l) = other.map(|l| *l as usize) else { return };
                    everywhere = &everywhere[1..];
                    let key = ledgers.key.get(l);
                    let member = match ledgers.scope(l) {
                        Scope::Campaign => key == index,
                        scope => key == party(scope as usize - 1),
                    };
                    let coefficient = if member { ledgers.inside.get(l) } else { ledgers.outside.get(l) };
                    if coefficient != 0.0 {
                        visit(l, coefficient);
                    }
                }
            }
        }
    }
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

/// Folds all prices. `weights` has one entry per measure, `exposure` first; `file` is the size of the policy's file in bytes.
pub(super) fn fold(weights: &[f64], roster: &Roster, ledgers: &Ledgers, file: usize) -> Result<Prices> {
    let limit = |what: String| Error::new(codes::POLICY_LIMIT, "ledgers", None, what);
    let touching = Touching::new(roster, ledgers)?;
    let mut column = vec![NONE; weights.len()];
    let (mut by_market, mut by_surface, mut priced_here) =
        (vec![false; weights.len()], vec![false; weights.len()], vec![Vec::new(); weights.len()]);
    let mut width = 0;
    for l in 0..ledgers.len() {
        let j = ledgers.measure.get(l) as usize;
        match ledgers.scope(l) {
            Scope::Market => by_market[j] = true,
            Scope::Surface => by_surface[j] = true,
            Scope::All => {}
            _ if column[j] == NONE => {
                column[j] = width;
                width += 1;
            }
            _ => {}
        }
        if !ledgers.scope(l).is_campaign_side() {
            memory::push(&mut priced_here[j], l)?;
        }
    }
    // Columns in order of measure, whatever the order of the ledgers.
    width = 0;
    for c in column.iter_mut().filter(|c| **c != NONE) {
        *c = width;
        width += 1;
    }
    let width = width as usize;
    let sizes: Vec<(usize, usize)> = (0..weights.len())
        .map(|j| {
            (if by_market[j] { roster.markets.priced.max(1) } else { 1 }, if by_surface[j] { roster.surfaces.priced.max(1) } else { 1 })
        })
        .collect();
    let floats = sizes.iter().try_fold(0_usize, |sum, (m, s)| sum.checked_add(m.checked_mul(*s)?));
    let taken = floats
        .and_then(|floats| HotRows::bytes(roster.len(), width)?.checked_add(floats.checked_mul(4)?))
        .filter(|bytes| *bytes <= file + MEMORY_SLACK)
        .ok_or_else(|| limit(format!("the folded prices would take more memory than the policy itself ({file} bytes)")))?;
    let work = sizes.iter().zip(&priced_here).map(|((m, s), here)| (m * s) as u64 * here.len() as u64).sum::<u64>();
    let work = work.saturating_add(touching.everywhere.len() as u64 * roster.len() as u64);
    if work > WORK_LIMIT {
        return Err(limit(format!("folding these shares takes {work} additions, the limit is {WORK_LIMIT}")));
    }

    let mut values = memory::room(floats.unwrap_or(0))?;
    let (mut places, mut lowest) = (Vec::new(), Vec::new());
    for (j, (markets, surfaces)) in sizes.into_iter().enumerate() {
        places.push((values.len(), if by_market[j] { surfaces } else { 0 }, usize::from(by_surface[j])));
        let mut low = (f32::INFINITY, 0, 0);
        for market in 0..markets as u32 {
            for surface in 0..surfaces as u32 {
                let v = priced_here[j]
                    .iter()
                    .fold(weights[j], |v, l| v - segment_coefficient(ledgers, *l, market, surface) * ledgers.price.get(*l));
                let v = v as f32;
                if v < low.0 {
                    low = (v, market, surface);
                }
                values.push(v);
            }
        }
        lowest.push(low);
    }
    let segments = Segments { values, places, lowest, markets: roster.markets.priced, surfaces: roster.surfaces.priced };

    let reach = Reach::new(roster, file + MEMORY_SLACK - taken)?;
    let mut rows = HotRows::new(roster.len() as u32, width)
        .ok_or_else(|| super::no_memory(HotRows::bytes(roster.len(), width).unwrap_or(usize::MAX) as u64))?;
    let (mut sums, mut prices) = (vec![0_f64; width], vec![0_f32; width]);
    for c in 0..roster.len() as u32 {
        if width > 0 {
            sums.fill(0.0);
            touching.campaign(roster, ledgers, c, |l, coefficient| {
                sums[column[ledgers.measure.get(l) as usize] as usize] += coefficient * ledgers.price.get(l);
            });
            for (p, sum) in prices.iter_mut().zip(&sums) {
                *p = *sum as f32;
            }
        }
        let (markets, surfaces) = if reach.is_some() { Reach::sets(roster, c) } else { (0, 0) };
        rows.set(c, HotRow { prices: &prices, markets, surfaces, flight: roster.instants(c) });
    }
    Ok(Prices { segments, column, rows, reach, touching })
}
