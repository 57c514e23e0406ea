//! The slate place by place: fixed places, limited rises, list terms and exploration.
//!
//! At each place in turn stands the best candidate that may stand there beside the picks so far; a place that nobody may take stays organic. Where
//! no such rule is in use this is the serving rule's slate, and the plain pick of `slate.rs` finds it faster.

use super::diversity::{Divergence, Mix, Similarity};
use super::explore::{Mixture, Softmax, gumbel, is_uniform};
use super::lottery::Lottery;
use super::workspace::wanting;
use super::{Request, Workspace, slate};
use crate::error::{Error, Result, codes};
use crate::model::organic::NO_ITEM;
use crate::model::organic::ordered;
use crate::model::{Reason, Slate};
use crate::policy::{NONE, PLACE_LIMIT, Policy};

/// What became of a slate beyond its picks, and the scratch memory to find it.
#[derive(Debug, Default, Clone)]
pub(super) struct Arrangement {
    open: Vec<Open>,
    lottery: Lottery,
    divergence: Divergence,
    /// The picks without list terms and exploration.
    plain: Vec<u32>,
    /// By pick; empty where nothing was drawn.
    pub(super) propensities: Vec<f64>,
    /// The value of the plain picks less that of the picks.
    pub(super) given_up: f64,
}

/// A candidate that may still be picked.
#[derive(Debug, Clone, Copy)]
struct Open {
    index: u32,
    organic: u32,
    /// Its score, with the bonus.
    base: f64,
    noise: f64,
    norm: f64,
    /// Its largest similarity to a pick; 0 before the first.
    nearest: f64,
    utility: f64,
}

/// How places are filled.
#[derive(Clone, Copy)]
struct How<'a> {
    diversity: Option<(f64, Similarity<'a>)>,
    calibration: Option<(f64, Mix<'a>)>,
    /// Weight of the given uncertainties.
    bonus: Option<(f64, &'a [f32])>,
    temperature: Option<f64>,
    epsilon: f64,
}

impl How<'_> {
    const PLAIN: How<'static> = How { diversity: None, calibration: None, bonus: None, temperature: None, epsilon: 0.0 };

    /// What candidate `i` of this score is worth, with the bonus.
    fn base(&self, i: usize, score: f32) -> f64 {
        f64::from(score) + self.bonus.map_or(0.0, |(weight, uncertainty)| weight * f64::from(uncertainty[i]))
    }

    fn is_random(&self) -> bool {
        self.temperature.is_some() || self.epsilon > 0.0
    }

    /// Whether noise is each place's own, where one noise per candidate would not give each place its softmax.
    fn draws_afresh(&self, slate: &Slate) -> bool {
        self.diversity.is_some() || self.calibration.is_some() || slate.max_positions_up.is_some()
    }

    fn is_plain(&self) -> bool {
        !self.is_random() && self.diversity.is_none() && self.calibration.is_none() && self.bonus.is_none()
    }
}

/// What of the policy's list terms and exploration this request has the data for.
fn how<'a>(policy: &Policy, request: &Request<'a>) -> How<'a> {
    let slate = policy.slate();
    let exploration = slate.exploration.as_ref().filter(|_| request.explore);
    How {
        diversity: slate.diversity.zip(request.similarity),
        calibration: slate.calibration.zip(request.mix),
        bonus: exploration.map(|e| e.bonus).filter(|b| *b > 0.0).zip(request.uncertainty),
        temperature: exploration.and_then(|e| e.temperature),
        epsilon: exploration.map_or(0.0, |e| e.epsilon),
    }
}

/// Whether a request's slate has to be found here.
pub(super) fn is_needed(policy: &Policy, request: &Request<'_>) -> bool {
    is_arranged(policy.slate()) || !how(policy, request).is_plain()
}

/// Whether places of a slate differ in more than their distance.
fn is_arranged(slate: &Slate) -> bool {
    !slate.fixed_places.is_empty() || slate.max_positions_up.is_some()
}

