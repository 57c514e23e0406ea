//! The peer: the same serving rule as one would write it first.

use equipoise::model::{Ledger, Scope};
use equipoise::policy::Draft;

struct Campaign {
    markets: Option<Vec<u32>>,
    surfaces: Option<Vec<u32>>,
    start: i64,
    end: i64,
    prices: Vec<f32>,
}

/// Prices per campaign and per market, and where promoted items may stand.
pub(crate) struct Policy {
    campaigns: Vec<Campaign>,
    /// For each market one value per measure, `exposure` first.
    values: Vec<Vec<f32>>,
    /// The measure `displacement`, which is filled.
    displacement: usize,
    slots: usize,
    visible: u32,
    first_place: u32,
    min_gap: u32,
}

pub(crate) struct Ask<'a> {
    pub(crate) market: u32,
    pub(crate) surface: u32,
    pub(crate) time: i64,
    /// Found where it is not given.
    pub(crate) reference: Option<f32>,
    pub(crate) organic: &'a [f32],
    pub(crate) promoted: &'a [Option<u32>],
    /// One column after the other.
    pub(crate) measures: &'a [f32],
}

impl Policy {
    /// The draft's campaigns are in the order of their ids, its labels are numbered in theirs, and no surface has a price.
    pub(crate) fn new(draft: &Draft) -> Self {
        let numbers = |list: &Option<Vec<String>>, names: &[String]| {
            list.as_ref().map(|list| list.iter().filter_map(|n| names.iter().position(|m| m == n)).map(|i| i as u32).collect())
        };
        let coefficient = |ledger: &Ledger, member: bool| if member { ledger.inside } else { ledger.outside };
        let measures = draft.weights.len();
        let mut own = vec![Vec::new(); draft.campaigns.len()];
        for (ledger, price) in draft.ledgers.iter().filter(|(l, _)| l.scope == Scope::Campaign) {
            own[ledger.key as usize].push((ledger, *price));
        }
        let of_labels: Vec<_> = draft.ledgers.iter().filter(|(l, _)| l.scope == Scope::Label).collect();
        let campaigns = draft.campaigns.iter().zip(own).map(|(campaign, own)| {
            let label = campaign.parties.label.as_ref().and_then(|l| l.trim_start_matches("label-").parse().ok()).unwrap_or(u32::MAX);
            let mut sums = vec![0.0; measures];
            for (ledger, price) in own {
                sums[ledger.measure as usize] += coefficient(ledger, true) * price;
            }
            for (ledger, price) in &of_labels {
                sums[ledger.measure as usize] += coefficient(ledger, ledger.key == label) * price;
            }
            Campaign {
                markets: numbers(&campaign.markets, &draft.markets),
                surfaces: numbers(&campaign.surfaces, &draft.surfaces),
                start: campaign.start.unwrap_or(i64::MIN),
                end: campaign.end.unwrap_or(i64::MAX),
                prices: sums.into_iter().map(|s| s as f32).collect(),
            }
        });
        let values = (0..draft.markets.len()).map(|market| {
            let mut values = draft.weights.clone();
            for (ledger, price) in draft.ledgers.iter().filter(|(l, _)| l.scope == Scope::Market) {
                values[ledger.measure as usize] -= coefficient(ledger, ledger.key == market as u32) * price;
            }
            values.into_iter().map(|v| v as f32).collect()
        });
        Self {
            campaigns: campaigns.collect(),
            values: values.collect(),
            displacement: draft.measures.len(),
            slots: draft.slate.slots as usize,
            visible: draft.slate.visible_places(),
            first_place: draft.slate.first_place,
            min_gap: draft.slate.min_gap,
        }
    }

    /// Scores and picks.
    pub(crate) fn score(&self, ask: &Ask<'_>) -> (Vec<f32>, Vec<u32>) {
        let n = ask.promoted.len();
        let values = &self.values[ask.market as usize];
        let reference = ask.reference.unwrap_or_else(|| {
            let mut places = ask.organic.to_vec();
            places.sort_by(|a, b| b.total_cmp(a));
            places.truncate(self.visible as usize);
            let last = &places[places.len().saturating_sub(self.slots)..];
            (last.iter().map(|s| f64::from(*s)).sum::<f64>() / last.len() as f64) as f32
        });
        let score = |(i, promoted): (usize, &Option<u32>)| {
            let Some(campaign) = promoted.map(|c| &self.campaigns[c as usize]) else { return 0.0 };
            let holds = |list: &Option<Vec<u32>>, place: u32| list.as_ref().is_none_or(|list| list.contains(&place));
            let eligible = holds(&campaign.markets, ask.market)
                && holds(&campaign.surfaces, ask.surface)
                && (campaign.start..campaign.end).contains(&ask.time);
            if !eligible {
                return 0.0;
            }
            let mut s = values[0] - campaign.prices[0];
            for (j, value) in values.iter().enumerate().skip(1) {
                let amount = if j == self.displacement { (reference - ask.organic[i]).max(0.0) } else { ask.measures[(j - 1) * n + i] };
                s += (value - campaign.prices[j]) * amount;
            }
            s + 0.0
        };
        let scores: Vec<f32> = ask.promoted.iter().enumerate().map(score).collect();
        let mut order: Vec<usize> = (0..n).filter(|i| scores[*i] > 0.0).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(ask.organic[*b].total_cmp(&ask.organic[*a])).then(a.cmp(b)));
        let places = (0..self.slots as u32).take_while(|k| self.first_place + k * self.min_gap <= self.visible).count();
        (scores, order.into_iter().take(places).map(|i| i as u32).collect())
    }
}
