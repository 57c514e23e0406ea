//! Why a candidate has its score: terms that sum to it exactly.

use super::cause::{Cause, cause};
use super::request::{Columns, is_amount};
use super::{Request, UNWRITTEN, Workspace, check_amount};
use crate::error::{Error, Result, codes};
use crate::model::{GoalKind, Reason, organic, uniform};
use crate::policy::{Policy, segment_coefficient};

/// The terms of one score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Objectives, then one line per ledger that has a price here, then `tie_break` where there is one, then `rounding`. Empty where the
    /// candidate was not scored. Summed from left to right in `f64`, starting from zero, they give `total` exactly.
    pub terms: Vec<Term>,
    /// The score.
    pub total: f64,
    /// What became of the candidate.
    pub reason: Reason,
    /// Why it was not picked; `None` for a pick.
    pub cause: Option<Cause>,
}

impl Default for Explanation {
    /// Of nothing, to be explained into.
    fn default() -> Self {
        Self { terms: Vec::new(), total: 0.0, reason: Reason::Organic, cause: None }
    }
}

/// One term of an [`Explanation`]; [`Policy::term_name`] has its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Where the term comes from.
    pub kind: TermKind,
    /// Which objective or price of the policy that is.
    of: u32,
    /// What it adds to the score, in organic-score units.
    pub amount: f64,
}

/// Where a [`Term`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TermKind {
    /// The weight of an objective times its measure.
    Objective,
    /// The price of a goal's ledger times its measure.
    Goal(GoalKind),
    /// The tie-break term.
    TieBreak,
    /// What `f32` arithmetic added: at most `(m + 7) 2^-23` times the sum of the other terms' magnitudes, underflow aside.
    Rounding,
}

impl TermKind {
    /// The name used in documents and tables: `objective`, the kind of the goal, `tie_break`, `rounding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Objective => "objective",
            Self::Goal(GoalKind::Cap) => "cap",
            Self::Goal(GoalKind::Floor) => "floor",
            Self::Goal(GoalKind::Target) => "target",
            Self::Goal(GoalKind::AlphaFair) => "alpha_fair",
            Self::Goal(GoalKind::MaxMin) => "max_min",
            Self::Goal(GoalKind::Share) => "share",
            Self::Goal(GoalKind::Guardrail) => "guardrail",
            Self::TieBreak => "tie_break",
            Self::Rounding => "rounding",
        }
    }
}

impl Policy {
    /// Explains the score of candidate `i` of a request that `workspace` has just scored by this policy.
    ///
    /// # Errors
    /// As [`Policy::explain_into`].
    pub fn explain(&self, request: &Request<'_>, workspace: &Workspace, i: usize) -> Result<Explanation> {
        let mut explanation = Explanation::default();
        self.explain_into(request, workspace, i, &mut explanation)?;
        Ok(explanation)
    }

    /// The same into an explanation that is used again and again: for a pick, nothing is allocated once it has held as many terms. `O(terms)`;
    /// `explanation` is empty after an error.
    ///
    /// # Errors
    /// `usage.not_begun` where the workspace holds another outcome, `invalid_input.row` where there is no candidate `i`; `invalid_input.*` where
    /// the candidate's columns do not hold any more what was scored.
    pub fn explain_into(&self, request: &Request<'_>, workspace: &Workspace, i: usize, explanation: &mut Explanation) -> Result<()> {
        explanation.terms.clear();
        (explanation.total, explanation.cause) = (0.0, None);
        workspace.check_holds(self, request.len())?;
        if i >= request.len() {
            return Err(Error::new(codes::ROW, "i", Some(i as u64), format!("{i} is not below {} candidates", request.len())));
        }
        let (score, reason) = (f64::from(workspace.scores[i]), workspace.reasons[i]);
        if reason.is_scored() {
            if let Err(error) = self.list_terms(request, workspace, i, &mut explanation.terms) {
                explanation.terms.clear();
                return Err(error);
            }
            round(&mut explanation.terms, score);
        }
        (explanation.total, explanation.reason) = (score, reason);
        explanation.cause = cause(self, request, workspace, i, &explanation.terms);
        Ok(())
    }

    /// What a term of this policy's explanations is called: the measure for an objective; goal, measure and scope for a price; `tie_break`,
    /// `rounding`. Of another policy's term it is nothing useful.
    #[must_use]
    pub fn term_name(&self, term: &Term) -> String {
        let name = |j: usize| match j.checked_sub(1) {
            None => "exposure",
            Some(j) => self.measures().get(j).map_or("", String::as_str),
        };
        let (l, ledgers) = (term.of as usize, self.ledgers());
        match term.kind {
            TermKind::Objective => name(l).to_owned(),
            TermKind::Goal(_) if l < ledgers.len() => {
                let goal = ledgers.goals.get(ledgers.goal.get(l) as usize);
                let measure = name(ledgers.measure.get(l) as usize);
                // Goals that the planner names hold their measure already.
                let measure = if goal.split(' ').any(|word| word == measure) { "" } else { measure };
                let gap = if measure.is_empty() { "" } else { " " };
                format!("{goal}{gap}{measure} {}", self.scope_text(l))
            }
            kind => kind.name().to_owned(),
        }
    }

