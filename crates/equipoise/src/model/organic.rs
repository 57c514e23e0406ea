//! The organic side of an opportunity: its reference, displacement and organic value.
//!
//! Planning, replay and requests all use these functions. Sums run in `f64` in descending order of score, so that the order of the rows
//! does not matter.

/// The first `visible` organic scores over distinct items, and the scratch memory to find them again and again without allocating.
///
/// An item counts once, at its highest score; rows without an item ([`NO_ITEM`]) count each.
#[derive(Debug, Default, Clone)]
pub struct Places {
    items: Vec<u32>,
    scores: Vec<f32>,
    /// Scores that may be among the first, as numbers that order as they do.
    keys: Vec<u32>,
}

/// The item number of a row that shares its item with no other row.
pub const NO_ITEM: u32 = u32::MAX;

impl Places {
    /// Scratch memory for `visible` places.
    #[must_use]
    pub fn with_capacity(visible: usize) -> Self {
        let keys = Vec::with_capacity(2 * visible.max(LEAST_KEYS));
        Self { items: Vec::with_capacity(visible + 1), scores: Vec::with_capacity(visible + 1), keys }
    }

    /// Ranks one opportunity: `organic` has one finite score per row, `item` one number per row (absent: every row is its own item).
    /// Returns the scores of the first `visible` places, descending; fewer where there are fewer items.
    ///
    /// Costs a comparison per row where rows come in descending order, and little more without items; else one comparison per row plus
    /// `O(visible)` per row that enters the list.
    ///
    /// # Panics
    /// If `item` is shorter than `organic`.
    pub fn rank(&mut self, organic: &[f32], item: Option<&[u32]>, visible: u32) -> &[f32] {
        self.items.clear();
        self.scores.clear();
        let visible = visible as usize;
        match (descends(organic), item) {
            (true, None) => self.scores.extend_from_slice(&organic[..visible.min(organic.len())]),
            (true, Some(item)) => self.rank_descending(organic, item, visible),
            (false, None) => self.select(organic, visible),
            (false, Some(item)) => self.insert(organic, item, visible),
        }
        &self.scores
    }

    /// The first row of an item is its highest.
    fn rank_descending(&mut self, organic: &[f32], item: &[u32], visible: usize) {
        for (score, item) in organic.iter().zip(&item[..organic.len()]) {
            if self.scores.len() == visible {
                return;
            }
            if *item == NO_ITEM || !self.items.contains(item) {
                self.items.push(*item);
                self.scores.push(*score);
            }
        }
    }

    /// Keeps up to twice as many as are visible, and throws the lower half away whenever there are more.
    fn select(&mut self, organic: &[f32], visible: usize) {
        let room = 2 * visible.max(LEAST_KEYS);
        self.keys.clear();
        let mut least = 0;
        for score in organic {
            // Descending, so that the first are the highest.
            let key = ordered(*score);
            if key > least {
                self.keys.push(key);
                if self.keys.len() == room {
                    self.keys.select_nth_unstable_by(visible, |a, b| b.cmp(a));
                    self.keys.truncate(visible);
                    least = self.keys.iter().copied().min().unwrap_or(u32::MAX);
                }
            }
        }
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        self.keys.truncate(visible);
        self.scores.extend(self.keys.iter().map(|key| score_of(*key)));
    }

    /// Keeps the list in order as rows and items enter it.
    fn insert(&mut self, organic: &[f32], item: &[u32], visible: usize) {
        for (&score, &item) in organic.iter().zip(&item[..organic.len()]) {
            if self.scores.len() == visible && self.scores.last().is_none_or(|last| score <= *last) {
                continue;
            }
            if item != NO_ITEM
                && let Some(at) = self.items.iter().position(|other| *other == item)
            {
                if score <= self.scores[at] {
                    continue;
                }
                self.items.remove(at);
                self.scores.remove(at);
            }
            if self.scores.len() == visible {
                self.items.pop();
                self.scores.pop();
            }
            let at = self.scores.partition_point(|other| *other >= score);
            self.items.insert(at, item);
            self.scores.insert(at, score);
        }
    }
}

/// Fewer places than this are selected as if they were so many.
const LEAST_KEYS: usize = 16;

/// Whether scores never rise.
fn descends(scores: &[f32]) -> bool {
    // A piece at a time, each without a branch.
    let falls = |piece: &[f32]| piece.iter().zip(&piece[1..]).fold(0, |rises, (a, b)| rises | u32::from(a < b)) == 0;
    (0..scores.len()).step_by(64).all(|from| falls(&scores[from..scores.len().min(from + 65)]))
}

/// A number above zero that orders as the score does; -0 as +0.
pub(crate) fn ordered(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The score of such a number.
fn score_of(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key ^ 1 << 31 } else { !key })
}

/// The organic score that a promotion gives up: the mean of the last `slots` (at least one) of `places`, as [`Places::rank`] returns them,
/// rounded once to `f32`; 0 where there is no place.
#[must_use]
pub fn reference(places: &[f32], slots: u32) -> f32 {
    let last = &places[places.len() - (slots.max(1) as usize).min(places.len())..];
    if last.is_empty() {
        return 0.0;
    }
    (last.iter().map(|s| f64::from(*s)).sum::<f64>() / last.len() as f64) as f32
}

