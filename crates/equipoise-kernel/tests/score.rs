//! Every path admits, weighs and leads as plain arithmetic says, to the bit, for any number of candidates, prices and sets.

use equipoise_kernel::score::{
    Admission, Bench, Codes, Fill, HotRows, Measures, UNPRICED, Weighing, admit_on, lead_on, weigh_on, within_on,
};
use equipoise_kernel::{LANES, Path};

const CODES: Codes = Codes { scored: 1, positive: 2, organic: 7, unknown: 8, market: 9, surface: 10, flight: 11 };
const TAG: u32 = 0x5a00_0000;
const ORGANIC: u32 = u32::MAX - 1;
const UNKNOWN: u32 = u32::MAX;
const MARK: u32 = 0x7fc0_e910;
const LIMIT: f32 = 1e12;

/// Numbers without a crate: a linear congruence, top bits.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.next()) * n as u64) >> 32) as usize
    }

    /// Often one of few, so that scores tie.
    fn amount(&mut self) -> f32 {
        match self.below(8) {
            0 => 0.0,
            1..=3 => self.below(4) as f32 / 4.0,
            4 => 1e-40,
            _ => self.next() as f32 / 4e9,
        }
    }
}

struct Campaign {
    prices: Vec<f32>,
    sets: (u16, u16),
    flight: (i64, i64),
}

struct Instance {
    campaigns: Vec<Campaign>,
    rows: HotRows,
    width: usize,
    markets: Vec<u32>,
    surfaces: Vec<u32>,
    time: Option<i64>,
    candidates: Vec<u32>,
    /// One per measure.
    columns: Vec<Vec<f32>>,
    organic: Vec<f32>,
    values: Vec<f32>,
    priced: Vec<u32>,
    filled: Option<usize>,
    tie: Option<Vec<f32>>,
}

fn instance(draw: &mut Draw, n: usize) -> Instance {
    let width = draw.below(10);
    let many = draw.below(4) == 0;
    let (market_sets, surface_sets) = (1 + draw.below(if many { 3_000 } else { 20 }), 1 + draw.below(600));
    let count = 1 + draw.below(60);
    let instant = |draw: &mut Draw| match draw.below(6) {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => (1 << 40) + draw.below(3) as i64,
        _ => draw.below(5) as i64 - 2,
    };
    let campaigns: Vec<Campaign> = (0..count)
        .map(|_| Campaign {
            prices: (0..width).map(|_| draw.amount() - 0.5).collect(),
            sets: (draw.below(market_sets) as u16, draw.below(surface_sets) as u16),
            flight: (instant(draw), instant(draw)),
        })
        .collect();
    let mut rows = HotRows::new(count as u32, width).expect("memory");
    rows.fill(|c, prices| {
        let campaign = &campaigns[c as usize];
        prices.copy_from_slice(&campaign.prices);
        (campaign.sets.0, campaign.sets.1, campaign.flight)
    });
    let bits = |draw: &mut Draw, sets: usize| -> Vec<u32> { (0..sets.div_ceil(512) * 16).map(|_| draw.next() | draw.next()).collect() };
    let m = draw.below(21);
    let filled = (m > 0 && draw.below(2) == 0).then(|| draw.below(m));
    let columns = (0..m)
        .map(|j| {
            let unwritten = filled == Some(j);
            (0..n).map(|_| if unwritten && draw.below(4) > 0 { f32::from_bits(MARK) } else { draw.amount() }).collect()
        })
        .collect();
    let candidates = (0..n)
        .map(|_| match draw.below(6) {
            0 => UNKNOWN,
            1 | 2 => ORGANIC,
            _ => TAG | draw.below(count) as u32,
        })
        .collect();
    Instance {
        markets: bits(draw, market_sets),
        surfaces: bits(draw, surface_sets),
        time: (draw.below(3) > 0).then(|| instant(draw)),
        candidates,
        columns,
        organic: (0..n).map(|_| draw.amount() - 0.25).collect(),
        values: (0..=m).map(|_| draw.amount() - 0.25).collect(),
        priced: (0..=m).map(|_| if width > 0 && draw.below(2) == 0 { draw.below(width) as u32 } else { UNPRICED }).collect(),
        filled,
        tie: (draw.below(4) == 0).then(|| (0..n).map(|_| draw.amount()).collect()),
        campaigns,
        rows,
        width,
    }
}

