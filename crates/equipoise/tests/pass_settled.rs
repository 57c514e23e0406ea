//! A pass that leaves settled opportunities out gives the same bits as one over all of them, wherever prices wander.

mod draw;

use draw::Draw;
use equipoise::exchange::{Ask, Exchange, Local, Packed, Prices, Sample};
use std::sync::Arc;

const CAMPAIGNS: usize = 100;
const CLASSES: usize = 2;

/// Two blocks of opportunities of 0 to 40 candidates: short groups and long ones, 0 to 2 slots and a few with 3, weights.
fn sample(seed: u64) -> Sample {
    let mut draw = Draw(seed);
    let mut s = Sample { starts: vec![0], measures: vec![Vec::new(); 2], campaigns: CAMPAIGNS, classes: CLASSES, ..Sample::default() };
    for _ in 0..6_000 {
        for _ in 0..draw.below(41) {
            s.campaign.push(draw.below(CAMPAIGNS) as u32);
            s.measures[0].push(draw.next() as f32);
            s.measures[1].push(if draw.next() < 0.3 { 0.0 } else { draw.next() as f32 });
        }
        s.starts.push(s.campaign.len() as u64);
        s.slots.push(if draw.next() < 0.02 { 3 } else { draw.below(3) as u32 });
        s.weight.push(0.1 + 3.0 * draw.next());
        s.class.push(draw.below(CLASSES) as u32);
    }
    s
}

/// Prices that hardly move but for a campaign that leaps now and then, some there and back; a smoothing that shrinks, grows and shrinks; once
/// everything elsewhere.
fn wander(seed: u64) -> Vec<Prices> {
    let mut draw = Draw(seed);
    let mut v: Vec<f64> = (0..CLASSES * 3).map(|i| [0.0, 1.0, -0.5][i % 3] - 0.1 * draw.next()).collect();
    let mut p: Vec<f64> = (0..CAMPAIGNS * 3).map(|i| if i % 3 == 1 { 0.0 } else { 0.8 * draw.next() - 0.2 }).collect();
    let mut passes = Vec::new();
    let mut back: Option<(usize, f64)> = None;
    for n in 0..120 {
        let gamma = if n == 70 { 4e-3 } else { 3e-4 * 0.98f64.powi(n) };
        let step = 0.3 * gamma;
        p.iter_mut().step_by(3).for_each(|p| *p += step * (draw.next() - 0.5));
        v.iter_mut().step_by(3).for_each(|v| *v += 0.1 * step * (draw.next() - 0.5));
        if let Some((k, by)) = back.take() {
            p[3 * k] -= by;
        } else if draw.next() < 0.15 {
            let (k, by) = (draw.below(CAMPAIGNS), [0.9, 10.0 * gamma, 60.0 * gamma][draw.below(3)]);
            p[3 * k] += by;
            back = (draw.next() < 0.6).then_some((k, by));
        }
        if n == 50 {
            for p in &mut p {
                *p *= 1.1;
            }
        }
        passes.push(Prices { v: v.clone(), p: p.clone(), gamma, near: 3.0 * gamma });
    }
    passes
}

#[test]
fn the_settled_are_where_a_whole_pass_finds_them() {
    let (mut evaluated, mut asked) = (0, 0);
    for seed in 1..=6 {
        let packed = Arc::new(Packed::new(&sample(seed)));
        let mut one = Local::new(packed.clone(), 1).expect("one thread");
        let mut three = Local::new(packed.clone(), 3).expect("three threads");
        let mut passes = 0;
        for (n, prices) in wander(seed + 100).into_iter().enumerate() {
            let ask = Ask::Prices(prices);
            // One that has seen nothing yet passes over everything.
            let want = Local::new(packed.clone(), 1).expect("one thread").pass(&ask).expect("a pass");
            assert_eq!(one.pass(&ask).expect("a pass"), want, "seed {seed}, pass {n}");
            assert_eq!(three.pass(&ask).expect("a pass"), want, "seed {seed}, pass {n}, three threads");
            passes += 1;
        }
        evaluated += one.evaluated();
        asked += passes * packed.layout().rows;
        assert_eq!(one.evaluated(), three.evaluated(), "seed {seed}");
    }
    assert!(evaluated < asked * 4 / 5, "{evaluated} of {asked} rows evaluated: too few were settled to tell");
}

#[test]
fn shards_that_settle_merge_to_the_same_bits() {
    let packed = Arc::new(Packed::new(&sample(9)));
    let mut whole = Local::new(packed.clone(), 1).expect("one thread");
    let mut shards: Vec<Local> = (0..packed.blocks()).map(|b| Local::shard(packed.clone(), b..b + 1, 1).expect("a shard")).collect();
    for prices in wander(9) {
        let ask = Ask::Prices(prices);
        let want = whole.pass(&ask).expect("a pass");
        let mut sums = shards.iter_mut().map(|s| s.pass(&ask).expect("a pass"));
        let mut all = sums.next().expect("a shard");
        sums.for_each(|s| all.merge(s));
        assert_eq!(all, want);
    }
}
