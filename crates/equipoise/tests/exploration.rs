//! Exploration: the propensity of a drawn slate is its probability, by enumeration and by frequency; draws repeat by key and can be turned off.

mod arranged;

use arranged::{Random, World};
use equipoise::policy::NONE;
use equipoise::score::{Request, Workspace};
use std::collections::HashMap;

/// The probability of every slate: the mixture of the uniform way to draw and the one by score.
fn probabilities(world: &World) -> HashMap<(Vec<u32>, Vec<u32>), f64> {
    let epsilon = world.slate.exploration.as_ref().map_or(0.0, |e| e.epsilon);
    let uniform = |_: &[usize], who: &[usize]| vec![1.0 / who.len() as f64; who.len()];
    let by_score = |picks: &[usize], who: &[usize]| world.by_score(picks, who);
    let mut all = HashMap::new();
    for (part, slates) in [(epsilon, world.slates(&uniform)), (1.0 - epsilon, world.slates(&by_score))] {
        for (picks, positions, p) in slates {
            let picks: Vec<u32> = picks.iter().map(|i| *i as u32).collect();
            *all.entry((picks, positions)).or_insert(0.0) += part * p;
        }
    }
    assert!((all.values().sum::<f64>() - 1.0).abs() < 1e-9);
    all
}

#[test]
fn a_propensity_is_the_probability_of_the_slate() {
    let mut random = Random(31);
    let mut workspace = Workspace::default();
    let (mut executed, mut drawn) = (0, 0);
    while executed < 1_500 {
        let mut world = World::random(&mut random, 5);
        world.explores(&mut random);
        if random.chance(40) {
            world.has_list_terms(&mut random);
        }
        if world.is_close() {
            continue;
        }
        let all = probabilities(&world);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        for _ in 0..4 {
            world.key = random.0;
            random.below(2);
            let request = world.request(&rows);
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            let slate = (decision.picks().to_vec(), decision.positions().to_vec());
            let expected = all.get(&slate).copied().unwrap_or(0.0);
            let found = decision.slate_propensity();
            assert!((found - expected).abs() <= 1e-9 * expected, "{found} for {expected}: {slate:?} of {world:?}");
            let random = world.slate.exploration.as_ref().is_some_and(equipoise::model::Exploration::is_random);
            assert_eq!(decision.propensities().len(), if random { slate.0.len() } else { 0 });
            let plain = world.plain().greedy().0;
            assert_eq!(decision.given_up(), world.value(&plain) - world.value(decision.picks()));
            drawn += usize::from(expected < 0.999);
        }
        executed += 1;
    }
    println!("executed {} draws, {drawn} of them not certain", 4 * executed);
    assert!(drawn > 1_000);
}

#[test]
fn slates_come_as_often_as_their_propensity_says() {
    let mut random = Random(32);
    let mut workspace = Workspace::default();
    let mut worlds = 0;
    while worlds < 12 {
        let mut world = World::random(&mut random, 5);
        world.explores(&mut random);
        if worlds % 3 == 2 {
            world.has_list_terms(&mut random);
        }
        let all = probabilities(&world);
        if all.values().filter(|p| **p > 0.01).count() < 4 || world.is_close() {
            continue;
        }
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let draws = 20_000;
        let mut counts: HashMap<(Vec<u32>, Vec<u32>), u32> = HashMap::new();
        for key in 0..draws {
            let request = Request { key, ..world.request(&rows) };
            let decision = policy.score(&request, &mut workspace).expect("a good request");
            *counts.entry((decision.picks().to_vec(), decision.positions().to_vec())).or_insert(0) += 1;
        }
        // Pearson's statistic over slates of at least five expected draws; the rest together are one more.
        let (mut statistic, mut cells, mut rare, mut rare_seen) = (0.0, 0_u32, 0.0, 0.0);
        for (slate, p) in &all {
            let (expected, seen) = (p * draws as f64, f64::from(counts.remove(slate).unwrap_or(0)));
            if expected >= 5.0 {
                statistic += (seen - expected).powi(2) / expected;
                cells += 1;
            } else {
                rare += expected;
                rare_seen += seen;
            }
        }
        assert!(counts.is_empty(), "slates of probability 0: {counts:?} of {world:?}");
        assert!((rare_seen - rare).abs() < 5.0 * rare.sqrt() + 5.0);
        // The mean of chi square is its degrees of freedom, its variance twice that: four standard deviations, and a little for few cells.
        let freedom = f64::from(cells);
        assert!(statistic < freedom + 4.5 * (2.0 * freedom).sqrt() + 4.0, "{statistic} with {cells} cells: {world:?}");
        worlds += 1;
    }
    println!("executed {worlds} times 20000 draws");
}

