//! The serving certificate: the serving rule on opportunities that the plan has not seen.

use super::account::Account;
use super::certificate::Serving;
use super::inputs::{Inputs, Prepared};
use super::settings::Unknown;
use crate::error::Result;
use crate::evaluate::replay;
use crate::model::Opportunities;
use crate::policy::Policy;

/// Replays the opportunities of positive weight through `policy`; `None` where there is no row to certify on.
pub(super) fn certify(
    inputs: &Inputs<'_>,
    policy: &Policy,
    log: &Opportunities,
    prepared: &Prepared,
    weight: &[f64],
    bound: f64,
    shift: i64,
) -> Result<Option<Serving>> {
    let opportunities = weight.iter().filter(|w| **w > 0.0).count() as u64;
    if opportunities == 0 {
        return Ok(None);
    }
    let account = account(inputs, policy, log, prepared, weight, shift)?;
    // A relative guardrail takes its bound from the sample it is applied to.
    let promises = inputs.promises(log, prepared, weight, None);
    let hard = |s: usize| promises[s].below.is_none_or(f64::is_infinite) || promises[s].above.is_none_or(f64::is_infinite);
    let (worst_violation, worst) = account.worst(inputs, &promises, hard);
    let value = account.value(inputs, &promises);
    let worst_goal = worst.map_or_else(String::new, |s| {
        let l = &inputs.goals.stated[s].ledger;
        format!("{} {}", inputs.goals.names[l.goal as usize], inputs.scope_text(l.scope, l.key))
    });
    Ok(Some(Serving { opportunities, value, value_ratio: if bound == 0.0 { 1.0 } else { value / bound }, worst_violation, worst_goal }))
}

/// The account of what `policy` serves on the opportunities of positive weight.
pub(super) fn account(
    inputs: &Inputs<'_>,
    policy: &Policy,
    log: &Opportunities,
    prepared: &Prepared,
    weight: &[f64],
    shift: i64,
) -> Result<Account> {
    let moved = (shift != 0 && log.time.is_some()).then(|| {
        let mut moved = log.clone();
        moved.time.iter_mut().flatten().for_each(|t| *t = t.saturating_add(shift));
        moved
    });
    let replay = replay(policy, moved.as_ref().unwrap_or(log), Unknown::Organic)?;
    Ok(Account::of_picks(inputs, log, prepared, &replay.picked, weight))
}
