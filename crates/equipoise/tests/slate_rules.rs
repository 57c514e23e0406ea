//! Slate rules against brute force: among all slates that keep every rule, the one that is best at the first place, then at the second, and so on.

mod arranged;

use arranged::{Random, World};
use equipoise::score::{Reason, Workspace};
use std::collections::BTreeMap;

/// Every way to fill the places under the rules.
fn all_slates(world: &World) -> Vec<Vec<Option<usize>>> {
    let places = world.places();
    let mut done = Vec::new();
    let mut stack = vec![Vec::new()];
    while let Some(filled) = stack.pop() {
        if filled.len() == places.len() {
            done.push(filled);
            continue;
        }
        for who in std::iter::once(None).chain((0..world.len()).map(Some)) {
            let filled: Vec<Option<usize>> = filled.iter().copied().chain([who]).collect();
            let taken = || filled.iter().zip(&places).filter_map(|(who, place)| who.map(|i| (i, *place)));
            let (picks, positions): (Vec<usize>, Vec<u32>) = taken().unzip();
            if world.keeps_the_rules(&picks, &positions) {
                stack.push(filled);
            }
        }
    }
    done
}

#[test]
fn the_best_at_the_first_place_then_at_the_second() {
    let mut random = Random(1);
    let mut workspace = Workspace::default();
    let mut reasons = BTreeMap::new();
    for case in 0..3_000 {
        let world = World::random(&mut random, 6);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let decision = policy.score(&request, &mut workspace).expect("a good request");

        // Nobody is the worst at a place; else the serving rule's order.
        let mut order: Vec<usize> = (0..world.len()).collect();
        order.sort_by(|a, b| {
            let key = |i: usize| (world.scores[i], world.organic[i]);
            key(*a).partial_cmp(&key(*b)).expect("finite").then(b.cmp(a))
        });
        let standing = |who: &Option<usize>| who.map_or(0, |i| 1 + order.iter().position(|o| *o == i).expect("all are there"));
        let best =
            all_slates(&world).into_iter().max_by_key(|slate| slate.iter().map(standing).collect::<Vec<_>>()).expect("the empty one");
        let (picks, positions): (Vec<u32>, Vec<u32>) =
            best.iter().zip(world.places()).filter_map(|(who, place)| who.map(|i| (i as u32, place))).unzip();
        assert_eq!((decision.picks(), decision.positions()), (picks.as_slice(), positions.as_slice()), "case {case}: {world:?}");
        assert!(decision.propensities().is_empty() && decision.given_up() == 0.0);
        for (i, reason) in decision.reasons().iter().enumerate() {
            *reasons.entry(reason.name()).or_insert(0) += 1;
            assert_eq!(*reason == Reason::Picked, decision.picks().contains(&(i as u32)));
            if *reason == Reason::Rise {
                let highest = world.rank(i) as u32 - world.slate.max_positions_up.expect("a limit");
                assert!(highest > world.slate.visible.expect("visible places"), "case {case}: {world:?}");
            }
        }
    }
    println!("executed 3000 slates: {reasons:?}");
    for reason in ["picked", "price", "outscored", "item", "artist", "no_place", "rise"] {
        assert!(reasons.contains_key(reason), "{reason} occurs in {reasons:?}");
    }
}

#[test]
fn a_limited_rise_needs_organic_scores() {
    let mut world = World::random(&mut Random(3), 6);
    world.slate.max_positions_up = Some(1);
    let policy = world.policy();
    let rows = vec![policy.row("c"); world.len()];
    let request = equipoise::score::Request { organic: None, ..world.request(&rows) };
    let error = policy.score(&request, &mut Workspace::default()).expect_err("no organic scores");
    assert_eq!((error.code(), error.argument()), ("invalid_input.missing", "organic"));
}