/// Codes and score bits, plainly.
fn expected(of: &Instance, reference: f32) -> (Vec<u8>, Vec<u32>) {
    let holds = |bits: &[u32], set: u16| bits[set as usize / 32] >> (set % 32) & 1 == 1;
    let one = |(i, number): (usize, &u32)| {
        let campaign = match *number {
            UNKNOWN => return (CODES.unknown, 0),
            ORGANIC => return (CODES.organic, 0),
            row => &of.campaigns[(row & 0xff_ffff) as usize],
        };
        if !holds(&of.markets, campaign.sets.0) {
            return (CODES.market, 0);
        }
        if !holds(&of.surfaces, campaign.sets.1) {
            return (CODES.surface, 0);
        }
        if of.time.is_some_and(|time| time < campaign.flight.0 || time > campaign.flight.1) {
            return (CODES.flight, 0);
        }
        let rate = |j: usize| of.values[j] - if of.priced[j] == UNPRICED { 0.0 } else { campaign.prices[of.priced[j] as usize] };
        let mut s = rate(0);
        for (j, column) in of.columns.iter().enumerate() {
            let mut y = column[i];
            if of.filled == Some(j) && y.to_bits() == MARK {
                let lost = reference - of.organic[i];
                y = if lost > 0.0 { lost } else { 0.0 };
            }
            let product = rate(j + 1) * y;
            s += product;
        }
        if let Some(tie) = &of.tie {
            let product = 0.125 * tie[i];
            s += product;
        }
        let s = if s == 0.0 { 0.0 } else { s };
        (if s > 0.0 { CODES.positive } else { CODES.scored }, s.to_bits())
    };
    of.candidates.iter().enumerate().map(one).unzip()
}

fn bench(of: &Instance) -> Bench {
    let mut bench = Bench::default();
    bench.reserve(of.candidates.len(), of.width).expect("memory");
    bench.begin(of.candidates.len(), of.width);
    bench
}

fn admission(of: &Instance) -> Admission<'_> {
    let (markets, surfaces) = (of.markets.as_slice(), of.surfaces.as_slice());
    Admission { rows: &of.rows, tag: TAG, organic: ORGANIC, unknown: UNKNOWN, markets, surfaces, time: of.time, codes: CODES }
}

#[test]
fn every_path_gives_the_same_bits() {
    println!("paths: {:?}", Path::available());
    let mut draw = Draw(3);
    let mut positive = 0;
    for case in 0..600 {
        let n = if case % 50 == 0 { 1_000 + draw.below(70) } else { draw.below(150) };
        let of = instance(&mut draw, n);
        let reference = draw.amount();
        let (codes, scores) = expected(&of, reference);
        let m = of.columns.len();
        // What lies between columns and rows is NaN, which nobody may read.
        let flat: Vec<f32> = of.columns.iter().flat_map(|c| c.iter().copied().chain([f32::NAN; 3])).collect();
        let rows: Vec<f32> = (0..n).flat_map(|i| of.columns.iter().map(move |c| c[i]).chain([f32::NAN; 2])).collect();
        let long: Vec<Vec<f32>> = of.columns.iter().map(|c| [&[f32::NAN; 5], c.as_slice()].concat()).collect();
        let slices: Vec<&[f32]> = long.iter().map(Vec::as_slice).collect();
        let layouts = [
            Measures::Columns { values: &flat, stride: n + 3 },
            Measures::Rows { values: &rows, stride: m + 2 },
            Measures::Slices { columns: &slices, offset: 5 },
        ];
        for path in Path::available() {
            for measures in layouts {
                let (mut bench, mut campaigns, mut found) = (bench(&of), vec![0; n], vec![f32::NAN; n]);
                assert!(admit_on(*path, &of.candidates, &admission(&of), &mut campaigns, &mut bench));
                let weighing = Weighing {
                    measures,
                    values: &of.values,
                    columns: &of.priced,
                    limit: LIMIT,
                    fill: of.filled.map(|measure| Fill { measure, mark: MARK, reference, organic: Some(&of.organic) }),
                    tie: of.tie.as_ref().map(|u| (0.125, u.as_slice())),
                    codes: CODES,
                };
                assert!(weigh_on(*path, &weighing, &mut found, &mut bench), "all amounts are good");
                assert_eq!(bench.codes(), codes, "case {case}, {path:?}");
                assert_eq!(found.iter().map(|s| s.to_bits()).collect::<Vec<_>>(), scores, "case {case}, {path:?}");
                for (number, campaign) in of.candidates.iter().zip(&campaigns) {
                    let own = number ^ TAG;
                    assert_eq!(*campaign, own.min(of.rows.campaigns()));
                }
                check_leaders(*path, &found, &bench, &mut draw);
            }
        }
        positive += scores.iter().filter(|s| f32::from_bits(**s) > 0.0).count();
    }
    assert!(positive > 5_000, "{positive}");
}