#[test]
fn the_same_key_draws_the_same_slate_and_requests_can_opt_out() {
    let mut random = Random(33);
    let (mut one, mut other) = (Workspace::default(), Workspace::default());
    let mut differ = 0;
    for _ in 0..500 {
        let mut world = World::random(&mut random, 8);
        world.explores(&mut random);
        let policy = world.policy();
        let again = equipoise::Policy::from_bytes(policy.to_bytes()).expect("a good policy");
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let decision = policy.score(&request, &mut one).expect("a good request");
        let repeated = again.score(&request, &mut other).expect("a good request");
        assert_eq!((decision.picks(), decision.positions()), (repeated.picks(), repeated.positions()));
        let bits = |list: &[f64]| list.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(decision.propensities()), bits(repeated.propensities()));
        assert_eq!(decision.given_up().to_bits(), repeated.given_up().to_bits());
        let drawn = decision.picks().to_vec();

        let off = Request { explore: false, ..request };
        let decision = policy.score(&off, &mut one).expect("a good request");
        assert_eq!(decision.picks(), world.plain().greedy().0);
        assert!(decision.propensities().is_empty() && decision.slate_propensity() == 1.0);
        differ += usize::from(decision.picks() != drawn);
    }
    assert!(differ > 50, "{differ}");
}

#[test]
fn only_positive_scores_are_explored() {
    let mut random = Random(34);
    let mut workspace = Workspace::default();
    for _ in 0..300 {
        let mut world = World::random(&mut random, 8);
        world.explores(&mut random);
        for (score, uncertainty) in world.scores.iter_mut().zip(&mut world.uncertainty) {
            (*score, *uncertainty) = if random.chance(50) { (0.0, 1e6) } else { (*score, *uncertainty) };
        }
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let decision = policy.score(&request, &mut workspace).expect("a good request");
        assert!(decision.picks().iter().all(|p| world.scores[*p as usize] > 0.0));
    }
}

#[test]
fn a_slate_whose_noise_is_drawn_once_has_the_bits_of_one_drawn_place_by_place() {
    let mut random = Random(35);
    let (mut once, mut by_place) = (Workspace::default(), Workspace::default());
    let (mut drawn, mut full, mut short) = (0, 0, 0);
    for case in 0..2_000 {
        let mut world = World::random(&mut random, 60);
        world.explores(&mut random);
        (world.slate.max_per_artist, world.slate.max_positions_up) = (None, None);
        (world.slate.slots, world.slate.visible) = (random.below(25) as u32, Some(1 + random.below(60) as u32));
        for score in &mut world.scores {
            // Some tie, some have no say.
            *score = if random.chance(30) { random.below(3) as f32 } else { *score };
        }
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        // With items, even such as nobody shares, picks may rule others out, and places are filled one by one.
        let nobody = vec![NONE; world.len()];
        let request = Request { item: None, ..world.request(&rows) };
        let with_items = Request { item: Some(&nobody), ..request };
        let own = policy.score(&request, &mut once).expect("a good request");
        let other = policy.score(&with_items, &mut by_place).expect("a good request");
        assert_eq!((own.picks(), own.positions()), (other.picks(), other.positions()), "case {case}");
        assert_eq!(own.reasons(), other.reasons(), "case {case}");
        let bits = |list: &[f64]| list.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(own.propensities()), bits(other.propensities()), "case {case}");
        assert_eq!(own.given_up().to_bits(), other.given_up().to_bits(), "case {case}");
        drawn += usize::from(own.slate_propensity() < 1.0);
        full += usize::from(own.picks().len() as u32 == world.slate.slots && own.picks().len() > 10);
        short += usize::from(own.reasons().contains(&equipoise::score::Reason::NoPlace));
    }
    assert!(drawn > 800 && full > 20 && short > 100, "{drawn}, {full}, {short}");
}
