//! The relevance floor: how well a candidate has to stand in the organic order to be promoted at all.

use super::problem::Slate;

/// THE relevance floor of one opportunity, used by planning, replay and requests alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relevance {
    least: f64,
}

impl Slate {
    /// Whether these rules have a relevance floor; candidates then need organic scores.
    #[must_use]
    pub fn has_relevance_floor(&self) -> bool {
        self.relevance_floor.is_some() || self.relevance_floor_share.is_some()
    }

    /// The relevance floor of an opportunity with this reference, which only a `relevance_floor_share` looks at.
    ///
    /// A share `s` of a reference `r` is `r - (1 - s) |r|`: `s r` where scores are positive, and below a negative `r` by as much as above.
    ///
    /// ```
    /// use equipoise::model::Slate;
    ///
    /// let slate = Slate { relevance_floor: Some(0.1), relevance_floor_share: Some(0.5), ..Slate::default() };
    /// let floor = slate.relevance(0.4);
    /// assert_eq!(floor.least(), 0.5 * f64::from(0.4_f32));
    /// assert!(floor.is_met(0.25) && !floor.is_met(0.15));
    /// assert_eq!(slate.relevance(0.1).least(), 0.1);
    /// ```
    #[must_use]
    pub fn relevance(&self, reference: f32) -> Relevance {
        let reference = f64::from(reference);
        let share = |s: f64| if reference < 0.0 { (2.0 - s) * reference } else { s * reference };
        let least = self.relevance_floor.unwrap_or(f64::NEG_INFINITY);
        Relevance { least: self.relevance_floor_share.map_or(least, |s| least.max(share(s))) }
    }
}

impl Relevance {
    /// The lowest organic score that meets the floor; minus infinity where there is none.
    #[must_use]
    pub fn least(self) -> f64 {
        self.least
    }

    /// Whether an organic score meets the floor.
    #[inline]
    #[must_use]
    pub fn is_met(self, organic: f32) -> bool {
        f64::from(organic) >= self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_negative_references_lie_below_them() {
        let of = |share: f64, reference: f32| Slate { relevance_floor_share: Some(share), ..Slate::default() }.relevance(reference).least();
        assert_eq!((of(0.75, 2.0), of(1.0, 2.0), of(0.0, 2.0)), (1.5, 2.0, 0.0));
        assert_eq!((of(0.75, -2.0), of(1.0, -2.0), of(0.0, -2.0)), (-2.5, -2.0, -4.0));
        assert!(Slate::default().relevance(1.0).is_met(f32::MIN));
    }
}
