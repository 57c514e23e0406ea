//! Why a candidate was not picked, in particulars.

use super::drop::Fault;
use super::explain::{Term, TermKind};
use super::request::Columns;
use super::{Request, Workspace};
use crate::error::quote;
use crate::model::organic::NO_ITEM;
use crate::model::{GoalKind, Reason, Scope};
use crate::policy::{INDEX_BITS, NONE, ORGANIC, PLACE_LIMIT, Policy, UNKNOWN};

/// What decided against a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The name of the [`Reason`], or `guardrail` where the price that charged the candidate most is a guardrail's.
    pub name: &'static str,
    /// The pick that stands where this candidate could have: for `outscored` and `no_place` the one of least score, for `item`, `artist` and
    /// `label` the one it clashes with.
    pub lost_to: Option<u32>,
    /// For `price` and `guardrail`, which of the explanation's terms charged most; `None` where no price did.
    pub term: Option<usize>,
    /// What was found: a score, a count, an organic score, an organic rank, a time.
    pub found: Option<f64>,
    /// What it was held against: the pick's score, the cap, the floor, the last place, the end of validity.
    pub limit: Option<f64>,
    /// The same for people, in English; ids are escaped.
    pub text: String,
}

impl Cause {
    fn new(reason: Reason, text: String) -> Self {
        Self { name: reason.name(), lost_to: None, term: None, found: None, limit: None, text }
    }

    fn numbers(self, found: f64, limit: f64) -> Self {
        Self { found: Some(found), limit: Some(limit), ..self }
    }
}

/// Why candidate `i` was not picked; `None` for a pick. `terms` are those of its score.
pub(super) fn cause(policy: &Policy, request: &Request<'_>, ws: &Workspace, i: usize, terms: &[Term]) -> Option<Cause> {
    let reason = ws.reasons[i];
    if reason == Reason::Picked {
        return None;
    }
    let slate = policy.slate();
    // The caller's columns may have changed since they were scored: what they hold now is named only where it is a campaign.
    let campaign = match request.campaign[i] {
        ORGANIC | UNKNOWN => None,
        row => Some(row & ((1 << INDEX_BITS) - 1)).filter(|c| (*c as usize) < policy.roster().len()),
    };
    let whose = campaign.map_or_else(String::new, |c| format!("campaign {}", quote(policy.roster().id(c))));
    let place = |list: Option<Vec<&str>>| {
        let names: Vec<String> = list.unwrap_or_default().iter().take(20).map(|name| quote(name)).collect();
        names.join(", ")
    };
    let new = |text: String| Some(Cause::new(reason, text));
    match reason {
        Reason::Picked => None,
        Reason::Price => Some(price(policy, terms)),
        Reason::Outscored | Reason::NoPlace => Some(outscored(policy, ws, i, reason)),
        Reason::Item => {
            let item = request.item.map(|item| item[i]).filter(|item| *item != NO_ITEM);
            Some(clash(reason, ws, &|p| request.item.map(|all| all[p]) == item, "has its item, and an item stands once"))
        }
        Reason::Artist => {
            let own = policy.artist_of(request, ws, i);
            let text = format!("has its artist, who may have {} of the picks", slate.max_per_artist.unwrap_or_default());
            Some(clash(reason, ws, &|p| policy.artist_of(request, ws, p) == own, &text))
        }
        Reason::Label => {
            let own = policy.label_of(ws, i);
            let text = format!("has its label, which may have {} of the picks", slate.max_per_label.unwrap_or_default());
            Some(clash(reason, ws, &|p| policy.label_of(ws, p) == own, &text))
        }
        Reason::Rise => {
            let (rank, up) = (ws.blend.found().get(i).copied().unwrap_or_default(), slate.max_positions_up.unwrap_or_default());
            let text = format!("its organic rank is {rank}, and no pick stands more than {up} places above its own");
            new(text).map(|cause| cause.numbers(f64::from(rank), f64::from(up)))
        }
        Reason::Organic => new("it is not promoted".to_owned()),
        Reason::Unknown => new("its campaign is not in the policy".to_owned()),
        Reason::Market => {
            let list = campaign.and_then(|c| policy.roster().markets.list(c as usize));
            new(format!("{whose} runs in the markets {}", place(list)))
        }
        Reason::Surface => {
            let list = campaign.and_then(|c| policy.roster().surfaces.list(c as usize));
            new(format!("{whose} runs on the surfaces {}", place(list)))
        }
        Reason::Flight => {
            let (start, end) = campaign.map_or((None, None), |c| policy.roster().flight(c));
            let time = request.time.unwrap_or_default();
            let early = start.filter(|start| time < *start);
            let text = match (early, end) {
                (Some(start), _) => format!("{whose} starts at {start}, and the request is of {time} (microseconds since 1970 UTC)"),
                (None, end) => {
                    format!("{whose} ended at {}, and the request is of {time} (microseconds since 1970 UTC)", end.unwrap_or_default())
                }
            };
            new(text).map(|cause| cause.numbers(time as f64, early.or(end).unwrap_or_default() as f64))
        }
        Reason::Expired => {
            let (time, until) = (request.time.unwrap_or_default(), policy.valid_until().unwrap_or_default());
            let text = format!("the policy is valid until {until}, and the request is of {time} (microseconds since 1970 UTC)");
            new(text).map(|cause| cause.numbers(time as f64, until as f64))
        }
        Reason::Relevance => {
            let least = slate.relevance(ws.reference.unwrap_or_default()).least();
            let organic = request.organic.map_or(0.0, |organic| f64::from(organic[i]));
            new(format!("its organic score {organic} is below the relevance floor {least}")).map(|cause| cause.numbers(organic, least))
        }
        Reason::Frequency => {
            let count = request.frequency.map_or(0, |counts| counts[i]);
            let cap = campaign.and_then(|c| policy.roster().frequency_cap(c)).unwrap_or_default();
            let text = format!("the listener has had {whose} {count} times, and may have it {cap} times");
            new(text).map(|cause| cause.numbers(f64::from(count), f64::from(cap)))
        }
        Reason::Invalid => {
            let columns = Columns::new(request.measures, request.len(), policy).ok();
            let found = columns.and_then(|columns| Fault::of(policy, request, &columns, i));
            let none = || "a number of it could not be used".to_owned();
            new(found.map_or_else(none, |fault| format!("{fault}, which is not a number that can be used")))
        }
        Reason::SwitchedOff => new(format!("{whose}, a party of it, the market, the surface or everything is switched off")),
        Reason::Breaker => new(format!("a breaker keeps {whose} out")),
    }
}

