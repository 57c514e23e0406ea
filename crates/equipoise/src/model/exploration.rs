//! The random part of a slate.

use super::limits::Range;
use crate::error::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How slates are drawn at random. Everything absent: nothing is.
///
/// With probability `epsilon` a request's places are filled uniformly from the candidates that may stand there, else with probability
/// proportional to `exp(score / temperature)`, place by place (Plackett-Luce); without a temperature by the serving rule. Only candidates of
/// positive score take part, so prices, eligibility and the relevance floor hold as ever. `bonus` is in both the drawn and the undrawn part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exploration {
    /// In organic-score units: at this difference of scores the better one is `e` times as likely. Absent: the best is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1e12))]
    pub temperature: Option<f64>,
    /// Probability of a uniform slate.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = 1))]
    pub epsilon: f64,
    /// What a unit of a candidate's given uncertainty adds to its score while places are filled; the score itself stays.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = 1e12))]
    pub bonus: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

impl Exploration {
    /// Whether anything is drawn.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.temperature.is_some() || self.epsilon > 0.0
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        if let Some(temperature) = self.temperature {
            Range::Positive.check(temperature, faults, "slate.exploration.temperature", None);
        }
        Range::Fraction.check(self.epsilon, faults, "slate.exploration.epsilon", None);
        Range::NonNegative.check(self.bonus, faults, "slate.exploration.bonus", None);
    }
}
