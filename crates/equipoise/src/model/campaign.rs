//! Campaigns, their parties, flights, segments and own goals.

use super::goal::GoalKind;
use super::limits::{CAMPAIGNS, Range, check_text};
use super::names::Names;
use crate::error::{Error, Faults, Result, codes, quote};
use std::borrow::Cow;

/// The parties a campaign can belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parties {
    /// Artist.
    pub artist: Option<String>,
    /// Label.
    pub label: Option<String>,
    /// Licensor.
    pub licensor: Option<String>,
}

/// A goal of one campaign: a `cap`, `floor` or `target` on one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignGoal {
    /// [`GoalKind::Cap`], [`GoalKind::Floor`] or [`GoalKind::Target`].
    pub kind: GoalKind,
    /// The measure counted.
    pub measure: String,
    /// The bound.
    pub amount: f64,
    /// Cost of a missing or excess unit; `None` takes the default of the plan. Not for caps.
    pub penalty: Option<f64>,
}

/// One promoted thing with its goals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Campaign {
    /// Unique id.
    pub id: String,
    /// Whose it is.
    pub parties: Parties,
    /// Where it may run; `None` means every surface.
    pub surfaces: Option<Vec<String>>,
    /// Where it may run; `None` means every market.
    pub markets: Option<Vec<String>>,
    /// Start of the flight, microseconds since 1970 UTC, included; `None` means always.
    pub start: Option<i64>,
    /// End of the flight, excluded.
    pub end: Option<i64>,
    /// How often one listener may get it, by the counts that requests bring, at least 1; `None` means as often as it wins.
    pub frequency_cap: Option<u32>,
    /// Own goals.
    pub goals: Vec<CampaignGoal>,
}

/// A checked campaign table, in the order in which it was given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Campaigns {
    pub(crate) list: Vec<Campaign>,
    pub(crate) ids: Names,
}

impl Campaigns {
    /// Checks a table of campaigns. An empty table is one: every candidate of a log is then unknown.
    ///
    /// Ids and names have 1 byte to 1 MiB, amounts lie in `[0, 1e12]`, penalties in `(0, 1e12]`; there are at most 16,777,214 campaigns.
    ///
    /// # Errors
    /// Every fault at once; the index is that of the campaign. `invalid_input.duplicate` for an id or for a goal that is stated twice,
    /// `goal.floor_above_cap`, `goal.flight`, `goal.empty_list`, `goal.unsupported`, `goal.limit`, and the faults of texts and numbers.
    ///
    /// ```
    /// use equipoise::Campaigns;
    /// use equipoise::model::{Campaign, CampaignGoal, GoalKind};
    ///
    /// let cap = CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount: 100.0, penalty: None };
    /// let campaigns = Campaigns::new(vec![Campaign { id: "c1".into(), goals: vec![cap], ..Campaign::default() }])?;
    /// assert_eq!(campaigns.get(0).id, "c1");
    /// # Ok::<(), equipoise::Error>(())
    /// ```
    pub fn new(list: Vec<Campaign>) -> Result<Self> {
        Self::from_columns(list, &[])
    }

    /// As [`Campaigns::new`]; the first `flat[i]` goals of campaign `i` come from columns of their own (`cap`, `floor_penalty`), whose names faults then give.
    pub(crate) fn from_columns(list: Vec<Campaign>, flat: &[usize]) -> Result<Self> {
        if list.len() > CAMPAIGNS {
            return Err(Error::new(codes::TOO_LARGE, "campaigns", None, format!("{} campaigns are more than {CAMPAIGNS}", list.len())));
        }
        let mut faults = Faults::new();
        let mut ids = Names::default();
        let mut first = Vec::new();
        for (i, campaign) in list.iter().enumerate() {
            let at = Some(i as u64);
            check_text(&campaign.id, &mut faults, "campaign", at);
            let id = ids.intern(&campaign.id) as usize;
            if let Some(first) = first.get(id) {
                faults.push(codes::DUPLICATE, "campaign", at, || format!("{} stands at {first} already", quote(&campaign.id)));
            } else {
                first.push(i);
            }
            campaign.check(at, flat.get(i).copied().unwrap_or(0), &mut faults);
        }
        faults.finish()?;
        Ok(Self { list, ids })
    }

    /// How many campaigns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The campaign at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Campaigns::len`].
    #[must_use]
    pub fn get(&self, index: usize) -> &Campaign {
        &self.list[index]
    }

    /// Ids, at the index of their campaign.
    #[must_use]
    pub fn ids(&self) -> &Names {
        &self.ids
    }

