//! What prices leave undecided: near the best prices all candidates but those closest to being decided otherwise can be frozen.

use super::dual::Dual;
use super::exact::amounts;
use crate::error::Result;
use crate::exchange::{Ask, Packed};

/// A candidate that is left to decide.
pub(super) struct Candidate {
    /// Its place in the sample.
    pub(super) index: usize,
    pub(super) column: usize,
    pub(super) opportunity: u32,
    /// Slots of its opportunity that are left.
    pub(super) slots: usize,
    /// What it delivers by measure, in inner units.
    pub(super) amounts: Vec<f64>,
}

/// The candidates closest to being decided otherwise, and what the others do.
pub(super) struct Undecided {
    pub(super) open: Vec<Candidate>,
    /// Frozen candidates that are taken, by place in the sample, and their sums by column and measure, in inner units.
    pub(super) taken: Vec<usize>,
    pub(super) cells: Vec<f64>,
    /// How far, in inner score units, a candidate may be from being decided otherwise and still be open.
    pub(super) reach: f64,
}

/// A candidate's score at the prices.
struct Offer {
    index: usize,
    column: usize,
    opportunity: u32,
    slots: usize,
    net: f64,
}

/// What an opportunity's next slot costs: the least score that is taken, and the most that is not.
struct Threshold {
    least: f64,
    most: f64,
}

impl Threshold {
    fn of(offers: &[Offer], ranked: &mut Vec<f64>) -> Self {
        let slots = offers[0].slots;
        ranked.clear();
        ranked.extend(offers.iter().map(|o| o.net));
        ranked.sort_unstable_by(|a, b| b.total_cmp(a));
        let at = |k: usize| ranked.get(k).map_or(0.0, |net| net.max(0.0));
        Self { least: slots.checked_sub(1).map_or(f64::INFINITY, at), most: at(slots) }
    }

    /// By how much the score would have to change for another decision.
    fn margin(&self, net: f64) -> f64 {
        (net - self.most).max(self.least - net)
    }

    fn is_taken(&self, net: f64) -> bool {
        net > self.most
    }
}

impl Undecided {
    /// The about `most` candidates closest to being decided otherwise than at prices `y`; `None` where far more are equally close. Two passes over
    /// the sample, and eight bytes a candidate.
    pub(super) fn at(dual: &Dual<'_>, packed: &Packed, y: &[f64], most: usize) -> Result<Option<Self>> {
        let mut margins = Vec::with_capacity(packed.layout().rows as usize);
        let mut ranked = Vec::new();
        each_opportunity(dual, packed, y, |offers, _| {
            let threshold = Threshold::of(offers, &mut ranked);
            margins.extend(offers.iter().map(|o| threshold.margin(o.net)).filter(|m| m.is_finite()));
        })?;
        if margins.is_empty() {
            return Ok(None);
        }
        let nth = most.min(margins.len()) - 1;
        let reach = *margins.select_nth_unstable_by(nth, f64::total_cmp).1;
        if margins.iter().filter(|m| **m <= reach).count() > 2 * most {
            return Ok(None);
        }
        drop(margins);
        let m = dual.measures();
        let mut found = Self {
            open: Vec::new(),
            taken: Vec::new(),
            cells: vec![0.0; packed.layout().columns.len() * m],
            reach: reach / dual.units.score,
        };
        each_opportunity(dual, packed, y, |offers, all| {
            let threshold = Threshold::of(offers, &mut ranked);
            let is_open = |o: &Offer| threshold.margin(o.net) <= reach;
            let sure = offers.iter().filter(|o| !is_open(o) && threshold.is_taken(o.net)).count();
            for (k, o) in offers.iter().enumerate() {
                let amounts = &all[k * m..][..m];
                if is_open(o) {
                    let (index, column, opportunity) = (o.index, o.column, o.opportunity);
                    found.open.push(Candidate { index, column, opportunity, slots: o.slots - sure, amounts: amounts.to_vec() });
                } else if threshold.is_taken(o.net) {
                    found.taken.push(o.index);
                    found.cells[o.column * m..][..m].iter_mut().zip(amounts).for_each(|(c, a)| *c += a);
                }
            }
        })?;
        Ok(Some(found))
    }
}

/// Gives `each` every opportunity's candidates, with what they deliver by measure, one after the other.
fn each_opportunity(dual: &Dual<'_>, packed: &Packed, y: &[f64], mut each: impl FnMut(&[Offer], &[f64])) -> Result<()> {
    let Ask::Prices(prices) = dual.ask(y, 0.0, 0.0) else { return Ok(()) };
    let m = dual.measures();
    let columns = &packed.layout().columns;
    let (mut offers, mut all): (Vec<Offer>, Vec<f64>) = (Vec::new(), Vec::new());
    packed.each_candidate(|row, index, column, y| {
        if offers.first().is_some_and(|o| o.opportunity != row.opportunity) {
            each(&offers, &all);
            offers.clear();
            all.clear();
        }
        let c = columns[column];
        let (v, p) = (&prices.v[c.class as usize * m..][..m], &prices.p[c.campaign as usize * m..][..m]);
        let units = std::iter::once(1.0).chain(y.iter().map(|y| f64::from(*y)));
        let net = units.zip(v.iter().zip(p)).map(|(y, (v, p))| (v - p) * y).sum();
        offers.push(Offer { index, column, opportunity: row.opportunity, slots: row.slots as usize, net });
        all.extend(amounts(dual, row.weight, y));
    })?;
    if !offers.is_empty() {
        each(&offers, &all);
    }
    Ok(())
}
