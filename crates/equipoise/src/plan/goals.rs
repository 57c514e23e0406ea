//! From goals to ledgers: one stated promise per ledger, in the order in which prices are folded.

use crate::error::{Faults, codes, quote};
use crate::model::{Campaigns, Goal, GoalKind, Ledger, Per, Problem, RelativeTo, Scope};
use crate::policy::Roster;
use crate::utility::{AlphaFair, Fairness, Promise, Share};
use std::collections::HashMap;

/// A ledger with what is promised on it.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) ledger: Ledger,
    pub(super) promise: Promise,
    /// A guardrail's fraction is taken of this; its bound is known once the sample is.
    pub(super) relative_to: Option<RelativeTo>,
}

/// All promises of a problem and its campaigns.
#[derive(Debug, Clone, Default)]
pub(super) struct Goals {
    /// Names that `stated` point to.
    pub(super) names: Vec<String>,
    pub(super) stated: Vec<Stated>,
}

/// Where the goals' names point: measures (`exposure` first), and the roster's keys.
pub(super) struct Context<'a> {
    pub(super) measures: &'a [String],
    pub(super) roster: &'a Roster,
    /// Markets and surfaces of the log: those that a `per` goal speaks of.
    pub(super) markets: usize,
    pub(super) surfaces: usize,
}

impl Goals {
    /// Expands every goal. Names that do not resolve are added to `faults`.
    pub(super) fn new(problem: &Problem, campaigns: &Campaigns, context: &Context<'_>, faults: &mut Faults) -> Self {
        let mut goals = Self::default();
        for (i, goal) in problem.goals.iter().enumerate() {
            goals.add(goal, i, context, faults);
        }
        let mut order: Vec<_> = campaigns.iter().filter_map(|c| context.roster.find(&c.id).map(|k| (k, c))).collect();
        order.sort_by_key(|o| o.0);
        let mut named: HashMap<(GoalKind, &str), u32> = HashMap::new();
        for (key, campaign) in order {
            for g in &campaign.goals {
                let Some(measure) = context.measure(&g.measure) else { continue };
                let goal = *named.entry((g.kind, g.measure.as_str())).or_insert_with(|| {
                    goals.names.push(format!("{} {}", kind_name(g.kind), g.measure));
                    goals.names.len() as u32 - 1
                });
                let promise = match g.kind {
                    GoalKind::Floor => Promise::floor(g.amount, g.penalty),
                    GoalKind::Target => Promise::target(g.amount, g.penalty),
                    _ => Promise::cap(g.amount),
                };
                let ledger = Ledger { goal, kind: g.kind, measure, scope: Scope::Campaign, key, inside: 1.0, outside: 0.0 };
                goals.stated.push(Stated { ledger, promise, relative_to: None });
            }
        }
        goals
    }

    fn add(&mut self, goal: &Goal, index: usize, context: &Context<'_>, faults: &mut Faults) {
        let Some(measure) = context.measure(&goal.measure) else { return };
        let Some((scope, keys)) = context.keys(goal, index, faults) else { return };
        let mut name = |side: &str| {
            let plain = plain_name(goal);
            self.names.push(if side.is_empty() { plain } else { format!("{plain} {side}") });
            self.names.len() as u32 - 1
        };
        // Both sides of a share are ledgers of their own: their coefficients differ.
        let both = goal.kind == GoalKind::Share && goal.at_least.is_some() && goal.at_most.is_some();
        let mut sides: Vec<(u32, f64, f64, Promise, Option<RelativeTo>)> = Vec::new();
        match goal.kind {
            GoalKind::Cap => sides.push((name(""), 1.0, 0.0, Promise::cap(goal.at_most.unwrap_or(f64::INFINITY)), None)),
            GoalKind::Floor => sides.push((name(""), 1.0, 0.0, Promise::floor(goal.at_least.unwrap_or(0.0), goal.penalty), None)),
            GoalKind::Target => sides.push((name(""), 1.0, 0.0, Promise::target(goal.target.unwrap_or(0.0), goal.penalty), None)),
            GoalKind::Guardrail => {
                let bound = goal.at_most_total.or(goal.at_most).unwrap_or(f64::INFINITY);
                sides.push((name(""), 1.0, 0.0, Promise::guardrail(bound), goal.at_most.and(goal.relative_to)));
            }
            GoalKind::Share => {
                if let Some(s) = goal.at_least {
                    let (inside, outside) = Share::coefficients(s);
                    sides.push((name(if both { "at least" } else { "" }), inside, outside, Promise::share_at_least(goal.penalty), None));
                }
                if let Some(s) = goal.at_most {
                    let (inside, outside) = Share::coefficients(s);
                    sides.push((name(if both { "at most" } else { "" }), inside, outside, Promise::share_at_most(goal.penalty), None));
                }
            }
            GoalKind::AlphaFair => {
                let fair = AlphaFair::new(goal.weight.unwrap_or(1.0), goal.alpha.unwrap_or(1.0), goal.offset.unwrap_or(1.0));
                sides.push((name(""), 1.0, 0.0, Fairness::Alpha(fair).into(), None));
            }
            GoalKind::MaxMin => {
                let goal_index = name("");
                let weights = context.weights(goal, index, scope, &keys, faults);
                for (key, t) in keys.iter().zip(weights) {
                    let ledger = Ledger { goal: goal_index, kind: goal.kind, measure, scope, key: *key, inside: 1.0, outside: 0.0 };
                    let promise = Fairness::Member { weight: goal.weight.unwrap_or(1.0), t }.into();
                    self.stated.push(Stated { ledger, promise, relative_to: None });
                }
            }
        }
        for (goal_index, inside, outside, promise, relative_to) in sides {
            for key in &keys {
                let ledger = Ledger { goal: goal_index, kind: goal.kind, measure, scope, key: *key, inside, outside };
                self.stated.push(Stated { ledger, promise: promise.clone(), relative_to });
            }
        }
    }
}