    /// All campaigns, in order of index.
    pub fn iter(&self) -> std::slice::Iter<'_, Campaign> {
        self.list.iter()
    }
}

impl<'a> IntoIterator for &'a Campaigns {
    type Item = &'a Campaign;
    type IntoIter = std::slice::Iter<'a, Campaign>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Campaign {
    fn check(&self, at: Option<u64>, flat: usize, faults: &mut Faults) {
        let Parties { artist, label, licensor } = &self.parties;
        for (name, party) in [("artist", artist), ("label", label), ("licensor", licensor)] {
            if let Some(party) = party {
                check_text(party, faults, name, at);
            }
        }
        for (name, list) in [("surfaces", &self.surfaces), ("markets", &self.markets)] {
            let Some(list) = list else { continue };
            if list.is_empty() {
                faults.push(codes::EMPTY_LIST, name, at, || "the list is empty; null means everywhere".to_owned());
            }
            for entry in list {
                check_text(entry, faults, name, at);
            }
        }
        if let (Some(start), Some(end)) = (self.start, self.end)
            && end <= start
        {
            faults.push(codes::FLIGHT, "end", at, || {
                format!("the flight ends at {end} and starts at {start} (microseconds since 1970 UTC); it has to end later")
            });
        }
        if let Some(cap) = self.frequency_cap.filter(|cap| !(1..u32::MAX).contains(cap)) {
            faults.push(codes::RANGE, "frequency_cap", at, || format!("{cap} is not between 1 and {}", u32::MAX - 1));
        }
        if self.goals.len() > GOALS {
            faults.push(codes::TOO_LARGE, "goals", at, || format!("{} goals of one campaign are more than {GOALS}", self.goals.len()));
            return;
        }
        for (i, goal) in self.goals.iter().enumerate() {
            let name = |field| goal.column(i.checked_sub(flat), field);
            goal.check(at, &name, faults);
            let earlier = &self.goals[..i];
            if earlier.iter().any(|g| g.kind == goal.kind && g.measure == goal.measure) {
                faults.push(codes::DUPLICATE, &name(Field::Kind), at, || {
                    format!("a {} of {} is stated twice", goal.kind.name(), quote(&goal.measure))
                });
            }
            let caps = self.goals.iter().filter(|g| g.kind == GoalKind::Cap && g.measure == goal.measure);
            if let Some(cap) = caps.map(|g| g.amount).find(|cap| goal.kind == GoalKind::Floor && goal.amount > *cap) {
                faults.push(codes::FLOOR_ABOVE_CAP, &name(Field::Amount), at, || {
                    format!("the floor {:?} lies above the cap {cap:?} of the same measure, {}", goal.amount, quote(&goal.measure))
                });
            }
        }
    }
}

/// Most goals of one campaign; each is compared with the others.
const GOALS: usize = 256;

#[derive(Clone, Copy)]
enum Field {
    Kind,
    Measure,
    Amount,
    Penalty,
}

impl CampaignGoal {
    /// What a fault calls a field of the goal that stands at `nested` of a list, or in columns of its own.
    fn column(&self, nested: Option<usize>, field: Field) -> Cow<'static, str> {
        if let Some(i) = nested {
            let field = match field {
                Field::Kind => "kind",
                Field::Measure => "measure",
                Field::Amount => "amount",
                Field::Penalty => "penalty",
            };
            return format!("goals[{i}].{field}").into();
        }
        match (field, self.kind) {
            (Field::Measure, _) => "goal_measure".into(),
            (Field::Penalty, GoalKind::Floor) => "floor_penalty".into(),
            (Field::Penalty, _) => "target_penalty".into(),
            (Field::Kind | Field::Amount, kind) => kind.name().into(),
        }
    }

    fn check(&self, at: Option<u64>, name: &dyn Fn(Field) -> Cow<'static, str>, faults: &mut Faults) {
        if !matches!(self.kind, GoalKind::Cap | GoalKind::Floor | GoalKind::Target) {
            faults.push(codes::GOAL_UNSUPPORTED, &name(Field::Kind), at, || {
                format!("a campaign has goals of kind cap, floor and target; {} belongs to the problem", self.kind.name())
            });
        }
        check_text(&self.measure, faults, &name(Field::Measure), at);
        Range::NonNegative.check(self.amount, faults, &name(Field::Amount), at);
        if let Some(penalty) = self.penalty {
            Range::Positive.check(penalty, faults, &name(Field::Penalty), at);
            if self.kind == GoalKind::Cap {
                faults.push(codes::GOAL_LIMIT, &name(Field::Penalty), at, || "a cap is never exceeded and has no penalty".to_owned());
            }
        }
    }
}
