//! Kill switches: what must not be promoted, by id, whatever policy is live.

use crate::error::{Error, Result, codes, escape, quote};
use crate::memory::spared;
use crate::model::Scope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Longest JSON document of switches, in bytes.
pub const SWITCHES_LIMIT: usize = 1 << 26;

/// What is switched off: campaigns, parties, markets, surfaces, or everything. Keyed by id, so that switches outlive the policy they were made
/// for; an id that no policy knows is kept and does nothing, but for a market or surface: see [`super::Gates`].
///
/// ```
/// use equipoise::model::Scope;
/// use equipoise::score::Switches;
///
/// let mut switches = Switches::default();
/// assert!(switches.set(Scope::Label, "L3", false)?, "it was on");
/// assert_eq!(Switches::from_json(&switches.to_json())?, switches);
/// assert!(switches.is_off(Scope::Label, "L3") && !switches.is_off(Scope::All, ""));
/// # Ok::<(), equipoise::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    all: bool,
    campaign: BTreeSet<String>,
    artist: BTreeSet<String>,
    label: BTreeSet<String>,
    licensor: BTreeSet<String>,
    market: BTreeSet<String>,
    surface: BTreeSet<String>,
}

impl Switches {
    /// Switches `id` of `scope` on or off; `id` is empty for [`Scope::All`]. Returns whether that changed anything.
    ///
    /// # Errors
    /// `invalid_input.empty` for an empty id of any other scope, `invalid_input.range` for an id of [`Scope::All`].
    pub fn set(&mut self, scope: Scope, id: &str, on: bool) -> Result<bool> {
        let Some(ids) = self.ids_mut(scope) else {
            if !id.is_empty() {
                return Err(Error::new(codes::RANGE, "id", None, format!("found {}, the scope `all` has none", quote(id))));
            }
            return Ok(std::mem::replace(&mut self.all, !on) == on);
        };
        if id.is_empty() {
            return Err(Error::new(codes::EMPTY, "id", None, format!("an empty id of the scope `{}`", scope.name())));
        }
        Ok(if on { ids.remove(id) } else { ids.insert(id.to_owned()) })
    }

    /// Whether exactly this switch is off; one that covers it may be.
    #[must_use]
    pub fn is_off(&self, scope: Scope, id: &str) -> bool {
        self.ids(scope).map_or(self.all, |ids| ids.contains(id))
    }

    /// Every switch that is off, in order of scope and id.
    pub fn off(&self) -> impl Iterator<Item = (Scope, &str)> {
        let ids = |scope: Scope| self.ids(scope).into_iter().flatten().map(move |id| (scope, id.as_str()));
        self.all.then_some((Scope::All, "")).into_iter().chain(SCOPES.into_iter().flat_map(ids))
    }

    /// Whether nothing is off.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.off().next().is_none()
    }

    /// One JSON object: `all`, and a list of ids per scope.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Booleans and lists of strings: nothing that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Switches::to_json`] writes; what is left out is on.
    ///
    /// # Errors
    /// `invalid_input.syntax`, `invalid_input.empty` for an empty id, and `invalid_input.too_large` past [`SWITCHES_LIMIT`].
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > SWITCHES_LIMIT {
            let message = format!("{} bytes, the limit is {SWITCHES_LIMIT}", text.len());
            return Err(Error::new(codes::TOO_LARGE, "switches", None, message));
        }
        let switches: Self = object("switches", text)?;
        if let Some((scope, _)) = switches.off().find(|(scope, id)| id.is_empty() && *scope != Scope::All) {
            return Err(Error::new(codes::EMPTY, "switches", None, format!("an empty id of the scope `{}`", scope.name())));
        }
        Ok(switches)
    }

    fn ids(&self, scope: Scope) -> Option<&BTreeSet<String>> {
        match scope {
            Scope::Campaign => Some(&self.campaign),
            Scope::Artist => Some(&self.artist),
            Scope::Label => Some(&self.label),
            Scope::Licensor => Some(&self.licensor),
            Scope::Market => Some(&self.market),
            Scope::Surface => Some(&self.surface),
            Scope::All => None,
        }
    }

    fn ids_mut(&mut self, scope: Scope) -> Option<&mut BTreeSet<String>> {
        match scope {
            Scope::Campaign => Some(&mut self.campaign),
            Scope::Artist => Some(&mut self.artist),
            Scope::Label => Some(&mut self.label),
            Scope::Licensor => Some(&mut self.licensor),
            Scope::Market => Some(&mut self.market),
            Scope::Surface => Some(&mut self.surface),
            Scope::All => None,
        }
    }
}

/// Reads a JSON object; the list that a derived reader would take as well is refused.
pub(super) fn object<T: DeserializeOwned>(argument: &str, text: &str) -> Result<T> {
    let refuse = |why: &str| Error::new(codes::SYNTAX, argument, None, escape(why, 200));
    if !text.trim_start().starts_with('{') {
        return Err(refuse("not a JSON object"));
    }
    // Lists of small things take several times their text.
    spared(argument, text.len().saturating_mul(16), || serde_json::from_str(text).map_err(|e| refuse(&e.to_string())))
}

const SCOPES: [Scope; 6] = [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface];
