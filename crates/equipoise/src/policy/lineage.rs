//! Where a policy stands among others: its programme, epoch, parent, and how well it is certified.

use super::{Policy, file};
use crate::error::Result;
use serde_json::Value;

/// Which line of policies a policy belongs to. It travels as metadata (`programme`, `epoch`) and as `parent_id`, and decides nothing but what may
/// replace it: [`crate::score::Scorer::install`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The programme of promotions that it is for: one name for all policies that may replace each other.
    pub programme: Option<String>,
    /// Counts the policies of a programme up; a plan that is repeated with newer data gets a larger one.
    pub epoch: Option<u64>,
    /// [`Policy::id`] of the policy that it came from.
    pub parent: Option<[u8; 16]>,
}

/// Where metadata hold the lineage, beside the format's own `parent_id`.
const PROGRAMME: &str = "programme";
const EPOCH: &str = "epoch";
/// Where they hold the planner's certificate.
const CERTIFICATE: &str = "certificate";

/// What a certificate says in so many words, for comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing {
    pub(crate) solved: bool,
    pub(crate) gap: f64,
    pub(crate) worst_violation: f64,
}

impl Policy {
    /// The policy's lineage; nothing where it has none. An epoch that is no number is none.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        let entry = |name: &str| self.metadata().get(name);
        Lineage { programme: entry(PROGRAMME).cloned(), epoch: entry(EPOCH).and_then(|e| e.parse().ok()), parent: self.parent_id() }
    }

    /// The same policy of another lineage: a new policy with a new id, unsigned.
    ///
    /// # Errors
    /// `policy.limit` where its metadata leave no room.
    pub fn with_lineage(&self, lineage: &Lineage) -> Result<Self> {
        let entries = [
            (PROGRAMME, lineage.programme.clone()),
            (EPOCH, lineage.epoch.map(|e| e.to_string())),
            ("parent_id", lineage.parent.map(file::hex)),
        ];
        self.with_metadata(&entries)
    }

    /// How well the policy is certified; `None` where it carries no certificate, or one of another shape.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let json: Value = serde_json::from_str(self.metadata().get(CERTIFICATE)?).ok()?;
        let number = |name: &str| json.get(name).and_then(Value::as_f64);
        let solved = json.get("status").and_then(Value::as_str) == Some("solved");
        Some(Standing { solved, gap: number("gap")?, worst_violation: number("worst_violation")? })
    }
}
