//! Every path chooses the same, and what it chooses is what exact arithmetic would.

use equipoise_kernel::{Block, LANES, Lane, Margins, Path, Prices, Row, Scratch, Taker, choose_on};

/// Numbers without a crate: a linear congruence, top bits.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f32) as usize
    }
}

/// Everything that a choice says.
#[derive(Debug, Default, PartialEq)]
struct Said {
    taken: Vec<(usize, usize)>,
    near: Vec<(usize, usize)>,
    open: Vec<(usize, Vec<u32>)>,
}

impl Taker for Said {
    fn take(&mut self, _: &Block, row: usize, at: usize) {
        self.taken.push((row, at));
    }
    fn near(&mut self, _: &Block, row: usize, at: usize) {
        self.near.push((row, at));
    }
    fn open(&mut self, _: &Block, row: usize, candidates: &[u32]) {
        self.open.push((row, candidates.to_vec()));
    }
}

/// A block of two groups of rows of up to `longest` candidates; the last lanes are empty. Amounts are coarse where `ties`.
fn block(draw: &mut Draw, longest: usize, below: u32, ties: bool) -> Block {
    let mut rows = [[Row::EMPTY; LANES]; 2];
    let (mut columns, mut measures) = (Vec::new(), vec![Vec::new(); 3]);
    for (g, lanes) in rows.iter_mut().enumerate() {
        for (a, row) in lanes.iter_mut().enumerate().take(if g == 1 { 13 } else { LANES }) {
            let len = 1 + draw.below(longest) as u32;
            *row = Row { opportunity: a as u32, len, slots: 1 + draw.below(4) as u32, weight: 1.0 };
        }
        for j in 0..lanes.iter().map(|r| r.len).max().unwrap_or(0) {
            columns.extend(lanes.iter().map(|r| if j < r.len { draw.below(below as usize - 1) as u32 } else { below - 1 }));
            for m in &mut measures {
                m.push(Lane(std::array::from_fn(|_| if ties { draw.below(3) as f32 } else { draw.next() })));
            }
        }
    }
    Block::new(&rows, &columns, measures, below)
}

fn prices(draw: &mut Draw, below: u32, ties: bool) -> (Vec<f32>, Vec<Vec<f32>>) {
    let mut list = |last: f32| -> Vec<f32> {
        (0..below)
            .map(|c| {
                if c + 1 == below {
                    last
                } else if ties {
                    draw.below(3) as f32
                } else {
                    draw.next() - 0.2
                }
            })
            .collect()
    };
    (vec![0.1, 1.0, -0.5, 0.25], vec![list(1e30), Vec::new(), list(0.0), Vec::new()])
}

#[test]
fn every_path_says_the_same() {
    let mut draw = Draw(1);
    println!("paths: {:?}", Path::available());
    for below in [40, 70_000] {
        for longest in [1, 2, 7, 31, 32, 33, 200, 2000] {
            for ties in [false, true] {
                let block = block(&mut draw, longest, below, ties);
                let (base, column) = prices(&mut draw, below, ties);
                for gamma in [0.3, 0.01, 1e-7] {
                    let margins = Margins::new(gamma, 3.0 * gamma, 1e-5);
                    let said = |path: Path| {
                        let mut said = Said::default();
                        choose_on(path, &block, Prices { base: &base, column: &column }, margins, &mut Scratch::default(), &mut said);
                        said
                    };
                    let portable = said(Path::Portable);
                    for path in Path::available() {
                        assert_eq!(said(*path), portable, "{path:?}, rows up to {longest}, {below} columns, ridge {gamma}");
                    }
                    check(&block, &base, &column, gamma, &portable);
                }
            }
        }
    }
}

/// Decisions by f64 arithmetic over all candidates: whole ones are right, open rows miss no candidate that matters, no row is forgotten.
fn check(block: &Block, base: &[f32], column: &[Vec<f32>], gamma: f64, said: &Said) {
    for (r, row) in block.rows() {
        let mut net: Vec<(f64, usize)> = (0..row.len as usize)
            .map(|j| {
                let at = block.at(r, j);
                let charge = |m: usize| column[m].get(block.column(at)).map_or(0.0, |c| f64::from(*c));
                let amounts = block.amounts(at).enumerate();
                (
                    f64::from(base[0]) - charge(0)
                        + amounts.map(|(m, y)| (f64::from(base[m + 1]) - charge(m + 1)) * f64::from(y)).sum::<f64>(),
                    j,
                )
            })
            .collect();
        net.sort_by(|a, b| b.0.total_cmp(&a.0));
        let slots = row.slots as usize;
        let last = net.get(slots - 1).map_or(f64::NEG_INFINITY, |n| n.0);
        if let Some((_, open)) = said.open.iter().find(|(o, _)| *o == r) {
            for (net, j) in &net {
                if *net > 0.0 && *net > last - gamma {
                    assert!(open.contains(&(*j as u32)), "row {r} is open without candidate {j} of {net}");
                }
            }
            continue;
        }
        let mut taken: Vec<usize> = said.taken.iter().filter(|t| t.0 == r).map(|t| (t.1 - block.at(r, 0)) / LANES).collect();
        taken.sort_unstable();
        let mut want: Vec<usize> = net.iter().take(slots).filter(|n| n.0 > 0.0).map(|n| n.1).collect();
        want.sort_unstable();
        assert_eq!(taken, want, "row {r}");
        // Decided rows lead by the ridge: the projection on them is whole.
        if let Some((least, _)) = net.iter().take(slots).rfind(|n| n.0 > 0.0) {
            let next = net.get(want.len()).map_or(0.0, |n| n.0.max(0.0));
            assert!(*least >= gamma && (want.len() < slots || least - next >= gamma), "row {r} leads by too little");
        }
    }
}
