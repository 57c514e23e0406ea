//! The serving rule's slate: who is taken, in what order, and where.

use super::{Request, Workspace};
use crate::model::{Reason, organic::NO_ITEM};
use crate::policy::{NONE, PLACE_LIMIT, Policy};
use std::collections::BinaryHeap;

/// A number that orders as the float does; `x` is finite.
fn ordered(x: f32) -> u32 {
    // -0 and +0 are equal, and must be equal here.
    let bits = (x + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

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
    let mut heap = std::mem::take(&mut ws.heap);
    for (i, s) in ws.scores.iter().enumerate() {
        if *s > 0.0 {
            let organic = request.organic.map_or(0, |organic| ordered(organic[i]));
            heap.push(entry(*s, organic, i as u32));
        }
    }
    let mut heap = BinaryHeap::from(heap);
    let visible = slate.visible.unwrap_or(PLACE_LIMIT).min(PLACE_LIMIT);
    let mut place = slate.first_place;
    while (ws.picks.len() as u32) < slots {
        if place > visible {
            // Nobody else can be placed, whoever they are.
            for entry in &heap {
                ws.reasons[index_of(*entry)] = Reason::NoPlace;
            }
            break;
        }
        let Some(entry) = heap.pop() else { break };
        let i = index_of(entry);
        ws.reasons[i] = refuse(policy, request, ws, i).unwrap_or(Reason::Picked);
        if ws.reasons[i] == Reason::Picked {
            ws.picks.push(i as u32);
            ws.positions.push(place);
            place += slate.min_gap;
        }
    }
    ws.heap = heap.into_vec();
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