impl Context<'_> {
    fn measure(&self, name: &str) -> Option<u32> {
        self.measures.iter().position(|m| m == name).map(|i| i as u32)
    }

    /// The weights of a group's members: 1 where the goal gives none. Names that are no member's are added to `faults`.
    fn weights(&self, goal: &Goal, index: usize, scope: Scope, keys: &[u32], faults: &mut Faults) -> Vec<f64> {
        let mut weights = vec![1.0; keys.len()];
        for (name, weight) in goal.weights.iter().flatten() {
            match self.roster.key(scope, name).and_then(|k| keys.iter().position(|own| *own == k)) {
                Some(at) => weights[at] = *weight,
                None => faults.push(codes::UNKNOWN_NAME, &format!("goals[{index}].weights.{}", quote(name)), None, || {
                    format!("{} is no {} that the goal counts over", quote(name), scope.name())
                }),
            }
        }
        weights
    }

    /// The scope of a goal and the keys it speaks of.
    fn keys(&self, goal: &Goal, index: usize, faults: &mut Faults) -> Option<(Scope, Vec<u32>)> {
        if let Some(per) = goal.per {
            let (scope, keys) = match per {
                Per::Campaign => (Scope::Campaign, self.roster.len()),
                Per::Artist => (Scope::Artist, self.roster.keys(Scope::Artist)),
                Per::Label => (Scope::Label, self.roster.keys(Scope::Label)),
                Per::Licensor => (Scope::Licensor, self.roster.keys(Scope::Licensor)),
                Per::Market => (Scope::Market, self.markets),
                Per::Surface => (Scope::Surface, self.surfaces),
                Per::All => (Scope::All, 1),
            };
            if keys == 0 && scope != Scope::Campaign {
                let message = || format!("no {} is known: the log or the campaign table has no such column", scope.name());
                faults.push(codes::UNKNOWN_NAME, &format!("goals[{index}].per"), None, message);
                return None;
            }
            return Some((scope, (0..keys as u32).collect()));
        }
        let (kind, name) = goal.of.iter().flatten().next()?;
        let scope = match kind.as_str() {
            "campaign" => Scope::Campaign,
            "artist" => Scope::Artist,
            "label" => Scope::Label,
            "licensor" => Scope::Licensor,
            "market" => Scope::Market,
            _ => Scope::Surface,
        };
        let key = self.roster.key(scope, name).filter(|k| match scope {
            Scope::Market => (*k as usize) < self.markets,
            Scope::Surface => (*k as usize) < self.surfaces,
            _ => true,
        });
        if key.is_none() {
            faults.push(codes::UNKNOWN_NAME, &format!("goals[{index}].of.{}", scope.name()), None, || {
                format!("{} is not known to the log or the campaign table", quote(name))
            });
        }
        Some((scope, vec![key?]))
    }
}

/// The name of a goal in tables, without the side that a share of two sides adds.
pub(super) fn plain_name(goal: &Goal) -> String {
    let place = match (&goal.per, &goal.of) {
        (Some(Per::All), _) => "in all".to_owned(),
        (Some(per), _) => format!("per {}", Scope::from(*per).name()),
        (None, of) => of.iter().flatten().next().map_or_else(String::new, |(k, v)| format!("of {k}={v}")),
    };
    goal.name.clone().unwrap_or_else(|| format!("{} {} {place}", kind_name(goal.kind), goal.measure))
}

/// The name of a goal kind in documents and tables.
pub(super) fn kind_name(kind: GoalKind) -> &'static str {
    match kind {
        GoalKind::Cap => "cap",
        GoalKind::Floor => "floor",
        GoalKind::Target => "target",
        GoalKind::AlphaFair => "alpha_fair",
        GoalKind::MaxMin => "max_min",
        GoalKind::Share => "share",
        GoalKind::Guardrail => "guardrail",
    }
}
