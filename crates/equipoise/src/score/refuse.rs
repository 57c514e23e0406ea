//! What only some requests and policies have to refuse a candidate for: the relevance floor and frequency caps.

use super::{Request, Workspace};
use crate::error::{Error, Result, codes};
use crate::model::Reason;
use crate::policy::Policy;

impl Policy {
    /// Whether [`Policy::refuse`] could refuse anyone: it does nothing where this is false.
    pub(super) fn may_refuse(&self, request: &Request<'_>) -> bool {
        self.slate().has_relevance_floor() || self.counts(request).is_some()
    }

    /// Turns admitted candidates into ones that are not scored, with the reason: one pass over the candidates for each thing present.
    ///
    /// A candidate keeps the first reason it has: a switch or breaker before all this, frequency cap, then relevance floor.
    pub(super) fn refuse(&self, request: &Request<'_>, slots: u32, ws: &mut Workspace) -> Result<()> {
        let nobody = self.roster().len() as u32;
        if let Some(counts) = self.counts(request) {
            for ((campaign, reason), count) in ws.campaigns.iter_mut().zip(&mut ws.reasons).zip(counts) {
                if reason.is_scored() && self.roster().is_sated(*campaign, Some(*count)) {
                    (*campaign, *reason) = (nobody, Reason::Frequency);
                }
            }
        }
        if self.slate().has_relevance_floor() && ws.reasons.iter().any(|r| r.is_scored()) {
            let Some(organic) = request.organic else {
                return Err(Error::new(codes::MISSING, "organic", None, "the slate has a relevance floor, which needs organic scores"));
            };
            let reference = match self.slate().relevance_floor_share {
                Some(_) => self.refer(request, organic, slots, "the slate has a `relevance_floor_share`", ws)?,
                None => 0.0,
            };
            let floor = self.slate().relevance(reference);
            for ((campaign, reason), organic) in ws.campaigns.iter_mut().zip(&mut ws.reasons).zip(organic) {
                if reason.is_scored() && !floor.is_met(*organic) {
                    (*campaign, *reason) = (nobody, Reason::Relevance);
                }
            }
        }
        Ok(())
    }

    /// The listener's counts, where a campaign has a cap.
    fn counts<'a>(&self, request: &Request<'a>) -> Option<&'a [u32]> {
        request.frequency.filter(|_| self.roster().frequency_cap.is_some())
    }
}
