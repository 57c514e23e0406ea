//! A solve, and what came of it: the answer counted anew, its conflicts, and the certificate and status that follow from them.

use super::account::Account;
use super::conflicts::{self, Conflicts, Found};
use super::relaxed::{Answer, Ask, Relaxed};
use super::{Certificate, Status};
use crate::error::Result;
use std::collections::HashSet;

/// What a plan notes whose search for conflicts was cut short.
pub(super) const CUT: &str =
    "conflicts were not looked for to the end: goals that are missed may be out of reach, or not worth their price";

/// Largest relative violation of a solved plan.
const VIOLATION: f64 = 1e-6;

/// A solve's answer with everything that its certificate states.
pub(super) struct Judged {
    pub(super) answer: Answer,
    pub(super) account: Account,
    pub(super) conflicts: Vec<Found>,
    /// Whether a limit ended the search for conflicts.
    pub(super) cut: bool,
    /// Without the serving rule's part.
    pub(super) certificate: Certificate,
    pub(super) status: Status,
}

impl Judged {
    /// Solves what is asked and judges the answer by `account_of`, which counts what it delivers.
    pub(super) fn solve(
        relaxed: &mut Relaxed<'_, '_>,
        ask: &Ask<'_>,
        account_of: impl FnOnce(&Relaxed<'_, '_>, &Answer) -> Result<Account>,
    ) -> Result<Self> {
        let answer = relaxed.solve(ask)?;
        let seconds = ask.started.elapsed().as_secs_f64();
        let account = account_of(relaxed, &answer)?;
        let Conflicts { found: conflicts, cut } = conflicts::find(relaxed, ask, &answer, &account)?;
        let in_conflict: HashSet<usize> = conflicts.iter().filter_map(|c| c.stated).collect();
        let worst_violation = account.worst(relaxed.inputs, ask.promises, |s| !in_conflict.contains(&s)).0;
        // An answer may be outside a hard goal by rounding, and worth a rounding more than anything inside.
        let value = account.value(relaxed.inputs, ask.promises).min(answer.value).min(answer.bound);
        let gap = (answer.bound - value) / answer.bound.abs().max(1.0);
        let status = match answer.status {
            _ if gap <= ask.tolerance && worst_violation <= VIOLATION => Status::Solved,
            // What may be in conflict was not looked into to the end.
            Status::Solved | Status::Stalled if cut.is_some() => cut.unwrap_or(Status::Stalled),
            Status::Solved => Status::Stalled,
            other => other,
        };
        let certificate =
            Certificate { upper_bound: answer.bound, value, gap, worst_violation, passes: answer.passes, seconds, serving: None };
        let cut = cut.is_some();
        Ok(Self { answer, account, conflicts, cut, certificate, status })
    }
}