/// Places of a slate, in order.
struct Places<'a> {
    slate: &'a Slate,
    last: u32,
}

impl<'a> Places<'a> {
    fn new(slate: &'a Slate) -> Self {
        Self { slate, last: slate.visible.unwrap_or(PLACE_LIMIT).min(PLACE_LIMIT) }
    }

    /// The first place from `least` on that promoted items may take.
    fn from(&self, least: u32) -> Option<u32> {
        let fixed = &self.slate.fixed_places;
        let place = if fixed.is_empty() { Some(least) } else { fixed.iter().copied().find(|p| *p >= least) };
        place.filter(|p| *p <= self.last)
    }
}

/// Fills the places; writes picks, positions, reasons, propensities and what was given up.
///
/// `O(n)` per place, and the similarities of every open candidate to each pick where they are asked for.
pub(super) fn pick(policy: &Policy, request: &Request<'_>, slots: u32, ws: &mut Workspace) -> Result<()> {
    let how = how(policy, request);
    if policy.slate().max_positions_up.is_some() {
        if request.organic.is_none() {
            return Err(Error::new(codes::MISSING, "organic", None, "the slate has `max_positions_up`, which needs organic scores"));
        }
        ws.blend.ranks(request.len(), request.organic, request.item)?;
    }
    let n = request.len();
    ws.arrangement.reserve(n).map_err(|_| wanting(n))?;
    let mut own = std::mem::take(&mut ws.arrangement);
    if !how.is_plain() {
        if is_arranged(policy.slate()) {
            own.open(request, ws, How::PLAIN);
            own.walk(policy, request, slots, ws, How::PLAIN);
        } else {
            slate::pick(policy, request, slots, ws);
        }
        own.plain.extend_from_slice(&ws.picks);
        ws.picks.clear();
        ws.positions.clear();
    }
    match how.temperature {
        // Where no pick changes anything for the others.
        Some(temperature) if !how.draws_afresh(policy.slate()) && !slate::is_ruled(policy, request) => {
            own.draw(policy, request, slots, ws, how, temperature);
        }
        _ => {
            own.open(request, ws, how);
            own.walk(policy, request, slots, ws, how);
        }
    }
    if !how.is_plain() {
        let value = |picks: &[u32]| picks.iter().fold(0.0, |sum, p| sum + f64::from(ws.scores[*p as usize]));
        own.given_up = value(&own.plain) - value(&ws.picks);
    }
    ws.arrangement = own;
    Ok(())
}

impl Arrangement {
    /// Forgets the last request's outcome.
    pub(super) fn clear(&mut self) {
        self.propensities.clear();
        self.given_up = 0.0;
    }

    /// Makes room, so that a request that does not fit is an error.
    pub(super) fn reserve(&mut self, n: usize) -> std::result::Result<(), std::collections::TryReserveError> {
        self.open.clear();
        self.open.try_reserve(n)?;
        self.propensities.try_reserve(PLACE_LIMIT as usize)?;
        self.plain.clear();
        self.plain.try_reserve(PLACE_LIMIT as usize)?;
        self.lottery.reserve(n, PLACE_LIMIT as usize)
    }

