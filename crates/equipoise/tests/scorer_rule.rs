//! Under switches a request is served as if the campaigns that are off were unknown; without any, as the policy alone serves it.

mod serving;

use equipoise::model::{Campaign, Scope};
use equipoise::policy::Policy;
use equipoise::score::{Install, Measures, Scorer, Workspace};
use serving::{Ask, Outcome, Random, Who, ask, draft, limited, with_limits};

fn outcome(scorer: Option<&Scorer>, policy: &Policy, ask: &Ask, workspace: &mut Workspace) -> Result<Outcome, &'static str> {
    let (rows, flat) = (ask.rows(policy), ask.flat());
    let request = ask.request(policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
    let decision = match scorer {
        Some(scorer) => scorer.score(policy, &request, workspace),
        None => policy.score(&request, workspace),
    };
    let decision = decision.map_err(|e| e.code())?;
    Ok(Outcome {
        scores: decision.scores().iter().map(|s| s.to_bits()).collect(),
        picks: decision.picks().to_vec(),
        positions: decision.positions().to_vec(),
        reasons: decision.reasons().iter().map(|r| r.name()).collect(),
    })
}

/// Whether one of these switches stops the campaign, by the words of the rule.
fn is_off(campaign: &Campaign, off: &[(Scope, String)]) -> bool {
    off.iter().any(|(scope, id)| match scope {
        Scope::Campaign => campaign.id == *id,
        Scope::Artist => campaign.parties.artist.as_ref() == Some(id),
        Scope::Label => campaign.parties.label.as_ref() == Some(id),
        Scope::Licensor => campaign.parties.licensor.as_ref() == Some(id),
        _ => false,
    })
}

#[test]
fn what_is_off_might_as_well_be_unknown() {
    let mut random = Random(77);
    let (mut executed, mut kept_out, mut closed) = (0, 0, 0);
    // One workspace and one scorer throughout: what they keep from a policy or a switch before must not show.
    let (scorer, mut workspace, mut plain) = (Scorer::empty(), Workspace::default(), Workspace::default());
    while executed < 10_000 {
        let draft = draft(&mut random);
        let draft = with_limits(&mut random, draft);
        let campaigns: Vec<&Campaign> = draft.campaigns.iter().collect();
        let policy = Policy::new(&draft).expect("a good draft");
        scorer.install(&policy, Install::forced()).expect("forced");
        let mut off = Vec::new();
        for _ in 0..random.below(4) {
            let scope = *random.pick(&[Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface]);
            let id = match scope {
                Scope::Campaign if campaigns.is_empty() => "nobody".to_owned(),
                Scope::Campaign => random.pick(&campaigns).id.clone(),
                _ => format!("{}{}", scope.name(), random.below(4)),
            };
            scorer.switch(scope, &id, false).expect("a good switch");
            off.push((scope, id));
        }
        let named = |scope: Scope| off.iter().filter(move |(s, _)| *s == scope).map(|(_, id)| id);
        for _ in 0..20 {
            let ask = ask(&mut random, &draft);
            let ask = limited(&mut random, &draft, ask);
            let found = outcome(Some(&scorer), &policy, &ask, &mut workspace);
            // A segment is off by its name, and with those that the policy does not know by having none there.
            let market = ask.market.as_ref().filter(|m| policy.market(m) != equipoise::policy::NONE);
            let surface = ask.surface.as_ref().filter(|s| policy.surface(s) != equipoise::policy::NONE);
            let all = named(Scope::Market).any(|id| market.map_or(policy.market(id) == equipoise::policy::NONE, |m| m == id))
                || named(Scope::Surface).any(|id| surface.map_or(policy.surface(id) == equipoise::policy::NONE, |s| s == id));
            let mut other = ask.clone();
            for who in &mut other.who {
                if let Who::Campaign(id) = who
                    && campaigns.iter().any(|c| c.id == *id && (all || is_off(c, &off)))
                {
                    *who = Who::Campaign("nobody".to_owned());
                }
            }
            let (before, mut wanted) = (outcome(None, &policy, &ask, &mut plain), outcome(None, &policy, &other, &mut plain));
            if let (Ok(wanted), Ok(before)) = (&mut wanted, &before) {
                for i in 0..ask.who.len() {
                    if ask.who[i] != other.who[i] {
                        let admitted =
                            ["picked", "price", "outscored", "item", "artist", "label", "no_place", "rise", "relevance", "frequency"];
                        let stopped = admitted.contains(&before.reasons[i]);
                        wanted.reasons[i] = if stopped { "switched_off" } else { before.reasons[i] };
                        kept_out += usize::from(stopped);
                    }
                }
            }
            // One that fails may fail for less where nobody is left to score.
            if before.is_ok() {
                assert_eq!(found, wanted, "{off:?} {ask:?}");
                executed += 1;
                closed += usize::from(all);
            }
        }
        for (scope, id) in &off {
            scorer.switch(*scope, id, true).expect("a good switch");
        }
    }
    println!("executed {executed} requests, {closed} of them in segments that are off, {kept_out} candidates kept out");
    assert!(kept_out > 1_000 && closed > 300);
}
