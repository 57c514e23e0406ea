//! What would come of a change: prices, deliveries, and who is displaced.

use super::changes::Changes;
use super::session::Session;
use super::{Certificate, Conflict, Plan, PriceRow, Settings, Status};
use crate::error::Result;
use crate::model::{Campaigns, Scope};
use indexmap::IndexMap;

/// The answer of [`Session::what_if`].
#[derive(Debug, Clone)]
pub struct WhatIf {
    status: Status,
    certificate: Certificate,
    before: Certificate,
    prices: Vec<PriceRow>,
    deliveries: Vec<Shift>,
    displaced: Vec<Shift>,
    conflicts: Vec<Conflict>,
}

/// What one campaign or party has of one measure, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Whose: a campaign, or a party.
    pub scope: Scope,
    /// The id of the campaign or the name of the party.
    pub key: String,
    /// The measure.
    pub measure: String,
    /// In the plan.
    pub before: f64,
    /// With the changes.
    pub after: f64,
}

impl Shift {
    /// What is gained; negative where something is lost.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.after - self.before
    }
}

/// Differences below this part of an amount (or of 1) are not listed as displaced.
const RATHER_NONE: f64 = 1e-3;

impl WhatIf {
    /// How the solve ended.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
    /// How good the answer is.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    /// Every ledger with its new price.
    #[must_use]
    pub fn prices(&self) -> &[PriceRow] {
        &self.prices
    }
    /// Every campaign and measure.
    #[must_use]
    pub fn deliveries(&self) -> &[Shift] {
        &self.deliveries
    }
    /// Campaigns, artists, labels and licensors whose exposure differs by more than a thousandth, who loses most first.
    #[must_use]
    pub fn displaced(&self) -> &[Shift] {
        &self.displaced
    }
    /// What cannot be met with the changes, and why.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
    /// By how much the optimum moves: at least and at most, from both certificates. Where objectives change, values before and after are counted
    /// by different weights.
    #[must_use]
    pub fn value_difference(&self) -> (f64, f64) {
        (self.certificate.value - self.before.upper_bound, self.certificate.upper_bound - self.before.value)
    }
}

impl Session {
    /// What would come of `changes`, from where `plan` stands, which is not touched. Of `settings` the tolerance, limits, threads, observer and
    /// cancel flag are used.
    ///
    /// Cost: a few passes where little changes. A new goal on a measure that no goal and no objective had, or per market or surface where none
    /// was, packs the log again.
    ///
    /// # Errors
    /// `invalid_input.inconsistent` if the plan was made on another sample, names that are not known, and whatever is wrong with the changed
    /// problem.
    pub fn what_if(&self, plan: &Plan, changes: &Changes, settings: &Settings<'_>) -> Result<WhatIf> {
        super::inputs::check(settings)?;
        self.check(plan)?;
        let solved = self.solve(changes, Some(&plan.warm), settings)?;
        let (before, after) = (&plan.deliveries, &solved.deliveries);
        let mut deliveries = Vec::new();
        for (measure, column) in after.measures.iter().zip(&after.columns) {
            let earlier = before.measures.iter().position(|m| m == measure).map(|j| &before.columns[j]);
            for (k, id) in after.campaigns.iter().enumerate() {
                let before = earlier.map_or(f64::NAN, |column| column[k]);
                deliveries.push(Shift { scope: Scope::Campaign, key: id.clone(), measure: measure.clone(), before, after: column[k] });
            }
        }
        let displaced = displaced(&deliveries[..after.campaigns.len()], &self.campaigns);
        Ok(WhatIf {
            status: solved.status,
            certificate: solved.certificate,
            before: plan.certificate.clone(),
            prices: solved.prices,
            deliveries,
            displaced,
            conflicts: solved.conflicts,
        })
    }
}

/// Exposures by campaign, summed by party, without those that hardly move.
fn displaced(exposures: &[Shift], campaigns: &Campaigns) -> Vec<Shift> {
    let by_id: IndexMap<&str, &Shift> = exposures.iter().map(|s| (s.key.as_str(), s)).collect();
    let mut list: Vec<Shift> = exposures.to_vec();
    for scope in [Scope::Artist, Scope::Label, Scope::Licensor] {
        let mut sums: IndexMap<&str, Shift> = IndexMap::new();
        for c in campaigns {
            let party = match scope {
                Scope::Artist => &c.parties.artist,
                Scope::Label => &c.parties.label,
                _ => &c.parties.licensor,
            };
            if let (Some(party), Some(own)) = (party, by_id.get(c.id.as_str())) {
                let empty = || Shift { scope, key: party.clone(), measure: own.measure.clone(), before: 0.0, after: 0.0 };
                let sum = sums.entry(party.as_str()).or_insert_with(empty);
                sum.before += own.before;
                sum.after += own.after;
            }
        }
        list.extend(sums.into_values());
    }
    list.retain(|s| s.difference().abs() > RATHER_NONE * s.before.abs().max(1.0));
    list.sort_by(|a, b| (a.scope as usize).cmp(&(b.scope as usize)).then(a.difference().total_cmp(&b.difference())));
    list
}
