//! What the certified answer of a packed log decides, block by block: never in memory whole.

use super::bytes::corrupt;
use super::facts::Facts;
use super::read::{Fetch, PackedLog};
use crate::error::Result;
use crate::exchange::{BLOCK, Local, Packed};
use crate::plan::account::Account;
use crate::plan::inputs::Inputs;
use crate::plan::recovery::Point;
use crate::plan::relaxed::decisions_of;
use std::sync::Arc;

/// An answer, and how to rebuild its decisions from the file.
#[derive(Clone)]
pub(in crate::plan) struct Answered {
    file: PackedLog,
    point: Point,
    /// The sample without a block in memory.
    packed: Arc<Packed>,
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answered").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Answered {
    /// An answer on the sample `packed` of `source`.
    pub(super) fn new(file: &PackedLog, packed: &Packed, source: &Fetch, point: Point) -> Self {
        let blocks = (0..packed.blocks()).map(|_| None).collect();
        let ends = (0..packed.blocks()).flat_map(|b| packed.opportunities(b)).map(|(_, candidates)| candidates.end as u64);
        let starts = std::iter::once(0).chain(ends).collect();
        let packed = Packed::fetched(packed.layout().clone(), starts, blocks, Box::new(source.clone()));
        Self { file: file.clone(), point, packed: Arc::new(packed) }
    }
}

/// The certified relaxed answer of a packed log, in parts aligned one after the other with the rows of the log: `x` in `[0, 1]`, 0 where a row is
/// no candidate; `None` on held-out opportunities. A part is about a block of 4,096 opportunities, which is read when it is asked for.
#[derive(Debug)]
pub struct PackedDecisions {
    answered: Answered,
    block: usize,
    /// Rows of the log that have been given.
    given: u64,
}

impl PackedDecisions {
    pub(in crate::plan) fn new(answered: Answered) -> Self {
        Self { answered, block: 0, given: 0 }
    }

    fn part(&mut self) -> Result<Option<Vec<Option<f64>>>> {
        let Answered { file, point, packed } = &self.answered;
        let mut part = Vec::new();
        if self.block == packed.blocks() {
            let left = file.rows().saturating_sub(self.given);
            self.given = file.rows();
            part.resize(left as usize, None);
            return Ok((left > 0).then_some(part));
        }
        let local = Local::new(packed.clone(), 1)?;
        let x = decisions_of(&local, self.block, point)?;
        let facts = file.opportunities_of(self.block)?;
        if facts.place.len() != x.len() || facts.first.first().is_some_and(|first| *first < self.given) {
            return Err(corrupt("the opportunities of a block are not those that follow the block before"));
        }
        let mut at = 0;
        for t in 0..facts.len.len() {
            part.resize((facts.first[t] - self.given) as usize, None);
            let from = part.len();
            part.resize(from + facts.rows[t] as usize, Some(0.0));
            for i in at..at + facts.len[t] as usize {
                part[from + facts.place[i] as usize] = Some(x[i]);
            }
            at += facts.len[t] as usize;
        }
        self.given += part.len() as u64;
        self.block += 1;
        Ok(Some(part))
    }
}

impl Iterator for PackedDecisions {
    type Item = Result<Vec<Option<f64>>>;

    fn next(&mut self) -> Option<Self::Item> {
        let part = self.part();
        if part.is_err() {
            // What cannot be read ends it.
            (self.block, self.given) = (self.answered.packed.blocks(), self.answered.file.rows());
        }
        part.transpose()
    }
}

/// The account of an answer, opportunity by opportunity in the order of the log.
pub(super) fn account(inputs: &Inputs<'_>, local: &Local, file: &PackedLog, point: &Point) -> Result<Account> {
    let packed = local.packed();
    let measures = inputs.measures.len();
    let segment = file.segments(inputs);
    let mut account = Account::new(inputs);
    let mut amounts = vec![0.0; measures];
    for block in 0..packed.blocks() {
        let x = decisions_of(local, block, point)?;
        let Facts { market, surface, .. } = file.opportunities_of(block)?;
        let span = packed.span(block);
        let mut ys = vec![0f32; span.len() * (measures - 1)];
        let mut of = vec![(0u32, 0.0); span.len()];
        packed.each_candidate_of(block..block + 1, |row, i, column, y| {
            let at = i - span.start;
            ys[at * y.len()..][..y.len()].copy_from_slice(y);
            of[at] = (packed.layout().columns[column].campaign, row.weight);
        })?;
        for (t, candidates) in packed.opportunities(block) {
            let at = t - block * BLOCK;
            let segment = segment((market[at], surface[at]));
            for at in candidates.map(|i| i - span.start).filter(|at| x[*at] != 0.0) {
                let (campaign, weight) = of[at];
                let w = weight * x[at];
                amounts[0] = w;
                let own = &ys[at * (measures - 1)..][..measures - 1];
                amounts[1..].iter_mut().zip(own).for_each(|(a, y)| *a = w * f64::from(*y));
                account.add(campaign, segment, &amounts);
            }
        }
    }
    account.close(inputs);
    Ok(account)
}
