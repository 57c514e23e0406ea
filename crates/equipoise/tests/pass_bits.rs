//! A pass gives the same bits on any number of threads and however its blocks are shared out.

mod draw;

use draw::Draw;
use equipoise::exchange::{Ask, Exchange, Local, Packed, Prices, Sample, Sums};
use std::sync::Arc;

/// Three blocks of opportunities of 0 to 40 candidates, 0 to 4 slots, weights, two segment classes.
fn sample() -> Sample {
    let mut draw = Draw(7);
    let (campaigns, classes) = (50, 2);
    let mut s = Sample { starts: vec![0], measures: vec![Vec::new(); 2], campaigns, classes, ..Sample::default() };
    for _ in 0..10_000 {
        for _ in 0..draw.below(41) {
            s.campaign.push(draw.below(campaigns) as u32);
            s.measures[0].push(draw.next() as f32);
            s.measures[1].push(if draw.next() < 0.3 { 0.0 } else { draw.next() as f32 });
        }
        s.starts.push(s.campaign.len() as u64);
        s.slots.push(draw.below(5) as u32);
        s.weight.push(0.1 + 3.0 * draw.next());
        s.class.push(draw.below(classes) as u32);
    }
    s
}

fn asks(campaigns: usize, classes: usize) -> Vec<Ask> {
    let mut draw = Draw(11);
    let mut asks = vec![Ask::Uniform];
    for gamma in [0.3, 0.05, 1e-3, 1e-6] {
        let v = (0..classes * 3).map(|i| [0.0, 1.0, -0.5][i % 3] - 0.1 * draw.next()).collect();
        let p = (0..campaigns * 3).map(|i| if i % 3 == 1 { 0.0 } else { draw.next() - 0.3 }).collect();
        asks.push(Ask::Prices(Prices { v, p, gamma, near: 3.0 * gamma }));
    }
    asks
}

#[test]
fn threads_do_not_change_a_bit() {
    let packed = Arc::new(Packed::new(&sample()));
    for ask in asks(50, 2) {
        let mut one = Local::new(packed.clone(), 1).expect("one thread");
        let want = one.pass(&ask).expect("a pass");
        for threads in [2, 7] {
            let got = Local::new(packed.clone(), threads).expect("threads").pass(&ask).expect("a pass");
            assert_eq!(got, want, "{threads} threads");
        }
    }
}

#[test]
fn shards_merged_from_bytes_give_the_same_bits() {
    let packed = Arc::new(Packed::new(&sample()));
    let blocks = packed.blocks();
    assert!(blocks >= 3, "several blocks");
    for ask in asks(50, 2) {
        let want = Local::new(packed.clone(), 1).expect("one thread").pass(&ask).expect("a pass");
        for cuts in [vec![0, 1, blocks], vec![0, 2, 2, blocks], (0..=blocks).collect()] {
            // Shards know only their own blocks and exchange nothing but bytes; the last comes first.
            let sums = cuts.windows(2).rev().map(|c| {
                let mut shard = Local::shard(packed.clone(), c[0]..c[1], 1).expect("a shard");
                Sums::from_bytes(&shard.pass(&ask).expect("a pass").to_bytes()).expect("own bytes")
            });
            let merged = sums.reduce(|mut all, more| {
                all.merge(more);
                all
            });
            let got = merged.expect("some shards");
            assert_eq!(got, want, "cuts {cuts:?}");
        }
    }
}

#[test]
fn decisions_add_up_to_the_sums() {
    let s = sample();
    let packed = Arc::new(Packed::new(&s));
    for ask in asks(50, 2) {
        let mut local = Local::new(packed.clone(), 1).expect("one thread");
        let sums = local.pass(&ask).expect("a pass");
        let layout = local.layout().clone();
        let columns = packed.columns_of().expect("blocks in memory");
        let mut cells = vec![0.0; layout.columns.len() * 3];
        let mut taken = vec![0.0; s.slots.len()];
        let mut opportunity = vec![0; s.campaign.len()];
        for t in 0..s.slots.len() {
            opportunity[s.starts[t] as usize..s.starts[t + 1] as usize].fill(t);
        }
        let decided = local.decide(&ask, |i, x| {
            let t = opportunity[i];
            taken[t] += x;
            assert!((0.0..=1.0).contains(&x));
            for (j, y) in [1.0, f64::from(s.measures[0][i]), f64::from(s.measures[1][i])].iter().enumerate() {
                cells[columns[i] as usize * 3 + j] += s.weight[t] * x * y;
            }
        });
        decided.expect("blocks in memory");
        for (t, x) in taken.iter().enumerate() {
            assert!(*x <= f64::from(s.slots[t]) + 1e-9, "slots of {t}");
        }
        for (i, want) in cells.iter().enumerate() {
            let got = layout.scales[i % 3].value(i128::from(sums.cells[i]));
            assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "cell {i}: {got} {want}");
        }
    }
}

#[test]
fn bytes_that_are_no_sums_are_refused() {
    let sums = Local::new(Arc::new(Packed::new(&sample())), 1).expect("one thread").pass(&asks(50, 2)[1]).expect("a pass");
    let bytes = sums.to_bytes();
    assert_eq!(Sums::from_bytes(&bytes).expect("own bytes"), sums);
    for cut in (0..bytes.len()).step_by(bytes.len() / 97) {
        assert_eq!(Sums::from_bytes(&bytes[..cut]).expect_err("truncated").code(), "invalid_input.shape");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Sums::from_bytes(&longer).is_err());
}
