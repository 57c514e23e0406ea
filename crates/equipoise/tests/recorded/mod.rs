//! Records of random decisions.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use super::arranged::{self, World};
use super::serving::{self, Random};
use equipoise::model::Scope;
use equipoise::policy::Policy;
use equipoise::score::{Breakers, DecisionRecord, Gates, Measures, Recording, Switches, Workspace};

pub const ALL: Recording = Recording { terms: true, candidates: true };

/// Records of random requests: by plain rules with everything that a policy may refuse for, and by every other rule.
pub fn records(seed: u64, count: usize) -> Vec<(Policy, DecisionRecord)> {
    let mut random = Random(seed);
    let mut workspace = Workspace::default();
    let mut list = Vec::new();
    while list.len() < count {
        let draft = serving::draft(&mut random);
        let draft = serving::with_limits(&mut random, draft);
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..4 {
            let ask = serving::ask(&mut random, &draft);
            let ask = serving::limited(&mut random, &draft, ask);
            let (rows, flat) = (ask.rows(&policy), ask.flat());
            let mut request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
            let mut switches = Switches::default();
            if random.chance(30) && !draft.campaigns.is_empty() {
                switches.set(Scope::Campaign, &draft.campaigns.get(0).id, false).expect("a good id");
            }
            let gates = Gates::new(&policy, &switches, &Breakers::default());
            request.gates = Some(&gates);
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            list.push((policy.clone(), decision.record(ALL).expect("just scored")));
        }
        let mut own = arranged::Random(random.next());
        let mut world = World::random(&mut own, 9);
        world.explores(&mut own);
        world.has_list_terms(&mut own);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let decision = policy.score(&request, &mut workspace).expect("a good request");
        list.push((policy.clone(), decision.record(ALL).expect("just scored")));
    }
    list
}