    /// A slate at this temperature whose noise is drawn once; the same picks and propensities as [`Arrangement::walk`].
    fn draw(&mut self, policy: &Policy, request: &Request<'_>, slots: u32, ws: &mut Workspace, how: How<'_>, temperature: f64) {
        let (slate, lottery) = (policy.slate(), &mut self.lottery);
        for (score, reason) in ws.scores.iter().zip(&mut ws.reasons) {
            *reason = if *score > 0.0 { Reason::Outscored } else { *reason };
        }
        lottery.enter(&ws.scores, |i, score| how.base(i, score), temperature);
        lottery.draw(request, is_uniform(request.key, how.epsilon), slots as usize);
        let places = Places::new(slate);
        let (mut mixture, mut settled) = (Mixture::new(how.epsilon), None);
        let mut next = places.from(slate.first_place);
        for nth in 0..lottery.drawn() {
            let Some(place) = next else { break };
            let mut softmax = settled.unwrap_or_else(|| lottery.weigh(nth));
            let (index, weight) = lottery.leave(nth);
            let by_uniform = || 1.0 / (lottery.indices.len() - nth) as f64;
            self.propensities.push(mixture.draw(by_uniform, softmax.of_weight(weight)));
            ws.picks.push(index);
            ws.positions.push(place);
            ws.reasons[index as usize] = Reason::Picked;
            softmax.leave_weight(weight);
            settled = (!softmax.is_worn()).then_some(softmax);
            next = places.from(place + slate.min_gap);
        }
        if (ws.picks.len() as u32) < slots {
            for i in &lottery.indices {
                let reason = &mut ws.reasons[*i as usize];
                *reason = if *reason == Reason::Picked { Reason::Picked } else { Reason::NoPlace };
            }
        }
    }

    fn open(&mut self, request: &Request<'_>, ws: &mut Workspace, how: How<'_>) {
        self.open.clear();
        self.propensities.clear();
        for (i, (score, reason)) in ws.scores.iter().zip(&mut ws.reasons).enumerate() {
            if *score > 0.0 {
                *reason = Reason::Outscored;
                let index = i as u32;
                self.open.push(Open {
                    index,
                    organic: request.organic.map_or(0, |organic| ordered(organic[i])),
                    base: how.base(i, *score),
                    noise: 0.0,
                    norm: how.diversity.map_or(1.0, |(_, similarity)| similarity.norm(index)),
                    nearest: 0.0,
                    utility: 0.0,
                });
            }
        }
        if let Some((_, mix)) = &how.calibration {
            self.divergence.begin(mix);
        }
    }

    fn walk(&mut self, policy: &Policy, request: &Request<'_>, slots: u32, ws: &mut Workspace, how: How<'_>) {
        let slate = policy.slate();
        let places = Places::new(slate);
        // The highest place that a candidate may take; 0 for all.
        let highest = |ws: &Workspace, i: u32| slate.max_positions_up.map_or(0, |up| ws.blend.found()[i as usize].saturating_sub(up));
        let uniform = is_uniform(request.key, how.epsilon);
        let afresh = how.draws_afresh(slate);
        let mut mixture = Mixture::new(how.epsilon);
        // Where neither logits nor candidates change but by who leaves, so does their softmax.
        let mut settled: Option<Softmax> = None;
        let mut next = places.from(slate.first_place);
        let mut draw = 0;
        while let Some(place) = next {
            if ws.picks.len() as u32 >= slots || self.open.is_empty() {
                break;
            }
            let temperature = if uniform { None } else { how.temperature };
            let mut best: Option<(f64, &Open)> = None;
            for o in &mut self.open {
                if highest(ws, o.index) > place {
                    continue;
                }
                let loss = how.diversity.map_or(0.0, |(weight, _)| weight * o.nearest)
                    + how.calibration.map_or(0.0, |(weight, mix)| weight * self.divergence.with(&mix, o.index));
                o.utility = o.base - loss;
                if (uniform || temperature.is_some()) && (afresh || draw == 0) {
                    o.noise = gumbel(request.key, draw, o.index);
                }
                let key = match temperature {
                    _ if uniform => o.noise,
                    Some(temperature) => o.utility / temperature + o.noise,
                    None => o.utility,
                };
                let better =
                    best.is_none_or(|(k, b)| key > k || key == k && (o.organic > b.organic || o.organic == b.organic && o.index < b.index));
                if better {
                    best = Some((key, o));
                }
            }
            let Some((_, best)) = best else {
                next = places.from(place + 1);
                continue;
            };
            let best = *best;
            draw += 1;
            if how.is_random() {
                let may = |o: &&Open| highest(ws, o.index) <= place;
                let candidates = self.open.iter().filter(may);
                let count = candidates.clone().count();
                let by_score = match how.temperature {
                    None => is_first(candidates, &best),
                    Some(temperature) => {
                        let softmax = settled.take().unwrap_or_else(|| Softmax::over(candidates.map(|o| o.utility / temperature)));
                        settled = (!afresh).then_some(softmax);
                        softmax.of(best.utility / temperature)
                    }
                };
                self.propensities.push(mixture.draw(|| 1.0 / count as f64, by_score));
            }
            ws.picks.push(best.index);
            ws.positions.push(place);
            ws.reasons[best.index as usize] = Reason::Picked;
            let temperature = how.temperature.unwrap_or(1.0);
            self.close(policy, request, ws, &best, how, &mut |o| {
                if let Some(softmax) = &mut settled {
                    softmax.leave(o.utility / temperature);
                }
            });
            settled = settled.filter(|softmax| !softmax.is_worn());
            next = places.from(place + slate.min_gap);
        }
        let full = ws.picks.len() as u32 >= slots;
        for o in &self.open {
            let highest = highest(ws, o.index);
            ws.reasons[o.index as usize] = match (full, places.from(highest.max(slate.first_place))) {
                (false, None) if highest > places.last => Reason::Rise,
                (false, _) => Reason::NoPlace,
                (true, _) => Reason::Outscored,
            };
        }
    }

