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
const MAX_LEN: usize = 1024;

/// Scans one group. Returns `None` for rows longer than 1,024 candidates.
///
/// # Panics
/// If `prices` is shorter than the block's columns or measures.
#[must_use]
pub fn scan(block: &Block, group: &Group, prices: Prices<'_>) -> Option<Best> {
    if group.len > MAX_LEN {
        return None;
    }
    assert!(prices.base.len() == block.measures().len() + 1 && prices.column.len() == prices.base.len());
    let below = block.columns_below() as usize;
    assert!(prices.column[0].len() == below && prices.column[1..].iter().all(|c| c.is_empty() || c.len() == below));
    // SAFETY: `path` names what was detected; the asserts above are what `body` asks for.
    Some(unsafe { scan_on(path(), block, group, prices) })
}

/// # Safety
/// The machine must have the path's instructions, and the prices must fit the block as [`scan`] asserts.
unsafe fn scan_on(path: Path, block: &Block, group: &Group, prices: Prices<'_>) -> Best {
    // SAFETY: the caller's promise.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => avx512(block, group, prices),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => avx2(block, group, prices),
            _ => body(block, group, prices),
        }
    }
}

/// The instruction sets that a scan can be compiled for. All run the same operations in the same order, so the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Whatever the target always has.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

/// The path in use: the widest that the machine has, unless `EQUIPOISE_PATH` (`portable`, `avx2`, `avx512`) names a narrower one.
#[must_use]
pub fn path() -> Path {
    static CHOSEN: std::sync::OnceLock<Path> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let widest = widest();
        let asked = std::env::var("EQUIPOISE_PATH").unwrap_or_default();
        match (asked.as_str(), widest) {
            ("portable", _) => Path::Portable,
            ("avx2", Path::Avx512) => Path::Avx2,
            _ => widest,
        }
    })
}

#[cfg(target_arch = "x86_64")]
fn widest() -> Path {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
    {
        Path::Avx512
    } else if is_x86_feature_detected!("avx2") {
        Path::Avx2
    } else {
        Path::Portable
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn widest() -> Path {
    Path::Portable
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512(block: &Block, group: &Group, prices: Prices<'_>) -> Best {
    // SAFETY: the caller's promise.
    unsafe { body(block, group, prices) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(block: &Block, group: &Group, prices: Prices<'_>) -> Best {
    // SAFETY: the caller's promise.
    unsafe { body(block, group, prices) }
}

/// The scan itself, compiled once for each path.
///
/// # Safety
/// Every non-empty column of prices must be as long as the block's bound on column indices, which [`Block::new`] checked them against.
#[expect(clippy::inline_always, reason = "each path must compile its own copy with its own instructions")]
#[inline(always)]
unsafe fn body(block: &Block, group: &Group, prices: Prices<'_>) -> Best {
    let index_mask = if group.len <= 32 { 31 } else { 1023 };
    let span = group.offset..group.offset + group.len * LANES;
    let exposure = prices.column[0].as_slice();
    let mut first = [f32::NEG_INFINITY; LANES];
    let mut second = first;
    let mut third = first;
    for (j, columns) in block.columns()[span.clone()].as_chunks::<LANES>().0.iter().enumerate() {
        let at = span.start + j * LANES;
        let mut x = [0f32; LANES];
        for a in 0..LANES {
            // SAFETY: the caller's promise.
            x[a] = prices.base[0] - unsafe { exposure.get_unchecked(columns[a] as usize) };
        }
        for (m, y) in block.measures().iter().enumerate() {
            // SAFETY: `Block::new` checked that measures are as long as columns and that groups lie inside them.
            let y: &[f32; LANES] = unsafe { &*y.as_ptr().add(at).cast() };
            let base = prices.base[m + 1];
            let column = prices.column[m + 1].as_slice();
            if column.is_empty() {
                for a in 0..LANES {
                    x[a] += base * y[a];
                }
            } else {
                for a in 0..LANES {
                    // SAFETY: the caller's promise.
                    x[a] += (base - unsafe { column.get_unchecked(columns[a] as usize) }) * y[a];
                }
            }
        }
        for a in 0..LANES {
            let v = f32::from_bits((x[a].to_bits() & !index_mask) | j as u32);
            // Comparisons rather than `max`: no NaN can occur, and these are single instructions.
            let low = if v < first[a] { v } else { first[a] };
            first[a] = if v > first[a] { v } else { first[a] };
            let lower = if low < second[a] { low } else { second[a] };
            second[a] = if low > second[a] { low } else { second[a] };
            third[a] = if lower > third[a] { lower } else { third[a] };
        }
    }
    Best { net: [first, second, third], index_mask }
}

#[cfg(test)]
mod tests {
    use super::{Best, Path, Prices, scan_on, widest};
    use crate::block::{Block, Group, LANES, Row};

    /// Numbers without a crate: a linear congruence, top bits.
    fn draw(state: &mut u64) -> f32 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as f32 / (1 << 24) as f32
    }

    fn bits(best: &Best) -> Vec<u32> {
        best.net.iter().flatten().map(|v| v.to_bits()).collect()
    }

    #[test]
    fn every_path_of_this_machine_gives_the_same_bits() {
        let below = 1000;
        let mut state = 1;
        let paths: &[Path] = match widest() {
            Path::Avx512 => &[Path::Avx2, Path::Avx512],
            Path::Avx2 => &[Path::Avx2],
            Path::Portable => &[],
        };
        println!("paths beside the portable one: {paths:?}");
        for len in [1, 2, 7, 31, 32, 33, 200, 1024] {
            let columns: Vec<u32> = (0..len * LANES).map(|_| (draw(&mut state) * below as f32) as u32).collect();
            let measures: Vec<Vec<f32>> = (0..3).map(|_| (0..len * LANES).map(|_| draw(&mut state)).collect()).collect();
            let row = Row { opportunity: 0, len: len as u32, slots: 2, weight: 1.0 };
            let group = Group { offset: 0, len, rows: [row; LANES] };
            let block = Block::new(vec![group.clone()], columns, measures, below);
            let price: Vec<f32> = (0..below).map(|_| draw(&mut state) - 0.5).collect();
            let prices = Prices { base: &[0.1, 1.0, -0.5, 0.25], column: &[price.clone(), Vec::new(), price, Vec::new()] };
            // SAFETY: the prices are as long as the block's columns reach, and only paths that were detected are taken.
            let portable = unsafe { scan_on(Path::Portable, &block, &group, prices) };
            for path in paths {
                // SAFETY: as above.
                let other = unsafe { scan_on(*path, &block, &group, prices) };
                assert_eq!(bits(&portable), bits(&other), "{path:?}, rows of {len}");
            }
        }
    }
}