fn price(policy: &Policy, terms: &[Term]) -> Cause {
    let charges = || terms.iter().enumerate().filter(|(_, t)| matches!(t.kind, TermKind::Goal(_)) && t.amount < 0.0);
    let Some((at, most)) = charges().min_by(|a, b| a.1.amount.total_cmp(&b.1.amount)) else {
        return Cause::new(Reason::Price, "its objectives leave nothing, and no price charges it".to_owned());
    };
    let sum = terms.iter().fold(0.0, |sum, t| sum + t.amount);
    let name = quote(&policy.term_name(most));
    let text = format!("prices leave {sum} of it; {} charges most, {}", &name[1..name.len() - 1], -most.amount);
    let kind = if most.kind == TermKind::Goal(GoalKind::Guardrail) { "guardrail" } else { Reason::Price.name() };
    Cause { name: kind, term: Some(at), ..Cause::new(Reason::Price, text) }.numbers(sum, 0.0)
}

fn outscored(policy: &Policy, ws: &Workspace, i: usize, reason: Reason) -> Cause {
    let own = f64::from(ws.scores[i]);
    let least = ws.picks.iter().copied().min_by(|a, b| ws.scores[*a as usize].total_cmp(&ws.scores[*b as usize]));
    let Some(pick) = least else {
        let text = if reason == Reason::NoPlace { "no place is left for promoted items" } else { "the request has no promoted places" };
        return Cause::new(reason, text.to_owned());
    };
    let score = f64::from(ws.scores[pick as usize]);
    let whose = ws.campaigns.get(pick as usize).filter(|c| (**c as usize) < policy.roster().len());
    let whose = whose.map_or_else(String::new, |c| format!(" of campaign {}", quote(policy.roster().id(*c))));
    let last = policy.slate().visible.unwrap_or(PLACE_LIMIT);
    let why = if reason == Reason::NoPlace { format!("no place up to {last} is left") } else { "all promoted places are taken".to_owned() };
    let text = format!("{why}; the pick of least score is candidate {pick}{whose}, {score} against {own}");
    Cause { lost_to: Some(pick), ..Cause::new(reason, text) }.numbers(own, score)
}

fn clash(reason: Reason, ws: &Workspace, same: &dyn Fn(usize) -> bool, text: &str) -> Cause {
    let pick = ws.picks.iter().rev().copied().find(|p| same(*p as usize));
    let who = pick.map_or_else(String::new, |p| format!("candidate {p} "));
    Cause { lost_to: pick, ..Cause::new(reason, format!("{who}{text}")) }
}

/// On whose behalf a campaign is promoted: its parties, in order of artist, label, licensor.
pub(super) fn parties(policy: &Policy, campaign: u32) -> [Option<String>; 3] {
    [Scope::Artist, Scope::Label, Scope::Licensor].map(|scope| {
        let party = policy.roster().party(scope, campaign);
        (party != NONE).then(|| policy.roster().key_name(scope, party).to_owned())
    })
}