    /// Takes the pick and everyone that it rules out off the list, and tells the others how alike they are to it.
    fn close(
        &mut self,
        policy: &Policy,
        request: &Request<'_>,
        ws: &mut Workspace,
        best: &Open,
        how: How<'_>,
        leaves: &mut dyn FnMut(&Open),
    ) {
        let slate = policy.slate();
        let pick = best.index as usize;
        let item = request.item.map(|item| item[pick]).filter(|item| *item != NO_ITEM);
        let filled = |limit: Option<u32>, party: &dyn Fn(usize) -> u32| {
            let own = party(pick);
            let count = || ws.picks.iter().filter(|p| party(**p as usize) == own).count();
            (limit.is_some_and(|limit| own != NONE && count() >= limit as usize)).then_some(own)
        };
        let artist = filled(slate.max_per_artist, &|i| policy.artist_of(request, ws, i));
        let label = filled(slate.max_per_label, &|i| policy.label_of(ws, i));
        let mut reasons = std::mem::take(&mut ws.reasons);
        let n = request.len();
        let first = ws.picks.len() == 1;
        self.open.retain_mut(|o| {
            let i = o.index as usize;
            if i == pick {
                leaves(o);
                return false;
            }
            let refused = if item.is_some() && request.item.map(|all| all[i]) == item {
                Some(Reason::Item)
            } else if artist.is_some_and(|full| policy.artist_of(request, ws, i) == full) {
                Some(Reason::Artist)
            } else if label.is_some_and(|full| policy.label_of(ws, i) == full) {
                Some(Reason::Label)
            } else {
                None
            };
            if let Some(reason) = refused {
                reasons[i] = reason;
                leaves(o);
                return false;
            }
            if let Some((_, similarity)) = &how.diversity {
                let alike = similarity.between(n, (best.index, best.norm), (o.index, o.norm));
                o.nearest = if first { alike } else { o.nearest.max(alike) };
            }
            true
        });
        ws.reasons = reasons;
        if let Some((_, mix)) = &how.calibration {
            self.divergence.add(mix, best.index, ws.picks.len());
        }
    }
}

/// 1 if nobody comes before `best`, else 0: the probability of who is taken where nothing is drawn by score.
fn is_first<'a>(mut candidates: impl Iterator<Item = &'a Open>, best: &Open) -> f64 {
    let above = |o: &Open| {
        o.utility > best.utility
            || o.utility == best.utility && (o.organic > best.organic || o.organic == best.organic && o.index < best.index)
    };
    if candidates.any(above) { 0.0 } else { 1.0 }
}
