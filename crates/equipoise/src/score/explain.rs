//! Why a candidate has its score: terms that sum to it exactly.

use super::cause::{Cause, cause};
use super::{Request, UNWRITTEN, Workspace};
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

/// One term of an [`Explanation`].
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The measure for an objective; goal, measure and scope for a price.
    pub name: String,
    /// Where the term comes from.
    pub kind: TermKind,
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
    /// `usage.not_begun` where the workspace holds another outcome, `invalid_input.row` where there is no candidate `i`.
    pub fn explain(&self, request: &Request<'_>, workspace: &Workspace, i: usize) -> Result<Explanation> {
        workspace.check_holds(self, request.len())?;
        if i >= request.len() {
            return Err(Error::new(codes::ROW, "i", Some(i as u64), format!("{i} is not below {} candidates", request.len())));
        }
        let (score, reason) = (f64::from(workspace.scores[i]), workspace.reasons[i]);
        let mut terms = Vec::new();
        if reason.is_scored() {
            self.list_terms(request, workspace, i, &mut terms)?;
            round(&mut terms, score);
        }
        let cause = cause(self, request, workspace, i, &terms);
        Ok(Explanation { terms, total: score, reason, cause })
    }

    fn list_terms(&self, request: &Request<'_>, ws: &Workspace, i: usize, terms: &mut Vec<Term>) -> Result<()> {
        let columns = request.check(self)?;
        let amount = |j: usize| {
            if j == 0 {
                return 1.0;
            }
            let given = columns.get(i, j - 1);
            let filled = |organic: &[f32]| organic::displacement(ws.reference.unwrap_or(0.0), organic[i]);
            let unwritten = self.displacement() == Some(j - 1) && given.to_bits() == UNWRITTEN;
            f64::from(if unwritten { request.organic.map_or(0.0, filled) } else { given })
        };
        let name = |j: usize| if j == 0 { "exposure" } else { self.measures()[j - 1].as_str() };
        for (j, weight) in self.weights().iter().enumerate().filter(|(_, w)| **w != 0.0) {
            terms.push(Term { name: name(j).to_owned(), kind: TermKind::Objective, amount: weight * amount(j) });
        }
        let (ledgers, prices) = (self.ledgers(), self.folded());
        let mut push = |l: usize, coefficient: f64| {
            let charge = coefficient * ledgers.price.get(l);
            if charge != 0.0 {
                let j = ledgers.measure.get(l) as usize;
                let goal = ledgers.goals.get(ledgers.goal.get(l) as usize);
                // Goals that the planner names hold their measure already.
                let measure = if goal.split(' ').any(|word| word == name(j)) { "" } else { name(j) };
                let gap = if measure.is_empty() { "" } else { " " };
                terms.push(Term {
                    name: format!("{goal}{gap}{measure} {}", self.scope_text(l)),
                    kind: TermKind::Goal(ledgers.kind(l)),
                    amount: -charge * amount(j),
                });
            }
        };
        // Both lists are in order of folding; the request's ledgers are merged among the campaign's.
        let mut request_side = prices.touching.request.iter().map(|l| *l as usize).peekable();
        let in_segment = |l: usize| {
            let (market, surface) = prices.segments.priced_as(ledgers.measure.get(l) as usize, request.market, request.surface);
            segment_coefficient(ledgers, l, market, surface)
        };
        prices.touching.campaign(self.roster(), ledgers, ws.campaigns[i], |l, coefficient| {
            while let Some(before) = request_side.next_if(|r| *r < l) {
                push(before, in_segment(before));
            }
            push(l, coefficient);
        });
        for l in request_side {
            push(l, in_segment(l));
        }
        if self.tie_breadth() > 0.0 {
            let u = f64::from(uniform(request.key, self.campaign_hash(ws.campaigns[i])));
            terms.push(Term { name: "tie_break".to_owned(), kind: TermKind::TieBreak, amount: self.tie_breadth() * u });
        }
        Ok(())
    }
}

/// Appends what makes the left-to-right sum of `terms` exactly `score`: one term, or two where no single one does it.
fn round(terms: &mut Vec<Term>, score: f64) {
    let sum = terms.iter().fold(0.0, |sum, t| sum + t.amount);
    let mut push = |amount: f64| terms.push(Term { name: "rounding".to_owned(), kind: TermKind::Rounding, amount });
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
        let term = |a: &f64| Term { name: String::new(), kind: TermKind::Objective, amount: *a };
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
