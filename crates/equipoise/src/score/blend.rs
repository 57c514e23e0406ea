//! The organic order, and the final order of organic and promoted items.

use super::workspace::{room, wanting};
use super::{Request, Workspace};
use crate::error::{Error, Result, codes};
use crate::model::organic::NO_ITEM;
use crate::model::organic::ordered;
use crate::policy::Policy;

/// The scratch memory of organic ranks and of a blended order; used again and again, it stops allocating.
#[derive(Debug, Default, Clone)]
pub struct Blend {
    /// Candidates, the best organic score first.
    order: Vec<u64>,
    items: Vec<u64>,
    /// By candidate, from 1.
    ranks: Vec<u32>,
    tail: Vec<(u32, u32)>,
    blended: Vec<u32>,
}

fn index_of(entry: u64) -> usize {
    !(entry as u32) as usize
}

impl Blend {
    /// The organic rank of each of `n` candidates, from 1: how many distinct items stand above it or are it, by organic score descending, then
    /// index ascending (index alone without scores). Rows of one item share the rank of the best of them. `O(n log n)`.
    ///
    /// # Errors
    /// `resource_exhausted.memory`.
    ///
    /// # Panics
    /// If `organic` or `item` is shorter than `n`, or a score is no number.
    pub fn ranks(&mut self, n: usize, organic: Option<&[f32]>, item: Option<&[u32]>) -> Result<&[u32]> {
        let Self { order, items, ranks, .. } = self;
        let named = if item.is_some() { n } else { 0 };
        room(order, n).and_then(|()| room(ranks, n)).and_then(|()| room(items, named)).map_err(|_| wanting(n))?;
        order.clear();
        order.extend((0..n).map(|i| u64::from(organic.map_or(0, |o| ordered(o[i]))) << 32 | u64::from(!(i as u32))));
        order.sort_unstable_by(|a, b| b.cmp(a));
        ranks.clear();
        ranks.resize(n, 0);
        // Rows that repeat an item which stands above them are marked, then share its rank.
        items.clear();
        if let Some(item) = item {
            let named = order.iter().enumerate().filter(|(_, e)| item[index_of(**e)] != NO_ITEM);
            items.extend(named.map(|(at, e)| u64::from(item[index_of(*e)]) << 32 | at as u64));
            items.sort_unstable();
            for pair in items.windows(2).filter(|pair| pair[0] >> 32 == pair[1] >> 32) {
                ranks[index_of(order[pair[1] as u32 as usize])] = u32::MAX;
            }
        }
        let mut rank = 0;
        for entry in order.iter() {
            let own = &mut ranks[index_of(*entry)];
            if *own == 0 {
                rank += 1;
                *own = rank;
            }
        }
        for pair in items.windows(2).filter(|pair| pair[0] >> 32 == pair[1] >> 32) {
            ranks[index_of(order[pair[1] as u32 as usize])] = ranks[index_of(order[pair[0] as u32 as usize])];
        }
        Ok(ranks)
    }

    /// The ranks found last.
    pub(super) fn found(&self) -> &[u32] {
        &self.ranks
    }

