//! The serving rule's slate: who is taken, in what order, and where.

use super::{Request, Workspace};
use crate::model::{
    Reason,
    organic::{NO_ITEM, ordered},
};
use crate::policy::{NONE, PLACE_LIMIT, Policy};
use equipoise_kernel::score::lead;
use std::collections::BinaryHeap;

/// One number that orders by score, then organic score, then lower index first.
fn entry(score: f32, organic: u32, index: u32) -> u128 {
    u128::from(ordered(score)) << 64 | u128::from(organic) << 32 | u128::from(!index)
}

fn index_of(entry: u128) -> usize {
    !(entry as u32) as usize
}

/// Takes candidates by score, organic score and index, as many as slots, slate rules and places allow; writes picks, positions and reasons.
/// `O(n + considered * log n)`; a candidate refused for its item, artist or label costs a look at every pick so far.
pub(super) fn pick(policy: &Policy, request: &Request<'_>, slots: u32, ws: &mut Workspace) {
    let slate = policy.slate();
    let visible = slate.visible.unwrap_or(PLACE_LIMIT).min(PLACE_LIMIT);
    let places = visible.checked_sub(slate.first_place).map_or(0, |room| room / slate.min_gap + 1);
    let need = slots.min(places) as usize;
    if need > 0 {
        take(policy, request, need, ws);
    }
    if (ws.picks.len() as u32) < slots && ws.picks.len() as u32 == places {
        // Nobody else can be placed, whoever they are.
        for reason in ws.reasons.iter_mut().filter(|r| **r == Reason::Outscored) {
            *reason = Reason::NoPlace;
        }
    }
}

/// Whether a pick may rule others out.
pub(super) fn is_ruled(policy: &Policy, request: &Request<'_>) -> bool {
    let slate = policy.slate();
    request.item.is_some() || slate.max_per_artist.is_some() || slate.max_per_label.is_some()
}

/// Takes up to `need` candidates.
fn take(policy: &Policy, request: &Request<'_>, need: usize, ws: &mut Workspace) {
    let slate = policy.slate();
    let ruled = is_ruled(policy, request);
    // Some of the best may be refused; who comes after them is looked for only if too many are.
    let ask = if ruled { need + need / 2 + 2 } else { need };
    let mut leaders = std::mem::take(&mut ws.leaders);
    let (bar, in_order) = lead(&ws.scores, ask, &ws.bench, &mut leaders);
    if in_order && !ruled {
        // Nobody is refused.
        let taken = &leaders[..leaders.len().min(need)];
        for (k, i) in (0..).zip(taken) {
            ws.reasons[*i as usize] = Reason::Picked;
            ws.picks.push(*i);
            ws.positions.push(slate.first_place + k * slate.min_gap);
        }
        ws.leaders = leaders;
        return;
    }
    let offer = |ws: &mut Workspace, i: usize| {
        let refused = if ruled { refuse(policy, request, ws, i) } else { None };
        ws.reasons[i] = refused.unwrap_or(Reason::Picked);
        if refused.is_none() {
            ws.positions.push(slate.first_place + ws.picks.len() as u32 * slate.min_gap);
            ws.picks.push(i as u32);
        }
        ws.picks.len() < need
    };
    let offer_best = |ws: &mut Workspace, candidates: &mut dyn Iterator<Item = u32>| {
        let mut heap = std::mem::take(&mut ws.heap);
        heap.clear();
        heap.extend(candidates.map(|i| entry(ws.scores[i as usize], request.organic.map_or(0, |o| ordered(o[i as usize])), i)));
        let mut heap = BinaryHeap::from(heap);
        while let Some(entry) = heap.pop() {
            if !offer(ws, index_of(entry)) {
                break;
            }
        }
        ws.heap = heap.into_vec();
    };
    if in_order {
        _ = leaders.iter().all(|i| offer(ws, *i as usize));
    } else {
        offer_best(ws, &mut leaders.iter().copied());
    }
    if ws.picks.len() < need && bar > f32::from_bits(1) {
        leaders.clear();
        leaders.extend((0..ws.scores.len() as u32).filter(|i| (f32::from_bits(1)..bar).contains(&ws.scores[*i as usize])));
        offer_best(ws, &mut leaders.iter().copied());
    }
    ws.leaders = leaders;
}

/// Why candidate `i` cannot stand beside the picks so far.
fn refuse(policy: &Policy, request: &Request<'_>, ws: &Workspace, i: usize) -> Option<Reason> {
    let slate = policy.slate();
    if let Some(item) = request.item
        && item[i] != NO_ITEM
        && ws.picks.iter().any(|p| item[*p as usize] == item[i])
    {
        return Some(Reason::Item);
    }
    let full = |limit: Option<u32>, party: &dyn Fn(usize) -> u32| {
        limit.is_some_and(|limit| {
            let own = party(i);
            own != NONE && ws.picks.iter().filter(|p| party(**p as usize) == own).count() >= limit as usize
        })
    };
    if full(slate.max_per_artist, &|i| policy.artist_of(request, ws, i)) {
        return Some(Reason::Artist);
    }
    full(slate.max_per_label, &|i| policy.label_of(ws, i)).then_some(Reason::Label)
}