    fn list_terms(&self, request: &Request<'_>, ws: &Workspace, i: usize, terms: &mut Vec<Term>) -> Result<()> {
        let columns = Columns::new(request.measures, request.len(), self)?;
        let organic = request.organic.and_then(|organic| organic.get(i));
        let amount = |j: usize| {
            let Some(j) = j.checked_sub(1) else { return 1.0 };
            let given = columns.get(i, j);
            let unwritten = self.displacement() == Some(j) && given.to_bits() == UNWRITTEN;
            f64::from(if unwritten { organic.map_or(0.0, |o| organic::displacement(ws.reference.unwrap_or(0.0), *o)) } else { given })
        };
        // They were checked when they were scored; the caller may have written to them since.
        let checked = |argument: &str, given: f32| {
            if is_amount(given) { Ok(()) } else { check_amount(argument, Some(i as u64), given) }
        };
        for (j, weight) in self.weights().iter().enumerate() {
            let amount = amount(j);
            checked("measures", amount as f32)?;
            if *weight != 0.0 {
                terms.push(Term { kind: TermKind::Objective, of: j as u32, amount: weight * amount });
            }
        }
        if let Some(organic) = organic {
            checked("organic", *organic)?;
        }
        let (ledgers, prices) = (self.ledgers(), self.folded());
        let mut push = |l: usize, coefficient: f64| {
            let charge = coefficient * ledgers.price.get(l);
            if charge != 0.0 {
                let amount = -charge * amount(ledgers.measure.get(l) as usize);
                terms.push(Term { kind: TermKind::Goal(ledgers.kind(l)), of: l as u32, amount });
            }
        };
        // All lists are in order of folding; the request's ledgers are merged among the campaign's.
        let mut request_side = prices.touching.requested(&prices.segments, request.market, request.surface);
        let in_segment = |l: usize| {
            let (market, surface) = prices.segments.priced_as(ledgers.measure.get(l) as usize, request.market, request.surface);
            segment_coefficient(ledgers, l, market, surface)
        };
        prices.touching.campaign(self.roster(), ledgers, ws.campaigns[i], |l, coefficient| {
            while let Some(before) = request_side.next_before(l) {
                push(before, in_segment(before));
            }
            push(l, coefficient);
        });
        while let Some(l) = request_side.next_before(usize::MAX) {
            push(l, in_segment(l));
        }
        if self.tie_breadth() > 0.0 {
            let u = f64::from(uniform(request.key, self.campaign_hash(ws.campaigns[i])));
            terms.push(Term { kind: TermKind::TieBreak, of: 0, amount: self.tie_breadth() * u });
        }
        Ok(())
    }
}

/// Appends what makes the left-to-right sum of `terms` exactly `score`: one term, or two where no single one does it.
fn round(terms: &mut Vec<Term>, score: f64) {
    let sum = terms.iter().fold(0.0, |sum, t| sum + t.amount);
    let mut push = |amount: f64| terms.push(Term { kind: TermKind::Rounding, of: 0, amount });
    let rest = score - sum;
    if let Some(rest) = [rest, rest.next_up(), rest.next_down()].into_iter().find(|r| sum + r == score) {
        push(rest);
    } else {
        push(-sum);
        push(score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(amounts: &[f64], score: f64) -> Vec<f64> {
        let term = |a: &f64| Term { kind: TermKind::Objective, of: 0, amount: *a };
        let mut terms: Vec<Term> = amounts.iter().map(term).collect();
        round(&mut terms, score);
        assert_eq!(terms.iter().fold(0.0, |sum, t| sum + t.amount).to_bits(), score.to_bits());
        terms[amounts.len()..].iter().map(|t| t.amount).collect()
    }

    #[test]
    fn one_term_where_one_does_it() {
        assert_eq!(rounded(&[0.25, 0.5], 0.75), [0.0]);
        assert_eq!(rounded(&[0.1, 0.2], f64::from(0.3_f32)).len(), 1);
        assert_eq!(rounded(&[], 0.0), [0.0]);
        assert_eq!(rounded(&[1.0, -1.0], 0.0), [0.0]);
    }

    #[test]
    fn many_sums_and_scores() {
        let mut state = 7;
        for _ in 0..200_000 {
            let mut next = || {
                state = crate::model::mix(state);
                state
            };
            let magnitude = 10_f64.powi((next() % 40) as i32 - 20);
            let amounts: Vec<f64> = (0..next() % 5).map(|_| ((next() >> 11) as f64 / 9e15 - 0.5) * magnitude).collect();
            let sum = amounts.iter().fold(0.0, |sum, a| sum + a);
            let score = f64::from((sum * (1.0 + ((next() >> 40) as f64 - 8e6) * 1e-12)) as f32) + 0.0;
            rounded(&amounts, score);
        }
    }
}