    /// The final order of `n` candidates, as indices, the first place first: each pick stands at its position, all others follow in organic
    /// order around them. An item stands once: in the row that was picked, else in the best of its rows.
    ///
    /// Where so few others are left that a pick's position does not exist, the picks concerned stand last, in organic order: so no pick ever
    /// stands further above its organic rank than its position is.
    ///
    /// `O(n log n)`; allocates only while it grows.
    ///
    /// # Errors
    /// `invalid_input.shape` for columns of different lengths, `invalid_input.not_finite` for an organic score, `invalid_input.row` for a pick
    /// that is no candidate, `invalid_input.duplicate` for a pick whose item was picked before, `invalid_input.range` for positions that do not
    /// ascend from 1, `resource_exhausted.memory`.
    ///
    /// ```
    /// use equipoise::score::Blend;
    ///
    /// let mut blend = Blend::default();
    /// let organic = [0.9, 0.2, 0.7, 0.1];
    /// assert_eq!(blend.order(4, Some(&organic), None, &[3], &[2])?, [0, 3, 2, 1]);
    /// # Ok::<(), equipoise::Error>(())
    /// ```
    pub fn order(&mut self, n: usize, organic: Option<&[f32]>, item: Option<&[u32]>, picks: &[u32], positions: &[u32]) -> Result<&[u32]> {
        check(n, organic, item, picks, positions)?;
        self.ranks(n, organic, item)?;
        let Self { order, ranks, tail, blended, .. } = self;
        room(tail, picks.len()).and_then(|()| room(blended, n)).map_err(|_| wanting(n))?;
        let distinct = ranks.iter().copied().max().unwrap_or(0) as usize;
        // By rank, the row that stands for the item: the pick, or the first in organic order.
        blended.clear();
        blended.resize(distinct, u32::MAX);
        tail.clear();
        for (at, pick) in picks.iter().enumerate() {
            let place = ranks[*pick as usize] as usize - 1;
            if blended[place] != u32::MAX {
                let message = format!("candidate {pick} is of an item that was picked already");
                return Err(Error::new(codes::DUPLICATE, "picks", Some(at as u64), message));
            }
            blended[place] = *pick;
        }
        // One row of every other item is left of the organic order.
        order.retain(|e| {
            let i = index_of(*e);
            let place = ranks[i] as usize - 1;
            let first = blended[place] == u32::MAX;
            if first {
                blended[place] = i as u32;
            }
            first
        });
        blended.clear();
        let mut organic_rows = order.iter().map(|e| index_of(*e) as u32);
        for (at, (pick, position)) in picks.iter().zip(positions).enumerate() {
            while blended.len() + 1 < *position as usize {
                let Some(row) = organic_rows.next() else { break };
                blended.push(row);
            }
            if blended.len() + 1 < *position as usize {
                tail.extend(picks[at..].iter().map(|p| (ranks[*p as usize], *p)));
                break;
            }
            blended.push(*pick);
        }
        blended.extend(organic_rows);
        tail.sort_unstable();
        blended.extend(tail.iter().map(|(_, pick)| *pick));
        Ok(blended)
    }
}

fn check(n: usize, organic: Option<&[f32]>, item: Option<&[u32]>, picks: &[u32], positions: &[u32]) -> Result<()> {
    for (name, len) in [("organic", organic.map(<[f32]>::len)), ("item", item.map(<[u32]>::len))] {
        if let Some(len) = len.filter(|len| *len != n) {
            return Err(Error::new(codes::SHAPE, name, None, format!("{len} entries for {n} candidates")));
        }
    }
    if picks.len() != positions.len() {
        return Err(Error::new(codes::SHAPE, "positions", None, format!("{} entries for {} picks", positions.len(), picks.len())));
    }
    if let Some(at) = organic.and_then(|o| o.iter().position(|o| !o.is_finite())) {
        return Err(Error::new(codes::NOT_FINITE, "organic", Some(at as u64), "an organic score is not finite"));
    }
    if let Some(at) = picks.iter().position(|p| *p as usize >= n) {
        return Err(Error::new(codes::ROW, "picks", Some(at as u64), format!("{} is not below {n} candidates", picks[at])));
    }
    if let Some(at) = (0..positions.len()).find(|at| positions[*at] <= at.checked_sub(1).map_or(0, |before| positions[before])) {
        let message = format!("{} does not come after the position before it", positions[at]);
        return Err(Error::new(codes::RANGE, "positions", Some(at as u64), message));
    }
    Ok(())
}

impl Policy {
    /// The final order of a request that `workspace` has just scored by this policy: see [`Blend::order`]. Stays in the workspace until it is
    /// used again.
    ///
    /// Places are the decision's, so they keep the slate rules, `max_positions_up` among them. A pick whose place lies below its organic rank
    /// sinks to it.
    ///
    /// # Errors
    /// `usage.not_begun` where the workspace holds another outcome, `resource_exhausted.memory`.
    pub fn blend<'w>(&self, request: &Request<'_>, workspace: &'w mut Workspace) -> Result<&'w [u32]> {
        workspace.check_holds(self, request.len())?;
        let Workspace { blend, picks, positions, dropped, .. } = workspace;
        blend.order(request.len(), dropped.stand_in(request).organic, request.item, picks, positions)
    }
}