/// All from the bar on, at least as many as are needed, in order where it says so.
fn check_leaders(path: Path, scores: &[f32], bench: &Bench, draw: &mut Draw) {
    let need = [0, 1, 3, 10, 12, 13, 48, 49, 255][draw.below(9)];
    let mut leaders = Vec::with_capacity(scores.len() + LANES);
    let (bar, in_order) = lead_on(path, scores, need, bench, &mut leaders);
    assert!(bar > 0.0);
    let from_bar: Vec<u32> = (0..scores.len() as u32).filter(|i| scores[*i as usize] >= bar).collect();
    let positive = scores.iter().filter(|s| **s > 0.0).count();
    assert!(from_bar.len() >= need.min(positive), "{} of {need}, {positive} positive", from_bar.len());
    let mut sorted = leaders.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, from_bar);
    if in_order {
        assert!(leaders.windows(2).all(|pair| scores[pair[0] as usize] > scores[pair[1] as usize]));
    }
}

#[test]
fn what_is_not_good_is_noticed_wherever_it_stands() {
    let mut draw = Draw(5);
    for case in 0..300 {
        let n = 1 + draw.below(140);
        let mut of = instance(&mut draw, n);
        let stranger = [TAG | of.rows.campaigns(), TAG ^ 0x100_0000, 0x00ff_fff0][draw.below(3)];
        let at = draw.below(n);
        let whole = of.candidates[at];
        for path in Path::available() {
            of.candidates[at] = stranger;
            assert!(!admit_on(*path, &of.candidates, &admission(&of), &mut vec![0; n], &mut bench(&of)), "case {case}, {path:?}");
            of.candidates[at] = whole;
        }
        if of.columns.is_empty() {
            continue;
        }
        let j = draw.below(of.columns.len());
        let bad = [f32::NAN, f32::INFINITY, -1e-45, -1.0, 1.000_001e12, f32::NEG_INFINITY, -f32::NAN][draw.below(7)];
        of.columns[j][at] = bad;
        let (flat, rows) = (of.columns.concat(), (0..n).flat_map(|i| of.columns.iter().map(move |c| c[i])).collect::<Vec<f32>>());
        for path in Path::available() {
            for measures in [Measures::Columns { values: &flat, stride: n }, Measures::Rows { values: &rows, stride: of.columns.len() }] {
                let mut bench = bench(&of);
                assert!(admit_on(*path, &of.candidates, &admission(&of), &mut vec![0; n], &mut bench));
                let fill = of.filled.map(|measure| Fill { measure, mark: MARK, reference: 0.5, organic: None });
                let weighing = Weighing { measures, values: &of.values, columns: &of.priced, limit: LIMIT, fill, tie: None, codes: CODES };
                assert!(!weigh_on(*path, &weighing, &mut vec![0.0; n], &mut bench), "case {case}, {path:?}: {bad}");
            }
            let mut organic = of.organic.clone();
            assert!(within_on(*path, &organic, LIMIT));
            organic[at] = if bad == -1.0 || bad == -1e-45 { -1.1e12 } else { bad };
            assert!(!within_on(*path, &organic, LIMIT), "case {case}, {path:?}: {bad}");
        }
    }
}