/// The sum of `places`, as [`Places::rank`] returns them. May be negative, which callers refuse.
#[must_use]
pub fn organic_value(places: &[f32]) -> f64 {
    places.iter().fold(0.0, |sum, s| sum + f64::from(*s))
}

/// `max(0, reference - organic)` in `f32`: what the listener loses when the candidate takes a place. Never `-0`.
#[must_use]
pub fn displacement(reference: f32, organic: f32) -> f32 {
    let lost = reference - organic;
    if lost > 0.0 { lost } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_slots_of_the_first_visible_places() {
        let mut places = Places::default();
        let organic = [0.1, 0.9, 0.5, 0.7, 0.3];
        assert_eq!(places.rank(&organic, None, 3), [0.9, 0.7, 0.5]);
        assert_eq!(reference(places.rank(&organic, None, 3), 2), 0.6);
        assert_eq!(reference(places.rank(&organic, None, 10), 1), 0.1);
        assert_eq!(reference(places.rank(&organic, None, 3), 0), 0.5, "no slots: the last visible place");
        assert_eq!(reference(places.rank(&[], None, 3), 2), 0.0);
        assert_eq!(organic_value(places.rank(&[0.5, 0.25], None, 1)), 0.5);
    }

    #[test]
    fn items_count_once() {
        let mut places = Places::default();
        let organic = [0.9, 0.9, 0.5, 0.9, 0.4];
        assert_eq!(places.rank(&organic, Some(&[1, 1, 2, NO_ITEM, 3]), 4), [0.9, 0.9, 0.5, 0.4]);
        assert_eq!(places.rank(&organic, Some(&[1, 1, 1, 1, 1]), 4), [0.9]);
        assert_eq!(places.rank(&[0.1, 0.8, 0.3], Some(&[7, 8, 7]), 2), [0.8, 0.3], "an item counts at its highest score");
    }

    #[test]
    fn agrees_with_sorting_everything() {
        let mut places = Places::default();
        let mut state = 1_u64;
        for case in 0..2_000 {
            let mut next = || {
                state = crate::model::mix(state);
                state
            };
            let n = next() % 30;
            let visible = (next() % 12) as u32;
            let items: Vec<u32> = (0..n).map(|_| if next() % 5 == 0 { NO_ITEM } else { (next() % 8) as u32 }).collect();
            let by_item: Vec<f32> = (0..8).map(|_| (next() % 6) as f32 - 2.0).collect();
            let organic: Vec<f32> =
                items.iter().map(|i| if *i == NO_ITEM { (next() % 6) as f32 - 2.0 } else { by_item[*i as usize] }).collect();
            let mut plain: Vec<(f32, u32)> = organic.iter().copied().zip(items.iter().copied()).collect();
            plain.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            plain.dedup_by(|a, b| a.1 == b.1 && a.1 != NO_ITEM);
            plain.truncate(visible as usize);
            let plain: Vec<f32> = plain.iter().map(|p| p.0).collect();
            assert_eq!(places.rank(&organic, Some(&items), visible), plain, "case {case}");
        }
    }

    #[test]
    fn every_way_finds_the_same_places() {
        let mut state = 9_u64;
        for case in 0..500 {
            let mut next = || {
                state = crate::model::mix(state);
                state
            };
            let (n, visible) = (next() % 700, (next() % 90) as u32);
            let coarse = if next() % 2 == 0 { 7 } else { 1 << 20 };
            let mut organic: Vec<f32> = (0..n).map(|_| (next() % coarse) as f32 / 3.0 - 1.0).collect();
            let mut sorted = organic.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let none = vec![NO_ITEM; organic.len()];
            let first = &sorted[..sorted.len().min(visible as usize)];
            let mut places = Places::default();
            assert_eq!(places.rank(&organic, None, visible), first, "case {case}");
            assert_eq!(places.rank(&organic, Some(&none), visible), first, "case {case}");
            assert_eq!(places.rank(&sorted, None, visible), first, "case {case}");
            assert_eq!(places.rank(&sorted, Some(&none), visible), first, "case {case}");
            // In descending order with items: the first row of each counts.
            organic.sort_by(|a, b| b.total_cmp(a));
            let items: Vec<u32> = (0..n).map(|_| (next() % 20) as u32).collect();
            let firsts = (0..organic.len()).filter(|i| !items[..*i].contains(&items[*i])).map(|i| organic[i]);
            let firsts: Vec<f32> = firsts.take(visible as usize).collect();
            assert_eq!(places.rank(&organic, Some(&items), visible), firsts, "case {case}");
        }
    }

    #[test]
    fn displacement_is_never_negative() {
        assert_eq!(displacement(0.5, 0.25), 0.25);
        assert_eq!(displacement(0.25, 0.5).to_bits(), 0);
        assert_eq!(displacement(-0.0, 0.0).to_bits(), 0);
    }
}
