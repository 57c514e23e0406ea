//! Floors above what there is to deliver: the problem plans all the same, and each such floor has its row among the conflicts.

mod draw;
mod soak;

use draw::Draw;
use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, OpportunityRow};
use equipoise::plan::{ConflictKind, Settings, Status, plan};
use equipoise::{Campaigns, Opportunities, Problem};

const CASES: usize = 10_000;
const IDS: [&str; 3] = ["a", "b", "c"];

#[test]
fn each_has_its_row_among_the_conflicts() {
    let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n").expect("a problem");
    let mut draw = Draw(41);
    let (mut executed, mut beyond, mut reachable) = (0, 0, 0);
    while executed < soak::times(CASES) {
        // How much of each campaign one slot an opportunity could deliver, alone.
        let mut supply = [0.0; IDS.len()];
        let mut log = Opportunities::builder(&["value"]);
        for t in 0..2 + draw.below(6) {
            let weight = [1.0, 1.0, 0.5, 3.0][draw.below(4)];
            log.opportunity(&OpportunityRow { id: Id::Int(t as i64), weight: Some(weight), slots: Some(1), ..OpportunityRow::default() });
            log.candidate(&CandidateRow { campaign: None, measures: &[0.0], ..CandidateRow::default() });
            for (id, supply) in IDS.into_iter().zip(&mut supply) {
                if draw.below(3) > 0 {
                    log.candidate(&CandidateRow { campaign: Some(id), measures: &[draw.next() as f32], ..CandidateRow::default() });
                    *supply += weight;
                }
            }
        }
        let log = log.finish().expect("a log");
        let floors = supply.map(|supply| match draw.below(3) {
            0 => None,
            1 => Some(supply * (1.01 + 3.0 * draw.next()) + if supply == 0.0 { 1.0 } else { 0.0 }),
            _ => Some([1e6, 1e9, 1e12][draw.below(3)]),
        });
        if floors.iter().all(Option::is_none) {
            continue;
        }
        let list = IDS.into_iter().zip(floors).map(|(id, floor)| {
            let goal = |amount| CampaignGoal { kind: GoalKind::Floor, measure: "exposure".into(), amount, penalty: None };
            Campaign { id: id.into(), goals: floor.map(goal).into_iter().collect(), ..Campaign::default() }
        });
        let campaigns = Campaigns::new(list.collect()).expect("campaigns");
        let found = plan(&problem, &log, &campaigns, &Settings::new().holdout(0.0).threads(1)).expect("a plan");
        assert!(matches!(found.status(), Status::Solved | Status::Stalled), "{:?}: {floors:?} of {supply:?}", found.status());
        for ((id, floor), supply) in IDS.into_iter().zip(floors).zip(supply) {
            let row = found.conflicts().iter().find(|c| c.goal.ends_with(&format!("campaign={id}")));
            match floor {
                Some(floor) if floor > supply => {
                    let row = row.unwrap_or_else(|| panic!("{id}: {floor} of {supply} is told: {:?}", found.conflicts()));
                    let kind = if supply > 0.0 { ConflictKind::Unreachable } else { ConflictKind::NoSupply };
                    assert_eq!(row.kind, kind, "{row:?}");
                    beyond += 1;
                }
                _ => {
                    assert!(row.is_none_or(|row| row.kind != ConflictKind::Unreachable), "{row:?}");
                    reachable += 1;
                }
            }
        }
        assert!(found.prices().iter().all(|row| row.price.is_finite()), "no price is poisoned");
        executed += 1;
    }
    println!("executed {executed} problems: {beyond} floors beyond supply, {reachable} campaigns without");
    assert!(beyond > CASES && reachable > CASES / 4);
}
