//! A stored instance, stated as a problem, a campaign table and a log.
//!
//! A folder of arrays: `ptr`, `camp`, `val`, `loss`, `slots`, `cap`, `floor`, `group`, `glo`, `ghi`, `budget`. It may also have, for the instances
//! that `instances.py` and `shapes.py` make: `weight` (opportunities), `market` (opportunities), `coef` (candidates: expected streams) with
//! `ycap` (campaigns: caps on them), `artist` and `label` (campaigns), and `goals.json`, a list of further goals.

use crate::npy;
use equipoise::model::{Campaign, CampaignGoal, Campaigns, GoalKind, Opportunities, Parties, Problem};
use equipoise::model::{CandidateRow, Id, OpportunityRow};
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::Path;

/// What [`equipoise::plan()`] takes.
pub(crate) struct Instance {
    pub(crate) problem: Problem,
    pub(crate) log: Opportunities,
    pub(crate) campaigns: Campaigns,
}

/// A bound at or above this stands for none.
pub(crate) const UNBOUNDED: f64 = 1e12;

/// Loads the instance in `folder`.
pub(crate) fn load(folder: &Path) -> Result<Instance, Box<dyn Error>> {
    let campaigns = campaigns(folder)?;
    Ok(Instance { problem: problem(folder)?, log: log(folder, &campaigns)?, campaigns })
}

fn problem(folder: &Path) -> Result<Problem, Box<dyn Error>> {
    let (least, most) = (npy::read::<f64>(folder, "glo")?, npy::read::<f64>(folder, "ghi")?);
    let mut goals = Vec::new();
    for (group, (&least, &most)) in least.iter().zip(&most).enumerate() {
        let mut goal = json!({"kind": "share", "measure": "exposure", "of": {"licensor": format!("g{group}")}});
        if least > 0.0 {
            goal["at_least"] = json!(least);
        }
        if most < 1.0 {
            goal["at_most"] = json!(most);
        }
        if least > 0.0 || most < 1.0 {
            goals.push(goal);
        }
    }
    let budget = npy::read::<f64>(folder, "budget")?[0];
    if budget < UNBOUNDED {
        goals.push(json!({"kind": "guardrail", "measure": "displacement", "per": "all", "at_most_total": budget}));
    }
    let more = folder.join("goals.json");
    if more.exists() {
        goals.extend(serde_json::from_str::<Vec<Value>>(&fs::read_to_string(more)?)?);
    }
    Ok(Problem::from_json(&json!({"objectives": {"value": 1.0}, "goals": goals}).to_string())?)
}

fn campaigns(folder: &Path) -> Result<Campaigns, Box<dyn Error>> {
    let (caps, floors) = (npy::read::<f64>(folder, "cap")?, npy::read::<f64>(folder, "floor")?);
    let groups = npy::read::<i32>(folder, "group")?;
    let streams = npy::read_if_there::<f64>(folder, "ycap")?;
    let (artists, labels) = (npy::read_if_there::<i32>(folder, "artist")?, npy::read_if_there::<i32>(folder, "label")?);
    let party = |of: &Option<Vec<i32>>, k: usize, letter: char| of.as_ref().map(|of| format!("{letter}{}", of[k]));
    let list = (0..caps.len()).map(|k| {
        let goal = |kind, measure: &str, amount| CampaignGoal { kind, measure: measure.to_owned(), amount, penalty: None };
        let mut goals = Vec::new();
        if caps[k] < UNBOUNDED {
            goals.push(goal(GoalKind::Cap, "exposure", caps[k]));
        }
        if floors[k] > 0.0 {
            goals.push(goal(GoalKind::Floor, "exposure", floors[k]));
        }
        if let Some(cap) = streams.as_ref().map(|s| s[k]).filter(|cap| *cap < UNBOUNDED) {
            goals.push(goal(GoalKind::Cap, "stream", cap));
        }
        let parties = Parties { licensor: Some(format!("g{}", groups[k])), artist: party(&artists, k, 'a'), label: party(&labels, k, 'l') };
        Campaign { id: format!("c{k}"), parties, goals, ..Campaign::default() }
    });
    Ok(Campaigns::new(list.collect())?)
}

fn log(folder: &Path, campaigns: &Campaigns) -> Result<Opportunities, Box<dyn Error>> {
    let starts = npy::read::<i64>(folder, "ptr")?;
    let campaign = npy::read::<i32>(folder, "camp")?;
    let (value, loss) = (npy::read::<f32>(folder, "val")?, npy::read::<f32>(folder, "loss")?);
    let slots = npy::read::<u8>(folder, "slots")?;
    let (weight, streams) = (npy::read_if_there::<f64>(folder, "weight")?, npy::read_if_there::<f32>(folder, "coef")?);
    let markets = npy::read_if_there::<i32>(folder, "market")?;
    let market: Option<Vec<String>> = markets.map(|of| of.iter().map(|q| format!("m{q}")).collect());
    let width = 2 + usize::from(streams.is_some());
    let mut rows = Opportunities::builder(&["value", "displacement", "stream"][..width]);
    for (t, ends) in starts.windows(2).enumerate() {
        rows.opportunity(&OpportunityRow {
            id: Id::Int(t as i64),
            slots: Some(slots[t].into()),
            weight: weight.as_ref().map(|w| w[t]),
            market: market.as_ref().map(|of| of[t].as_str()),
            ..OpportunityRow::default()
        });
        for i in ends[0] as usize..ends[1] as usize {
            let id = campaigns.ids().name(campaign[i] as u32);
            let measures = [value[i], loss[i], streams.as_ref().map_or(0.0, |s| s[i])];
            rows.candidate(&CandidateRow { campaign: Some(id), measures: &measures[..width], ..CandidateRow::default() });
        }
    }
    Ok(rows.finish()?)
}
