//! A stored instance, stated as a problem, a campaign table and a log.

use crate::npy;
use equipoise::model::{Campaign, CampaignGoal, Campaigns, GoalKind, Opportunities, Parties, Problem};
use equipoise::model::{CandidateRow, Id, OpportunityRow};
use serde_json::json;
use std::error::Error;
use std::path::Path;

/// What [`equipoise::plan()`] takes.
pub(crate) struct Instance {
    pub(crate) problem: Problem,
    pub(crate) log: Opportunities,
    pub(crate) campaigns: Campaigns,
}

/// A budget at or above this stands for none.
const NO_BUDGET: f64 = 1e12;

/// Loads the arrays of `folder`: `ptr`, `camp`, `val`, `loss`, `slots`, `cap`, `floor`, `group`, `glo`, `ghi`, `budget`.
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
    if budget < NO_BUDGET {
        goals.push(json!({"kind": "guardrail", "measure": "displacement", "per": "all", "at_most_total": budget}));
    }
    Ok(Problem::from_json(&json!({"objectives": {"value": 1.0}, "goals": goals}).to_string())?)
}

fn campaigns(folder: &Path) -> Result<Campaigns, Box<dyn Error>> {
    let (caps, floors) = (npy::read::<f64>(folder, "cap")?, npy::read::<f64>(folder, "floor")?);
    let groups = npy::read::<i32>(folder, "group")?;
    let list = caps.iter().zip(&floors).zip(&groups).enumerate().map(|(k, ((&cap, &floor), &group))| {
        let goal = |kind, amount| CampaignGoal { kind, measure: "exposure".to_owned(), amount, penalty: None };
        let mut goals = vec![goal(GoalKind::Cap, cap)];
        if floor > 0.0 {
            goals.push(goal(GoalKind::Floor, floor));
        }
        let parties = Parties { licensor: Some(format!("g{group}")), ..Parties::default() };
        Campaign { id: format!("c{k}"), parties, goals, ..Campaign::default() }
    });
    Ok(Campaigns::new(list.collect())?)
}

fn log(folder: &Path, campaigns: &Campaigns) -> Result<Opportunities, Box<dyn Error>> {
    let starts = npy::read::<i64>(folder, "ptr")?;
    let campaign = npy::read::<i32>(folder, "camp")?;
    let (value, loss) = (npy::read::<f32>(folder, "val")?, npy::read::<f32>(folder, "loss")?);
    let slots = npy::read::<u8>(folder, "slots")?;
    let mut rows = Opportunities::builder(&["value", "displacement"]);
    for (t, ends) in starts.windows(2).enumerate() {
        rows.opportunity(&OpportunityRow { id: Id::Int(t as i64), slots: Some(slots[t].into()), ..OpportunityRow::default() });
        for i in ends[0] as usize..ends[1] as usize {
            let id = campaigns.ids().name(campaign[i] as u32);
            rows.candidate(&CandidateRow { campaign: Some(id), measures: &[value[i], loss[i]], ..CandidateRow::default() });
        }
    }
    Ok(rows.finish()?)
}
