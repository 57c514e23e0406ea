//! A solve over shards, which a host engine would run, has the bits of one over the whole sample.

use super::dual::Dual;
use super::inputs::{self, Inputs};
use super::recovery::Point;
use super::relaxed::Relaxed;
use super::settings::Settings;
use super::solve::{Limits, Solution, Start, solve};
use super::{Recorded, Status};
use crate::error::Result;
use crate::exchange::{Ask, Exchange, Layout, Local, Sums};
use crate::model::{Campaign, CampaignGoal, Campaigns, CandidateRow, GoalKind, Id, Opportunities, OpportunityRow, Parties, Problem, mix};
use std::time::Instant;

/// Shards that exchange nothing but bytes, the last first.
struct Sharded(Vec<Local>);

impl Exchange for Sharded {
    fn layout(&self) -> &Layout {
        self.0[0].layout()
    }

    fn pass(&mut self, ask: &Ask) -> Result<Sums> {
        let mut all: Option<Sums> = None;
        for shard in self.0.iter_mut().rev() {
            let sums = Sums::from_bytes(&shard.pass(ask)?.to_bytes())?;
            match &mut all {
                Some(all) => all.merge(sums),
                None => all = Some(sums),
            }
        }
        Ok(all.unwrap_or_default())
    }
}

const PROBLEM: &str = "
    [objectives]
    value = 1.0
    [[goals]]
    kind = 'share'
    measure = 'exposure'
    per = 'licensor'
    at_most = 0.4
    [[goals]]
    kind = 'guardrail'
    measure = 'displacement'
    per = 'market'
    at_most_total = 900.0
";

fn world() -> (Problem, Opportunities, Campaigns) {
    let mut state = 11;
    let mut draw = || {
        state = mix(state);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let goal = |kind, amount| CampaignGoal { kind, measure: "exposure".into(), amount, penalty: None };
    let campaigns = (0..60).map(|k| Campaign {
        id: format!("c{k}"),
        parties: Parties { licensor: Some(format!("l{}", k % 4)), ..Parties::default() },
        goals: if k % 5 == 0 { vec![goal(GoalKind::Floor, 150.0)] } else { vec![goal(GoalKind::Cap, 100.0 + 6.0 * f64::from(k))] },
        ..Campaign::default()
    });
    let mut log = Opportunities::builder(&["value", "displacement"]);
    for t in 0..14_000 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), market: Some(["SE", "NO"][(t % 2) as usize]), ..OpportunityRow::default() });
        for _ in 0..6 {
            let campaign = format!("c{}", (draw() * 60.0) as usize);
            let measures = [draw() as f32, 0.3 * draw() as f32];
            log.candidate(&CandidateRow { campaign: Some(&campaign), measures: &measures, ..CandidateRow::default() });
        }
    }
    let campaigns = Campaigns::new(campaigns.collect()).expect("campaigns");
    (Problem::from_toml(PROBLEM).expect("a problem"), log.finish().expect("a log"), campaigns)
}

fn solved(dual: &mut Dual<'_>, y: Vec<f64>) -> Solution {
    let limits = Limits {
        tolerance: 1e-4,
        passes: 1000.0,
        started: Instant::now(),
        time: None,
        cancelled: &|| false,
        observe: &|_, _, _| {},
        small: None,
        sample: None,
    };
    let solution = solve(dual, Start { y, cold: None, points: Vec::new(), pass: None }, &limits).expect("a solution");
    assert_eq!(solution.status, Status::Solved);
    solution
}

fn bits(solution: &Solution) -> Vec<u64> {
    let Point { cells, d, .. } = &solution.point;
    [solution.bound, solution.value].iter().chain(&solution.prices).chain(cells).chain(d).map(|v| v.to_bits()).collect()
}

#[test]
fn a_solve_over_shards_has_the_bits_of_one_over_the_whole() {
    let (problem, log, campaigns) = world();
    let settings = Settings::new().holdout(0.0);
    let inputs = Inputs::new(&problem, &log, &campaigns).expect("inputs");
    let prepared = inputs.prepare(&problem, &log, &settings).expect("a prepared log");
    let (weight, _) = inputs::split(&log, &settings);
    let promises = inputs.promises(&log, &prepared, &weight, None);
    let (class, classes) = inputs.classes();
    let (sample, _) = inputs.sample(&prepared, &class, classes.len(), &weight, None);
    let best_worth = sample.best_worth(&inputs.weights);
    let local = Recorded::new(Local::pack(&sample, 2).expect("threads"), None);
    let packed = local.packed().clone();
    let mut relaxed = Relaxed { inputs: &inputs, local, classes, tie_breadth: None, best_worth };
    let (mut whole, y, _, _) = relaxed.dual(&inputs.weights, &promises, None);
    let want = bits(&solved(&mut whole, y.clone()));
    assert!(whole.passes > 5.0 && packed.blocks() == 4, "{} passes over {} blocks", whole.passes, packed.blocks());
    for cuts in [vec![0, 1, 4], vec![0, 2, 3, 4]] {
        let shard = |cut: &[usize]| Local::shard(packed.clone(), cut[0]..cut[1], 1).expect("a shard");
        let mut shards = Sharded(cuts.windows(2).map(shard).collect());
        let (rows, groups, members) = (whole.rows.clone(), whole.groups.clone(), whole.members.clone());
        let mut dual = Dual::new(&mut shards, rows, groups, members, whole.units.clone(), whole.weights.clone());
        assert_eq!(bits(&solved(&mut dual, y.clone())), want, "{cuts:?}");
    }
}
