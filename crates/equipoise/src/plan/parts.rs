//! Work between passes in parts: as many as there is work for, never as there are threads, so that sums have the same bits however many share them.

use crate::exchange::{Active, Exchange};
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Entries that are worth a part of their own beside a sum's numbers, which take as long as half an entry each; and parts at most.
const ENTRIES: usize = 1 << 14;
const MOST: usize = 4;

/// Blocks in parts of about as many entries each, for sums of `len` numbers.
pub(super) fn of_blocks(blocks: &[(u32, Active)], len: usize) -> Vec<Range<usize>> {
    let entries: usize = blocks.iter().map(|(_, active)| active.column.len()).sum();
    let parts = entries.div_ceil(ENTRIES + 2 * len).clamp(1, MOST);
    let mut ranges = Vec::with_capacity(parts);
    let (mut start, mut seen) = (0, 0);
    for (b, (_, active)) in blocks.iter().enumerate() {
        seen += active.column.len();
        if seen * parts >= entries * (ranges.len() + 1) {
            ranges.push(start..b + 1);
            start = b + 1;
        }
    }
    ranges
}

/// What `work` says of each part, in order.
pub(super) fn each<T: Send + Sync>(exchange: &dyn Exchange, parts: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let answers: Vec<OnceLock<T>> = (0..parts).map(|_| OnceLock::new()).collect();
    exchange.share(parts, &|i| {
        answers[i].get_or_init(|| work(i));
    });
    answers.into_iter().filter_map(OnceLock::into_inner).collect()
}

/// Does two things at once, where there are threads for it.
pub(super) fn both(exchange: &dyn Exchange, one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
    let (one, other) = (Mutex::new(Some(one)), Mutex::new(Some(other)));
    exchange.share(2, &|i| {
        if i == 0 {
            if let Some(one) = take(&one) {
                one();
            }
        } else if let Some(other) = take(&other) {
            other();
        }
    });
}

fn take<T>(from: &Mutex<Option<T>>) -> Option<T> {
    from.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The sum of what parts add to a list of `len` zeros each, added up in their order.
pub(super) fn sum(exchange: &dyn Exchange, parts: usize, len: usize, work: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let sums = each(exchange, parts, |i| {
        let mut sum = vec![0.0; len];
        work(i, &mut sum);
        sum
    });
    let mut sums = sums.into_iter();
    let mut all = sums.next().unwrap_or_else(|| vec![0.0; len]);
    for more in sums {
        all.iter_mut().zip(more).for_each(|(a, b)| *a += b);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{both, each, of_blocks, sum};
    use crate::exchange::{Active, Local, Packed, Sample};
    use crate::model::mix;
    use std::sync::Arc;

    fn threads(n: usize) -> Local {
        Local::new(Arc::new(Packed::new(&Sample { starts: vec![0], classes: 1, ..Sample::default() })), n).expect("threads")
    }

    #[test]
    fn sums_have_the_same_bits_on_any_threads() {
        let exchanges = [1, 2, 5].map(threads);
        for parts in 0..20 {
            let number = |i: usize, j: usize| (mix((i * 100 + j) as u64) >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            let sums = exchanges
                .each_ref()
                .map(|exchange| sum(exchange, parts, 100, |i, sum| sum.iter_mut().enumerate().for_each(|(j, v)| *v = number(i, j))));
            let want: Vec<f64> = (0..100).map(|j| (0..parts).map(|i| number(i, j)).sum()).collect();
            assert!(sums[0].iter().zip(&want).all(|(got, want)| (got - want).abs() < 1e-14), "{parts} parts");
            assert!(sums.iter().all(|s| s == &sums[0]), "{parts} parts");
            assert!(exchanges.iter().all(|exchange| each(exchange, parts, |i| i) == (0..parts).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn both_are_done_once() {
        for n in [1, 2] {
            let (mut one, mut other) = (0, 0);
            both(&threads(n), || one += 1, || other += 1);
            assert_eq!((one, other), (1, 1));
        }
    }

    #[test]
    fn blocks_are_each_in_one_part_of_about_as_many_entries() {
        let block = |b: usize| (b as u32, Active { column: vec![0; (b * 7919) % 4000], ..Active::default() });
        for blocks in [0, 1, 5, 100] {
            let blocks: Vec<(u32, Active)> = (0..blocks).map(block).collect();
            let entries = |b: std::ops::Range<usize>| blocks[b].iter().map(|(_, active)| active.column.len()).sum::<usize>();
            let all = entries(0..blocks.len());
            for len in [1, 10_000, 1_000_000] {
                let parts = of_blocks(&blocks, len);
                assert_eq!(parts.iter().cloned().flatten().collect::<Vec<_>>(), (0..blocks.len()).collect::<Vec<_>>());
                assert!(parts.iter().all(|part| entries(part.clone()) <= all / parts.len().max(1) + 4000), "{parts:?} of {all}");
                assert!(len < 1_000_000 || parts.len() <= 1, "large sums are not worth many parts");
            }
        }
    }
}
