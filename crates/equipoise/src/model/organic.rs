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
}

/// The item number of a row that shares its item with no other row.
pub const NO_ITEM: u32 = u32::MAX;

impl Places {
    /// Scratch memory for `visible` places.
    #[must_use]
    pub fn with_capacity(visible: usize) -> Self {
        Self { items: Vec::with_capacity(visible + 1), scores: Vec::with_capacity(visible + 1) }
    }

    /// Ranks one opportunity: `organic` has one finite score per row, `item` one number per row (absent: every row is its own item).
    /// Returns the scores of the first `visible` places, descending; fewer where there are fewer items.
    ///
    /// Costs one comparison per row plus `O(visible)` per row that enters the list.
    ///
    /// # Panics
    /// If `item` is shorter than `organic`.
    pub fn rank(&mut self, organic: &[f32], item: Option<&[u32]>, visible: u32) -> &[f32] {
        self.items.clear();
        self.scores.clear();
        let visible = visible as usize;
        for (i, &score) in organic.iter().enumerate() {
            if self.scores.len() == visible && self.scores.last().is_none_or(|last| score <= *last) {
                continue;
            }
            let item = item.map_or(NO_ITEM, |items| items[i]);
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
        &self.scores
    }
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
    fn displacement_is_never_negative() {
        assert_eq!(displacement(0.5, 0.25), 0.25);
        assert_eq!(displacement(0.25, 0.5).to_bits(), 0);
        assert_eq!(displacement(-0.0, 0.0).to_bits(), 0);
    }
}
