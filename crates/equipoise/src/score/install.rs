//! What may take the place of the live policy.

use crate::error::{Error, Result, codes, quote};
use crate::policy::{Policy, Standing};

/// Violations up to this size are those of a kept promise: what `solved` allows a plan.
const VIOLATION: f64 = 1e-6;

/// How an install is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Install {
    /// Installs whatever is a policy: stale, foreign, older or worse.
    pub force: bool,
    /// Wants [`Policy::parent_id`] to be the live policy, where that holds any campaign.
    pub successor: bool,
}

impl Install {
    /// Everything is checked, but not that the policy comes from the live one.
    #[must_use]
    pub fn checked() -> Self {
        Self::default()
    }

    /// Nothing is checked but the file itself.
    #[must_use]
    pub fn forced() -> Self {
        Self { force: true, successor: false }
    }

    /// Wants the policy to come from the live one, besides.
    #[must_use]
    pub fn successor(self) -> Self {
        Self { successor: true, ..self }
    }

    /// Refuses `next` in the place of `live` at `now`, unless forced.
    pub(super) fn check(self, live: &Policy, next: &Policy, now: i64) -> Result<()> {
        if self.force {
            return Ok(());
        }
        fresh(next, now)?;
        if live.roster().is_empty() {
            return Ok(());
        }
        let refuse = |code, message: String| Err(Error::new(code, "policy", None, format!("{} {message}", next.id_hex())));
        let (old, new) = (live.lineage(), next.lineage());
        if let Some(programme) = &old.programme
            && new.programme.as_ref() != Some(programme)
        {
            let its = new.programme.as_deref().map_or("no programme".to_owned(), |p| format!("the programme {}", quote(p)));
            return refuse(codes::FOREIGN, format!("is of {its}, the live policy of {}", quote(programme)));
        }
        if self.successor && new.parent != Some(live.id()) {
            return refuse(codes::FOREIGN, format!("does not come from the live policy {}", live.id_hex()));
        }
        if let Some(epoch) = old.epoch
            && new.epoch.is_none_or(|next| next < epoch)
        {
            let its = new.epoch.map_or("no epoch".to_owned(), |e| format!("epoch {e}"));
            return refuse(codes::OLDER, format!("has {its}, the live policy epoch {epoch}"));
        }
        if let Some(why) = live.standing().and_then(|old| worse(&old, next.standing().as_ref())) {
            return refuse(codes::WORSE, format!("{why} than the live policy"));
        }
        Ok(())
    }
}

/// Refuses a policy that serves the organic order only.
pub(super) fn fresh(policy: &Policy, now: i64) -> Result<()> {
    match policy.valid_until() {
        Some(until) if until <= now => {
            let message = format!("{} is valid until {until}, now is {now} (microseconds since 1970 UTC)", policy.id_hex());
            Err(Error::new(codes::STALE, "policy", None, message))
        }
        _ => Ok(()),
    }
}

/// In what a certificate is worse than the live one. Values and bounds are those of different samples and are not compared: a plan that is solved
/// is as good as any, one that is not must be as close to its bound and as true to its promises as the live one.
fn worse(old: &Standing, new: Option<&Standing>) -> Option<String> {
    let Some(new) = new else { return Some("has no certificate, and so stands worse".to_owned()) };
    if new.worst_violation > old.worst_violation.max(VIOLATION) {
        return Some(format!("has a worse violation ({:e} against {:e})", new.worst_violation, old.worst_violation));
    }
    if !new.solved && old.solved {
        return Some("is not solved, and so stands worse".to_owned());
    }
    if !new.solved && new.gap > old.gap {
        return Some(format!("has a wider gap ({:e} against {:e})", new.gap, old.gap));
    }
    None
}

/// The value of the label `result` for an install that failed.
pub(super) fn result_of(error: &Error) -> &'static str {
    match error.code() {
        codes::STALE => "stale",
        codes::FOREIGN => "foreign",
        codes::OLDER => "older",
        codes::WORSE => "worse",
        codes::NOT_KEPT => "not_kept",
        codes::CORRUPT => "corrupt",
        codes::VERSION => "version",
        codes::POLICY_LIMIT => "limit",
        _ => "failed",
    }
}
