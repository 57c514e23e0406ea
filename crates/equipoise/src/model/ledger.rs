//! Ledgers: linear accounts of one measure over one scope.

use super::goal::GoalKind;

/// Over what a ledger counts. `Campaign` to `Licensor` are campaign-side, `Market` to `All` request-side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// One campaign.
    Campaign = 0,
    /// All campaigns of one artist.
    Artist = 1,
    /// All campaigns of one label.
    Label = 2,
    /// All campaigns of one licensor.
    Licensor = 3,
    /// All opportunities of one market.
    Market = 4,
    /// All opportunities of one surface.
    Surface = 5,
    /// Everything.
    All = 6,
}

impl Scope {
    /// Whether the price is charged per campaign (folded into `P`) rather than per segment (folded into `V`).
    #[must_use]
    pub const fn is_campaign_side(self) -> bool {
        (self as u8) <= 3
    }

    /// The name used in documents and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["campaign", "artist", "label", "licensor", "market", "surface", "all"][self as usize]
    }

    /// The scope of this [`Scope::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Campaign, Self::Artist, Self::Label, Self::Licensor, Self::Market, Self::Surface, Self::All];
        all.into_iter().find(|scope| scope.name() == name)
    }
}

/// `d = inside * (measure over members) + outside * (measure over everything else)`: `(1, 0)` for amounts, `(1 - s, -s)` for shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// The goal that keeps this ledger, as an index into the list of goal names it travels with.
    pub goal: u32,
    /// What that goal asks.
    pub kind: GoalKind,
    /// The measure counted, as an index into the measures it travels with; `exposure` is 0.
    pub measure: u32,
    /// Over what it counts.
    pub scope: Scope,
    /// Which campaign, party, market or surface, as an index into its table; 0 for [`Scope::All`].
    pub key: u32,
    /// Coefficient of members.
    pub inside: f64,
    /// Coefficient of everybody else.
    pub outside: f64,
}
