//! The blended order against every permutation of small lists, and the promise that no pick rises too far.

mod arranged;

use arranged::{Random, World};
use equipoise::policy::NONE;
use equipoise::score::{Blend, Workspace};

fn permutations(list: &[u32]) -> Vec<Vec<u32>> {
    if list.is_empty() {
        return vec![Vec::new()];
    }
    (0..list.len())
        .flat_map(|at| {
            let mut rest = list.to_vec();
            let first = rest.remove(at);
            permutations(&rest).into_iter().map(move |tail| std::iter::once(first).chain(tail).collect())
        })
        .collect()
}

/// Whether `order` is what the words say.
fn is_blended(world: &World, picks: &[u32], positions: &[u32], order: &[u32]) -> bool {
    let place = |row: u32| order.iter().position(|o| *o == row);
    let others: Vec<u32> = order.iter().copied().filter(|o| !picks.contains(o)).collect();
    // Picks stand where they should as long as enough others are left to stand above them; the rest stand last, by rank.
    let standing = picks.iter().zip(positions).enumerate().take_while(|(k, (_, p))| others.len() + k + 1 >= **p as usize).count();
    let mut rest = picks[standing..].to_vec();
    rest.sort_by_key(|p| world.rank(*p as usize));
    others.windows(2).all(|pair| world.rank(pair[0] as usize) < world.rank(pair[1] as usize))
        && (0..standing).all(|k| place(picks[k]) == Some(positions[k] as usize - 1))
        && order.ends_with(&rest)
}

#[test]
fn the_one_permutation_that_fits() {
    let mut random = Random(11);
    let mut blend = Blend::default();
    for case in 0..1_500 {
        let world = World::random(&mut random, 6);
        let n = world.len();
        let mut picks: Vec<u32> = Vec::new();
        let mut positions = Vec::new();
        for _ in 0..random.below(4) {
            let i = random.below(n) as u32;
            let same = |p: &u32| *p == i || world.item[*p as usize] == world.item[i as usize] && world.item[i as usize] != NONE;
            if !picks.iter().any(same) {
                picks.push(i);
                positions.push(positions.last().unwrap_or(&0) + 1 + random.below(3) as u32);
            }
        }
        let found = blend.order(n, Some(&world.organic), Some(&world.item), &picks, &positions).expect("good columns").to_vec();
        // One row of each item: the picked one, else the first.
        let rows: Vec<u32> = (0..n as u32)
            .filter(|i| {
                let same = |j: &u32| *j == *i || world.item[*j as usize] == world.item[*i as usize] && world.item[*i as usize] != NONE;
                let picked = picks.iter().find(|p| same(p));
                picked.map_or_else(|| (0..n as u32).find(|j| same(j)) == Some(*i), |p| p == i)
            })
            .collect();
        let fitting: Vec<Vec<u32>> =
            permutations(&rows).into_iter().filter(|order| is_blended(&world, &picks, &positions, order)).collect();
        assert_eq!(fitting, [found], "case {case}: {picks:?} at {positions:?} in {world:?}");
        for i in 0..n {
            assert_eq!(blend.ranks(n, Some(&world.organic), Some(&world.item)).expect("memory")[i] as usize, world.rank(i));
        }
    }
}

#[test]
fn no_pick_rises_further_than_the_slate_allows() {
    let mut random = Random(12);
    let mut workspace = Workspace::default();
    let (mut picked, mut rises) = (0, 0);
    for _ in 0..4_000 {
        let mut world = World::random(&mut random, 12);
        let up = random.below(4);
        world.slate.max_positions_up = Some(up as u32);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let picks = policy.score(&request, &mut workspace).expect("a good request").picks().to_vec();
        let order = policy.blend(&request, &mut workspace).expect("just scored");
        for p in picks {
            let place = 1 + order.iter().position(|o| *o == p).expect("every pick is there");
            let rank = world.rank(p as usize);
            assert!(rank <= place + up, "from {rank} to {place}: {world:?}");
            picked += 1;
            rises += usize::from(rank > place);
        }
    }
    println!("executed {picked} picks, {rises} of them above their organic rank");
    assert!(rises > 100);
}

#[test]
fn faults_name_argument_and_index() {
    let mut blend = Blend::default();
    let mut fault = |organic: &[f32], picks: &[u32], positions: &[u32]| {
        let error = blend.order(3, Some(organic), Some(&[1, 1, 2]), picks, positions).expect_err("a fault");
        (error.code(), error.argument().to_owned(), error.index())
    };
    let good = [0.5, 0.5, 0.1];
    assert_eq!(fault(&good[..2], &[], &[]), ("invalid_input.shape", "organic".into(), None));
    assert_eq!(fault(&[0.5, f32::NAN, 0.1], &[], &[]), ("invalid_input.not_finite", "organic".into(), Some(1)));
    assert_eq!(fault(&good, &[0], &[]), ("invalid_input.shape", "positions".into(), None));
    assert_eq!(fault(&good, &[3], &[1]), ("invalid_input.row", "picks".into(), Some(0)));
    assert_eq!(fault(&good, &[0, 1], &[1, 2]), ("invalid_input.duplicate", "picks".into(), Some(1)));
    assert_eq!(fault(&good, &[0, 2], &[2, 2]), ("invalid_input.range", "positions".into(), Some(1)));
    assert_eq!(fault(&good, &[0], &[0]), ("invalid_input.range", "positions".into(), Some(0)));
}
