//! The scan: the three best net scores of every row of a group, by f32 arithmetic.

use crate::block::{Block, Group, LANES};

/// What a candidate is charged and credited, per unit of each measure, in f32.
///
/// Net score = `base[0] - column[0][c] + sum over measures j of (base[j + 1] - column[j + 1][c]) * y_j`; a measure without column prices has an
/// empty slice. The last column is the padding and must carry a price in `column[0]` that no row would pay.
#[derive(Debug, Clone, Copy)]
pub struct Prices<'a> {
    /// Of `exposure`, then of each measure.
    pub base: &'a [f32],
    /// Of `exposure` (always full), then of each measure (full or empty).
    pub column: &'a [Vec<f32>],
}

/// The three best net scores of each lane, best first. The candidate's index rides in the low `index_bits` mantissa bits.
#[derive(Debug, Clone, Copy)]
pub struct Best {
    /// Best, second, third.
    pub net: [[f32; LANES]; 3],
    /// The low bits that hold an index rather than a score.
    pub index_mask: u32,
}

impl Best {
    /// The candidate that the `k`-th best of a lane belongs to.
    #[inline]
    #[must_use]
    pub fn index(&self, k: usize, lane: usize) -> usize {
        (self.net[k][lane].to_bits() & self.index_mask) as usize
    }
}

/// Longest row that [`scan`] takes; the index of a longer one would eat the score.
pub const MAX_LEN: usize = 1024;

/// Scans one group. Returns `None` for rows longer than [`MAX_LEN`].
///
/// # Panics
/// If `prices` is shorter than the block's columns or measures.
#[inline]
#[must_use]
pub fn scan(block: &Block, group: &Group, prices: Prices<'_>) -> Option<Best> {
    if group.len > MAX_LEN {
        return None;
    }
    assert!(prices.base.len() == block.measures().len() + 1 && prices.column.len() == prices.base.len());
    let below = block.columns_below() as usize;
    assert!(prices.column[0].len() == below && prices.column[1..].iter().all(|c| c.is_empty() || c.len() == below));
    Some(portable(block, group, prices))
}

#[inline]
fn portable(block: &Block, group: &Group, prices: Prices<'_>) -> Best {
    let index_mask = if group.len <= 32 { 31 } else { 1023 };
    let span = group.offset..group.offset + group.len * LANES;
    let columns = &block.columns()[span.clone()];
    let exposure = prices.column[0].as_slice();
    let mut net = [[f32::NEG_INFINITY; LANES]; 3];
    for (j, columns) in columns.chunks_exact(LANES).enumerate() {
        let at = span.start + j * LANES;
        let mut x = [0f32; LANES];
        for a in 0..LANES {
            x[a] = prices.base[0] - exposure[columns[a] as usize];
        }
        for (m, y) in block.measures().iter().enumerate() {
            let y = &y[at..at + LANES];
            let base = prices.base[m + 1];
            let column = prices.column[m + 1].as_slice();
            if column.is_empty() {
                for a in 0..LANES {
                    x[a] += base * y[a];
                }
            } else {
                for a in 0..LANES {
                    x[a] += (base - column[columns[a] as usize]) * y[a];
                }
            }
        }
        for a in 0..LANES {
            let v = f32::from_bits((x[a].to_bits() & !index_mask) | j as u32);
            // Comparisons rather than `max`: no NaN can occur, and these are single instructions.
            let low = if v < net[0][a] { v } else { net[0][a] };
            net[0][a] = if v > net[0][a] { v } else { net[0][a] };
            let lower = if low < net[1][a] { low } else { net[1][a] };
            net[1][a] = if low > net[1][a] { low } else { net[1][a] };
            net[2][a] = if lower > net[2][a] { lower } else { net[2][a] };
        }
    }
    Best { net, index_mask }
}
