//! Why a candidate was picked, or why not.

/// Numbers that are looked at together.
const TOGETHER: usize = 16;

/// What became of a candidate. The names are stable and the same in every face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Reason {
    /// Scored and taken.
    Picked = 0,
    /// Scored, but its prices leave nothing: the score is not positive.
    Price = 1,
    /// Scored, but the slots were full.
    Outscored = 2,
    /// Scored, but another row of its item was taken.
    Item = 3,
    /// Scored, but its artist has all the places it may have.
    Artist = 4,
    /// Scored, but its label has all the places it may have.
    Label = 5,
    /// Scored, but no place that the listener sees was left.
    NoPlace = 6,
    /// Not promoted.
    Organic = 7,
    /// Its campaign is not in the policy.
    Unknown = 8,
    /// Its campaign does not run in this market.
    Market = 9,
    /// Its campaign does not run on this surface.
    Surface = 10,
    /// The time is outside its campaign's flight.
    Flight = 11,
    /// The policy itself is no longer valid at this time.
    Expired = 12,
    /// Its organic score is below the relevance floor.
    Relevance = 13,
    /// The listener has had its campaign as often as its frequency cap allows.
    Frequency = 14,
    /// Its campaign, a party of it, the market, the surface or everything is switched off.
    SwitchedOff = 15,
    /// A breaker has stopped its campaign.
    Breaker = 16,
    /// Scored, but every place left is further above its organic rank than `max_positions_up`.
    Rise = 17,
    /// A measure, its organic score or its uncertainty cannot be used, and such candidates were to be dropped.
    Invalid = 18,
}

impl Reason {
    /// Every reason, in order of its number.
    pub const ALL: [Self; 19] = [
        Self::Picked,
        Self::Price,
        Self::Outscored,
        Self::Item,
        Self::Artist,
        Self::Label,
        Self::NoPlace,
        Self::Organic,
        Self::Unknown,
        Self::Market,
        Self::Surface,
        Self::Flight,
        Self::Expired,
        Self::Relevance,
        Self::Frequency,
        Self::SwitchedOff,
        Self::Breaker,
        Self::Rise,
        Self::Invalid,
    ];

    /// The reason of this number; [`Reason::Expired`] for a number that no reason has.
    // A match that maps every number to itself costs nothing, and so vectorises.
    #[inline]
    pub(crate) const fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Picked,
            1 => Self::Price,
            2 => Self::Outscored,
            3 => Self::Item,
            4 => Self::Artist,
            5 => Self::Label,
            6 => Self::NoPlace,
            7 => Self::Organic,
            8 => Self::Unknown,
            9 => Self::Market,
            10 => Self::Surface,
            11 => Self::Flight,
            13 => Self::Relevance,
            14 => Self::Frequency,
            15 => Self::SwitchedOff,
            16 => Self::Breaker,
            17 => Self::Rise,
            18 => Self::Invalid,
            _ => Self::Expired,
        }
    }

    /// The reasons of as many numbers, written over `reasons`.
    pub(crate) fn of_codes(codes: &[u8], reasons: &mut [Self]) {
        let ((groups, last), (to, last_to)) = (codes.as_chunks::<TOGETHER>(), reasons.as_chunks_mut::<TOGETHER>());
        for (to, group) in to.iter_mut().zip(groups) {
            for (to, code) in to.iter_mut().zip(group) {
                *to = Self::of_code(*code);
            }
        }
        if last.is_empty() {
            return;
        }
        // The last few as a group of their own: one by one they would cost more than all others.
        let (mut group, mut group_to) = ([0; TOGETHER], [Self::Expired; TOGETHER]);
        group[..last.len()].copy_from_slice(last);
        for (to, code) in group_to.iter_mut().zip(&group) {
            *to = Self::of_code(*code);
        }
        last_to.copy_from_slice(&group_to[..last.len()]);
    }

    /// The name used in documents and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Picked => "picked",
            Self::Price => "price",
            Self::Outscored => "outscored",
            Self::Item => "item",
            Self::Artist => "artist",
            Self::Label => "label",
            Self::NoPlace => "no_place",
            Self::Organic => "organic",
            Self::Unknown => "unknown",
            Self::Market => "market",
            Self::Surface => "surface",
            Self::Flight => "flight",
            Self::Expired => "expired",
            Self::Relevance => "relevance",
            Self::Frequency => "frequency",
            Self::SwitchedOff => "switched_off",
            Self::Breaker => "breaker",
            Self::Rise => "rise",
            Self::Invalid => "invalid",
        }
    }

    /// Whether the candidate has a score of its own; all others score +0.
    #[must_use]
    pub const fn is_scored(self) -> bool {
        self as u8 <= Self::NoPlace as u8 || matches!(self, Self::Rise)
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn numbers_are_read_at_every_length() {
        let codes: Vec<u8> = (0..100).map(|i| i % 19).collect();
        for n in 0..codes.len() {
            let mut reasons = vec![Reason::Breaker; n];
            Reason::of_codes(&codes[..n], &mut reasons);
            assert!(reasons.iter().map(|r| *r as u8).eq(codes[..n].iter().copied()), "{n}");
        }
    }

    #[test]
    fn all_is_in_order_and_named_once() {
        for (i, r) in Reason::ALL.iter().enumerate() {
            assert_eq!(*r as usize, i);
            assert_eq!(Reason::of_code(i as u8), *r);
            assert_eq!(Reason::ALL.iter().filter(|o| o.name() == r.name()).count(), 1);
        }
    }
}
